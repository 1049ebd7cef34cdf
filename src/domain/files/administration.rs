//! What developers do with the storage of an environment: its settings, and uploads that nobody registered (`06-console.md` B3).

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{FileSettings, Files, audit, not_found, remove_after_commit, rights};
use crate::domain::activities::Change;
use crate::domain::caller::Caller;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Detail, Error, Result};
use crate::domain::page::{List, Page};
use crate::domain::tenancy::version::{Expected, Versioned};
use crate::domain::time;
use crate::store::data::{FileRow, UploadRow};

/// Stored bytes that no file was made of, newest first: an app shows them by their address, or never finished.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnregisteredUpload {
    pub file_id: String,
    pub key: String,
    pub filename: String,
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// As stated when it was begun.
    pub visibility: Option<String>,
    pub bucket: Option<String>,
    /// The user who began it; null for secret keys and developers.
    pub uploader_id: Option<String>,
    /// A signed URL to look at it.
    pub url: String,
    pub created_at: String,
    pub stored_at: String,
    /// When its plain or image URL was first read; what never was is swept away.
    pub fetched_at: Option<String>,
}

impl Files {
    /// A page of what is stored and was never registered.
    ///
    /// # Errors
    /// 401, 403 for all but admins.
    pub async fn unregistered(&self, page: Page) -> Result<List<UnregisteredUpload>> {
        rights::admin(&self.caller)?;
        let read = self.environment.data().read::<_, Error, _>(move |r| Ok(r.unregistered_uploads(page.limit, page.offset)?));
        let (rows, total) = read.await?;
        Ok(List::new(rows.into_iter().filter_map(|row| self.unregistered_view(row)).collect(), page, total))
    }

    fn unregistered_view(&self, row: UploadRow) -> Option<UnregisteredUpload> {
        let object = row.object?;
        let (url, _) = self.links.get(&row.key, self.settings.download_url_ttl, super::disposition::Disposition::Inline);
        Some(UnregisteredUpload {
            key: self.links.key(&row.key),
            file_id: row.id,
            filename: row.filename,
            content_type: object.content_type,
            size: object.size,
            width: object.width,
            height: object.height,
            visibility: row.visibility,
            bucket: row.bucket,
            uploader_id: row.uploader_id,
            url,
            created_at: time::iso(row.created_at),
            stored_at: time::iso(object.stored_at),
            fetched_at: row.fetched_at.map(time::iso),
        })
    }

    /// Deletes an upload that nobody registered, with its bytes.
    ///
    /// # Errors
    /// 401, 403 for all but admins; 404 `file/not-found`, for registered files too.
    pub async fn delete_unregistered(&self, id: &str) -> Result<()> {
        rights::admin(&self.caller)?;
        let (this, id) = (self.share(), id.to_owned());
        let write = self.environment.data().write::<_, Error, _>(move |tx| {
            let upload = tx.reader().upload(&id)?.filter(|upload| !upload.registered && upload.object.is_some()).ok_or_else(not_found)?;
            let names = tx.delete_upload(&id)?;
            let told = FileRow { id: upload.id, original_name: upload.filename, ..FileRow::default() };
            audit(tx, &this.environment, &this.caller, "deleted", &told)?;
            remove_after_commit(tx, &this.environment, names);
            Ok(())
        });
        write.await
    }
}

impl Environment {
    /// The settings of storage with their version.
    ///
    /// # Errors
    /// None in practice.
    pub fn storage_settings(&self) -> Result<Versioned<FileSettings>> {
        Versioned::of(FileSettings::clone(&self.file_settings()))
    }

    /// Changes the settings that `patch` names, for a developer who was found to be allowed to.
    ///
    /// # Errors
    /// 400 `common/invalid-parameters` naming what is unknown, of the wrong type or out of range; 412 `management/version-conflict`.
    pub async fn change_storage_settings(self: &Arc<Self>, caller: &Caller, patch: Map<String, Value>, expected: &Expected) -> Result<Versioned<FileSettings>> {
        let (this, caller, expected) = (Arc::clone(self), caller.clone(), expected.clone());
        self.data()
            .write::<_, Error, _>(move |tx| {
                let current = Versioned::of(FileSettings::load(&tx.reader())?)?;
                expected.check(&current)?;
                let changed = merged(&current.value, &patch)?;
                if changed == current.value {
                    return Ok(current);
                }
                this.put_file_settings(tx, changed.clone())?;
                if let Caller::Tenant(tenant) = &caller {
                    let fields: Vec<&String> = patch.keys().collect();
                    let project = this.project();
                    let change = Change {
                        organization_id: Some(&project.organization_id),
                        project_id: Some(&project.id),
                        environment: Some(this.name()),
                        entity: "environment",
                        action: "updated",
                        entity_id: this.id(),
                        entity_name: this.name(),
                        metadata: Map::from_iter([("section".to_owned(), "storage".into()), ("fields".to_owned(), serde_json::json!(fields))]),
                    };
                    this.audit(tx, &change.by(tenant))?;
                }
                Versioned::of(changed)
            })
            .await
    }
}

/// The settings with the members of a patch; `null` brings a default back. Unknown members are ignored.
fn merged(current: &FileSettings, patch: &Map<String, Value>) -> Result<FileSettings> {
    let object = |settings: &FileSettings| serde_json::to_value(settings).map_err(Error::internal);
    let (mut all, defaults) = (object(current)?, object(&FileSettings::default())?);
    let mut details = Vec::new();
    for (field, value) in patch.iter().filter(|(field, _)| defaults.get(field.as_str()).is_some()) {
        let before = std::mem::replace(&mut all[field], if value.is_null() { defaults[field].clone() } else { value.clone() });
        if serde_json::from_value::<FileSettings>(all.clone()).is_err() {
            details.push(Detail::new(field, "type", format!("{field} must be {}", kind_of(&defaults[field]))));
            all[field] = before;
        }
    }
    if details.is_empty() { serde_json::from_value(all).map_err(Error::internal) } else { Err(Error::with_details(Code::INVALID_PARAMETERS, details)) }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "true or false",
        Value::Array(_) => "a list of content types or patterns",
        _ => "a whole number, not below 0",
    }
}
