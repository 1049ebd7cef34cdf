//! Comparing two environments of a project, and bringing one in line with the other (`06-console.md` A8, B3).

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::guard::{Need, Role};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::snapshots::Reason;
use crate::domain::tables::ops::{Applied, Apply, Scope};
use crate::domain::tables::plan::{Action, Plan, PlannedChange};
use crate::domain::tables::schema_document::PERMISSION_PARTS;

/// What is carried over.
const PARTS: [&str; 4] = ["schema", "indexes", "permissions", "auth"];

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Promotion {
    /// Name or id of the environment whose state is taken.
    pub from: String,
    /// Name or id of the environment that is changed.
    pub to: String,
    /// Tables by name; all when absent.
    pub tables: Option<Vec<String>>,
    /// `schema`, `indexes`, `permissions`, `auth`; the first three when absent. `auth` leaves out secrets.
    pub parts: Option<Vec<String>>,
    /// The hash of the plan that was looked at.
    pub plan_hash: Option<String>,
    /// Stored values may be removed.
    #[serde(default)]
    pub allow_destructive: bool,
}

/// A promotion whose environments were found.
struct Between {
    from: Arc<Environment>,
    to: Arc<Environment>,
    document: Value,
    scope: Scope,
    auth: Option<(Value, Value)>,
}

impl Backend {
    /// What would make `to` equal to `from`, in every part.
    ///
    /// # Errors
    /// As [`super::guard::environment`].
    pub async fn compare_environments(self: &Arc<Self>, tenant: &Tenant, project: &str, from: &str, to: &str) -> Result<Plan> {
        let all = Some(PARTS.map(str::to_owned).to_vec());
        let wanted = Promotion { from: from.to_owned(), to: to.to_owned(), tables: None, parts: all, plan_hash: None, allow_destructive: false };
        let between = self.between(tenant, project, &wanted, Need::read(Role::Member)).await?;
        self.rehearse_promotion(tenant, &between).await.map(|(plan, _)| plan)
    }

    /// The plan of a promotion; with `dry_run` nothing is changed.
    ///
    /// # Errors
    /// As [`super::guard::environment`]; 404 `data/table-not-found`; 409 `schema/plan-changed`, `schema/destructive`,
    /// `schema/incompatible-values`, `data/duplicate-value`.
    pub async fn promote(self: &Arc<Self>, tenant: &Tenant, project: &str, wanted: Promotion, dry_run: bool) -> Result<Applied> {
        let between = self.between(tenant, project, &wanted, Need::write(Role::Admin)).await?;
        let (plan, schema_hash) = self.rehearse_promotion(tenant, &between).await?;
        if dry_run {
            return Ok(Applied { plan, snapshots: Vec::new() });
        }
        if wanted.plan_hash.as_ref().is_some_and(|hash| *hash != plan.hash) {
            return Err(Error::new(Code::SCHEMA_PLAN_CHANGED, "The environments have changed since the plan was made; look at a new plan"));
        }
        let how = Apply {
            scope: between.scope.clone(),
            allow_destructive: wanted.allow_destructive,
            plan_hash: Some(schema_hash),
            reason: Some(Reason::BeforePromotion.name()),
        };
        let snapshots = between.to.apply_schema(tenant, &between.document, how).await?.snapshots;
        if let Some((_, settings)) = &between.auth {
            between.to.take_over_auth(settings).await?;
        }
        self.audit_promotion(tenant, &between).await?;
        Ok(Applied { plan, snapshots })
    }

    async fn between(self: &Arc<Self>, tenant: &Tenant, project: &str, wanted: &Promotion, need: Need) -> Result<Between> {
        let parts = parts(wanted.parts.as_deref())?;
        let from = self.tenant_environment(tenant, project, &wanted.from, Need::read(Role::Member)).await?;
        let to = self.tenant_environment(tenant, project, &wanted.to, need).await?;
        if from.id() == to.id() {
            return Err(Error::invalid_parameter("to", "from and to must be two environments"));
        }
        let (document, scope) = document(&from, &to, wanted.tables.as_deref(), &parts)?;
        let auth = if parts.contains("auth") { Some((to.auth_to_promote()?, from.auth_to_promote()?)).filter(|(now, then)| now != then) } else { None };
        Ok(Between { from, to, document, scope, auth })
    }

    /// The whole plan, and the hash of the part of it that is about tables.
    async fn rehearse_promotion(self: &Arc<Self>, tenant: &Tenant, between: &Between) -> Result<(Plan, String)> {
        let plan = between.to.plan_schema(tenant, &between.document, between.scope.clone()).await?;
        let schema_hash = plan.hash.clone();
        let Some((now, then)) = &between.auth else { return Ok((plan, schema_hash)) };
        let mut changes = plan.changes;
        changes.push(PlannedChange::new("", "auth", Action::Change, now.clone(), then.clone()));
        Ok((Plan::new(changes, plan.problems, &schema_hash), schema_hash))
    }

    async fn audit_promotion(self: &Arc<Self>, tenant: &Tenant, between: &Between) -> Result<()> {
        let (project, to) = (between.to.project(), &between.to);
        let change = Change {
            organization_id: Some(&project.organization_id),
            project_id: Some(&project.id),
            environment: Some(to.name()),
            entity: "environment",
            action: "promoted",
            entity_id: to.id(),
            entity_name: to.name(),
            metadata: Map::from_iter([("from".to_owned(), json!(between.from.name()))]),
        };
        let activity = change.by(tenant);
        self.control().write::<_, Error, _>(move |tx| Ok(tx.insert_activity(&activity)?)).await
    }
}

fn parts(given: Option<&[String]>) -> Result<BTreeSet<&str>> {
    let Some(given) = given else { return Ok(PARTS[..3].iter().copied().collect()) };
    given
        .iter()
        .map(|part| {
            let known = PARTS.iter().find(|known| *known == part).copied();
            known.ok_or_else(|| Error::invalid_parameter("parts", format!("parts may name schema, indexes, permissions and auth, not \"{}\"", clip(part))))
        })
        .collect()
}

/// The document that brings `to` in line, and what of `to` it speaks for.
fn document(from: &Environment, to: &Environment, tables: Option<&[String]>, parts: &BTreeSet<&str>) -> Result<(Value, Scope)> {
    let whole = from.schema_document();
    let with_schema = parts.contains("schema");
    let mut chosen = Map::new();
    for (name, table) in whole["tables"].as_object().into_iter().flatten() {
        let wanted = tables.is_none_or(|tables| tables.contains(name)) && (with_schema || to.table(name).is_some());
        if wanted && !parts.iter().all(|part| *part == "auth") {
            chosen.insert(name.clone(), narrowed(table, parts));
        }
    }
    if let Some(unknown) = tables.into_iter().flatten().find(|name| from.table(name).is_none() && to.table(name).is_none()) {
        return Err(Error::new(Code::TABLE_NOT_FOUND, format!("Neither environment has a table {}", clip(unknown))));
    }
    // Tables go only when their schema is carried over, and only those that are meant.
    let may_go = if with_schema { tables.map(<[String]>::to_vec) } else { Some(Vec::new()) };
    Ok((json!({ "version": 1, "tables": chosen }), Scope { prune: true, only: may_go }))
}

/// The parts of a table that are carried over. What the original does not have is named as absent, so that it goes.
fn narrowed(table: &Value, parts: &BTreeSet<&str>) -> Value {
    let mut out = Map::new();
    let mut take = |key: &str, absent: Value| {
        out.insert(key.to_owned(), table.get(key).cloned().unwrap_or(absent));
    };
    if parts.contains("schema") {
        take("displayName", Value::Null);
        take("description", Value::Null);
        take("fields", json!({}));
        take("additionalFields", true.into());
    }
    if parts.contains("indexes") {
        take("indexes", json!([]));
    }
    if parts.contains("permissions") {
        PERMISSION_PARTS.iter().for_each(|part| take(part, Value::Null));
    }
    Value::Object(out)
}
