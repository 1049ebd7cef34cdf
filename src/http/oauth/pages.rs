//! The pages of approval: plain HTML in the console's design, without scripts. Whatever a client says of itself goes in as
//! text.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use minijinja::{Value, context};

use super::fields::Fields;
use crate::domain::error::Error;
use crate::domain::oauth::scopes::{ALL, GROUPS};
use crate::domain::oauth::{Redirect, Scopes, Unusable, Waiting, display_host};
use crate::domain::tenancy::organizations::Organization;
use crate::domain::tenancy::sessions::ConsoleSession;
use crate::http::error::limit_headers;
use crate::http::pages::Pages;

/// No `form-action`: browsers apply it to the redirect back to the tool as well.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

static PAGES: LazyLock<Pages> = LazyLock::new(|| {
    Pages::new(
        POLICY,
        &[
            ("consent.html", include_str!("pages/consent.html")),
            ("message.html", include_str!("pages/message.html")),
            ("open.html", include_str!("pages/open.html")),
            ("reload.html", include_str!("pages/reload.html")),
        ],
    )
    .strict()
});

/// What was ticked and typed.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    pub groups: Vec<String>,
    pub production: bool,
    pub organization: Option<String>,
    pub new_organization: Option<String>,
}

impl Choices {
    pub fn of(form: &Fields) -> Self {
        Self {
            groups: form.all("group"),
            production: form.first("production").is_some(),
            organization: form.first("organization"),
            new_organization: form.first("organization_name"),
        }
    }
}

/// The page on which a person decides; `before` is what was chosen on it and what is wrong with that.
pub fn consent(
    status: StatusCode,
    session: &ConsoleSession,
    waiting: &Waiting,
    organizations: &[Organization],
    before: Option<(&Choices, &str)>,
) -> HttpResponse {
    let (choices, problem) = before.unzip();
    let organizations: Vec<Value> = organizations
        .iter()
        .map(|o| {
            let chosen = choices.is_some_and(|c| c.organization.as_ref() == Some(&o.id));
            context! { id => o.id.as_str(), name => o.display_name.as_ref().unwrap_or(&o.name), role => o.role.name(), chosen }
        })
        .collect();
    let page = context! {
        pending => waiting.id.as_str(),
        csrf => session.csrf.as_str(),
        client => waiting.client_name.as_str(),
        host => display_host(&waiting.redirect_uri),
        email => session.tenant.email.as_str(),
        rows => rows(&waiting.scopes, choices),
        production => choices.is_some_and(|c| c.production),
        new_organization => choices.and_then(|c| c.new_organization.clone()).unwrap_or_default(),
        organizations,
        problem,
    };
    PAGES.page(status, "consent.html", page)
}

/// The groups in which something is asked for, with what is asked for.
fn rows(scopes: &Scopes, choices: Option<&Choices>) -> Vec<Value> {
    let row = |(key, name): &(&'static str, &'static str)| {
        let asked = ALL.iter().filter(|scope| scopes.allow(scope)).filter_map(|scope| scope.rsplit_once(':'));
        let actions: Vec<&str> = asked.filter(|(resource, _)| resource == key).map(|(_, action)| action).collect();
        let ticked = choices.is_none_or(|c| c.groups.iter().any(|group| group == key));
        (!actions.is_empty()).then(|| context! { key => *key, name => *name, actions, ticked })
    };
    GROUPS.iter().filter_map(row).collect()
}

/// Loads an address of this server from this server, so that strict cookies come along.
pub fn reload(path: &str) -> HttpResponse {
    PAGES.page(StatusCode::OK, "reload.html", context! { path })
}

/// A redirect to a program, with its address as a link for browsers that show it.
pub fn private_redirect(redirect: &Redirect) -> HttpResponse {
    PAGES.page(StatusCode::SEE_OTHER, "open.html", context! { location => redirect.location.as_str() })
}

/// The address of a program that did not open by itself.
pub fn open(redirect: &Redirect) -> HttpResponse {
    PAGES.page(StatusCode::OK, "open.html", context! { location => redirect.location.as_str() })
}

/// Why a client cannot even be answered, and what to clear in it.
pub fn unusable(unusable: &Unusable) -> HttpResponse {
    let (what, clear) = match unusable {
        Unusable::ClientMissing => ("The address names no client: client_id is missing.".to_owned(), false),
        Unusable::ClientUnknown(id) => {
            (format!("This server does not know the client {id}. Its data directory may have been replaced since the tool registered."), true)
        }
        Unusable::RedirectMissing => ("The tool does not say where to return to: redirect_uri is missing, and it registered several.".to_owned(), true),
        Unusable::RedirectMalformed(uri, objection) => (format!("The tool cannot be returned to: {uri} {objection}."), true),
        Unusable::RedirectUnregistered(uri) => (format!("The tool wants to return to {uri}, which it has not registered."), true),
        Unusable::Repeated(name) => (format!("The address is not usable: {name} came more than once."), false),
        Unusable::Gone => {
            ("This request is over: it was answered already, or waited longer than 10 minutes. Go back to your tool and connect again.".to_owned(), false)
        }
    };
    PAGES.page(StatusCode::BAD_REQUEST, "message.html", context! { title => "Cannot connect", what, clear, request_id => () })
}

/// A failure of the server, or a form from somewhere else.
pub fn failed(error: &Error, request_id: &str) -> HttpResponse {
    let status = StatusCode::from_u16(error.code().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer =
        PAGES.page(status, "message.html", context! { title => "Cannot connect", what => format!("{}.", error.message()), clear => false, request_id });
    limit_headers(answer.headers_mut(), error);
    answer
}

/// An answer without a page, with the headers of one.
pub fn empty(status: StatusCode) -> HttpResponse {
    PAGES.html(status, String::new())
}
