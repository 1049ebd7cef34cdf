//! Pages for browsers in the middle of a sign-in: plain HTML in the console's design, without scripts.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use minijinja::{Value, context};
use url::Url;

use crate::domain::auth::simulator::{Offer, authorize_path, login_of};
use crate::domain::auth::social::Provider;
use crate::domain::error::Error;
use crate::http::context::Context;
use crate::http::error::limit_headers;
use crate::http::pages::Pages;

/// No `form-action`: browsers apply it to the redirect back to the app as well.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

static PAGES: LazyLock<Pages> =
    LazyLock::new(|| Pages::new(POLICY, &[("choose.html", include_str!("pages/choose.html")), ("message.html", include_str!("pages/message.html"))]).strict());

/// What was typed into the free form.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    pub email: String,
    pub name: String,
    pub picture: String,
    pub email_verified: bool,
}

/// The page on which a person chooses whom to be; `problem` is what was wrong with what was typed.
pub fn choose(provider: Provider, offer: &Offer, problem: Option<(&Typed, &Error)>) -> HttpResponse {
    let hint = offer.authorization.login_hint.as_deref().unwrap_or_default().trim();
    let hinted = Typed { email: hint.to_owned(), email_verified: true, ..Typed::default() };
    let (typed, error) = problem.map_or((&hinted, None), |(typed, error)| (typed, Some(error)));
    let mut known = offer.known.clone();
    // Whom the app means comes first.
    known.sort_by_key(|one| !one.email.eq_ignore_ascii_case(hint));
    let identities: Vec<Value> = known
        .iter()
        .map(|one| {
            let login = (provider == Provider::GitHub).then(|| login_of(&one.email));
            context! { email => one.email.as_str(), name => one.name.as_str(), picture => one.picture.as_deref().unwrap_or_default(), verified => one.email_verified, login }
        })
        .collect();
    let page = context! {
        provider => provider.title(),
        action => authorize_path(provider),
        ticket => offer.ticket.as_str(),
        app => offer.environment.project().state().name.clone(),
        environment => offer.environment.name(),
        returns_to => place_of(&offer.authorization.redirect_uri),
        identities,
        typed => context! { email => typed.email.as_str(), name => typed.name.as_str(), picture => typed.picture.as_str(), verified => typed.email_verified },
        problem => error.map(Error::message),
    };
    let status = error.and_then(|error| StatusCode::from_u16(error.code().status).ok()).unwrap_or(StatusCode::OK);
    PAGES.page(status, "choose.html", page)
}

/// A page that tells what went wrong.
pub fn message(request: &HttpRequest, status: StatusCode, title: &str, error: &Error) -> HttpResponse {
    let context = Context::of(request);
    context.error_code.set(Some(error.code().name));
    if status.is_server_error() {
        tracing::error!(request_id = &*context.request_id, code = error.code().name, cause = error.cause().unwrap_or("-"), "{}", error.message());
    }
    let mut answer = PAGES.page(
        status,
        "message.html",
        context! { title, what => format!("{}.", error.message().trim_end_matches('.')), code => error.code().name, request_id => &*context.request_id },
    );
    limit_headers(answer.headers_mut(), error);
    answer
}

/// Scheme and host of a redirect URI, for people.
fn place_of(uri: &str) -> String {
    Url::parse(uri).map_or_else(
        |_| uri.to_owned(),
        |url| match url.origin() {
            url::Origin::Tuple(..) => url.origin().ascii_serialization(),
            url::Origin::Opaque(_) => format!("{}:", url.scheme()),
        },
    )
}
