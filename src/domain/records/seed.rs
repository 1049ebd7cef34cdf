//! Records for several tables in one transaction: inserted, upserted by a key, or put in the place of what is there.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::changes;
use super::gate::Records;
use super::query;
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::{Caller, Tenant};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::id::new_id;
use crate::domain::snapshots::Reason;
use crate::domain::tables::ops::own_table;
use crate::store::Tx;

/// Records of one call.
pub const MAX_RECORDS: usize = 1000;

/// What happens to records that are there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SeedMode {
    /// They stay.
    #[default]
    Insert,
    /// The one with the same key is changed.
    Upsert,
    /// They go, from the tables that are named.
    Replace,
}

/// A call, read.
#[derive(Debug, Clone)]
pub struct Seed {
    tables: IndexMap<String, Vec<Map<String, Value>>>,
    pub mode: SeedMode,
    /// Fields that identify a record, for each table or under `""` for all.
    keys: HashMap<String, Vec<String>>,
}

/// What was done to one table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Seeded {
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    /// In the order of the records.
    pub ids: Vec<String>,
}

/// A place in the call: table and position.
type Spot = (String, usize);

impl Seed {
    /// Reads `tables` (name to records), `mode` (`insert` when absent) and `key`: field names with commas between, or an
    /// object of such by table; `id` when absent.
    ///
    /// # Errors
    /// `common/invalid-parameters`; `data/validation-error` with rule `limit` beyond 1,000 records.
    pub fn parse(tables: &Value, mode: Option<&str>, key: Option<&Value>) -> Result<Self> {
        let shape = || {
            Error::invalid_parameter("tables", "tables must be an object of table names and arrays of records, such as { \"posts\": [{ \"title\": \"a\" }] }")
        };
        let given = tables.as_object().filter(|map| !map.is_empty()).ok_or_else(shape)?;
        let mut all = IndexMap::new();
        for (name, records) in given {
            let records = records.as_array().ok_or_else(shape)?;
            let objects = records.iter().map(|record| record.as_object().cloned().ok_or_else(shape)).collect::<Result<Vec<_>>>()?;
            all.insert(name.clone(), objects);
        }
        let count: usize = all.values().map(Vec::len).sum();
        if count > MAX_RECORDS {
            return Err(Error::validation("tables", "limit", format!("One call seeds at most {MAX_RECORDS} records, not {count}; split it")));
        }
        let mode = match mode {
            None | Some("insert") => SeedMode::Insert,
            Some("upsert") => SeedMode::Upsert,
            Some("replace") => SeedMode::Replace,
            Some(other) => return Err(Error::invalid_parameter("mode", format!("mode must be insert, upsert or replace, not \"{}\"", clip(other)))),
        };
        Ok(Self { tables: all, mode, keys: keys(key)? })
    }

    /// The tables it writes to.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    fn key_of(&self, table: &str) -> Vec<String> {
        self.keys.get(table).or_else(|| self.keys.get("")).cloned().unwrap_or_else(|| vec!["id".to_owned()])
    }
}

fn keys(given: Option<&Value>) -> Result<HashMap<String, Vec<String>>> {
    let wrong =
        || Error::invalid_parameter("key", "key must name the field that identifies a record, such as \"slug\"; several with commas, or an object by table");
    let names = |value: &Value| {
        let names: Vec<String> = match value {
            Value::String(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
            Value::Array(list) => list.iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect(),
            _ => Vec::new(),
        };
        let sound = !names.is_empty() && names.iter().all(|name| !name.is_empty() && !name.contains('.') && !name.starts_with('$'));
        if sound { Ok(names) } else { Err(wrong()) }
    };
    match given {
        None | Some(Value::Null) => Ok(HashMap::new()),
        Some(Value::Object(map)) => map.iter().map(|(table, value)| Ok((table.clone(), names(value)?))).collect(),
        Some(value) => Ok(HashMap::from([(String::new(), names(value)?)])),
    }
}

impl Backend {
    /// Saves what a seed would replace: its one table, or the environment without its files; answers the snapshot's id.
    ///
    /// # Errors
    /// 404 `data/table-not-found`, 403 `data/system-table-access`; 503 when it cannot be written.
    pub async fn save_before_seed(self: &Arc<Self>, tenant: &Tenant, environment: &Arc<Environment>, seed: &Seed) -> Result<Option<String>> {
        if seed.mode != SeedMode::Replace {
            return Ok(None);
        }
        let tables: Vec<&str> = seed.tables().collect();
        for table in &tables {
            own_table(environment, table)?;
        }
        match tables.as_slice() {
            [one] => environment.copy_table(tenant, one, "before-truncate").await.map(Some),
            _ => Ok(Some(self.take_snapshot(environment, tenant, None, Reason::BeforeReset, false).await?.id)),
        }
    }
}

impl Environment {
    /// Carries a seed out, all or nothing, and notes it once.
    ///
    /// # Errors
    /// As single writes, with `position` and `table` in the details.
    pub async fn seed(self: &Arc<Self>, tenant: &Tenant, seed: Seed) -> Result<IndexMap<String, Seeded>> {
        let (environment, tenant) = (Arc::clone(self), tenant.clone());
        self.data()
            .write::<_, Error, _>(move |tx| {
                let done = Run::new(&environment, &tenant, seed)?.carry_out(tx)?;
                note(&environment, tx, &tenant, &done)?;
                Ok(done)
            })
            .await
    }
}

fn note(environment: &Arc<Environment>, tx: &mut Tx<'_>, tenant: &Tenant, done: &IndexMap<String, Seeded>) -> Result<()> {
    let count = |one: &Seeded| json!({ "created": one.inserted, "updated": one.updated, "deleted": one.deleted });
    if done.values().all(|one| one.inserted + one.updated + one.deleted == 0) {
        return Ok(());
    }
    let project = environment.project();
    let names: Vec<&str> = done.keys().map(String::as_str).collect();
    let change = Change {
        organization_id: Some(&project.organization_id),
        project_id: Some(&project.id),
        environment: Some(environment.name()),
        entity: "record",
        action: "imported",
        entity_id: "",
        entity_name: &clip(&names.join(", ")),
        metadata: Map::from_iter([("tables".to_owned(), done.iter().map(|(name, one)| (name.clone(), count(one))).collect::<Map<_, _>>().into())]),
    };
    environment.audit(tx, &change.by(tenant))
}

/// One seed while it is carried out.
struct Run {
    environment: Arc<Environment>,
    seed: Seed,
    records: HashMap<String, Records>,
    /// Ids that are known already, for `$ref`.
    ids: HashMap<Spot, String>,
    /// Records that are there already, found by their key.
    existing: HashMap<Spot, String>,
}

impl Run {
    fn new(environment: &Arc<Environment>, tenant: &Tenant, seed: Seed) -> Result<Self> {
        let caller = Caller::Tenant(tenant.clone());
        let mut records = HashMap::new();
        for name in seed.tables() {
            let open = Records::open(environment, &caller, name)?;
            open.writable()?;
            records.insert(name.to_owned(), open);
        }
        Ok(Self { environment: Arc::clone(environment), seed, records, ids: HashMap::new(), existing: HashMap::new() })
    }

    fn carry_out(mut self, tx: &mut Tx<'_>) -> Result<IndexMap<String, Seeded>> {
        let mut done: IndexMap<String, Seeded> = self.seed.tables().map(|name| (name.to_owned(), Seeded::default())).collect();
        for (name, records) in &self.records {
            changes::bump(tx, records.table());
            if self.seed.mode == SeedMode::Replace {
                let deleted = tx.truncate(&records.table().shape.physical)?;
                changes::note_reset(&self.environment, tx, records.table());
                done[name].deleted = deleted;
            }
        }
        self.name_all(tx)?;
        let tables = std::mem::take(&mut self.seed.tables);
        for (name, rows) in tables {
            for (i, row) in rows.into_iter().enumerate() {
                let inserted = self.one(tx, &name, i, row).map_err(|e| e.at_position(i, Some(&name)))?;
                let table = &mut done[&name];
                *(if inserted { &mut table.inserted } else { &mut table.updated }) += 1;
                table.ids.push(self.ids.get(&(name.clone(), i)).cloned().unwrap_or_default());
            }
        }
        Ok(done)
    }

    /// Gives every record its id, so that references may point forwards too. A key that is itself a reference waits for
    /// the record it points at.
    fn name_all(&mut self, tx: &Tx<'_>) -> Result<()> {
        let mut waiting: Vec<Spot> = self.seed.tables.iter().flat_map(|(name, rows)| (0..rows.len()).map(|i| (name.clone(), i))).collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut later = Vec::new();
            for spot in waiting {
                match self.name_one(tx, &spot).map_err(|e| e.at_position(spot.1, Some(&spot.0)))? {
                    Some(id) => drop(self.ids.insert(spot, id)),
                    None => later.push(spot),
                }
            }
            if later.len() == before {
                let (table, i) = &later[0];
                let error = Error::validation("$ref", "path", "The keys of these records refer to each other in a circle; give one of them an id");
                return Err(error.at_position(*i, Some(table)));
            }
            waiting = later;
        }
        Ok(())
    }

    /// The id of a record; `None` while its key refers to one that has none yet.
    fn name_one(&mut self, tx: &Tx<'_>, spot: &Spot) -> Result<Option<String>> {
        let row = &self.seed.tables[&spot.0][spot.1];
        let own = match row.get("id").or_else(|| row.get("_id")) {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(Error::validation("id", "type", "id must be a text")),
        };
        if self.seed.mode != SeedMode::Upsert {
            return Ok(Some(own.unwrap_or_else(new_id)));
        }
        let key = self.seed.key_of(&spot.0);
        let by_id = key.len() == 1 && key[0] == "id";
        let mut equal = Map::new();
        for field in &key {
            let value = if field == "id" { own.clone().map(Value::from) } else { row.get(field).cloned() };
            let Some(mut value) = value else {
                if by_id {
                    return Ok(Some(new_id()));
                }
                return Err(Error::validation(field.as_str(), "required", format!("{field} identifies the record, so every record of {} needs it", spot.0)));
            };
            if !self.resolve(&mut value)? {
                return Ok(None);
            }
            equal.insert(field.clone(), json!({ "$eq": value }));
        }
        let table = self.records[&spot.0].table();
        let (filter, _) = query::filter_from_json("key", &Value::Object(equal), &table.schema)?;
        let found = tx.reader().matching(&table.shape, &filter, None, 2)?;
        match found.as_slice() {
            [] => Ok(Some(own.unwrap_or_else(new_id))),
            [id] => {
                self.existing.insert(spot.clone(), id.clone());
                Ok(Some(id.clone()))
            }
            _ => Err(Error::new(Code::AMBIGUOUS_MATCH, format!("Several records of {} have this {}; choose a key that is unique", spot.0, key.join(", ")))),
        }
    }

    /// Writes one record; answers whether it is new.
    fn one(&self, tx: &mut Tx<'_>, table: &str, i: usize, row: Map<String, Value>) -> Result<bool> {
        let records = &self.records[table];
        let mut value = Value::Object(row);
        self.resolve(&mut value)?;
        let Value::Object(mut row) = value else { return Err(Error::internal("an object stays one")) };
        let spot = (table.to_owned(), i);
        if let Some(id) = self.existing.get(&spot) {
            row.shift_remove("id");
            row.shift_remove("_id");
            let stored = tx.reader().record(&records.table().shape.physical, id)?;
            let stored = stored.ok_or_else(|| super::write::not_found(table, id))?;
            let update = records.read_patch(row)?;
            records.patched(tx, stored, &update)?;
            return Ok(false);
        }
        row.shift_remove("_id");
        row.insert("id".to_owned(), self.ids.get(&spot).cloned().unwrap_or_else(new_id).into());
        let record = records.new_record(row)?;
        records.insert(tx, &record)?;
        Ok(true)
    }

    /// Puts ids in the place of every `{ "$ref": "table.position" }`; false while one is not known yet.
    fn resolve(&self, value: &mut Value) -> Result<bool> {
        match value {
            Value::Object(map) => {
                if map.len() == 1
                    && let Some(reference) = map.get("$ref")
                {
                    let Some(id) = self.find(reference)? else { return Ok(false) };
                    *value = id.into();
                    return Ok(true);
                }
                map.values_mut().try_fold(true, |all, inner| Ok(self.resolve(inner)? && all))
            }
            Value::Array(list) => list.iter_mut().try_fold(true, |all, inner| Ok(self.resolve(inner)? && all)),
            _ => Ok(true),
        }
    }

    fn find(&self, reference: &Value) -> Result<Option<String>> {
        let unknown = || {
            let message = format!("$ref {} names no record of this call; write it as table.position, such as users.0", clip(&reference.to_string()));
            Error::validation("$ref", "path", message)
        };
        let (table, position) = reference.as_str().and_then(|text| text.rsplit_once('.')).ok_or_else(unknown)?;
        let position: usize = position.parse().map_err(|_| unknown())?;
        let spot = (table.to_owned(), position);
        if let Some(id) = self.ids.get(&spot) {
            return Ok(Some(id.clone()));
        }
        if self.seed.tables.get(table).is_some_and(|rows| position < rows.len()) { Ok(None) } else { Err(unknown()) }
    }
}
