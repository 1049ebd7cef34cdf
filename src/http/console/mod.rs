//! The pages at `/console`: how to sign in, where everything answers, and the page behind a one-time link. Plain HTML
//! with one stylesheet and one small script each, nothing from other hosts.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::routing::resource;
use super::{ApiResult, State, address};

const STYLE: &str = include_str!("console.css");
const HOME_SCRIPT: &str = include_str!("home.js");
const LINK_SCRIPT: &str = include_str!("link.js");
const HOME: &str = include_str!("home.html");
const LINK: &str = include_str!("link.html");
const NOT_FOUND: &str = include_str!("not_found.html");

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// Mounts `/` and everything under `/console`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/").undocumented().get(to_console).done())
        .service(resource("/console").undocumented().get(home).done())
        .service(resource("/console/").undocumented().get(to_console).done())
        .service(resource("/console/link").undocumented().get(link).done())
        .service(resource("/console/assets/console.css").undocumented().get(style).done())
        .service(resource("/console/assets/home.js").undocumented().get(home_script).done())
        .service(resource("/console/assets/link.js").undocumented().get(link_script).done())
        .service(web::scope("/console").default_service(web::to(not_found)));
}

async fn to_console() -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, "/console")).finish()
}

async fn home(request: HttpRequest, state: State) -> ApiResult<HttpResponse> {
    let base = escaped(&address::base_url(&request, state.settings()));
    let content = HOME.replace("{base}", &base).replace("{version}", env!("CARGO_PKG_VERSION"));
    Ok(page(&mut HttpResponse::Ok(), content))
}

async fn link() -> HttpResponse {
    page(&mut HttpResponse::Ok(), LINK.to_owned())
}

async fn not_found() -> HttpResponse {
    page(&mut HttpResponse::NotFound(), NOT_FOUND.to_owned())
}

async fn style() -> HttpResponse {
    asset("text/css; charset=utf-8", STYLE)
}

async fn home_script() -> HttpResponse {
    asset("text/javascript; charset=utf-8", HOME_SCRIPT)
}

async fn link_script() -> HttpResponse {
    asset("text/javascript; charset=utf-8", LINK_SCRIPT)
}

/// A page with the headers every page of ours has (`00-conventions.md`, "A server on a developer's laptop").
pub fn page(answer: &mut actix_web::HttpResponseBuilder, content: String) -> HttpResponse {
    answer
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::REFERRER_POLICY, HeaderValue::from_static("same-origin")))
        .insert_header((HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY")))
        .body(content)
}

fn asset(kind: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))).body(content)
}

/// Text made safe for HTML, attributes included.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
