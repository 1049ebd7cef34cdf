//! `/v1/files`: what is known of stored files; their bytes go through `/storage` (`05-storage.md` §5).

pub mod bodies;
pub mod direct;
pub mod metadata;
pub mod multipart;
pub mod uploads;

use actix_web::HttpRequest;
use actix_web::web::ServiceConfig;

use crate::domain::access::Access;
use crate::domain::error::Result;
use crate::domain::files::Files;
use crate::http::routing::resource;
use crate::http::{State, address};

/// Mounts the routes, below `/v1/files`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("").get(metadata::list).post(metadata::register).done())
        .service(resource("/presigned-url").post(uploads::presign).done())
        .service(resource("/upload").post(direct::upload).done())
        .service(resource("/stats").get(metadata::stats).done())
        .service(resource("/buckets").get(metadata::buckets).done())
        .service(resource("/multipart").get(multipart::list).done())
        .service(resource("/multipart/init").post(multipart::begin).done())
        .service(resource("/multipart/initiate").post(multipart::begin_before).done())
        .service(resource("/multipart/presigned-url").post(multipart::part_url).done())
        .service(resource("/multipart/complete").post(multipart::complete).done())
        .service(resource("/multipart/abort").post(multipart::abort).done())
        .service(resource("/multipart/{uploadId}").get(multipart::show).done())
        .service(resource("/multipart/{uploadId}/part-url").post(multipart::part_url_of).done())
        .service(resource("/multipart/{uploadId}/complete").post(multipart::complete_of).done())
        .service(resource("/multipart/{uploadId}/abort").post(multipart::abort_of).done())
        .service(resource("/{id}").get(metadata::show).patch(metadata::update).delete(metadata::delete).done())
        .service(resource("/{id}/visibility").patch(metadata::set_visibility).done())
        .service(resource("/{id}/complete").post(metadata::complete).done())
        .service(resource("/{id}/download-url").get(uploads::download_url_by_query).post(uploads::download_url).done())
        .service(resource("/{id}/download").get(uploads::download).done());
}

/// The files of the environment a request came to, as its caller may use them.
fn open(request: &HttpRequest, access: &Access) -> Result<Files> {
    let base = address::base_url(request, State::of(request)?.settings());
    Ok(Files::open(&access.environment, &access.caller, &base))
}
