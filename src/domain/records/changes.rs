//! Committed changes, for those who are listening now, and for streams that resume (`02-data.md` §10).

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::broadcast;

use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::tables::table::Table;
use crate::domain::time;
use crate::store::Tx;
pub use crate::store::data::Op;
use crate::store::data::{CHANGES_KEPT, Record};

/// Changes a listener may lag behind before it has to read them from the store.
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
    Change(Arc<Change>),
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

    pub fn has_listeners(&self) -> bool {
        self.0.receiver_count() > 0
    }

    fn announce(&self, event: Event) {
        // Nobody listening is fine.
        let _ = self.0.send(event);
    }

    pub(in crate::domain) fn table_changed(&self, name: &str) {
        self.announce(Event::Table(name.to_owned()));
    }
}

/// Notes a change in the transaction that makes it, and announces it after the commit.
pub(in crate::domain) fn note(
    environment: &Arc<Environment>,
    tx: &mut Tx<'_>,
    table: &Table,
    op: Op,
    before: Option<Record>,
    after: Option<&Record>,
) -> Result<()> {
    let seq = environment.next_change();
    let at = time::now();
    let record_id = after.or(before.as_ref()).map_or_else(String::new, |r| r.id.clone());
    tx.insert_change(seq, &table.id, &record_id, op, at, before.as_ref())?;
    if environment.bus().has_listeners() {
        let change = Arc::new(Change { seq, table_id: table.id.clone(), record_id, op, at, before: before.map(Arc::new), after: after.cloned().map(Arc::new) });
        let environment = Arc::clone(environment);
        tx.after_commit(move || environment.bus().announce(Event::Change(change)));
    }
    Ok(())
}

/// Tells every listener of a table that its records must be read anew.
pub(in crate::domain) fn note_reset(environment: &Arc<Environment>, tx: &mut Tx<'_>, table: &Table) -> Result<()> {
    note(environment, tx, table, Op::Reset, None, None)
}

/// Moves the generation of a table around the commit, so that nothing counted before it is used after it.
pub(in crate::domain) fn bump(tx: &mut Tx<'_>, table: &Table) {
    let generation = Arc::clone(&table.generation);
    tx.around_commit(move || {
        generation.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
    });
}

/// The changes after `seq`, in commit order, each with the record before and after it; `None` when they are no longer
/// all there.
///
/// # Errors
/// Failures of the store.
pub async fn since(environment: &Arc<Environment>, seq: i64) -> Result<Option<Vec<Change>>> {
    let last = environment.last_change();
    if seq > last || last - seq > CHANGES_KEPT {
        return Ok(None);
    }
    let tables: HashMap<String, String> = environment.all_tables().iter().map(|t| (t.id.clone(), t.shape.physical.clone())).collect();
    environment
        .data()
        .read::<_, Error, _>(move |reader| {
            reader.snapshot(|| {
                let rows = reader.changes_after(seq, CHANGES_KEPT as u32 + 1)?;
                // What a record became stands in its next change; going backwards that one is known already.
                let mut later: HashMap<(String, String), Option<Arc<Record>>> = HashMap::new();
                let mut changes = Vec::with_capacity(rows.len());
                for row in rows.into_iter().rev() {
                    let key = (row.table_id.clone(), row.record_id.clone());
                    let before = row.before.map(Arc::new);
                    let after = match (row.op, later.get(&key)) {
                        (Op::Delete | Op::Reset, _) => None,
                        (_, Some(after)) => after.clone(),
                        (_, None) => match tables.get(&row.table_id) {
                            Some(physical) => reader.record(physical, &row.record_id)?.map(Arc::new),
                            None => None,
                        },
                    };
                    later.insert(key, before.clone());
                    changes.push(Change { seq: row.seq, table_id: row.table_id, record_id: row.record_id, op: row.op, at: row.at, before, after });
                }
                changes.reverse();
                Ok(Some(changes))
            })
        })
        .await
}
