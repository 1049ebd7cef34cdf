//! Proving that an address is one's own, and changing it (`03-auth.md` §4).

use std::sync::Arc;

use serde_json::Map;
use url::Url;

use super::events::{self, Event};
use super::one_time::{self, New, OneTime, Purpose, State};
use super::throttle::Rule;
use super::{Email, Visit, expired_link, invalid_link, invitation_answer, post, sign_up};
use crate::domain::backend::Backend;
use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::mail::{Outgoing, Template};
use crate::domain::time::Millis;
use crate::store::data::UserRow;
use crate::store::{Reader, Tx};

const LIFETIME: Millis = 24 * 60 * 60 * 1000;

/// The two kinds of verification; their tokens are not interchangeable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `signup/email/…`
    SignUp,
    /// `email/verify/…`
    Contact,
}

impl Family {
    pub fn purpose(self) -> Purpose {
        match self {
            Self::SignUp => Purpose::SignupVerification,
            Self::Contact => Purpose::ContactVerification,
        }
    }

    fn template(self) -> Template {
        match self {
            Self::SignUp => Template::SignupConfirmation,
            Self::Contact => Template::EmailVerification,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::SignUp => "/v1/auth/signup/email/confirm",
            Self::Contact => "/v1/auth/email/verify/confirm",
        }
    }
}

/// Asks whoever reads the mail of an address to confirm it: the account that has it, or, when the caller has another one, the
/// caller's change of address.
///
/// # Errors
/// 400 `auth/already-verified`; 409 `auth/email-already-exists`; 429 `auth/too-many-code-requests`.
pub async fn send(
    environment: &Arc<Environment>,
    visit: &Visit,
    family: Family,
    email: &Email,
    callback: Option<&Url>,
    caller: Option<&EndUser>,
) -> Result<()> {
    environment.count_mail(family.purpose().name(), email.as_str(), visit)?;
    let letter = Letter { family, email: email.clone(), callback: callback.cloned(), own_url: visit.own_url.clone() };
    let (this, caller) = (Arc::clone(environment), caller.map(|c| c.id.clone()));
    let write = environment.data().write::<_, Error, _>(move |tx| {
        if let Some(id) = &caller
            && let Some(user) = tx.reader().user(id)?
            && user.email.as_deref() != Some(letter.email.as_str())
        {
            return letter.ask_to_change(tx, &this, &user);
        }
        letter.ask_to_verify(tx, &this)
    });
    post::on_the_beat(write).await
}

/// Writes the mail that a new account is confirmed by, in the transaction that makes it.
pub fn welcome(tx: &mut Tx<'_>, environment: &Environment, user: &UserRow, callback: Option<&Url>, visit: &Visit) -> Result<()> {
    let email = Email::parse(user.email.as_deref().unwrap_or_default())?;
    let letter = Letter { family: Family::SignUp, email, callback: callback.cloned(), own_url: visit.own_url.clone() };
    letter.write(tx, environment, user, false)
}

/// A verification mail about to be written.
struct Letter {
    family: Family,
    email: Email,
    callback: Option<Url>,
    own_url: String,
}

impl Letter {
    fn ask_to_change(&self, tx: &mut Tx<'_>, environment: &Environment, user: &UserRow) -> Result<()> {
        if user.is_anonymous {
            return Err(Error::invalid_parameter("email", "An anonymous user gets an address by POST /v1/auth/email/signup"));
        }
        if tx.reader().user_by_email(self.email.as_str())?.is_some() {
            return Err(Error::new(Code::EMAIL_ALREADY_EXISTS, "Another account has this email; choose another address"));
        }
        self.write(tx, environment, user, true)
    }

    fn ask_to_verify(&self, tx: &mut Tx<'_>, environment: &Environment) -> Result<()> {
        let Some(user) = tx.reader().user_by_email(self.email.as_str())? else { return self.write_to_nobody(tx, environment) };
        if user.email_verified.is_none() {
            return self.write(tx, environment, &user, false);
        }
        if environment.auth_config().email.disclose_accounts {
            return Err(Error::new(Code::ALREADY_VERIFIED, "This address is verified already"));
        }
        self.write_to_nobody(tx, environment)
    }

    fn secret<'a>(&'a self, user_id: Option<&'a str>, is_change: bool) -> New<'a> {
        let payload = Map::from_iter([("change".to_owned(), is_change.into())]);
        New { purpose: self.family.purpose(), address: self.email.as_str(), user_id, payload, lifetime: LIFETIME }
    }

    fn mail(&self, token: &str) -> Outgoing {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("token", token).append_pair("email", self.email.as_str());
        if let Some(callback) = &self.callback {
            query.append_pair("callbackUrl", callback.as_str());
        }
        let link = format!("{}{}?{}", self.own_url, self.family.path(), query.finish());
        Outgoing::link(self.family.template(), self.email.as_str(), link, token, LIFETIME / 1000)
    }

    fn write(&self, tx: &mut Tx<'_>, environment: &Environment, user: &UserRow, is_change: bool) -> Result<()> {
        let token = one_time::issue(tx, environment.now(), self.secret(Some(&user.id), is_change))?;
        post::send(tx, environment, self.mail(&token), Some(user))
    }

    fn write_to_nobody(&self, tx: &mut Tx<'_>, environment: &Environment) -> Result<()> {
        post::send_nothing(tx, environment, self.secret(None, false), |token| self.mail(token))
    }
}

/// Confirms an address by the token that was mailed to it. A used link succeeds again while the address is still verified.
///
/// # Errors
/// 401 `auth/invalid-token`, `auth/token-expired`; 409 `auth/email-already-exists` when a new address was taken meanwhile.
pub async fn confirm(environment: &Arc<Environment>, visit: &Visit, family: Family, email: &Email, token: &str) -> Result<()> {
    environment.count_peer(Rule::Probe, visit)?;
    let (this, visit, email, token) = (Arc::clone(environment), visit.clone(), email.clone(), token.to_owned());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let (found, user) = match check(tx, &this, family, &email, &token)? {
                Found::Again => return Ok(()),
                Found::Live(found, user) => (found, user),
            };
            verify(tx, &this, &visit, &found, *user)
        })
        .await
}

/// What [`confirm`] would answer, without doing it.
///
/// # Errors
/// As [`confirm`].
pub async fn would_confirm(environment: &Arc<Environment>, visit: &Visit, family: Family, email: &Email, token: &str) -> Result<()> {
    environment.count_peer(Rule::Probe, visit)?;
    let (this, email, token) = (Arc::clone(environment), email.clone(), token.to_owned());
    environment.data().write::<_, Error, _>(move |tx| check(tx, &this, family, &email, &token).map(drop)).await
}

enum Found {
    /// Used before, and the address is still verified.
    Again,
    Live(OneTime, Box<UserRow>),
}

fn check(tx: &mut Tx<'_>, environment: &Environment, family: Family, email: &Email, token: &str) -> Result<Found> {
    let found = one_time::look_up(&tx.reader(), environment.now(), family.purpose(), token)?;
    let found = found.filter(|f| f.address == email.as_str()).ok_or_else(invalid_link)?;
    let user = found.user_id.as_deref().map(|id| tx.reader().user(id)).transpose()?.flatten().ok_or_else(invalid_link)?;
    let is_own = user.email.as_deref() == Some(found.address.as_str());
    match found.state {
        State::Used if is_own && user.email_verified.is_some() => Ok(Found::Again),
        State::Used | State::Void => Err(invalid_link()),
        State::Expired => Err(expired_link()),
        State::Live if is_own || is_change(&found) => Ok(Found::Live(found, Box::new(user))),
        State::Live => Err(invalid_link()),
    }
}

fn is_change(found: &OneTime) -> bool {
    found.payload.get("change").and_then(serde_json::Value::as_bool).unwrap_or_default()
}

fn verify(tx: &mut Tx<'_>, environment: &Environment, visit: &Visit, found: &OneTime, mut user: UserRow) -> Result<()> {
    let now = environment.now();
    let before = user.email.replace(found.address.clone());
    let changed = before.as_deref() != Some(found.address.as_str());
    if changed || user.email_verified.is_none() {
        user.email_verified = Some(now);
        user.updated_at = now;
    }
    tx.update_user(&user).map_err(sign_up::taken)?;
    if changed {
        tx.move_email_account(&user.id, &found.address).map_err(sign_up::taken)?;
        one_time::void_all(tx, &user.id, before.as_deref())?;
    }
    one_time::use_up(tx, &found.id)?;
    events::record(tx, environment, Event::of(if changed { "email_changed" } else { "email_verified" }, &user.id, visit))?;
    invitation_answer::grant_waiting(tx, environment, visit, &user.id)
}

impl Backend {
    /// The environment that a mailed link belongs to: links are opened without a key.
    ///
    /// # Errors
    /// 429 `auth/too-many-requests`.
    pub async fn environment_of_link(self: &Arc<Self>, visit: &Visit, purpose: Purpose, token: &str) -> Result<Option<Arc<Environment>>> {
        self.count_probe(visit)?;
        let found = self.environment_of_secret(purpose, token).await?;
        if found.is_none() {
            self.count_stray(visit).await?;
        }
        Ok(found)
    }

    /// The environment that made a secret.
    pub(super) async fn environment_of_secret(self: &Arc<Self>, purpose: Purpose, token: &str) -> Result<Option<Arc<Environment>>> {
        if one_time::token_hash(token).is_none() {
            return Ok(None);
        }
        let token = token.to_owned();
        self.environment_where(move |r, now| Ok(one_time::look_up(r, now, purpose, &token)?.is_some())).await
    }

    /// The first environment of which something holds at the time there.
    pub(super) async fn environment_where(
        self: &Arc<Self>,
        holds: impl Fn(&Reader<'_>, Millis) -> Result<bool> + Clone + Send + Sync + 'static,
    ) -> Result<Option<Arc<Environment>>> {
        let rows = self.control().read::<_, Error, _>(|r| Ok(r.all_environments()?)).await?;
        for row in rows {
            let environment = match self.environment(&row.id).await {
                Ok(environment) => environment,
                // Deleted meanwhile.
                Err(error) if error.code() == Code::ENVIRONMENT_NOT_FOUND => continue,
                Err(error) => return Err(error),
            };
            let (holds, now) = (holds.clone(), environment.now());
            if environment.data().read::<_, Error, _>(move |r| holds(r, now)).await? {
                return Ok(Some(environment));
            }
        }
        Ok(None)
    }
}
