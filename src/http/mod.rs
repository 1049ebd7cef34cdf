//! The HTTP face: routes, headers and bodies; every decision is the domain's.

pub mod address;
pub mod body;
pub mod context;
mod cors;
pub mod error;
pub mod reply;
pub mod rest;
pub mod routing;
pub mod server;
mod state;

pub use error::{ApiError, ApiResult};
pub use state::State;
