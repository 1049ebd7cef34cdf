//! Making an older schema the current one again (`02-data.md` §11, "Apply").

use std::sync::Arc;

use serde_json::Value;

use super::fields::FieldsChanged;
use super::{own_table, versions};
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::tables::field_plan::FieldPlan;
use crate::domain::tables::schema::Schema;
use crate::store::data::VersionKind;

impl Environment {
    /// The schema of a version, `3`, `v3` or its id, becomes a new version. Fields it lacks become undeclared and keep their
    /// values; fields it has again are declared again, with the values that are still stored.
    ///
    /// # Errors
    /// 404 `table/schema-version-not-found`, 409 `schema/incompatible-values`, `data/duplicate-value`, 412.
    pub async fn roll_back_schema(
        self: &Arc<Self>,
        actor: &Tenant,
        name: &str,
        version: &str,
        dry_run: bool,
        if_match: Option<Vec<String>>,
    ) -> Result<FieldsChanged> {
        let table = own_table(self, name)?;
        let row = versions::find(self, &table, VersionKind::Schema, version).await?;
        let stored: Value = serde_json::from_str(&row.body).map_err(Error::internal)?;
        let target = Schema::from_stored(&stored)?;
        self.change_fields(actor, name, if_match, move |table| {
            let mut plan = FieldPlan::between(&table.schema, &target, &[]);
            plan.dry_run = dry_run;
            Ok(plan)
        })
        .await
    }
}
