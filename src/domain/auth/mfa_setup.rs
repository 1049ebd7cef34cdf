//! Turning the second factor on and off (`03-auth.md` §7).

use std::sync::Arc;

use serde::Serialize;
use serde_json::Map;
use utoipa::ToSchema;

use super::events::{self, Event};
use super::mfa::{account, seal_purpose, settle, take, typed, wrong_code};
use super::one_time::{self, New, Purpose, State};
use super::password::{self, Match};
use super::throttle::Permit;
use super::totp::Totp;
use super::{Verdict, Visit, backup_codes, invalid_credentials, mfa};
use crate::domain::activities::Change;
use crate::domain::caller::{Caller, EndUser, Tenant};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::sealed;
use crate::domain::time::Millis;
use crate::store::Tx;
use crate::store::data::{MfaRow, PasswordRow, UserRow};

const SETUP_LIFETIME: Millis = 10 * 60_000;

/// What an authenticator app needs, and the codes for the day it is lost.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MfaSetup {
    /// Base32, for typing it in by hand.
    pub secret: String,
    /// `otpauth://totp/…`, to be shown as a QR code.
    pub qr_code_url: String,
    /// Ten; they work from `confirm` on.
    pub backup_codes: Vec<String>,
    /// `qrCodeUrl` as a picture: a `data:` URL of a PNG.
    pub qr_code: String,
    /// The same as `qrCodeUrl`.
    pub otpauth: String,
}

/// Starts the setup for a user who types the password; it waits 10 minutes for [`confirm`] and replaces an earlier one.
///
/// # Errors
/// 404 `auth/account-not-found` without a password; 429 `auth/too-many-login-attempts`; 401 `auth/invalid-credentials`; 400
/// `auth/mfa-already-enabled`.
pub async fn enable(environment: &Arc<Environment>, visit: &Visit, user: &EndUser, typed: String) -> Result<MfaSetup> {
    let typed = password::typed("password", typed)?;
    let (user, stored) = known(environment, user).await?;
    let no_password = || Error::new(Code::ACCOUNT_NOT_FOUND, "The account has no password; set one by POST /v1/auth/password/reset/request");
    check_password(environment, visit, &user, &stored.ok_or_else(no_password)?, &typed).await?;
    let totp = Totp::generate()?;
    let issuer = environment.auth_config().users.mfa_issuer.clone().unwrap_or_else(|| environment.project().state().name.clone());
    let address = totp.address(&issuer, account(&user));
    let setup = MfaSetup {
        secret: totp.base32(),
        qr_code: totp.picture(&issuer, account(&user))?,
        qr_code_url: address.clone(),
        otpauth: address,
        backup_codes: backup_codes::generate(),
    };
    let (this, answer) = (Arc::clone(environment), setup.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let user = tx.reader().user(&user.id)?.ok_or_else(invalid_credentials)?;
            refuse_if_on(tx, &user.id)?;
            let seal = |text: &str| sealed::seal(this.server_secret(), &seal_purpose(&user.id), text);
            let codes = seal(&setup.backup_codes.join(" "))?;
            let payload = Map::from_iter([("secret".to_owned(), seal(&setup.secret)?.into()), ("codes".to_owned(), codes.into())]);
            let new = New { purpose: Purpose::MfaSetup, address: &user.id, user_id: Some(&user.id), payload, lifetime: SETUP_LIFETIME };
            one_time::issue(tx, this.now(), new).map(drop)
        })
        .await?;
    Ok(answer)
}

/// Turns the second factor on with the first code of the app; answers the backup codes, which work from now on.
///
/// # Errors
/// 429 `auth/too-many-login-attempts`; 400 `auth/mfa-already-enabled`, `auth/mfa-setup-expired`; 401 `auth/invalid-mfa-code`.
pub async fn confirm(environment: &Arc<Environment>, visit: &Visit, user: &EndUser, code: String) -> Result<Vec<String>> {
    let code = typed("code", code)?;
    let (user, _) = known(environment, user).await?;
    let permit = environment.admit_guess(account(&user), visit).await?;
    let (this, visit, guess) = (Arc::clone(environment), visit.clone(), code.clone());
    let outcome = environment.data().write::<_, Error, _>(move |tx| confirm_in(tx, &this, &visit, &user.id, &guess)).await;
    settle(environment, permit, &code, outcome)
}

fn confirm_in(tx: &mut Tx<'_>, environment: &Environment, visit: &Visit, user_id: &str, code: &str) -> Result<Vec<String>> {
    refuse_if_on(tx, user_id)?;
    let expired = || Error::new(Code::MFA_SETUP_EXPIRED, "No setup is waiting, or it is older than 10 minutes; start with POST /v1/auth/mfa/enable");
    let setup = one_time::newest(&tx.reader(), environment.now(), Purpose::MfaSetup, user_id)?;
    let setup = setup.filter(|setup| setup.state == State::Live).ok_or_else(expired)?;
    let open = |name: &str| setup.text(name).and_then(|text| sealed::open(environment.server_secret(), &seal_purpose(user_id), text)).ok_or_else(expired);
    let (secret, codes) = (open("secret")?, open("codes")?);
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let last_step = Totp::parse(&secret)?.step_of(&code, environment.now(), -1).ok_or_else(wrong_code)?;
    let codes: Vec<String> = codes.split(' ').map(str::to_owned).collect();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| backup_codes::hash(environment, user_id, code)).collect();
    let row = MfaRow { user_id: user_id.to_owned(), secret: setup.text("secret").unwrap_or_default().to_owned(), last_step, enabled_at: environment.now() };
    tx.insert_mfa(&row, &hashes)?;
    // It holds the backup codes.
    tx.delete_one_time(&setup.id)?;
    events::record(tx, environment, Event::of("mfa_enabled", user_id, visit))?;
    Ok(codes)
}

/// Turns the second factor off for a user who types the password; a code that came is checked, and is needed where there is
/// no password.
///
/// # Errors
/// 429 `auth/too-many-login-attempts`; 401 `auth/invalid-credentials`, `auth/invalid-mfa-code`; 400 `auth/mfa-not-enabled`,
/// `auth/mfa-backup-codes-exhausted`, `common/invalid-parameters`.
pub async fn disable(environment: &Arc<Environment>, visit: &Visit, user: &EndUser, typed: Option<String>, code: Option<String>) -> Result<()> {
    let code = code.map(|code| mfa::typed("code", code)).transpose()?;
    let (user, stored) = known(environment, user).await?;
    match (&stored, typed) {
        (Some(_), None) => return Err(Error::invalid_parameter("password", "password is required")),
        (Some(stored), Some(typed)) => check_password(environment, visit, &user, stored, &password::typed("password", typed)?).await?,
        (None, _) => {}
    }
    let id = user.id.clone();
    if !environment.data().read::<_, Error, _>(move |r| mfa::is_enabled(r, &id)).await? {
        return Err(not_enabled());
    }
    if stored.is_none() && code.is_none() {
        return Err(Error::invalid_parameter("code", "code is required: the account has no password"));
    }
    let permit: Option<Permit> = match &code {
        Some(_) => Some(environment.admit_guess(account(&user), visit).await?),
        None => None,
    };
    let (this, visit, guess) = (Arc::clone(environment), visit.clone(), code.clone());
    let outcome = environment.data().write::<_, Error, _>(move |tx| disable_in(tx, &this, &visit, &user.id, guess.as_deref())).await?;
    match permit {
        Some(permit) => settle(environment, permit, code.as_deref().unwrap_or_default(), outcome),
        None => outcome,
    }
}

fn disable_in(tx: &mut Tx<'_>, environment: &Environment, visit: &Visit, user_id: &str, code: Option<&str>) -> Verdict<()> {
    let row = tx.reader().mfa_of(user_id)?.ok_or_else(not_enabled)?;
    if let Some(code) = code
        && let Err(error) = take(tx, environment, &row, code)?
    {
        return Ok(Err(error));
    }
    mfa::forget(tx, user_id)?;
    events::record(tx, environment, Event::of("mfa_disabled", user_id, visit))?;
    Ok(Ok(()))
}

/// Turns the second factor of somebody off who has lost app and backup codes.
///
/// # Errors
/// 403 `auth/forbidden`; 404 `user/not-found`; 400 `auth/mfa-not-enabled`.
pub async fn reset(environment: &Arc<Environment>, caller: &Caller, user_id: &str) -> Result<()> {
    if !caller.is_admin() {
        return Err(Error::new(Code::FORBIDDEN, "Only admins reset the second factor of others"));
    }
    let (this, caller, id) = (Arc::clone(environment), caller.clone(), user_id.to_owned());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let user = tx.reader().user(&id)?.ok_or_else(|| Error::new(Code::USER_NOT_FOUND, "No user of this environment has this id"))?;
            if !mfa::forget(tx, &user.id)? {
                return Err(not_enabled());
            }
            let event = Event { kind: "mfa_disabled", user_id: Some(&user.id), session_id: None, visit: None, success: true, code: None };
            events::record(tx, &this, event)?;
            match &caller {
                Caller::Tenant(tenant) => audit_reset(tx, &this, tenant, &user),
                _ => Ok(()),
            }
        })
        .await
}

fn audit_reset(tx: &mut Tx<'_>, environment: &Environment, tenant: &Tenant, user: &UserRow) -> Result<()> {
    let change = Change {
        organization_id: Some(&environment.project().organization_id),
        project_id: Some(&environment.project().id),
        environment: Some(environment.name()),
        entity: "user",
        action: "reset",
        entity_id: &user.id,
        entity_name: account(user),
        metadata: Map::from_iter([("what".to_owned(), "mfa".into())]),
    };
    environment.audit(tx, &change.by(tenant))
}

/// The caller's row and password.
async fn known(environment: &Environment, user: &EndUser) -> Result<(UserRow, Option<PasswordRow>)> {
    let id = user.id.clone();
    let found = environment.data().read::<_, Error, _>(move |r| Ok((r.user(&id)?, r.password_of(&id)?))).await?;
    let ended = || Error::new(Code::SESSION_EXPIRED, "The session of this token has ended; sign in again");
    Ok((found.0.ok_or_else(ended)?, found.1))
}

async fn check_password(environment: &Environment, visit: &Visit, user: &UserRow, stored: &PasswordRow, typed: &str) -> Result<()> {
    let permit = environment.admit_guess(account(user), visit).await?;
    if password::compare(environment.passwords(), typed, &stored.hash).await? == Match::No {
        permit.failed(typed, environment.now());
        return Err(invalid_credentials());
    }
    permit.succeeded();
    Ok(())
}

fn refuse_if_on(tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    if mfa::is_enabled(&tx.reader(), user_id)? {
        return Err(Error::new(Code::MFA_ALREADY_ENABLED, "The second factor is on already; turn it off first with POST /v1/auth/mfa/disable"));
    }
    Ok(())
}

fn not_enabled() -> Error {
    Error::new(Code::MFA_NOT_ENABLED, "The second factor is not on")
}
