//! `data.db` of an environment: tables, records, users, sessions, changes, outbox. One file per table.

mod outbox;
mod stats;
mod users;

pub use outbox::OutboxRow;
pub use stats::{EnvironmentCounts, Firsts};
pub use users::{SessionRow, SessionState, UserRow};
