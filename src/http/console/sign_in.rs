//! Signing in with a mailed link or a password, and signing up (`06-console.md` A6, "Sign in").

use actix_web::HttpResponse;
use minijinja::{Value, context};

use super::page::{Form, Visit};
use crate::domain::error::{Error, Result};
use crate::domain::tenancy::signup::NewAccount;
use crate::http::body::Body;

/// The page with its ways in; `?next=` leads on afterwards.
pub async fn show(visit: Visit) -> HttpResponse {
    if visit.comes_from_elsewhere() {
        return visit.reload();
    }
    let values = values(&visit, visit.next(), context! {});
    visit.page("signin.html", values)
}

pub async fn submit(visit: Visit, body: Body) -> HttpResponse {
    let form = match visit.form(body).await {
        Ok(form) => form,
        Err(error) => return visit.failed(&error),
    };
    // Enter in the password field presses the first button there is, so what was typed decides.
    let with_password = form.get("how") == "password" || (form.get("how") == "auto" && !form.get("password").is_empty());
    let result = if with_password { with_a_password(&visit, &form).await } else { send_link(&visit, &form).await };
    result.unwrap_or_else(|error| {
        let how = if with_password { "password" } else { "link" };
        visit.form_page("signin.html", Some(&error), values(&visit, form.next(), context! { email => form.get("email"), how }))
    })
}

async fn with_a_password(visit: &Visit, form: &Form) -> Result<HttpResponse> {
    let session = visit.state.sign_in_with_password(form.get("email"), form.get("password"), visit.device()?).await?;
    visit.signed_in(session, form.next().as_deref())
}

async fn send_link(visit: &Visit, form: &Form) -> Result<HttpResponse> {
    visit.state.send_login_link(form.get("email"), form.next(), &visit.mail_base(), &visit.device()?).await?;
    Ok(visit.page("sent.html", values(visit, form.next(), context! { email => form.get("email").trim() })))
}

/// A new account, while sign-up is open.
pub async fn show_sign_up(visit: Visit) -> HttpResponse {
    let values = values(&visit, visit.next(), context! {});
    visit.page("signup.html", values)
}

pub async fn sign_up(visit: Visit, body: Body) -> HttpResponse {
    let form = match visit.form(body).await {
        Ok(form) => form,
        Err(error) => return visit.failed(&error),
    };
    make_account(&visit, &form).await.unwrap_or_else(|error: Error| {
        let typed = context! { email => form.get("email"), name => form.get("name") };
        visit.form_page("signup.html", Some(&error), values(&visit, form.next(), typed))
    })
}

async fn make_account(visit: &Visit, form: &Form) -> Result<HttpResponse> {
    let (email, name) = (form.get("email").to_owned(), form.get("name").to_owned());
    let new = NewAccount { email, name, password: Some(form.get("password").to_owned()), invitation: None };
    let session = visit.state.sign_up(new, visit.device()?).await?;
    visit.signed_in(session, form.next().as_deref())
}

/// What the pages around signing in show besides what was typed.
pub fn values(visit: &Visit, next: Option<String>, typed: Value) -> Value {
    let query = next.as_ref().map(|next| format!("?{}", url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish()));
    context! {
        next => next,
        query => query.unwrap_or_default(),
        signup_open => visit.state.signup_open(),
        simulated => !visit.state.simulated_providers().is_empty(),
        reveal => !visit.state.simulated_providers().is_empty(),
        ..typed
    }
}
