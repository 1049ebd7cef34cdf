//! URLs to download by (`05-storage.md` §5.4).

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Files;
use super::disposition::Disposition;
use super::input::{Fields, whole};
use super::settings::URL_TTL;
use crate::domain::error::{Error, Result, clip};
use crate::domain::records::query::Params;

/// Where a file can be fetched.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadUrl {
    pub url: String,
    pub filename: String,
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Null for public files, whose URL does not end.
    pub expires_at: Option<String>,
    /// Same as `contentType`.
    #[serde(rename = "content_type")]
    pub content_type_before: String,
    /// Same as `expiresAt`.
    #[serde(rename = "expires_at")]
    pub expires_at_before: Option<String>,
}

impl Files {
    /// The plain URL of a public file, else one that is good for a while.
    ///
    /// # Errors
    /// 404 `file/not-found`, then 401 or 403, then 400.
    pub async fn download_url(&self, id: &str, params: &Params, body: Option<Value>) -> Result<DownloadUrl> {
        let file = self.readable(id).await?;
        let fields = Fields::of(body.as_ref())?;
        let seconds = match (fields.value("expiresIn"), params.get("expiresIn")) {
            (None, None) => self.settings.download_url_ttl,
            (Some(value), _) => ttl(whole(value), &value.to_string())?,
            (None, Some(text)) => ttl(text.trim().parse().ok(), text)?,
        };
        let disposition = match fields.text(&["disposition"])?.or_else(|| params.get("disposition")) {
            None => Disposition::Attachment,
            Some(word) => Disposition::parse(word)
                .ok_or_else(|| Error::invalid_parameter("disposition", format!("disposition must be attachment or inline, not \"{}\"", clip(word))))?,
        };
        let (url, expires_at) = match file.visibility.as_str() {
            "public" => (self.links.plain(&file.key), None),
            _ => {
                let (url, end) = self.links.get(&file.key, seconds, disposition);
                (url, Some(end))
            }
        };
        Ok(DownloadUrl {
            url,
            filename: file.original_name,
            content_type: file.mime_type.clone(),
            size: file.size,
            expires_at: expires_at.clone(),
            content_type_before: file.mime_type,
            expires_at_before: expires_at,
        })
    }
}

fn ttl(seconds: Option<u64>, text: &str) -> Result<i64> {
    let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok()).filter(|seconds| URL_TTL.contains(seconds));
    let (least, most) = (URL_TTL.start(), URL_TTL.end());
    seconds
        .ok_or_else(|| Error::invalid_parameter("expiresIn", format!("expiresIn must be a whole number of seconds from {least} to {most}, not {}", clip(text))))
}
