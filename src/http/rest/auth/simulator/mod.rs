//! The stand-in for Google and GitHub below `/v1/auth/simulator` (`03-auth.md` §6): its page, its protocol, and approval without
//! a browser.

pub mod approve;
pub mod pages;
mod protocol;
mod screen;

use actix_web::web::ServiceConfig;

use crate::http::routing::resource;

/// Mounts the routes, below `/v1/auth`.
pub fn routes(config: &mut ServiceConfig) {
    let protocol = |path: &str| resource(&format!("/simulator{path}")).undocumented();
    config
        .service(protocol("/google/o/oauth2/v2/auth").get(screen::show_google).post(screen::decide_google).done())
        .service(protocol("/github/login/oauth/authorize").get(screen::show_github).post(screen::decide_github).done())
        .service(protocol("/google/token").post(protocol::google_token).done())
        .service(protocol("/google/userinfo").get(protocol::google_userinfo).post(protocol::google_userinfo).done())
        .service(protocol("/google/certs").get(protocol::google_certs).done())
        .service(protocol("/google/.well-known/openid-configuration").get(protocol::google_discovery).done())
        .service(protocol("/github/login/oauth/access_token").post(protocol::github_token).done())
        .service(protocol("/github/user").get(protocol::github_user).done())
        .service(protocol("/github/user/emails").get(protocol::github_emails).done())
        .service(resource("/simulator/{provider}/approve").post(approve::approve).done());
}
