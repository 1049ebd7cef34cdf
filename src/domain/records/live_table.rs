//! One table of a subscription: what the subscriber asked for, and what it may see of it now.

use std::sync::Arc;

use serde_json::Value;

use super::answer;
use super::gate::Records;
use super::query::{ChangesQuery, Params, Select, filter_from_json};
use super::read::selected;
use crate::domain::access::Access;
use crate::domain::caller::Caller;
use crate::domain::error::{Code, Error, Result};
use crate::domain::keys::scopes::Operation;
use crate::domain::tables::table::Table;
use crate::store::data::Record;
use crate::store::jsonb::Projection;
use crate::store::query::ast::{Filter, Search};
use crate::store::query::eval::Matcher;

/// What is asked for of one table. Read again whenever the table changes, since filters depend on its types.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub table: String,
    pub parameters: Parameters,
}

#[derive(Debug, Clone)]
pub enum Parameters {
    /// The query string of a stream of one table.
    Query(Params),
    /// The table's entry in `filters` of a stream of several.
    Filter(Option<Value>),
}

/// A table being watched.
pub(super) struct Watch {
    wanted: Wanted,
    records: Records,
    view: Arc<View>,
}

/// What the subscriber sees of the table.
pub(super) struct View {
    pub table: Arc<Table>,
    pub filter: Filter,
    pub search: Option<Search>,
    matcher: Matcher,
    own: Projection,
    foreign: Projection,
    own_id: Option<String>,
    /// Two views with the same text show the same.
    scope: String,
}

/// A change as the subscriber sees it; records as JSON text.
pub(super) enum Sees {
    Nothing,
    Create(Vec<u8>),
    Update(Vec<u8>),
    Delete,
}

impl Watch {
    /// Checks rights as for a list; an error comes with the table's name.
    pub fn open(access: &Access, wanted: Wanted) -> Result<Self, (String, Error)> {
        let opened = records(access, &wanted.table).and_then(|records| Ok((View::new(&records, &wanted)?, records)));
        match opened {
            Ok((view, records)) => Ok(Self { wanted, records, view: Arc::new(view) }),
            Err(error) => Err((wanted.table, error)),
        }
    }

    pub fn name(&self) -> &String {
        &self.wanted.table
    }

    pub fn table_id(&self) -> &String {
        &self.view.table.id
    }

    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Looks at the rights anew; answers whether what the subscriber may see has changed.
    ///
    /// # Errors
    /// As for a list; 404 `data/table-not-found` for a table that was dropped, even if there is another of its name.
    pub fn check(&mut self, access: &Access) -> Result<bool> {
        let now = records(access, &self.wanted.table)?;
        if Arc::ptr_eq(now.table(), self.records.table()) && same_caller(now.caller(), self.records.caller()) {
            return Ok(false);
        }
        if now.table().id != *self.table_id() {
            return Err(Error::new(Code::TABLE_NOT_FOUND, format!("The table {} was deleted", self.wanted.table)));
        }
        let view = View::new(&now, &self.wanted)?;
        let changed = view.scope != self.view.scope;
        (self.records, self.view) = (now, Arc::new(view));
        Ok(changed)
    }

    /// Takes the table of this name in an environment that has replaced another for the one that was watched.
    pub fn follow(&mut self, access: &Access) {
        if let Ok(watch) = Self::open(access, self.wanted.clone()) {
            *self = watch;
        }
    }

    pub fn sees(&self, before: Option<&Record>, after: Option<&Record>) -> Sees {
        let matches = |record: &&Record| self.view.matcher.matches(&record.row());
        match (before.filter(matches).is_some(), after.filter(matches)) {
            (false, None) => Sees::Nothing,
            (true, None) => Sees::Delete,
            (false, Some(record)) => Sees::Create(self.view.json(record)),
            (true, Some(record)) => Sees::Update(self.view.json(record)),
        }
    }
}

impl View {
    fn new(records: &Records, wanted: &Wanted) -> Result<Self> {
        let grant = records.grant(Operation::List)?;
        let table = Arc::clone(records.table());
        let query = wanted.read(&table)?;
        records.may_name(&query.named_fields)?;
        let filter = records.condition_filter(&grant, query.filter)?;
        let search = records.search(query.search);
        let shown = if table.additional_fields { Vec::new() } else { table.schema.fields.keys().collect() };
        let scope = format!("{filter:?} {search:?} {:?} {:?} {shown:?}", records.unreadable(true), records.unreadable(false));
        Ok(Self {
            matcher: Matcher::new(&table.shape, &filter, search.as_ref()),
            own: selected(records.projection(true), &query.select),
            foreign: selected(records.projection(false), &query.select),
            own_id: records.caller().own_id().map(str::to_owned),
            table,
            filter,
            search,
            scope,
        })
    }

    pub fn projection(&self, created_by: &str) -> &Projection {
        if self.own_id.as_deref() == Some(created_by) { &self.own } else { &self.foreign }
    }

    fn json(&self, record: &Record) -> Vec<u8> {
        let mut json = Vec::with_capacity(record.doc.len() + 160);
        answer::write(&record.row(), self.projection(&record.created_by), &mut json);
        json
    }
}

impl Wanted {
    fn read(&self, table: &Table) -> Result<ChangesQuery> {
        match &self.parameters {
            Parameters::Query(params) => ChangesQuery::parse(params, &table.schema),
            Parameters::Filter(given) => {
                let name = format!("filters.{}", self.table);
                let none = Value::Object(serde_json::Map::new());
                let (filter, named_fields) = filter_from_json(&name, given.as_ref().unwrap_or(&none), &table.schema)?;
                Ok(ChangesQuery { filter, search: None, select: Select::All, initial: false, named_fields })
            }
        }
    }
}

/// The table, if its changes can be watched.
fn records(access: &Access, table: &str) -> Result<Records> {
    let records = Records::open(&access.environment, &access.caller, table)?;
    if records.table().system {
        return Err(Error::new(Code::SYSTEM_TABLE_ACCESS, format!("{table} is a system table; it has no stream of changes")));
    }
    Ok(records)
}

/// Whether two callers have the same rights everywhere.
fn same_caller(a: &Caller, b: &Caller) -> bool {
    let same_key = match (a.key(), b.key()) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    };
    same_key && a.user() == b.user() && a.group() == b.group()
}
