//! Signing in by password, and what every way of signing in has in common once the credentials were right
//! (`03-auth.md` §3).

use std::sync::Arc;

use super::events::{self, Event};
use super::password::Match;
use super::{Email, TokenPair, Verdict, Visit, invalid_credentials, mfa, password, sessions, tokens};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::time::Millis;
use crate::store::Tx;
use crate::store::data::{PasswordRow, UserRow};

const DAY: Millis = 24 * 60 * 60 * 1000;

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Password,
    Link,
    Code,
    Social,
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Code => "code",
            Self::Social => "social",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Password, Self::Link, Self::Code, Self::Social].into_iter().find(|method| method.name() == name)
    }
}

/// A sign-in whose credentials were right.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub method: Method,
    pub visit: Visit,
    /// A TOTP or backup code that came along.
    pub mfa_code: Option<String>,
    /// The second factor was shown already, in a request of its own.
    pub mfa_passed: bool,
}

impl Attempt {
    pub fn new(method: Method, visit: &Visit) -> Self {
        Self { method, visit: visit.clone(), mfa_code: None, mfa_passed: false }
    }
}

/// Signs in by address and password.
///
/// # Errors
/// In this order: 429 `auth/too-many-login-attempts`; 401 `auth/invalid-credentials`; 403 `auth/account-banned`,
/// `auth/email-not-verified`, `auth/password-expired`; those of the second factor.
pub async fn by_password(environment: &Arc<Environment>, email: &Email, typed: String, attempt: Attempt) -> Result<TokenPair> {
    let typed = password::typed("password", typed)?;
    let permit = environment.admit_guess(email.as_str(), &attempt.visit).await?;
    let address = email.as_str().to_owned();
    let known = environment
        .data()
        .read::<_, Error, _>(move |r| {
            let Some(user) = r.user_by_email(&address)? else { return Ok(None) };
            Ok(r.password_of(&user.id)?.map(|password| (user.id, password)))
        })
        .await?;
    let fits = match &known {
        Some((_, stored)) => password::compare(environment.passwords(), &typed, &stored.hash).await?,
        None => environment.passwords().verify_nobody(typed.clone()).await.map(|()| Match::No)?,
    };
    let Some((user_id, stored)) = known.filter(|_| fits != Match::No) else {
        permit.failed(&typed, environment.now());
        note_failure(environment, email.as_str(), &attempt.visit).await?;
        return Err(invalid_credentials());
    };
    let replacement = match fits {
        Match::Outdated => Some(password::hash(environment.passwords(), &typed).await?),
        _ => None,
    };
    let (this, code) = (Arc::clone(environment), attempt.mfa_code.clone().unwrap_or_default());
    let outcome =
        environment.data().write::<_, Error, _>(move |tx| with_known_password(tx, &this, &user_id, &stored, replacement.as_deref(), &attempt)).await?;
    mfa::settle(environment, permit, &code, outcome)
}

fn with_known_password(
    tx: &mut Tx<'_>,
    environment: &Environment,
    user_id: &str,
    stored: &PasswordRow,
    replacement: Option<&str>,
    attempt: &Attempt,
) -> Verdict<TokenPair> {
    if !password::still_holds(&tx.reader(), user_id, stored)? {
        return Err(invalid_credentials());
    }
    if let Some(hash) = replacement {
        tx.replace_hash(user_id, &stored.hash, hash)?;
    }
    complete(tx, environment, user_id, attempt)
}

/// Everything after the credentials were right: ban, verification, age of the password, second factor, session, event.
/// A refusal is kept as an event.
///
/// # Errors
/// 401 `auth/invalid-credentials` when the user was deleted meanwhile; 403 as [`by_password`].
pub fn complete(tx: &mut Tx<'_>, environment: &Environment, user_id: &str, attempt: &Attempt) -> Verdict<TokenPair> {
    let Some(mut user) = tx.reader().user(user_id)? else { return Err(invalid_credentials()) };
    let barred = match bar(tx, environment, &user, attempt)? {
        Some(error) => Some(error),
        None if attempt.mfa_passed => None,
        None => mfa::gate(tx, environment, &user, attempt)?.err(),
    };
    if let Some(error) = barred {
        events::record(tx, environment, Event::of("signin_failed", &user.id, &attempt.visit).failed(error.code().name))?;
        return Ok(Err(error));
    }
    let now = environment.now();
    user.last_login_at = Some(now);
    tx.set_last_login(&user.id, now)?;
    let (session, pair) = sessions::open(tx, environment, &user, &attempt.visit)?;
    events::record(tx, environment, Event::of("signin", &user.id, &attempt.visit).session(&session.id))?;
    Ok(Ok(pair))
}

/// Why a user who proved who they are may not come in.
fn bar(tx: &mut Tx<'_>, environment: &Environment, user: &UserRow, attempt: &Attempt) -> Result<Option<Error>> {
    let (now, config) = (environment.now(), environment.auth_config());
    if tokens::is_banned(user.banned, user.banned_until, now) {
        return Ok(Some(tokens::banned()));
    }
    if config.email.require_email_verification && user.email.is_some() && user.email_verified.is_none() {
        let message = "Confirm the address first: open the link in the mail, or ask for another with POST /v1/auth/signup/email/resend";
        return Ok(Some(Error::new(Code::EMAIL_NOT_VERIFIED, message)));
    }
    if let (Method::Password, Some(days)) = (attempt.method, config.email.password_policy.expiration_days)
        && tx.reader().password_of(&user.id)?.is_some_and(|p| p.changed_at + Millis::from(days) * DAY <= now)
    {
        let message = format!("The password is older than {days} days; choose a new one through POST /v1/auth/password/reset/request");
        return Ok(Some(Error::new(Code::PASSWORD_EXPIRED, message)));
    }
    Ok(None)
}

/// Keeps a refused guess as an event; its user is looked up anew, with the same effort whether there is one or not.
async fn note_failure(environment: &Arc<Environment>, email: &str, visit: &Visit) -> Result<()> {
    let (this, email, visit) = (Arc::clone(environment), email.to_owned(), visit.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let user = tx.reader().user_by_email(&email)?.map(|user| user.id);
            let event = Event {
                kind: "signin_failed",
                user_id: user.as_deref(),
                session_id: None,
                visit: Some(&visit),
                success: false,
                code: Some(Code::INVALID_CREDENTIALS.name),
            };
            events::record(tx, &this, event)
        })
        .await
}
