//! What only admins change of a user: address, role, password, ban (`04-users.md` §3), with everything that follows.

use serde_json::{Map, Value};

use super::access::{Asker, forbidden};
use super::fields::{self, BAN_REASON, Problems};
use super::person::Person;
use crate::domain::auth::{Email, one_time, password, sign_up, tokens};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::time::Millis;
use crate::store::Tx;
use crate::store::data::UserRow;

/// Fields of a body that are compared before anybody but an admin changes anything.
const FIELDS: [&str; 8] = ["email", "emailVerified", "role", "banned", "bannedUntil", "banReason", "deletedAt", "password"];

/// Whether an address counts as verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    No,
    /// Since it was, or since now.
    Yes,
    Since(Millis),
}

impl Verified {
    pub fn parse(value: &Value) -> Result<Self> {
        if let Some(is) = value.as_bool() {
            return Ok(if is { Self::Yes } else { Self::No });
        }
        let at = fields::instant("emailVerified", value)
            .map_err(|_| Error::invalid_parameter("emailVerified", "emailVerified must be true, false, a time, or null"))?;
        Ok(at.map_or(Self::No, Self::Since))
    }

    pub fn since(self, before: Option<Millis>, now: Millis) -> Option<Millis> {
        match self {
            Self::No => None,
            Self::Yes => Some(before.unwrap_or(now)),
            Self::Since(at) => Some(at),
        }
    }
}

/// A role users may have.
///
/// # Errors
/// 400 `user/invalid-role`.
pub fn role(environment: &Environment, value: &Value) -> Result<String> {
    let known = value.as_str().filter(|name| environment.knows_role(name));
    known.map(str::to_owned).ok_or_else(|| {
        let custom = &environment.auth_config().users.custom_roles;
        let names = ["admin", "user", "guest"].into_iter().chain(custom.iter().map(String::as_str));
        let sent = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Error::new(Code::INVALID_ROLE, format!("role must be one of {}, not \"{}\"", names.collect::<Vec<_>>().join(", "), clip(&sent)))
    })
}

/// Checked fields; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct AdminChanges {
    pub email: Option<Option<Email>>,
    pub email_verified: Option<Verified>,
    pub role: Option<String>,
    banned: Option<bool>,
    banned_until: Option<Option<Millis>>,
    ban_reason: Option<Option<String>>,
    /// Accepted by the policy.
    pub password: Option<String>,
}

impl AdminChanges {
    /// Reads the fields out of a body.
    pub fn parse(environment: &Environment, body: &Map<String, Value>, problems: &mut Problems) -> Self {
        let changes = Self {
            email: body.get("email").and_then(|v| problems.take(fields::email(v))),
            email_verified: body.get("emailVerified").and_then(|v| problems.take(Verified::parse(v))),
            role: body.get("role").and_then(|v| problems.take(role(environment, v))),
            banned: body.get("banned").and_then(|v| problems.take(fields::boolean("banned", v))),
            banned_until: body.get("bannedUntil").and_then(|v| problems.take(fields::instant("bannedUntil", v))),
            ban_reason: body.get("banReason").and_then(|v| problems.take(fields::line("banReason", v, BAN_REASON))),
            password: body.get("password").and_then(|v| problems.take(new_password(environment, v))),
        };
        if changes.banned_until.flatten().is_some_and(|until| until <= environment.now()) {
            problems.note(Error::invalid_parameter("bannedUntil", "bannedUntil must be in the future; banned: false lifts a ban"));
        }
        changes
    }

    /// The role alone.
    pub fn of_role(role: String) -> Self {
        Self { role: Some(role), ..Self::default() }
    }

    /// Changes the row and what depends on it; answers whether anything changed beside the row.
    ///
    /// # Errors
    /// 403 `user/forbidden` for what an admin cannot do to itself; 409 `auth/email-already-exists`; 400
    /// `common/invalid-parameters` for changes that contradict the user.
    pub fn apply(&self, tx: &mut Tx<'_>, asker: &Asker, user: &mut UserRow, hash: Option<&str>) -> Result<bool> {
        self.check_self(asker, user)?;
        self.change_role(tx, asker, user)?;
        self.change_email(tx, asker, user)?;
        self.change_ban(tx, asker, user)?;
        match hash {
            Some(hash) => set_password(tx, asker, user, hash).map(|()| true),
            None => Ok(false),
        }
    }

    fn check_self(&self, asker: &Asker, user: &UserRow) -> Result<()> {
        if !asker.is_admin_by_token() || asker.caller.own_id() != Some(&user.id) {
            return Ok(());
        }
        if self.banned == Some(true) {
            return Err(forbidden("banned: an admin cannot ban itself; use a secret key"));
        }
        if self.role.as_ref().is_some_and(|role| *role != user.role) {
            return Err(forbidden("role: an admin cannot change its own role; use a secret key"));
        }
        Ok(())
    }

    fn change_role(&self, tx: &mut Tx<'_>, asker: &Asker, user: &mut UserRow) -> Result<()> {
        let Some(role) = self.role.as_ref().filter(|role| **role != user.role) else { return Ok(()) };
        user.role.clone_from(role);
        asker.record(tx, "role_changed", &user.id)
    }

    /// A new address voids what was mailed to the old one, and is verified only if that is said too.
    fn change_email(&self, tx: &mut Tx<'_>, asker: &Asker, user: &mut UserRow) -> Result<()> {
        let before = user.email.clone();
        if let Some(email) = &self.email {
            let email = email.as_ref().map(|e| e.as_str().to_owned());
            if email != before {
                move_to(tx, asker, user, email)?;
            }
        }
        let (was, now) = (user.email_verified, asker.environment.now());
        if let Some(verified) = self.email_verified {
            user.email_verified = verified.since(was, now);
        }
        if user.email_verified.is_some() && user.email.is_none() {
            return Err(Error::invalid_parameter("emailVerified", "emailVerified needs an email beside it"));
        }
        if was.is_none() && user.email_verified.is_some() {
            asker.record(tx, "email_verified", &user.id)?;
        }
        Ok(())
    }

    fn change_ban(&self, tx: &mut Tx<'_>, asker: &Asker, user: &mut UserRow) -> Result<()> {
        let was = tokens::is_banned(user.banned, user.banned_until, asker.environment.now());
        let is = self.banned.unwrap_or(was);
        let given = |field: &str| Error::invalid_parameter(field, format!("{field} belongs to a ban; send banned: true with it"));
        if !is {
            if self.banned_until.flatten().is_some() {
                return Err(given("bannedUntil"));
            }
            if self.ban_reason.as_ref().is_some_and(Option::is_some) {
                return Err(given("banReason"));
            }
            (user.banned, user.banned_until, user.ban_reason) = (false, None, None);
            return if was { asker.record(tx, "user_unbanned", &user.id) } else { Ok(()) };
        }
        if !was {
            (user.banned, user.banned_until, user.ban_reason) = (true, None, None);
            tx.delete_sessions_of(&user.id, None)?;
            one_time::void_doors(tx, &user.id, user.email.as_deref())?;
            asker.record(tx, "user_banned", &user.id)?;
        }
        if let Some(until) = self.banned_until {
            user.banned_until = until;
        }
        if let Some(reason) = &self.ban_reason {
            user.ban_reason.clone_from(reason);
        }
        Ok(())
    }
}

pub(super) fn move_to(tx: &mut Tx<'_>, asker: &Asker, user: &mut UserRow, email: Option<String>) -> Result<()> {
    one_time::void_all(tx, &user.id, user.email.as_deref())?;
    let accounts = tx.reader().accounts_of(&user.id)?;
    match &email {
        Some(email) => {
            if tx.reader().user_by_email(email)?.is_some_and(|other| other.id != user.id) {
                return Err(Error::new(Code::EMAIL_ALREADY_EXISTS, "Another account has this email; choose another address"));
            }
            tx.move_email_account(&user.id, email)?;
        }
        None if accounts.iter().all(|a| a.provider == "email") => {
            return Err(Error::invalid_parameter("email", "email is the only way this user signs in; it cannot be cleared"));
        }
        None => {
            tx.delete_account(&user.id, "email")?;
            tx.remove_password(&user.id)?;
        }
    }
    user.email = email;
    user.email_verified = None;
    if accounts.is_empty() {
        // Nobody could have signed in as this user before: an anonymous one.
        sign_up::add_email_account(tx, user, asker.environment.now())?;
        user.is_anonymous = false;
    }
    asker.record(tx, "email_changed", &user.id)
}

/// Sets a password; every session ends, and the address is a way to sign in from now on.
pub(super) fn set_password(tx: &mut Tx<'_>, asker: &Asker, user: &UserRow, hash: &str) -> Result<()> {
    let now = asker.environment.now();
    if user.email.is_none() {
        return Err(Error::invalid_parameter("password", "password needs an email to sign in with; set that too"));
    }
    if tx.reader().accounts_of(&user.id)?.iter().all(|a| a.provider != "email") {
        sign_up::add_email_account(tx, user, now)?;
    }
    tx.set_password(&user.id, hash, now)?;
    tx.delete_sessions_of(&user.id, None)?;
    one_time::void_doors(tx, &user.id, user.email.as_deref())?;
    asker.record(tx, "password_changed", &user.id)
}

/// # Errors
/// 400 of the policy; `common/invalid-parameters` for what is no text.
pub(super) fn new_password(environment: &Environment, value: &Value) -> Result<String> {
    let text = value.as_str().ok_or_else(|| Error::invalid_parameter("password", "password must be text"))?;
    password::accept(&environment.auth_config().email.password_policy, "password", text)
}

/// Fields of admins that another sent with a value that is not the stored one; equal ones are ignored, since clients send
/// whole objects back.
///
/// # Errors
/// 403 `user/forbidden` naming the field.
pub fn refuse_differences(person: &Person, body: &Map<String, Value>) -> Result<()> {
    let stored = serde_json::to_value(person.whole(true)).map_err(Error::internal)?;
    match FIELDS.into_iter().find(|field| body.get(*field).is_some_and(|sent| !is_same(person, field, sent, &stored[*field]))) {
        Some("password") => Err(forbidden("password: users change their own password by POST /v1/auth/password/change")),
        Some(field) => Err(forbidden(format!("{field} is written by admins only"))),
        None => Ok(()),
    }
}

fn is_same(person: &Person, field: &str, sent: &Value, stored: &Value) -> bool {
    match field {
        "email" => sent == stored || fields::email(sent).is_ok_and(|e| e.as_ref().map(Email::as_str) == person.row.email.as_deref()),
        "emailVerified" => match Verified::parse(sent) {
            Ok(Verified::Since(at)) => person.row.email_verified == Some(at),
            Ok(Verified::Yes) => person.row.email_verified.is_some(),
            Ok(Verified::No) => person.row.email_verified.is_none(),
            Err(_) => false,
        },
        "role" => sent == stored || sent.as_str() == Some(&person.row.role),
        "bannedUntil" | "deletedAt" => sent == stored || fields::instant(field, sent).ok() == fields::instant(field, stored).ok(),
        "password" => false,
        _ => sent == stored,
    }
}
