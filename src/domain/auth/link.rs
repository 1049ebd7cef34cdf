//! Signing in, or up, by a link or a code from a mail (`03-auth.md` §3).

use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::events::{self, Event};
use super::one_time::{self, New, OneTime, Purpose, State};
use super::redirects::with_parameters;
use super::sign_in::{Attempt, Method, complete};
use super::throttle::Rule;
use super::{Email, TokenPair, Verdict, Visit, expired_link, invalid_link, invitation_answer, mfa, name, post, sign_up};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::mail::{Outgoing, Template};
use crate::domain::time::Millis;
use crate::domain::users::Profile;
use crate::store::Tx;
use crate::store::data::UserRow;

const MINUTE: Millis = 60_000;
/// A mailed code lives this long.
const CODE_LIFETIME: Millis = 10 * MINUTE;

/// What somebody who signs up by link said besides the address.
#[derive(Debug, Clone, Default)]
pub struct Besides {
    pub name: Option<String>,
    pub nickname: Option<String>,
    /// The token of an invitation that using the link accepts; it opens a sign-up that is closed.
    pub invitation: Option<String>,
}

/// Mails a link that signs in, or registers when it is used.
///
/// # Errors
/// 400 `auth/magiclink-disabled`, `auth/magiclink-not-available-for-social`; 429 `auth/too-many-code-requests`; those of
/// [`invitation_answer::accept`].
pub async fn request_link(environment: &Arc<Environment>, visit: &Visit, email: &Email, callback: &Url, besides: Besides) -> Result<()> {
    let config = environment.auth_config();
    if !config.email.magic_link_enabled {
        return Err(Error::new(Code::MAGICLINK_DISABLED, "Sign-in by mailed link is switched off in this environment"));
    }
    if besides.invitation.is_some() {
        environment.count_peer(Rule::Probe, visit)?;
    }
    environment.count_mail(Purpose::MagicLink.name(), email.as_str(), visit)?;
    let lifetime = Millis::from(config.email.magic_link_expiration_minutes) * MINUTE;
    let (this, email, callback) = (Arc::clone(environment), email.clone(), callback.clone());
    let write = environment.data().write::<_, Error, _>(move |tx| {
        let invitation = besides.invitation.map(|token| invitation_answer::open(&tx.reader(), this.now(), &token, Some(&email))).transpose()?;
        let recipient = recipient(tx, &this, &email, invitation.is_some())?;
        let known = [("name", besides.name), ("nickname", besides.nickname), ("invitation", invitation.map(|row| row.id))];
        let payload: Map<String, Value> = known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))).collect();
        let new = |user_id| New { purpose: Purpose::MagicLink, address: email.as_str(), user_id, payload, lifetime };
        let mail = |token: &str| {
            let link = with_parameters(&callback, &[("token", token)]);
            Outgoing::link(Template::MagicLink, email.as_str(), link, token, lifetime / 1000)
        };
        let Some(recipient) = recipient else { return post::send_nothing(tx, &this, new(None), mail) };
        let token = one_time::issue(tx, this.now(), new(recipient.user.as_ref().map(|u| u.id.as_str())))?;
        post::send(tx, &this, mail(&token), recipient.user.as_ref())
    });
    post::on_the_beat(write).await
}

/// Mails a code of six digits.
///
/// # Errors
/// As [`request_link`].
pub async fn request_code(environment: &Arc<Environment>, visit: &Visit, email: &Email) -> Result<()> {
    if !environment.auth_config().email.email_code_enabled {
        return Err(Error::new(Code::MAGICLINK_DISABLED, "Sign-in by mailed code is switched off in this environment"));
    }
    environment.count_mail(Purpose::EmailCode.name(), email.as_str(), visit)?;
    let (this, email) = (Arc::clone(environment), email.clone());
    let write = environment.data().write::<_, Error, _>(move |tx| {
        let recipient = recipient(tx, &this, &email, false)?;
        let new = |user_id| New { purpose: Purpose::EmailCode, address: email.as_str(), user_id, payload: Map::new(), lifetime: CODE_LIFETIME };
        let mail = |code: &str| Outgoing::code(email.as_str(), code, CODE_LIFETIME / 1000);
        let Some(recipient) = recipient else { return post::send_nothing(tx, &this, new(None), mail) };
        let code = one_time::issue_code(tx, &this, new(recipient.user.as_ref().map(|u| u.id.as_str())))?;
        post::send(tx, &this, mail(&code), recipient.user.as_ref())
    });
    post::on_the_beat(write).await
}

/// Who would get the mail.
struct Recipient {
    user: Option<UserRow>,
}

/// `None` when nobody gets one: sign-up is closed, or accounts are not disclosed.
fn recipient(tx: &mut Tx<'_>, environment: &Environment, email: &Email, is_invited: bool) -> Result<Option<Recipient>> {
    let config = environment.auth_config();
    let user = tx.reader().user_by_email(email.as_str())?;
    // The same work whether or not there is an account.
    let accounts = tx.reader().accounts_of(user.as_ref().map_or("", |user| user.id.as_str()))?;
    let Some(user) = user else {
        return Ok((config.email.signup_enabled || is_invited).then_some(Recipient { user: None }));
    };
    if !accounts.is_empty() && accounts.iter().all(|a| a.provider != "email") {
        if !config.email.disclose_accounts {
            return Ok(None);
        }
        let message = "This account signs in through a provider only; use that, or set a password by a reset mail";
        return Err(Error::new(Code::MAGICLINK_SOCIAL, message));
    }
    Ok(Some(Recipient { user: Some(user) }))
}

/// What came back from a mail.
#[derive(Debug, Clone)]
pub enum Proof {
    Token { token: String, email: Option<Email> },
    Code { email: Email, code: String },
}

/// Signs in with what was mailed; makes the user when the address has none.
///
/// # Errors
/// 401 `auth/invalid-token`, `auth/token-expired`; 403 `auth/account-banned`, `auth/signup-disabled`, those of the second factor.
pub async fn callback(environment: &Arc<Environment>, visit: &Visit, proof: Proof, mfa_code: Option<String>) -> Result<TokenPair> {
    environment.count_peer(Rule::Probe, visit)?;
    let method = if matches!(proof, Proof::Token { .. }) { Method::Link } else { Method::Code };
    let attempt = Attempt { mfa_code, ..Attempt::new(method, visit) };
    let guess = attempt.mfa_code.clone().filter(|code| !code.trim().is_empty());
    let permit = match (&guess, if guess.is_some() { address_of(environment, &proof).await? } else { None }) {
        (Some(_), Some(address)) => Some(environment.admit_guess(&address, visit).await?),
        _ => None,
    };
    let this = Arc::clone(environment);
    let outcome = environment.data().write::<_, Error, _>(move |tx| redeem(tx, &this, &proof, &attempt)).await?;
    match permit {
        Some(permit) => mfa::settle(environment, permit, &guess.unwrap_or_default(), outcome),
        None => outcome,
    }
}

/// The address that a proof stands for, if it is one.
async fn address_of(environment: &Environment, proof: &Proof) -> Result<Option<String>> {
    match proof {
        Proof::Code { email, .. } => Ok(Some(email.as_str().to_owned())),
        Proof::Token { token, .. } => {
            let (now, token) = (environment.now(), token.clone());
            let found = environment.data().read::<_, Error, _>(move |r| one_time::look_up(r, now, Purpose::MagicLink, &token)).await?;
            Ok(found.filter(|found| found.state == State::Live).map(|found| found.address))
        }
    }
}

fn redeem(tx: &mut Tx<'_>, environment: &Environment, proof: &Proof, attempt: &Attempt) -> Verdict<TokenPair> {
    let found = match proof {
        Proof::Token { token, email } => {
            let found = one_time::look_up(&tx.reader(), environment.now(), Purpose::MagicLink, token)?;
            found.filter(|f| email.as_ref().is_none_or(|email| email.as_str() == f.address))
        }
        Proof::Code { email, code } => one_time::check_code(tx, environment, Purpose::EmailCode, email.as_str(), code)?,
    };
    let found = match found {
        Some(found) if found.state == State::Live => found,
        Some(found) if found.state == State::Expired => return Err(expired_link()),
        // Kept: a wrong code was counted.
        _ => return Ok(Err(invalid_link())),
    };
    let (user_id, is_new) = owner(tx, environment, &found, attempt)?;
    if let Some(id) = found.text("invitation") {
        invitation_answer::accept_by_link(tx, environment, &attempt.visit, id, &user_id)?;
    }
    invitation_answer::grant_waiting(tx, environment, &attempt.visit, &user_id)?;
    match complete(tx, environment, &user_id, attempt)? {
        Ok(pair) => {
            one_time::use_up(tx, &found.id)?;
            Ok(Ok(TokenPair { is_new_user: Some(is_new), ..pair }))
        }
        Err(error) => {
            // Where the second factor goes on by its own token, the link is spent.
            if error.more().contains_key("mfaToken") {
                one_time::use_up(tx, &found.id)?;
            }
            Ok(Err(error))
        }
    }
}

/// The user of the address, verified by the mail; a new one when there is none.
fn owner(tx: &mut Tx<'_>, environment: &Environment, found: &OneTime, attempt: &Attempt) -> Result<(String, bool)> {
    let now = environment.now();
    if let Some(mut user) = tx.reader().user_by_email(&found.address)? {
        if user.email_verified.is_none() {
            user.email_verified = Some(now);
            user.updated_at = now;
            tx.update_user(&user)?;
            events::record(tx, environment, Event::of("email_verified", &user.id, &attempt.visit))?;
        }
        return Ok((user.id, false));
    }
    match found.text("invitation") {
        Some(id) if sign_up::check_open(environment).is_err() => invitation_answer::check_admits(&tx.reader(), now, id)?,
        Some(_) => {}
        None => sign_up::check_open(environment)?,
    }
    let local_part = found.address.split('@').next().unwrap_or_default();
    let profile = Profile { nickname: found.text("nickname").map(str::to_owned), ..Profile::default() };
    let user = UserRow {
        id: new_id(),
        email: Some(found.address.clone()),
        name: Some(found.text("name").map_or_else(|| name::name(local_part), name::name)?),
        role: "user".to_owned(),
        email_verified: Some(now),
        profile: profile.to_json()?,
        created_at: now,
        updated_at: now,
        ..UserRow::default()
    };
    sign_up::insert_with_email(tx, &user)?;
    events::record(tx, environment, Event::of("signup", &user.id, &attempt.visit))?;
    Ok((user.id, true))
}
