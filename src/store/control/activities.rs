//! The audit log.

use rusqlite::{Row, ToSql, params, params_from_iter};
use serde::{Deserialize, Serialize};

use crate::store::{Reader, StoreResult, Tx};

const COLUMNS: &str = "id, organization_id, project_id, environment, entity_type, action, entity_id, entity_name, actor, message, metadata, created_at";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ActivityRow {
    pub id: String,
    pub organization_id: Option<String>,
    pub project_id: Option<String>,
    pub environment: Option<String>,
    pub entity_type: String,
    pub action: String,
    pub entity_id: String,
    pub entity_name: String,
    /// JSON object `{ type, id, name, client? }`.
    pub actor: String,
    pub message: String,
    /// JSON object.
    pub metadata: String,
    pub created_at: i64,
}

/// Which activities are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct ActivityFilter {
    pub organization_id: Option<String>,
    pub project_id: Option<String>,
    pub environment: Option<String>,
    pub entity_type: Option<String>,
    pub action: Option<String>,
    /// Id or name of the actor.
    pub actor: Option<String>,
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// Part of message or entity name, ignoring case.
    pub search: Option<String>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<ActivityRow> {
    Ok(ActivityRow {
        id: row.get(0)?,
        organization_id: row.get(1)?,
        project_id: row.get(2)?,
        environment: row.get(3)?,
        entity_type: row.get(4)?,
        action: row.get(5)?,
        entity_id: row.get(6)?,
        entity_name: row.get(7)?,
        actor: row.get(8)?,
        message: row.get(9)?,
        metadata: row.get(10)?,
        created_at: row.get(11)?,
    })
}

impl ActivityFilter {
    fn sql(&self) -> (String, Vec<&dyn ToSql>) {
        let mut conditions = Vec::new();
        let mut values: Vec<&dyn ToSql> = Vec::new();
        let exact = [
            ("organization_id = ?", &self.organization_id),
            ("project_id = ?", &self.project_id),
            ("environment = ?", &self.environment),
            ("entity_type = ?", &self.entity_type),
            ("action = ?", &self.action),
        ];
        for (condition, value) in exact.iter().filter_map(|(c, v)| v.as_ref().map(|v| (*c, v))) {
            conditions.push(condition.to_owned());
            values.push(value);
        }
        if let Some(actor) = &self.actor {
            conditions.push("(actor ->> '$.id' = ? OR actor ->> '$.name' = ?)".to_owned());
            values.extend([actor as &dyn ToSql, actor]);
        }
        for (condition, value) in [("created_at >= ?", &self.from), ("created_at <= ?", &self.to)].iter().filter_map(|(c, v)| v.as_ref().map(|v| (*c, v))) {
            conditions.push(condition.to_owned());
            values.push(value);
        }
        if let Some(search) = &self.search {
            conditions.push("(instr(lower(message), lower(?)) > 0 OR instr(lower(entity_name), lower(?)) > 0)".to_owned());
            values.extend([search as &dyn ToSql, search]);
        }
        let conditions = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
        (conditions, values)
    }
}

impl Reader<'_> {
    /// Activities, newest first, and how many there are in all.
    pub fn activities(&self, filter: &ActivityFilter, limit: u32, offset: u64) -> StoreResult<(Vec<ActivityRow>, u64)> {
        let (conditions, mut values) = filter.sql();
        let total = self
            .connection()
            .prepare_cached(&format!("SELECT count(*) FROM activities WHERE {conditions}"))?
            .query_row(params_from_iter(&values), |r| r.get(0))?;
        let offset = offset.min(i64::MAX as u64) as i64;
        values.extend([&limit as &dyn ToSql, &offset]);
        let rows = self
            .connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM activities WHERE {conditions} ORDER BY id DESC LIMIT ? OFFSET ?"))?
            .query_map(params_from_iter(&values), read)?
            .collect::<rusqlite::Result<_>>()?;
        Ok((rows, total))
    }

    /// When an activity of a project first had this type of actor.
    pub fn first_activity_by(&self, project_id: &str, actor_type: &str) -> StoreResult<Option<i64>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT min(created_at) FROM activities WHERE project_id = ?1 AND actor ->> '$.type' = ?2")?
            .query_row([project_id, actor_type], |r| r.get(0))?)
    }

    /// When something was first done in an environment.
    pub fn first_activity_of(&self, project_id: &str, environment: &str, action: &str) -> StoreResult<Option<i64>> {
        Ok(self
            .connection()
            .prepare_cached("SELECT min(created_at) FROM activities WHERE project_id = ?1 AND environment = ?2 AND action = ?3")?
            .query_row([project_id, environment, action], |r| r.get(0))?)
    }
}

impl Tx<'_> {
    /// Adds an activity; one that is there already (its id) stays as it is.
    pub fn insert_activity(&mut self, a: &ActivityRow) -> StoreResult<()> {
        self.connection()
            .prepare_cached(&format!("INSERT OR IGNORE INTO activities ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"))?
            .execute(params![
                a.id,
                a.organization_id,
                a.project_id,
                a.environment,
                a.entity_type,
                a.action,
                a.entity_id,
                a.entity_name,
                a.actor,
                a.message,
                a.metadata,
                a.created_at
            ])?;
        Ok(())
    }
}
