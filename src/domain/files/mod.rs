//! Stored files: what is known of them, who may read them, and their bytes (`05-storage.md`).

pub mod conditions;
pub mod disposition;
pub mod ranges;
pub mod serving;
pub mod signature;
