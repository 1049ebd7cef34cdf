//! The face AI tools see: tools, resources, prompts and context. It knows neither HTTP nor the command line; `http` and
//! `cli` carry its messages.

pub mod connection;
pub mod narrowing;
pub mod protocol;

pub use connection::Connection;
pub use narrowing::Narrowing;
