//! The `/v1` part of `/openapi.json`, derived from the handlers.

use utoipa::OpenApi;

use super::auth::{accounts, additions, invitations, jwks, mfa, pages, passwords, sessions, sign_in, sign_up, simulator, social, verification};
use super::files::{metadata, multipart, uploads};
use super::users::{avatars, import, people, settings};
use super::{auth_settings, changes, data, transfer};

/// Every route of `/v1/data`, in its long form.
#[derive(OpenApi)]
#[openapi(paths(
    data::create,
    data::list,
    data::query_list,
    data::count,
    data::aggregate,
    data::read,
    data::update,
    data::replace,
    data::delete,
    data::upsert,
    data::bulk,
    transfer::import,
    transfer::export,
    changes::table_changes,
    changes::changes,
    data::run_transaction,
    data::update_matching,
    data::delete_matching,
    data::table_spec,
    data::table_openapi,
))]
pub struct DataApi;

/// Every route of `/v1/auth`.
#[derive(OpenApi)]
#[openapi(paths(
    sessions::me,
    sessions::refresh,
    sessions::sign_out,
    sessions::list,
    sessions::revoke,
    sessions::revoke_others,
    sessions::switch_organization,
    sign_up::sign_up,
    sign_in::sign_in,
    sign_in::callback,
    verification::resend_signup,
    verification::open_signup,
    verification::send,
    verification::resend,
    verification::open_contact,
    verification::confirm,
    passwords::request_reset,
    passwords::confirm_reset,
    passwords::change,
    passwords::withdraw,
    invitations::create,
    invitations::list,
    invitations::show,
    invitations::accept,
    invitations::reject,
    invitations::revoke,
    pages::show_reset,
    pages::reset,
    pages::show_invitation,
    pages::answer_invitation,
    mfa::enable,
    mfa::confirm,
    mfa::disable,
    mfa::verify,
    additions::anonymous,
    additions::impersonate,
    additions::events,
    social::authorize,
    social::callback,
    social::returned,
    simulator::approve::approve,
    accounts::link,
    accounts::list,
    accounts::unlink,
    accounts::check,
    jwks::jwks,
))]
pub struct AuthApi;

/// The routes of `/v1/auth` that earlier documentation had for settings.
#[derive(OpenApi)]
#[openapi(paths(
    auth_settings::providers,
    auth_settings::email,
    auth_settings::set_email,
    auth_settings::oauth,
    auth_settings::provider,
    auth_settings::set_provider,
    auth_settings::reset_provider,
    auth_settings::mail,
    auth_settings::set_mail,
    auth_settings::list_templates,
    auth_settings::template,
    auth_settings::set_template,
    auth_settings::preview,
))]
pub struct AuthSettingsApi;

/// Every route of `/v1/users`.
#[derive(OpenApi)]
#[openapi(paths(
    people::list,
    people::create,
    people::by_slug,
    people::show,
    people::update,
    people::delete,
    people::set_role,
    import::import,
    avatars::upload_url,
    avatars::set,
    avatars::remove,
    settings::profile,
    settings::update_profile,
    settings::preferences,
    settings::update_preferences,
    settings::notifications,
    settings::update_notifications,
    settings::onboarding,
    settings::update_onboarding,
    settings::public_settings,
    settings::update_public_settings,
))]
pub struct UsersApi;

/// Every route of `/v1/files`.
#[derive(OpenApi)]
#[openapi(paths(
    metadata::list,
    metadata::register,
    uploads::presign,
    super::files::direct::upload,
    metadata::stats,
    metadata::buckets,
    multipart::list,
    multipart::begin,
    multipart::begin_before,
    multipart::part_url,
    multipart::complete,
    multipart::abort,
    multipart::show,
    multipart::part_url_of,
    multipart::complete_of,
    multipart::abort_of,
    metadata::show,
    metadata::update,
    metadata::delete,
    metadata::set_visibility,
    metadata::complete,
    uploads::download_url_by_query,
    uploads::download_url,
    uploads::download,
))]
pub struct FilesApi;
