//! End users of an environment, as far as records need them: who they are, their role, their living sessions.

mod account;
pub mod stand_in;
pub mod token;

pub use account::{AuthSettings, NewSession, NewUser, create, end_session, open_session, set_banned, set_role};
