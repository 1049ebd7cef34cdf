//! Whom the simulator can be: three who are always there, those used before, and anybody else.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::auth::social::Provider;
use crate::domain::auth::{Email, name};
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::store::data::SimulatorIdentityRow;
use crate::store::{Reader, Tx};

/// Identities that are remembered for each provider.
const REMEMBERED: u32 = 20;
/// Account ids at the stand-in for GitHub are numbers that JavaScript can hold, far beyond those of real accounts.
const GITHUB_IDS: u64 = 8_000_000_000_000_000;
const GITHUB_RANGE: u64 = 1_000_000_000_000_000;

/// Somebody to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Normalised.
    pub email: String,
    pub name: String,
    pub picture: Option<String>,
    pub email_verified: bool,
}

/// Address, name and whether the address is verified.
pub const FIXED: [(&str, &str, bool); 3] =
    [("mina.kim@example.com", "Mina Kim", true), ("joon.park@example.com", "Joon Park", true), ("unverified@example.com", "Noa Lim", false)];

impl Chosen {
    /// Checks what was typed; without a name the local part of the address serves.
    ///
    /// # Errors
    /// 400 `auth/invalid-email`, `user/invalid-name`, `common/invalid-parameters`.
    pub fn new(email: &str, given_name: Option<&str>, picture: Option<&str>, email_verified: bool) -> Result<Self> {
        let email = Email::parse(email)?;
        let name = name::name(given_name.map(str::trim).filter(|n| !n.is_empty()).unwrap_or_else(|| email.local_part()))?;
        let picture = picture.map(str::trim).filter(|p| !p.is_empty());
        if picture.is_some_and(|picture| !crate::domain::auth::social::is_picture(picture)) {
            return Err(Error::invalid_parameter("picture", "picture must be an http or https address of at most 2048 characters"));
        }
        Ok(Self { email: email.into_string(), name, picture: picture.map(str::to_owned), email_verified })
    }

    fn fixed() -> impl Iterator<Item = Self> {
        FIXED.into_iter().map(|(email, name, email_verified)| Self { email: email.to_owned(), name: name.to_owned(), picture: None, email_verified })
    }
}

/// Everybody a page offers: those used before first, last used first, then the fixed ones that are not among them.
pub fn known(r: &Reader<'_>, provider: Provider) -> Result<Vec<Chosen>> {
    let rows = r.simulator_identities(provider.name())?.into_iter();
    let used: Vec<Chosen> = rows.map(|row| Chosen { email: row.email, name: row.name, picture: row.picture, email_verified: row.email_verified }).collect();
    let fixed: Vec<Chosen> = Chosen::fixed().filter(|fixed| !used.contains(fixed)).collect();
    Ok(fixed.into_iter().chain(used).collect())
}

/// Remembers a choice, unless it is always offered.
pub(super) fn remember(tx: &mut Tx<'_>, environment: &Environment, provider: Provider, chosen: &Chosen) -> Result<()> {
    if Chosen::fixed().any(|fixed| fixed == *chosen) {
        return Ok(());
    }
    let row = SimulatorIdentityRow {
        provider: provider.name().to_owned(),
        email: chosen.email.clone(),
        name: chosen.name.clone(),
        picture: chosen.picture.clone(),
        email_verified: chosen.email_verified,
        used_at: environment.now(),
    };
    Ok(tx.remember_simulator_identity(&row, REMEMBERED)?)
}

fn digest(provider: Provider, email: &str) -> [u8; 32] {
    Sha256::digest(format!("simulator\n{}\n{email}", provider.name())).into()
}

/// The account id of an address at a provider: the same address is the same account, and never one of the real provider.
pub fn account_id(provider: Provider, email: &str) -> String {
    match provider {
        Provider::Google => format!("sim-{}", hex::encode(&digest(provider, email)[..12])),
        Provider::GitHub => github_id(email).to_string(),
    }
}

/// The number of a GitHub account.
pub fn github_id(email: &str) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&digest(Provider::GitHub, email)[..8]);
    GITHUB_IDS + u64::from_be_bytes(first) % GITHUB_RANGE
}

/// The user name of a GitHub account: letters, digits and single hyphens.
pub fn login_of(email: &str) -> String {
    let local = email.split('@').next().unwrap_or_default();
    let words: Vec<&str> = local.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let login: String = words.join("-").chars().take(39).collect();
    if login.is_empty() { format!("user-{}", github_id(email) % 1_000_000) } else { login.trim_end_matches('-').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_address_is_the_same_account_and_another_one_elsewhere() {
        let (google, github) = (account_id(Provider::Google, "a@b.test"), account_id(Provider::GitHub, "a@b.test"));
        assert_eq!(google, account_id(Provider::Google, "a@b.test"));
        assert!(google != github && google != account_id(Provider::Google, "b@b.test"));
        assert!((GITHUB_IDS..=9_007_199_254_740_991).contains(&github.parse::<u64>().unwrap()));
        assert_eq!((login_of("mina.kim+x@b.test").as_str(), login_of("...@b.test").starts_with("user-")), ("mina-kim-x", true));
    }

    #[test]
    fn what_was_typed_is_checked() {
        assert_eq!(Chosen::new(" A@B.test", None, Some(" "), true).unwrap().name, "a");
        for (email, name, picture) in [("x", None, None), ("a@b.test", Some("a\u{7}b"), None), ("a@b.test", None, Some("javascript:alert(1)"))] {
            assert!(Chosen::new(email, name, picture, true).is_err());
        }
    }
}
