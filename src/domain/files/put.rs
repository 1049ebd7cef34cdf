//! What is looked at before the body of a PUT is read (`05-storage.md` §6.3), and what it may then do.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::labels::Bucket;
use super::media_type::MediaType;
use super::settings::FileSettings;
use super::signature::Claim;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::store::Reader;
use crate::store::data::UploadRow;

/// Bytes that stay free on the disk.
pub(super) const DISK_RESERVE: u64 = 256 * 1024 * 1024;

/// What the headers of a PUT say of its body.
#[derive(Debug, Clone, Copy, Default)]
pub struct PutHeaders<'r> {
    pub content_type: Option<&'r str>,
    pub content_length: Option<u64>,
    /// `Content-MD5`
    pub md5: Option<&'r str>,
    /// `x-amz-checksum-sha256`
    pub sha256: Option<&'r str>,
}

/// Permission to send the bytes of an object, or of a part of one.
#[derive(Clone)]
pub struct PutPermit {
    pub(super) environment: Arc<Environment>,
    pub(super) key: String,
    pub(super) upload_id: String,
    pub(super) part_number: Option<u32>,
    /// Bytes at most.
    pub(super) max: u64,
    pub(super) content_type: String,
    pub(super) md5: Option<[u8; 16]>,
    pub(super) sha256: Option<[u8; 32]>,
}

/// Checks everything that can be known before the body comes, for a URL whose signature was found right.
///
/// # Errors
/// 404 `file/not-found`, `file/upload-not-found`; 409 `file/s3-key-already-exists`; 403 `file/signature-invalid` for another content
/// type; 400 `file/file-too-large`, `file/file-too-small`, `file/checksum-mismatch`, and those of a content type; 507
/// `file/quota-exceeded`; 503 when the disk is nearly full.
pub async fn begin_put(environment: &Arc<Environment>, claim: &Claim, headers: PutHeaders<'_>) -> Result<PutPermit> {
    let (row, replaced, stored) = look_up(environment, claim).await?;
    let row = current(row, claim.upload_id.as_deref(), environment.now())?;
    let settings = environment.file_settings();
    let (content_type, max) = match claim.part_number {
        Some(_) => (String::new(), claim.max.unwrap_or(0)),
        None => content_type(&settings, claim, &row, headers.content_type)?,
    };
    let permit = PutPermit {
        environment: Arc::clone(environment),
        key: claim.key.clone(),
        upload_id: row.id.clone(),
        part_number: claim.part_number,
        max,
        content_type,
        md5: headers.md5.map(|text| checksum("Content-MD5", text)).transpose()?,
        sha256: headers.sha256.map(|text| checksum("x-amz-checksum-sha256", text)).transpose()?,
    };
    if let Some(length) = headers.content_length {
        permit.check_size(length)?;
        settings.check_quota(stored.saturating_sub(replaced), length)?;
    }
    check_disk(environment.objects().free_space(), headers.content_length.unwrap_or(0))?;
    Ok(permit)
}

/// The upload of a URL, bytes that the PUT is going to replace, and all bytes that are stored.
async fn look_up(environment: &Arc<Environment>, claim: &Claim) -> Result<(Option<UploadRow>, u64, u64)> {
    let (key, part) = (claim.key.clone(), claim.part_number);
    let read = move |r: &Reader<'_>| {
        let row = r.upload_by_key(&key)?;
        let replaced = match (&row, part) {
            (Some(row), Some(number)) => r.part(&row.id, number)?.map(|part| part.size),
            (Some(row), None) => row.object.as_ref().map(|object| object.size),
            (None, _) => None,
        };
        Ok((row, replaced.unwrap_or(0), r.stored_bytes()?))
    };
    environment.data().read::<_, Error, _>(read).await
}

impl PutPermit {
    /// # Errors
    /// 400 `file/file-too-large`, naming the limit.
    pub(super) fn check_room(&self, length: u64) -> Result<()> {
        if length > self.max {
            let message = format!("The body is larger than the {} bytes this URL was issued for", self.max);
            return Err(Error::new(Code::FILE_TOO_LARGE, message));
        }
        Ok(())
    }

    /// # Errors
    /// 400 `file/file-too-large`, `file/file-too-small`.
    pub(super) fn check_size(&self, length: u64) -> Result<()> {
        self.check_room(length)?;
        match self.part_number {
            Some(_) if length == 0 => Err(Error::new(Code::FILE_TOO_SMALL, "A part has at least 1 byte; leave out the part that has none")),
            Some(_) => Ok(()),
            None => self.environment.file_settings().check_least(length),
        }
    }
}

/// The upload a URL belongs to, if bytes may still be sent to it.
///
/// # Errors
/// 404 `file/not-found`, `file/upload-not-found`; 409 `file/s3-key-already-exists`.
pub(super) fn current(row: Option<UploadRow>, multipart_id: Option<&str>, now: i64) -> Result<UploadRow> {
    let Some(multipart_id) = multipart_id else {
        let row = row.filter(|row| row.multipart_id.is_none());
        let row = row.ok_or_else(|| Error::new(Code::FILE_NOT_FOUND, "The upload is gone; ask POST /v1/files/presigned-url for a new one"))?;
        if row.registered {
            return Err(Error::new(
                Code::FILE_S3_KEY_ALREADY_EXISTS,
                "The file is registered already, and its bytes never change; upload anew under a new URL",
            ));
        }
        return Ok(row);
    };
    let open = |row: &UploadRow| row.multipart_id.as_deref() == Some(multipart_id) && row.state.as_deref() == Some("open") && row.expires_at >= now;
    row.filter(open).ok_or_else(|| Error::new(Code::FILE_UPLOAD_NOT_FOUND, "The multipart upload was completed, aborted or has expired; begin a new one"))
}

/// The type the object is going to have, and how many bytes it may have then.
fn content_type(settings: &FileSettings, claim: &Claim, row: &UploadRow, header: Option<&str>) -> Result<(String, u64)> {
    let max = claim.max.unwrap_or(0);
    let header = header.map(str::trim).filter(|header| !header.is_empty());
    let Some(stated) = &claim.content_type else {
        let header = header.map(MediaType::parse).transpose()?.flatten();
        let media_type = header.unwrap_or_else(|| MediaType::guess(&row.filename));
        settings.admit(&media_type, row.bucket.as_deref().and_then(Bucket::of))?;
        let limit = settings.single_limit(&media_type).0;
        return Ok((media_type.into_string(), max.min(limit)));
    };
    let same =
        |header: &str| MediaType::parse(header).ok().flatten().zip(MediaType::parse(stated).ok().flatten()).is_some_and(|(one, other)| one.is_same(&other));
    match header {
        Some(header) if !same(header) => {
            let message = format!("The URL was issued for Content-Type: {stated}; send that, or none");
            Err(Error::new(Code::FILE_SIGNATURE_INVALID, message))
        }
        _ => Ok((stated.clone(), max)),
    }
}

/// # Errors
/// 503 when fewer than [`DISK_RESERVE`] bytes would be left.
pub(super) fn check_disk(free: Option<u64>, added: u64) -> Result<()> {
    if free.is_some_and(|free| free.saturating_sub(added) < DISK_RESERVE) {
        return Err(disk_full());
    }
    Ok(())
}

pub(super) fn disk_full() -> Error {
    Error::unavailable("The disk of the server is nearly full; nothing was stored. Make room, then upload again")
}

/// The bytes of a checksum in base64.
fn checksum<const N: usize>(header: &str, text: &str) -> Result<[u8; N]> {
    let bytes = BASE64.decode(text.trim()).ok().and_then(|bytes| <[u8; N]>::try_from(bytes).ok());
    bytes.ok_or_else(|| Error::new(Code::FILE_CHECKSUM_MISMATCH, format!("{header} must be the base64 of {N} bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_a_gibibyte_stays_free() {
        assert!(check_disk(Some(DISK_RESERVE + 10), 10).is_ok() && check_disk(None, u64::MAX).is_ok());
        for (free, added) in [(DISK_RESERVE + 10, 11), (DISK_RESERVE - 1, 0), (10, u64::MAX)] {
            assert_eq!(check_disk(Some(free), added).unwrap_err().code(), Code::UNAVAILABLE);
        }
    }

    #[test]
    fn a_checksum_is_base64_of_its_length() {
        assert_eq!(checksum::<16>("Content-MD5", "jcsmIS4iiCDfg+9EeEq+aQ==").map(hex::encode).unwrap(), "8dcb26212e228820df83ef44784abe69");
        for bad in ["", "jcsmIS4iiCDfg+9EeEq+", "jcsmIS4iiCDfg+9EeEq+aQ", "8dcb26212e228820df83ef44784abe69", "jcsmIS4iiCDfg-9EeEq-aQ==", "?"] {
            assert_eq!(checksum::<16>("Content-MD5", bad).unwrap_err().code(), Code::FILE_CHECKSUM_MISMATCH, "{bad}");
        }
    }
}
