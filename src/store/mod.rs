//! Everything kept: SQLite databases and the files beside them. Nothing outside this module names SQLite.

pub mod jsonb;
pub mod query;
