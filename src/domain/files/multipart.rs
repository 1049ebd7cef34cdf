//! Multipart uploads: beginning, URLs of parts, looking, giving up (`05-storage.md` §5.3, §8).

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::input::{Fields, MULTIPART_KEY, required, whole};
use super::name::sent_key;
use super::presign::Begin;
use super::{Files, remove_after_commit, rights};
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::page::{List, Page};
use crate::domain::records::query::Params;
use crate::domain::time::{self, Millis};
use crate::store::Reader;
use crate::store::data::UploadRow;

/// Parts of one upload.
pub const MAX_PARTS: u64 = 10_000;
const MAX_URLS: usize = 100;
const MIB: u64 = 1024 * 1024;
/// What `partSize` suggests, unless that makes too many parts.
const PART_SIZE: u64 = 8 * MIB;
/// How long an upload that ended still answers.
pub(super) const ENDED_KEPT: Millis = 24 * 60 * 60 * 1000;

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MultipartUpload {
    pub upload_id: String,
    pub key: String,
    pub filename: String,
    /// The id of the file once it is registered.
    pub file_id: String,
    /// Bytes; a suggestion.
    pub part_size: u64,
    /// Moves on with every stored part.
    pub expires_at: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartUrl {
    pub url: String,
    pub part_number: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// One URL, or a list of them when `partNumbers` was sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum PartUrls {
    One(PartUrl),
    Many { items: Vec<PartUrl> },
}

/// An upload that is open.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenUpload {
    pub upload_id: String,
    pub key: String,
    pub file_id: String,
    pub filename: String,
    pub file_size: u64,
    pub part_size: u64,
    pub expires_at: String,
    /// Ascending; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<StoredPart>>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoredPart {
    pub part_number: u32,
    /// Without quotes.
    pub etag: String,
    pub size: u64,
    pub uploaded_at: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Aborted {
    /// Always true.
    pub success: bool,
    pub key: String,
}

/// How an upload is named in a call.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub upload_id: String,
    key: Option<String>,
}

impl Named {
    /// `in_path`: the id of the upload, when it stands there; the key is optional then.
    pub(super) fn parse(fields: Fields<'_>, in_path: Option<&str>) -> Result<Self> {
        let key = fields.text(MULTIPART_KEY)?.map(sent_key).transpose()?;
        let upload_id = match in_path {
            Some(id) => id.to_owned(),
            None => {
                key.as_ref().ok_or_else(|| required("key"))?;
                fields.required_text(&["uploadId"])?.to_owned()
            }
        };
        Ok(Self { upload_id, key })
    }

    /// The upload, open or ended not long ago, if the caller may use it.
    ///
    /// # Errors
    /// 404 `file/upload-not-found`, 401, 403.
    pub(super) fn find(&self, r: &Reader<'_>, files: &Files) -> Result<UploadRow> {
        let upload = r.multipart(&self.upload_id)?.filter(|upload| self.key.as_ref().is_none_or(|key| *key == upload.key));
        let upload = upload.filter(|upload| is_remembered(upload, files.environment.now())).ok_or_else(upload_not_found)?;
        rights::use_upload(&files.caller, &upload)?;
        Ok(upload)
    }

    /// The same for an upload that has to be open.
    pub(super) fn open(&self, r: &Reader<'_>, files: &Files) -> Result<UploadRow> {
        let upload = self.find(r, files)?;
        if is_open(&upload, files.environment.now()) { Ok(upload) } else { Err(upload_not_found()) }
    }
}

/// Whether parts may still come.
pub fn is_open(upload: &UploadRow, now: Millis) -> bool {
    upload.state.as_deref() == Some("open") && upload.expires_at >= now
}

fn is_remembered(upload: &UploadRow, now: Millis) -> bool {
    is_open(upload, now) || (upload.state.as_deref() != Some("open") && upload.state_at.unwrap_or_default() + ENDED_KEPT >= now)
}

pub fn upload_not_found() -> Error {
    Error::new(
        Code::FILE_UPLOAD_NOT_FOUND,
        "No multipart upload of this key is open under this uploadId: it was never begun, has ended or expired; begin another",
    )
}

impl Files {
    /// Begins an upload in parts.
    ///
    /// # Errors
    /// 401 for guests; 400 as §3; 500 `file/upload-init-failed`.
    pub async fn begin_multipart(&self, body: Option<Value>) -> Result<MultipartUpload> {
        rights::signed_in(&self.caller)?;
        let begin = Begin::parse(body.as_ref())?;
        let size = begin.size.ok_or_else(|| required("fileSize"))?;
        self.settings.admit(&begin.assumed_type(), begin.bucket)?;
        self.settings.check_multipart_size(size)?;
        self.check_directory(Code::FILE_UPLOAD_INIT_FAILED).await?;
        let now = self.environment.now();
        let begin = Begin { uploader_id: self.caller.own_id().map(str::to_owned), ..begin };
        let mut row = begin.row(self.environment.id(), now, size);
        let upload_id = new_id();
        row.expires_at = now + self.settings.stale_uploads_kept();
        row.multipart_id = Some(upload_id.clone());
        row.declared_size = Some(size);
        row.state = Some("open".to_owned());
        row.state_at = Some(now);
        let answer = MultipartUpload {
            upload_id,
            key: self.links.key(&row.key),
            filename: row.filename.clone(),
            file_id: row.id.clone(),
            part_size: part_size(size),
            expires_at: time::iso(row.expires_at),
        };
        self.environment.data().write::<_, Error, _>(move |tx| Ok(tx.insert_upload(&row)?)).await?;
        Ok(answer)
    }

    /// URLs to PUT parts to. `in_path`: the id of the upload, when it stands there.
    ///
    /// # Errors
    /// 400 `file/invalid-part-number-range`; 404 `file/upload-not-found`; 401, 403.
    pub async fn part_urls(&self, in_path: Option<&str>, body: Option<Value>) -> Result<PartUrls> {
        rights::signed_in(&self.caller)?;
        let fields = Fields::of(body.as_ref())?;
        let named = Named::parse(fields, in_path)?;
        let many = fields.value("partNumbers").map(part_numbers).transpose()?;
        let numbers = match &many {
            Some(numbers) => numbers.clone(),
            None => vec![part_number(fields.value("partNumber").unwrap_or(&Value::Null))?],
        };
        let this = self.share();
        let upload = self.environment.data().read::<_, Error, _>(move |r| named.open(r, &this)).await?;
        let upload_id = upload.multipart_id.as_deref().unwrap_or_default();
        let url = |number: &u32| self.links.part(&upload.key, self.settings.part_url_ttl, upload.max_size, upload_id, *number);
        let urls = numbers.iter().map(|number| {
            let (url, end) = url(number);
            PartUrl { url, part_number: *number, expires_at: many.is_none().then_some(end) }
        });
        let mut items: Vec<PartUrl> = urls.collect();
        Ok(match many {
            Some(_) => PartUrls::Many { items },
            None => PartUrls::One(items.remove(0)),
        })
    }

    /// Gives an upload up: what was stored of it goes.
    ///
    /// # Errors
    /// 404 `file/upload-not-found`; 409 `file/upload-conflict` once it was completed; 401, 403.
    pub async fn abort(&self, in_path: Option<&str>, body: Option<Value>) -> Result<Aborted> {
        rights::signed_in(&self.caller)?;
        let named = Named::parse(Fields::of(body.as_ref())?, in_path)?;
        let this = self.share();
        let write = self.environment.data().write::<_, Error, _>(move |tx| {
            let upload = named.find(&tx.reader(), &this)?;
            match upload.state.as_deref() {
                Some("completed") => return Err(Error::new(Code::FILE_UPLOAD_CONFLICT, "This upload was completed already; delete its file instead")),
                Some("aborted") => {}
                _ => {
                    let names = tx.reader().parts(&upload.id)?.into_iter().map(|part| part.name).collect();
                    tx.end_multipart(&upload.id, "aborted", this.environment.now(), None)?;
                    remove_after_commit(tx, &this.environment, names);
                }
            }
            Ok(upload.key)
        });
        Ok(Aborted { success: true, key: self.links.key(&write.await?) })
    }

    /// An open upload with all its parts.
    ///
    /// # Errors
    /// 404 `file/upload-not-found`; 401, 403.
    pub async fn open_upload(&self, upload_id: &str) -> Result<OpenUpload> {
        rights::signed_in(&self.caller)?;
        let (this, named) = (self.share(), Named { upload_id: upload_id.to_owned(), key: None });
        let read = self.environment.data().read::<_, Error, _>(move |r| {
            let upload = named.open(r, &this)?;
            let parts = r.parts(&upload.id)?;
            Ok((upload, parts))
        });
        let (upload, parts) = read.await?;
        let part = |part: crate::store::data::PartRow| StoredPart {
            part_number: part.number,
            etag: part.etag,
            size: part.size,
            uploaded_at: time::iso(part.stored_at),
        };
        Ok(OpenUpload { parts: Some(parts.into_iter().map(part).collect()), ..self.shown(upload) })
    }

    /// The caller's open uploads, newest first; everybody's for admins.
    ///
    /// # Errors
    /// 401; `common/invalid-parameters`.
    pub async fn open_uploads(&self, params: &Params) -> Result<List<OpenUpload>> {
        rights::signed_in(&self.caller)?;
        let page = Page::parse(params.get("page"), params.get("limit"))?;
        let key = params.get("key").or_else(|| params.get("s3Key")).filter(|key| !key.is_empty()).map(sent_key).transpose()?;
        let uploader = if self.caller.is_admin() { None } else { self.caller.own_id().map(str::to_owned) };
        let now = self.environment.now();
        let read = move |r: &Reader<'_>| Ok(r.open_multiparts(uploader.as_deref(), key.as_deref(), now, page.limit, page.offset)?);
        let (rows, total) = self.environment.data().read::<_, Error, _>(read).await?;
        Ok(List::new(rows.into_iter().map(|row| self.shown(row)).collect(), page, total))
    }

    fn shown(&self, upload: UploadRow) -> OpenUpload {
        let file_size = upload.declared_size.unwrap_or(upload.max_size);
        OpenUpload {
            upload_id: upload.multipart_id.unwrap_or_default(),
            key: self.links.key(&upload.key),
            file_id: upload.id,
            filename: upload.filename,
            file_size,
            part_size: part_size(file_size),
            expires_at: time::iso(upload.expires_at),
            parts: None,
        }
    }
}

/// Whole MiB, so that no more than [`MAX_PARTS`] are needed.
fn part_size(size: u64) -> u64 {
    PART_SIZE.max(size.div_ceil(MAX_PARTS).div_ceil(MIB) * MIB)
}

/// # Errors
/// 400 `file/invalid-part-number-range`.
fn part_number(value: &Value) -> Result<u32> {
    let number = whole(value).filter(|number| (1..=MAX_PARTS).contains(number)).and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| Error::new(Code::FILE_INVALID_PART_NUMBER_RANGE, format!("partNumber must be a whole number from 1 to {MAX_PARTS}")))
}

fn part_numbers(value: &Value) -> Result<Vec<u32>> {
    let list = value.as_array().filter(|list| (1..=MAX_URLS).contains(&list.len()));
    let list = list.ok_or_else(|| Error::invalid_parameter("partNumbers", format!("partNumbers must be a list of 1 to {MAX_URLS} part numbers")))?;
    list.iter().map(part_number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggested_part_size_never_needs_more_parts_than_there_may_be() {
        for size in [1, PART_SIZE, 5 * 1024 * MIB, 100 * 1024 * MIB, 5 * 1024 * 1024 * MIB] {
            let part = part_size(size);
            assert!(part >= PART_SIZE && part.is_multiple_of(MIB) && size.div_ceil(part) <= MAX_PARTS, "{size}");
        }
    }
}
