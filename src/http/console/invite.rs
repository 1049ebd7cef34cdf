//! A team invitation: shown, then accepted or declined; signing in or up happens on the same page (`06-console.md` A6).
//! The token comes behind the # and then travels in the forms, never in an address.

use actix_web::HttpResponse;
use minijinja::value::Serde;
use minijinja::{Value, context};

use super::page::{Form, Visit};
use super::sign_in::values;
use crate::domain::error::{Code, Error, Result};
use crate::domain::tenancy::sessions::NewConsoleSession;
use crate::domain::tenancy::signup::NewAccount;
use crate::http::body::Body;
use crate::http::management::identity;

pub async fn show(visit: Visit) -> HttpResponse {
    visit.page("invite.html", context! {})
}

pub async fn submit(mut visit: Visit, body: Body) -> HttpResponse {
    let form = match visit.form(body).await {
        Ok(form) => form,
        Err(error) => return visit.failed(&error),
    };
    let result = act(&mut visit, &form).await;
    match result {
        Ok(Some(answer)) => answer,
        Ok(None) => page(&visit, &form, None).await,
        Err(error) => page(&visit, &form, Some(&error)).await,
    }
}

/// An answer that leads elsewhere, or none to show the invitation.
async fn act(visit: &mut Visit, form: &Form) -> Result<Option<HttpResponse>> {
    let token = form.get("token").trim();
    match form.get("how") {
        "accept" => {
            visit.state.accept_invitation(visit.require_tenant()?, token, &visit.device()?.ip_address).await?;
            Ok(Some(visit.go("/console?done=joined")))
        }
        "decline" => {
            visit.state.reject_invitation(visit.require_tenant()?, token, &visit.device()?.ip_address).await?;
            Ok(Some(visit.page("invite.html", context! { declined => true })))
        }
        "password" => {
            let session = visit.state.sign_in_with_password(form.get("email"), form.get("password"), visit.device()?).await?;
            Ok(Some(continue_as(visit, form, session).await?))
        }
        "signup" => {
            let (email, name) = (form.get("email").to_owned(), form.get("name").to_owned());
            let new = NewAccount { email, name, password: form.filled("password"), invitation: Some(token.to_owned()) };
            let session = visit.state.sign_up(new, visit.device()?).await?;
            Ok(Some(continue_as(visit, form, session).await?))
        }
        "link" => {
            visit.state.send_login_link(form.get("email"), None, &visit.mail_base(), &visit.device()?).await?;
            Ok(None)
        }
        "signout" => {
            visit.state.sign_out(visit.require_tenant()?, false).await?;
            visit.session = None;
            let mut answer = page(visit, form, None).await;
            answer.add_cookie(&identity::no_cookie(&visit.state)).map_err(Error::internal)?;
            Ok(Some(answer))
        }
        _ => Ok(None),
    }
}

/// The invitation again, now for the person who has just signed in on it.
async fn continue_as(visit: &mut Visit, form: &Form, new: NewConsoleSession) -> Result<HttpResponse> {
    let cookie = identity::session_cookie(&visit.state, new.cookie.clone());
    visit.session = visit.state.console_session(&new.cookie).await?;
    let mut answer = page(visit, form, None).await;
    answer.add_cookie(&cookie).map_err(Error::internal)?;
    Ok(answer)
}

async fn page(visit: &Visit, form: &Form, problem: Option<&Error>) -> HttpResponse {
    let token = form.get("token").trim();
    let device = match visit.device() {
        Ok(device) => device,
        Err(error) => return visit.failed(&error),
    };
    match visit.state.look_up_invitation(token, &device.ip_address).await {
        Ok(invitation) => {
            let fits = visit.tenant().is_some_and(|t| t.email == invitation.email);
            let shown = context! { token, fits, how => form.get("how"), name => form.get("name"), invitation => Value::from(Serde(invitation)) };
            visit.form_page("invite.html", problem, values(visit, None, shown))
        }
        // Why the invitation cannot be shown says more than what was tried with it, but for the attempts.
        Err(error) => {
            let error = problem.filter(|p| p.code() == Code::TENANT_TOO_MANY_ATTEMPTS).unwrap_or(&error);
            visit.form_page("invite.html", Some(error), context! { over => true })
        }
    }
}
