//! Authorization codes and refresh tokens: only SHA-256 hashes of their values are kept.

use rusqlite::{OptionalExtension, params};

use crate::store::{Reader, StoreResult, Tx};

#[derive(Debug, Clone)]
pub struct OauthCodeRow {
    pub hash: [u8; 32],
    pub grant_id: String,
    /// BASE64URL(SHA256(verifier)), RFC 7636 §4.2.
    pub challenge: String,
    pub expires_at: i64,
    /// How often a wrong verifier came with it.
    pub attempts: u32,
    pub used_at: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct OauthRefreshTokenRow {
    pub hash: [u8; 32],
    pub grant_id: String,
    pub expires_at: i64,
    /// When it was first exchanged for the next one.
    pub rotated_at: Option<i64>,
}

impl Reader<'_> {
    pub fn oauth_code(&self, hash: &[u8; 32]) -> StoreResult<Option<OauthCodeRow>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT hash, grant_id, challenge, expires_at, attempts, used_at FROM oauth_codes WHERE hash = ?1")?
            .query_row([hash], |row| {
                Ok(OauthCodeRow {
                    hash: row.get(0)?,
                    grant_id: row.get(1)?,
                    challenge: row.get(2)?,
                    expires_at: row.get(3)?,
                    attempts: row.get(4)?,
                    used_at: row.get(5)?,
                })
            })
            .optional()?)
    }

    pub fn oauth_refresh_token(&self, hash: &[u8; 32]) -> StoreResult<Option<OauthRefreshTokenRow>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT hash, grant_id, expires_at, rotated_at FROM oauth_refresh_tokens WHERE hash = ?1")?
            .query_row([hash], |row| Ok(OauthRefreshTokenRow { hash: row.get(0)?, grant_id: row.get(1)?, expires_at: row.get(2)?, rotated_at: row.get(3)? }))
            .optional()?)
    }
}

impl Tx<'_> {
    pub fn insert_oauth_code(&mut self, c: &OauthCodeRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached("INSERT INTO oauth_codes (hash, grant_id, challenge, expires_at, attempts, used_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![c.hash, c.grant_id, c.challenge, c.expires_at, c.attempts, c.used_at])?;
        Ok(())
    }

    pub fn use_oauth_code(&mut self, hash: &[u8; 32], now: i64) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE oauth_codes SET used_at = ?2 WHERE hash = ?1")?.execute(params![hash, now])?;
        Ok(())
    }

    /// Counts a wrong verifier.
    pub fn fail_oauth_code(&mut self, hash: &[u8; 32]) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE oauth_codes SET attempts = attempts + 1 WHERE hash = ?1")?.execute([hash])?;
        Ok(())
    }

    pub fn insert_oauth_refresh_token(&mut self, t: &OauthRefreshTokenRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached("INSERT INTO oauth_refresh_tokens (hash, grant_id, expires_at, rotated_at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![t.hash, t.grant_id, t.expires_at, t.rotated_at])?;
        Ok(())
    }

    /// Marks a token as exchanged; the first time counts.
    pub fn rotate_oauth_refresh_token(&mut self, hash: &[u8; 32], now: i64) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE oauth_refresh_tokens SET rotated_at = coalesce(rotated_at, ?2) WHERE hash = ?1")?
            .execute(params![hash, now])?;
        Ok(())
    }

    /// Drops tokens that expired before a time; they then answer like unknown ones.
    pub fn purge_oauth_refresh_tokens(&mut self, expired_before: i64) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM oauth_refresh_tokens WHERE expires_at < ?1")?.execute([expired_before])?;
        Ok(())
    }
}
