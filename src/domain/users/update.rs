//! Changing a user (`04-users.md` §3–§6).

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::access::{Asker, Target, not_found};
use super::admin_changes::{self, AdminChanges};
use super::changes::{Changes, Part, taken};
use super::fields::Problems;
use super::image;
use super::person::Person;
use super::profile::Profile;
use crate::domain::auth::{invitation_answer, password};
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::files::avatars::{self, Avatar};
use crate::domain::files::{Files, Presigned};
use crate::store::Tx;
use crate::store::data::UserRow;

/// What is to become of a user.
#[derive(Debug, Clone, Default)]
struct Wanted {
    own: Changes,
    by_admin: AdminChanges,
    avatar: Option<Avatar>,
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
        let body = &*sent(&target.person, body);
        let mut problems = Problems::default();
        let mut wanted = Wanted { own: Changes::parse(body, part, &mut problems), fields: body.keys().take(50).cloned().collect(), ..Wanted::default() };
        if self.is_admin() && part.takes_admin_fields() {
            wanted.by_admin = AdminChanges::parse(&self.environment, body, &mut problems);
            // Whole objects come back with the role in effect, which must not overwrite a stored one that is not declared now.
            wanted.by_admin.role = wanted.by_admin.role.filter(|role| *role != target.person.role());
        }
        problems.finish()?;
        if let Some(url) = wanted.own.image() {
            wanted.avatar = Avatar::named_by(&self.environment, &self.visit, &target.person.row.id, url).await?;
        }
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

    /// Makes an upload of the user its picture; the former avatar is deleted.
    ///
    /// # Errors
    /// 400 `file/invalid-path`, `file/invalid-format`; 403 `file/access-denied`; 409 `file/upload-incomplete`.
    pub async fn set_avatar(&self, target: &Target, body: &Map<String, Value>) -> Result<Person> {
        let key = ["s3Key", "key"].iter().find_map(|name| body.get(*name).filter(|value| !value.is_null()));
        let key = key.ok_or_else(|| Error::invalid_parameter("s3Key", "s3Key is required: the key that upload-url answered"))?;
        let key = key.as_str().ok_or_else(|| Error::invalid_parameter("s3Key", "s3Key must be text"))?;
        let avatar = Some(Avatar::of(&self.environment, key).await?);
        self.change(&target.person.row.id, Wanted { avatar, fields: vec!["image".to_owned()], ..Wanted::default() }).await
    }

    /// Takes the picture of a user away; an avatar is deleted.
    ///
    /// # Errors
    /// 404 `user/not-found` when the user was deleted meanwhile.
    pub async fn remove_avatar(&self, target: &Target) -> Result<Person> {
        let wanted = Wanted { own: Changes::without_image(), fields: vec!["image".to_owned()], ..Wanted::default() };
        self.change(&target.person.row.id, wanted).await
    }

    /// Begins the upload of an avatar: public, and of the user, whoever asks for it.
    ///
    /// # Errors
    /// 400 `file/invalid-format`, `file/invalid-name`, `file/original-name-too-long`, `common/invalid-parameters`.
    pub async fn avatar_upload(&self, target: &Target, body: Map<String, Value>) -> Result<Presigned> {
        let files = Files::open(&self.environment, &self.caller, &self.visit.base_url);
        files.begin_avatar(&target.person.row.id, &Value::Object(body)).await
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
        if let Some(avatar) = &self.avatar {
            if image::avatar(&profile_before) != Some(avatar.key()) {
                avatar.adopt(tx, environment, &asker.caller, &user.id)?;
            }
            image::write_avatar(&mut profile, avatar.key());
        }
        if let Some(former) = image::avatar(&profile_before).filter(|former| image::avatar(&profile) != Some(*former)) {
            avatars::release(tx, environment, &user.id, former)?;
        }
        let beside = self.by_admin.apply(tx, asker, &mut user, self.hash.as_deref())?;
        if beside || user != before || profile != profile_before {
            user.profile = profile.to_json()?;
            keep(tx, environment, &mut user)?;
            if before.email_verified.is_none() && self.by_admin.role.is_none() {
                invitation_answer::grant_waiting(tx, environment, &asker.visit, &user.id)?;
                user = tx.reader().user(&user.id)?.ok_or_else(not_found)?;
            }
            asker.audit(tx, "updated", &user, Map::from_iter([("fields".to_owned(), json!(self.fields))]))?;
        }
        Person::read(&tx.reader(), environment, user, &asker.visit.base_url)
    }
}

/// What a body asks for. Clients send whole objects back: `name: null` of a nameless user says what is, though no name can
/// be cleared.
fn sent<'b>(person: &Person, body: &'b Map<String, Value>) -> Cow<'b, Map<String, Value>> {
    if person.row.name.is_some() || !body.get("name").is_some_and(Value::is_null) {
        return Cow::Borrowed(body);
    }
    Cow::Owned(body.iter().filter(|(field, _)| *field != "name").map(|(field, value)| (field.clone(), value.clone())).collect())
}

/// Stores a changed row; `updatedAt` moves.
fn keep(tx: &mut Tx<'_>, environment: &Arc<Environment>, user: &mut UserRow) -> Result<()> {
    user.updated_at = environment.now().max(user.updated_at + 1);
    tx.update_user(user).map_err(taken)?;
    Ok(())
}
