//! The second factor, as sign-in asks for it (`03-auth.md` §7).

use super::sign_in::Attempt;
use crate::domain::environment::Environment;
use crate::domain::error::Result;
use crate::store::data::UserRow;
use crate::store::{Reader, Tx};

/// Whether a user has turned it on.
pub fn is_enabled(_: &Reader<'_>, _user_id: &str) -> Result<bool> {
    Ok(false)
}

/// Forgets everything about the second factor of a user who leaves.
pub fn forget(_: &mut Tx<'_>, _user_id: &str) -> Result<()> {
    Ok(())
}

/// What sign-in asks once everything else is right: `Ok(Err(…))` keeps what was written, such as an `mfaToken`.
pub fn gate(_: &mut Tx<'_>, _: &Environment, _: &UserRow, _: &Attempt) -> super::Verdict<()> {
    Ok(Ok(()))
}
