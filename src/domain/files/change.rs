//! Changing and deleting files (`05-storage.md` §5.2).

use std::sync::Arc;

use serde_json::Value;

use super::input::{BUCKET, Fields, ORIGINAL_NAME, required};
use super::labels::{Bucket, Visibility};
use super::media_type::MediaType;
use super::name::FileName;
use super::register::check_users;
use super::{FileObject, Files, audit, metadata, not_found, remove_after_commit, rights};
use crate::domain::error::{Error, Result};
use crate::store::data::FileRow;

/// What a PATCH changes.
#[derive(Debug, Clone, Default)]
struct Patch {
    original_name: Option<FileName>,
    visibility: Option<Visibility>,
    bucket: Option<Bucket>,
    metadata: Option<Value>,
    shared_with: Option<Vec<String>>,
}

impl Patch {
    fn parse(fields: Fields<'_>) -> Result<Self> {
        Ok(Self {
            original_name: fields.file_name(ORIGINAL_NAME)?,
            visibility: fields.visibility()?,
            bucket: fields.bucket(BUCKET)?,
            metadata: fields.value("metadata").cloned(),
            shared_with: fields.shared_with()?,
        })
    }

    fn is_empty(&self) -> bool {
        let Self { original_name, visibility, bucket, metadata, shared_with } = self;
        original_name.is_none() && visibility.is_none() && bucket.is_none() && metadata.is_none() && shared_with.is_none()
    }

    fn apply(self, file: &mut FileRow, settings: &super::FileSettings) -> Result<()> {
        if let Some(name) = self.original_name {
            file.original_name = name.into_string();
        }
        if let Some(visibility) = self.visibility {
            visibility.as_str().clone_into(&mut file.visibility);
        }
        if let Some(bucket) = self.bucket {
            if bucket == Bucket::Avatars
                && let Some(media_type) = MediaType::parse(&file.mime_type)?
            {
                settings.admit(&media_type, Some(bucket))?;
            }
            bucket.as_str().clone_into(&mut file.bucket);
        }
        if let Some(given) = self.metadata {
            file.metadata = metadata::merge(&file.metadata, &given)?;
        }
        if let Some(ids) = self.shared_with {
            file.shared_with = ids;
        }
        Ok(())
    }
}

impl Files {
    /// Changes name, visibility, bucket, notes or whom a file is shared with; everything else in the body is ignored.
    ///
    /// # Errors
    /// 404 `file/not-found`, then 401 or 403, then 400 as §3.
    pub async fn update(&self, id: &str, body: Option<Value>) -> Result<FileObject> {
        self.change(id, body, false).await
    }

    /// The same for the visibility alone.
    ///
    /// # Errors
    /// As [`Files::update`]; 400 without `visibility`.
    pub async fn set_visibility(&self, id: &str, body: Option<Value>) -> Result<FileObject> {
        self.change(id, body, true).await
    }

    async fn change(&self, id: &str, body: Option<Value>, visibility_only: bool) -> Result<FileObject> {
        let (this, id) = (self.share(), id.to_owned());
        let write = self.environment.data().write::<_, Error, _>(move |tx| {
            let mut file = tx.reader().file(&id)?.ok_or_else(not_found)?;
            rights::change(&this.caller, &file)?;
            let mut patch = Patch::parse(Fields::of(body.as_ref())?)?;
            if visibility_only {
                let visibility = patch.visibility.ok_or_else(|| required("visibility"))?;
                patch = Patch { visibility: Some(visibility), ..Patch::default() };
            }
            if patch.is_empty() {
                return Ok(file);
            }
            check_users(tx, patch.shared_with.as_deref().unwrap_or_default())?;
            patch.apply(&mut file, &this.settings)?;
            file.updated_at = this.environment.now().max(file.updated_at);
            tx.update_file(&file)?;
            audit(tx, &this.environment, &this.caller, "updated", &file)?;
            Ok(file)
        });
        self.object_of(write.await?)
    }

    /// Deletes record and object for good.
    ///
    /// # Errors
    /// 404 `file/not-found`, then 401 or 403.
    pub async fn delete(&self, id: &str) -> Result<()> {
        let (this, id) = (self.share(), id.to_owned());
        let write = self.environment.data().write::<_, Error, _>(move |tx| {
            let file = tx.reader().file(&id)?.ok_or_else(not_found)?;
            rights::change(&this.caller, &file)?;
            let names = tx.delete_upload(&id)?;
            audit(tx, &this.environment, &this.caller, "deleted", &file)?;
            remove_after_commit(tx, &this.environment, names);
            Ok(())
        });
        write.await
    }

    /// The same for a write that runs on another thread.
    pub(super) fn share(&self) -> Self {
        Self { environment: Arc::clone(&self.environment), caller: self.caller.clone(), links: self.links.clone(), settings: Arc::clone(&self.settings) }
    }
}
