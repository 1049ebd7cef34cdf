//! Registered files: their metadata, and lists of what a caller may see.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use crate::store::query::folded;
use crate::store::{Reader, StoreResult, Tx};

/// A registered file with what its upload knows of the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileRow {
    /// Also of its upload.
    pub id: String,
    pub original_name: String,
    pub mime_type: String,
    pub size: u64,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub visibility: String,
    pub bucket: String,
    /// `user`, `session`, `service` or `public`.
    pub owner_type: String,
    pub owner_id: Option<String>,
    /// JSON object.
    pub metadata: String,
    pub created_at: i64,
    pub updated_at: i64,
    /// Of the upload; not written by this module.
    pub key: String,
    /// Of the upload; not written by this module.
    pub etag: String,
    /// Whom it is shared with, in order.
    pub shared_with: Vec<String>,
}

/// Which files a caller may see at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    All,
    Public,
    /// What this user owns, what is public or protected, and what is shared with it.
    User(String),
}

/// Which of them are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileFilter {
    pub visibility: Option<String>,
    pub owner_type: Option<String>,
    pub owner_id: Option<String>,
    pub bucket: Option<String>,
    /// One of these: lower-case, without parameters; `image/*` for all of a kind. Empty: any.
    pub mime_types: Vec<String>,
    /// A part of the name, whatever its case.
    pub search: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileSort {
    #[default]
    CreatedAt,
    UpdatedAt,
    OriginalName,
    Size,
    MimeType,
}

impl FileSort {
    fn column(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::OriginalName => "original_name",
            Self::Size => "size",
            Self::MimeType => "mime_type",
        }
    }
}

const COLUMNS: &str = "f.id, f.original_name, f.mime_type, f.size, f.width, f.height, f.visibility, f.bucket, f.owner_type, f.owner_id, f.metadata, \
                       f.created_at, f.updated_at, u.key, u.etag, \
                       (SELECT group_concat(s.user_id, ' ' ORDER BY s.position) FROM _file_shares s WHERE s.file_id = f.id)";
const FROM: &str = "_files f JOIN _uploads u ON u.id = f.id";

impl FileRow {
    fn read(r: &Row<'_>) -> rusqlite::Result<Self> {
        let shared: Option<String> = r.get(15)?;
        Ok(Self {
            id: r.get(0)?,
            original_name: r.get(1)?,
            mime_type: r.get(2)?,
            size: r.get(3)?,
            width: r.get(4)?,
            height: r.get(5)?,
            visibility: r.get(6)?,
            bucket: r.get(7)?,
            owner_type: r.get(8)?,
            owner_id: r.get(9)?,
            metadata: r.get(10)?,
            created_at: r.get(11)?,
            updated_at: r.get(12)?,
            key: r.get(13)?,
            etag: r.get::<_, Option<String>>(14)?.unwrap_or_default(),
            shared_with: shared.map(|ids| ids.split(' ').map(str::to_owned).collect()).unwrap_or_default(),
        })
    }
}

/// Conditions with the values they bind.
#[derive(Clone, Default)]
struct Conditions {
    text: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, text: &str, values: impl IntoIterator<Item = String>) {
        self.text.push(text.to_owned());
        self.values.extend(values.into_iter().map(Value::Text));
    }

    fn sql(&self) -> String {
        if self.text.is_empty() { "1".to_owned() } else { self.text.join(" AND ") }
    }
}

impl FileFilter {
    fn conditions(&self) -> Conditions {
        let mut all = Conditions::default();
        let equal = [("f.visibility", &self.visibility), ("f.owner_type", &self.owner_type), ("f.owner_id", &self.owner_id), ("f.bucket", &self.bucket)];
        for (column, value) in equal {
            if let Some(value) = value {
                all.add(&format!("{column} = ?"), [value.clone()]);
            }
        }
        self.mime_condition(&mut all);
        if let Some(text) = &self.search {
            all.add("instr(f.folded_name, ?) > 0", [folded(text)]);
        }
        all
    }

    fn mime_condition(&self, all: &mut Conditions) {
        let (mut texts, mut values) = (Vec::new(), Vec::new());
        for wanted in &self.mime_types {
            // The successor of `/` is `0`: everything that begins with the kind.
            if let Some(kind) = wanted.strip_suffix("/*") {
                texts.push("(f.mime_type >= ? AND f.mime_type < ?)");
                values.extend([format!("{kind}/"), format!("{kind}0")]);
            } else {
                // Stored types may have parameters; the successor of `;` is `<`.
                texts.push("(f.mime_type = ? OR (f.mime_type >= ? AND f.mime_type < ?))");
                values.extend([wanted.clone(), format!("{wanted};"), format!("{wanted}<")]);
            }
        }
        if !texts.is_empty() {
            all.add(&format!("({})", texts.join(" OR ")), values);
        }
    }

    /// Conditions for disjoint sets that together are what may be seen: each can walk an index of its own.
    fn branches(&self, sight: &Sight) -> Vec<Conditions> {
        let wanted = self.conditions();
        let user = match sight {
            Sight::All => return vec![wanted],
            Sight::Public => return self.visible(&wanted, "public", None, "").into_iter().collect(),
            Sight::User(id) => id,
        };
        let mut own = wanted.clone();
        own.add("f.owner_id = ? AND f.owner_type = 'user'", [user.clone()]);
        let shared = " AND f.id IN (SELECT s.file_id FROM _file_shares s WHERE s.user_id = ?)";
        let mut all = vec![own];
        all.extend(self.visible(&wanted, "public", Some(user), ""));
        all.extend(self.visible(&wanted, "protected", Some(user), ""));
        all.extend(self.visible(&wanted, "shared", Some(user), shared));
        all
    }

    /// What has a visibility and is not the user's own; nothing when another visibility is wanted.
    fn visible(&self, wanted: &Conditions, visibility: &str, not_of: Option<&String>, more: &str) -> Option<Conditions> {
        if self.visibility.as_deref().is_some_and(|v| v != visibility) {
            return None;
        }
        let mut conditions = wanted.clone();
        conditions.add(&format!("f.visibility = '{visibility}'"), []);
        if let Some(user) = not_of {
            conditions.add("NOT (f.owner_type = 'user' AND f.owner_id IS ?)", [user.clone()]);
            if !more.is_empty() {
                conditions.add(more.trim_start_matches(" AND "), [user.clone()]);
            }
        }
        Some(conditions)
    }
}

impl Reader<'_> {
    pub fn file(&self, id: &str) -> StoreResult<Option<FileRow>> {
        self.file_where("f.id = ?1", id)
    }

    pub fn file_by_key(&self, key: &str) -> StoreResult<Option<FileRow>> {
        self.file_where("u.key = ?1", key)
    }

    fn file_where(&self, condition: &str, value: &str) -> StoreResult<Option<FileRow>> {
        let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE {condition}");
        Ok(self.connection().prepare_cached(&sql)?.query_row([value], FileRow::read).optional()?)
    }

    /// A page of what may be seen and is wanted, and how many there are. Equal values are ordered by id, in the same direction.
    pub fn files(&self, sight: &Sight, filter: &FileFilter, sort: FileSort, ascending: bool, limit: u32, offset: u64) -> StoreResult<(Vec<FileRow>, u64)> {
        let branches = filter.branches(sight);
        if branches.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let mut total: u64 = 0;
        for branch in &branches {
            let sql = format!("SELECT count(*) FROM _files f WHERE {}", branch.sql());
            total += self.connection().prepare_cached(&sql)?.query_row(params_from_iter(&branch.values), |r| r.get::<_, u64>(0))?;
        }
        if total <= offset {
            return Ok((Vec::new(), total));
        }
        let (column, direction) = (sort.column(), if ascending { "ASC" } else { "DESC" });
        let arms: Vec<String> = branches.iter().map(|branch| format!("SELECT f.id AS id, f.{column} AS place FROM _files f WHERE {}", branch.sql())).collect();
        // Whole rows are read for the page alone.
        let sql = format!(
            "SELECT {COLUMNS} FROM ({} ORDER BY place {direction}, id {direction} LIMIT ? OFFSET ?) page JOIN _files f ON f.id = page.id JOIN _uploads u ON u.id = f.id
             ORDER BY page.place {direction}, page.id {direction}",
            arms.join(" UNION ALL ")
        );
        let paging = [Value::Integer(limit.into()), Value::Integer(offset as i64)];
        let values = branches.iter().flat_map(|branch| &branch.values).chain(&paging);
        let mut statement = self.connection().prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), FileRow::read)?.collect::<rusqlite::Result<_>>()?;
        Ok((rows, total))
    }

    /// Number and bytes of files by bucket: those of one user, or all.
    pub fn files_by_bucket(&self, owner: Option<&str>) -> StoreResult<Vec<(String, u64, u64)>> {
        let sql = match owner {
            Some(_) => "SELECT bucket, count(*), sum(size) FROM _files WHERE owner_id = ?1 AND owner_type = 'user' GROUP BY bucket",
            None => "SELECT bucket, count(*), sum(size) FROM _files WHERE ?1 IS NULL GROUP BY bucket",
        };
        let mut statement = self.connection().prepare_cached(sql)?;
        Ok(statement.query_map([owner], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Tx<'_> {
    /// Stores a new file and whom it is shared with. Its upload has to be there.
    ///
    /// # Errors
    /// [`crate::store::StoreError::Unique`] when the upload is registered already.
    pub fn insert_file(&mut self, f: &FileRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO _files (id, original_name, folded_name, mime_type, size, width, height, visibility, bucket, owner_type, owner_id, metadata,
                 created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?
            .execute(params![
                f.id,
                f.original_name,
                folded(&f.original_name),
                f.mime_type,
                f.size,
                f.width,
                f.height,
                f.visibility,
                f.bucket,
                f.owner_type,
                f.owner_id,
                f.metadata,
                f.created_at,
                f.updated_at
            ])?;
        self.set_shares(&f.id, &f.shared_with)
    }

    /// Stores what of a file can change.
    pub fn update_file(&mut self, f: &FileRow) -> StoreResult<bool> {
        let changed = self
            .connection()
            .prepare_cached(
                "UPDATE _files SET original_name = ?2, folded_name = ?3, visibility = ?4, bucket = ?5, owner_type = ?6, owner_id = ?7, metadata = ?8,
                 updated_at = ?9 WHERE id = ?1",
            )?
            .execute(params![f.id, f.original_name, folded(&f.original_name), f.visibility, f.bucket, f.owner_type, f.owner_id, f.metadata, f.updated_at])?;
        self.set_shares(&f.id, &f.shared_with)?;
        Ok(changed > 0)
    }

    fn set_shares(&mut self, file_id: &str, users: &[String]) -> StoreResult<()> {
        self.connection().prepare_cached("DELETE FROM _file_shares WHERE file_id = ?1")?.execute([file_id])?;
        let mut insert = self.connection().prepare_cached("INSERT INTO _file_shares (file_id, user_id, position) VALUES (?1, ?2, ?3)")?;
        users.iter().enumerate().try_for_each(|(at, user)| insert.execute(params![file_id, user, at as i64]).map(drop))?;
        Ok(())
    }
}
