//! What the forms of the start page do; each calls the operation that the management API calls.

use actix_web::HttpResponse;
use actix_web::web::Path;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::de::DeserializeOwned;

use super::home;
use super::page::{Form, Visit};
use crate::domain::caller::Tenant;
use crate::domain::error::{Error, Result};
use crate::domain::tenancy::access_tokens::NewAccessToken;
use crate::domain::tenancy::guard::Role;
use crate::domain::tenancy::invitations::NewInvitation;
use crate::domain::tenancy::organizations::NewOrganization;
use crate::domain::time;
use crate::http::body::{Body, typed};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// What came of an action: a word for the address, or something to show once.
enum Outcome {
    Done(&'static str),
    Show(Value),
}

/// Makes or revokes a personal access token.
pub async fn tokens(visit: Visit, body: Body) -> HttpResponse {
    let result = token_action(&visit, body).await;
    finish(&visit, result, "tokens").await
}

async fn token_action(visit: &Visit, body: Body) -> Result<Outcome> {
    let form = visit.form(body).await?;
    let tenant = visit.require_tenant()?;
    if form.get("action") == "revoke" {
        visit.state.revoke_access_token(tenant, form.get("id")).await?;
        return Ok(Outcome::Done("revoked"));
    }
    let days = form.get("days").parse::<i64>().ok().filter(|days| (1..=3650).contains(days));
    let expires_at = days.map(|days| time::iso(time::now() + days * DAY));
    let new: NewAccessToken = typed(serde_json::json!({ "name": form.get("name"), "scope": form.get("scope"), "expiresAt": expires_at }))?;
    let token = visit.state.create_access_token(tenant, new).await?;
    Ok(Outcome::Show(context! { new_token => Value::from(Serde(token)) }))
}

/// Sets or changes the password.
pub async fn password(visit: Visit, body: Body) -> HttpResponse {
    let result = set_password(&visit, body).await;
    finish(&visit, result, "account").await
}

async fn set_password(visit: &Visit, body: Body) -> Result<Outcome> {
    let form = visit.form(body).await?;
    let current = Some(form.get("current")).filter(|c| !c.is_empty());
    visit.state.set_password(visit.require_tenant()?, current, form.get("password"), &visit.device()?.ip_address).await?;
    Ok(Outcome::Done("password"))
}

/// Invites, changes and removes people, and disconnects AI tools.
pub async fn organization(visit: Visit, id: Path<String>, body: Body) -> HttpResponse {
    let result = organization_action(&visit, &id, body).await;
    finish(&visit, result, "people").await
}

async fn organization_action(visit: &Visit, organization: &str, body: Body) -> Result<Outcome> {
    let form = visit.form(body).await?;
    let (tenant, id, state) = (visit.require_tenant()?, form.get("id"), &visit.state);
    match form.get("action") {
        "invite" => invite(visit, tenant, organization, &form).await,
        "resend" => {
            let invitation = state.resend_invitation(tenant, organization, id, &visit.mail_base()).await?;
            Ok(Outcome::Show(
                context! { invited => Value::from(Serde(invitation)), done => "The invitation was sent again; its earlier link no longer works." },
            ))
        }
        "cancel" => state.cancel_invitation(tenant, organization, id).await.map(|()| Outcome::Done("cancelled")),
        "role" => state.set_member_role(tenant, organization, id, role(&form)?).await.map(|_| Outcome::Done("role")),
        "remove" => state.remove_member(tenant, organization, id, form.filled("confirm").as_deref()).await.map(|()| Outcome::Done("removed")),
        "disconnect" => state.revoke_connection(tenant, organization, id).await.map(|()| Outcome::Done("disconnected")),
        _ => Err(Error::invalid_parameter("action", "This form is not known; load the page again")),
    }
}

async fn invite(visit: &Visit, tenant: &Tenant, organization: &str, form: &Form) -> Result<Outcome> {
    let new = NewInvitation { email: form.get("email").to_owned(), name: form.filled("name"), role: role(form)? };
    let invitation = visit.state.invite(tenant, organization, new, &visit.mail_base()).await?;
    Ok(Outcome::Show(context! { invited => Value::from(Serde(invitation)) }))
}

fn role(form: &Form) -> Result<Role> {
    Role::parse(form.get("role")).ok_or_else(|| Error::invalid_parameter("role", "role must be one of owner, admin, member, billing"))
}

async fn finish(visit: &Visit, result: Result<Outcome>, section: &str) -> HttpResponse {
    match result {
        Ok(Outcome::Done(word)) => visit.go(&format!("/console?done={word}#{section}")),
        Ok(Outcome::Show(value)) => home::page(visit, None, value).await,
        Err(error) if visit.tenant().is_none() || error.code().name.starts_with("common/o") || error.code().name.ends_with("csrf-failed") => {
            visit.failed(&error)
        }
        Err(error) => home::page(visit, Some(&error), context! {}).await,
    }
}

/// The form for a new organization.
pub async fn welcome(visit: Visit) -> HttpResponse {
    if visit.comes_from_elsewhere() {
        return visit.reload();
    }
    if visit.tenant().is_none() {
        return visit.go("/console/signin?next=/console/welcome");
    }
    visit.page("welcome.html", context! {})
}

pub async fn create_organization(visit: Visit, body: Body) -> HttpResponse {
    let form = match visit.form(body).await {
        Ok(form) => form,
        Err(error) => return visit.failed(&error),
    };
    match create(&visit, &form).await {
        Ok(()) => visit.go("/console"),
        Err(error) => visit.form_page("welcome.html", Some(&error), context! { name => form.get("name"), slug => form.get("slug") }),
    }
}

async fn create(visit: &Visit, form: &Form) -> Result<()> {
    let new: NewOrganization = fields(&[("name", form.filled("name")), ("slug", form.filled("slug"))])?;
    visit.state.create_organization(visit.require_tenant()?, new).await.map(drop)
}

/// The fields that were filled, as the body of the same call on the management API.
fn fields<T: DeserializeOwned>(pairs: &[(&str, Option<String>)]) -> Result<T> {
    let filled = pairs.iter().filter_map(|(name, value)| value.as_ref().map(|v| ((*name).to_owned(), v.clone().into())));
    typed(serde_json::Value::Object(filled.collect()))
}
