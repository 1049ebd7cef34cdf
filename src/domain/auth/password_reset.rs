//! A forgotten password, replaced by way of a mail (`03-auth.md` §5).

use std::sync::Arc;

use serde_json::Map;
use url::Url;

use super::events::{self, Event};
use super::one_time::{self, New, OneTime, Purpose, State};
use super::password::{self, Match};
use super::redirects::with_parameters;
use super::throttle::Rule;
use super::{Email, Visit, invitation_answer, post, sign_up, tokens};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::mail::{Outgoing, Template};
use crate::domain::time::Millis;
use crate::store::data::UserRow;
use crate::store::{Reader, Tx};

const LIFETIME: Millis = 24 * 60 * 60 * 1000;

/// Mails a link to choose a new password with, if the address has an account that may come in; answers alike if not.
///
/// # Errors
/// 429 `auth/too-many-code-requests`.
pub async fn request(environment: &Arc<Environment>, visit: &Visit, email: &Email, callback: Option<&Url>) -> Result<()> {
    environment.count_mail(Purpose::PasswordReset.name(), email.as_str(), visit)?;
    let configured = environment.auth_config().urls.password_reset_url.clone();
    let target = match (callback, configured) {
        (Some(url), _) => url.clone(),
        (None, Some(url)) => Url::parse(&url).map_err(Error::internal)?,
        (None, None) => Url::parse(&format!("{}/v1/auth/pages/reset", visit.own_url)).map_err(Error::internal)?,
    };
    let (this, email) = (Arc::clone(environment), email.clone());
    let write = environment.data().write::<_, Error, _>(move |tx| {
        let mail = |token: &str| {
            let link = with_parameters(&target, &[("token", token), ("email", email.as_str())]);
            Outgoing::link(Template::PasswordReset, email.as_str(), link, token, LIFETIME / 1000)
        };
        let new = |user_id| New { purpose: Purpose::PasswordReset, address: email.as_str(), user_id, payload: Map::new(), lifetime: LIFETIME };
        let user = tx.reader().user_by_email(email.as_str())?.filter(|u| !tokens::is_banned(u.banned, u.banned_until, this.now()));
        let Some(user) = user else { return post::send_nothing(tx, &this, new(None), mail) };
        let token = one_time::issue(tx, this.now(), new(Some(&user.id)))?;
        post::send(tx, &this, mail(&token), Some(&user))
    });
    post::on_the_beat(write).await
}

/// Replaces the password. Every session ends, the address counts as verified, and the sign-in lock is lifted.
///
/// # Errors
/// 404 `auth/verification-token-not-found`; 401 `auth/verification-token-expired`; 400 of the policy,
/// `auth/same-as-previous-password`, neither of which uses the token up.
pub async fn confirm(environment: &Arc<Environment>, visit: &Visit, email: &Email, token: &str, new_password: &str) -> Result<()> {
    environment.count_peer(Rule::Probe, visit)?;
    let (this, address, text) = (Arc::clone(environment), email.clone(), token.to_owned());
    let stored = environment
        .data()
        .read::<_, Error, _>(move |r| {
            let (_, user) = living(r, &this, &address, &text)?;
            Ok(r.password_of(&user.id)?.map(|p| p.hash))
        })
        .await?;
    let policy = &environment.auth_config().email.password_policy;
    let accepted = password::accept(policy, "newPassword", new_password)?;
    refuse_the_same(environment, &accepted, stored.as_deref()).await?;
    let hash = password::hash(environment.passwords(), &accepted).await?;
    let (this, visit, address, text) = (Arc::clone(environment), visit.clone(), email.clone(), token.to_owned());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let (found, user) = living(&tx.reader(), &this, &address, &text)?;
            replace(tx, &this, &visit, &found, user, &hash)
        })
        .await?;
    environment.clear_guesses(email.as_str());
    Ok(())
}

/// Whether a link could still be used, for the page it leads to.
///
/// # Errors
/// 404 `auth/verification-token-not-found`; 401 `auth/verification-token-expired`.
pub async fn check_link(environment: &Arc<Environment>, visit: &Visit, email: &Email, token: &str) -> Result<()> {
    environment.count_peer(Rule::Probe, visit)?;
    let (this, email, token) = (Arc::clone(environment), email.clone(), token.to_owned());
    environment.data().read::<_, Error, _>(move |r| living(r, &this, &email, &token).map(drop)).await
}

/// # Errors
/// 400 `auth/same-as-previous-password`.
pub(super) async fn refuse_the_same(environment: &Environment, password: &str, stored: Option<&str>) -> Result<()> {
    let Some(stored) = stored else { return Ok(()) };
    if password::compare(environment.passwords(), password, stored).await? == Match::No {
        return Ok(());
    }
    Err(Error::new(Code::SAME_PASSWORD, "newPassword is the password the account has already; choose another"))
}

fn living(r: &Reader<'_>, environment: &Environment, email: &Email, token: &str) -> Result<(OneTime, UserRow)> {
    let not_found = || Error::new(Code::VERIFICATION_TOKEN_NOT_FOUND, "The reset link is not valid, was used already or was replaced; ask for a new one");
    let found = one_time::look_up(r, environment.now(), Purpose::PasswordReset, token)?;
    let found = found.filter(|f| f.address == email.as_str()).ok_or_else(not_found)?;
    match found.state {
        State::Live => {}
        State::Expired => return Err(Error::new(Code::VERIFICATION_TOKEN_EXPIRED, "The reset link has expired; ask for a new one")),
        State::Used | State::Void => return Err(not_found()),
    }
    let user = found.user_id.as_deref().map(|id| r.user(id)).transpose()?.flatten();
    let user = user.filter(|u| u.email.as_deref() == Some(email.as_str()) && !tokens::is_banned(u.banned, u.banned_until, environment.now()));
    Ok((found, user.ok_or_else(not_found)?))
}

fn replace(tx: &mut Tx<'_>, environment: &Environment, visit: &Visit, found: &OneTime, mut user: UserRow, hash: &str) -> Result<()> {
    let now = environment.now();
    tx.set_password(&user.id, hash, now)?;
    if !tx.reader().accounts_of(&user.id)?.iter().any(|a| a.provider == "email") {
        sign_up::add_email_account(tx, &user, now)?;
    }
    user.email_verified = user.email_verified.or(Some(now));
    user.updated_at = now;
    tx.update_user(&user)?;
    tx.delete_sessions_of(&user.id, None)?;
    one_time::void_doors(tx, &user.id, user.email.as_deref())?;
    one_time::use_up(tx, &found.id)?;
    events::record(tx, environment, Event::of("password_reset", &user.id, visit))?;
    invitation_answer::grant_waiting(tx, environment, visit, &user.id)
}
