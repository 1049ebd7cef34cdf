//! Completion of prompt arguments and of the variables of resource addresses (`01-mcp.md` §8).

use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, ErrorData, Reference};

use super::Connection;
use super::prompts::{self, FLOWS};
use super::resources::TEMPLATES;
use crate::domain::docs;
use crate::domain::error::{Result, clip};
use crate::domain::oauth::McpAccess;
use crate::domain::tenancy::credentials::CredentialFilter;

/// Values of one answer.
const MAX: usize = 100;

/// Something that can be completed: what is returned, and what it is found by.
struct Candidate {
    value: String,
    name: String,
}

impl Candidate {
    fn new(value: &str, name: &str) -> Self {
        Self { value: value.to_owned(), name: name.to_owned() }
    }

    /// By prefix of the id, or by part of the name in any case.
    fn matches(&self, typed: &str) -> bool {
        self.value.starts_with(typed) || self.name.to_lowercase().contains(&typed.to_lowercase())
    }
}

impl Connection {
    /// # Errors
    /// `-32602` for an unknown prompt, address or argument.
    pub async fn complete(&self, params: CompleteRequestParams) -> std::result::Result<CompleteResult, ErrorData> {
        let name = params.argument.name.as_str();
        self.completable(&params.r#ref, name)?;
        let earlier = params.context.as_ref().and_then(|context| context.arguments.clone()).unwrap_or_default();
        let project = earlier.get("projectId").map(String::as_str);
        let candidates = self.candidates(name, project).await.map_err(|error| self.protocol_error(&error))?;
        let mut values: Vec<String> = Vec::new();
        for candidate in candidates.into_iter().filter(|c| c.matches(&params.argument.value)) {
            if !values.contains(&candidate.value) {
                values.push(candidate.value);
            }
        }
        let total = values.len();
        values.truncate(MAX);
        let mut info = CompletionInfo::default();
        info.values = values;
        info.total = Some(u32::try_from(total).unwrap_or(u32::MAX));
        info.has_more = Some(total > MAX);
        Ok(CompleteResult::new(info))
    }

    fn completable(&self, reference: &Reference, name: &str) -> std::result::Result<(), ErrorData> {
        let invalid = |message: String| ErrorData::invalid_params(message, None);
        let known = match reference {
            Reference::Prompt(prompt) => {
                let mut names = prompts::argument_names(&prompt.name).ok_or_else(|| invalid(format!("There is no prompt \"{}\"", clip(&prompt.name))))?;
                names.any(|own| own == name)
            }
            Reference::Resource(resource) => {
                let template = TEMPLATES.iter().map(|(uri, ..)| *uri).chain(OLDER.iter().copied()).find(|uri| *uri == resource.uri);
                let template = template.ok_or_else(|| invalid(format!("There is no resource template \"{}\"", clip(&resource.uri))))?;
                template.contains(&format!("{{{name}}}")) || template.contains(&format!("{{+{name}}}"))
            }
            _ => return Err(invalid("ref must be a prompt or a resource template".to_owned())),
        };
        if known { Ok(()) } else { Err(invalid(format!("It has no argument \"{}\"", clip(name)))) }
    }

    async fn candidates(&self, name: &str, project: Option<&str>) -> Result<Vec<Candidate>> {
        let word = |words: &[&str]| words.iter().map(|w| Candidate::new(w, w)).collect();
        match (name, &self.access) {
            ("flow", _) => return Ok(word(&FLOWS)),
            ("framework", _) => return Ok(word(&["React", "Next.js", "Vue", "Nuxt", "SvelteKit", "Flutter", "React Native", "Node.js"])),
            ("pageId", _) => return Ok(docs::pages().iter().map(|page| Candidate::new(&page.meta.id, &page.meta.title)).collect()),
            (_, None) => return Ok(Vec::new()),
            _ => {}
        }
        let Some(access) = &self.access else { return Ok(Vec::new()) };
        match name {
            "organizationId" | "orgId" => self.organization(access).await,
            "accessTokenId" => self.tokens(access).await,
            "projectId" | "environment" | "environmentId" | "envId" | "tableId" | "tableName" => self.tree(access, name, project).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn organization(&self, access: &McpAccess) -> Result<Vec<Candidate>> {
        if !access.scopes.allow("organization:read") {
            return Ok(Vec::new());
        }
        let one = self.backend.organization(&access.tenant, &access.organization_id).await?;
        Ok(vec![Candidate::new(&one.id, &format!("{} {}", one.name, one.slug))])
    }

    async fn tokens(&self, access: &McpAccess) -> Result<Vec<Candidate>> {
        if !access.scopes.allow("access-token:read") {
            return Ok(Vec::new());
        }
        let all = self.backend.credentials(&access.tenant, &access.organization_id, CredentialFilter::default()).await?;
        Ok(all.iter().map(|one| Candidate::new(&one.id, &one.name)).collect())
    }

    /// Projects, environments or tables; `project` narrows what is below one.
    async fn tree(&self, access: &McpAccess, name: &str, project: Option<&str>) -> Result<Vec<Candidate>> {
        let mut out = Vec::new();
        for branch in self.branches(access).await? {
            let own = &branch.project;
            if name == "projectId" {
                out.push(Candidate::new(&own.id, &format!("{} {}", own.name, own.slug)));
                continue;
            }
            if project.is_some_and(|wanted| wanted != own.id && wanted != own.slug) {
                continue;
            }
            for found in branch.environments.iter().filter(|e| self.in_environment(e)) {
                match name {
                    "environment" if access.scopes.allow("environment:read") => out.push(Candidate::new(&found.name, &found.name)),
                    "environmentId" | "envId" if access.scopes.allow("environment:read") => {
                        out.push(Candidate::new(&found.id, &format!("{} {}", own.slug, found.name)));
                    }
                    "tableId" | "tableName" if access.scopes.allow("table:read") => {
                        let environment = self.backend.environment(&found.id).await?;
                        let tables = environment.all_tables();
                        let own = tables.iter().filter(|t| !t.system);
                        out.extend(own.map(|t| Candidate::new(if name == "tableId" { &t.id } else { &t.name }, &t.name)));
                    }
                    _ => {}
                }
            }
        }
        Ok(out)
    }
}

/// Addresses of earlier generations, completed too.
const OLDER: [&str; 12] = [
    "bkend://orgs/{orgId}/projects",
    "bkend://orgs/{orgId}/projects/{projectId}/environments",
    "bkend://orgs/{orgId}/projects/{projectId}/environments/{envId}/tables",
    "bkend://organizations/{organizationId}/projects",
    "bkend://projects/{projectId}/environments",
    "bkend://projects/{projectId}/environments/{environment}",
    "bkend://projects/{projectId}/environments/{environment}/tables",
    "bkend://projects/{projectId}/environments/{environment}/tables/{tableName}",
    "bkend://projects/{projectId}/environments/{environment}/tables/{tableName}/schema/versions",
    "bkend://projects/{projectId}/environments/{environment}/tables/{tableName}/indexes/versions",
    "bkend://orgs/{orgId}",
    "bkend://docs/{pageId}",
];
