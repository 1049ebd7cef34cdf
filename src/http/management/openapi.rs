//! The management part of `/openapi.json`, derived from the handlers.

use utoipa::OpenApi;

use super::{account, activities, api_keys, cors, environments, members, organizations, projects, server, session, sessions, tokens};

/// Every route of `/management/v1`.
#[derive(OpenApi)]
#[openapi(paths(
    session::show,
    session::redeem_link,
    session::sign_out,
    account::show,
    account::update,
    sessions::list,
    sessions::revoke,
    tokens::list,
    tokens::create,
    tokens::revoke,
    tokens::list_of_organization,
    tokens::revoke_in_organization,
    organizations::list,
    organizations::create,
    organizations::show,
    organizations::update,
    organizations::delete,
    organizations::stats,
    members::list,
    members::update,
    members::remove,
    members::transfer,
    members::leave,
    activities::of_organization,
    activities::of_project,
    projects::list,
    projects::create,
    projects::show,
    projects::update,
    projects::delete,
    cors::show,
    cors::replace,
    environments::list,
    environments::create,
    environments::show,
    environments::delete,
    environments::stats,
    environments::checklist,
    api_keys::list,
    api_keys::create,
    api_keys::rename,
    api_keys::delete,
    server::show,
    server::create_login_link,
))]
pub struct ManagementApi;
