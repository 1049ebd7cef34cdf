//! Where the settings of authentication rest: the open part as JSON, every secret sealed and apart under `secret.…`, which
//! copies of an environment leave behind.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::{Algorithm, AuthConfig, SmtpSettings};
use super::events::{self, Event};
use super::keys::{Keyring, StoredKey, rotated};
use super::secret::Secret;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::sealed;
use crate::store::{Database, Reader, Tx};

const CONFIG: &str = "auth";
const KEYS: &str = "secret.signing_keys";
const GOOGLE: &str = "secret.oauth.google";
const GITHUB: &str = "secret.oauth.github";
const SMTP: &str = "secret.smtp";

/// The mail server as a whole is a secret: a copy that still knew it would mail real people.
#[derive(Serialize, Deserialize)]
struct SealedSmtp {
    settings: SmtpSettings,
    password: Option<String>,
}

impl SealedSmtp {
    fn of(settings: &SmtpSettings) -> Self {
        Self { settings: settings.clone(), password: settings.password.as_ref().map(|password| password.reveal().to_owned()) }
    }
}

/// Reads the settings as they are stored; a secret that another server sealed is missing.
pub fn load(r: &Reader<'_>, server_secret: &[u8; 32]) -> Result<AuthConfig> {
    let text = r.environment_setting(CONFIG)?;
    let mut config: AuthConfig = text.map_or(Ok(AuthConfig::default()), |text| serde_json::from_str(&text)).map_err(Error::internal)?;
    let secret = |key: &str| -> Result<Option<Secret>> {
        let sealed = r.environment_setting(key)?;
        Ok(sealed.and_then(|sealed| sealed::open(server_secret, key, &sealed)).map(Secret::new))
    };
    config.oauth.google.client_secret = secret(GOOGLE)?;
    config.oauth.github.client_secret = secret(GITHUB)?;
    let smtp = secret(SMTP)?.map(|text| serde_json::from_str::<SealedSmtp>(text.reveal())).transpose().map_err(Error::internal)?;
    config.mail.smtp = smtp.map(|sealed| SmtpSettings { password: sealed.password.map(Secret::new), ..sealed.settings });
    Ok(config)
}

fn store(tx: &mut Tx<'_>, server_secret: &[u8; 32], config: &AuthConfig) -> Result<()> {
    tx.set_environment_setting(CONFIG, &serde_json::to_string(&config.without_smtp()).map_err(Error::internal)?)?;
    let smtp = config.mail.smtp.as_ref().map(SealedSmtp::of).map(|sealed| serde_json::to_string(&sealed)).transpose().map_err(Error::internal)?;
    let smtp = smtp.map(Secret::new);
    for (key, secret) in [(GOOGLE, config.oauth.google.client_secret.as_ref()), (GITHUB, config.oauth.github.client_secret.as_ref()), (SMTP, smtp.as_ref())] {
        match secret {
            Some(secret) => tx.set_environment_setting(key, &sealed::seal(server_secret, key, secret.reveal())?)?,
            None => tx.remove_environment_setting(key)?,
        }
    }
    Ok(())
}

fn stored_keys(r: &Reader<'_>) -> Result<Vec<StoredKey>> {
    let text = r.environment_setting(KEYS)?;
    text.map_or(Ok(Vec::new()), |text| serde_json::from_str(&text)).map_err(Error::internal)
}

fn store_keys(tx: &mut Tx<'_>, keys: &[StoredKey]) -> Result<()> {
    Ok(tx.set_environment_setting(KEYS, &serde_json::to_string(keys).map_err(Error::internal)?)?)
}

/// The key ring of an environment that is being opened; a new one when there is none this server can read. Blocks.
pub fn open_keyring(data: &Database, server_secret: &[u8; 32], algorithm: Algorithm, project_id: &str, environment: &str, now: i64) -> Result<Keyring> {
    let stored = data.read_blocking::<_, Error, _>(stored_keys)?;
    if let Some(ring) = Keyring::open(server_secret, &stored, project_id, environment) {
        return Ok(ring);
    }
    let keys = vec![StoredKey::generate(server_secret, algorithm, now)?];
    let ring = Keyring::open(server_secret, &keys, project_id, environment).ok_or_else(|| Error::internal("a new signing key cannot be read"))?;
    data.write_blocking::<_, Error, _>(move |tx| store_keys(tx, &keys))?;
    Ok(ring)
}

/// The key ring after the content of an environment was replaced; a new one when none came with it.
pub fn reread_keyring(environment: &Environment, tx: &mut Tx<'_>, algorithm: Algorithm) -> Result<Keyring> {
    let (secret, project, name) = (environment.server_secret(), &environment.project().id, environment.name());
    if let Some(ring) = Keyring::open(secret, &stored_keys(&tx.reader())?, project, name) {
        return Ok(ring);
    }
    let keys = [StoredKey::generate(secret, algorithm, environment.now())?];
    store_keys(tx, &keys)?;
    Keyring::open(secret, &keys, project, name).ok_or_else(|| Error::internal("a new signing key cannot be read"))
}

impl Environment {
    /// The settings inside a transaction, which may be ahead of [`Environment::auth_config`].
    pub fn stored_auth_config(&self, r: &Reader<'_>) -> Result<AuthConfig> {
        load(r, self.server_secret())
    }

    /// Puts new settings in place, secrets included: they hold once the transaction is committed. Another algorithm counts
    /// as a rotation of the signing key.
    ///
    /// # Errors
    /// `common/invalid-parameters` naming every field out of range.
    pub fn put_auth_config(self: &Arc<Self>, tx: &mut Tx<'_>, config: AuthConfig) -> Result<()> {
        config.check()?;
        store(tx, self.server_secret(), &config)?;
        let environment = Arc::clone(self);
        let algorithm = config.tokens.algorithm;
        tx.after_commit(move || environment.set_auth(config));
        let signs_with = stored_keys(&tx.reader())?.last().map(StoredKey::algorithm);
        if signs_with != Some(algorithm) {
            self.rotate_signing_key(tx, algorithm, false)?;
        }
        Ok(())
    }

    /// As [`Environment::put_auth_config`], in a transaction of its own.
    ///
    /// # Errors
    /// As [`Environment::put_auth_config`].
    pub async fn set_auth_config(self: &Arc<Self>, config: AuthConfig) -> Result<()> {
        let this = Arc::clone(self);
        self.data().write::<_, Error, _>(move |tx| this.put_auth_config(tx, config)).await
    }

    /// Makes a new signing key and answers its `kid`. The old one verifies until what it signed has ended; with
    /// `immediate` it is forgotten, and every session of the environment ends.
    pub fn rotate_signing_key(self: &Arc<Self>, tx: &mut Tx<'_>, algorithm: Algorithm, immediate: bool) -> Result<String> {
        let (now, config) = (self.now(), load(&tx.reader(), self.server_secret())?);
        let new = StoredKey::generate(self.server_secret(), algorithm, now)?;
        let kid = new.kid().to_owned();
        let longest = config.tokens.access_token_seconds.max(config.tokens.refresh_token_seconds) * 1000;
        // What it signed may have been issued while tokens lived longer than they do now.
        let verify_until = (now + longest).max(tx.reader().last_session_end()?.unwrap_or_default());
        let keys = rotated(stored_keys(&tx.reader())?, new, now, (!immediate).then_some(verify_until));
        store_keys(tx, &keys)?;
        if immediate {
            tx.delete_all_sessions()?;
        }
        events::record(tx, self, Event { kind: "secret_rotated", user_id: None, session_id: None, visit: None, success: true, code: None })?;
        let ring = Keyring::open(self.server_secret(), &keys, &self.project().id, self.name());
        let ring = ring.ok_or_else(|| Error::internal("a new signing key cannot be read"))?;
        let environment = Arc::clone(self);
        tx.after_commit(move || environment.set_keyring(ring));
        Ok(kid)
    }
}
