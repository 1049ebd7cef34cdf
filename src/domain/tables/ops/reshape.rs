//! Bringing columns and indexes of the store in line with a changed definition.

use std::collections::HashSet;

use super::{index_plan, make_index};
use crate::domain::error::Result;
use crate::domain::tables::index_def::IndexDef;
use crate::domain::tables::table::Table;
use crate::store::Tx;
use crate::store::data::index_statements;

/// A change from one definition to another, carried out around the rewriting of values.
pub(super) struct Reshape<'t> {
    pub before: &'t Table,
    pub after: &'t Table,
    /// Top-level fields whose values are rewritten: their indexes are made anew, so that two values may be equal half-way.
    pub touched: HashSet<String>,
}

impl Reshape<'_> {
    /// Takes down the indexes and columns that do not stay as they are.
    pub fn take_down(&self, tx: &mut Tx<'_>) -> Result<()> {
        let physical = &self.before.shape.physical;
        for index in self.before.indexes.iter().filter(|i| self.stays(i).is_none()) {
            tx.drop_index(physical, &index.name)?;
        }
        for (field, column) in &self.before.shape.columns {
            if self.after.shape.columns.get(field).is_none_or(|c| c.name != column.name) {
                tx.drop_column(physical, &column.name)?;
            }
        }
        Ok(())
    }

    /// Makes the columns and indexes that are not there.
    ///
    /// # Errors
    /// 409 `data/duplicate-value` when values do not fit a unique index.
    pub fn set_up(&self, tx: &mut Tx<'_>) -> Result<()> {
        for (field, column) in &self.after.shape.columns {
            if self.before.shape.columns.get(field).is_none_or(|c| c.name != column.name) {
                tx.add_column(&self.after.shape.physical, &column.name, field)?;
            }
        }
        let kept: HashSet<&str> = self.before.indexes.iter().filter_map(|i| self.stays(i)).collect();
        self.after.indexes.iter().filter(|i| !kept.contains(i.name.as_str())).try_for_each(|index| make_index(tx, self.after, index))
    }

    /// The name of an index that can stay untouched.
    fn stays<'i>(&self, index: &'i IndexDef) -> Option<&'i str> {
        let later = self.after.indexes.iter().find(|i| i.name == index.name)?;
        let statements = |table: &Table, index: &IndexDef| index_plan(index).map(|plan| index_statements(&table.shape, &plan));
        let same = statements(self.before, index) == statements(self.after, later);
        (same && !self.touched.iter().any(|field| index.uses(field))).then_some(&index.name)
    }
}
