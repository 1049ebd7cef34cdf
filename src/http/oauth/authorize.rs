//! Where a person approves a client: sign-in if need be, one page, and back to the tool (`01-mcp.md` §3.3). Works without
//! JavaScript.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::fields::Fields;
use super::pages::{self, Choices};
use crate::domain::error::{Code, Error};
use crate::domain::oauth::{Approval, Begun, Place, Redirect, Unapproved, Unusable, Waiting};
use crate::domain::tenancy::sessions::ConsoleSession;
use crate::http::body::{Body, JSON_LIMIT};
use crate::http::context::Context;
use crate::http::management::identity;
use crate::http::{ApiResult, State, address};

const HERE: &str = "/mcp/oauth/authorize";

/// A new request of a client, or with `pending` one that is waiting already.
pub async fn show(request: HttpRequest, state: State) -> ApiResult<HttpResponse> {
    let shown = begin_or_go_on(&request, &state).await;
    Ok(shown.unwrap_or_else(|error| failed(&request, &error)))
}

async fn begin_or_go_on(request: &HttpRequest, state: &State) -> Result<HttpResponse, Error> {
    let query = Fields::of_form(request.query_string().as_bytes());
    let waiting = match query.first("pending") {
        Some(id) => state.waiting_authorization(&id).await?.ok_or(Unusable::Gone),
        None => match state.begin_authorization(query.asked(), address::base_url(request, state.settings())).await? {
            Begun::Waiting(waiting) => Ok(waiting),
            Begun::Refused(redirect) => return Ok(redirected(&redirect)),
            Begun::Unusable(unusable) => Err(unusable),
        },
    };
    let waiting = match waiting {
        Ok(waiting) => waiting,
        Err(unusable) => return Ok(unusable_page(&unusable)),
    };
    match identity::session(request).await? {
        Some(session) => consent(request, state, &session, &waiting, None, StatusCode::OK).await,
        // Strict cookies do not come along from another site: asked once more from here, they do.
        None if query.first("own").is_none() => Ok(pages::reload(&format!("{HERE}?pending={}&own=1", waiting.id))),
        None => Ok(see_other(&sign_in(&waiting.id))),
    }
}

/// What the person decided.
pub async fn decide(request: HttpRequest, state: State, body: Body) -> ApiResult<HttpResponse> {
    let decided = decided(&request, &state, body).await;
    Ok(decided.unwrap_or_else(|error| failed(&request, &error)))
}

async fn decided(request: &HttpRequest, state: &State, body: Body) -> Result<HttpResponse, Error> {
    require_own_origin(request, state)?;
    let form = Fields::of_form(&body.bytes(JSON_LIMIT).await?);
    let pending = form.first("pending").unwrap_or_default();
    let Some(session) = identity::session(request).await? else { return Ok(see_other(&sign_in(&pending))) };
    if !session.has_csrf(form.first("csrf").as_deref()) {
        return Err(Error::new(Code::MANAGEMENT_CSRF_FAILED, "This page is of an earlier session; go back, reload it and decide again"));
    }
    match form.first("decision").as_deref() {
        Some("authorize") => approve(request, state, &session, &form, pending).await,
        Some("switch") => {
            state.sign_out(&session.tenant, false).await?;
            let mut answer = see_other(&sign_in(&pending));
            answer.add_cookie(&identity::no_cookie(state)).map_err(Error::internal)?;
            Ok(answer)
        }
        _ => Ok(state.decline_authorization(&pending).await?.map_or_else(|| unusable_page(&Unusable::Gone), |redirect| redirected(&redirect))),
    }
}

async fn approve(request: &HttpRequest, state: &State, session: &ConsoleSession, form: &Fields, pending: String) -> Result<HttpResponse, Error> {
    let choices = Choices::of(form);
    let place = match (&choices.organization, &choices.new_organization) {
        (Some(id), _) => Place::Existing(id.clone()),
        (None, name) => Place::New(name.clone().unwrap_or_default()),
    };
    let approval = Approval { request_id: pending.clone(), groups: choices.groups.clone(), allow_prod: choices.production, place };
    match state.approve_authorization(&session.tenant, approval).await {
        // The browser has been sent there before and is back: a program that did not open.
        Ok((redirect, true)) if redirect.private => Ok(pages::open(&redirect)),
        Ok((redirect, _)) => Ok(redirected(&redirect)),
        Err(Unapproved::Gone) => Ok(unusable_page(&Unusable::Gone)),
        Err(Unapproved::Failed(error)) => Err(error),
        Err(Unapproved::Incomplete(what)) => match state.waiting_authorization(&pending).await? {
            Some(waiting) => consent(request, state, session, &waiting, Some((&choices, &what)), StatusCode::BAD_REQUEST).await,
            None => Ok(unusable_page(&Unusable::Gone)),
        },
    }
}

async fn consent(
    _: &HttpRequest,
    state: &State,
    session: &ConsoleSession,
    waiting: &Waiting,
    before: Option<(&Choices, &str)>,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    let organizations = state.organizations(&session.tenant).await?;
    Ok(pages::consent(status, session, waiting, &organizations, before))
}

/// The form is taken from this server's own page only.
fn require_own_origin(request: &HttpRequest, state: &State) -> Result<(), Error> {
    let origin = request.headers().get(header::ORIGIN).and_then(|v| v.to_str().ok());
    if origin.is_some_and(|origin| address::is_own_origin(request, state.settings(), origin)) {
        return Ok(());
    }
    Err(Error::new(Code::ORIGIN_DENIED, "Access is approved on this server's own page only; go back to your tool and connect again"))
}

fn sign_in(pending: &str) -> String {
    let next = format!("{HERE}?pending={pending}");
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &next).finish();
    format!("/console/signin?{query}")
}

fn redirected(redirect: &Redirect) -> HttpResponse {
    let mut answer = if redirect.private { pages::private_redirect(redirect) } else { pages::empty(StatusCode::SEE_OTHER) };
    set_location(&mut answer, &redirect.location);
    answer
}

fn see_other(path: &str) -> HttpResponse {
    let mut answer = pages::empty(StatusCode::SEE_OTHER);
    set_location(&mut answer, path);
    answer
}

fn set_location(answer: &mut HttpResponse, location: &str) {
    // Redirect URIs are printable ASCII, and everything added to one is percent-encoded.
    if let Ok(value) = HeaderValue::from_str(location) {
        answer.headers_mut().insert(header::LOCATION, value);
    }
}

fn unusable_page(unusable: &Unusable) -> HttpResponse {
    pages::unusable(unusable)
}

fn failed(request: &HttpRequest, error: &Error) -> HttpResponse {
    let context = Context::of(request);
    context.error_code.set(Some(error.code().name));
    if error.code().status >= 500 {
        tracing::error!(request_id = &*context.request_id, code = error.code().name, cause = error.cause().unwrap_or("-"), "{}", error.message());
    }
    pages::failed(error, &context.request_id)
}
