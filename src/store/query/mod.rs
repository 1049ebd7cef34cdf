//! One query language: an AST, its translation to SQL, and an evaluator for live subscriptions.
//!
//! [`list::Query`] makes the statements of lists, counts and aggregates, [`eval::Matcher`] judges single records. Both
//! run the same compiled filter and the same tests.

pub mod aggregate;
pub mod ast;
mod compile;
pub mod eval;
mod fold;
mod functions;
pub mod list;
mod order;
pub mod sql;
mod times;
mod value;

#[cfg(test)]
mod tests;

pub(in crate::store) use fold::folded;
pub use functions::register_functions;
