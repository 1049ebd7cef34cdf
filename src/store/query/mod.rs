//! One query language: an AST, its translation to SQL, and an evaluator for live subscriptions.

pub mod ast;
