//! Sign-in with simulated providers: whoever reads the server's terminal is let in as whom they like, nobody else
//! (`06-console.md` A6, ruling 11).

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::sessions::{self, Device, NewConsoleSession};
use super::{input, signup};
use crate::domain::backend::Backend;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::id::new_id;
use crate::domain::time::{self, Millis};
use crate::store::Tx;
use crate::store::control::{ChallengeRow, TenantRow};

/// The providers there are.
pub const PROVIDERS: [&str; 2] = ["google", "github"];
const LIFETIME: Millis = 10 * 60 * 1000;
/// Codes typed for one challenge.
const TRIES: u32 = 5;

impl Backend {
    /// The providers that can be used: none unless the server listens on loopback only and may show codes.
    pub fn simulated_providers(&self) -> &'static [&'static str] {
        if self.post().reveal { &PROVIDERS } else { &[] }
    }

    /// Prints a code in the terminal; answers the id of the challenge.
    ///
    /// # Errors
    /// 403 `tenant/simulated-disabled`; `common/invalid-parameters`; 429 `tenant/too-many-attempts`.
    pub async fn start_simulated(self: &Arc<Self>, provider: &str, email: &str, name: &str, device: &Device) -> Result<String> {
        let provider = self.usable(provider)?;
        let email = input::email(email)?;
        let name = if name.trim().is_empty() { signup::name_of(&email) } else { input::name("name", name)? };
        self.attempts().requested(&email, &device.ip_address)?;
        let code = format!("{:06}", rand::random_range(0..1_000_000));
        let (now, id) = (time::now(), new_id());
        let row = ChallengeRow {
            code_hash: keyed(self.secret(), &id, &code)?,
            id: id.clone(),
            provider: provider.to_owned(),
            email,
            name,
            tries: 0,
            expires_at: now + LIFETIME,
            used_at: None,
            created_at: now,
        };
        let post = self.post().clone();
        self.control()
            .write::<_, Error, _>(move |tx| {
                tx.purge_challenges(now - LIFETIME)?;
                tx.insert_challenge(&row)?;
                tx.after_commit(move || post.log(&format!("simulated_{}", row.provider), &row.email, &code));
                Ok(())
            })
            .await?;
        Ok(id)
    }

    /// Signs in with the code from the terminal; an address without an account gets one.
    ///
    /// # Errors
    /// 401 `tenant/invalid-code`, after five tries whatever is typed; 403 `tenant/simulated-disabled`; 429
    /// `tenant/too-many-attempts`.
    pub async fn confirm_simulated(self: &Arc<Self>, provider: &str, challenge_id: &str, code: &str, device: Device) -> Result<NewConsoleSession> {
        let provider = self.usable(provider)?;
        let attempt = self.attempts().guess(&device.ip_address)?;
        let given = keyed(self.secret(), challenge_id, code.trim())?;
        let id = challenge_id.to_owned();
        // A wrong code is counted, so the transaction is kept and says what came of it.
        let outcome = self.control().write::<_, Error, _>(move |tx| Ok(confirm(tx, provider, &id, &given, device)?.ok_or_else(wrong))).await;
        attempt.judge(outcome.and_then(|outcome| outcome), |error| error.code() == Code::TENANT_INVALID_CODE)
    }

    fn usable(&self, provider: &str) -> Result<&'static str> {
        if self.simulated_providers().is_empty() {
            let message = "Simulated sign-in exists only on a server that listens on loopback and may show codes in its terminal; use a sign-in link";
            return Err(Error::new(Code::TENANT_SIMULATED_DISABLED, message));
        }
        let known = PROVIDERS.into_iter().find(|known| *known == provider);
        known.ok_or_else(|| Error::invalid_parameter("provider", format!("provider must be google or github, not \"{}\"", clip(provider))))
    }
}

/// `None` for a code that does not count.
fn confirm(tx: &mut Tx<'_>, provider: &str, id: &str, given: &[u8; 32], device: Device) -> Result<Option<NewConsoleSession>> {
    let now = time::now();
    let usable = |c: &ChallengeRow| c.provider == provider && c.used_at.is_none() && c.expires_at > now && c.tries < TRIES;
    let Some(challenge) = tx.reader().challenge(id)?.filter(usable) else { return Ok(None) };
    tx.count_challenge_try(id)?;
    if !bool::from(challenge.code_hash.ct_eq(given)) {
        return Ok(None);
    }
    tx.use_challenge(id, now)?;
    let mut row = tenant(tx, &challenge)?;
    tx.insert_identity(provider, &challenge.email, &row.id, now)?;
    sessions::sign_in(tx, &mut row, device).map(Some)
}

/// The tenant the identity belongs to, else the one with its address, else a new one.
fn tenant(tx: &mut Tx<'_>, challenge: &ChallengeRow) -> Result<TenantRow> {
    let r = tx.reader();
    if let Some(id) = r.tenant_of_identity(&challenge.provider, &challenge.email)?
        && let Some(row) = r.tenant(&id)?
    {
        return Ok(row);
    }
    match r.tenant_by_email(&challenge.email)? {
        Some(row) => Ok(row),
        None => signup::create(tx, &challenge.email, &challenge.name, None),
    }
}

fn keyed(secret: &[u8; 32], challenge_id: &str, code: &str) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(Error::internal)?;
    for part in ["simulated code", challenge_id, code] {
        mac.update(part.as_bytes());
        mac.update(b"\0");
    }
    Ok(mac.finalize().into_bytes().into())
}

fn wrong() -> Error {
    Error::new(Code::TENANT_INVALID_CODE, "The code is wrong, used or has expired, or five were tried; start again for a new one")
}
