//! `/v1`: what apps call.

mod access;
mod data;
mod query;

use actix_web::web::{self, ServiceConfig};

/// Mounts every route of `/v1`.
pub fn routes(config: &mut ServiceConfig) {
    config.service(web::scope("/v1/data").configure(data::routes));
    config.service(web::scope("/v1").configure(data::short_routes));
}
