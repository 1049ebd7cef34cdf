//! Rows of files: read for import, written for export (`02-data.md` §9). Nothing here touches a table.

mod csv_rows;
mod export;
mod import;
mod json_rows;
mod wrappers;

pub use export::{Exporter, csv_columns};
pub use import::{Row, read_rows};
