//! Records of a table: what a request may ask, what a value may be, how both are carried out.

pub mod aggregate;
pub mod answer;
pub mod by_filter;
pub mod cache;
pub mod changes;
pub mod explain;
pub mod export;
mod feed;
mod gate;
pub mod import;
mod include;
pub mod live;
mod live_snapshot;
pub mod live_table;
pub mod operation;
pub mod patch;
mod patch_apply;
mod patch_parse;
pub mod query;
pub mod read;
pub mod seed;
pub mod system_fields;
mod tally;
pub mod transaction;
pub mod transfer;
mod unique;
mod upsert;
pub mod values;
pub mod write;

pub(in crate::domain) use gate::table_not_found;
pub use gate::{Grant, Records};
