//! Mail of authentication on its way: to somebody who exists, or with the same effort to nobody.

use std::time::{Duration, Instant};

use super::one_time::{self, New};
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::mail::Outgoing;
use crate::domain::users::Profile;
use crate::store::Tx;
use crate::store::data::UserRow;

/// Answers about mail leave at multiples of this after their request came.
const BEAT: Duration = Duration::from_millis(25);

/// Does `work`, and keeps its result until the next beat: what is left of a difference between somebody and nobody, such as
/// a mail that goes to the disk and the log, does not show in the time an answer takes.
pub async fn on_the_beat<T>(work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let result = work.await;
    let beats = u32::try_from(begun.elapsed().as_nanos() / BEAT.as_nanos() + 1).unwrap_or(u32::MAX);
    tokio::time::sleep_until((begun + BEAT * beats).into()).await;
    result
}

/// Writes a mail, in the language of its user.
pub fn send(tx: &mut Tx<'_>, environment: &Environment, mail: Outgoing, user: Option<&UserRow>) -> Result<()> {
    let profile = user.map(|user| Profile::parse(&user.profile)).transpose()?.unwrap_or_default();
    environment.put_mail(tx, &mail.user(user.and_then(|u| u.name.as_deref()), profile.locale())).map(drop)
}

/// Does what a mail with a secret would cost, and leaves nothing behind: whether an address has an account must not show in
/// the time an answer takes, and a secret that waits for the same address, of an invited or a changing one, goes on waiting.
pub fn send_nothing(tx: &mut Tx<'_>, environment: &Environment, new: New<'_>, mail: impl FnOnce(&str) -> Outgoing) -> Result<()> {
    // Undone on purpose; the pages that were written are committed all the same.
    let _: Result<()> = tx.nested(|tx| {
        let token = one_time::issue(tx, environment.now(), new)?;
        environment.put_mail(tx, &mail(&token))?;
        Err(Error::internal("nobody is to get this mail"))
    });
    Ok(())
}
