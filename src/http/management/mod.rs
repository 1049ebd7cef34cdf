//! `/management/v1`: what the console and the command line call (`06-console.md`, part B). One file per subject; bodies
//! are always bare.

mod account;
mod activities;
mod api_keys;
mod auth_settings;
mod connections;
mod cors;
mod docs;
mod environments;
mod file_import;
mod files;
pub mod identity;
mod indexes;
mod invitations;
mod jobs;
mod mail_templates;
mod mailbox;
mod members;
mod mfa;
pub mod openapi;
mod organizations;
mod parameters;
mod permissions;
mod place;
mod projects;
mod promotions;
mod records;
mod records_bulk;
mod reply;
mod requests;
mod schema_document;
mod schemas;
mod server;
mod session;
mod sessions;
mod sign_in;
mod snapshots;
mod storage;
mod tables;
mod tokens;
mod transfer;
mod user_settings;
mod user_support;
mod users;

use actix_web::web::ServiceConfig;

use super::routing::{resource, scope};

/// Mounts every route of `/management/v1`.
pub fn routes(config: &mut ServiceConfig) {
    config.service(scope("/management/v1", |config| {
        config
            .configure(people)
            .configure(organizations_and_projects)
            .configure(inside_projects)
            .configure(users_inside)
            .configure(stored_files)
            .configure(inside_tables)
            .configure(of_the_server);
    }));
}

fn people(config: &mut ServiceConfig) {
    config
        .service(resource("/auth/session").get(session::show).done())
        .service(resource("/auth/link").post(session::redeem_link).done())
        .service(resource("/auth/signup").post(sign_in::sign_up).done())
        .service(resource("/auth/signin").post(sign_in::sign_in).done())
        .service(resource("/auth/magic-link").post(sign_in::send_link).done())
        .service(resource("/auth/simulated/{provider}").post(sign_in::start_simulated).done())
        .service(resource("/auth/simulated/{provider}/confirm").post(sign_in::confirm_simulated).done())
        .service(resource("/auth/password/forgot").post(sign_in::forgot_password).done())
        .service(resource("/auth/password/reset").post(sign_in::reset_password).done())
        .service(resource("/auth/signout").post(session::sign_out).done())
        .service(resource("/account").get(account::show).patch(account::update).done())
        .service(resource("/account/password").put(account::set_password).done())
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
        .service(resource("/organizations/{organizationId}/invitations").get(invitations::list).post(invitations::create).done())
        .service(resource("/organizations/{organizationId}/invitations/{id}").delete(invitations::cancel).done())
        .service(resource("/organizations/{organizationId}/invitations/{id}/resend").post(invitations::resend).done())
        .service(resource("/invitations/lookup").post(invitations::look_up).done())
        .service(resource("/invitations/accept").post(invitations::accept).done())
        .service(resource("/invitations/reject").post(invitations::reject).done())
        .service(resource("/organizations/{organizationId}/activities").get(activities::of_organization).done())
        .service(resource("/organizations/{organizationId}/stats").get(organizations::stats).done())
        .service(resource("/organizations/{organizationId}/connections").get(connections::list).done())
        .service(resource("/organizations/{organizationId}/connections/{id}").delete(connections::revoke).done())
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
        .service(resource("/projects/{projectId}/snapshots").get(snapshots::list_of_project).done())
        .service(resource("/projects/{projectId}/compare").get(promotions::compare).done())
        .service(resource("/projects/{projectId}/promotions").post(promotions::promote).done())
        .service(resource(&format!("{E}/reset")).post(snapshots::reset).done())
        .service(resource(&format!("{E}/clone")).post(snapshots::clone).done())
        .service(resource(&format!("{E}/snapshots")).get(snapshots::list).post(snapshots::create).done())
        .service(resource(&format!("{E}/snapshots/{{id}}")).delete(snapshots::delete).done())
        .service(resource(&format!("{E}/snapshots/{{id}}/download")).get(snapshots::download).done())
        .service(resource(&format!("{E}/snapshots/{{id}}/restore")).post(snapshots::restore).done())
        .service(resource("/projects/{projectId}/environments").get(environments::list).post(environments::create).done())
        .service(resource(E).get(environments::show).delete(environments::delete).done())
        .service(resource(&format!("{E}/schema")).get(schema_document::show).done())
        .service(resource(&format!("{E}/schema/plan")).post(schema_document::plan).done())
        .service(resource(&format!("{E}/schema/apply")).post(schema_document::apply).done())
        .service(resource(&format!("{E}/stats")).get(environments::stats).done())
        .service(resource(&format!("{E}/checklist")).get(environments::checklist).done())
        .service(resource(&format!("{E}/requests")).get(requests::list).delete(requests::clear).done())
        .service(resource(&format!("{E}/requests/stream")).get(requests::stream).done())
        .service(resource(&format!("{E}/requests/{{id}}")).get(requests::show).done())
        .service(resource(&format!("{E}/metrics")).get(requests::metrics).done())
        .service(resource(&format!("{E}/auth/config")).get(auth_settings::show).patch(auth_settings::update).done())
        .service(resource(&format!("{E}/auth/providers")).get(auth_settings::providers).done())
        .service(resource(&format!("{E}/auth/providers/{{provider}}")).put(auth_settings::set_provider).delete(auth_settings::reset_provider).done())
        .service(resource(&format!("{E}/auth/rotate-secret")).post(auth_settings::rotate).done())
        .service(resource(&format!("{E}/auth/events")).get(auth_settings::events).done())
        .service(resource(&format!("{E}/users/{{id}}/mfa/reset")).post(mfa::reset).done())
        .service(resource(&format!("{E}/auth/templates")).get(mail_templates::list).done())
        .service(resource(&format!("{E}/auth/templates/{{template}}/{{locale}}")).put(mail_templates::replace).delete(mail_templates::reset).done())
        .service(resource(&format!("{E}/auth/templates/{{template}}/{{locale}}/preview")).post(mail_templates::preview).done())
        .service(resource(&format!("{E}/mailbox")).get(mailbox::list).delete(mailbox::clear).done())
        .service(resource(&format!("{E}/mailbox/{{id}}")).get(mailbox::show).patch(mailbox::mark).delete(mailbox::delete).done())
        .service(resource(&format!("{E}/keys")).get(api_keys::list).post(api_keys::create).done())
        .service(resource(&format!("{E}/keys/{{id}}")).patch(api_keys::rename).delete(api_keys::delete).done());
}

fn users_inside(config: &mut ServiceConfig) {
    const U: &str = "/projects/{projectId}/environments/{environment}/users";
    let of = |path: &str| format!("{U}/{{id}}{path}");
    config
        .service(resource(U).get(users::list).post(users::create).done())
        .service(resource(&format!("{U}/import")).post(users::import).done())
        .service(resource(&format!("{U}/slug/{{slug}}")).get(users::by_slug).done())
        .service(resource(&of("")).get(users::show).patch(users::update).delete(users::delete).done())
        .service(resource(&of("/role")).patch(users::set_role).done())
        .service(resource(&of("/profile")).get(user_settings::profile).patch(user_settings::update_profile).done())
        .service(resource(&of("/avatar")).patch(user_settings::set_avatar).delete(user_settings::remove_avatar).done())
        .service(resource(&of("/avatar/upload-url")).post(user_settings::avatar_upload).done())
        .service(resource(&of("/preferences")).get(user_settings::preferences).patch(user_settings::update_preferences).done())
        .service(resource(&of("/notifications")).get(user_settings::notifications).patch(user_settings::update_notifications).done())
        .service(resource(&of("/onboarding")).get(user_settings::onboarding).patch(user_settings::update_onboarding).done())
        .service(resource(&of("/public-settings")).get(user_settings::public_settings).patch(user_settings::update_public_settings).done())
        .service(resource(&of("/sessions")).get(user_support::sessions).delete(user_support::end_sessions).done())
        .service(resource(&of("/sessions/{sessionId}")).delete(user_support::end_session).done())
        .service(resource(&of("/accounts")).get(user_support::accounts).done())
        .service(resource(&of("/impersonate")).post(user_support::act_as).done())
        .service(resource(&of("/send/{template}")).post(user_support::send).done());
}

fn stored_files(config: &mut ServiceConfig) {
    const F: &str = "/projects/{projectId}/environments/{environment}/files";
    let at = |path: &str| format!("{F}{path}");
    config
        .service(resource("/projects/{projectId}/environments/{environment}/storage/settings").get(storage::settings).patch(storage::update_settings).done())
        .service(resource(F).get(files::list).post(files::register).done())
        .service(resource(&at("/presigned-url")).post(files::presign).done())
        .service(resource(&at("/upload")).post(files::upload).done())
        .service(resource(&at("/stats")).get(files::stats).done())
        .service(resource(&at("/buckets")).get(files::buckets).done())
        .service(resource(&at("/bulk")).post(storage::bulk).done())
        .service(resource(&at("/import")).post(file_import::import).done())
        .service(resource(&at("/unregistered")).get(storage::unregistered).done())
        .service(resource(&at("/unregistered/{fileId}")).delete(storage::delete_unregistered).done())
        .service(resource(&at("/multipart")).get(files::open_uploads).done())
        .service(resource(&at("/multipart/init")).post(files::begin_multipart).done())
        .service(resource(&at("/multipart/presigned-url")).post(files::part_urls).done())
        .service(resource(&at("/multipart/complete")).post(files::complete_multipart).done())
        .service(resource(&at("/multipart/abort")).post(files::abort_multipart).done())
        .service(resource(&at("/multipart/{uploadId}")).get(files::open_upload).done())
        .service(resource(&at("/{id}")).get(files::show).patch(files::update).delete(files::delete).done())
        .service(resource(&at("/{id}/download-url")).get(files::download_url_by_query).post(files::download_url).done())
        .service(resource(&at("/{id}/download")).get(files::download).done());
}

fn inside_tables(config: &mut ServiceConfig) {
    const T: &str = "/projects/{projectId}/environments/{environment}/tables";
    let at = |path: &str| format!("{T}/{{tableName}}{path}");
    config
        .service(resource(T).get(tables::list).post(tables::create).done())
        .service(resource(&at("")).get(tables::show).patch(tables::update).delete(tables::delete).done())
        .service(resource(&at("/truncate")).post(tables::truncate).done())
        .service(resource(&at("/spec")).get(tables::spec).done())
        .service(resource(&at("/openapi")).get(tables::openapi).done())
        .service(resource(&at("/relations")).get(tables::relations).done())
        .service(resource(&at("/fields/manage")).post(schemas::manage_fields).done())
        .service(resource(&at("/schema/rollback")).post(schemas::roll_back).done())
        .service(resource(&at("/schema/diff")).get(schemas::diff).done())
        .service(resource(&at("/schema/versions")).get(schemas::versions).done())
        .service(resource(&at("/schema/versions/{version}")).get(schemas::version).done())
        .service(resource(&at("/indexes/manage")).post(indexes::manage).done())
        .service(resource(&at("/indexes/rollback")).post(indexes::roll_back).done())
        .service(resource(&at("/indexes/versions")).get(indexes::versions).done())
        .service(resource(&at("/indexes/versions/{version}")).get(indexes::version).done())
        .service(resource(&at("/permissions")).get(permissions::show).put(permissions::replace).done())
        .service(resource(&at("/permissions/explain")).post(permissions::explain).done())
        .service(resource(&at("/import")).post(transfer::import).done())
        .service(resource(&at("/export")).get(transfer::export).done())
        .service(resource(&at("/records")).get(records::list).post(records::create).done())
        .service(resource(&at("/records/batch")).post(records_bulk::batch).done())
        .service(resource(&at("/records/delete")).post(records_bulk::delete).done())
        .service(resource(&at("/records/{id}")).get(records::show).patch(records::update).put(records::replace).delete(records::delete).done());
}

fn of_the_server(config: &mut ServiceConfig) {
    config
        .service(resource("/docs").get(docs::contents).done())
        .service(resource("/docs/search").get(docs::search).done())
        .service(resource("/docs/pages/{id:.*}").get(docs::page).done())
        .service(resource("/jobs/{id}").get(jobs::show).done())
        .service(resource("/jobs/{id}/artifact").get(jobs::artifact).done())
        .service(resource("/jobs/{id}/events").get(jobs::watch).done())
        .service(resource("/jobs/{id}/cancel").post(jobs::cancel).done());
    config
        .service(resource("/mailbox").get(server::mailbox).done())
        .service(resource("/server").get(server::show).done())
        .service(resource("/server/login-links").post(server::create_login_link).done())
        .service(resource("/server/smtp").get(server::relay).put(server::set_relay).delete(server::remove_relay).done())
        .service(resource("/server/smtp/test").post(server::test_relay).done());
}
