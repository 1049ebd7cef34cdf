//! Avatars: uploads that become the picture of a user (`05-storage.md` §9, `04-users.md` §4).

use std::sync::Arc;

use serde_json::Value;

use super::input::{CONTENT_TYPE, FILENAME, Fields, required};
use super::labels::{Bucket, OwnerType, Visibility};
use super::media_type::{MediaType, UNKNOWN};
use super::name::sent_key;
use super::presign::{Begin, Presigned};
use super::register::{self, Registration};
use super::{Files, dimensions, remove_after_commit};
use crate::domain::auth::Visit;
use crate::domain::caller::Caller;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::images::Format;
use crate::store::Tx;
use crate::store::data::{FileRow, ObjectRow, UploadRow};

/// An upload that is to become an avatar, with what its bytes begin like.
#[derive(Debug, Clone)]
pub struct Avatar {
    key: String,
    seen: Option<Seen>,
}

/// What was found in an object.
#[derive(Debug, Clone)]
struct Seen {
    object: String,
    is_picture: bool,
    sides: Option<(u32, u32)>,
}

impl Avatar {
    /// The upload of a key, or of the plain URL of its object. Whether it may become an avatar shows in [`Avatar::adopt`].
    ///
    /// # Errors
    /// 400 `file/s3-key-too-long`.
    pub async fn of(environment: &Arc<Environment>, key: &str) -> Result<Self> {
        let key = sent_key(key)?;
        let upload = upload_of(environment, &key).await?;
        Self::look(environment, key, upload).await
    }

    /// The upload that a URL of this server names, if it is an avatar of this user: one begun for it in the bucket `avatars`.
    ///
    /// # Errors
    /// 503 when the database cannot be read.
    pub async fn named_by(environment: &Arc<Environment>, visit: &Visit, user_id: &str, url: &str) -> Result<Option<Self>> {
        let Some(key) = (url.contains("/storage/") && visit.is_own(url)).then(|| sent_key(url).ok()).flatten() else { return Ok(None) };
        let upload = upload_of(environment, &key).await?;
        let own = upload.filter(|upload| upload.uploader_id.as_deref() == Some(user_id) && upload.bucket.as_deref() == Some(Bucket::Avatars.as_str()));
        match own {
            Some(upload) => Self::look(environment, key, Some(upload)).await.map(Some),
            None => Ok(None),
        }
    }

    async fn look(environment: &Arc<Environment>, key: String, upload: Option<UploadRow>) -> Result<Self> {
        let Some(object) = upload.and_then(|upload| upload.object) else { return Ok(Self { key, seen: None }) };
        let objects = environment.objects().clone();
        let look = move || {
            let beginning = objects.open(&object.name).and_then(|mut stored| stored.read(0, 12)).unwrap_or_default();
            let sides = dimensions::of_object(&objects, &object.name);
            Seen { object: object.name, is_picture: Format::of(&beginning).is_some(), sides }
        };
        let seen = tokio::task::spawn_blocking(look).await.map_err(Error::internal)?;
        Ok(Self { key, seen: Some(seen) })
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// Makes it a public file of the user, in the transaction that changes the user. A file that it is already stays one.
    ///
    /// # Errors
    /// 400 `file/invalid-path`, `file/invalid-format`; 403 `file/access-denied`; 409 `file/upload-incomplete`.
    pub fn adopt(&self, tx: &mut Tx<'_>, environment: &Environment, caller: &Caller, user_id: &str) -> Result<()> {
        let upload = tx.reader().upload_by_key(&self.key)?.filter(|upload| upload.state.as_deref() != Some("aborted"));
        let upload = upload.ok_or_else(|| {
            let message = format!("\"{}\" was not issued here, or its file was deleted; send the key that upload-url answered", clip(&self.key));
            Error::new(Code::FILE_INVALID_PATH, message)
        })?;
        let file = if upload.registered { tx.reader().file(&upload.id)? } else { None };
        if !is_of(&upload, file.as_ref(), caller, user_id) {
            return Err(Error::new(Code::FILE_ACCESS_DENIED, "This upload belongs to somebody else; begin one with avatar/upload-url"));
        }
        let object = upload.object.clone().ok_or_else(incomplete)?;
        let seen = self.seen.as_ref().filter(|seen| seen.object == object.name).ok_or_else(incomplete)?;
        if !seen.is_picture {
            return Err(Error::new(Code::FILE_INVALID_FORMAT, "An avatar is a JPEG, PNG, GIF or WebP, and the uploaded bytes begin like none of them"));
        }
        match file {
            Some(file) if file.visibility != "public" => {
                tx.update_file(&FileRow { visibility: "public".to_owned(), ..file })?;
                Ok(())
            }
            Some(_) => Ok(()),
            None => register(tx, environment, caller, user_id, UploadRow { object: Some(object), ..upload }, seen.sides),
        }
    }
}

async fn upload_of(environment: &Arc<Environment>, key: &str) -> Result<Option<UploadRow>> {
    let key = key.to_owned();
    environment.data().read::<_, Error, _>(move |r| Ok(r.upload_by_key(&key)?)).await
}

/// Whether an upload, or the file made from it, belongs to the user; what admins began themselves they may give away.
fn is_of(upload: &UploadRow, file: Option<&FileRow>, caller: &Caller, user_id: &str) -> bool {
    match (file, upload.uploader_id.as_deref()) {
        (Some(file), _) => file.owner_type == OwnerType::User.as_str() && file.owner_id.as_deref() == Some(user_id),
        (None, Some(uploader)) => uploader == user_id,
        (None, None) => caller.is_admin(),
    }
}

fn register(tx: &mut Tx<'_>, environment: &Environment, caller: &Caller, user_id: &str, upload: UploadRow, sides: Option<(u32, u32)>) -> Result<()> {
    let settings = environment.file_settings();
    let size = upload.object.as_ref().map_or(0, |object: &ObjectRow| object.size);
    settings.check_least(size)?;
    let registration = Registration {
        width: sides.map(|(width, _)| width),
        height: sides.map(|(_, height)| height),
        visibility: Some(Visibility::Public),
        bucket: Some(Bucket::Avatars),
        owner_type: Some(OwnerType::User),
        owner_id: Some(user_id.to_owned()),
        ..Registration::default()
    };
    register::insert(tx, environment, caller, upload, registration, &settings).map(drop)
}

/// Deletes the file that was a user's avatar; a file of another bucket, which the user keeps for more than that, stays.
///
/// # Errors
/// Failures of the store.
pub fn release(tx: &mut Tx<'_>, environment: &Environment, user_id: &str, key: &str) -> Result<()> {
    let file = tx.reader().file_by_key(key)?;
    let own = file.filter(|file| file.bucket == Bucket::Avatars.as_str() && file.owner_id.as_deref() == Some(user_id));
    if let Some(file) = own {
        let names = tx.delete_upload(&file.id)?;
        remove_after_commit(tx, environment, names);
    }
    Ok(())
}

fn incomplete() -> Error {
    Error::new(Code::FILE_UPLOAD_INCOMPLETE, "The bytes of this upload are not there yet; PUT them to the upload URL, then send the key again")
}

impl Files {
    /// Begins the upload of a user's avatar, whoever asks for it.
    ///
    /// # Errors
    /// 400 `file/invalid-name`, `file/original-name-too-long`, `file/invalid-format`, `common/invalid-parameters`.
    pub async fn begin_avatar(&self, user_id: &str, body: &Value) -> Result<Presigned> {
        let fields = Fields::of(Some(body))?;
        let filename = fields.file_name(FILENAME)?.ok_or_else(|| required("filename"))?;
        let guessed = || Some(MediaType::guess(filename.as_str())).filter(|guess| guess.essence() != UNKNOWN);
        let media_type = fields.media_type(CONTENT_TYPE)?.flatten().or_else(guessed);
        // A type that nobody knows yet is that of the PUT, which is checked then.
        let size = Some(self.settings.max_image_bytes);
        let (visibility, bucket) = (Some(Visibility::Public), Some(Bucket::Avatars));
        self.begin(Begin { filename, media_type, size, visibility, bucket, uploader_id: Some(user_id.to_owned()) }).await
    }
}
