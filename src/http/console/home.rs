//! The start page after signing in.

use actix_web::HttpResponse;
use minijinja::value::Serde;
use minijinja::{Value, context};

use super::page::Visit;
use crate::domain::error::Result;
use crate::http::body::Body;
use crate::http::management::identity;

pub async fn show(visit: Visit) -> HttpResponse {
    if visit.comes_from_elsewhere() {
        return visit.reload();
    }
    let Some(_) = visit.tenant() else { return visit.go("/console/signin") };
    let result = page(&visit).await;
    visit.answer(result)
}

async fn page(visit: &Visit) -> Result<HttpResponse> {
    let organizations = visit.state.organizations(visit.require_tenant()?).await?;
    Ok(visit.page("home.html", context! { base => visit.base(), organizations => Value::from(Serde(organizations)) }))
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
    answer.add_cookie(&identity::no_cookie(&visit.state)).map_err(crate::domain::error::Error::internal)?;
    Ok(answer)
}
