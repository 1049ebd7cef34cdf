//! What a list-like request asks for, read into the store's syntax tree (`02-data.md` §6).
//!
//! Query string or JSON body go in, decoded; filters, order, page, selection come out, or one error that names the
//! parameter. Who may ask for it is decided elsewhere, from the `named_fields` of each query.

mod aggregate;
mod bracket;
mod changes;
mod conditions;
mod cursor;
mod filter;
mod include;
mod kinds;
mod list;
mod operand;
mod operators;
mod options;
mod params;
mod path;
mod search;
mod select;
mod sort;
#[cfg(test)]
mod tests;

pub use aggregate::AggregateQuery;
pub use changes::{ChangesQuery, TablesQuery};
pub use cursor::{Begin, Cursor};
pub use include::Include;
pub use kinds::{Kinds, SYSTEM_FIELDS, Undeclared, is_system};
pub use list::{Condition, ListQuery, ReadQuery, filter_from_json, row_filters};
pub use operand::{date_text, number, read_text};
pub use options::{Format, ImportOptions, Mode, OnBadRow};
pub use params::Params;
pub use select::{Pick, Select};
