//! Records of a table: what a request may ask, what a value may be, how both are carried out.

pub mod query;
pub mod transfer;
