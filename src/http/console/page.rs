//! What every page has in common: who visits, templates, headers, forms with a CSRF token from the console's own origin.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::random_hex;
use crate::domain::tenancy::login_links::is_own_path;
use crate::domain::tenancy::sessions::{ConsoleSession, Device, NewConsoleSession};
use crate::http::body::Body;
use crate::http::context::Context;
use crate::http::error::limit_headers;
use crate::http::management::identity;
use crate::http::pages::Pages;
use crate::http::{ApiError, State, address};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Bytes of a form.
const FORM_LIMIT: usize = 64 * 1024;

static PAGES: LazyLock<Pages> =
    LazyLock::new(|| Pages::new(POLICY, &super::TEMPLATES).with(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"));

/// Somebody who looks at a page, signed in or not.
pub struct Visit {
    pub request: HttpRequest,
    pub state: State,
    pub session: Option<ConsoleSession>,
    /// Ties forms to this browser before anybody is signed in.
    form_cookie: String,
    form_cookie_is_new: bool,
}

/// What a form brought, by name.
#[derive(Debug, Default)]
pub struct Form(HashMap<String, String>);

/// An error as a form shows it: beside the fields it names, or above them.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    pub message: String,
    pub code: &'static str,
    fields: HashMap<String, String>,
}

impl FromRequest for Visit {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let state = State::of(&request)?.clone();
            let session = identity::session(&request).await?;
            if let Some(session) = &session {
                *Context::of(&request).tenant.borrow_mut() = Some(std::sync::Arc::new(session.tenant.clone()));
            }
            let given = request.cookie(&form_cookie_name(&state)).map(|c| c.value().to_owned()).filter(|v| v.len() == 64);
            let form_cookie_is_new = given.is_none();
            Ok(Self { request, state, session, form_cookie: given.unwrap_or_else(|| random_hex(32)), form_cookie_is_new })
        })
    }
}

fn form_cookie_name(state: &State) -> String {
    format!("bkend_form_{}", state.server_id().get(..8).unwrap_or_default())
}

impl Visit {
    pub fn tenant(&self) -> Option<&Tenant> {
        self.session.as_ref().map(|s| &s.tenant)
    }

    pub fn base(&self) -> String {
        address::base_url(&self.request, self.state.settings())
    }

    /// The base of links in mail.
    pub fn mail_base(&self) -> String {
        address::mail_base_url(&self.request, self.state.settings())
    }

    pub fn device(&self) -> Result<Device> {
        identity::device(&self.request)
    }

    /// A parameter of the address.
    pub fn query(&self, wanted: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.request.query_string().as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    }

    /// `?next=`, if it leads to a page of this server.
    pub fn next(&self) -> Option<String> {
        self.query("next").filter(|next| is_own_path(next))
    }

    /// Whether a page of another site led here: then the browser has kept the session's cookie back.
    pub fn comes_from_elsewhere(&self) -> bool {
        let site = self.request.headers().get("sec-fetch-site").and_then(|v| v.to_str().ok());
        self.session.is_none() && *self.request.method() == Method::GET && site == Some("cross-site")
    }

    /// A page that loads itself again from its own origin, so that the cookie comes along.
    pub fn reload(&self) -> HttpResponse {
        let here = self.request.uri().path_and_query().map_or("/console", |p| p.as_str());
        self.page("reload.html", context! { here })
    }

    /// 200 with a page.
    pub fn page(&self, template: &str, values: Value) -> HttpResponse {
        self.page_with(StatusCode::OK, template, values)
    }

    /// A page with the status of an error, or 200 without one.
    pub fn form_page(&self, template: &str, problem: Option<&Error>, values: Value) -> HttpResponse {
        let status = problem.and_then(|e| StatusCode::from_u16(e.code().status).ok()).unwrap_or(StatusCode::OK);
        let problem_value = problem.map(|e| Value::from(Serde(Problem::of(e))));
        let mut answer = self.page_with(status, template, context! { problem => problem_value, ..values });
        if let Some(error) = problem {
            Context::of(&self.request).error_code.set(Some(error.code().name));
            limit_headers(answer.headers_mut(), error);
            if status.is_server_error() {
                tracing::error!(request_id = &*Context::of(&self.request).request_id, cause = error.cause().unwrap_or("-"), "{}", error.message());
            }
        }
        answer
    }

    /// A page that shows nothing but an error.
    pub fn failed(&self, error: &Error) -> HttpResponse {
        let request_id = Context::of(&self.request).request_id.to_string();
        self.form_page("error.html", Some(error), context! { request_id })
    }

    /// The answer of a handler, or a page about why there is none.
    pub fn answer(&self, result: Result<HttpResponse>) -> HttpResponse {
        result.unwrap_or_else(|error| self.failed(&error))
    }

    pub fn page_with(&self, status: StatusCode, template: &str, values: Value) -> HttpResponse {
        let common = context! {
            csrf => self.csrf(),
            who => self.tenant().map(|t| context! { name => t.name.as_str(), email => t.email.as_str() }),
            version => env!("CARGO_PKG_VERSION"),
        };
        self.with_form_cookie(PAGES.page(status, template, context! { ..values, ..common }))
    }

    fn with_form_cookie(&self, mut answer: HttpResponse) -> HttpResponse {
        if self.form_cookie_is_new {
            let cookie = self.cookie(form_cookie_name(&self.state), self.form_cookie.clone());
            // A cookie of hexadecimal digits is always a header.
            let _ = answer.add_cookie(&cookie);
        }
        answer
    }

    /// A cookie for the console's pages only.
    pub fn cookie(&self, name: String, value: String) -> Cookie<'static> {
        let https = self.state.settings().public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
        Cookie::build(name, value).http_only(true).same_site(SameSite::Strict).path("/console").secure(https).finish()
    }

    fn csrf(&self) -> String {
        self.session.as_ref().map_or_else(|| self.state.form_token(&self.form_cookie), |s| s.csrf.clone())
    }

    /// 303 to a path of this server.
    pub fn go(&self, path: &str) -> HttpResponse {
        let mut answer = HttpResponse::SeeOther();
        answer.insert_header((header::LOCATION, path)).insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
        answer.finish()
    }

    /// Keeps the session just opened and goes on.
    pub fn signed_in(&self, new: NewConsoleSession, next: Option<&str>) -> Result<HttpResponse> {
        let mut answer = self.go(next.unwrap_or("/console"));
        answer.add_cookie(&identity::session_cookie(&self.state, new.cookie)).map_err(Error::internal)?;
        Ok(answer)
    }

    /// Reads a form that a page of ours has sent.
    ///
    /// # Errors
    /// 403 `common/origin-denied`, `management/csrf-failed`; 413, 415 and 400 for what is no form.
    pub async fn form(&self, body: Body) -> Result<Form> {
        identity::require_own_origin(&self.request)?;
        let form = Form(body.form(FORM_LIMIT).await?);
        let given = form.get("csrf");
        let expected = self.session.as_ref().map_or_else(|| self.state.has_form_token(&self.form_cookie, given), |s| s.has_csrf(Some(given)));
        if expected {
            return Ok(form);
        }
        Err(Error::new(Code::MANAGEMENT_CSRF_FAILED, "This page was open while somebody signed in or out, or its cookies are blocked; load it again"))
    }

    /// The developer signed in.
    ///
    /// # Errors
    /// 401 `common/authentication-required`.
    pub fn require_tenant(&self) -> Result<&Tenant> {
        self.tenant().ok_or_else(|| Error::new(Code::AUTHENTICATION_REQUIRED, "Your session has ended; sign in again"))
    }
}

impl Form {
    /// What a field holds; empty when it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// What a field holds, unless that is nothing.
    pub fn filled(&self, name: &str) -> Option<String> {
        Some(self.get(name).trim()).filter(|v| !v.is_empty()).map(str::to_owned)
    }

    /// `next`, if it leads to a page of this server.
    pub fn next(&self) -> Option<String> {
        self.filled("next").filter(|next| is_own_path(next))
    }
}

impl Problem {
    fn of(error: &Error) -> Self {
        let fields = error.detail_list().iter().map(|d| (d.field.clone(), d.message.clone())).collect();
        Self { message: error.message().to_owned(), code: error.code().name, fields }
    }
}
