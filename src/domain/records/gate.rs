//! The one place where it is decided what a caller may do with the records of a table (`02-data.md` §5 "checks", §8).

use std::sync::Arc;

use parking_lot::Mutex;

use super::query;
use super::tally::Tally;
use crate::domain::caller::Caller;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::keys::scopes::Operation;
use crate::domain::tables::expression::Reach;
use crate::domain::tables::name::is_system_table;
use crate::domain::tables::permission_rules::Decision;
use crate::domain::tables::permissions::{Permissions, RowFilterScope, Subject};
use crate::domain::tables::table::Table;
use crate::store::data::Record;
use crate::store::jsonb::Projection;
use crate::store::query::ast::Filter;
use crate::store::query::eval::matches;

/// The records of one table, for one caller.
#[derive(Clone)]
pub struct Records {
    pub(super) environment: Arc<Environment>,
    pub(super) table: Arc<Table>,
    pub(super) caller: Caller,
    /// Counts what a developer's call changes.
    pub(super) tally: Option<Arc<Mutex<Tally>>>,
}

/// On which records an operation is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    All,
    /// Only those whose `createdBy` is this.
    Own(String),
}

impl Grant {
    /// As a condition on records.
    fn filter(&self) -> Filter {
        match self {
            Self::All => Filter::all(),
            Self::Own(own) => Filter::eq("createdBy", own.as_str()),
        }
    }
}

impl Records {
    /// Finds the table.
    ///
    /// # Errors
    /// 403 `data/system-table-access`, 404 `data/table-not-found`.
    pub fn open(environment: &Arc<Environment>, caller: &Caller, table: &str) -> Result<Self> {
        let found = if is_system_table(table) {
            let view = environment.system_table(table).filter(|_| caller.is_admin());
            view.ok_or_else(|| system_table(table, "only admins may read it, with GET"))?
        } else {
            environment.table(table).ok_or_else(|| table_not_found(environment, table))?
        };
        Ok(Self::of(environment, caller, found))
    }

    /// The records of a table that is known already.
    pub fn of(environment: &Arc<Environment>, caller: &Caller, table: Arc<Table>) -> Self {
        Self { environment: Arc::clone(environment), table, caller: caller.clone(), tally: None }
    }

    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    pub fn environment(&self) -> &Arc<Environment> {
        &self.environment
    }

    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The same, with the table as it is now; for operations that waited.
    pub(super) fn renewed(&self) -> Result<Self> {
        let table = self.environment.table(&self.table.name).ok_or_else(|| table_not_found(&self.environment, &self.table.name))?;
        Ok(Self::of(&self.environment, &self.caller, table))
    }

    /// Whether the table is still the one this was made for.
    pub(super) fn is_current(&self) -> bool {
        self.table.system || self.environment.table(&self.table.name).is_some_and(|now| Arc::ptr_eq(&now, &self.table))
    }

    /// Refuses writes to system tables.
    ///
    /// # Errors
    /// 403 `data/system-table-access`.
    pub fn writable(&self) -> Result<&Self> {
        if self.table.system { Err(system_table(&self.table.name, "it cannot be written through /v1/data")) } else { Ok(self) }
    }

    /// Key scope, then permission: on which records `operation` is allowed.
    ///
    /// # Errors
    /// 403 `data/scope-insufficient`, `data/permission-denied`.
    pub fn grant(&self, operation: Operation) -> Result<Grant> {
        self.in_scope(operation)?;
        if self.caller.is_admin() {
            return Ok(Grant::All);
        }
        match (self.table.permissions.decide(operation, &self.subject()), self.caller.own_id()) {
            (Decision::Allowed, _) => Ok(Grant::All),
            (Decision::OwnOnly, Some(own)) => Ok(Grant::Own(own.to_owned())),
            _ => Err(self.denied(operation)),
        }
    }

    /// Whether the scopes of the caller's key include the operation.
    ///
    /// # Errors
    /// 403 `data/scope-insufficient`.
    pub(super) fn in_scope(&self, operation: Operation) -> Result<()> {
        self.caller.key().map_or(Ok(()), |key| key.scopes.require(&self.table.name, operation))
    }

    fn denied(&self, operation: Operation) -> Error {
        Permissions::refusal(operation, &self.subject(), &self.table.name)
    }

    /// What table permissions know of the caller.
    pub(in crate::domain) fn subject(&self) -> Subject<'_> {
        Subject::of(&self.caller)
    }

    /// Whether the record is one the grant covers.
    ///
    /// # Errors
    /// 403 `data/permission-denied` for a record of somebody else.
    pub(super) fn owned(&self, grant: &Grant, operation: Operation, created_by: &str) -> Result<()> {
        match grant {
            Grant::Own(own) if own != created_by => {
                Err(Error::new(Code::PERMISSION_DENIED, format!("Only the creator of this record may {} it in {}", operation.name(), self.table.name)))
            }
            _ => Ok(()),
        }
    }

    /// What a list-like operation may show: the grant's condition and the row filters.
    pub(super) fn visible(&self, grant: &Grant) -> Result<Filter> {
        Ok(grant.filter().and(self.row_filter()?))
    }

    /// Among which records an operation looks for the one it changes: row filters bind it only when their scope is `all`.
    pub(super) fn changeable(&self, grant: &Grant) -> Result<Filter> {
        match self.table.permissions.row_filter_scope {
            RowFilterScope::List => Ok(grant.filter()),
            RowFilterScope::All => self.visible(grant),
        }
    }

    fn row_filter(&self) -> Result<Filter> {
        if self.caller.is_admin() {
            return Ok(Filter::all());
        }
        match self.table.permissions.row_filters_for(&self.subject()) {
            None => Ok(Filter::all()),
            Some(applying) => query::row_filters(&applying, &self.table.schema),
        }
    }

    /// Whether row filters hide a single record: only when their scope is `all`.
    pub(super) fn hidden_by_rows(&self, record: &Record) -> Result<bool> {
        if self.table.permissions.row_filter_scope == RowFilterScope::List || self.caller.is_admin() {
            return Ok(false);
        }
        Ok(!matches(&self.row_filter()?, &self.table.shape, &record.row()))
    }

    /// Refuses queries that name a field the caller may not read in every record.
    ///
    /// # Errors
    /// 403 `data/permission-denied` naming it.
    pub(super) fn may_name<'n>(&self, fields: impl IntoIterator<Item = &'n String>) -> Result<()> {
        if self.caller.is_admin() {
            return Ok(());
        }
        match fields.into_iter().find(|f| self.table.permissions.readable(f, &self.subject()) != Reach::Always) {
            Some(field) => {
                Err(Error::new(Code::PERMISSION_DENIED, format!("{} may not be named here, since you may not read it in every record", clip(field))))
            }
            None => Ok(()),
        }
    }

    /// Refuses bodies that send a field the caller may not write.
    ///
    /// # Errors
    /// 403 `data/permission-denied` naming it.
    pub(super) fn may_write<'n>(&self, fields: impl IntoIterator<Item = &'n str>, own: bool) -> Result<()> {
        match fields.into_iter().find(|f| !self.is_writable(f, own)) {
            Some(field) => {
                Err(Error::new(Code::PERMISSION_DENIED, format!("The column permissions of {} do not let you write {}", self.table.name, clip(field))))
            }
            None => Ok(()),
        }
    }

    pub(super) fn is_writable(&self, field: &str, own: bool) -> bool {
        self.caller.is_admin()
            || match self.table.permissions.writable(field, &self.subject()) {
                Reach::Always => true,
                Reach::Own => own,
                Reach::Never => false,
            }
    }

    /// Fields with column permissions that the caller may not read, in own records and in those of others.
    pub(super) fn unreadable(&self, own: bool) -> Vec<&str> {
        if self.caller.is_admin() {
            return Vec::new();
        }
        let columns = self.table.permissions.columns.iter().flat_map(|columns| columns.keys().map(String::as_str));
        let hides = |field: &&str| match self.table.permissions.readable(field, &self.subject()) {
            Reach::Always => false,
            Reach::Own => !own,
            Reach::Never => true,
        };
        columns.filter(hides).collect()
    }

    /// What answers show of documents.
    pub(super) fn projection(&self, own: bool) -> Projection {
        let mut projection = self.unreadable(own).into_iter().fold(Projection::all(), |p, field| p.drop([field]));
        if !self.table.additional_fields {
            projection = projection.only(self.table.schema.fields.keys().cloned());
        }
        projection
    }

    /// Whether a record is the caller's own.
    pub(super) fn is_own(&self, created_by: &str) -> bool {
        self.caller.own_id().is_some_and(|own| own == created_by)
    }

    /// The value of `createdBy` for what this caller makes.
    pub(super) fn creator(&self) -> String {
        self.caller.own_id().unwrap_or_default().to_owned()
    }
}

fn system_table(name: &str, rule: &str) -> Error {
    Error::new(Code::SYSTEM_TABLE_ACCESS, format!("{} is a system table: {rule}", clip(name)))
}

pub(in crate::domain) fn table_not_found(environment: &Environment, name: &str) -> Error {
    let known = environment.all_tables();
    let nearest = known.iter().filter(|t| !t.system).map(|t| t.name.as_str()).find(|n| n.eq_ignore_ascii_case(name));
    let hint = nearest.map_or_else(String::new, |n| format!("; did you mean {n}? Letter case counts"));
    Error::new(Code::TABLE_NOT_FOUND, format!("No table is named {} in environment {}{hint}", clip(name), environment.name()))
}
