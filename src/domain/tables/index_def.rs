//! Indexes of a table: their definitions in every accepted form, and what a change of the list means (`02-data.md` §7).

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::check::bad_key;
use super::name::{SYSTEM_FIELDS, is_index_name};
use super::schema::Schema;
use super::value::{describe, to_int};
use crate::domain::error::{Code, Detail, Error, Result, clip};

/// Indexes per table, system ones included, and fields per index (§12).
pub const MAX_INDEXES: usize = 64;
pub const MAX_FIELDS: usize = 8;
/// Steps of a path (§12).
const MAX_STEPS: usize = 10;

/// An index. Two with the same fields in the same order, `unique` and `sparse` are the same index.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexDef {
    pub name: String,
    /// Path to direction: 1 or -1.
    pub fields: IndexMap<String, i8>,
    pub unique: bool,
    /// Leaves out records in which all its fields are missing or null.
    pub sparse: bool,
    /// Made by the server: comes with the table, or mirrors the `unique` of a field.
    pub system: bool,
}

impl IndexDef {
    /// Reads one definition. Without a name, one is made of its fields.
    ///
    /// # Errors
    /// `table/schema-validation-failed` naming the place.
    pub fn parse(input: &Value) -> Result<Self> {
        Self::read(input, "index", &mut Vec::new(), false)
    }

    /// `place` stands in front of the paths of faults; `lenient`: unknown members are dropped with a warning.
    pub(super) fn read(input: &Value, place: &str, warnings: &mut Vec<String>, lenient: bool) -> Result<Self> {
        let Some(map) = input.as_object() else {
            return fault(place, "type", format!("{place} must be an index such as {{ \"fields\": {{ \"a\": 1 }} }}, not {}", describe(input)));
        };
        for key in map.keys().filter(|k| !matches!(k.as_str(), "name" | "fields" | "key" | "unique" | "sparse" | "system")) {
            let message = format!("{place}: unknown member \"{}\"; an index has name, fields, unique and sparse", clip(key));
            if !lenient {
                return fault(&format!("{place}.{}", clip(key)), "keyword", message);
            }
            warnings.push(message);
        }
        let fields = match map.get("fields").or_else(|| map.get("key")) {
            Some(fields) => read_fields(fields, &format!("{place}.fields"))?,
            None => return fault(&format!("{place}.fields"), "required", format!("{place} needs fields, such as {{ \"a\": 1, \"b\": -1 }}")),
        };
        let name = match map.get("name") {
            None | Some(Value::Null) => made_name(&fields),
            Some(Value::String(name)) if is_index_name(name) => name.clone(),
            Some(other) => {
                let shown = clip(&other.to_string());
                return fault(
                    &format!("{place}.name"),
                    "name",
                    format!("index name {shown} is not valid: use a letter or _ and up to 63 letters, digits, _ or -"),
                );
            }
        };
        Ok(Self { name, fields, unique: flag(map, "unique", place)?, sparse: flag(map, "sparse", place)?, system: false })
    }

    /// Reads back what [`IndexDef::to_value`] has written.
    ///
    /// # Errors
    /// `common/internal-error` when the stored text is damaged.
    pub fn from_stored(stored: &Value) -> Result<Self> {
        let index = Self::parse(stored).map_err(|e| Error::internal(format!("stored index does not read: {e}")))?;
        Ok(Self { system: stored["system"] == true, ..index })
    }

    pub fn to_value(&self) -> Value {
        json!({ "name": self.name, "fields": self.fields, "key": self.fields, "unique": self.unique, "sparse": self.sparse, "system": self.system })
    }

    fn system(name: &str, field: &str, direction: i8, unique: bool, sparse: bool) -> Self {
        Self { name: name.to_owned(), fields: IndexMap::from([(field.to_owned(), direction)]), unique, sparse, system: true }
    }

    /// Mirrors the `unique` of a field, which ignores missing and null.
    pub fn unique_mirror(field: &str) -> Self {
        Self::system(&format!("{field}_unique"), field, 1, true, true)
    }

    /// Whether it is the mirror of a field's `unique`, and of which.
    pub fn mirrored_field(&self) -> Option<&str> {
        let field = self.fields.keys().next()?;
        (self.system && !SYSTEM_FIELDS.contains(&field.as_str())).then_some(field)
    }

    /// Same fields in the same order, same `unique`, same `sparse`.
    pub fn same_definition(&self, other: &Self) -> bool {
        self.unique == other.unique && self.sparse == other.sparse && self.fields.iter().eq(other.fields.iter())
    }

    /// Whether it uses a top-level field, itself or a path inside.
    pub fn uses(&self, field: &str) -> bool {
        self.fields.keys().any(|path| root(path) == field)
    }
}

/// The four indexes every table has.
pub fn system_indexes() -> Vec<IndexDef> {
    vec![
        IndexDef::system("_id_", "id", 1, true, false),
        IndexDef::system("idx_createdAt_desc", "createdAt", -1, false, false),
        IndexDef::system("idx_updatedAt_desc", "updatedAt", -1, false, false),
        IndexDef::system("idx_createdBy", "createdBy", 1, false, false),
    ]
}

/// The list with exactly the mirrors a schema asks for.
///
/// # Errors
/// `table/index-conflict` when an index of another kind has a mirror's name; `table/schema-validation-failed` above 64.
pub fn with_mirrors(list: &[IndexDef], schema: &Schema) -> Result<Vec<IndexDef>> {
    let unique = |name: &str| schema.fields.get(name).is_some_and(|f| f.unique);
    let mut out: Vec<IndexDef> = list.iter().filter(|i| i.mirrored_field().is_none_or(unique)).cloned().collect();
    for name in schema.fields.iter().filter(|(_, f)| f.unique).map(|(name, _)| name) {
        let mirror = IndexDef::unique_mirror(name);
        match out.iter_mut().find(|i| i.name == mirror.name) {
            None => out.push(mirror),
            Some(found) if found.unique && found.fields == mirror.fields => *found = mirror,
            Some(found) => return Err(conflict(&found.name, format!("index {} has the name that the unique field {name} needs; remove it first", found.name))),
        }
    }
    within_limit(&out)?;
    Ok(out)
}

/// The list after fields were renamed and removed, with the names of the indexes that went. Mirrors go and come with
/// [`with_mirrors`].
pub fn after_fields(list: &[IndexDef], renamed: &[(String, String)], removed: &[String]) -> (Vec<IndexDef>, Vec<String>) {
    let (gone, mut kept): (Vec<IndexDef>, Vec<IndexDef>) = list.iter().cloned().partition(|i| removed.iter().any(|f| i.uses(f)));
    for index in &mut kept {
        if index.mirrored_field().is_some_and(|f| renamed.iter().any(|(old, _)| old == f)) {
            index.name.clear(); // its successor is made under the new name
        }
        let fields = std::mem::take(&mut index.fields);
        index.fields = fields.into_iter().map(|(path, direction)| (renamed_path(&path, renamed), direction)).collect();
    }
    kept.retain(|i| !i.name.is_empty());
    (kept, gone.into_iter().map(|i| i.name).collect())
}

fn renamed_path(path: &str, renamed: &[(String, String)]) -> String {
    let first = root(path);
    renamed.iter().find(|(old, _)| old == first).map_or_else(|| path.to_owned(), |(_, new)| format!("{new}{}", &path[first.len()..]))
}

fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

pub(super) fn within_limit(list: &[IndexDef]) -> Result<()> {
    if list.len() <= MAX_INDEXES {
        return Ok(());
    }
    fault("indexes", "limit", format!("a table may have {MAX_INDEXES} indexes, the system's included, not {}", list.len()))
}

pub(super) fn conflict(name: &str, message: String) -> Error {
    Error::with_details(Code::INDEX_CONFLICT, vec![Detail::new(name, "conflict", message)])
}

fn fault<T>(field: &str, rule: &str, message: String) -> Result<T> {
    Err(Error::with_details(Code::SCHEMA_VALIDATION_FAILED, vec![Detail::new(field, rule, message)]))
}

fn flag(map: &Map<String, Value>, key: &str, place: &str) -> Result<bool> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => fault(&format!("{place}.{key}"), "type", format!("{place}.{key} must be true or false, not {}", describe(other))),
    }
}

fn read_fields(input: &Value, place: &str) -> Result<IndexMap<String, i8>> {
    let mut out = IndexMap::new();
    let mut add = |path: &str, direction: i8| {
        let path = field_path(path, place)?;
        match out.insert(path.clone(), direction) {
            None => Ok(()),
            Some(_) => fault(place, "duplicate", format!("{place} names {} twice", clip(&path))),
        }
    };
    match input {
        Value::String(path) => add(path, 1)?,
        Value::Array(list) => {
            for path in list {
                match path.as_str() {
                    Some(path) => add(path, 1)?,
                    None => return fault(place, "type", format!("{place} must be a list of field names, or an object of field and 1 or -1")),
                }
            }
        }
        Value::Object(map) => {
            for (path, value) in map {
                match direction(value) {
                    Some(direction) => add(path, direction)?,
                    None => {
                        return fault(&format!("{place}.{}", clip(path)), "direction", format!("{place}.{} must be 1, -1, \"asc\" or \"desc\"", clip(path)));
                    }
                }
            }
        }
        other => return fault(place, "type", format!("{place} must be an object or a list of field names, not {}", describe(other))),
    }
    if !(1..=MAX_FIELDS).contains(&out.len()) {
        return fault(place, "limit", format!("an index has 1 to {MAX_FIELDS} fields, not {}", out.len()));
    }
    Ok(out)
}

fn direction(value: &Value) -> Option<i8> {
    match value {
        Value::Number(n) => match to_int(n) {
            Ok(1) => Some(1),
            Ok(-1) => Some(-1),
            _ => None,
        },
        Value::String(word) if word.eq_ignore_ascii_case("asc") => Some(1),
        Value::String(word) if word.eq_ignore_ascii_case("desc") => Some(-1),
        _ => None,
    }
}

fn field_path(path: &str, place: &str) -> Result<String> {
    let path = if path == "_id" { "id" } else { path };
    let steps: Vec<&str> = path.split('.').collect();
    let bad = steps.iter().find_map(|step| bad_key(step));
    match bad {
        Some((_, message)) => fault(place, "path", format!("{place}: \"{}\" is no path: {message}", clip(path))),
        None if steps.len() > MAX_STEPS => fault(place, "limit", format!("{place}: the path {} has more than {MAX_STEPS} steps", clip(path))),
        None => Ok(path.to_owned()),
    }
}

/// `idx_a_b_desc`: fields joined, `_desc` after descending ones; cut to 64 characters with a checksum.
fn made_name(fields: &IndexMap<String, i8>) -> String {
    let mut name = "idx".to_owned();
    for (path, direction) in fields {
        name.push('_');
        name.extend(path.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }));
        if *direction < 0 {
            name.push_str("_desc");
        }
    }
    if name.len() > 64 {
        let checksum = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        name.truncate(55);
        name.push_str(&format!("_{checksum:08x}"));
    }
    name
}
