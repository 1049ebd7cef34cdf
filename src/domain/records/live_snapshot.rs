//! What matches when a subscription starts: read in one snapshot, sent while it is read.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::answer;
use super::feed::Feed;
use super::live::Event;
use super::live_table::{View, Watch};
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::time;
use crate::store::Reader;
use crate::store::query::list::Query;

/// Records sent of each table (`02-data.md` §10).
const MAX_RECORDS: u64 = 1_000;
/// Records that wait to be sent.
const WAITING: usize = 64;

/// A table to be read.
pub(super) struct Begin {
    table: String,
    view: Arc<View>,
}

impl Begin {
    pub fn of(watch: &Watch) -> Self {
        Self { table: watch.name().clone(), view: Arc::clone(watch.view()) }
    }
}

/// A part of a snapshot.
pub(super) enum Part {
    Event(Event),
    /// Told at the end, so that one that breaks off is noticed.
    End(Result<()>),
}

/// Starts to read; answers the number of the last change that the snapshot contains.
pub(super) async fn read(environment: &Arc<Environment>, tables: Vec<Begin>) -> Result<(i64, mpsc::Receiver<Part>)> {
    let (feed, parts) = Feed::new(WAITING);
    let (found, cut) = tokio::sync::oneshot::channel();
    let data = Arc::clone(environment.data());
    tokio::task::spawn_blocking(move || {
        let end = data.read_long::<_, Error, _>(feed.is_gone(), |reader| {
            reader.snapshot(|| {
                let cut = reader.last_change()?;
                // A subscriber that has gone already does not need it.
                let _ = found.send(cut);
                tables.iter().try_for_each(|one| send(reader, one, &feed))?;
                gone(feed.send(Part::Event(Event::Ready { seq: cut, at: time::now() })))
            })
        });
        // When nobody listens any more, there is nobody to tell.
        let _ = feed.send(Part::End(end));
    });
    match cut.await {
        Ok(cut) => Ok((cut, parts)),
        Err(_) => Err(failure(parts).await),
    }
}

/// Why a snapshot did not begin.
async fn failure(mut parts: mpsc::Receiver<Part>) -> Error {
    match parts.recv().await {
        Some(Part::End(Err(error))) => error,
        _ => Error::internal("a snapshot did not begin"),
    }
}

/// Sends the first records of a table, in the default order of lists.
fn send(reader: &Reader<'_>, Begin { table, view }: &Begin, feed: &Feed<Part>) -> Result<()> {
    let query = Query { shape: &view.table.shape, filter: &view.filter, search: view.search.as_ref(), sort: &[] };
    let (mut left, at) = (MAX_RECORDS, time::now());
    let mut sent = Ok(());
    reader.walk(&query, |row| {
        let mut json = Vec::with_capacity(256);
        answer::write(row, view.projection(row.created_by), &mut json);
        let event = Event::Record { name: "snapshot", seq: None, table: table.clone(), id: row.id.to_owned(), json, at };
        sent = gone(feed.send(Part::Event(event)));
        left -= 1;
        left > 0 && sent.is_ok()
    })?;
    sent
}

fn gone(sent: Result<(), super::feed::Gone>) -> Result<()> {
    sent.map_err(|gone| Error::unavailable("The subscriber has gone").because(gone))
}
