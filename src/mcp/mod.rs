//! The face AI tools see: tools, resources, prompts and context. It knows neither HTTP nor the command line; `http` and
//! `cli` carry its messages.

mod completion;
pub mod connection;
mod context;
pub mod narrowing;
mod prompts;
pub mod protocol;
mod resources;
mod tools;

pub use connection::Connection;
pub use narrowing::Narrowing;
