//! Committed changes, for those who are listening now, and for streams that resume (`02-data.md` §10).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::broadcast;

use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::tables::table::Table;
use crate::domain::time;
pub use crate::store::data::Op;
use crate::store::data::{CHANGES_KEPT, Record};
use crate::store::{Reader, StoreResult, Touched, Tx};

/// Transactions a listener may lag behind before it has to read them from the store.
const CAPACITY: usize = 4096;

/// One committed change of one record.
#[derive(Debug, Clone)]
pub struct Change {
    pub seq: i64,
    pub table_id: String,
    pub record_id: String,
    pub op: Op,
    /// Milliseconds since the epoch.
    pub at: i64,
    /// The record before and after; both absent on [`Op::Reset`].
    pub before: Option<Arc<Record>>,
    pub after: Option<Arc<Record>>,
}

/// What listeners hear.
#[derive(Debug, Clone)]
pub enum Event {
    /// What one transaction has changed, in order.
    Changes(Arc<[Change]>),
    /// Definition, permissions or existence of a table changed.
    Table(String),
}

/// The in-process announcement of an environment. Nothing depends on it after a restart.
pub struct Bus(broadcast::Sender<Event>);

impl Default for Bus {
    fn default() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }
}

impl Bus {
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    fn announce(&self, event: Event) {
        // Nobody listening is fine.
        let _ = self.0.send(event);
    }

    pub(in crate::domain) fn table_changed(&self, name: &str) {
        self.announce(Event::Table(name.to_owned()));
    }
}

/// Notes that the transaction touches a record; what it was before and became is stored with the transaction, once per
/// record, and announced after the commit.
pub(in crate::domain) fn note(environment: &Arc<Environment>, tx: &mut Tx<'_>, table: &Table, before: Option<Record>, after: Option<&Record>) {
    let Some(record_id) = after.or(before.as_ref()).map(|r| r.id.clone()) else { return };
    prepare(environment, tx);
    tx.note_record(&table.id, &record_id, before.map(Arc::new), after.cloned().map(Arc::new));
}

/// Tells every listener of a table that its records must be read anew.
pub(in crate::domain) fn note_reset(environment: &Arc<Environment>, tx: &mut Tx<'_>, table: &Table) {
    prepare(environment, tx);
    tx.note_table(&table.id);
}

/// Sees to it that what is noted is stored at the end of the transaction.
fn prepare(environment: &Arc<Environment>, tx: &mut Tx<'_>) {
    if tx.nothing_noted() {
        let environment = Arc::clone(environment);
        tx.at_end(move |tx| store(&environment, tx));
    }
}

/// Stores what was noted, and announces it after the commit.
fn store(environment: &Arc<Environment>, tx: &mut Tx<'_>) -> StoreResult<()> {
    let (noted, at) = (tx.take_noted(), time::now());
    let mut changes = Vec::with_capacity(noted.touched.len() + noted.resets.len());
    for Touched { table_id, record_id, before, after } in noted.touched {
        let op = match (&before, &after) {
            (None, Some(_)) => Op::Create,
            (Some(_), Some(_)) => Op::Update,
            (Some(_), None) => Op::Delete,
            // Made and removed again: nobody ever saw it.
            (None, None) => continue,
        };
        let seq = environment.next_change();
        tx.insert_change(seq, &table_id, &record_id, op, at, before.as_deref())?;
        changes.push(Change { seq, table_id, record_id, op, at, before, after });
    }
    for table_id in noted.resets {
        let seq = environment.next_change();
        tx.insert_change(seq, &table_id, "", Op::Reset, at, None)?;
        changes.push(Change { seq, table_id, record_id: String::new(), op: Op::Reset, at, before: None, after: None });
    }
    if !changes.is_empty() {
        let environment = Arc::clone(environment);
        tx.after_commit(move || environment.bus().announce(Event::Changes(changes.into())));
    }
    Ok(())
}

/// Moves the generation of a table around the commit, so that nothing counted before it is used after it.
pub(in crate::domain) fn bump(tx: &mut Tx<'_>, table: &Table) {
    let generation = Arc::clone(&table.generation);
    tx.around_commit(move || {
        generation.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
    });
}

/// What has happened since a number.
#[derive(Debug)]
pub struct Missed {
    pub changes: Vec<Change>,
    /// The number up to which they are complete.
    pub until: i64,
}

/// The changes of tables (by id) after `seq`, in commit order, each with the record before and after it; `None` when
/// they are no longer all there, or `seq` was never given.
///
/// # Errors
/// Failures of the store.
pub async fn since(environment: &Arc<Environment>, seq: i64, tables: HashSet<String>) -> Result<Option<Missed>> {
    let known = environment.all_tables();
    let physical: HashMap<String, String> = known.iter().filter(|t| tables.contains(&t.id)).map(|t| (t.id.clone(), t.shape.physical.clone())).collect();
    environment.data().read::<_, Error, _>(move |reader| reader.snapshot(|| missed(reader, seq, &tables, &physical))).await
}

fn missed(reader: &Reader<'_>, seq: i64, tables: &HashSet<String>, physical: &HashMap<String, String>) -> Result<Option<Missed>> {
    let until = reader.last_change()?;
    if seq > until || until - seq > CHANGES_KEPT {
        return Ok(None);
    }
    // What a record became stands in its next change; going backwards that one is known already.
    let mut later: HashMap<(String, String), Option<Arc<Record>>> = HashMap::new();
    let mut changes = Vec::new();
    for row in reader.changes_after(seq, tables)?.into_iter().rev() {
        let key = (row.table_id.clone(), row.record_id.clone());
        let before = row.before.map(Arc::new);
        let after = match (row.op, later.get(&key)) {
            (Op::Delete | Op::Reset, _) => None,
            (_, Some(after)) => after.clone(),
            (_, None) => match physical.get(&row.table_id) {
                Some(physical) => reader.record(physical, &row.record_id)?.map(Arc::new),
                None => None,
            },
        };
        later.insert(key, before.clone());
        changes.push(Change { seq: row.seq, table_id: row.table_id, record_id: row.record_id, op: row.op, at: row.at, before, after });
    }
    changes.reverse();
    Ok(Some(Missed { changes, until }))
}
