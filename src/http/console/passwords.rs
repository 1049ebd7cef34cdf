//! A forgotten password, and choosing a new one.

use actix_web::HttpResponse;
use minijinja::context;

use super::page::{Form, Visit};
use super::sign_in::values;
use crate::domain::error::Result;
use crate::http::body::Body;

pub async fn show_forgot(visit: Visit) -> HttpResponse {
    visit.page("forgot.html", context! {})
}

pub async fn forgot(visit: Visit, body: Body) -> HttpResponse {
    let form = match visit.form(body).await {
        Ok(form) => form,
        Err(error) => return visit.failed(&error),
    };
    let email = form.get("email").trim();
    send_link(&visit, email).await.unwrap_or_else(|error| visit.form_page("forgot.html", Some(&error), context! { email }))
}

async fn send_link(visit: &Visit, email: &str) -> Result<HttpResponse> {
    visit.state.send_password_link(email, &visit.mail_base(), &visit.device()?).await?;
    Ok(visit.page("sent.html", values(visit, None, context! { email, what => "password" })))
}

/// The page behind the link; a script puts the token into its form.
pub async fn show_reset(visit: Visit) -> HttpResponse {
    visit.page("reset.html", context! {})
}

pub async fn reset(visit: Visit, body: Body) -> HttpResponse {
    let form = match visit.form(body).await {
        Ok(form) => form,
        Err(error) => return visit.failed(&error),
    };
    let token = form.get("token").trim();
    choose(&visit, &form).await.unwrap_or_else(|error| visit.form_page("reset.html", Some(&error), context! { token }))
}

async fn choose(visit: &Visit, form: &Form) -> Result<HttpResponse> {
    let session = visit.state.reset_password(form.get("token").trim(), form.get("password"), visit.device()?).await?;
    visit.signed_in(session, None)
}
