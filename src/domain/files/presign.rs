//! Beginning a single upload (`05-storage.md` §5.1).

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::input::{CATEGORY, CONTENT_TYPE, FILE_SIZE, FILENAME, Fields, required};
use super::labels::{Bucket, Visibility};
use super::media_type::MediaType;
use super::name::{FileName, new_key};
use super::{Files, rights};
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::time;
use crate::store::data::UploadRow;

/// What an upload is begun with.
#[derive(Debug, Clone)]
pub struct Begin {
    pub filename: FileName,
    /// `None`: not stated; the extension decides, and then the PUT.
    pub media_type: Option<MediaType>,
    pub size: Option<u64>,
    pub visibility: Option<Visibility>,
    pub bucket: Option<Bucket>,
    /// The user it is for.
    pub uploader_id: Option<String>,
}

/// Where to PUT the bytes.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presigned {
    pub url: String,
    pub key: String,
    /// Normalised.
    pub filename: String,
    pub content_type: String,
    /// The id of the file once it is registered.
    pub file_id: String,
    /// Always `PUT`.
    pub method: &'static str,
    pub expires_at: String,
}

impl Begin {
    /// Reads a body; `uploader_id` is to be set.
    ///
    /// # Errors
    /// As §3 of the chapter.
    pub(super) fn parse(body: Option<&Value>) -> Result<Self> {
        let fields = Fields::of(body)?;
        Ok(Self {
            filename: fields.file_name(FILENAME)?.ok_or_else(|| required("filename"))?,
            media_type: fields.media_type(CONTENT_TYPE)?.ok_or_else(|| required("contentType"))?,
            size: fields.size(FILE_SIZE)?,
            visibility: fields.visibility()?,
            bucket: fields.bucket(CATEGORY)?,
            uploader_id: None,
        })
    }

    /// The type as far as it is known now.
    pub(super) fn assumed_type(&self) -> MediaType {
        self.media_type.clone().unwrap_or_else(|| MediaType::guess(self.filename.as_str()))
    }

    /// A row without an object.
    pub(super) fn row(self, environment_id: &str, now: time::Millis, max_size: u64) -> UploadRow {
        let id = new_id();
        UploadRow {
            key: new_key(environment_id, &id, &self.filename),
            id,
            uploader_id: self.uploader_id,
            filename: self.filename.into_string(),
            content_type: self.media_type.map(MediaType::into_string),
            max_size,
            visibility: self.visibility.map(|v| v.as_str().to_owned()),
            bucket: self.bucket.map(|b| b.as_str().to_owned()),
            created_at: now,
            ..UploadRow::default()
        }
    }
}

impl Files {
    /// Answers a URL that takes one PUT.
    ///
    /// # Errors
    /// 401 for guests; 400 as §3; 500 `file/bucket-not-configured`.
    pub async fn presign(&self, body: Option<Value>) -> Result<Presigned> {
        rights::signed_in(&self.caller)?;
        let begin = Begin::parse(body.as_ref())?;
        self.begin(Begin { uploader_id: self.caller.own_id().map(str::to_owned), ..begin }).await
    }

    /// The same, for whom `begin` says.
    ///
    /// # Errors
    /// 400 as §3; 500 `file/bucket-not-configured`.
    pub async fn begin(&self, begin: Begin) -> Result<Presigned> {
        let media_type = begin.assumed_type();
        // Of an avatar whose type nobody knows yet the PUT tells it, and is checked then.
        let decided_later = begin.media_type.is_none() && begin.bucket == Some(Bucket::Avatars);
        if !decided_later {
            self.settings.admit(&media_type, begin.bucket)?;
        }
        if let Some(size) = begin.size.filter(|_| !decided_later) {
            self.settings.check_single_size(size, &media_type)?;
        }
        self.check_directory(Code::FILE_BUCKET_NOT_CONFIGURED).await?;
        let max_size = begin.size.unwrap_or_else(|| self.settings.single_limit(&media_type).0);
        let now = self.environment.now();
        let mut row = begin.row(self.environment.id(), now, max_size);
        row.expires_at = now + self.settings.upload_url_ttl * 1000;
        let (url, expires_at) = self.links.put(&row.key, self.settings.upload_url_ttl, max_size, row.content_type.as_deref());
        let answer = Presigned {
            url,
            key: self.links.key(&row.key),
            filename: row.filename.clone(),
            content_type: media_type.into_string(),
            file_id: row.id.clone(),
            method: "PUT",
            expires_at,
        };
        self.environment.data().write::<_, Error, _>(move |tx| Ok(tx.insert_upload(&row)?)).await?;
        Ok(answer)
    }

    /// Whether objects can be stored at all.
    ///
    /// # Errors
    /// 500 with this code; 503 `common/unavailable` when the disk is full.
    pub(super) async fn check_directory(&self, code: &'static Code) -> Result<()> {
        let objects = self.environment.objects().clone();
        let checked = tokio::task::spawn_blocking(move || objects.check_writable()).await.map_err(Error::internal)?;
        checked.map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::unavailable("The disk is full; nothing was stored").because(error),
            _ => Error::new(code, "The directory of stored files is missing or cannot be written; check the data directory of the server").because(error),
        })
    }
}
