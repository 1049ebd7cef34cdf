//! `/v1`: what apps call.

mod access;

use actix_web::web::ServiceConfig;

/// Mounts every route of `/v1`.
pub fn routes(_config: &mut ServiceConfig) {}
