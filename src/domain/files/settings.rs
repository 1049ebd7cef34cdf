//! The settings of storage of one environment (`05-storage.md` §3): every field with its default.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::labels::Bucket;
use super::media_type::{Class, MediaType, is_pattern};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Detail, Error, Result, clip};
use crate::domain::time::Millis;
use crate::store::{Reader, Tx};

const SETTING: &str = "files";
const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
/// No size goes beyond what every client can count exactly.
const MAX_BYTES: u64 = 1 << 53;
const MAX_PATTERNS: usize = 200;
/// Seconds a URL may be good for.
pub const URL_TTL: std::ops::RangeInclusive<i64> = 60..=604_800;
const HOUR: Millis = 60 * 60 * 1000;

/// What a browser would run, and what a system would.
const BLOCKED: [&str; 58] = [
    "text/html",
    "application/xhtml+xml",
    "text/javascript",
    "application/javascript",
    "application/x-javascript",
    "text/x-javascript",
    "text/ecmascript",
    "application/ecmascript",
    "text/jscript",
    "text/livescript",
    "text/javascript1.0",
    "text/javascript1.1",
    "text/javascript1.2",
    "text/javascript1.3",
    "text/javascript1.4",
    "text/javascript1.5",
    "text/x-ecmascript",
    "application/x-ecmascript",
    "application/hta",
    "application/x-msdownload",
    "application/x-msdos-program",
    "application/x-dosexec",
    "application/vnd.microsoft.portable-executable",
    "application/x-executable",
    "application/x-elf",
    "application/x-sharedlib",
    "application/x-mach-binary",
    "application/x-exe",
    "application/exe",
    "application/x-winexe",
    "application/x-ms-dos-executable",
    "application/x-pie-executable",
    "application/x-msi",
    "application/msi",
    "application/msix",
    "application/appx",
    "application/x-ms-installer",
    "application/vnd.android.package-archive",
    "application/vnd.debian.binary-package",
    "application/x-debian-package",
    "application/x-deb",
    "application/x-rpm",
    "application/x-redhat-package-manager",
    "application/x-apple-diskimage",
    "application/vnd.apple.installer+xml",
    "application/x-sh",
    "application/x-csh",
    "application/x-bash",
    "application/x-zsh",
    "application/x-shellscript",
    "text/x-shellscript",
    "text/x-sh",
    "application/x-bat",
    "application/bat",
    "application/cmd",
    "text/x-msdos-batch",
    "text/x-bat",
    "application/x-powershell",
];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FileSettings {
    /// Bytes of a single upload of `image/*`.
    pub max_image_bytes: u64,
    /// Of `video/*` and `audio/*`.
    pub max_media_bytes: u64,
    /// Of `text/*`, PDF, RTF and office documents.
    pub max_document_bytes: u64,
    /// Of everything else.
    pub max_other_bytes: u64,
    /// Bytes of anything by multipart.
    pub max_multipart_bytes: u64,
    pub min_file_bytes: u64,
    /// Bytes of everything stored, parts and unregistered objects included; 0 = no limit.
    pub quota_bytes: u64,
    /// Patterns such as `image/*`.
    pub allowed_mime_types: Vec<String>,
    pub blocked_mime_types: Vec<String>,
    /// Seconds, 60–604800.
    pub upload_url_ttl: i64,
    /// Seconds, 60–604800.
    pub part_url_ttl: i64,
    /// Seconds, 60–604800.
    pub download_url_ttl: i64,
    /// Hours after which an object goes that nobody registered or fetched, 1–8760.
    pub orphan_hours: i64,
    /// Hours after the last part of a multipart upload, 1–8760.
    pub stale_upload_hours: i64,
    /// Whether the key alone opens an object that is not registered yet.
    pub read_unregistered_by_url: bool,
    /// Whether every `key` and `s3Key` handed out is the object's plain URL.
    pub keys_as_urls: bool,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            max_image_bytes: 10 * MIB,
            max_media_bytes: 100 * MIB,
            max_document_bytes: 20 * MIB,
            max_other_bytes: 50 * MIB,
            max_multipart_bytes: 5 * GIB,
            min_file_bytes: 0,
            quota_bytes: 0,
            allowed_mime_types: vec!["*/*".to_owned()],
            blocked_mime_types: BLOCKED.map(str::to_owned).to_vec(),
            upload_url_ttl: 900,
            part_url_ttl: 3600,
            download_url_ttl: 3600,
            orphan_hours: 24,
            stale_upload_hours: 24,
            read_unregistered_by_url: true,
            keys_as_urls: false,
        }
    }
}

impl FileSettings {
    /// Reads the settings as they are stored.
    pub fn load(r: &Reader<'_>) -> Result<Self> {
        let text = r.environment_setting(SETTING)?;
        text.map_or(Ok(Self::default()), |text| serde_json::from_str(&text)).map_err(Error::internal)
    }

    /// # Errors
    /// `common/invalid-parameters` with one detail per field that is out of range.
    pub fn check(&self) -> Result<()> {
        let mut details = Vec::new();
        let mut range = |field: &str, value: i128, min: i128, max: i128| {
            if value < min || value > max {
                details.push(Detail::new(field, "range", format!("{field} must lie between {min} and {max}, not {value}")));
            }
        };
        for (field, value) in [
            ("maxImageBytes", self.max_image_bytes),
            ("maxMediaBytes", self.max_media_bytes),
            ("maxDocumentBytes", self.max_document_bytes),
            ("maxOtherBytes", self.max_other_bytes),
            ("maxMultipartBytes", self.max_multipart_bytes),
            ("minFileBytes", self.min_file_bytes),
            ("quotaBytes", self.quota_bytes),
        ] {
            range(field, value.into(), 0, MAX_BYTES.into());
        }
        for (field, value) in [("uploadUrlTtl", self.upload_url_ttl), ("partUrlTtl", self.part_url_ttl), ("downloadUrlTtl", self.download_url_ttl)] {
            range(field, value.into(), (*URL_TTL.start()).into(), (*URL_TTL.end()).into());
        }
        for (field, value) in [("orphanHours", self.orphan_hours), ("staleUploadHours", self.stale_upload_hours)] {
            range(field, value.into(), 1, 8760);
        }
        for (field, patterns) in [("allowedMimeTypes", &self.allowed_mime_types), ("blockedMimeTypes", &self.blocked_mime_types)] {
            if patterns.len() > MAX_PATTERNS {
                details.push(Detail::new(field, "maxItems", format!("{field} has at most {MAX_PATTERNS} entries, not {}", patterns.len())));
            }
            for (at, pattern) in patterns.iter().enumerate().filter(|(_, pattern)| !is_pattern(pattern)) {
                let message = format!("{field}.{at} must be a content type or a pattern such as image/*, not \"{}\"", clip(pattern));
                details.push(Detail::new(format!("{field}.{at}"), "pattern", message));
            }
        }
        if details.is_empty() { Ok(()) } else { Err(Error::with_details(Code::INVALID_PARAMETERS, details)) }
    }

    /// Whether files of this type may be stored here, and in this bucket.
    ///
    /// # Errors
    /// `file/invalid-format`.
    pub fn admit(&self, media_type: &MediaType, bucket: Option<Bucket>) -> Result<()> {
        let refuse = |message: String| Err(Error::new(Code::FILE_INVALID_FORMAT, message));
        let essence = media_type.essence();
        if self.blocked_mime_types.iter().any(|pattern| media_type.fits(pattern)) {
            return refuse(format!("Files of type {essence} are blocked in this environment; its setting blockedMimeTypes says which"));
        }
        if !self.allowed_mime_types.iter().any(|pattern| media_type.fits(pattern)) {
            return refuse(format!("Files of type {essence} are not allowed in this environment; its setting allowedMimeTypes says which are"));
        }
        if bucket == Some(Bucket::Avatars) && !media_type.is_picture() {
            return refuse(format!("The bucket avatars takes image/jpeg, image/png, image/gif and image/webp, not {essence}"));
        }
        Ok(())
    }

    /// Bytes a single upload of this type may have, and the setting that says so.
    pub fn single_limit(&self, media_type: &MediaType) -> (u64, &'static str) {
        match media_type.class() {
            Class::Image => (self.max_image_bytes, "maxImageBytes"),
            Class::Media => (self.max_media_bytes, "maxMediaBytes"),
            Class::Document => (self.max_document_bytes, "maxDocumentBytes"),
            Class::Other => (self.max_other_bytes, "maxOtherBytes"),
        }
    }

    /// # Errors
    /// `file/file-too-large` naming the limit, `file/file-too-small`.
    pub fn check_single_size(&self, size: u64, media_type: &MediaType) -> Result<()> {
        let (limit, setting) = self.single_limit(media_type);
        if size > limit {
            return Err(too_large(size, limit, setting, ""));
        }
        self.check_least(size)
    }

    /// # Errors
    /// `file/file-too-large` naming the limit, `file/file-too-small`.
    pub fn check_multipart_size(&self, size: u64) -> Result<()> {
        if size > self.max_multipart_bytes {
            return Err(too_large(size, self.max_multipart_bytes, "maxMultipartBytes", ""));
        }
        if size == 0 {
            return Err(Error::new(Code::FILE_TOO_SMALL, "A multipart upload needs at least one byte; use POST /v1/files/presigned-url for an empty file"));
        }
        self.check_least(size)
    }

    /// # Errors
    /// `file/file-too-small`.
    pub fn check_least(&self, size: u64) -> Result<()> {
        if size >= self.min_file_bytes {
            return Ok(());
        }
        Err(Error::new(Code::FILE_TOO_SMALL, format!("A file of {size} bytes is smaller than the {} bytes that minFileBytes asks for", self.min_file_bytes)))
    }

    /// Whether more bytes may be stored. Called in the transaction that stores them, so that the quota holds whoever uploads at once.
    ///
    /// # Errors
    /// 507 `file/quota-exceeded`.
    pub fn check_quota(&self, stored: u64, more: u64) -> Result<()> {
        if self.quota_bytes == 0 || more == 0 || stored.saturating_add(more) <= self.quota_bytes {
            return Ok(());
        }
        let message = format!("The environment holds {stored} of the {} bytes of its quota; {more} more do not fit, delete files first", self.quota_bytes);
        Err(Error::new(Code::FILE_QUOTA_EXCEEDED, message))
    }

    pub fn orphans_kept(&self) -> Millis {
        self.orphan_hours * HOUR
    }

    pub fn stale_uploads_kept(&self) -> Millis {
        self.stale_upload_hours * HOUR
    }
}

fn too_large(size: u64, limit: u64, setting: &str, more: &str) -> Error {
    Error::new(Code::FILE_TOO_LARGE, format!("{size} bytes are more than the limit of {limit} bytes for this kind of file ({setting}){more}"))
}

impl Environment {
    /// Puts new settings of storage in place; they hold once the transaction is committed.
    ///
    /// # Errors
    /// `common/invalid-parameters` naming every field out of range.
    pub fn put_file_settings(self: &Arc<Self>, tx: &mut Tx<'_>, settings: FileSettings) -> Result<()> {
        settings.check()?;
        tx.set_environment_setting(SETTING, &serde_json::to_string(&settings).map_err(Error::internal)?)?;
        let environment = Arc::clone(self);
        tx.after_commit(move || environment.set_file_settings_cache(settings));
        Ok(())
    }

    /// As [`Environment::put_file_settings`], in a transaction of its own.
    ///
    /// # Errors
    /// As [`Environment::put_file_settings`].
    pub async fn set_file_settings(self: &Arc<Self>, settings: FileSettings) -> Result<()> {
        let this = Arc::clone(self);
        self.data().write::<_, Error, _>(move |tx| this.put_file_settings(tx, settings)).await
    }
}
