//! The `/v1` part of `/openapi.json`, derived from the handlers.

use utoipa::OpenApi;

use super::{changes, data, transfer};

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
