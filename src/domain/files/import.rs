//! Files from elsewhere, with the ids, keys, owners and times they had there (`05-storage.md` §9).

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::input::{BUCKET, Fields, KEY, MIME_TYPE, ORIGINAL_NAME};
use super::labels::{Bucket, OwnerType, Visibility};
use super::media_type::MediaType;
use super::name::{FileName, new_key};
use super::receive::failed;
use super::{FileObject, Files, audit, dimensions, rights};
use crate::domain::backend::Backend;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::{id, time};
use crate::store::data::{FileRow, ObjectRow, UploadRow};
use crate::store::{Incoming, Objects};

/// Words of the routes below `/v1/files`: no id may be one.
const PATH_WORDS: [&str; 9] = ["stats", "buckets", "upload", "presigned-url", "multipart", "unregistered", "bulk", "import", "download"];
/// Characters of a key.
const MAX_KEY: usize = 500;

/// An imported file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportedFile {
    #[serde(flatten)]
    pub file: FileObject,
    /// The key it came with, when another environment holds that already and it got a new one.
    #[serde(rename = "replacedKey", skip_serializing_if = "Option::is_none")]
    pub replaced_key: Option<String>,
}

/// What is told of an imported file, read.
struct Told {
    id: String,
    key: Option<String>,
    name: FileName,
    mime_type: String,
    size: Option<u64>,
    row: FileRow,
}

/// The bytes of a file as they come; they go again unless it is imported.
pub struct Arriving(Incoming);

impl Arriving {
    /// Adds bytes.
    ///
    /// # Errors
    /// 503 when the disk is full.
    pub async fn push(self, bytes: Bytes) -> Result<Self> {
        let Self(mut incoming) = self;
        let write = move || incoming.write(&bytes).map(|()| incoming);
        tokio::task::spawn_blocking(write).await.map_err(Error::internal)?.map(Self).map_err(failed)
    }
}

impl Files {
    /// Begins to take the bytes of a file to be imported.
    ///
    /// # Errors
    /// 401, 403 for all but admins; 503 when the disk is full.
    pub async fn begin_import(&self) -> Result<Arriving> {
        rights::admin(&self.caller)?;
        let objects = self.environment.objects().clone();
        tokio::task::spawn_blocking(move || objects.begin(false)).await.map_err(Error::internal)?.map(Arriving).map_err(failed)
    }

    /// Stores a file with what is told of it (§4); the limits of §3 do not apply.
    ///
    /// # Errors
    /// 401, 403 for all but admins; 400 `common/invalid-parameters`, `file/size-mismatch`; 409 `file/s3-key-already-exists` when
    /// the environment has a file of this id or key; 503 when the disk is full.
    pub async fn import(&self, backend: &Arc<Backend>, metadata: &Value, arrived: Arriving) -> Result<ImportedFile> {
        rights::admin(&self.caller)?;
        let Arriving(incoming) = arrived;
        let told = self.told(metadata)?;
        if let Some(size) = told.size.filter(|size| *size != incoming.size()) {
            let message = format!("metadata says {size} bytes, the part file has {}; one of them is not whole", incoming.size());
            return Err(Error::new(Code::FILE_SIZE_MISMATCH, message));
        }
        // Of two imports of one key, the second finds the first.
        let _turn = backend.importing_keys().lock().await;
        let replaced = match &told.key {
            // Clients resolve such segments before they send (RFC 3986 §5.2.4): nobody could ever read it.
            Some(key) if key.split('/').any(|segment| matches!(segment, "." | "..")) => true,
            Some(key) => backend.holder_of_key(key).await?.is_some_and(|holder| holder.id() != self.environment.id()),
            None => false,
        };
        let fresh = || new_key(self.environment.id(), &told.id, &told.name);
        let key = told.key.clone().filter(|_| !replaced).unwrap_or_else(fresh);
        let file = self.store_imported(&told, key, incoming).await?;
        Ok(ImportedFile { file: self.object_of(file)?, replaced_key: told.key.filter(|_| replaced) })
    }

    fn told(&self, metadata: &Value) -> Result<Told> {
        let fields = Fields::of(Some(metadata))?;
        let id = fields.text(&["id", "fileId"])?.map(acceptable).transpose()?.unwrap_or_else(id::new_id);
        let key = fields.text(KEY)?.filter(|key| !key.is_empty()).map(key_of).transpose()?;
        let name = fields.text(ORIGINAL_NAME)?.map_or_else(|| FileName::parse("file"), lenient_name)?;
        let mime_type = fields.text(MIME_TYPE)?.and_then(|text| MediaType::parse(text).ok().flatten()).unwrap_or_else(|| MediaType::guess(name.as_str()));
        let now = self.environment.now();
        let at = |field: &'static str| fields.value(field).map(|value| moment(field, value.as_str().unwrap_or_default())).transpose();
        let created_at = at("createdAt")?.unwrap_or(now);
        let (owner_type, owner_id) = owner(&fields)?;
        let row = FileRow {
            id: id.clone(),
            original_name: name.as_str().to_owned(),
            width: fields.side("width").unwrap_or(None),
            height: fields.side("height").unwrap_or(None),
            visibility: fields
                .text(&["visibility"])?
                .map(|word| Visibility::parse("visibility", word))
                .transpose()?
                .map_or("private", |v| v.as_str())
                .to_owned(),
            bucket: fields.text(BUCKET)?.and_then(Bucket::of).unwrap_or(Bucket::Attachments).as_str().to_owned(),
            owner_type,
            owner_id,
            metadata: fields.value("metadata").filter(|value| value.is_object()).map_or_else(|| "{}".to_owned(), Value::to_string),
            created_at,
            updated_at: at("updatedAt")?.unwrap_or(created_at),
            shared_with: fields.value("sharedWith").map(ids_of).unwrap_or_default(),
            ..FileRow::default()
        };
        let size = fields.value("size").or_else(|| fields.value("fileSize")).and_then(super::input::whole);
        Ok(Told { id, key, name, mime_type: mime_type.into_string(), size, row })
    }

    async fn store_imported(&self, told: &Told, key: String, incoming: Incoming) -> Result<FileRow> {
        let (objects, object_name) = (self.environment.objects().clone(), Objects::name_for(&told.id));
        let (etag, size) = (hex::encode(incoming.md5()), incoming.size());
        let place = {
            let (objects, name) = (objects.clone(), object_name.clone());
            move || {
                let placed = objects.place(incoming, &name)?;
                Ok::<_, std::io::Error>((placed, dimensions::of_object(&objects, &name)))
            }
        };
        let placed = tokio::task::spawn_blocking(place).await.map_err(Error::internal)?;
        let (placed, sides) = placed.map_err(failed)?;
        let mut file = FileRow { mime_type: told.mime_type.clone(), size, key: key.clone(), etag: etag.clone(), ..told.row.clone() };
        file.width = file.width.or(sides.map(|(width, _)| width));
        file.height = file.height.or(sides.map(|(_, height)| height));
        let upload = UploadRow {
            id: told.id.clone(),
            key,
            uploader_id: file.owner_id.clone().filter(|_| file.owner_type == OwnerType::User.as_str()),
            filename: file.original_name.clone(),
            content_type: Some(file.mime_type.clone()),
            max_size: size,
            visibility: Some(file.visibility.clone()),
            bucket: Some(file.bucket.clone()),
            created_at: file.created_at,
            expires_at: file.created_at,
            object: Some(ObjectRow {
                name: object_name,
                size,
                etag,
                content_type: file.mime_type.clone(),
                width: file.width,
                height: file.height,
                stored_at: file.updated_at,
            }),
            registered: true,
            ..UploadRow::default()
        };
        let this = self.share();
        // The bytes stay with the commit, also when nobody waits for the answer any more.
        let stored = self.environment.data().write::<_, Error, _>(move |tx| {
            let reader = tx.reader();
            if reader.upload(&upload.id)?.is_some() || reader.upload_by_key(&upload.key)?.is_some() {
                return Err(Error::new(Code::FILE_S3_KEY_ALREADY_EXISTS, "The environment has a file with this id or key already; delete it first"));
            }
            let mut known = Vec::new();
            for id in &file.shared_with {
                known.extend(reader.role_of_user(id)?.map(|_| id.clone()));
            }
            file.shared_with = known;
            tx.insert_upload(&upload)?;
            tx.insert_file(&file)?;
            audit(tx, &this.environment, &this.caller, "imported", &file)?;
            tx.after_commit(move || placed.keep());
            Ok(file)
        });
        stored.await
    }
}

fn acceptable(text: &str) -> Result<String> {
    if PATH_WORDS.contains(&text) {
        return Err(Error::invalid_parameter("id", format!("id must not be {text}, which is a word of the API's paths")));
    }
    if id::is_acceptable(text) {
        return Ok(text.to_owned());
    }
    Err(Error::invalid_parameter("id", format!("id must be 1–64 letters, digits, _ and -, not \"{}\"", clip(text))))
}

fn key_of(text: &str) -> Result<String> {
    if text.chars().count() > MAX_KEY {
        return Err(Error::new(Code::FILE_S3_KEY_TOO_LONG, format!("The key may have {MAX_KEY} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid_parameter("s3Key", "s3Key must not hold control characters"));
    }
    Ok(text.to_owned())
}

/// Names of elsewhere may hold what names here may not.
fn lenient_name(text: &str) -> Result<FileName> {
    FileName::parse(text).or_else(|_| {
        let clean: String =
            text.chars().filter(|c| !c.is_control() && !matches!(c, '/' | '\\' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')).take(255).collect();
        FileName::parse(&clean).or_else(|_| FileName::parse("file"))
    })
}

fn moment(field: &str, text: &str) -> Result<i64> {
    time::parse(text).ok_or_else(|| Error::invalid_parameter(field, format!("{field} must be a time such as 2026-01-15T10:30:00.000Z, not \"{}\"", clip(text))))
}

fn owner(fields: &Fields<'_>) -> Result<(String, Option<String>)> {
    let kind = fields.text(&["ownerType"])?.map(|word| OwnerType::parse("ownerType", word)).transpose()?;
    let id = fields.text(&["ownerId"])?.map(super::input::owner_id).transpose()?;
    let kind = kind.unwrap_or(if id.is_some() { OwnerType::User } else { OwnerType::Service });
    Ok((kind.as_str().to_owned(), id))
}

fn ids_of(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_words_of_paths_are_refused() {
        assert!(PATH_WORDS.iter().all(|word| acceptable(word).is_err()));
        assert!(acceptable("data_1-2").is_ok() && acceptable("a/b").is_err() && acceptable("").is_err());
    }

    #[test]
    fn names_of_elsewhere_are_cleaned() {
        assert_eq!(lenient_name("a/b\u{0}.txt").unwrap().as_str(), "ab.txt");
        assert_eq!(lenient_name("..").unwrap().as_str(), "file");
        assert_eq!(lenient_name(&"x".repeat(400)).unwrap().as_str().len(), 255);
    }
}
