//! Who may read and write whom (`04-users.md` §1). Checks run in this order: 401, 403, 404; so a stranger learns nothing from
//! a write, whether the user exists or not.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::list::flag;
use super::person::{Person, UserAnswer};
use crate::domain::activities::Change;
use crate::domain::auth::Visit;
use crate::domain::auth::events::{self, Event};
use crate::domain::caller::Caller;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::store::Tx;
use crate::store::data::UserRow;

/// Somebody who asks about users of an environment.
#[derive(Clone)]
pub struct Asker {
    pub environment: Arc<Environment>,
    pub caller: Caller,
    pub visit: Visit,
}

/// A user an asker may read, and how much of it.
#[derive(Clone)]
pub struct Target {
    pub person: Person,
    /// The asker itself.
    pub is_self: bool,
}

/// A user an asker may delete, and whether its row goes at once.
#[derive(Debug, Clone)]
pub struct Deletable {
    pub(super) id: String,
    pub(super) purge: bool,
}

impl Asker {
    pub fn is_admin(&self) -> bool {
        self.caller.is_admin()
    }

    /// An admin by its role alone: it can neither ban nor demote itself.
    pub fn is_admin_by_token(&self) -> bool {
        matches!(self.caller, Caller::User { .. }) && self.is_admin()
    }

    /// # Errors
    /// 401 `common/authentication-required` for a key without a user.
    pub fn signed_in(&self) -> Result<()> {
        match self.caller {
            Caller::Guest { .. } => Err(nobody()),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// 401 as [`Asker::signed_in`]; 403 `user/forbidden`.
    pub fn admin(&self) -> Result<()> {
        self.signed_in()?;
        if self.is_admin() { Ok(()) } else { Err(forbidden("Only admins may do this: use a secret key, or sign in as a user whose role is admin")) }
    }

    /// # Errors
    /// 401 as [`Asker::signed_in`]; 403 `user/forbidden` for all but secret keys and developers.
    pub fn secret_key(&self) -> Result<()> {
        self.signed_in()?;
        match self.caller {
            Caller::SecretKey { .. } | Caller::Tenant(_) => Ok(()),
            _ => Err(forbidden("This route is for secret keys; use the environment's sk_ key")),
        }
    }

    /// The id behind what a path says; `me` is the token's user.
    fn id_of<'a>(&'a self, text: &'a str) -> Result<&'a str> {
        self.signed_in()?;
        if text == "me" { self.caller.own_id().ok_or_else(nobody) } else { Ok(text) }
    }

    /// A user to be read; deleted ones only with `includeDeleted`, and for admins.
    ///
    /// # Errors
    /// 401; 403 `user/forbidden` for others who ask for deleted ones; 404 `user/not-found`; 400 `common/invalid-parameters`
    /// for an `includeDeleted` that is neither `true` nor `false`.
    pub async fn readable(&self, text: &str, include_deleted: Option<&str>) -> Result<Target> {
        let id = self.id_of(text)?;
        let wants_deleted = is_asked(include_deleted);
        if wants_deleted && !self.is_admin() {
            return Err(forbidden("Only admins see deleted users; leave out includeDeleted"));
        }
        let target = self.find(id, wants_deleted).await?;
        flag("includeDeleted", include_deleted)?;
        Ok(target)
    }

    /// A user to be read or changed by itself or an admin.
    ///
    /// # Errors
    /// 401; 403 `user/forbidden`, whether there is such a user or not; 404 `user/not-found`.
    pub async fn own(&self, text: &str) -> Result<Target> {
        let id = self.id_of(text)?;
        if !self.is_admin() && self.caller.own_id() != Some(id) {
            return Err(forbidden("This is for the user itself and for admins"));
        }
        self.find(id, false).await
    }

    /// A user to be deleted: by itself or an admin; `purge`, also of users deleted earlier, is for admins.
    ///
    /// # Errors
    /// As [`Asker::own`]; 400 `common/invalid-parameters` for a `purge` that is neither `true` nor `false`.
    pub async fn deletable(&self, text: &str, purge: Option<&str>) -> Result<Deletable> {
        let id = self.id_of(text)?;
        let wants_purge = is_asked(purge);
        if !self.is_admin() && (wants_purge || self.caller.own_id() != Some(id)) {
            return Err(forbidden("Users delete themselves, without purge; everything else is for admins"));
        }
        let target = self.find(id, wants_purge).await?;
        Ok(Deletable { id: target.person.row.id, purge: flag("purge", purge)?.unwrap_or_default() })
    }

    /// A user to be changed by an admin.
    ///
    /// # Errors
    /// As [`Asker::own`].
    pub async fn as_admin(&self, text: &str) -> Result<Target> {
        let id = self.id_of(text)?;
        self.admin()?;
        self.find(id, false).await
    }

    async fn find(&self, id: &str, with_deleted: bool) -> Result<Target> {
        let (environment, wanted, base) = (Arc::clone(&self.environment), id.to_owned(), self.visit.base_url.clone());
        let person = self
            .environment
            .data()
            .read::<_, Error, _>(move |r| {
                r.snapshot(|| {
                    let row = if with_deleted { r.any_user(&wanted)? } else { r.user(&wanted)? };
                    Person::read(r, &environment, row.ok_or_else(not_found)?, &base)
                })
            })
            .await?;
        Ok(Target { is_self: self.caller.own_id() == Some(id), person })
    }

    /// As much of a user as the asker may see.
    pub fn sees(&self, target: &Target) -> UserAnswer {
        if self.is_admin() || target.is_self {
            UserAnswer::Whole(Box::new(target.person.whole(self.is_admin())))
        } else {
            UserAnswer::Public(Box::new(target.person.public()))
        }
    }

    /// Notes what happened to a user, in the transaction of the change.
    pub(super) fn record(&self, tx: &mut Tx<'_>, kind: &str, user_id: &str) -> Result<()> {
        let visit = match self.caller {
            Caller::Tenant(_) => None,
            _ => Some(&self.visit),
        };
        events::record(tx, &self.environment, Event { kind, user_id: Some(user_id), session_id: None, visit, success: true, code: None })
    }

    /// Writes the activity of what a developer changed; calls on `/v1` write none.
    pub(super) fn audit(&self, tx: &mut Tx<'_>, action: &str, user: &UserRow, metadata: Map<String, Value>) -> Result<()> {
        let name = user.email.as_deref().or(user.name.as_deref()).unwrap_or(&user.id);
        self.audit_as(tx, "user", action, (&user.id, name), metadata)
    }

    pub(super) fn audit_as(&self, tx: &mut Tx<'_>, entity: &str, action: &str, (id, name): (&str, &str), metadata: Map<String, Value>) -> Result<()> {
        let Caller::Tenant(tenant) = &self.caller else { return Ok(()) };
        let project = self.environment.project();
        let change = Change {
            organization_id: Some(&project.organization_id),
            project_id: Some(&project.id),
            environment: Some(self.environment.name()),
            entity,
            action,
            entity_id: id,
            entity_name: name,
            metadata,
        };
        self.environment.audit(tx, &change.by(tenant))
    }
}

/// Whether a flag of a query is raised, well-formed or not.
fn is_asked(flag: Option<&str>) -> bool {
    flag.is_some_and(|text| !matches!(text, "" | "false"))
}

fn nobody() -> Error {
    Error::new(Code::AUTHENTICATION_REQUIRED, "Sign in and send the access token as Authorization: Bearer, or use a secret key")
}

/// 403 `user/forbidden`.
pub(super) fn forbidden(message: impl Into<String>) -> Error {
    Error::new(Code::USER_FORBIDDEN, message)
}

/// 404 `user/not-found`.
pub(super) fn not_found() -> Error {
    Error::new(Code::USER_NOT_FOUND, "No user of this environment has this id")
}
