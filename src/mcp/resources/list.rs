//! What can be read: the five lists, then everything a connection sees, a page at a time.

use rmcp::model::{ErrorData, ListResourceTemplatesResult, ListResourcesResult, Resource, ResourceTemplate};

use super::uri::TEMPLATES;
use crate::domain::error::Result;
use crate::domain::oauth::McpAccess;
use crate::mcp::Connection;

/// Entries of one page.
const PAGE: usize = 100;

/// The lists, with the scope each needs.
const LISTS: [(&str, &str, &str, &str); 5] = [
    ("bkend://organizations", "organizations", "Organizations of this connection", "organization:read"),
    ("bkend://projects", "projects", "Projects of the organization", "project:read"),
    ("bkend://environments", "environments", "Environments of all projects", "environment:read"),
    ("bkend://tables", "tables", "Tables of all environments", "table:read"),
    ("bkend://access-tokens", "access tokens", "API keys and personal access tokens, without their values", "access-token:read"),
];

impl Connection {
    /// One page; `cursor` is the `nextCursor` of the page before.
    ///
    /// # Errors
    /// `-32602` for an unknown cursor, `-32603` for a bug.
    pub async fn resources(&self, cursor: Option<&str>) -> std::result::Result<ListResourcesResult, ErrorData> {
        let start = match cursor {
            None => 0,
            Some(text) => read_cursor(text).ok_or_else(|| ErrorData::invalid_params("Unknown cursor; ask again without one", None))?,
        };
        let Some(access) = &self.access else { return Ok(ListResourcesResult::default()) };
        let all = self.all_resources(access).await.map_err(|error| self.protocol_error(&error))?;
        if start > 0 && start >= all.len() {
            return Ok(ListResourcesResult::default());
        }
        let more = all.len() > start + PAGE;
        let mut page = ListResourcesResult::with_all_items(all.into_iter().skip(start).take(PAGE).collect());
        page.next_cursor = more.then(|| write_cursor(start + PAGE));
        Ok(page)
    }

    async fn all_resources(&self, access: &McpAccess) -> Result<Vec<Resource>> {
        let json = |uri: String, name: String| Resource::new(uri, name).with_mime_type("application/json");
        let mut all: Vec<Resource> = LISTS.iter().map(|(uri, name, about, _)| json((*uri).to_owned(), (*name).to_owned()).with_description(*about)).collect();
        for branch in self.branches(access).await? {
            let project = &branch.project;
            all.push(json(format!("bkend://projects/{}", project.id), project.slug.clone()));
            for found in branch.environments.iter().filter(|e| self.in_environment(e)) {
                if access.scopes.allow("environment:read") {
                    all.push(json(format!("bkend://environments/{}", found.id), format!("{} / {}", project.slug, found.name)));
                }
                if access.scopes.allow("table:read") {
                    let environment = self.backend.environment(&found.id).await?;
                    let tables = environment.all_tables();
                    let named = |name: &str| format!("{} / {} / {name}", project.slug, found.name);
                    all.extend(tables.iter().filter(|t| !t.system).map(|t| json(format!("bkend://tables/{}", t.id), named(&t.name))));
                }
            }
        }
        Ok(all)
    }

    /// Every parameterized address.
    pub fn resource_templates(&self) -> ListResourceTemplatesResult {
        let template = |(uri, name, about): &(&str, &str, &str)| {
            let media_type = if uri.starts_with("bkend://docs/") { "text/markdown" } else { "application/json" };
            ResourceTemplate::new(*uri, *name).with_description(*about).with_mime_type(media_type)
        };
        let readable = TEMPLATES.iter().filter(|(uri, ..)| self.access.is_some() || uri.starts_with("bkend://docs/"));
        ListResourceTemplatesResult::with_all_items(readable.map(template).collect())
    }
}

fn write_cursor(start: usize) -> String {
    format!("r{start}")
}

fn read_cursor(text: &str) -> Option<usize> {
    text.strip_prefix('r')?.parse().ok().filter(|start| *start > 0 && start % PAGE == 0)
}
