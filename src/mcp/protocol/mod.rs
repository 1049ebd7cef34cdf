//! The protocol itself, whatever carries it: messages, versions, methods (`01-mcp.md` §2). Types and results are those of
//! the official SDK; sessions, batches and the exact errors are decided here.

pub mod calls;
pub mod fault;
pub mod greeting;
pub mod message;
pub mod methods;
pub mod stateless;
pub mod subscription;
pub mod version;

pub use calls::Calls;
pub use fault::Fault;
pub use message::{Body, Message, Request};
