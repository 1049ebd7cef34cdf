//! `data.db` of an environment: tables, records, users, sessions, changes, outbox. One file per table.

mod accounts;
mod auth_events;
mod changes;
pub(super) mod content;
mod files;
mod indexes;
mod invitations;
mod mail;
mod mail_templates;
mod mfa;
mod one_time;
mod outbox;
mod records;
pub(super) mod rekey;
mod sessions;
mod simulator;
mod stats;
mod tables;
mod uploads;
mod user_list;
mod users;

pub use accounts::AccountRow;
pub use auth_events::{AuthEventFilter, AuthEventRow};
pub use changes::{ChangeRow, KEPT as CHANGES_KEPT, Op};
pub use content::{Parts, unclassified};
pub use files::{FileFilter, FileRow, FileSort, Sight};
pub use indexes::{Duplicates, IndexPart, IndexPlan, Unique, index_statements};
pub use invitations::{InvitationFilter, InvitationRow};
pub use mail::{MailFilter, MailRow};
pub use mail_templates::MailTemplateRow;
pub use mfa::MfaRow;
pub use one_time::OneTimeRow;
pub use outbox::OutboxRow;
pub use records::{Record, Violation, violation};
pub use rekey::Move;
pub use sessions::SessionRow;
pub use simulator::SimulatorIdentityRow;
pub use stats::{EnvironmentCounts, Firsts};
pub use tables::{TableRow, VersionKind, VersionRow};
pub use uploads::{ObjectRow, PartRow, ServedRow, Stale, UploadRow};
pub use user_list::{UserFilter, UserOrder};
pub use users::{PasswordRow, SessionState, UserRow};

/// An SQL identifier in double quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
