//! Lists of end users: filters, order and pages.

use rusqlite::types::Value;

use super::users::{COLUMNS, UserRow};
use crate::store::{Reader, StoreResult, Tx};

/// Which users are wanted; the default is all who are not deleted and not anonymous.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Part of one of the texts named beside it, ignoring case.
    pub search: Option<String>,
    pub in_name: bool,
    pub in_nickname: bool,
    pub in_email: bool,
    pub role: Option<String>,
    /// Roles none of which a user may have.
    pub not_roles: Vec<String>,
    pub provider: Option<String>,
    pub email_verified: Option<bool>,
    /// Whether a ban holds at `now`.
    pub banned: Option<bool>,
    pub now: i64,
    pub with_deleted: bool,
    pub with_anonymous: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UserOrder {
    #[default]
    CreatedAt,
    UpdatedAt,
    Name,
    Email,
    Role,
}

impl UserOrder {
    fn column(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Name => "name",
            Self::Email => "email",
            Self::Role => "role",
        }
    }
}

const BANNED: &str = "(banned = 1 AND (banned_until IS NULL OR banned_until > ?))";

/// Conditions and the values bound to them, in their order.
#[derive(Default)]
struct Conditions {
    texts: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, text: impl Into<String>, values: impl IntoIterator<Item = Value>) {
        self.texts.push(text.into());
        self.values.extend(values);
    }

    fn sql(&self) -> String {
        if self.texts.is_empty() { "1".to_owned() } else { self.texts.join(" AND ") }
    }
}

impl UserFilter {
    fn conditions(&self) -> Conditions {
        let mut all = Conditions::default();
        if !self.with_deleted {
            all.add("deleted_at IS NULL", []);
        }
        if !self.with_anonymous {
            all.add("is_anonymous = 0", []);
        }
        if let Some(search) = &self.search {
            let places = [(self.in_name, "name"), (self.in_nickname, "profile ->> '$.nickname'"), (self.in_email, "email")];
            let places: Vec<String> = places.into_iter().filter(|(wanted, _)| *wanted).map(|(_, place)| format!("bk_contains({place}, ?)")).collect();
            let values = vec![Value::Text(search.clone()); places.len()];
            all.add(format!("({})", places.join(" OR ")), values);
        }
        if let Some(role) = &self.role {
            all.add("role = ?", [role.clone().into()]);
        }
        if !self.not_roles.is_empty() {
            all.add(format!("role NOT IN ({})", vec!["?"; self.not_roles.len()].join(", ")), self.not_roles.iter().map(|r| r.clone().into()));
        }
        if let Some(provider) = &self.provider {
            all.add("EXISTS (SELECT 1 FROM _accounts a WHERE a.user_id = _users.id AND a.provider = ?)", [provider.clone().into()]);
        }
        if let Some(verified) = self.email_verified {
            all.add(if verified { "email_verified IS NOT NULL" } else { "email_verified IS NULL" }, []);
        }
        if let Some(banned) = self.banned {
            all.add(if banned { BANNED.to_owned() } else { format!("NOT {BANNED}") }, [self.now.into()]);
        }
        all
    }
}

impl Reader<'_> {
    /// A page of users, ties by id in the same direction, and how many there are.
    pub fn users(&self, filter: &UserFilter, order: UserOrder, ascending: bool, limit: u32, offset: u64) -> StoreResult<(Vec<UserRow>, u64)> {
        let all = filter.conditions();
        let (conditions, mut values) = (all.sql(), all.values);
        let total = self
            .connection()
            .prepare_cached(&format!("SELECT count(*) FROM _users WHERE {conditions}"))?
            .query_row(rusqlite::params_from_iter(&values), |r| r.get(0))?;
        let (column, direction) = (order.column(), if ascending { "ASC" } else { "DESC" });
        let sql = format!("SELECT {COLUMNS} FROM _users WHERE {conditions} ORDER BY {column} {direction}, id {direction} LIMIT ? OFFSET ?");
        values.extend([i64::from(limit).into(), (offset as i64).into()]);
        let mut statement = self.connection().prepare_cached(&sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(&values), UserRow::read)?;
        Ok((rows.collect::<rusqlite::Result<_>>()?, total))
    }
}

impl Tx<'_> {
    /// Ends the bans whose time has passed; answers whose they were.
    pub fn lift_bans(&mut self, now: i64) -> StoreResult<Vec<String>> {
        let sql = "UPDATE _users SET banned = 0, banned_until = NULL, ban_reason = NULL WHERE banned = 1 AND banned_until <= ?1 RETURNING id";
        let mut statement = self.connection().prepare_cached(sql)?;
        let ids = statement.query_map([now], |r| r.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }
}
