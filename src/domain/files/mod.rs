//! Stored files: what is known of them, who may read them, and their bytes (`05-storage.md`).

pub mod administration;
pub mod avatars;
pub mod bulk;
mod change;
pub mod conditions;
pub mod dimensions;
pub mod direct;
pub mod disposition;
mod download;
pub mod import;
mod input;
pub mod labels;
mod list;
pub mod media_type;
mod metadata;
pub mod multipart;
mod multipart_complete;
pub mod name;
pub mod open;
mod pack;
pub mod presign;
pub mod put;
pub mod ranges;
pub mod receive;
pub mod register;
mod rights;
pub mod serving;
pub mod settings;
pub mod signature;
pub mod stats;
pub mod sweep;
pub mod view;

use std::sync::Arc;

pub use download::DownloadUrl;
pub use multipart_complete::{Completed, Completing};
pub use presign::Presigned;
pub use settings::FileSettings;
pub use view::FileObject;

use super::activities::Change;
use super::caller::Caller;
use super::environment::Environment;
use super::error::{Code, Error, Result};
use crate::store::Tx;
use crate::store::data::FileRow;
use view::Links;

/// The files of one environment, as one caller may use them.
pub struct Files {
    environment: Arc<Environment>,
    caller: Caller,
    links: Links,
    settings: Arc<FileSettings>,
}

impl Files {
    /// `base`: scheme and host of the URLs handed out, without a trailing slash.
    pub fn open(environment: &Arc<Environment>, caller: &Caller, base: &str) -> Self {
        Self { environment: Arc::clone(environment), caller: caller.clone(), links: Links::new(environment, base), settings: environment.file_settings() }
    }

    /// # Errors
    /// 401 `common/authentication-required` for guests: what needs somebody signed in asks before it reads a body.
    pub fn signed_in(&self) -> Result<()> {
        rights::signed_in(&self.caller)
    }

    fn object_of(&self, row: FileRow) -> Result<FileObject> {
        FileObject::of(row, &self.caller, &self.links, self.settings.download_url_ttl)
    }
}

/// Notes what a developer did, in the transaction that did it.
fn audit(tx: &mut Tx<'_>, environment: &Environment, caller: &Caller, action: &str, file: &FileRow) -> Result<()> {
    let Caller::Tenant(tenant) = caller else { return Ok(()) };
    let project = environment.project();
    let change = Change {
        organization_id: Some(&project.organization_id),
        project_id: Some(&project.id),
        environment: Some(environment.name()),
        entity: "file",
        action,
        entity_id: &file.id,
        entity_name: &file.original_name,
        metadata: serde_json::Map::new(),
    };
    environment.audit(tx, &change.by(tenant))
}

/// Removes stored bytes that no row names any more, once the commit that forgot them is durable.
fn remove_after_commit(tx: &mut Tx<'_>, environment: &Environment, names: Vec<String>) {
    let objects = environment.objects().clone();
    let (pictures, environment_id) = (Arc::clone(environment.pictures()), environment.id().to_owned());
    tx.after_commit(move || {
        // An object is named after its file; parts are no objects yet.
        for file_id in names.iter().filter(|name| !name.starts_with("parts/")).filter_map(|name| Some(name.rsplit('/').next()?.rsplit_once('-')?.0)) {
            pictures.forget(&environment_id, file_id);
        }
        let mut folders: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix("parts/")?.split('/').next()).collect();
        folders.dedup();
        for name in &names {
            objects.remove(name);
        }
        for folder in folders {
            objects.remove_parts(folder);
        }
    });
}

fn not_found() -> Error {
    Error::new(Code::FILE_NOT_FOUND, "No file of this environment has this id")
}
