//! `log.db` of an environment: its request log and what it did minute by minute. One file per table.

mod minutes;
mod requests;

pub use minutes::MinuteRow;
pub use requests::{RequestFilter, RequestOrder, RequestRow};
