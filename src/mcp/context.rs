//! `get_context`: what a model must know before it does anything (`01-mcp.md` §5). Names come from users: they stand in
//! rows, never in headings, and cannot break out of them.

use std::fmt::Write;

use super::Connection;
use crate::domain::docs::Placeholders;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::oauth::McpAccess;
use crate::domain::tenancy::api_keys::KeyFilter;
use crate::domain::tenancy::reach::{Branch, EnvironmentRef};

/// Characters of the whole answer.
const MAX: usize = 8_000;
/// What the state lists at most.
const MAX_PROJECTS: usize = 20;
const MAX_TABLES: usize = 100;
/// Characters of a name, and tables a warning names.
const MAX_NAME: usize = 60;
const MAX_WARNED: usize = 5;

const HIERARCHY: &str = "
## Resource Hierarchy

Organization → Project → Environment (dev/staging/prod) → Table

| To find | Call | With |
|---|---|---|
| Organization ID | see above | – |
| Project ID | backend_project_list | organizationId |
| Environment | backend_env_list | projectId |
| Table | backend_table_list | projectId, environment |

## ID Lookup Flow

1. get_context: organization ID
2. backend_project_list: projectId
3. backend_env_list: environment
4. backend_table_list: tableId, fields
5. Use those IDs. Never guess one.
";

const RULES: &str = "
## Rules for Generated Code

- Base URL as above; send `X-API-Key: pk_…` on every call, and `Authorization: Bearer {accessToken}` for the signed-in user. `sk_…` on servers only.
- Keys: below, or backend_api_key_create, or the console's API Keys page.
- Records: `/v1/data/{table}`. The ID is `id`, not `_id`. Lists are `{ items, pagination }`; wrapped in `{ success, data }` if the project says so.
- Errors: `{ success: false, error: { code, message, details } }` with an HTTP status.
- There is no auth, storage or data tool for apps: search_docs, then call REST.
- Environments share nothing. Permissions are set per table.
";

/// The part of the answer that grows with what is there.
#[derive(Default)]
struct State {
    lines: Vec<String>,
    tables: usize,
    hidden_tables: usize,
    hidden_projects: usize,
    warnings: Vec<String>,
    open_to_guests: Vec<String>,
    projects: usize,
}

impl Connection {
    /// The whole Markdown, at most 8,000 characters.
    ///
    /// # Errors
    /// Failures of the store.
    pub(super) async fn context(&self, access: &McpAccess) -> Result<String> {
        let organization = self.backend.organization(&access.tenant, &access.organization_id).await?;
        let mut head = String::with_capacity(4096);
        let tenant = &access.tenant;
        let base = &self.base;
        let row = |out: &mut String, name: &str, value: &str| writeln!(out, "| {name} | {value} |").map_err(Error::internal);
        head.push_str("## Your Session\n\n| Field | Value |\n|---|---|\n");
        row(&mut head, "Organization ID", &organization.id)?;
        row(&mut head, "Organization name", &cell(&organization.name))?;
        row(&mut head, "REST API Base URL", &format!("{base} (paths start with /v1)"))?;
        row(&mut head, "Signed in", &format!("{}, {}", tenant.id, cell(&tenant.email)))?;
        row(&mut head, "Granted scopes", &granted(access))?;
        row(&mut head, "Console URL", &format!("{base}/console"))?;
        head.push_str("\n## API Domains\n\n| Domain | Purpose | Use In |\n|---|---|---|\n");
        writeln!(head, "| {base}/v1 | REST API | app code (fetch, axios, SDK) |").map_err(Error::internal)?;
        writeln!(head, "| {base}/mcp | MCP | AI tool configuration only |").map_err(Error::internal)?;
        writeln!(head, "| {base}/console | Console | people |").map_err(Error::internal)?;
        head.push_str("\nNever call /mcp from app code. The cloud's two API hosts are gone: never emit them.\n");
        head.push_str(HIERARCHY);
        head.push_str(RULES);
        let state = self.state(access).await?;
        Ok(state.write(head))
    }

    /// Projects, environments and tables, as far as the connection may see them.
    async fn state(&self, access: &McpAccess) -> Result<State> {
        let mut state = State::default();
        for (branch, shown) in self.branches(access).await?.iter().zip((0..).map(|i| i < MAX_PROJECTS)) {
            state.projects += 1;
            if !shown {
                state.hidden_projects += 1;
                continue;
            }
            let project = &branch.project;
            state.lines.push(format!("- Project {} ({}) `{}`", cell(&project.name), project.slug, project.id));
            if project.enveloped {
                state.warnings.push(format!("Project {} wraps every answer in `{{ success, data }}`", project.slug));
            }
            for environment in branch.environments.iter().filter(|e| self.in_environment(e)) {
                self.environment_state(access, branch, environment, &mut state).await?;
            }
        }
        if state.projects == 0 {
            state.warnings.push(match access.scopes.allow("project:read") {
                true => "No project yet: backend_project_create".to_owned(),
                false => "Projects are not shown: the scope project:read was not granted".to_owned(),
            });
        }
        Ok(state)
    }

    async fn environment_state(&self, access: &McpAccess, branch: &Branch, found: &EnvironmentRef, state: &mut State) -> Result<()> {
        let environment = self.backend.environment(&found.id).await?;
        let key = match self.publishable_key(access, &branch.project.id, &found.id).await {
            Some(key) => format!(": {key}"),
            None => String::new(),
        };
        let kind = if found.kind == found.name { String::new() } else { format!(" ({})", found.kind) };
        state.lines.push(format!("  - {}{kind} `{}`{key}", found.name, found.id));
        if access.scopes.allow("table:read") {
            tables(&environment, &branch.project.slug, state).await?;
        }
        Ok(())
    }

    /// The projects this connection works with: none when its scope or role does not reach them.
    pub(super) async fn branches(&self, access: &McpAccess) -> Result<Vec<Branch>> {
        if !access.scopes.allow("project:read") {
            return Ok(Vec::new());
        }
        let mut branches = match self.backend.branches(&access.tenant, &access.organization_id).await {
            Err(error) if error.code().status == 403 => Vec::new(),
            other => other?,
        };
        branches.retain(|b| self.narrowing.project.as_ref().is_none_or(|pin| *pin == b.project.id || *pin == b.project.slug));
        Ok(branches)
    }

    pub(super) fn in_environment(&self, environment: &EnvironmentRef) -> bool {
        self.narrowing.environment.as_ref().is_none_or(|pin| *pin == environment.id || *pin == environment.name)
    }

    /// The first publishable key of an environment that can be shown and still works.
    async fn publishable_key(&self, access: &McpAccess, project: &str, environment: &str) -> Option<String> {
        if !access.scopes.allow("access-token:read") {
            return None;
        }
        let filter = KeyFilter { kind: Some("publishable".to_owned()), status: Some("active".to_owned()) };
        let keys = self.backend.api_keys(&access.tenant, project, environment, filter).await.ok()?;
        let unrestricted = keys.iter().find(|key| key.key.is_some() && key.scopes.is_empty());
        unrestricted.or_else(|| keys.iter().find(|key| key.key.is_some())).and_then(|key| key.key.clone())
    }

    /// What documentation may fill in for this reader: the project, environment and key, where there is but one choice.
    pub(super) async fn reader(&self, access: &McpAccess) -> Placeholders {
        let none = Placeholders { base: self.base.clone(), ..Placeholders::default() };
        let branches = self.branches(access).await.unwrap_or_default();
        let [branch] = branches.as_slice() else { return none };
        let environments: Vec<&EnvironmentRef> = branch.environments.iter().filter(|e| self.in_environment(e)).collect();
        let chosen = environments.iter().find(|e| e.name == "dev").or(environments.first());
        let Some(chosen) = chosen else { return none };
        Placeholders {
            publishable_key: self.publishable_key(access, &branch.project.id, &chosen.id).await,
            project: Some(branch.project.id.clone()),
            environment: Some(chosen.name.clone()),
            ..none
        }
    }
}

async fn tables(environment: &std::sync::Arc<Environment>, project: &str, state: &mut State) -> Result<()> {
    for table in environment.all_tables().iter().filter(|t| !t.system) {
        let guest = &table.permissions.effective_matrix()["guest"];
        if ["create", "update", "delete"].iter().any(|operation| guest[*operation] == true) {
            state.open_to_guests.push(format!("{project}/{}/{}", environment.name(), table.name));
        }
        if state.tables >= MAX_TABLES {
            state.hidden_tables += 1;
            continue;
        }
        state.tables += 1;
        let count = environment.table_size(table).await?.0;
        state.lines.push(format!("    - {} `{}` {count}", table.name, table.id));
    }
    Ok(())
}

impl State {
    /// Head, state and warnings; of the state as many lines as there is room for.
    fn write(mut self, mut out: String) -> String {
        if !self.open_to_guests.is_empty() {
            let shown = self.open_to_guests.iter().take(MAX_WARNED).cloned().collect::<Vec<_>>().join(", ");
            let more = self.open_to_guests.len().saturating_sub(MAX_WARNED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            self.warnings.push(format!("Guests may write to {shown}{more}"));
        }
        let enveloped = self.warnings.len().saturating_sub(MAX_WARNED);
        let mut warnings = "\n## Warnings\n\n".to_owned();
        if self.warnings.is_empty() {
            warnings.push_str("None\n");
        }
        for warning in self.warnings.iter().skip(enveloped) {
            warnings.push_str(&format!("- {warning}\n"));
        }
        if enveloped > 0 {
            warnings.push_str(&format!("- {enveloped} more projects wrap their answers; backend_project_list {{}} shows settings\n"));
        }
        out.push_str("\n## Current State\n\n");
        if self.lines.is_empty() {
            out.push_str("Nothing yet.\n");
        } else {
            out.push_str("Tables: name, ID, records. Environments: publishable key.\n\n");
        }
        let rest = |hidden: usize| format!("- {hidden} more lines: backend_project_list, backend_env_list, backend_table_list with page\n");
        let room = MAX.saturating_sub(out.chars().count() + warnings.chars().count() + rest(1_000_000).chars().count());
        let (mut used, mut written) = (0, 0);
        for line in &self.lines {
            used += line.chars().count() + 1;
            if used > room {
                break;
            }
            out.push_str(line);
            out.push('\n');
            written += 1;
        }
        let hidden = self.lines.len() - written + self.hidden_tables + self.hidden_projects;
        if hidden > 0 {
            out.push_str(&rest(hidden));
        }
        out.push_str(&warnings);
        out
    }
}

/// Scopes in few words: everything is `*:*`.
fn granted(access: &McpAccess) -> String {
    use crate::domain::oauth::Scopes;
    let prod = if access.allow_prod { ", prod environments may be changed" } else { "" };
    let scopes = if access.scopes.cover(&Scopes::default_set()) { "*:* (all)".to_owned() } else { access.scopes.to_string() };
    format!("{scopes}{prod}")
}

/// A name as it can stand in a row: on one line, without what Markdown would read.
fn cell(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().take(MAX_NAME) {
        match c {
            '|' | '`' | '[' | ']' | '<' | '>' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() || c.is_whitespace() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_row() {
        assert_eq!(cell("a | b\n## c `d`"), "a \\| b ## c \\`d\\`");
        assert_eq!(cell(&"x".repeat(500)).len(), MAX_NAME);
    }

    #[test]
    fn however_much_there_is_the_answer_stays_within_its_limit_and_ends_with_the_warnings() {
        let state = State { lines: (0..130).map(|i| format!("    - table_with_a_long_name_{i} `{}` 12345", "a".repeat(24))).collect(), ..State::default() };
        let text = state.write("x".repeat(4_000));
        assert!(text.chars().count() <= MAX, "{}", text.chars().count());
        assert!(text.contains("more lines: backend_project_list") && text.ends_with("## Warnings\n\nNone\n"));
    }
}
