//! `/docs`: the API reference as a page; everything it needs comes from the binary.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS};
use actix_web::web::ServiceConfig;

use crate::http::routing::resource;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Mounts the page, its script and its style.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/docs").undocumented().get(page).done())
        .service(resource("/docs/").undocumented().get(page).done())
        .service(resource("/docs/reference.js").undocumented().get(script).done())
        .service(resource("/docs/reference.css").undocumented().get(style).done());
}

async fn page() -> HttpResponse {
    answer("text/html; charset=utf-8", include_str!("../assets/reference.html"))
}

async fn script() -> HttpResponse {
    answer("text/javascript; charset=utf-8", include_str!("../assets/reference.js"))
}

async fn style() -> HttpResponse {
    answer("text/css; charset=utf-8", include_str!("../assets/reference.css"))
}

fn answer(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_FRAME_OPTIONS, "DENY"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        // The next version of the program has other files under the same names.
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(text)
}
