//! Indexes of record tables.

use super::quoted;
use crate::store::query::ast::{Path, Shape};
use crate::store::query::list::{sort_expr, unique_expr};
use crate::store::{StoreResult, Tx};

/// An index to be made.
#[derive(Debug, Clone)]
pub struct IndexPlan {
    pub name: String,
    pub parts: Vec<IndexPart>,
    pub unique: Unique,
}

#[derive(Debug, Clone)]
pub struct IndexPart {
    pub path: Path,
    pub descending: bool,
}

/// How an index treats equal values, null and missing (`02-data.md` §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    No,
    /// A field's `unique`: null and missing are ignored.
    IgnoringNull,
    /// A unique index: null and missing are one value.
    NullIsAValue,
    /// A sparse unique index: records in which all fields are null or missing are left out.
    Sparse,
}

/// Records that share the values of an index.
#[derive(Debug, Clone)]
pub struct Duplicates {
    /// One per part of the index.
    pub values: Vec<serde_json::Value>,
    pub count: u64,
    /// The first five.
    pub ids: Vec<String>,
}

/// Name of an SQLite index. There is one name space for all tables of a database, and it ignores case: `/` is in no name of
/// ours, and the places of capitals follow behind `~`.
pub(super) fn physical_name(physical: &str, index: &str) -> String {
    let capitals: Vec<String> = index.bytes().enumerate().filter(|(_, b)| b.is_ascii_uppercase()).map(|(at, _)| at.to_string()).collect();
    let mark = if capitals.is_empty() { String::new() } else { format!("~{}", capitals.join(".")) };
    format!("{physical}/{index}{mark}")
}

/// The companion that compares rows with nulls, which SQLite's own unique indexes never do.
fn null_name(physical: &str, index: &str) -> String {
    format!("{}/null", physical_name(physical, index))
}

/// The name an index has for us, from the one [`physical_name`] or [`null_name`] made.
pub(super) fn logical_name<'n>(physical: &str, name: &'n str) -> &'n str {
    let name = name.strip_prefix(physical).and_then(|n| n.strip_prefix('/')).unwrap_or(name);
    name.split(['/', '~']).next().unwrap_or(name)
}

/// The statements that make an index; none for one over nothing but paths that no record has. Two shapes for which they
/// are the same share the index.
pub fn index_statements(shape: &Shape, plan: &IndexPlan) -> Vec<String> {
    let table = quoted(&shape.physical);
    let expression = |path: &Path| if plan.unique == Unique::No { sort_expr(shape, path) } else { unique_expr(shape, path) };
    let expressions: Vec<(String, bool)> = plan.parts.iter().filter_map(|p| expression(&p.path).map(|e| (e, p.descending))).collect();
    if expressions.is_empty() {
        return Vec::new();
    }
    // Read backwards an index serves the opposite order, and one that grows at its end stays dense.
    let flip = expressions[0].1;
    let mut columns: Vec<String> = expressions.iter().map(|(e, desc)| format!("{e}{}", if *desc == flip { "" } else { " DESC" })).collect();
    if plan.unique == Unique::No {
        let last = expressions.last().is_some_and(|(_, desc)| *desc != flip);
        if !expressions.iter().any(|(e, _)| e == "id") {
            columns.push(format!("id{}", if last { " DESC" } else { "" }));
        }
    }
    let unique = if plan.unique == Unique::No { "" } else { "UNIQUE " };
    let name = quoted(&physical_name(&shape.physical, &plan.name));
    let mut statements = vec![format!("CREATE {unique}INDEX {name} ON {table} ({})", columns.join(", "))];
    if matches!(plan.unique, Unique::NullIsAValue | Unique::Sparse) {
        let any = expressions.iter().map(|(e, _)| format!("{e} IS NULL")).collect::<Vec<_>>();
        let all_null = if plan.unique == Unique::Sparse { format!(" AND NOT ({})", any.join(" AND ")) } else { String::new() };
        let values = expressions.iter().map(|(e, _)| format!("ifnull({e}, x'00')")).collect::<Vec<_>>().join(", ");
        let name = quoted(&null_name(&shape.physical, &plan.name));
        statements.push(format!("CREATE UNIQUE INDEX {name} ON {table} ({values}) WHERE ({}){all_null}", any.join(" OR ")));
    }
    statements
}

impl Tx<'_> {
    /// # Errors
    /// [`crate::store::StoreError::Unique`] when values that are there already are not unique.
    pub fn create_index(&mut self, shape: &Shape, plan: &IndexPlan) -> StoreResult<()> {
        for statement in index_statements(shape, plan) {
            self.connection().execute_batch(&statement)?;
        }
        Ok(())
    }

    pub fn drop_index(&mut self, physical: &str, index: &str) -> StoreResult<()> {
        for name in [physical_name(physical, index), null_name(physical, index)] {
            self.connection().execute_batch(&format!("DROP INDEX IF EXISTS {}", quoted(&name)))?;
        }
        Ok(())
    }

    /// Up to `limit` groups of records that share the values a unique index would forbid.
    pub fn duplicates(&self, shape: &Shape, plan: &IndexPlan, limit: u32) -> StoreResult<Vec<Duplicates>> {
        let expressions: Vec<String> = plan.parts.iter().filter_map(|p| unique_expr(shape, &p.path)).collect();
        let nulls = expressions.iter().map(|e| format!("{e} IS NULL")).collect::<Vec<_>>();
        let left_out = match plan.unique {
            Unique::No | Unique::NullIsAValue => "0".to_owned(),
            Unique::IgnoringNull => nulls.join(" OR "),
            Unique::Sparse => nulls.join(" AND "),
        };
        let keys = expressions.iter().map(|e| format!("ifnull({e}, x'00')")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT count(*), group_concat(id, ' ' ORDER BY id) FROM {} WHERE NOT ({left_out}) GROUP BY {keys} HAVING count(*) > 1 ORDER BY min(id) LIMIT {limit}",
            quoted(&shape.physical)
        );
        let mut statement = self.connection().prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let ids: String = row.get(1)?;
            let ids: Vec<String> = ids.split(' ').take(5).map(str::to_owned).collect();
            let record = ids.first().map(|id| self.reader().record(&shape.physical, id)).transpose()?.flatten();
            let values = plan.parts.iter().map(|part| record.as_ref().map_or(serde_json::Value::Null, |r| r.value_at(&part.path))).collect();
            found.push(Duplicates { values, count: row.get(0)?, ids });
        }
        Ok(found)
    }
}
