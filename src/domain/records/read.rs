//! Reading: one record, lists, counts.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::answer::{self, RecordAnswer};
use super::gate::{Grant, Records};
use super::query::{Begin, Condition, ListQuery, ReadQuery, Select};
use super::write::not_found;
use crate::domain::caller::Group;
use crate::domain::error::{Error, Result};
use crate::domain::keys::scopes::Operation;
use crate::domain::page::Pagination;
use crate::domain::tables::name::is_record_id;
use crate::domain::tables::table::Table;
use crate::store::Reader;
use crate::store::data::Record;
use crate::store::jsonb::Projection;
use crate::store::query::ast::{Filter, Search};
use crate::store::query::list::{Position, Query};

/// Everything a list needs to run, any number of times.
pub(super) struct Plan {
    table: Arc<Table>,
    pub(super) query: ListQuery,
    filter: Filter,
    search: Option<Search>,
    own: Projection,
    foreign: Projection,
    own_id: Option<String>,
}

impl Records {
    /// One record by id.
    ///
    /// # Errors
    /// 403, 404 `data/not-found`, 400 for `include`.
    pub async fn get(&self, id: &str, query: &ReadQuery) -> Result<RecordAnswer> {
        let grant = self.grant(Operation::Read)?;
        self.may_name(&query.named_fields)?;
        let record = self.fetch(&grant, id).await?;
        let projection = selected(self.projection(self.is_own(&record.created_by)), &query.select);
        if query.include.is_empty() {
            return Ok(answer::of(&record, &projection, false));
        }
        let mut json = Vec::with_capacity(record.doc.len() + 256);
        answer::write_open(&record.row(), &projection, &mut json);
        let included = self.included(&query.include, std::slice::from_ref(&*record)).await?;
        append_included(&mut json, &included[0])?;
        Ok(RecordAnswer { json, etag: answer::etag(record.updated_at), id: record.id.clone(), created: false })
    }

    /// The record itself, if the grant and the row filters let it be read.
    pub(super) async fn fetch(&self, grant: &Grant, id: &str) -> Result<Arc<Record>> {
        let missing = || not_found(&self.table.name, id);
        if !is_record_id(id) {
            return Err(missing());
        }
        let record = self.stored(id).await?.ok_or_else(missing)?;
        if self.hidden_by_rows(&record)? {
            return Err(missing());
        }
        self.owned(grant, Operation::Read, &record.created_by)?;
        Ok(record)
    }

    /// The record as it is stored, whoever may see it.
    async fn stored(&self, id: &str) -> Result<Option<Arc<Record>>> {
        let generation = self.table.generation();
        let answers = self.environment.answers();
        if !self.table.system
            && let Some(record) = answers.record(&self.table, generation, id)
        {
            return Ok(Some(record));
        }
        let (table, wanted) = (Arc::clone(&self.table), id.to_owned());
        let record = self.environment.data().read::<_, Error, _>(move |r| Ok(r.record(&table.shape.physical, &wanted)?)).await?.map(Arc::new);
        if let Some(record) = &record {
            answers.keep_record(&self.table, generation, record);
        }
        Ok(record)
    }

    /// The answer to a list that this caller was given before, if it still holds. `request` is the raw query string.
    ///
    /// # Errors
    /// 403, as the list itself.
    pub fn known_list(&self, request: &str) -> Result<Option<Bytes>> {
        self.grant(Operation::List)?;
        Ok(self.environment.answers().answer(&self.table, self.table.generation(), &self.request_key(request)))
    }

    /// As [`Records::list`], remembered for [`Records::known_list`]. Includes show other tables, and system tables
    /// change without notice, so those are not remembered.
    ///
    /// # Errors
    /// As [`Records::list`].
    pub async fn list_and_keep(&self, query: ListQuery, request: &str) -> Result<Bytes> {
        let lasting = query.include.is_empty() && !self.table.system;
        let generation = self.table.generation();
        let answer = Bytes::from(self.list(query).await?);
        if lasting {
            self.environment.answers().keep_answer(&self.table, generation, &self.request_key(request), &answer);
        }
        Ok(answer)
    }

    /// Everything an answer depends on besides the table: whose rights apply, and what is asked.
    fn request_key(&self, request: &str) -> String {
        let subject = self.subject();
        match subject.group {
            Group::Admin => format!("|a|{request}"),
            _ => format!("|{:?}|{}|{}|{request}", subject.group, subject.role.unwrap_or_default(), subject.own_id.unwrap_or_default()),
        }
    }

    /// A list as JSON text: `{ "items": [...], "pagination": {...} }`.
    ///
    /// # Errors
    /// 403 when a field may not be named, 400, 503 past the deadline.
    pub async fn list(&self, query: ListQuery) -> Result<Vec<u8>> {
        let grant = self.grant(Operation::List)?;
        self.may_name(&query.named_fields)?;
        let plan = Arc::new(self.plan(&grant, query)?);
        if !plan.query.include.is_empty() {
            return self.list_with_includes(&plan).await;
        }
        let run = Arc::clone(&plan);
        self.environment.data().read::<_, Error, _>(move |reader| run.json(reader)).await
    }

    pub(super) fn plan(&self, grant: &Grant, mut query: ListQuery) -> Result<Plan> {
        let filter = std::mem::replace(&mut query.filter, Filter::all()).and(self.visible(grant)?);
        Ok(Plan {
            table: Arc::clone(&self.table),
            search: self.search(query.search.take()),
            filter,
            own: selected(self.projection(true), &query.select),
            foreign: selected(self.projection(false), &query.select),
            own_id: self.caller.own_id().map(str::to_owned),
            query,
        })
    }

    /// A search that leaves out what the caller may not read in every record.
    pub(super) fn search(&self, search: Option<Search>) -> Option<Search> {
        search.map(|search| Search { hidden: self.unreadable(false).into_iter().map(str::to_owned).collect(), ..search })
    }

    /// A condition, narrowed to what the caller may see.
    pub(super) fn condition_filter(&self, grant: &Grant, condition: Filter) -> Result<Filter> {
        Ok(condition.and(self.visible(grant)?))
    }

    /// How many records match, of those the caller may see.
    ///
    /// # Errors
    /// As [`Records::list`].
    pub async fn count(&self, condition: Condition) -> Result<u64> {
        let grant = self.grant(Operation::List)?;
        self.may_name(&condition.named_fields)?;
        let filter = self.condition_filter(&grant, condition.filter)?;
        let search = self.search(condition.search);
        let table = Arc::clone(&self.table);
        self.environment.data().read::<_, Error, _>(move |reader| total(reader, &table, &filter, search.as_ref())).await
    }

    /// The ids of the newest records the caller may see, newest first.
    ///
    /// # Errors
    /// As [`Records::list`].
    pub async fn newest_ids(&self, limit: u64) -> Result<Vec<String>> {
        let grant = self.grant(Operation::List)?;
        let filter = self.visible(&grant)?;
        let table = Arc::clone(&self.table);
        let mut ids = self.environment.data().read::<_, Error, _>(move |r| Ok(r.matching(&table.shape, &filter, None, limit)?)).await?;
        ids.reverse();
        Ok(ids)
    }

    async fn list_with_includes(&self, plan: &Arc<Plan>) -> Result<Vec<u8>> {
        let run = Arc::clone(plan);
        let (records, pagination) = self.environment.data().read::<_, Error, _>(move |reader| run.records(reader)).await?;
        let included = self.included(&plan.query.include, &records).await?;
        let mut out = Vec::with_capacity(records.len() * 512 + 256);
        out.extend_from_slice(b"{\"items\":[");
        for (i, (record, extra)) in records.iter().zip(&included).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            answer::write_open(&record.row(), plan.projection(&record.created_by), &mut out);
            append_included(&mut out, extra)?;
        }
        out.extend_from_slice(b"],\"pagination\":");
        out.extend_from_slice(&pagination);
        out.push(b'}');
        Ok(out)
    }
}

impl Plan {
    pub(super) fn store_query(&self) -> Query<'_> {
        Query { shape: &self.table.shape, filter: &self.filter, search: self.search.as_ref(), sort: &self.query.sort }
    }

    pub(super) fn projection(&self, created_by: &str) -> &Projection {
        if self.own_id.as_deref() == Some(created_by) { &self.own } else { &self.foreign }
    }

    /// Where to start, and how many records to read: one more than asked tells whether there is a next page.
    fn window(&self) -> Result<(Option<Position>, u64, u64)> {
        let page = &self.query.page;
        Ok(match &self.query.cursor {
            None => (None, page.limit.into(), page.offset),
            Some(Begin::Start) => (None, u64::from(page.limit) + 1, 0),
            Some(Begin::After(_)) => (self.query.after()?, u64::from(page.limit) + 1, 0),
        })
    }

    /// Items written straight from rows.
    fn json(&self, reader: &Reader<'_>) -> Result<Vec<u8>> {
        let query = self.store_query();
        let (after, limit, offset) = self.window()?;
        let mut out = Vec::with_capacity(8 * 1024);
        out.extend_from_slice(b"{\"items\":[");
        let (mut seen, wanted) = (0u64, u64::from(self.query.page.limit));
        let mut last = None;
        reader.list(&query, after.as_ref(), limit, offset, |row| {
            seen += 1;
            if seen > wanted {
                return;
            }
            if seen > 1 {
                out.push(b',');
            }
            answer::write(row, self.projection(row.created_by), &mut out);
            if self.query.cursor.is_some() && seen == wanted {
                last = Some(query.position(row));
            }
        })?;
        out.extend_from_slice(b"],\"pagination\":");
        out.extend_from_slice(&self.pagination(reader, seen, last)?);
        out.push(b'}');
        Ok(out)
    }

    /// The records themselves, for includes.
    fn records(&self, reader: &Reader<'_>) -> Result<(Vec<Record>, Vec<u8>)> {
        let query = self.store_query();
        let (after, limit, offset) = self.window()?;
        let mut records = reader.records(&query, after.as_ref(), limit, offset)?;
        let seen = records.len() as u64;
        records.truncate(self.query.page.limit as usize);
        let last = records.last().filter(|_| self.query.cursor.is_some()).map(|r| query.position(&r.row()));
        let pagination = self.pagination(reader, seen, last)?;
        Ok((records, pagination))
    }

    fn pagination(&self, reader: &Reader<'_>, seen: u64, last: Option<Position>) -> Result<Vec<u8>> {
        let page = self.query.page;
        if self.query.cursor.is_none() {
            let whole = page.offset == 0 && seen < page.limit.into();
            let total = if whole { seen } else { total(reader, &self.table, &self.filter, self.search.as_ref())? };
            return serde_json::to_vec(&Pagination::new(page, total)).map_err(Error::internal);
        }
        let has_next = seen > page.limit.into();
        let next = last.filter(|_| has_next).map(|position| self.query.cursor_after(&position));
        let value = serde_json::json!({ "limit": page.limit, "hasNext": has_next, "hasNextPage": has_next, "nextCursor": next });
        serde_json::to_vec(&value).map_err(Error::internal)
    }
}

/// How many records match; counted once for as long as nothing changes the table.
pub(super) fn total(reader: &Reader<'_>, table: &Table, filter: &Filter, search: Option<&Search>) -> Result<u64> {
    let generation = table.generation();
    let condition = format!("{filter:?}{search:?}");
    if !table.system
        && let Some(known) = table.totals.get(&condition, generation)
    {
        return Ok(known);
    }
    let count = reader.count(&Query { shape: &table.shape, filter, search, sort: &[] })?;
    table.totals.put(&condition, generation, count);
    Ok(count)
}

/// What a selection leaves of what the caller may see.
pub(super) fn selected(projection: Projection, select: &Select) -> Projection {
    match select {
        Select::All => projection,
        Select::Only(paths) => paths.iter().fold(projection.keep_nothing(), |p, path| p.keep(path.0.iter().map(String::as_str))),
        Select::Except(paths) => paths.iter().fold(projection, |p, path| p.drop(path.0.iter().map(String::as_str))),
    }
}

pub(super) fn append_included(out: &mut Vec<u8>, included: &Value) -> Result<()> {
    out.extend_from_slice(b",\"_included\":");
    serde_json::to_writer(&mut *out, included).map_err(Error::internal)?;
    out.push(b'}');
    Ok(())
}
