//! Changing what a table says of itself and who may do what with it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::create::text;
use super::{own_table, put_in_force};
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::tables::permissions::Permissions;
use crate::domain::tables::table::Table;

impl Environment {
    /// Changes `displayName` and `description`; what is absent stays, null clears.
    ///
    /// # Errors
    /// 404 `data/table-not-found`, 403 `data/system-table-access`, 412.
    pub async fn describe_table(self: &Arc<Self>, actor: &Tenant, name: &str, body: &Value, if_match: Option<Vec<String>>) -> Result<Arc<Table>> {
        let display_name = body.get("displayName").map(|_| text(body, "displayName", 100)).transpose()?;
        let description = body.get("description").map(|_| text(body, "description", 1000)).transpose()?;
        self.change_table(actor, name, if_match, Map::new(), move |table| {
            table.display_name = display_name.unwrap_or_else(|| table.display_name.clone());
            table.description = description.unwrap_or_else(|| table.description.clone());
        })
        .await
    }

    /// Replaces the whole permission set.
    ///
    /// # Errors
    /// As [`Environment::describe_table`].
    pub async fn set_permissions(self: &Arc<Self>, actor: &Tenant, name: &str, permissions: Permissions, if_match: Option<Vec<String>>) -> Result<Arc<Table>> {
        let metadata = Map::from_iter([("permissions".to_owned(), permissions.to_value())]);
        self.change_table(actor, name, if_match, metadata, move |table| table.permissions = permissions).await
    }

    /// Changes whatever of `displayName`, `description` and the parts of a permission set the body names; a part replaces
    /// the one that is stored.
    ///
    /// # Errors
    /// As [`Environment::describe_table`]; 400 `data/validation-error` for permissions.
    pub async fn update_table(self: &Arc<Self>, actor: &Tenant, name: &str, body: Value) -> Result<Arc<Table>> {
        let display_name = body.get("displayName").map(|_| text(&body, "displayName", 100)).transpose()?;
        let description = body.get("description").map(|_| text(&body, "description", 1000)).transpose()?;
        Permissions::parse(&body)?;
        let (environment, actor, name) = (Arc::clone(self), actor.clone(), name.to_owned());
        self.data()
            .write_alone::<_, Error, _>(move |tx| {
                let current = own_table(&environment, &name)?;
                let mut table = Table::clone(&current);
                let permissions = table.permissions.replaced(&body)?;
                let mut metadata = Map::new();
                if permissions != table.permissions {
                    metadata.insert("permissions".to_owned(), permissions.to_value());
                }
                table.permissions = permissions;
                table.display_name = display_name.unwrap_or(table.display_name);
                table.description = description.unwrap_or(table.description);
                put_in_force(&environment, tx, &actor, table, metadata)
            })
            .await
    }

    async fn change_table(
        self: &Arc<Self>,
        actor: &Tenant,
        name: &str,
        if_match: Option<Vec<String>>,
        metadata: Map<String, Value>,
        change: impl FnOnce(&mut Table) + Send + 'static,
    ) -> Result<Arc<Table>> {
        let (environment, actor, name) = (Arc::clone(self), actor.clone(), name.to_owned());
        self.data()
            .write_alone::<_, Error, _>(move |tx| {
                let current = own_table(&environment, &name)?;
                check_version(&current, if_match.as_deref())?;
                let mut table = Table::clone(&current);
                change(&mut table);
                put_in_force(&environment, tx, &actor, table, metadata)
            })
            .await
    }
}

impl Table {
    /// Entity tag of the definition; changes with every change of it.
    pub fn etag(&self) -> String {
        format!("\"{:x}\"", self.updated_at)
    }
}

/// `If-Match` on a table.
///
/// # Errors
/// 412 `management/version-conflict` with the current state in `details`.
pub(super) fn check_version(table: &Table, if_match: Option<&[String]>) -> Result<()> {
    if if_match.is_none_or(|tags| tags.iter().any(|t| t == "*" || *t == table.etag())) {
        return Ok(());
    }
    let current = json!({ "etag": table.etag(), "schemaVersion": table.schema_version, "indexVersion": table.index_version });
    let detail = crate::domain::error::Detail::new("If-Match", "version", "The table has changed since you read it").with("current", current);
    Err(Error::with_details(Code::MANAGEMENT_VERSION_CONFLICT, vec![detail]))
}
