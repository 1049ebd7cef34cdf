//! The second factor, as sign-in asks for it: taking codes once, and the token that carries a sign-in on without one
//! (`03-auth.md` §7).

use std::sync::Arc;

use serde_json::Map;

use super::events::{self, Event};
use super::one_time::{self, New, OneTime, Purpose, State};
use super::sign_in::{self, Attempt, Method};
use super::throttle::{Permit, Rule};
use super::totp::Totp;
use super::{TokenPair, Verdict, Visit, backup_codes, expired_link, invalid_link};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::sealed;
use crate::domain::time::Millis;
use crate::store::data::{MfaRow, UserRow};
use crate::store::{Reader, Tx};

const TOKEN_LIFETIME: Millis = 5 * 60_000;
/// What a typed code has at most, in bytes.
const MAX_TYPED: usize = 64;

/// Whether a user has turned it on.
pub fn is_enabled(r: &Reader<'_>, user_id: &str) -> Result<bool> {
    Ok(r.has_mfa(user_id)?)
}

/// Forgets everything about the second factor of a user, and ends sign-ins that wait for it.
pub fn forget(tx: &mut Tx<'_>, user_id: &str) -> Result<bool> {
    for purpose in [Purpose::MfaSetup, Purpose::MfaToken] {
        tx.void_one_time_of(purpose.name(), user_id, None)?;
    }
    Ok(tx.delete_mfa(user_id)?)
}

/// What sign-in asks once everything else is right: `Ok(Err(…))` keeps what was written, such as an `mfaToken`.
pub fn gate(tx: &mut Tx<'_>, environment: &Environment, user: &UserRow, attempt: &Attempt) -> Verdict<()> {
    let Some(row) = tx.reader().mfa_of(&user.id)? else { return Ok(Ok(())) };
    match attempt.mfa_code.as_deref().filter(|code| !code.trim().is_empty()) {
        Some(code) => take(tx, environment, &row, code),
        None => {
            let payload = Map::from_iter([("method".to_owned(), attempt.method.name().into())]);
            let new = New { purpose: Purpose::MfaToken, address: &user.id, user_id: Some(&user.id), payload, lifetime: TOKEN_LIFETIME };
            let token = one_time::issue(tx, environment.now(), new)?;
            let message = "Enter a code of the authenticator app: send mfaToken and code to POST /v1/auth/mfa/verify, or sign in again with mfaCode";
            Ok(Err(Error::new(Code::MFA_REQUIRED, message).with("mfaToken", token)))
        }
    }
}

/// Takes a code of the app, or a backup code; neither works again.
///
/// # Errors
/// Inside, 401 `auth/invalid-mfa-code`, 400 `auth/mfa-backup-codes-exhausted`.
pub(super) fn take(tx: &mut Tx<'_>, environment: &Environment, row: &MfaRow, typed: &str) -> Verdict<()> {
    let code = normalised(typed);
    if !backup_codes::looks_like_one(&code) {
        // Sealed by another server, it is a secret that no app shares any more.
        let Some(secret) = sealed::open(environment.server_secret(), &seal_purpose(&row.user_id), &row.secret) else { return Ok(Err(wrong_code())) };
        let step = Totp::parse(&secret)?.step_of(&code, environment.now(), row.last_step);
        return match step {
            Some(step) if tx.use_mfa_step(&row.user_id, step)? => Ok(Ok(())),
            _ => Ok(Err(wrong_code())),
        };
    }
    if tx.reader().count_backup_codes(&row.user_id)? == 0 {
        let message = "All backup codes are used up; enter a code of the authenticator app, or ask for the second factor to be reset";
        return Ok(Err(Error::new(Code::MFA_BACKUP_CODES_EXHAUSTED, message)));
    }
    let hash = backup_codes::hash(environment, &row.user_id, &code);
    Ok(if tx.use_backup_code(&row.user_id, &hash)? { Ok(()) } else { Err(wrong_code()) })
}

/// Finishes a sign-in with the token that it was answered with and a code.
///
/// # Errors
/// 401 `auth/invalid-token`, `auth/token-expired`, `auth/invalid-mfa-code`; 400 `auth/mfa-backup-codes-exhausted`; 429
/// `auth/too-many-login-attempts`; 403 as sign-in.
pub async fn verify(environment: &Arc<Environment>, visit: &Visit, token: String, code: String) -> Result<TokenPair> {
    environment.count_peer(Rule::Probe, visit)?;
    let code = typed("code", code)?;
    let (now, text) = (environment.now(), token.clone());
    let (_, user) = environment.data().read::<_, Error, _>(move |r| waiting(r, now, &text)).await?;
    let permit = environment.admit_guess(account(&user), visit).await?;
    let (this, visit, guess) = (Arc::clone(environment), visit.clone(), code.clone());
    let outcome = environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let (found, user) = waiting(&tx.reader(), this.now(), &token)?;
            finish(tx, &this, &visit, &found, &user, &guess)
        })
        .await?;
    settle(environment, permit, &code, outcome)
}

/// A sign-in that waits for its second factor.
fn waiting(r: &Reader<'_>, now: Millis, token: &str) -> Result<(OneTime, UserRow)> {
    let found = one_time::look_up(r, now, Purpose::MfaToken, token)?.ok_or_else(invalid_link)?;
    match found.state {
        State::Live => {}
        State::Expired => return Err(expired_link()),
        State::Used | State::Void => return Err(invalid_link()),
    }
    let user = found.user_id.as_deref().map(|id| r.user(id)).transpose()?.flatten();
    Ok((found, user.ok_or_else(invalid_link)?))
}

fn finish(tx: &mut Tx<'_>, environment: &Environment, visit: &Visit, found: &OneTime, user: &UserRow, code: &str) -> Verdict<TokenPair> {
    let row = tx.reader().mfa_of(&user.id)?.ok_or_else(invalid_link)?;
    if let Err(error) = take(tx, environment, &row, code)? {
        one_time::count_try(tx, environment, found, &normalised(code))?;
        events::record(tx, environment, Event::of("signin_failed", &user.id, visit).failed(error.code().name))?;
        return Ok(Err(error));
    }
    let method = found.text("method").and_then(Method::parse).unwrap_or(Method::Password);
    let attempt = Attempt { mfa_passed: true, ..Attempt::new(method, visit) };
    let outcome = sign_in::complete(tx, environment, &user.id, &attempt)?;
    one_time::use_up(tx, &found.id)?;
    // Who has just been registered has no second factor.
    Ok(outcome.map(|pair| TokenPair { is_new_user: Some(false), ..pair }))
}

/// A code as it was typed, of bearable length.
///
/// # Errors
/// 400 `common/invalid-parameters`.
pub fn typed(field: &str, text: String) -> Result<String> {
    if text.len() > MAX_TYPED {
        return Err(Error::invalid_parameter(field, format!("{field} is too long; a code has 6 digits, a backup code 8 letters and digits")));
    }
    Ok(text)
}

/// What failed guesses of a user's password or code are counted on.
pub(super) fn account(user: &UserRow) -> &str {
    user.email.as_deref().unwrap_or(&user.id)
}

/// Counts what came of a guess of a code.
pub(super) fn settle<T>(environment: &Environment, permit: Permit, code: &str, outcome: Result<T>) -> Result<T> {
    match &outcome {
        Ok(_) => permit.succeeded(),
        Err(error) if is_wrong_code(error) => permit.failed(&format!("code {}", normalised(code)), environment.now()),
        Err(_) => {}
    }
    outcome
}

pub(super) fn is_wrong_code(error: &Error) -> bool {
    [Code::INVALID_MFA_CODE, Code::MFA_BACKUP_CODES_EXHAUSTED].contains(&error.code())
}

/// 401 `auth/invalid-mfa-code`.
pub(super) fn wrong_code() -> Error {
    Error::new(Code::INVALID_MFA_CODE, "The code is wrong, too old, or was used already; wait for the next one")
}

/// Case, spaces and hyphens do not count.
fn normalised(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase()).collect()
}

/// Binds a sealed secret to its user.
pub(super) fn seal_purpose(user_id: &str) -> String {
    format!("totp {user_id}")
}
