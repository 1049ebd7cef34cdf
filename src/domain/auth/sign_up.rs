//! Signing up by address and password (`03-auth.md` §3).

use std::sync::Arc;

use url::Url;

use super::events::{self, Event};
use super::throttle::Rule;
use super::{Email, TokenPair, Visit, invitation_answer, password, sessions, verification};
use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::time::Millis;
use crate::domain::users::Profile;
use crate::store::data::{AccountRow, UserRow};
use crate::store::{StoreError, Tx};

/// Somebody who signs up, checked.
#[derive(Debug, Clone)]
pub struct Newcomer {
    pub email: Email,
    pub name: String,
    pub nickname: Option<String>,
    /// Accepted by the policy.
    pub password: String,
    /// Where the confirmation mail leads in the end.
    pub callback: Option<Url>,
    /// The token of an invitation that signing up accepts; it opens a sign-up that is closed.
    pub invitation: Option<String>,
}

/// How signing up ended.
#[derive(Debug, Clone)]
pub enum SignedUp {
    In(Box<TokenPair>),
    /// The address has to be verified first; this one.
    Unverified(String),
}

/// Makes a user with a password and signs it in; or makes the anonymous `caller` a real one, with the id and data it has.
///
/// # Errors
/// 409 `auth/email-already-exists`; 403 `auth/signup-disabled`; 429 `auth/too-many-requests`; 409 `auth/account-already-linked`
/// and 401 `auth/session-expired` when the anonymous user has become a real one, or has gone, meanwhile; those of
/// [`invitation_answer::accept`].
pub async fn with_password(environment: &Arc<Environment>, newcomer: Newcomer, caller: Option<&EndUser>, visit: &Visit) -> Result<SignedUp> {
    match &newcomer.invitation {
        Some(token) => invitation_answer::check_known(environment, visit, token, &newcomer.email).await?,
        None => check_open(environment)?,
    }
    environment.count_peer(Rule::SignUp, visit)?;
    let caller = anonymous(environment, caller).await?;
    let hash = password::hash(environment.passwords(), &newcomer.password).await?;
    let (this, visit) = (Arc::clone(environment), visit.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let mut user = match &caller {
                Some(caller) => {
                    let user = still_anonymous(tx, caller, &newcomer.email)?;
                    upgrade(tx, &this, user, &newcomer, &hash)?
                }
                None => create(tx, &this, &newcomer, &hash)?,
            };
            events::record(tx, &this, Event::of("signup", &user.id, &visit))?;
            if let Some(token) = &newcomer.invitation {
                user = invitation_answer::accept_at_sign_up(tx, &this, &visit, user, token)?;
            }
            if this.auth_config().email.require_email_verification && user.email_verified.is_none() {
                verification::welcome(tx, &this, &user, newcomer.callback.as_ref(), &visit)?;
                return Ok(SignedUp::Unverified(newcomer.email.into_string()));
            }
            user.last_login_at = Some(this.now());
            tx.set_last_login(&user.id, this.now())?;
            sessions::open(tx, &this, &user, &visit).map(|(_, pair)| SignedUp::In(Box::new(pair)))
        })
        .await
}

/// The caller, if it is an anonymous user.
async fn anonymous(environment: &Environment, caller: Option<&EndUser>) -> Result<Option<EndUser>> {
    let Some(caller) = caller.cloned() else { return Ok(None) };
    let id = caller.id.clone();
    let user = environment.data().read::<_, Error, _>(move |r| Ok(r.user(&id)?)).await?;
    Ok(user.is_some_and(|user| user.is_anonymous).then_some(caller))
}

/// The caller who was anonymous when the request came. Of several requests of it one makes it a real user; the others make
/// nobody, lest one person end up with several accounts.
fn still_anonymous(tx: &mut Tx<'_>, caller: &EndUser, email: &Email) -> Result<UserRow> {
    let user = tx.reader().user(&caller.id)?.filter(|user| user.is_anonymous);
    if let Some(user) = user {
        return Ok(user);
    }
    if tx.reader().session(&caller.session_id)?.is_none() {
        return Err(Error::new(Code::SESSION_EXPIRED, "The session of this token has ended; sign in again"));
    }
    if tx.reader().user_by_email(email.as_str())?.is_some() {
        return Err(already_exists());
    }
    Err(Error::new(Code::ACCOUNT_ALREADY_LINKED, "This user has become a real one meanwhile; sign in to it instead"))
}

/// # Errors
/// 403 `auth/signup-disabled`.
pub fn check_open(environment: &Environment) -> Result<()> {
    if environment.auth_config().email.signup_enabled {
        return Ok(());
    }
    Err(Error::new(Code::SIGNUP_DISABLED, "Sign-up is closed in this environment"))
}

fn create(tx: &mut Tx<'_>, environment: &Environment, newcomer: &Newcomer, hash: &str) -> Result<UserRow> {
    let now = environment.now();
    let profile = Profile { nickname: newcomer.nickname.clone(), ..Profile::default() };
    let user = UserRow {
        id: new_id(),
        email: Some(newcomer.email.as_str().to_owned()),
        name: Some(newcomer.name.clone()),
        role: "user".to_owned(),
        profile: profile.to_json()?,
        created_at: now,
        updated_at: now,
        ..UserRow::default()
    };
    insert_with_email(tx, &user)?;
    tx.set_password(&user.id, hash, now)?;
    Ok(user)
}

fn upgrade(tx: &mut Tx<'_>, environment: &Environment, mut user: UserRow, newcomer: &Newcomer, hash: &str) -> Result<UserRow> {
    let now = environment.now();
    let mut profile = Profile::parse(&user.profile)?;
    profile.nickname = newcomer.nickname.clone().or(profile.nickname);
    user.profile = profile.to_json()?;
    user.email = Some(newcomer.email.as_str().to_owned());
    user.name = Some(newcomer.name.clone());
    if user.role == "guest" {
        user.role = "user".to_owned();
    }
    user.is_anonymous = false;
    user.updated_at = now;
    tx.update_user(&user).map_err(taken)?;
    add_email_account(tx, &user, now)?;
    tx.set_password(&user.id, hash, now)?;
    Ok(user)
}

/// Adds a user whose sign-in method is its address.
///
/// # Errors
/// 409 `auth/email-already-exists`.
pub fn insert_with_email(tx: &mut Tx<'_>, user: &UserRow) -> Result<()> {
    tx.insert_user(user).map_err(taken)?;
    add_email_account(tx, user, user.created_at)
}

/// Makes the address of a user a way to sign in.
///
/// # Errors
/// 409 `auth/email-already-exists`.
pub fn add_email_account(tx: &mut Tx<'_>, user: &UserRow, now: Millis) -> Result<()> {
    let Some(email) = &user.email else { return Ok(()) };
    tx.insert_account(&AccountRow {
        id: new_id(),
        user_id: user.id.clone(),
        provider: "email".to_owned(),
        provider_account_id: email.clone(),
        email: Some(email.clone()),
        connected_at: now,
    })
    .map_err(taken)
}

/// A refused address as the error it is.
pub fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Unique(_) => already_exists(),
        other => other.into(),
    }
}

fn already_exists() -> Error {
    Error::new(Code::EMAIL_ALREADY_EXISTS, "An account with this email exists already; sign in instead")
}
