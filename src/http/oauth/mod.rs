//! The authorization server for AI clients (`01-mcp.md` §3): metadata, registration, the pages of approval, tokens.

mod answer;
mod authorize;
mod fields;
mod metadata;
mod pages;
mod register;
mod token;

use actix_web::web::ServiceConfig;

use super::routing::resource;

pub use answer::{covers, error_response};

/// Mounts `/mcp/oauth/*` and the metadata at all of its addresses.
pub fn routes(config: &mut ServiceConfig) {
    for at in ["/.well-known/{}", "/.well-known/{}/mcp", "/mcp/.well-known/{}"] {
        let at = |name: &str| at.replace("{}", name);
        config
            .service(resource(&at("oauth-protected-resource")).undocumented().get(metadata::protected_resource).done())
            .service(resource(&at("oauth-authorization-server")).undocumented().get(metadata::authorization_server).done())
            .service(resource(&at("openid-configuration")).undocumented().get(metadata::authorization_server).done());
    }
    config
        .service(resource("/mcp/oauth/register").undocumented().post(register::register).done())
        .service(resource("/mcp/oauth/authorize").undocumented().get(authorize::show).post(authorize::decide).done())
        .service(resource("/mcp/oauth/token").undocumented().post(token::token).done())
        .service(resource("/mcp/oauth/revoke").undocumented().post(token::revoke).done())
        .service(resource("/mcp/oauth/jwks").undocumented().get(metadata::keys).done());
}
