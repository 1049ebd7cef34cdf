//! Changing a user (`04-users.md` §3–§6).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::access::{Asker, Target, not_found};
use super::admin_changes::{self, AdminChanges};
use super::changes::{Changes, Part, taken};
use super::fields::Problems;
use super::person::Person;
use super::profile::Profile;
use crate::domain::auth::password;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::store::Tx;
use crate::store::data::UserRow;

/// What is to become of a user.
#[derive(Debug, Clone, Default)]
struct Wanted {
    own: Changes,
    by_admin: AdminChanges,
    hash: Option<String>,
    /// For the audit.
    fields: Vec<String>,
}

impl Asker {
    /// Changes the fields of a body that its route takes, and answers the user as it is then. `{}` changes nothing.
    ///
    /// # Errors
    /// 403 `user/forbidden` naming a field of admins; 400 of the fields; 409 `user/slug-taken`,
    /// `auth/email-already-exists`; 404 `user/not-found` when the user was deleted meanwhile.
    pub async fn update(&self, target: &Target, part: Part, body: &Map<String, Value>) -> Result<Person> {
        if !self.is_admin() && matches!(part, Part::Whole | Part::Profile) {
            admin_changes::refuse_differences(&target.person, body)?;
        }
        let mut problems = Problems::default();
        let mut wanted = Wanted { own: Changes::parse(body, part, &mut problems), fields: body.keys().take(50).cloned().collect(), ..Wanted::default() };
        if self.is_admin() && part.takes_admin_fields() {
            wanted.by_admin = AdminChanges::parse(&self.environment, body, &mut problems);
            // Whole objects come back with the role in effect, which must not overwrite a stored one that is not declared now.
            wanted.by_admin.role = wanted.by_admin.role.filter(|role| *role != target.person.role());
        }
        problems.finish()?;
        if let Some(password) = &wanted.by_admin.password {
            wanted.hash = Some(password::hash(self.environment.passwords(), password).await?);
        }
        self.change(&target.person.row.id, wanted).await
    }

    /// Gives a user another role; it holds from the next request on, for open sessions too.
    ///
    /// # Errors
    /// 400 `user/invalid-role`, `common/invalid-parameters` without one; 403 `user/forbidden` for an admin's own.
    pub async fn set_role(&self, target: &Target, body: &Map<String, Value>) -> Result<Person> {
        let role = body.get("role").ok_or_else(|| Error::invalid_parameter("role", "role is required"))?;
        let by_admin = AdminChanges::of_role(admin_changes::role(&self.environment, role)?);
        self.change(&target.person.row.id, Wanted { by_admin, fields: vec!["role".to_owned()], ..Wanted::default() }).await
    }

    async fn change(&self, id: &str, wanted: Wanted) -> Result<Person> {
        let (asker, id) = (self.clone(), id.to_owned());
        self.environment
            .data()
            .write::<_, Error, _>(move |tx| {
                let before = tx.reader().user(&id)?.ok_or_else(not_found)?;
                wanted.carry_out(tx, &asker, before)
            })
            .await
    }
}

impl Wanted {
    fn carry_out(self, tx: &mut Tx<'_>, asker: &Asker, before: UserRow) -> Result<Person> {
        let environment = &asker.environment;
        let profile_before = Profile::parse(&before.profile)?;
        let (mut user, mut profile) = (before.clone(), profile_before.clone());
        self.own.apply(&tx.reader(), &mut user, &mut profile, environment.now())?;
        let beside = self.by_admin.apply(tx, asker, &mut user, self.hash.as_deref())?;
        if beside || user != before || profile != profile_before {
            user.profile = profile.to_json()?;
            keep(tx, environment, &mut user)?;
            asker.audit(tx, "updated", &user, Map::from_iter([("fields".to_owned(), json!(self.fields))]))?;
        }
        Person::read(&tx.reader(), environment, user)
    }
}

/// Stores a changed row; `updatedAt` moves.
fn keep(tx: &mut Tx<'_>, environment: &Arc<Environment>, user: &mut UserRow) -> Result<()> {
    user.updated_at = environment.now().max(user.updated_at + 1);
    tx.update_user(user).map_err(taken)?;
    Ok(())
}
