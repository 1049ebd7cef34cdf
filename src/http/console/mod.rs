//! The pages at `/console`: plain HTML with one stylesheet and a few small scripts, nothing from other hosts. Whatever a
//! form can do works without JavaScript; what a form does is the same operation as on the management API.

mod actions;
mod connect;
mod docs;
mod home;
mod invite;
mod page;
mod passwords;
mod sign_in;
mod simulated;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, ServiceConfig};
use minijinja::context;

use super::routing::resource;
use page::Visit;

/// Name and text of every template.
const TEMPLATES: [(&str, &str); 14] = [
    ("parts.html", include_str!("templates/parts.html")),
    ("reload.html", include_str!("templates/reload.html")),
    ("error.html", include_str!("templates/error.html")),
    ("not_found.html", include_str!("templates/not_found.html")),
    ("home.html", include_str!("templates/home.html")),
    ("welcome.html", include_str!("templates/welcome.html")),
    ("invite.html", include_str!("templates/invite.html")),
    ("signin.html", include_str!("templates/signin.html")),
    ("sent.html", include_str!("templates/sent.html")),
    ("signup.html", include_str!("templates/signup.html")),
    ("forgot.html", include_str!("templates/forgot.html")),
    ("reset.html", include_str!("templates/reset.html")),
    ("link.html", include_str!("templates/link.html")),
    ("simulated.html", include_str!("templates/simulated.html")),
];

/// Path below `/console/assets`, media type and text of every asset.
const ASSETS: [(&str, &str, &str); 6] = [
    ("console.css", "text/css; charset=utf-8", include_str!("console.css")),
    ("docs.css", "text/css; charset=utf-8", docs::STYLE),
    ("link.js", SCRIPT, include_str!("assets/link.js")),
    ("copy.js", SCRIPT, include_str!("assets/copy.js")),
    ("fragment.js", SCRIPT, include_str!("assets/fragment.js")),
    ("mark.svg", "image/svg+xml", include_str!("assets/mark.svg")),
];
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Mounts `/` and everything under `/console`.
pub fn routes(config: &mut ServiceConfig) {
    for (name, kind, text) in ASSETS {
        let asset = move || async move { asset(kind, text) };
        config.service(resource(&format!("/console/assets/{name}")).undocumented().get(asset).done());
    }
    config
        .service(resource("/").undocumented().get(to_console).done())
        .service(resource("/console").undocumented().get(home::show).done())
        .service(resource("/console/").undocumented().get(to_console).done())
        .service(resource("/console/signin").undocumented().get(sign_in::show).post(sign_in::submit).done())
        .service(resource("/console/signup").undocumented().get(sign_in::show_sign_up).post(sign_in::sign_up).done())
        .service(resource("/console/signout").undocumented().post(home::sign_out).done())
        .service(resource("/console/welcome").undocumented().get(actions::welcome).post(actions::create_organization).done())
        .service(resource("/console/invite").undocumented().get(invite::show).post(invite::submit).done())
        .service(resource("/console/tokens").undocumented().post(actions::tokens).done())
        .service(resource("/console/password").undocumented().post(actions::password).done())
        .service(resource("/console/organizations/{organizationId}").undocumented().post(actions::organization).done())
        .service(resource("/console/link").undocumented().get(link).done())
        .service(resource("/console/forgot").undocumented().get(passwords::show_forgot).post(passwords::forgot).done())
        .service(resource("/console/reset").undocumented().get(passwords::show_reset).post(passwords::reset).done())
        .service(resource("/console/simulated/{provider}").undocumented().get(simulated::show).post(simulated::submit).done())
        .service(resource("/console/docs").undocumented().get(docs::index).done())
        .service(resource("/console/docs/ko/{id:.+}").undocumented().get(docs::korean).done())
        .service(resource("/console/docs/{id:.+}").undocumented().get(docs::english).done())
        .service(web::scope("/console").default_service(web::to(not_found)));
}

async fn to_console() -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, "/console")).finish()
}

async fn link(visit: Visit) -> HttpResponse {
    visit.page("link.html", context! {})
}

async fn not_found(visit: Visit) -> HttpResponse {
    visit.page_with(StatusCode::NOT_FOUND, "not_found.html", context! {})
}

fn asset(kind: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))).body(content)
}
