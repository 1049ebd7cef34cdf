//! Users made by an admin (`04-users.md` §3).

use serde_json::{Map, Value};

use super::access::Asker;
use super::admin_changes::{self, Verified};
use super::fields::{self, Problems};
use super::person::Person;
use super::profile::Profile;
use crate::domain::auth::{Email, name, password, sign_up};
use crate::domain::error::{Error, Result};
use crate::domain::id::new_id;
use crate::store::data::UserRow;

impl Asker {
    /// Makes a user whose sign-in method is its address; without a password it comes in by a mailed link or code, a reset, or a
    /// social login with the same verified address. No mail is sent.
    ///
    /// # Errors
    /// 409 `auth/email-already-exists`; 400 `auth/invalid-email`, `user/invalid-name`, `user/invalid-nickname`,
    /// `user/invalid-role`, those of the policy.
    pub async fn create(&self, body: &Map<String, Value>) -> Result<Person> {
        let now = self.environment.now();
        let mut problems = Problems::default();
        let email = required(body, "email", &mut problems, Email::parse);
        let name = required(body, "name", &mut problems, name::name);
        let nickname = body.get("nickname").and_then(|v| problems.take(fields::nickname(v))).flatten();
        let role = body.get("role").filter(|v| !v.is_null()).and_then(|v| problems.take(admin_changes::role(&self.environment, v)));
        let verified = body.get("emailVerified").and_then(|v| problems.take(Verified::parse(v)));
        let given = body.get("password").filter(|v| !v.is_null());
        let password = given.and_then(|v| problems.take(admin_changes::new_password(&self.environment, v)));
        problems.finish()?;
        let hash = match &password {
            Some(password) => Some(password::hash(self.environment.passwords(), password).await?),
            None => None,
        };
        let user = UserRow {
            id: new_id(),
            email: email.map(Email::into_string),
            name,
            role: role.unwrap_or_else(|| "user".to_owned()),
            profile: Profile { nickname, ..Profile::default() }.to_json()?,
            email_verified: verified.and_then(|v| v.since(None, now)),
            created_at: now,
            updated_at: now,
            ..UserRow::default()
        };
        self.insert(user, hash).await
    }

    async fn insert(&self, user: UserRow, hash: Option<String>) -> Result<Person> {
        let asker = self.clone();
        self.environment
            .data()
            .write::<_, Error, _>(move |tx| {
                sign_up::insert_with_email(tx, &user)?;
                if let Some(hash) = &hash {
                    tx.set_password(&user.id, hash, user.created_at)?;
                }
                asker.audit(tx, "created", &user, Map::new())?;
                Person::read(&tx.reader(), &asker.environment, user, &asker.visit.base_url)
            })
            .await
    }
}

fn required<T>(body: &Map<String, Value>, field: &str, problems: &mut Problems, check: impl FnOnce(&str) -> Result<T>) -> Option<T> {
    match body.get(field) {
        None => {
            problems.note(Error::invalid_parameter(field, format!("{field} is required")));
            None
        }
        Some(value) => problems.take(check(value.as_str().unwrap_or_default())),
    }
}
