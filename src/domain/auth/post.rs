//! Mail of authentication on its way: to somebody who exists, or with the same effort to nobody.

use super::one_time::{self, New};
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::mail::Outgoing;
use crate::domain::users::Profile;
use crate::store::Tx;
use crate::store::data::UserRow;

/// Writes a mail, in the language of its user.
pub fn send(tx: &mut Tx<'_>, environment: &Environment, mail: Outgoing, user: Option<&UserRow>) -> Result<()> {
    let profile = user.map(|user| Profile::parse(&user.profile)).transpose()?.unwrap_or_default();
    environment.put_mail(tx, &mail.user(user.and_then(|u| u.name.as_deref()), profile.locale())).map(drop)
}

/// Does what a mail with a secret would cost, and leaves nothing that anybody could use: whether an address has an account
/// must not show in the time an answer takes.
pub fn send_nothing(tx: &mut Tx<'_>, environment: &Environment, new: New<'_>, mail: impl FnOnce(&str) -> Outgoing) -> Result<()> {
    let address = new.address.to_owned();
    let purpose = new.purpose;
    let token = one_time::issue(tx, environment.now(), new)?;
    tx.void_one_time(purpose.name(), &address)?;
    // Undone on purpose.
    let _: Result<()> = tx.nested(|tx| {
        environment.put_mail(tx, &mail(&token))?;
        Err(Error::internal("nobody is to get this mail"))
    });
    Ok(())
}
