//! Uploads: what is known of stored bytes before and after they are registered, and the parts of multipart uploads.

use rusqlite::{OptionalExtension, Row, params};

use crate::store::{Reader, StoreResult, Tx};

/// What a presign or the beginning of a multipart upload made; a registered file shares its id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadRow {
    pub id: String,
    pub key: String,
    /// The user who asked for it; none for secret keys and developers.
    pub uploader_id: Option<String>,
    pub filename: String,
    /// `None` when none was stated.
    pub content_type: Option<String>,
    /// Bytes a PUT may carry.
    pub max_size: u64,
    pub visibility: Option<String>,
    pub bucket: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
    pub multipart_id: Option<String>,
    pub declared_size: Option<u64>,
    /// `open`, `completed` or `aborted`; `None` for single uploads.
    pub state: Option<String>,
    /// When the state began; for an open upload, when its last part came.
    pub state_at: Option<i64>,
    /// What the list of parts looked like that completed it.
    pub parts_digest: Option<Vec<u8>>,
    pub object: Option<ObjectRow>,
    /// First read by a plain or image URL while it was not registered.
    pub fetched_at: Option<i64>,
    pub registered: bool,
}

/// The stored bytes of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectRow {
    /// Below the directory of objects.
    pub name: String,
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    pub content_type: String,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub stored_at: i64,
}

/// A stored part of an open multipart upload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartRow {
    pub number: u32,
    /// Below the directory of objects.
    pub name: String,
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    pub stored_at: i64,
}

/// Before when something has to have happened last for an upload to be over.
#[derive(Debug, Clone, Copy)]
pub struct Stale {
    pub now: i64,
    /// Issued without a PUT, or aborted.
    pub issued: i64,
    /// Stored, but neither registered nor fetched.
    pub stored: i64,
    /// The last part of an open multipart upload.
    pub active: i64,
}

/// What reading an object by its key needs to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServedRow {
    pub upload_id: String,
    /// What it is saved as.
    pub name: String,
    /// Of the file; before that, what was stated when the upload began.
    pub visibility: Option<String>,
    pub registered: bool,
    /// Whether it was read by a plain or image URL before it was registered.
    pub fetched: bool,
    pub object: ObjectRow,
}

const COLUMNS: &str = "id, key, uploader_id, filename, content_type, max_size, visibility, bucket, created_at, expires_at, multipart_id, declared_size, \
                       state, state_at, parts_digest, object, size, etag, object_type, width, height, stored_at, fetched_at, registered";
const PART_COLUMNS: &str = "number, object, size, etag, stored_at";

impl UploadRow {
    fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        let object = match r.get::<_, Option<String>>(15)? {
            Some(name) => Some(ObjectRow {
                name,
                size: r.get(16)?,
                etag: r.get(17)?,
                content_type: r.get(18)?,
                width: r.get(19)?,
                height: r.get(20)?,
                stored_at: r.get(21)?,
            }),
            None => None,
        };
        Ok(Self {
            id: r.get(0)?,
            key: r.get(1)?,
            uploader_id: r.get(2)?,
            filename: r.get(3)?,
            content_type: r.get(4)?,
            max_size: r.get(5)?,
            visibility: r.get(6)?,
            bucket: r.get(7)?,
            created_at: r.get(8)?,
            expires_at: r.get(9)?,
            multipart_id: r.get(10)?,
            declared_size: r.get(11)?,
            state: r.get(12)?,
            state_at: r.get(13)?,
            parts_digest: r.get(14)?,
            object,
            fetched_at: r.get(22)?,
            registered: r.get(23)?,
        })
    }
}

impl PartRow {
    fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { number: r.get(0)?, name: r.get(1)?, size: r.get(2)?, etag: r.get(3)?, stored_at: r.get(4)? })
    }
}

impl Reader<'_> {
    pub fn upload(&self, id: &str) -> StoreResult<Option<UploadRow>> {
        self.upload_where("id = ?1", id)
    }

    pub fn upload_by_key(&self, key: &str) -> StoreResult<Option<UploadRow>> {
        self.upload_where("key = ?1", key)
    }

    /// By the id of the multipart upload.
    pub fn multipart(&self, multipart_id: &str) -> StoreResult<Option<UploadRow>> {
        self.upload_where("multipart_id = ?1", multipart_id)
    }

    fn upload_where(&self, condition: &str, value: &str) -> StoreResult<Option<UploadRow>> {
        let sql = format!("SELECT {COLUMNS} FROM _uploads WHERE {condition}");
        Ok(self.connection().prepare_cached(&sql)?.query_row([value], UploadRow::read).optional()?)
    }

    /// The stored bytes of a key.
    pub fn served(&self, key: &str) -> StoreResult<Option<ServedRow>> {
        let sql = "SELECT u.id, coalesce(f.original_name, u.filename), CASE WHEN f.id IS NULL THEN u.visibility ELSE f.visibility END, f.id IS NOT NULL,
                u.fetched_at IS NOT NULL, u.object, u.size, u.etag, u.object_type, u.width, u.height, u.stored_at
             FROM _uploads u LEFT JOIN _files f ON f.id = u.id WHERE u.key = ?1 AND u.object IS NOT NULL";
        let read = |r: &Row<'_>| {
            let object = ObjectRow {
                name: r.get(5)?,
                size: r.get(6)?,
                etag: r.get(7)?,
                content_type: r.get(8)?,
                width: r.get(9)?,
                height: r.get(10)?,
                stored_at: r.get(11)?,
            };
            Ok(ServedRow { upload_id: r.get(0)?, name: r.get(1)?, visibility: r.get(2)?, registered: r.get(3)?, fetched: r.get(4)?, object })
        };
        Ok(self.connection().prepare_cached(sql)?.query_row([key], read).optional()?)
    }

    /// Whether a key was issued here and its upload is still known.
    pub fn has_key(&self, key: &str) -> StoreResult<bool> {
        Ok(self.connection().prepare_cached("SELECT EXISTS (SELECT 1 FROM _uploads WHERE key = ?1)")?.query_row([key], |r| r.get(0))?)
    }

    /// The part of a number.
    pub fn part(&self, upload_id: &str, number: u32) -> StoreResult<Option<PartRow>> {
        let sql = format!("SELECT {PART_COLUMNS} FROM _parts WHERE upload_id = ?1 AND number = ?2");
        Ok(self.connection().prepare_cached(&sql)?.query_row(params![upload_id, number], PartRow::read).optional()?)
    }

    /// Every stored part of an upload, ascending.
    pub fn parts(&self, upload_id: &str) -> StoreResult<Vec<PartRow>> {
        let sql = format!("SELECT {PART_COLUMNS} FROM _parts WHERE upload_id = ?1 ORDER BY number");
        let mut statement = self.connection().prepare_cached(&sql)?;
        Ok(statement.query_map([upload_id], PartRow::read)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Open multipart uploads, newest first, of one user or of everybody, and how many there are.
    pub fn open_multiparts(&self, uploader: Option<&str>, key: Option<&str>, alive_at: i64, limit: u32, offset: u64) -> StoreResult<(Vec<UploadRow>, u64)> {
        let condition = "multipart_id IS NOT NULL AND state = 'open' AND expires_at >= ?3 AND (?1 IS NULL OR uploader_id = ?1) AND (?2 IS NULL OR key = ?2)";
        let total = self
            .connection()
            .prepare_cached(&format!("SELECT count(*) FROM _uploads WHERE {condition}"))?
            .query_row(params![uploader, key, alive_at], |r| r.get(0))?;
        let sql = format!("SELECT {COLUMNS} FROM _uploads WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT ?4 OFFSET ?5");
        let mut statement = self.connection().prepare_cached(&sql)?;
        let rows = statement.query_map(params![uploader, key, alive_at, limit, offset as i64], UploadRow::read)?;
        Ok((rows.collect::<rusqlite::Result<_>>()?, total))
    }

    /// Uploads with an object that nobody registered, newest first, and how many there are.
    pub fn unregistered_uploads(&self, limit: u32, offset: u64) -> StoreResult<(Vec<UploadRow>, u64)> {
        let condition = "registered = 0 AND object IS NOT NULL";
        let total = self.connection().prepare_cached(&format!("SELECT count(*) FROM _uploads WHERE {condition}"))?.query_row([], |r| r.get(0))?;
        let sql = format!("SELECT {COLUMNS} FROM _uploads WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT ?1 OFFSET ?2");
        let mut statement = self.connection().prepare_cached(&sql)?;
        let rows = statement.query_map(params![limit, offset as i64], UploadRow::read)?;
        Ok((rows.collect::<rusqlite::Result<_>>()?, total))
    }

    /// Ids of uploads whose time is over.
    pub fn stale_uploads(&self, before: &Stale, limit: u32) -> StoreResult<Vec<String>> {
        let sql = "SELECT id FROM _uploads WHERE registered = 0 AND CASE
                WHEN object IS NOT NULL THEN fetched_at IS NULL AND stored_at < ?2
                WHEN state = 'open' THEN state_at < ?3
                WHEN state = 'aborted' THEN state_at < ?1
                ELSE created_at < ?1 AND expires_at < ?4 END
             ORDER BY created_at LIMIT ?5";
        let mut statement = self.connection().prepare_cached(sql)?;
        Ok(statement.query_map(params![before.issued, before.stored, before.active, before.now, limit], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?)
    }

    /// Bytes of all objects and parts.
    pub fn stored_bytes(&self) -> StoreResult<u64> {
        Ok(self.connection().prepare_cached("SELECT bytes FROM _stored_bytes")?.query_row([], |r| r.get(0))?)
    }

    /// Whether a row names this object or part.
    pub fn names_object(&self, name: &str) -> StoreResult<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM _uploads WHERE object = ?1) OR EXISTS (SELECT 1 FROM _parts WHERE object = ?1)";
        Ok(self.connection().prepare_cached(sql)?.query_row([name], |r| r.get(0))?)
    }

    /// Hands the name of every object and part to `each`.
    pub fn object_names(&self, mut each: impl FnMut(String)) -> StoreResult<()> {
        let mut statement = self.connection().prepare("SELECT object FROM _uploads WHERE object IS NOT NULL UNION ALL SELECT object FROM _parts")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(row.get(0)?);
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// # Errors
    /// [`crate::store::StoreError::Unique`] when id or key is taken.
    pub fn insert_upload(&mut self, u: &UploadRow) -> StoreResult<()> {
        let sql = format!(
            "INSERT INTO _uploads ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)"
        );
        let o = u.object.as_ref();
        self.connection().prepare_cached(&sql)?.execute(params![
            u.id,
            u.key,
            u.uploader_id,
            u.filename,
            u.content_type,
            u.max_size,
            u.visibility,
            u.bucket,
            u.created_at,
            u.expires_at,
            u.multipart_id,
            u.declared_size,
            u.state,
            u.state_at,
            u.parts_digest,
            o.map(|o| &o.name),
            o.map(|o| o.size),
            o.map(|o| &o.etag),
            o.map(|o| &o.content_type),
            o.and_then(|o| o.width),
            o.and_then(|o| o.height),
            o.map(|o| o.stored_at),
            u.fetched_at,
            u.registered
        ])?;
        Ok(())
    }

    /// Puts an object in place of the one an upload has, if any. The name of the old one is the caller's to forget.
    pub fn set_object(&mut self, upload_id: &str, o: &ObjectRow) -> StoreResult<bool> {
        let changed = self
            .connection()
            .prepare_cached("UPDATE _uploads SET object = ?2, size = ?3, etag = ?4, object_type = ?5, width = ?6, height = ?7, stored_at = ?8 WHERE id = ?1")?
            .execute(params![upload_id, o.name, o.size, o.etag, o.content_type, o.width, o.height, o.stored_at])?;
        Ok(changed > 0)
    }

    /// Notes the size of the picture an object holds.
    pub fn set_dimensions(&mut self, upload_id: &str, width: u32, height: u32) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE _uploads SET width = ?2, height = ?3 WHERE id = ?1")?.execute(params![upload_id, width, height])?;
        Ok(())
    }

    /// Notes that an unregistered object was read by a plain or image URL.
    pub fn set_fetched(&mut self, upload_id: &str, at: i64) -> StoreResult<()> {
        self.connection()
            .prepare_cached("UPDATE _uploads SET fetched_at = ?2 WHERE id = ?1 AND fetched_at IS NULL AND registered = 0")?
            .execute(params![upload_id, at])?;
        Ok(())
    }

    pub fn set_registered(&mut self, upload_id: &str) -> StoreResult<()> {
        self.connection().prepare_cached("UPDATE _uploads SET registered = 1 WHERE id = ?1")?.execute([upload_id])?;
        Ok(())
    }

    /// Stores a part in place of one of the same number, and keeps its upload alive until `expires_at`.
    pub fn set_part(&mut self, upload_id: &str, p: &PartRow, expires_at: i64) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO _parts (upload_id, number, object, size, etag, stored_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (upload_id, number)
                 DO UPDATE SET object = excluded.object, size = excluded.size, etag = excluded.etag, stored_at = excluded.stored_at",
            )?
            .execute(params![upload_id, p.number, p.name, p.size, p.etag, p.stored_at])?;
        self.connection().prepare_cached("UPDATE _uploads SET state_at = ?2, expires_at = max(expires_at, ?3) WHERE id = ?1")?.execute(params![
            upload_id,
            p.stored_at,
            expires_at
        ])?;
        Ok(())
    }

    /// Ends an open multipart upload: `completed`, with a digest of the list of parts, or `aborted`. Its parts are forgotten.
    pub fn end_multipart(&mut self, upload_id: &str, state: &str, at: i64, parts_digest: Option<&[u8]>) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM _parts WHERE upload_id = ?1")?.execute([upload_id])?;
        self.connection().prepare_cached("UPDATE _uploads SET state = ?2, state_at = ?3, parts_digest = ?4 WHERE id = ?1")?.execute(params![
            upload_id,
            state,
            at,
            parts_digest
        ])?;
        Ok(())
    }

    /// Deletes an upload with its parts, and the file made from it; answers the names of its objects and parts.
    pub fn delete_upload(&mut self, id: &str) -> StoreResult<Vec<String>> {
        let names = {
            let sql = "SELECT object FROM _uploads WHERE id = ?1 AND object IS NOT NULL UNION ALL SELECT object FROM _parts WHERE upload_id = ?1";
            let mut statement = self.connection().prepare_cached(sql)?;
            statement.query_map([id], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?
        };
        self.connection().prepare_cached("DELETE FROM _uploads WHERE id = ?1")?.execute([id])?;
        Ok(names)
    }
}
