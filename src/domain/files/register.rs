//! Making a file out of an upload (`05-storage.md` §5.2).

use serde_json::Value;

use super::input::{self, BUCKET, Fields, KEY, MIME_TYPE, ORIGINAL_NAME, SIZE, required};
use super::labels::{Bucket, OwnerType, Visibility};
use super::media_type::MediaType;
use super::name::{FileName, sent_key};
use super::{FileObject, Files, audit, dimensions, metadata, not_found, rights};
use crate::domain::caller::Caller;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::store::Tx;
use crate::store::data::{FileRow, ObjectRow, UploadRow};

/// What is said of a file when it is registered; what is not said comes from the upload and its object.
#[derive(Debug, Clone, Default)]
pub struct Registration {
    pub original_name: Option<FileName>,
    pub media_type: Option<MediaType>,
    pub size: Option<u64>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub visibility: Option<Visibility>,
    pub bucket: Option<Bucket>,
    pub metadata: Option<Value>,
    pub shared_with: Vec<String>,
    /// From admins only.
    pub owner_type: Option<OwnerType>,
    /// From admins only.
    pub owner_id: Option<String>,
}

/// Which upload.
#[derive(Debug, Clone)]
enum Which {
    Key(String),
    /// In the body, where a key belongs.
    Id(String),
    /// In the path.
    PathId(String),
}

impl Registration {
    /// Reads a body; `complete`: name, type and size have to be in it.
    pub(super) fn parse(fields: Fields<'_>, caller: &Caller, complete: bool) -> Result<Self> {
        let original_name = fields.file_name(ORIGINAL_NAME)?;
        let media_type = fields.media_type(MIME_TYPE)?;
        let size = fields.size(SIZE)?;
        if complete {
            original_name.as_ref().ok_or_else(|| required("originalName"))?;
            media_type.as_ref().ok_or_else(|| required("mimeType"))?;
            size.ok_or_else(|| required("size"))?;
        }
        let metadata = fields.value("metadata").cloned();
        if let Some(given) = &metadata {
            metadata::merge("{}", given)?;
        }
        let (mut owner_type, mut owner_id) = (None, None);
        if caller.is_admin() {
            owner_type = fields.text(&["ownerType"])?.map(|word| OwnerType::parse("ownerType", word)).transpose()?;
            owner_id = fields.text(&["ownerId"])?.map(input::owner_id).transpose()?;
        }
        Ok(Self {
            original_name,
            media_type: media_type.flatten(),
            size,
            width: fields.side("width")?,
            height: fields.side("height")?,
            visibility: fields.visibility()?,
            bucket: fields.bucket(BUCKET)?,
            metadata,
            shared_with: fields.shared_with()?.unwrap_or_default(),
            owner_type,
            owner_id,
        })
    }

    /// # Errors
    /// 400 `file/size-mismatch`, `file/invalid-format`.
    fn agree_with(&self, object: &ObjectRow) -> Result<()> {
        if let Some(size) = self.size.filter(|size| *size != object.size) {
            let message = format!("size says {size} bytes, the stored object has {}; send the size of what was uploaded", object.size);
            return Err(Error::new(Code::FILE_SIZE_MISMATCH, message));
        }
        let stored = MediaType::parse(&object.content_type)?;
        if let (Some(given), Some(stored)) = (&self.media_type, &stored)
            && !given.is_same(stored)
        {
            let message = format!("mimeType says {}, the object was stored as {}; send that, or an empty text", given.essence(), stored.essence());
            return Err(Error::new(Code::FILE_INVALID_FORMAT, message));
        }
        Ok(())
    }

    /// Whose the file is: the user's who began the upload, else the one's a secret key acts for, else the service's.
    fn owner(&self, upload: &UploadRow, caller: &Caller) -> Result<(OwnerType, Option<String>)> {
        let acting = match caller {
            Caller::SecretKey { .. } => caller.own_id(),
            _ => None,
        };
        let by_upload = upload.uploader_id.as_deref().or(acting).map(str::to_owned);
        match (self.owner_type, self.owner_id.clone()) {
            (None, None) => Ok((if by_upload.is_some() { OwnerType::User } else { OwnerType::Service }, by_upload)),
            (None, Some(id)) => Ok((OwnerType::User, Some(id))),
            (Some(OwnerType::User), id) => {
                let id = id.or(by_upload).ok_or_else(|| Error::invalid_parameter("ownerId", "ownerType user needs the ownerId of a user"))?;
                Ok((OwnerType::User, Some(id)))
            }
            (Some(kind), id) => Ok((kind, id)),
        }
    }
}

impl Files {
    /// Registers an upload whose bytes are there.
    ///
    /// # Errors
    /// In this order: 401 for guests, 400 as §3, 400 `file/invalid-path`, 403 `file/access-denied`, 409 `file/s3-key-already-exists`,
    /// 409 `file/upload-incomplete`, 400 `file/size-mismatch`, 400 `file/invalid-format`.
    pub async fn register(&self, body: Option<Value>) -> Result<FileObject> {
        rights::signed_in(&self.caller)?;
        let fields = Fields::of(body.as_ref())?;
        let which = match (fields.text(KEY)?, fields.text(&["fileId"])?) {
            (Some(key), _) => Which::Key(sent_key(key)?),
            (None, Some(id)) => Which::Id(id.to_owned()),
            (None, None) => return Err(required("s3Key")),
        };
        let registration = Registration::parse(fields, &self.caller, true)?;
        self.object_of(self.register_as(which, registration).await?)
    }

    /// Registers an upload by its id; everything in the body is optional.
    ///
    /// # Errors
    /// As [`Files::register`], but 404 `file/not-found` for an unknown id.
    pub async fn complete(&self, file_id: &str, body: Option<Value>) -> Result<FileObject> {
        rights::signed_in(&self.caller)?;
        let registration = Registration::parse(Fields::of(body.as_ref())?, &self.caller, false)?;
        self.object_of(self.register_as(Which::PathId(file_id.to_owned()), registration).await?)
    }

    /// Registers the upload of a key with what it says of itself.
    ///
    /// # Errors
    /// As [`Files::register`].
    pub async fn register_key(&self, key: &str, registration: Registration) -> Result<FileRow> {
        self.register_as(Which::Key(key.to_owned()), registration).await
    }

    async fn register_as(&self, which: Which, registration: Registration) -> Result<FileRow> {
        let picture = self.picture(&which).await?;
        let (environment, caller, settings) = (std::sync::Arc::clone(&self.environment), self.caller.clone(), std::sync::Arc::clone(&self.settings));
        self.environment
            .data()
            .write::<_, Error, _>(move |tx| {
                check_users(tx, &registration.shared_with)?;
                let (mut upload, object) = ready(tx, &which, &caller)?;
                registration.agree_with(&object)?;
                settings.check_least(object.size)?;
                if let Some((name, width, height)) = picture.filter(|(name, ..)| *name == object.name) {
                    tx.set_dimensions(&upload.id, width, height)?;
                    upload.object = Some(ObjectRow { name, width: Some(width), height: Some(height), ..object });
                } else {
                    upload.object = Some(object);
                }
                let file = insert(tx, &environment, &caller, upload, registration, &settings)?;
                audit(tx, &environment, &caller, "created", &file)?;
                Ok(file)
            })
            .await
    }

    /// The object of an upload with its sides, when they are not known yet and can be read.
    async fn picture(&self, which: &Which) -> Result<Option<(String, u32, u32)>> {
        let which = which.clone();
        let upload = self.environment.data().read::<_, Error, _>(move |r| find(r, &which)).await?;
        let Some(object) = upload.and_then(|upload| upload.object).filter(|o| o.width.is_none() && dimensions::may_have(&o.content_type)) else {
            return Ok(None);
        };
        let objects = self.environment.objects().clone();
        let read = move || dimensions::of_object(&objects, &object.name).map(|(width, height)| (object.name, width, height));
        tokio::task::spawn_blocking(read).await.map_err(Error::internal)
    }
}

fn find(r: &crate::store::Reader<'_>, which: &Which) -> Result<Option<UploadRow>> {
    Ok(match which {
        Which::Key(key) => r.upload_by_key(key)?,
        Which::Id(id) | Which::PathId(id) => r.upload(id)?,
    })
}

/// The upload and its object, if this caller may register it now.
fn ready(tx: &Tx<'_>, which: &Which, caller: &Caller) -> Result<(UploadRow, ObjectRow)> {
    let upload = find(&tx.reader(), which)?.filter(|upload| upload.state.as_deref() != Some("aborted"));
    let mut upload = upload.ok_or_else(|| match which {
        Which::PathId(_) => not_found(),
        Which::Key(text) | Which::Id(text) => Error::new(
            Code::FILE_INVALID_PATH,
            format!("\"{}\" was not issued here, or its file was deleted; send the key that POST /v1/files/presigned-url answered", clip(text)),
        ),
    })?;
    rights::use_upload(caller, &upload)?;
    if upload.registered {
        return Err(Error::new(Code::FILE_S3_KEY_ALREADY_EXISTS, format!("This upload is registered already, as the file {}", upload.id)));
    }
    let object = upload.object.take().ok_or_else(|| {
        let how = if upload.multipart_id.is_some() { "complete the multipart upload" } else { "PUT them to the upload URL" };
        Error::new(Code::FILE_UPLOAD_INCOMPLETE, format!("The bytes of this upload are not there yet; {how}, then register again"))
    })?;
    Ok((upload, object))
}

/// # Errors
/// `common/invalid-parameters` naming an id that no user has.
pub(super) fn check_users(tx: &Tx<'_>, ids: &[String]) -> Result<()> {
    let reader = tx.reader();
    for id in ids {
        if reader.role_of_user(id)?.is_none() {
            return Err(Error::invalid_parameter("sharedWith", format!("sharedWith names \"{}\", which no user of this environment has as id", clip(id))));
        }
    }
    Ok(())
}

/// Makes the file of an upload whose object is there and was checked.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    environment: &Environment,
    caller: &Caller,
    upload: UploadRow,
    registration: Registration,
    settings: &super::FileSettings,
) -> Result<FileRow> {
    let (owner_type, owner_id) = registration.owner(&upload, caller)?;
    let object = upload.object.ok_or_else(|| Error::internal("a file without an object"))?;
    let bucket = registration.bucket.or_else(|| Bucket::of(upload.bucket.as_deref()?)).unwrap_or(Bucket::Attachments);
    if bucket == Bucket::Avatars
        && let Some(stored) = MediaType::parse(&object.content_type)?
    {
        settings.admit(&stored, Some(bucket))?;
    }
    let now = environment.now();
    let metadata = registration.metadata.map_or_else(|| Ok("{}".to_owned()), |given| metadata::merge("{}", &given))?;
    let file = FileRow {
        id: upload.id,
        original_name: registration.original_name.map_or(upload.filename, FileName::into_string),
        mime_type: registration.media_type.map_or(object.content_type, MediaType::into_string),
        size: object.size,
        width: registration.width.or(object.width),
        height: registration.height.or(object.height),
        visibility: registration.visibility.map(|v| v.as_str().to_owned()).or(upload.visibility).unwrap_or_else(|| "private".to_owned()),
        bucket: bucket.as_str().to_owned(),
        owner_type: owner_type.as_str().to_owned(),
        owner_id,
        metadata,
        created_at: now,
        updated_at: now,
        key: upload.key,
        etag: object.etag,
        shared_with: registration.shared_with,
    };
    tx.insert_file(&file)?;
    tx.set_registered(&file.id)?;
    Ok(file)
}
