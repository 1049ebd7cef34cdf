//! The start page after signing in: organizations, projects and their addresses, how to connect, people, tokens.

use actix_web::HttpResponse;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::connect;
use super::page::Visit;
use crate::domain::caller::Tenant;
use crate::domain::error::{Error, Result};
use crate::domain::oauth::ConnectionView;
use crate::domain::tenancy::api_keys::KeyFilter;
use crate::domain::tenancy::guard::Role;
use crate::domain::tenancy::invitations::Invitation;
use crate::domain::tenancy::members::{Member, MemberFilter};
use crate::domain::tenancy::organizations::Organization;
use crate::domain::tenancy::projects::ProjectView;
use crate::http::body::Body;
use crate::http::management::identity;

/// What the page says after something was done, by the word that stands in its address.
const DONE: [(&str, &str); 8] = [
    ("resent", "The invitation was sent again; its earlier link no longer works."),
    ("cancelled", "The invitation was cancelled."),
    ("role", "The role was changed."),
    ("removed", "The member was removed; its tokens and AI connections for this organization stop working at once."),
    ("disconnected", "The AI tool was disconnected."),
    ("revoked", "The token was revoked."),
    ("password", "The password was set; your other sessions have ended."),
    ("joined", "You have joined the organization."),
];

/// An organization with all the page shows of it.
#[derive(Serialize)]
struct Card {
    organization: Organization,
    /// Whether the visitor manages its people.
    manages: bool,
    projects: Vec<Project>,
    members: Vec<Member>,
    invitations: Vec<Invitation>,
    connections: Vec<ConnectionView>,
}

#[derive(Serialize)]
struct Project {
    id: String,
    name: String,
    environments: Vec<Environment>,
}

#[derive(Serialize)]
struct Environment {
    id: String,
    name: String,
    kind: String,
    /// The first publishable key that can be shown.
    key: Option<String>,
}

pub async fn show(visit: Visit) -> HttpResponse {
    if visit.comes_from_elsewhere() {
        return visit.reload();
    }
    if visit.tenant().is_none() {
        return visit.go("/console/signin");
    }
    let done = visit.query("done").and_then(|word| DONE.iter().find(|(known, _)| *known == word)).map(|(_, sentence)| *sentence);
    page(&visit, None, context! { done }).await
}

/// The page, with what an action has to say; a person without organizations makes one first.
pub async fn page(visit: &Visit, problem: Option<&Error>, said: Value) -> HttpResponse {
    match collect(visit).await {
        Ok(cards) if cards.is_empty() && problem.is_none() => visit.go("/console/welcome"),
        Ok(cards) => match values(visit, cards).await {
            Ok(values) => visit.form_page("home.html", problem, context! { ..values, ..said }),
            Err(error) => visit.failed(&error),
        },
        Err(error) => visit.failed(&error),
    }
}

async fn values(visit: &Visit, cards: Vec<Card>) -> Result<Value> {
    let tenant = visit.require_tenant()?;
    let environments = || cards.iter().flat_map(|c| &c.projects).flat_map(|p| &p.environments);
    let wanted = visit.query("environment").and_then(|id| environments().find(|e| e.id == id));
    let chosen = wanted.or_else(|| environments().find(|e| e.key.is_some()));
    let key = chosen.and_then(|e| e.key.clone()).unwrap_or_else(|| "pk_…".to_owned());
    let chosen_id = chosen.map(|e| e.id.clone());
    let base = visit.base();
    let tools = connect::tools(&base, &key, &visit.state.data_dir().display().to_string());
    Ok(context! {
        account => Value::from(Serde(visit.state.account(tenant).await?)),
        tokens => Value::from(Serde(visit.state.access_tokens(tenant, None).await?)),
        tools => Value::from(Serde(tools)),
        cards => Value::from(Serde(cards)),
        chosen => chosen_id,
        base => base,
    })
}

async fn collect(visit: &Visit) -> Result<Vec<Card>> {
    let tenant = visit.require_tenant()?;
    let mut cards = Vec::new();
    for organization in visit.state.organizations(tenant).await? {
        cards.push(card(visit, tenant, organization).await?);
    }
    Ok(cards)
}

async fn card(visit: &Visit, tenant: &Tenant, organization: Organization) -> Result<Card> {
    let id = organization.id.clone();
    let manages = organization.role.is_high();
    let mut projects = Vec::new();
    if organization.role >= Role::Member {
        for project in visit.state.projects(tenant, &id).await? {
            projects.push(with_keys(visit, tenant, project).await?);
        }
    }
    Ok(Card {
        members: visit.state.members(tenant, &id, &MemberFilter::default()).await?,
        invitations: if manages { visit.state.invitations(tenant, &id, Some("pending"), &visit.mail_base()).await? } else { Vec::new() },
        connections: visit.state.connections(tenant, &id).await?,
        organization,
        manages,
        projects,
    })
}

async fn with_keys(visit: &Visit, tenant: &Tenant, project: ProjectView) -> Result<Project> {
    let mut environments = Vec::new();
    for environment in project.environments {
        let filter = KeyFilter { kind: Some("publishable".to_owned()), ..KeyFilter::default() };
        // One that is being made or removed at this moment has no keys to show.
        let mut keys = visit.state.api_keys(tenant, &project.id, &environment.id, filter).await.unwrap_or_default();
        keys.sort_by(|a, b| a.created_at.cmp(&b.created_at));
        environments.push(Environment {
            id: environment.id,
            name: environment.environment,
            kind: environment.environment_type,
            key: keys.into_iter().find_map(|k| k.key),
        });
    }
    Ok(Project { id: project.id, name: project.name, environments })
}

/// Ends this session, or every session of the account.
pub async fn sign_out(visit: Visit, body: Body) -> HttpResponse {
    let result = end_session(&visit, body).await;
    visit.answer(result)
}

async fn end_session(visit: &Visit, body: Body) -> Result<HttpResponse> {
    let form = visit.form(body).await?;
    visit.state.sign_out(visit.require_tenant()?, form.get("all") == "true").await?;
    let mut answer = visit.go("/console/signin");
    answer.add_cookie(&identity::no_cookie(&visit.state)).map_err(Error::internal)?;
    Ok(answer)
}
