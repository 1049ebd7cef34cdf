//! Import: rows of a file as records, in one transaction (`02-data.md` §9).

use std::io::Read;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::changes;
use super::gate::Records;
use super::query::{ImportOptions, Mode, OnBadRow};
use super::transfer::{Row, read_rows};
use super::unique;
use crate::domain::error::{Code, Detail, Error, Result};
use crate::domain::keys::scopes::Operation;
use crate::domain::tables::name::is_record_id;
use crate::domain::tables::ops::rehearse;
use crate::store::Tx;
use crate::store::data::Record;

/// Faults that a report lists.
pub const MAX_ERRORS: usize = 100;

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportReport {
    pub inserted: u64,
    pub updated: u64,
    /// Left as they were: `mode=skip`, or a row that changes nothing.
    pub skipped: u64,
    pub failed: u64,
    /// The first 100.
    pub errors: Vec<RowError>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RowError {
    /// Line of the file on which the row begins, from 1.
    pub line: u64,
    pub field: String,
    pub rule: String,
    pub message: String,
}

impl ImportReport {
    /// Adds what a later batch of the same import did.
    pub fn add(&mut self, later: Self) {
        self.inserted += later.inserted;
        self.updated += later.updated;
        self.skipped += later.skipped;
        self.failed += later.failed;
        self.errors.extend(later.errors);
        self.errors.truncate(MAX_ERRORS);
    }
}

/// What became of a row.
enum Done {
    Inserted,
    Updated,
    Skipped,
}

impl Records {
    /// Only admins import; the key needs `create`, and `update` where records may be changed.
    ///
    /// # Errors
    /// 403 `data/system-table-access`, `data/scope-insufficient`, `data/permission-denied`.
    pub fn grant_import(&self, mode: Mode) -> Result<()> {
        let changes = matches!(mode, Mode::Upsert | Mode::Newer | Mode::Replace);
        for operation in std::iter::once(Operation::Create).chain(changes.then_some(Operation::Update)) {
            match self.writable()?.grant(operation) {
                Err(error) if error.code() == Code::SCOPE_INSUFFICIENT => return Err(error),
                _ => {}
            }
        }
        if self.caller.is_admin() {
            return Ok(());
        }
        Err(Error::new(Code::PERMISSION_DENIED, format!("Only admins may import into {}; create records with POST, up to 1000 at once", self.table.name)))
    }

    /// Writes every row of a file in one transaction, which holds up other writes while it runs; so the file should be
    /// at hand, not still arriving. Memory stays constant. No activity is written: an import may be one of many batches, so
    /// whoever runs it for a developer notes `imported` once.
    ///
    /// # Errors
    /// 403; `data/validation-error` with the bad rows unless they are to be skipped: nothing is written then; what
    /// [`read_rows`] says of a file that cannot be read at all.
    pub async fn import(&self, file: impl Read + Send + 'static, options: ImportOptions) -> Result<ImportReport> {
        self.import_with(options, move |this, run| read_rows(options.format, file, &this.table.schema, run)).await
    }

    /// As [`Records::import`] with rows that were read already; the format is not looked at. For imports of any size,
    /// batch by batch.
    ///
    /// # Errors
    /// As [`Records::import`].
    pub async fn import_rows(&self, rows: Vec<Row>, options: ImportOptions) -> Result<ImportReport> {
        self.import_with(options, move |_, run| rows.into_iter().try_for_each(run)).await
    }

    async fn import_with(
        &self,
        options: ImportOptions,
        read: impl FnOnce(&Self, &mut dyn FnMut(Row) -> Result<()>) -> Result<()> + Send + 'static,
    ) -> Result<ImportReport> {
        self.grant_import(options.mode)?;
        let this = self.clone();
        self.environment
            .data()
            .write_alone::<_, Error, _>(move |tx| {
                let this = if this.is_current() { this } else { this.renewed()? };
                changes::bump(tx, &this.table);
                let run = |tx: &mut Tx<'_>| {
                    let mut import = Import { records: &this, options, report: ImportReport::default() };
                    read(&this, &mut |row| import.row(tx, row))?;
                    import.end(tx)
                };
                if options.dry_run { rehearse(tx, run) } else { run(tx) }
            })
            .await
    }
}

/// An import under way.
struct Import<'r> {
    records: &'r Records,
    options: ImportOptions,
    report: ImportReport,
}

impl Import<'_> {
    fn row(&mut self, tx: &mut Tx<'_>, row: Row) -> Result<()> {
        let done = row.record.map_err(|details| Error::with_details(Code::VALIDATION_ERROR, details)).and_then(|body| self.write(tx, body));
        match done {
            Ok(Done::Inserted) => self.report.inserted += 1,
            Ok(Done::Updated) => self.report.updated += 1,
            Ok(Done::Skipped) => self.report.skipped += 1,
            Err(error) if error.code().status < 500 => self.note_fault(row.line, &error)?,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn note_fault(&mut self, line: u64, error: &Error) -> Result<()> {
        self.report.failed += 1;
        let room = MAX_ERRORS.saturating_sub(self.report.errors.len());
        if error.detail_list().is_empty() {
            let rule = if error.code() == Code::PAYLOAD_TOO_LARGE { "limit" } else { "row" };
            self.report.errors.extend((room > 0).then(|| RowError { line, field: String::new(), rule: rule.to_owned(), message: error.message().to_owned() }));
        } else {
            let details = error.detail_list().iter().take(room);
            self.report.errors.extend(details.map(|d| RowError { line, field: d.field.clone(), rule: d.rule.clone(), message: d.message.clone() }));
        }
        // Nothing will be written, and more would not be told.
        if self.options.on_bad_row == OnBadRow::Abort && self.report.errors.len() >= MAX_ERRORS { Err(self.refusal()) } else { Ok(()) }
    }

    fn end(self, tx: &mut Tx<'_>) -> Result<ImportReport> {
        if self.options.on_bad_row == OnBadRow::Abort && self.report.failed > 0 {
            return Err(self.refusal());
        }
        if self.report.inserted + self.report.updated > 0 {
            changes::note_reset(&self.records.environment, tx, &self.records.table);
        }
        Ok(self.report)
    }

    fn refusal(&self) -> Error {
        let details: Vec<Detail> = self.report.errors.iter().map(|e| Detail::new(e.field.as_str(), &e.rule, e.message.as_str()).with("line", e.line)).collect();
        let first = self.report.errors.first().map_or_else(String::new, |e| format!(" Line {}: {}", e.line, e.message));
        let message = format!("Nothing was imported, since there are bad rows; correct them or say onBadRow=skip.{first}");
        Error::new(Code::VALIDATION_ERROR, message).details(details)
    }

    fn write(&self, tx: &mut Tx<'_>, body: Map<String, Value>) -> Result<Done> {
        let records = self.records;
        let existing = match body.get("id").and_then(Value::as_str) {
            Some(id) if is_record_id(id) => tx.reader().record(&records.table.shape.physical, id)?,
            _ => None,
        };
        let Some(existing) = existing else {
            records.insert(tx, &records.record_from(body, true)?)?;
            return Ok(Done::Inserted);
        };
        match self.options.mode {
            Mode::Insert => Err(unique::taken_id(&existing.id)),
            Mode::Skip => Ok(Done::Skipped),
            Mode::Upsert => {
                let before = existing.updated_at;
                let after = records.patched(tx, existing, &records.patch_from(body, true)?)?;
                Ok(if after.updated_at == before { Done::Skipped } else { Done::Updated })
            }
            Mode::Newer | Mode::Replace => self.replace(tx, existing, records.record_from(body, true)?),
        }
    }

    fn replace(&self, tx: &mut Tx<'_>, existing: Record, row: Record) -> Result<Done> {
        let later = row.updated_at > existing.updated_at;
        let same = (&row.created_by, row.updated_at, &row.doc) == (&existing.created_by, existing.updated_at, &existing.doc);
        if same || (self.options.mode == Mode::Newer && !later) {
            return Ok(Done::Skipped);
        }
        let records = self.records;
        let after = Record { created_at: existing.created_at, ..row };
        tx.update_record(&records.table.shape.physical, &after).map_err(|e| unique::explain(e, &records.table, &after.id))?;
        changes::note(&records.environment, tx, &records.table, Some(existing), Some(&after));
        Ok(Done::Updated)
    }
}
