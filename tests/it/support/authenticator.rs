//! An authenticator app, written without the server's library: HOTP of RFC 4226 over the time steps of RFC 6238.

use ring::hmac;
use serde_json::json;

use super::TestApp;
use super::auth::Tokens;

/// A secret as `mfa/enable` answered it, and the backup codes beside it.
pub struct Authenticator {
    key: hmac::Key,
    pub secret: String,
    pub backup_codes: Vec<String>,
}

impl Authenticator {
    pub fn new(secret: &str, backup_codes: Vec<String>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(secret));
        Self { key, secret: secret.to_owned(), backup_codes }
    }

    /// The code at a time in seconds.
    pub fn at(&self, seconds: i64) -> String {
        let tag = hmac::sign(&self.key, &(seconds.div_euclid(30) as u64).to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[19] & 15);
        let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// The code at the server's time, some steps away from it.
    pub fn code(&self, app: &TestApp, steps: i64) -> String {
        self.at(app.environment.now() / 1000 + 30 * steps)
    }

    /// A code that is none of the steps around now, a different one for each number.
    pub fn wrong(&self, app: &TestApp, n: u32) -> String {
        let near: Vec<String> = (-3..=3).map(|step| self.code(app, step)).collect();
        (0..).map(|i| format!("{:06}", (n * 1000 + i) % 1_000_000)).find(|code| !near.contains(code)).unwrap()
    }
}

fn base32(text: &str) -> Vec<u8> {
    let bits = text.bytes().flat_map(|c| {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == c).unwrap();
        (0..5).rev().map(move |bit| (value >> bit & 1) as u8)
    });
    let bits: Vec<u8> = bits.collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect()
}

impl TestApp {
    /// Turns the second factor of a user on, whose password this is; moves the clock to the next step.
    pub async fn turn_mfa_on(&self, user: &Tokens, password: &str) -> Authenticator {
        let client = self.with(&user.access);
        let setup = client.post("/v1/auth/mfa/enable", json!({ "password": password })).await.assert(200);
        let codes = setup["backupCodes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        let authenticator = Authenticator::new(setup["secret"].as_str().unwrap(), codes);
        client.post("/v1/auth/mfa/confirm", json!({ "code": authenticator.code(self, 0) })).await.assert(200);
        self.wait(30);
        authenticator
    }
}
