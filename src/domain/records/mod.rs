//! Records of a table: what a request may ask, what a value may be, how both are carried out.

pub mod patch;
mod patch_apply;
mod patch_parse;
pub mod query;
pub mod system_fields;
pub mod transfer;
pub mod values;
