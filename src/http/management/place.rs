//! Which environment, table or record a path names, for a developer whose role lets it in.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::identity::Developer;
use crate::domain::caller::Caller;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::records::Records;
use crate::domain::tenancy::guard::{Need, Role};
use crate::http::State;

/// An environment and the developer in it.
pub struct Place {
    pub environment: Arc<Environment>,
    pub caller: Caller,
    table: Option<String>,
}

impl Place {
    /// For calls that change nothing.
    ///
    /// # Errors
    /// 404 and 403 of the guard.
    pub async fn to_read(request: &HttpRequest, state: &State, developer: &Developer) -> Result<Self> {
        Self::find(request, state, developer, Need::read(Role::Member)).await
    }

    /// For calls that change something.
    ///
    /// # Errors
    /// 404 and 403 of the guard.
    pub async fn to_write(request: &HttpRequest, state: &State, developer: &Developer) -> Result<Self> {
        Self::find(request, state, developer, Need::write(Role::Member)).await
    }

    /// For calls that change what only admins change.
    ///
    /// # Errors
    /// 404 and 403 of the guard.
    pub async fn to_administer(request: &HttpRequest, state: &State, developer: &Developer) -> Result<Self> {
        Self::find(request, state, developer, Need::write(Role::Admin)).await
    }

    async fn find(request: &HttpRequest, state: &State, developer: &Developer, need: Need) -> Result<Self> {
        let part = |name: &str| request.match_info().get(name).map(str::to_owned);
        let (Some(project), Some(name)) = (part("projectId"), part("environment")) else {
            return Err(Error::internal("a route inside an environment names none"));
        };
        let environment = state.tenant_environment(developer, &project, &name, need).await?;
        Ok(Self { environment, caller: Caller::Tenant((**developer).clone()), table: part("tableName") })
    }

    /// The table's name in the path.
    pub fn table(&self) -> &str {
        self.table.as_deref().unwrap_or_default()
    }

    /// The records of the table in the path.
    ///
    /// # Errors
    /// 404 `data/table-not-found`.
    pub fn records(&self) -> Result<Records> {
        self.records_as(&self.caller)
    }

    /// The same, as somebody else sees them.
    ///
    /// # Errors
    /// 404 `data/table-not-found`; 403 for a system table.
    pub fn records_as(&self, caller: &Caller) -> Result<Records> {
        Records::open(&self.environment, caller, self.table())
    }
}
