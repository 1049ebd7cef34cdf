//! What to do about an error: the next call, ready to make, and the names that do exist (`01-mcp.md` §4.3).

use serde_json::{Map, Value, json};

use super::call::Call;
use super::catalog::{INDEX_ROLLBACK, Tool};
use crate::domain::error::{Code, Error, clip};
use crate::domain::page::Page;
use crate::domain::tables::ops::VersionKind;
use crate::domain::tenancy::credentials::CredentialFilter;

/// Names an error lists at most.
const NAMED: usize = 20;

/// A call as a model can make it.
pub fn call_text(tool: &str, arguments: &Value) -> String {
    format!("{tool} {arguments}")
}

/// What to do when the arguments of a tool were not understood.
pub fn look_up(tool: &Tool) -> String {
    let name = if tool.name == INDEX_ROLLBACK { "backend_index_version_get" } else { tool.name };
    format!(
        "Correct the argument and call {} again. Its arguments: {}",
        tool.name,
        call_text("get_operation_schema", &json!({ "operation": name, "schemaType": "input" }))
    )
}

/// What to do about a missing scope.
pub const APPROVE: &str = "Ask the person to approve it: disconnect this server in the AI tool and connect again with that permission ticked, or use a token made by `bkend-local token create --scope write`. get_context {} shows what is granted.";

impl Call<'_> {
    /// The hint for an error of this call.
    pub async fn hint(&self, error: &Error) -> String {
        let code = error.code();
        match code {
            _ if code == Code::INSUFFICIENT_SCOPE => APPROVE.to_owned(),
            _ if code == Code::ORGANIZATION_PERMISSION_DENIED => "Ask an owner or admin of the organization; backend_org_list {} shows your role".to_owned(),
            _ if code == Code::ENVIRONMENT_PROTECTED => {
                "Ask the person to allow it: connect again and tick \"May change production environments\", or use a token made by `bkend-local token create --allow-prod`. Work in another environment meanwhile".to_owned()
            }
            _ if code == Code::ORGANIZATION_NOT_FOUND => format!("Leave organizationId out, or use {}. Next: backend_org_list {{}}", self.organization()),
            _ if code == Code::PROJECT_NOT_FOUND => self.existing_projects().await,
            _ if code == Code::ENVIRONMENT_NOT_FOUND => self.existing_environments().await,
            _ if code == Code::TABLE_NOT_FOUND => self.existing_tables().await,
            _ if code == Code::RECORD_NOT_FOUND => self.existing_records().await,
            _ if code == Code::ACCESS_TOKEN_NOT_FOUND => self.existing_tokens().await,
            _ if code == Code::SCHEMA_VERSION_NOT_FOUND => self.existing_versions(VersionKind::Schema).await,
            _ if code == Code::INDEX_VERSION_NOT_FOUND => self.existing_versions(VersionKind::Indexes).await,
            _ if code == Code::FIELD_NOT_FOUND => self.existing_fields().await,
            _ if code == Code::SNAPSHOT_NOT_FOUND || code == Code::JOB_NOT_FOUND => self.existing_snapshots().await,
            _ if code == Code::MAIL_NOT_FOUND => self.next("backend_mail_list", &["environmentId", "projectId", "environment"], ""),
            _ if code == Code::REQUEST_NOT_FOUND => self.next("backend_request_log", &["environmentId", "projectId", "environment"], ""),
            _ if code == Code::INVALID_PARAMETERS => self.existing_places(error).await.unwrap_or_else(|| look_up(self.tool)),
            _ if code == Code::TABLE_ALREADY_EXISTS => self.next("backend_table_get", &["projectId", "environment", "environmentId", "tableName"], "To change its fields: backend_field_manage"),
            _ if code == Code::PROJECT_ALREADY_EXISTS => self.taken_slug().await,
            _ if code == Code::ENVIRONMENT_ALREADY_EXISTS => self.next("backend_env_get", &["projectId", "environment"], ""),
            _ if code == Code::DUPLICATE_VALUE || code == Code::SCHEMA_INCOMPATIBLE_VALUES => self.records_in_question(error),
            _ if code == Code::UNAVAILABLE || code == Code::RATE_LIMIT_EXCEEDED || code == Code::ENVIRONMENT_BUSY => {
                let seconds = error.retry_after().unwrap_or(2);
                format!("Wait {seconds} s, then make the same call again")
            }
            _ if code == Code::VALIDATION_ERROR && self.input.has("tableName") | self.input.has("tableId") && self.tool.is_strict() => {
                self.next("backend_table_get", &["tableId", "projectId", "environment", "environmentId", "tableName"], "The details name what to correct; the schema is there")
            }
            _ if code.status == 400 => look_up(self.tool),
            _ => call_text("search_docs", &json!({ "query": code.name })),
        }
    }

    /// A further call with some of this call's arguments.
    fn next(&self, tool: &str, names: &[&str], note: &str) -> String {
        let arguments = Value::Object(self.input.part(names));
        let note = if note.is_empty() { String::new() } else { format!(". {note}") };
        format!("Next: {}{note}", call_text(tool, &arguments))
    }

    async fn existing_projects(&self) -> String {
        let branches = self.connection.branches(self.access).await.unwrap_or_default();
        let names = branches.iter().map(|b| format!("{} ({})", clip(&b.project.slug), b.project.id));
        format!("{} Next: backend_project_list {{}}", listed("Existing projects", names))
    }

    async fn existing_environments(&self) -> String {
        let branches = self.connection.branches(self.access).await.unwrap_or_default();
        let project = self.some_project().await.ok().flatten();
        let shown = branches.iter().filter(|b| project.as_ref().is_none_or(|p| p.id == b.project.id));
        let names = shown.flat_map(|b| b.environments.iter().map(move |e| format!("{}/{} ({})", clip(&b.project.slug), e.name, e.id)));
        let arguments = project.as_ref().map_or_else(|| json!({}), |p| json!({ "projectId": p.id }));
        format!("{} Next: {}", listed("Existing environments", names), call_text("backend_env_list", &arguments))
    }

    async fn existing_tables(&self) -> String {
        let shown = self.access.scopes.allow("table:read");
        let Some(environment) = self.environment_to_read().await.ok().filter(|_| shown) else {
            return "Next: backend_table_list {}".to_owned();
        };
        let tables = environment.all_tables();
        let names = tables.iter().filter(|t| !t.system).map(|t| format!("{} ({})", t.name, t.id));
        let arguments = json!({ "projectId": environment.project().id, "environment": environment.name() });
        format!("{} Next: {}", listed("Existing tables", names), call_text("backend_table_list", &arguments))
    }

    /// What is there, when an address is incomplete.
    async fn existing_places(&self, error: &Error) -> Option<String> {
        let missing = error.detail_list().first().filter(|d| d.rule == "required")?;
        match missing.field.as_str() {
            "projectId" => Some(self.existing_projects().await),
            "environment" | "environmentId" if self.tool.argument("environmentId").is_some() => Some(self.existing_environments().await),
            "tableId" | "tableName" if self.tool.argument("tableId").is_some() => Some(match self.some_environment().await {
                Ok(Some(_)) => self.existing_tables().await,
                _ => self.existing_environments().await,
            }),
            _ => None,
        }
    }

    async fn existing_records(&self) -> String {
        let arguments = Value::Object(self.input.part(&["tableId", "projectId", "environment", "environmentId", "tableName"]));
        let next = format!("Next: {}", call_text("backend_data_list", &arguments));
        let shown = self.access.scopes.allow("table:data:read");
        let Some(place) = self.table_to_read().await.ok().filter(|_| shown) else { return next };
        let ids = self.records(&place).newest_ids(NAMED as u64).await.unwrap_or_default();
        format!("{} {next}", listed("Newest records", ids.into_iter()))
    }

    async fn existing_tokens(&self) -> String {
        let all = self.backend().credentials(self.tenant(), self.organization(), CredentialFilter::default()).await.unwrap_or_default();
        let names = all.iter().map(|one| format!("{} {} ({})", one.kind, clip(&one.name), one.id));
        format!("{} Next: backend_access_token_list {{}}", listed("Existing", names))
    }

    async fn existing_snapshots(&self) -> String {
        let Ok(environment) = self.environment_ref().await else {
            return "Make the call again with the environment instead of jobId".to_owned();
        };
        let all = self.backend().snapshots(self.tenant(), &environment.project_id, None).await.unwrap_or_default();
        let names = all.iter().map(|one| format!("snapshot:{} ({} of {}, {})", one.id, clip(&one.name), one.environment, one.created_at));
        let next = call_text("backend_env_snapshot", &json!({ "environmentId": environment.id, "list": true }));
        format!("{} Next: {next}", listed("Existing snapshots", names))
    }

    async fn existing_versions(&self, kind: VersionKind) -> String {
        let tool = if kind == VersionKind::Schema { "backend_schema_version_list" } else { "backend_index_version_list" };
        let next = self.next(tool, &["tableId", "projectId", "environment", "environmentId", "tableName"], "");
        let Ok(place) = self.table_to_read().await else { return next };
        let Ok(versions) = place.environment.table_versions(&place.table.name, kind, Page::default()).await else { return next };
        format!("{} {next}", listed("Existing versions", versions.items.iter().map(|v| v.version.to_string())))
    }

    async fn existing_fields(&self) -> String {
        let next = self.next("backend_table_get", &["tableId", "projectId", "environment", "environmentId", "tableName"], "");
        let Ok(place) = self.table_to_read().await else { return next };
        format!("{} {next}", listed("Declared fields", place.table.schema.fields.keys().cloned()))
    }

    async fn taken_slug(&self) -> String {
        let wanted = self.input.text("slug").or_else(|| self.input.text("name")).unwrap_or_default();
        let wanted = wanted.to_lowercase().replace(' ', "-");
        match self.backend().reach_project(self.tenant(), self.organization(), &wanted).await {
            Ok(project) => format!("Use it: {}; or give another slug", call_text("backend_project_get", &json!({ "projectId": project.id }))),
            Err(_) => "Give another slug, or use the project that is there: backend_project_list {}".to_owned(),
        }
    }

    /// A look at the records an error names.
    fn records_in_question(&self, error: &Error) -> String {
        let mut arguments: Map<String, Value> = self.input.part(&["tableId", "projectId", "environment", "environmentId", "tableName"]);
        if self.tool.name == "backend_data_seed"
            && let Some(table) = error.detail_list().first().and_then(|d| d.table.clone())
        {
            arguments.insert("tableName".to_owned(), table.into());
        }
        if let Some(detail) = error.detail_list().first() {
            let sent = match (self.input.get("data"), &detail.table, detail.position) {
                (Some(data), ..) => data.get(&detail.field),
                (None, Some(table), Some(position)) => self.input.get("tables").and_then(|t| t.get(table)?.get(position)?.get(&detail.field)),
                _ => None,
            };
            match (detail.more.get("id"), detail.more.get("value").or(sent)) {
                (Some(id), _) => drop(arguments.insert("andFilters".to_owned(), json!({ "id": id }))),
                (None, Some(value)) if !detail.field.is_empty() => drop(arguments.insert("andFilters".to_owned(), json!({ &detail.field: value }))),
                _ => {}
            }
        }
        format!("Look at what is there: {}", call_text("backend_data_list", &Value::Object(arguments)))
    }
}

fn listed(what: &str, names: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = names.collect();
    if all.is_empty() {
        return format!("{what}: none.");
    }
    let more = all.len().saturating_sub(NAMED);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{what}: {}{tail}.", all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "))
}
