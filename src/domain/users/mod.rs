//! End users of an environment: who they are and what they tell of themselves.

mod account;
mod me;
pub mod profile;
mod removal;
pub mod stand_in;

pub use account::{NewSession, NewUser, create, end_session, me, open_session, set_banned, set_role};
pub use me::{LinkedAccount, Me};
pub use profile::Profile;
pub use removal::{delete, withdraw};
