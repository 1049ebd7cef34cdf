//! End users of an environment: who they are and what they tell of themselves.

mod access;
mod account;
mod admin_changes;
mod changes;
mod create;
mod fields;
pub mod image;
pub mod import;
mod import_entry;
mod list;
mod me;
mod person;
pub mod profile;
mod removal;
mod settings;
pub mod stand_in;
mod support;
mod update;

pub use access::{Asker, Target};
pub use account::{NewSession, NewUser, create, end_session, me, open_session, set_banned, set_role};
pub use changes::Part;
pub use list::UserQuery;
pub use me::{LinkedAccount, Me};
pub use person::{Person, ProfileView, PublicUser, User, UserAnswer};
pub use profile::Profile;
pub use removal::{delete, withdraw};
pub use settings::{Notifications, OnboardingView, Preferences, PublicSettings};
