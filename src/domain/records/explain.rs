//! Why a caller may or may not do something (`06-console.md` B3, `permissions/explain`).

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::gate::{Grant, Records};
use crate::domain::error::{Code, Error, Result};
use crate::domain::keys::scopes::Operation;
use crate::domain::tables::expression::Reach;
use crate::domain::tables::permission_rules::{Decision, Rule};
use crate::domain::tables::permissions::RowFilterScope;

/// The answer, with what decided it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub allowed: bool,
    /// One sentence: which part of the permissions decided.
    pub rule: String,
    /// What records must meet besides; null when nothing.
    #[schema(value_type = Option<Object>)]
    pub filter: Value,
    /// Fields the caller reads in no record.
    pub hidden_fields: Vec<String>,
}

impl Records {
    /// Explains for the caller this was opened for; with `record_id`, for that record.
    ///
    /// # Errors
    /// 404 `data/not-found`.
    pub async fn explain(&self, operation: Operation, record_id: Option<&str>) -> Result<Explanation> {
        let (decision, rule) = self.table.permissions.ruling(operation, &self.subject());
        let own = self.caller.own_id().unwrap_or_default();
        let mut conditions = Vec::new();
        if decision == Decision::OwnOnly {
            conditions.push(json!({ "createdBy": if own.is_empty() { "$userId" } else { own } }));
        }
        let listed = operation == Operation::List;
        let filtered = listed || (operation != Operation::Create && self.table.permissions.row_filter_scope == RowFilterScope::All);
        if let Some(rows) = self.table.permissions.row_filters_for(&self.subject()).filter(|_| filtered) {
            conditions.push(if rows.is_empty() { json!({ "$nor": [{}] }) } else { json!({ "$or": rows }) });
        }
        let mut explanation = Explanation {
            allowed: decision != Decision::Denied,
            rule: self.sentence(operation, rule),
            filter: match conditions.len() {
                0 => Value::Null,
                1 => conditions.swap_remove(0),
                _ => json!({ "$and": conditions }),
            },
            hidden_fields: self.hidden(),
        };
        if let Some(id) = record_id.filter(|_| explanation.allowed) {
            self.explain_record(&mut explanation, decision, id).await?;
        }
        Ok(explanation)
    }

    async fn explain_record(&self, explanation: &mut Explanation, decision: Decision, id: &str) -> Result<()> {
        // Whether the record is there is told to the developer who asks, whatever the explained caller would get.
        let record = match self.fetch(&Grant::All, id).await {
            Ok(record) => record,
            Err(error) if error.code() == Code::RECORD_NOT_FOUND && self.exists(id).await? => {
                explanation.allowed = false;
                explanation.rule = "The row filters hide this record".to_owned();
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if decision == Decision::OwnOnly && (record.created_by.is_empty() || !self.is_own(&record.created_by)) {
            explanation.allowed = false;
            explanation.rule.push_str("; somebody else made this one");
        }
        Ok(())
    }

    async fn exists(&self, id: &str) -> Result<bool> {
        let (table, id) = (std::sync::Arc::clone(&self.table), id.to_owned());
        self.environment.data().read::<_, Error, _>(move |r| Ok(r.record(&table.shape.physical, &id)?.is_some())).await
    }

    fn sentence(&self, operation: Operation, rule: Rule) -> String {
        let stored = self.table.permissions.matrix.is_some();
        match rule {
            Rule::Admin => "Admins pass every check".to_owned(),
            Rule::Group if stored => format!("The row of the caller's group grants {operation}"),
            Rule::Group => format!("No permissions are stored, and the defaults grant {operation} to the caller's group"),
            Rule::Role => format!("The row role:{} grants {operation}", self.caller.role().unwrap_or_default()),
            Rule::OwnRecord => format!("The row self grants {operation} on the caller's own records"),
            Rule::Expression => format!("The expression of {operation} decides"),
            Rule::Nothing => format!("Nothing grants {operation} to this caller"),
        }
    }

    fn hidden(&self) -> Vec<String> {
        let columns = self.table.permissions.columns.iter().flat_map(|columns| columns.keys());
        columns.filter(|field| self.table.permissions.readable(field, &self.subject()) == Reach::Never).cloned().collect()
    }
}
