//! A file as it is answered (`05-storage.md` §4), and the URLs in it.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::disposition::Disposition;
use super::rights;
use super::signature::{self, Claim, Secret};
use crate::domain::caller::Caller;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::time::{self, Millis};
use crate::store::data::FileRow;

/// Makes URLs for one request.
#[derive(Clone)]
pub struct Links {
    base: String,
    secret: Secret,
    now: Millis,
    keys_as_urls: bool,
}

impl Links {
    /// `base`: scheme and host, without a trailing slash.
    pub fn new(environment: &Environment, base: &str) -> Self {
        Self { base: base.to_owned(), secret: environment.url_secret(), now: environment.now(), keys_as_urls: environment.file_settings().keys_as_urls }
    }

    /// The key as it is handed out: itself, or the plain URL under `keysAsUrls`.
    pub fn key(&self, key: &str) -> String {
        if self.keys_as_urls { self.plain(key) } else { key.to_owned() }
    }

    pub fn plain(&self, key: &str) -> String {
        signature::plain_url(&self.base, key)
    }

    /// A URL to read by for `seconds`, and its end.
    pub fn get(&self, key: &str, seconds: i64, disposition: Disposition) -> (String, String) {
        let end = self.end(seconds);
        (signature::url(&self.base, &self.secret, &Claim::get(key, end, disposition)), time::iso(end * 1000))
    }

    /// A URL to upload by, and its end.
    pub fn put(&self, key: &str, seconds: i64, max: u64, content_type: Option<&str>) -> (String, String) {
        let end = self.end(seconds);
        (signature::url(&self.base, &self.secret, &Claim::put(key, end, max, content_type)), time::iso(end * 1000))
    }

    /// A URL to upload a part by, and its end.
    pub fn part(&self, key: &str, seconds: i64, max: u64, upload_id: &str, number: u32) -> (String, String) {
        let end = self.end(seconds);
        (signature::url(&self.base, &self.secret, &Claim::part(key, end, max, upload_id, number)), time::iso(end * 1000))
    }

    /// Unix seconds.
    fn end(&self, seconds: i64) -> i64 {
        self.now.div_euclid(1000) + seconds
    }
}

/// A registered file. What only its owner and admins see is absent for everybody else.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileObject {
    pub id: String,
    pub s3_key: String,
    /// Same as `s3Key`.
    pub key: String,
    pub original_name: String,
    pub mime_type: String,
    pub size: u64,
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// `public`, `private`, `protected` or `shared`.
    pub visibility: String,
    pub bucket: String,
    /// `user`, `session`, `service` or `public`; for owner and admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub owner_id: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
    /// Ids of users; effective while visibility is `shared`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_with: Option<Vec<String>>,
    /// The plain URL of a public file, else a signed one.
    pub url: String,
    /// When the signed URL ends.
    pub url_expires_at: Option<String>,
    /// Of the object, without quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

impl FileObject {
    /// The file as this caller sees it.
    pub fn of(row: FileRow, caller: &Caller, links: &Links, download_url_ttl: i64) -> Result<Self> {
        let all = rights::sees_all(caller, &row);
        let (url, url_expires_at) = match row.visibility.as_str() {
            "public" => (links.plain(&row.key), None),
            _ => {
                let (url, end) = links.get(&row.key, download_url_ttl, Disposition::Inline);
                (url, Some(end))
            }
        };
        let metadata = if all { Some(serde_json::from_str(&row.metadata).map_err(Error::internal)?) } else { None };
        let key = links.key(&row.key);
        Ok(Self {
            id: row.id,
            s3_key: key.clone(),
            key,
            original_name: row.original_name,
            mime_type: row.mime_type,
            size: row.size,
            width: row.width,
            height: row.height,
            visibility: row.visibility,
            bucket: row.bucket,
            owner_type: all.then_some(row.owner_type),
            owner_id: all.then_some(row.owner_id),
            metadata,
            shared_with: all.then_some(row.shared_with),
            url,
            url_expires_at,
            etag: all.then_some(row.etag),
            created_at: time::iso(row.created_at),
            updated_at: time::iso(row.updated_at),
        })
    }
}
