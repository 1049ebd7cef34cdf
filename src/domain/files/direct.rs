//! Uploading and registering in one call (`05-storage.md` §5): bytes stream to the disk as they come, and one commit makes the file.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::input::Fields;
use super::media_type::MediaType;
use super::name::FileName;
use super::presign::Begin;
use super::put::{PutPermit, check_disk};
use super::receive::Receiving;
use super::register::{Registration, insert};
use super::{FileObject, Files, audit, dimensions, rights};
use crate::domain::error::{Code, Error, Result};
use crate::store::data::UploadRow;

/// Parts of the form besides the file.
const TEXTS: [&str; 4] = ["visibility", "bucket", "category", "metadata"];

/// An upload that is arriving.
pub struct Direct {
    files: Files,
    texts: Map<String, Value>,
    file: Option<Arriving>,
}

struct Arriving {
    row: UploadRow,
    media_type: MediaType,
    received: u64,
    receiving: Receiving,
}

impl Files {
    /// # Errors
    /// 401 for guests.
    pub fn direct(&self) -> Result<Direct> {
        rights::signed_in(&self.caller)?;
        Ok(Direct { files: self.share(), texts: Map::new(), file: None })
    }
}

impl Direct {
    /// Whether a part of this name says something about the file.
    pub fn is_text(name: &str) -> bool {
        TEXTS.contains(&name)
    }

    /// Takes a part that says something about the file; `metadata` is JSON text.
    ///
    /// # Errors
    /// 400 as §3.
    pub fn text(&mut self, name: &str, text: &str) -> Result<()> {
        let value = match name {
            "metadata" if text.trim().is_empty() => return Ok(()),
            "metadata" => serde_json::from_str(text).map_err(|_| Error::invalid_parameter("metadata", "metadata must be a JSON object"))?,
            _ if text.is_empty() => return Ok(()),
            _ => Value::String(text.to_owned()),
        };
        self.texts.insert(name.to_owned(), value);
        self.registration().map(drop)
    }

    fn registration(&self) -> Result<Registration> {
        let said = Value::Object(self.texts.clone());
        Registration::parse(Fields::of(Some(&said))?, &self.files.caller, false)
    }

    /// Begins to take the file.
    ///
    /// # Errors
    /// 400 as §3, or for a second file; 503 when the disk is nearly full.
    pub fn file(&mut self, filename: Option<&str>, content_type: Option<&str>) -> Result<()> {
        if self.file.is_some() {
            return Err(Error::invalid_parameter("file", "The form holds two parts named file; upload one file per call"));
        }
        let filename = FileName::parse(filename.unwrap_or_default())?;
        let media_type = content_type.map(MediaType::parse).transpose()?.flatten();
        let registration = self.registration()?;
        let (environment, settings) = (&self.files.environment, &self.files.settings);
        let uploader_id = self.files.caller.own_id().map(str::to_owned);
        let begin = Begin { filename, media_type, size: None, visibility: registration.visibility, bucket: registration.bucket, uploader_id };
        let media_type = begin.assumed_type();
        settings.admit(&media_type, begin.bucket)?;
        check_disk(environment.objects().free_space(), 0)?;
        let now = environment.now();
        let mut row = begin.row(environment.id(), now, settings.single_limit(&media_type).0);
        row.expires_at = now;
        let permit = PutPermit {
            environment: Arc::clone(environment),
            key: row.key.clone(),
            upload_id: row.id.clone(),
            part_number: None,
            max: row.max_size,
            content_type: media_type.as_str().to_owned(),
            md5: None,
            sha256: None,
        };
        self.file = Some(Arriving { row, media_type, received: 0, receiving: permit.receive() });
        Ok(())
    }

    /// Takes some of its bytes.
    ///
    /// # Errors
    /// 400 `file/file-too-large`; 503 when the disk is nearly full.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(file) = &mut self.file else { return Err(Error::internal("bytes before the file began")) };
        file.received += bytes.len() as u64;
        if file.received > file.row.max_size {
            self.files.settings.check_single_size(file.received, &file.media_type)?;
        }
        file.receiving.push(bytes).await
    }

    /// The form has ended: stores and registers the file.
    ///
    /// # Errors
    /// 400 as §3, or without a file; 507 `file/quota-exceeded`; 503. Nothing is stored then.
    pub async fn finish(self) -> Result<FileObject> {
        let registration = self.registration()?;
        let Self { files, file, .. } = self;
        let missing = || Error::invalid_parameter("file", "The form needs a part named file, with a filename");
        let Arriving { mut row, media_type, receiving, .. } = file.ok_or_else(missing)?;
        files.settings.admit(&media_type, registration.bucket)?;
        let (placed, mut object) = receiving.place().await?;
        if dimensions::may_have(&object.content_type) {
            let (objects, name) = (files.environment.objects().clone(), object.name.clone());
            let sides = tokio::task::spawn_blocking(move || dimensions::of_object(&objects, &name)).await.map_err(Error::internal)?;
            (object.width, object.height) = sides.unzip();
        }
        let this = files.share();
        let write = files.environment.data().write::<_, Error, _>(move |tx| {
            if !placed.is_there() {
                return Err(Error::new(Code::UNAVAILABLE, "The content of the environment was replaced meanwhile; upload again"));
            }
            this.settings.check_quota(tx.reader().stored_bytes()?, object.size)?;
            row.object = Some(object);
            tx.insert_upload(&row)?;
            let file = insert(tx, &this.environment, &this.caller, row, registration, &this.settings)?;
            audit(tx, &this.environment, &this.caller, "created", &file)?;
            tx.after_commit(move || placed.keep());
            Ok(file)
        });
        let file = write.await?;
        files.object_of(file)
    }
}
