//! `/management/v1`: what the console and the command line call (`06-console.md`, part B). One file per subject; bodies
//! are always bare.

mod account;
mod activities;
mod api_keys;
mod cors;
mod environments;
mod identity;
mod members;
pub mod openapi;
mod organizations;
mod parameters;
mod projects;
mod reply;
mod server;
mod session;
mod sessions;
mod tokens;

use actix_web::web::ServiceConfig;

use super::routing::{resource, scope};

/// Mounts every route of `/management/v1`.
pub fn routes(config: &mut ServiceConfig) {
    config.service(scope("/management/v1", |config| {
        config.configure(people).configure(organizations_and_projects).configure(inside_projects).configure(of_the_server);
    }));
}

fn people(config: &mut ServiceConfig) {
    config
        .service(resource("/auth/session").get(session::show).done())
        .service(resource("/auth/link").post(session::redeem_link).done())
        .service(resource("/auth/signout").post(session::sign_out).done())
        .service(resource("/account").get(account::show).patch(account::update).done())
        .service(resource("/account/sessions").get(sessions::list).done())
        .service(resource("/account/sessions/{id}").delete(sessions::revoke).done())
        .service(resource("/account/tokens").get(tokens::list).post(tokens::create).done())
        .service(resource("/account/tokens/{id}").delete(tokens::revoke).done());
}

fn organizations_and_projects(config: &mut ServiceConfig) {
    config
        .service(resource("/organizations").get(organizations::list).post(organizations::create).done())
        .service(resource("/organizations/{organizationId}").get(organizations::show).patch(organizations::update).delete(organizations::delete).done())
        .service(resource("/organizations/{organizationId}/transfer").post(members::transfer).done())
        .service(resource("/organizations/{organizationId}/leave").post(members::leave).done())
        .service(resource("/organizations/{organizationId}/members").get(members::list).done())
        .service(resource("/organizations/{organizationId}/members/{tenantId}").patch(members::update).delete(members::remove).done())
        .service(resource("/organizations/{organizationId}/activities").get(activities::of_organization).done())
        .service(resource("/organizations/{organizationId}/stats").get(organizations::stats).done())
        .service(resource("/organizations/{organizationId}/tokens").get(tokens::list_of_organization).done())
        .service(resource("/organizations/{organizationId}/tokens/{id}").delete(tokens::revoke_in_organization).done())
        .service(resource("/organizations/{organizationId}/projects").get(projects::list).post(projects::create).done())
        .service(resource("/projects/{projectId}").get(projects::show).patch(projects::update).delete(projects::delete).done());
}

fn inside_projects(config: &mut ServiceConfig) {
    const E: &str = "/projects/{projectId}/environments/{environment}";
    config
        .service(resource("/projects/{projectId}/cors").get(cors::show).put(cors::replace).done())
        .service(resource("/projects/{projectId}/activities").get(activities::of_project).done())
        .service(resource("/projects/{projectId}/environments").get(environments::list).post(environments::create).done())
        .service(resource(E).get(environments::show).delete(environments::delete).done())
        .service(resource(&format!("{E}/stats")).get(environments::stats).done())
        .service(resource(&format!("{E}/checklist")).get(environments::checklist).done())
        .service(resource(&format!("{E}/keys")).get(api_keys::list).post(api_keys::create).done())
        .service(resource(&format!("{E}/keys/{{id}}")).patch(api_keys::rename).delete(api_keys::delete).done());
}

fn of_the_server(config: &mut ServiceConfig) {
    config.service(resource("/server").get(server::show).done()).service(resource("/server/login-links").post(server::create_login_link).done());
}
