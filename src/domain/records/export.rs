//! Export: every visible record that matches, of one snapshot, in constant memory (`02-data.md` §9).

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use indexmap::IndexSet;
use tokio::sync::mpsc::Receiver;

use super::answer;
use super::feed::{Chunks, Feed};
use super::gate::Records;
use super::query::{Format, Include, ListQuery};
use super::read::{Plan, append_included};
use super::transfer::{Exporter, csv_columns};
use crate::domain::error::{Error, Result};
use crate::domain::keys::scopes::Operation;
use crate::domain::tables::expression::Reach;
use crate::store::Reader;
use crate::store::data::Record;
use crate::store::jsonb;
use crate::store::query::eval::Row;

/// Chunks that wait to be sent.
const WAITING: usize = 4;
/// Columns of undeclared fields one CSV may have.
const MAX_FOUND: usize = 2_000;
/// Records whose includes are looked up together.
const INCLUDE_BATCH: usize = 100;

/// A chunk; `None` ends the file, so that a file that breaks off is never taken for a whole one.
type Chunk = Result<Option<Bytes>>;

/// A file on its way.
#[derive(Debug)]
pub struct Export {
    /// Name to save it under.
    pub file_name: String,
    pub format: Format,
    first: Option<Bytes>,
    rest: Receiver<Chunk>,
    ended: bool,
}

impl Export {
    /// The next bytes; `None` at the end. An error breaks the file off.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        if self.ended {
            return None;
        }
        match self.rest.recv().await {
            Some(Ok(Some(bytes))) => Some(Ok(bytes)),
            Some(Ok(None)) => None,
            Some(Err(error)) => Some(Err(error)),
            None => {
                self.ended = true;
                Some(Err(Error::internal("an export broke off")))
            }
        }
    }
}

impl Records {
    /// Everything that matches and the caller may see, as one file. Errors that are found before its first byte are
    /// answered here.
    ///
    /// # Errors
    /// 403 when a field may not be named, 400.
    pub async fn export(&self, query: ListQuery, format: Format) -> Result<Export> {
        let grant = self.grant(Operation::List)?;
        self.may_name(&query.named_fields)?;
        if format == Format::Csv && !query.include.is_empty() {
            return Err(Error::invalid_parameter("include", "include needs format=json or ndjson; a CSV has no place for other records"));
        }
        if !query.include.is_empty() {
            // An include that names no table is refused before anything is sent.
            self.included(&query.include, &[]).await?;
        }
        let file_name = format!("{}.{}", self.table.name, format.name());
        let plan = self.plan(&grant, query)?;
        let (feed, mut rest) = Feed::new(WAITING);
        let work = Work { records: self.clone(), plan, format, feed };
        tokio::task::spawn_blocking(move || work.run());
        match rest.recv().await {
            Some(Ok(first)) => Ok(Export { file_name, format, ended: first.is_none(), first, rest }),
            Some(Err(error)) => Err(error),
            None => Err(Error::internal("an export did not begin")),
        }
    }
}

/// Makes the file on a blocking thread.
struct Work {
    records: Records,
    plan: Plan,
    format: Format,
    feed: Feed<Chunk>,
}

impl Work {
    fn run(self) {
        let data = Arc::clone(self.records.environment.data());
        let end = data.read_long::<_, Error, _>(self.feed.is_gone(), |reader| reader.snapshot(|| self.write(reader)));
        // When nobody listens any more, there is nobody to tell.
        let _ = self.feed.send(end.map(|()| None));
    }

    fn write(&self, reader: &Reader<'_>) -> Result<()> {
        let columns = if self.format == Format::Csv { self.columns(reader)? } else { Vec::new() };
        let mut file = Exporter::new(self.format, columns, Chunks::new(&self.feed)).map_err(failed)?;
        if self.plan.query.include.is_empty() {
            self.plain(reader, &mut file)?;
        } else {
            self.with_includes(reader, &mut file)?;
        }
        file.finish().map(drop).map_err(failed)
    }

    fn plain(&self, reader: &Reader<'_>, file: &mut Exporter<Chunks<'_, Error>>) -> Result<()> {
        let mut json = Vec::with_capacity(1024);
        let mut outcome = Ok(());
        reader.walk(&self.plan.store_query(), |row| {
            json.clear();
            answer::write(row, self.plan.projection(row.created_by), &mut json);
            outcome = add(file, &json);
            outcome.is_ok()
        })?;
        outcome
    }

    fn with_includes(&self, reader: &Reader<'_>, file: &mut Exporter<Chunks<'_, Error>>) -> Result<()> {
        let mut batch = Vec::with_capacity(INCLUDE_BATCH);
        let mut outcome = Ok(());
        reader.walk(&self.plan.store_query(), |row| {
            outcome = owned(row).and_then(|record| {
                batch.push(record);
                if batch.len() < INCLUDE_BATCH { Ok(()) } else { self.add_included(&mut batch, file) }
            });
            outcome.is_ok()
        })?;
        outcome?;
        self.add_included(&mut batch, file)
    }

    fn add_included(&self, batch: &mut Vec<Record>, file: &mut Exporter<Chunks<'_, Error>>) -> Result<()> {
        let include: &[Include] = &self.plan.query.include;
        let included = self.feed.runtime().block_on(self.records.included(include, batch))?;
        let mut json = Vec::with_capacity(1024);
        for (record, extra) in batch.drain(..).zip(&included) {
            json.clear();
            answer::write_open(&record.row(), self.plan.projection(&record.created_by), &mut json);
            append_included(&mut json, extra)?;
            add(file, &json)?;
        }
        Ok(())
    }

    /// `id`, declared fields, undeclared ones that some record has, system fields; without what the caller never reads.
    fn columns(&self, reader: &Reader<'_>) -> Result<Vec<String>> {
        let (table, subject) = (&self.records.table, self.records.subject());
        let mut found: IndexSet<String> = IndexSet::new();
        if table.additional_fields {
            let (own, foreign) = (self.records.unreadable(true), self.records.unreadable(false));
            reader.walk(&self.plan.store_query(), |row| {
                let hidden = if self.records.is_own(row.created_by) { &own } else { &foreign };
                for (key, _) in row.doc.entries() {
                    if !table.schema.fields.contains_key(key.as_ref()) && !found.contains(key.as_ref()) && !hidden.contains(&key.as_ref()) {
                        found.insert(key.into_owned());
                    }
                }
                found.len() <= MAX_FOUND
            })?;
        }
        if found.len() > MAX_FOUND {
            let message = format!("The records have more than {MAX_FOUND} different undeclared fields, too many for the columns of a CSV; use ndjson or json");
            return Err(Error::validation("format", "limit", message));
        }
        let readable = |name: &&str| self.records.caller.is_admin() || table.permissions.readable(name, &subject) != Reach::Never;
        let declared = table.schema.fields.keys().map(String::as_str).filter(readable);
        Ok(csv_columns(declared, found.iter().map(String::as_str), &self.plan.query.select))
    }
}

fn add(file: &mut Exporter<Chunks<'_, Error>>, json: &[u8]) -> Result<()> {
    file.row(std::str::from_utf8(json).map_err(Error::internal)?).map_err(failed)
}

/// A row that outlives the walk.
fn owned(row: &Row<'_>) -> Result<Record> {
    let mut doc = Vec::new();
    jsonb::encode(&row.doc.to_value().map_err(Error::internal)?, &mut doc);
    Ok(Record { id: row.id.to_owned(), created_by: row.created_by.to_owned(), created_at: row.created_at, updated_at: row.updated_at, doc })
}

fn failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Error::unavailable("The client stopped taking the export"),
        _ => Error::internal(error),
    }
}
