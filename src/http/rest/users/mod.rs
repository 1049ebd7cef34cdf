//! `/v1/users`: the end users of an environment, and what they tell of themselves (`04-users.md`).

pub mod avatars;
pub mod import;
pub mod people;
pub mod settings;

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::ServiceConfig;
use actix_web::{FromRequest, HttpRequest};
use serde_json::{Map, Value};

use super::auth::visit;
use crate::domain::access::Access;
use crate::domain::error::{Error, Result};
use crate::domain::users::Asker;
use crate::http::ApiError;
use crate::http::body::Body;
use crate::http::routing::resource;

/// Mounts the routes, below `/v1/users`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("").get(people::list).post(people::create).done())
        .service(resource("/slug/{slug}").get(people::by_slug).done())
        .service(resource("/import").post(import::import).done())
        .service(resource("/{userId}").get(people::show).patch(people::update).delete(people::delete).done())
        .service(resource("/{userId}/role").patch(people::set_role).done())
        .service(resource("/{userId}/profile").get(settings::profile).patch(settings::update_profile).done())
        .service(resource("/{userId}/avatar").patch(avatars::set).delete(avatars::remove).done())
        .service(resource("/{userId}/avatar/upload-url").post(avatars::upload_url).done())
        .service(resource("/{userId}/preferences").get(settings::preferences).patch(settings::update_preferences).done())
        .service(resource("/{userId}/notifications").get(settings::notifications).patch(settings::update_notifications).done())
        .service(resource("/{userId}/onboarding").get(settings::onboarding).patch(settings::update_onboarding).done())
        .service(resource("/{userId}/public-settings").get(settings::public_settings).patch(settings::update_public_settings).done());
}

impl FromRequest for Asker {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, access) = (request.clone(), Access::from_request(request, payload));
        Box::pin(async move {
            let Access { environment, caller } = access.await?;
            Ok(Self { environment, caller, visit: visit(&request)? })
        })
    }
}

/// The members of a JSON object; none of an empty body.
///
/// # Errors
/// As [`Body::json_value`]; 400 `common/invalid-parameters` for what is no object.
pub async fn object(body: Body, limit: usize) -> Result<Map<String, Value>> {
    match body.json_value(limit).await? {
        None => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members),
        Some(_) => Err(Error::invalid_parameter("body", "The body must be a JSON object")),
    }
}
