//! `/v1`: what apps call.

pub(super) mod access;
pub mod auth;
mod auth_settings;
mod changes;
mod data;
pub mod files;
pub mod openapi;
pub mod query;
pub mod transfer;
pub mod users;

use actix_web::web::ServiceConfig;

use super::routing::scope;

/// Mounts every route of `/v1`.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(auth::jwks::routes);
    config.service(scope("/v1/auth", |config| {
        config.configure(auth::routes).configure(auth_settings::routes);
    }));
    config.service(scope("/v1/users", users::routes));
    config.service(scope("/v1/files", files::routes));
    config.service(scope("/v1/data", data::routes));
    config.service(scope("/v1", data::short_routes));
}
