//! Completing a multipart upload: its parts become one object (`05-storage.md` §5.3, §8).

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use md5::Md5;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::input::{Fields, whole};
use super::multipart::{MAX_PARTS, Named, upload_not_found};
use super::put::DISK_RESERVE;
use super::{Files, dimensions, remove_after_commit, rights};
use crate::domain::error::{Code, Detail, Error, Result};
use crate::store::data::{ObjectRow, PartRow, UploadRow};
use crate::store::{Objects, Placed};

/// Entries that are told apart when a list of parts is wrong.
const MAX_DETAILS: usize = 100;

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Completed {
    pub key: String,
    /// The plain URL.
    pub location: String,
    pub file_id: String,
    /// MD5 of the parts' MD5s, and how many there are.
    pub etag: String,
    /// Bytes.
    pub size: u64,
}

/// A part as it is named in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    number: u32,
    etag: String,
}

/// Uploads that are being put together: who comes second waits for the first.
#[derive(Default)]
pub struct Completing(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Completing {
    fn place(&self, upload_id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.0.lock();
        all.retain(|_, place| place.strong_count() > 0);
        if let Some(place) = all.get(upload_id).and_then(Weak::upgrade) {
            return place;
        }
        let place = Arc::default();
        all.insert(upload_id.to_owned(), Arc::downgrade(&place));
        place
    }
}

impl Files {
    /// Makes one object of the listed parts. Repeating it with the same list answers the same for a day.
    ///
    /// # Errors
    /// 404 `file/upload-not-found`; 401, 403; 400 `file/invalid-parts-array` with a detail for each entry that is wrong;
    /// 400 `file/file-too-large`; 409 `file/upload-conflict` when it was completed with another list.
    pub async fn complete_multipart(&self, in_path: Option<&str>, body: Option<Value>) -> Result<Completed> {
        rights::signed_in(&self.caller)?;
        let fields = Fields::of(body.as_ref())?;
        let named = Named::parse(fields, in_path)?;
        let list = fields.value("parts").cloned();
        let this = self.share();
        // Goes on when the client goes away: what was begun is not begun anew for nothing.
        let work = tokio::spawn(async move {
            let place = this.environment.completing().place(&named.upload_id);
            let _alone = place.lock().await;
            this.complete_named(named, list).await
        });
        work.await.map_err(Error::internal)?
    }

    async fn complete_named(&self, named: Named, list: Option<Value>) -> Result<Completed> {
        let (this, asked) = (self.share(), named.clone());
        let read = self.environment.data().read::<_, Error, _>(move |r| {
            let upload = asked.find(r, &this)?;
            let parts = r.parts(&upload.id)?;
            Ok((upload, parts))
        });
        let (upload, stored) = read.await?;
        if upload.state.as_deref() == Some("aborted") {
            return Err(upload_not_found());
        }
        let wanted = wanted(list.as_ref())?;
        let digest = digest(&wanted);
        if upload.state.as_deref() == Some("completed") {
            return self.completed_before(&upload, &digest);
        }
        let chosen = choose(&wanted, &stored)?;
        let size = chosen.iter().map(|part| part.size).sum::<u64>();
        let declared = upload.declared_size.unwrap_or(upload.max_size);
        if size > declared {
            let message = format!("The parts have {size} bytes together, more than the fileSize of {declared} the upload was begun with");
            return Err(Error::new(Code::FILE_TOO_LARGE, message));
        }
        let Some((object, placed)) = self.assemble(&upload, &chosen, size).await? else {
            // Given up, or a part was uploaded anew meanwhile.
            let (this, id) = (self.share(), upload.id);
            let stored = self.environment.data().read::<_, Error, _>(move |r| named.open(r, &this).and_then(|_| Ok(r.parts(&id)?))).await?;
            choose(&wanted, &stored)?;
            return Err(Error::unavailable("The parts changed while they were put together; complete again"));
        };
        self.commit(named, chosen, digest, object, placed).await
    }

    /// The answer for a list that completed the upload before.
    fn completed_before(&self, upload: &UploadRow, digest: &[u8]) -> Result<Completed> {
        match &upload.object {
            Some(object) if upload.parts_digest.as_deref() == Some(digest) => Ok(self.completed(upload, object)),
            _ => Err(Error::new(Code::FILE_UPLOAD_CONFLICT, "This upload was completed already with another list of parts; register it, or begin another")),
        }
    }

    /// Writes the parts as one object under a name of its own; no row names it yet. `None` when a part is not there any more.
    async fn assemble(&self, upload: &UploadRow, parts: &[PartRow], size: u64) -> Result<Option<(ObjectRow, Placed)>> {
        let objects = self.environment.objects().clone();
        let (id, names): (String, Vec<String>) = (upload.id.clone(), parts.iter().map(|part| part.name.clone()).collect());
        let etag = etag(parts)?;
        let content_type = upload.content_type.clone().unwrap_or_else(|| super::media_type::MediaType::guess(&upload.filename).into_string());
        let now = self.environment.now();
        let work = move || {
            if objects.free_space().is_some_and(|free| free < size.saturating_add(DISK_RESERVE)) {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            let incoming = objects.join(&names)?;
            let name = Objects::name_for(&id);
            let placed = objects.place(incoming, &name)?;
            let sides = if dimensions::may_have(&content_type) { dimensions::of_object(&objects, &name) } else { None };
            let object = ObjectRow { name, size, etag, content_type, width: sides.map(|s| s.0), height: sides.map(|s| s.1), stored_at: now };
            Ok((object, placed))
        };
        let done: std::io::Result<_> = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) => {
                Err(Error::unavailable("The disk is too full to put the parts together; the upload stays open").because(error))
            }
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Puts the object in the place of its parts, if they are still what they were.
    async fn commit(&self, named: Named, chosen: Vec<PartRow>, digest: Vec<u8>, object: ObjectRow, placed: Placed) -> Result<Completed> {
        let this = self.share();
        let write = self.environment.data().write::<_, Error, _>(move |tx| {
            let upload = named.open(&tx.reader(), &this)?;
            if !placed.is_there() {
                return Err(Error::unavailable("The content of the environment was replaced meanwhile; complete again"));
            }
            let stored = tx.reader().parts(&upload.id)?;
            for (at, part) in chosen.iter().enumerate() {
                let now = stored.binary_search_by_key(&part.number, |stored| stored.number).ok().map(|at| &stored[at].name);
                if now != Some(&part.name) {
                    return Err(wrong(vec![changed(at, part.number)]));
                }
            }
            let names = stored.into_iter().map(|part| part.name).collect();
            tx.end_multipart(&upload.id, "completed", this.environment.now(), Some(&digest))?;
            tx.set_object(&upload.id, &object)?;
            let answer = this.completed(&upload, &object);
            tx.after_commit(move || placed.keep());
            remove_after_commit(tx, &this.environment, names);
            Ok(answer)
        });
        write.await
    }

    fn completed(&self, upload: &UploadRow, object: &ObjectRow) -> Completed {
        Completed {
            key: self.links.key(&upload.key),
            location: self.links.plain(&upload.key),
            file_id: upload.id.clone(),
            etag: object.etag.clone(),
            size: object.size,
        }
    }
}

fn wrong(details: Vec<Detail>) -> Error {
    Error::with_details(Code::FILE_INVALID_PARTS_ARRAY, details)
}

fn changed(at: usize, number: u32) -> Detail {
    Detail::new(
        format!("parts[{at}].etag"),
        "etag",
        format!("parts[{at}].etag is not the etag part {number} is stored with; ask GET /v1/files/multipart/{{uploadId}}"),
    )
}

/// The list as it was sent: 1–10000 entries, strictly ascending.
fn wanted(list: Option<&Value>) -> Result<Vec<Wanted>> {
    let bad = |message: String| wrong(vec![Detail::new("parts", "parts", message)]);
    let list = list.and_then(Value::as_array).ok_or_else(|| bad("parts must be a list of { partNumber, etag }".to_owned()))?;
    if list.is_empty() || list.len() as u64 > MAX_PARTS {
        return Err(bad(format!("parts must hold 1 to {MAX_PARTS} entries, not {}", list.len())));
    }
    let (mut out, mut details): (Vec<Wanted>, _) = (Vec::with_capacity(list.len()), Vec::new());
    let mut last = 0;
    for (at, entry) in list.iter().enumerate() {
        let of = |names: [&str; 2]| names.iter().find_map(|name| entry.get(*name).filter(|value| !value.is_null()));
        let number = of(["partNumber", "PartNumber"]).and_then(whole).filter(|n| (1..=MAX_PARTS).contains(n)).and_then(|n| u32::try_from(n).ok());
        let etag = of(["etag", "ETag"]).and_then(Value::as_str).map(|text| text.trim().trim_matches('"').to_ascii_lowercase());
        match (number, etag) {
            (None, _) => details.push(Detail::new(
                format!("parts[{at}].partNumber"),
                "range",
                format!("parts[{at}].partNumber must be a whole number from 1 to {MAX_PARTS}"),
            )),
            (Some(number), _) if number <= last => {
                details.push(Detail::new(
                    format!("parts[{at}].partNumber"),
                    "order",
                    format!("parts[{at}].partNumber must be greater than {last}, the one before it"),
                ));
            }
            (Some(number), None) => {
                last = number;
                details.push(Detail::new(
                    format!("parts[{at}].etag"),
                    "required",
                    format!("parts[{at}].etag must be the etag that the PUT of part {number} answered"),
                ));
            }
            (Some(number), Some(etag)) => {
                last = number;
                out.push(Wanted { number, etag });
            }
        }
        if details.len() == MAX_DETAILS {
            break;
        }
    }
    if details.is_empty() { Ok(out) } else { Err(wrong(details)) }
}

/// The stored parts that are listed.
fn choose(wanted: &[Wanted], stored: &[PartRow]) -> Result<Vec<PartRow>> {
    let (mut chosen, mut details) = (Vec::with_capacity(wanted.len()), Vec::new());
    for (at, part) in wanted.iter().enumerate() {
        let found = stored.binary_search_by_key(&part.number, |stored| stored.number).ok().map(|at| &stored[at]);
        match found {
            Some(found) if found.etag == part.etag => chosen.push(found.clone()),
            Some(_) => details.push(changed(at, part.number)),
            None => {
                let message = format!("parts[{at}].partNumber names part {}, which is not stored; PUT it first", part.number);
                details.push(Detail::new(format!("parts[{at}].partNumber"), "stored", message));
            }
        }
        if details.len() == MAX_DETAILS {
            break;
        }
    }
    if details.is_empty() { Ok(chosen) } else { Err(wrong(details)) }
}

/// The same for the same list, however it was written.
fn digest(wanted: &[Wanted]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for part in wanted {
        digest.update(format!("{}:{}\n", part.number, part.etag));
    }
    digest.finalize().to_vec()
}

/// As S3 makes it: MD5 of the concatenated binary MD5s, and how many there are.
fn etag(parts: &[PartRow]) -> Result<String> {
    let mut digest = Md5::new();
    for part in parts {
        digest.update(hex::decode(&part.etag).map_err(Error::internal)?);
    }
    Ok(format!("{}-{}", hex::encode(digest.finalize()), parts.len()))
}
