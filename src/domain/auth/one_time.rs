//! Links and codes that work once (`03-auth.md` §11): made, looked up, used up and voided. Only hashes are stored.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::id::{new_id, random_hex};
use crate::domain::keys::sha256;
use crate::domain::time::Millis;
use crate::store::data::OneTimeRow;
use crate::store::{Reader, Tx};

/// Bytes of a link token.
const TOKEN_BYTES: usize = 32;
/// Guesses a code survives, less one.
const TRIES: i64 = 5;
/// The same wrong guess counts once within this time: clients repeat a refused call after a refresh.
const REPEAT: Millis = 10_000;

/// What a secret is for; tokens of one purpose are worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    SignupVerification,
    ContactVerification,
    PasswordReset,
    MagicLink,
    EmailCode,
    OAuthState,
    MfaSetup,
    MfaToken,
    /// A page of the simulated provider that waits for a decision.
    SimulatorTicket,
    SimulatorCode,
    /// An access token of the simulated provider; good until it expires.
    SimulatorToken,
}

impl Purpose {
    pub fn name(self) -> &'static str {
        match self {
            Self::SignupVerification => "signup_verification",
            Self::ContactVerification => "contact_verification",
            Self::PasswordReset => "password_reset",
            Self::MagicLink => "magic_link",
            Self::EmailCode => "email_code",
            Self::OAuthState => "oauth_state",
            Self::MfaSetup => "mfa_setup",
            Self::MfaToken => "mfa_token",
            Self::SimulatorTicket => "simulator_ticket",
            Self::SimulatorCode => "simulator_code",
            Self::SimulatorToken => "simulator_token",
        }
    }

    /// What a user could sign in or take over an account with.
    const DOORS: [Self; 5] = [Self::PasswordReset, Self::MagicLink, Self::EmailCode, Self::MfaSetup, Self::MfaToken];
    const VERIFICATIONS: [Self; 2] = [Self::SignupVerification, Self::ContactVerification];
}

/// A secret about to be made.
#[derive(Debug, Clone)]
pub struct New<'a> {
    pub purpose: Purpose,
    /// The normalised address it goes to, or whatever else binds it. A new one voids earlier ones of the same.
    pub address: &'a str,
    pub user_id: Option<&'a str>,
    pub payload: Map<String, Value>,
    pub lifetime: Millis,
}

/// A stored secret and what became of it.
#[derive(Debug, Clone)]
pub struct OneTime {
    pub id: String,
    pub address: String,
    pub user_id: Option<String>,
    pub payload: Map<String, Value>,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Live,
    Used,
    /// Superseded, or ended by something that happened to the account.
    Void,
    /// Never used, and too old now.
    Expired,
}

impl OneTime {
    fn of(row: OneTimeRow, now: Millis) -> Result<Self> {
        let state = match row.state.as_str() {
            "used" => State::Used,
            "live" if row.expires_at > now => State::Live,
            "live" => State::Expired,
            _ => State::Void,
        };
        let payload = serde_json::from_str(&row.payload).map_err(Error::internal)?;
        Ok(Self { id: row.id, address: row.address, user_id: row.user_id, payload, state })
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.payload.get(key).and_then(Value::as_str)
    }
}

/// Makes a link token of 64 hexadecimal characters; it exists nowhere else.
pub fn issue(tx: &mut Tx<'_>, now: Millis, new: New<'_>) -> Result<String> {
    let token = random_hex(TOKEN_BYTES);
    insert(tx, now, new_id(), new, sha256(&token).to_vec())?;
    Ok(token)
}

/// Makes a code of 6 digits; it exists nowhere else.
pub fn issue_code(tx: &mut Tx<'_>, environment: &Environment, new: New<'_>) -> Result<String> {
    let code = format!("{:06}", rand::random_range(0..1_000_000u32));
    let id = new_id();
    let hash = code_hash(environment, &id, &code);
    insert(tx, environment.now(), id, new, hash)?;
    Ok(code)
}

fn insert(tx: &mut Tx<'_>, now: Millis, id: String, new: New<'_>, hash: Vec<u8>) -> Result<()> {
    tx.void_one_time(new.purpose.name(), new.address)?;
    tx.insert_one_time(&OneTimeRow {
        id,
        purpose: new.purpose.name().to_owned(),
        address: new.address.to_owned(),
        user_id: new.user_id.map(str::to_owned),
        hash,
        payload: Value::Object(new.payload).to_string(),
        tries: 0,
        state: "live".to_owned(),
        created_at: now,
        expires_at: now + new.lifetime,
    })?;
    Ok(())
}

/// What is known of a link token; `None` when it was never one of this purpose, or is long forgotten.
pub fn look_up(r: &Reader<'_>, now: Millis, purpose: Purpose, token: &str) -> Result<Option<OneTime>> {
    let Some(hash) = token_hash(token) else { return Ok(None) };
    r.one_time_by_hash(purpose.name(), &hash)?.map(|row| OneTime::of(row, now)).transpose()
}

/// What is stored of a link token; `None` for what has not the form of one.
pub fn token_hash(token: &str) -> Option<[u8; 32]> {
    let is_token = token.len() == 2 * TOKEN_BYTES && token.bytes().all(|b| b.is_ascii_hexdigit());
    is_token.then(|| sha256(&token.to_ascii_lowercase()))
}

/// The living code of an address, if this is it. A wrong guess is counted by [`count_try`]; the fifth voids the code.
pub fn check_code(tx: &mut Tx<'_>, environment: &Environment, purpose: Purpose, address: &str, code: &str) -> Result<Option<OneTime>> {
    let Some(row) = tx.reader().newest_one_time(purpose.name(), address)? else { return Ok(None) };
    let right = bool::from(code_hash(environment, &row.id, code.trim()).ct_eq(&row.hash));
    let found = OneTime::of(row, environment.now())?;
    if found.state == State::Live && !right {
        count_try(tx, environment, &found, code.trim())?;
    }
    Ok(Some(found).filter(|_| right))
}

/// The newest secret of a purpose and address, whatever became of it.
pub fn newest(r: &Reader<'_>, now: Millis, purpose: Purpose, address: &str) -> Result<Option<OneTime>> {
    r.newest_one_time(purpose.name(), address)?.map(|row| OneTime::of(row, now)).transpose()
}

/// Counts a wrong guess at a code, or under a token: the same one again within 10 s counts once, the fifth voids it.
pub fn count_try(tx: &mut Tx<'_>, environment: &Environment, found: &OneTime, guess: &str) -> Result<()> {
    let (now, digest) = (environment.now(), hex::encode(code_hash(environment, &found.id, guess)));
    let mut wrong = found.payload.get("wrong").and_then(Value::as_array).cloned().unwrap_or_default();
    let repeated = wrong.iter().any(|known| known["guess"] == digest.as_str() && known["at"].as_i64().is_some_and(|at| now - at <= REPEAT));
    if repeated {
        return Ok(());
    }
    wrong.push(serde_json::json!({ "guess": digest, "at": now }));
    let tries = wrong.len() as i64;
    let mut payload = found.payload.clone();
    payload.insert("wrong".to_owned(), wrong.into());
    tx.set_one_time_payload(&found.id, &Value::Object(payload).to_string(), tries)?;
    if tries >= TRIES {
        tx.set_one_time_state(&found.id, "void")?;
    }
    Ok(())
}

/// Marks a secret as used.
pub fn use_up(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    Ok(tx.set_one_time_state(id, "used")?)
}

/// Ends what a user could still sign in with: links, codes, resets, MFA in progress. Verification mails stay good.
pub fn void_doors(tx: &mut Tx<'_>, user_id: &str, address: Option<&str>) -> Result<()> {
    Ok(Purpose::DOORS.iter().try_for_each(|p| tx.void_one_time_of(p.name(), user_id, address))?)
}

/// Ends everything that was mailed to a user: its address changes, or it goes.
pub fn void_all(tx: &mut Tx<'_>, user_id: &str, address: Option<&str>) -> Result<()> {
    void_doors(tx, user_id, address)?;
    Ok(Purpose::VERIFICATIONS.iter().try_for_each(|p| tx.void_one_time_of(p.name(), user_id, address))?)
}

fn code_hash(environment: &Environment, id: &str, code: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(environment.server_secret()).expect("HMAC takes keys of any length");
    for part in ["one-time code", id, code] {
        mac.update(part.as_bytes());
        mac.update(b"\0");
    }
    mac.finalize().into_bytes().to_vec()
}
