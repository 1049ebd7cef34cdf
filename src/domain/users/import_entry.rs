//! One user of an import, read and checked (`04-users.md` §7).

use serde_json::{Map, Value};

use super::admin_changes::{self, Verified};
use super::changes::{Changes, Part};
use super::fields::{self, Problems};
use crate::domain::auth::{Email, foreign_hash, password};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::time::Millis;

/// Ids that are words of the routes.
const RESERVED: [&str; 3] = ["me", "slug", "import"];
/// Characters of an id.
const ID: usize = 64;
/// Characters of an identity at a provider.
const IDENTITY: usize = 255;

/// How an imported user proves who it is.
#[derive(Debug, Clone)]
pub enum Proof {
    None,
    /// Of another system, or of this one.
    Hash(String),
    /// To be hashed on arrival.
    Plain(String),
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub id: Option<String>,
    pub email: Option<Email>,
    pub name: String,
    pub verified: Option<Verified>,
    pub role: Option<String>,
    pub created_at: Option<Millis>,
    pub updated_at: Option<Millis>,
    pub own: Changes,
    pub proof: Proof,
    /// Provider and identity there.
    pub accounts: Vec<(String, String)>,
    /// Whether `accounts` named the address itself.
    pub by_email: bool,
}

impl Entry {
    /// # Errors
    /// The code of the first field that is wrong, as the report shows it.
    pub fn parse(environment: &Environment, value: &Value) -> Result<Self> {
        let given = value.as_object().ok_or_else(|| Error::invalid_parameter("users", "each of users must be an object"))?;
        // What is null is not there, but for what a user may clear.
        let field = |name: &str| given.get(name).filter(|value| !value.is_null());
        let mut problems = Problems::default();
        let email = field("email").and_then(|v| problems.take(fields::email(v))).flatten();
        let (accounts, by_email) = field("accounts").and_then(|v| problems.take(accounts(v))).unwrap_or_default();
        if field("email").is_none() && accounts.is_empty() {
            problems.note(Error::invalid_parameter("email", "email is required, unless accounts names a provider"));
        }
        let name = problems.take(fields::name(field("name").unwrap_or(&Value::Null)));
        let entry = Self {
            id: field("id").and_then(|v| problems.take(id(v))),
            verified: field("emailVerified").and_then(|v| problems.take(Verified::parse(v))),
            role: field("role").and_then(|v| problems.take(admin_changes::role(environment, v))),
            created_at: field("createdAt").and_then(|v| problems.take(fields::instant("createdAt", v))).flatten(),
            updated_at: field("updatedAt").and_then(|v| problems.take(fields::instant("updatedAt", v))).flatten(),
            own: Changes::parse(given, Part::Import, &mut problems),
            proof: problems.take(proof(given, email.is_some())).unwrap_or(Proof::None),
            name: name.unwrap_or_default(),
            email,
            accounts,
            by_email,
        };
        problems.finish().map(|()| entry)
    }
}

fn id(value: &Value) -> Result<String> {
    let fits =
        |text: &&str| (1..=ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) && !RESERVED.contains(text);
    let message = format!("id must have 1–{ID} of A–Z, a–z, 0–9, _ and -, and be none of {}", RESERVED.join(", "));
    value.as_str().filter(fits).map(str::to_owned).ok_or_else(|| Error::invalid_parameter("id", message))
}

fn proof(given: &Map<String, Value>, has_email: bool) -> Result<Proof> {
    let field = |name: &str| given.get(name).filter(|value| !value.is_null());
    let proof = match (field("passwordHash"), field("password")) {
        (None, None) => return Ok(Proof::None),
        (Some(_), Some(_)) => return Err(Error::invalid_parameter("password", "send password or passwordHash, not both")),
        (Some(hash), None) => hash.as_str().filter(|hash| foreign_hash::is_supported(hash)).map(|hash| Proof::Hash(hash.to_owned())).ok_or_else(|| {
            let message = "passwordHash must be a PHC string of argon2id, argon2i or scrypt, or a bcrypt hash, within the costs this server takes";
            Error::new(Code::UNSUPPORTED_HASH, message)
        })?,
        (None, Some(plain)) => {
            let text = plain.as_str().filter(|text| !text.is_empty()).ok_or_else(|| Error::invalid_parameter("password", "password must be text"))?;
            Proof::Plain(password::typed("password", text.to_owned())?)
        }
    };
    if has_email { Ok(proof) } else { Err(Error::invalid_parameter("email", "a password needs an email to sign in with")) }
}

/// Identities at providers, and whether the address was named as one.
fn accounts(value: &Value) -> Result<(Vec<(String, String)>, bool)> {
    let list = value.as_array().ok_or_else(|| Error::invalid_parameter("accounts", "accounts must be a list"))?;
    let (mut found, mut by_email) = (Vec::new(), false);
    for (at, account) in list.iter().enumerate().take(10) {
        let field = format!("accounts.{at}");
        let provider = account["provider"].as_str().unwrap_or_default();
        if provider == "email" {
            by_email = true;
            continue;
        }
        if !matches!(provider, "google" | "github") {
            return Err(Error::invalid_parameter(&field, format!("{field}.provider must be google or github, not \"{}\"", clip(provider))));
        }
        let identity =
            account["providerAccountId"].as_str().filter(|text| (1..=IDENTITY).contains(&text.chars().count()) && !text.chars().any(char::is_control));
        let identity = identity.ok_or_else(|| Error::invalid_parameter(&field, format!("{field}.providerAccountId must have 1–{IDENTITY} characters")))?;
        if found.iter().any(|(other, _)| other == provider) {
            return Err(Error::invalid_parameter(&field, format!("accounts names {provider} twice")));
        }
        found.push((provider.to_owned(), identity.to_owned()));
    }
    Ok((found, by_email))
}
