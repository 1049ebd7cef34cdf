//! bkend-local: a whole backend on a developer's own machine.
//!
//! Three faces ([`cli`], [`http`], [`mcp`]) call one [`domain`], which keeps its state in one [`store`].
//! `docs/ARCHITECTURE.md` is the map.

pub mod cli;
pub mod domain;
pub mod http;
pub mod mcp;
pub mod store;
