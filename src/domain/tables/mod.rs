//! Tables: their names, schemas, indexes and permissions, and what a change of one means (`02-data.md` §1, §2, §7, §8, §11).
//! Everything here is pure: it works on JSON values and touches no store.

pub mod check;
pub mod convert;
pub mod document;
pub mod expression;
pub mod field;
mod field_build;
pub mod field_change;
mod field_expand;
mod field_merge;
pub mod field_plan;
mod field_types;
pub mod index_change;
pub mod index_def;
pub mod name;
pub mod ops;
pub mod pattern;
pub mod permission_rules;
pub mod permissions;
mod permissions_parse;
pub mod plan;
pub mod relations;
pub mod schema;
pub mod schema_document;
mod schema_parse;
pub mod spec;
pub mod table;
mod totals;
pub mod value;
