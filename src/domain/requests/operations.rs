//! What developers ask of the request log and the metrics of an environment.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Filter, Live, Metrics, RequestDetail, RequestEntry, TimeSeries};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Error, Result};
use crate::domain::page::{List, Page};
use crate::domain::tenancy::guard::{Need, Role};

impl Backend {
    /// The request log of an environment, newest first unless the filter says otherwise.
    ///
    /// # Errors
    /// As [`crate::domain::tenancy::guard::environment`].
    pub async fn request_entries(
        self: &Arc<Self>,
        tenant: &Tenant,
        project: &str,
        environment: &str,
        filter: &Filter,
        page: Page,
    ) -> Result<List<RequestEntry>> {
        let environment = self.tenant_environment(tenant, project, environment, Need::read(Role::Member)).await?;
        environment.requests().list(filter, page).await
    }

    /// # Errors
    /// As above, and 404 `request/not-found`.
    pub async fn request_entry(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, id: &str) -> Result<RequestDetail> {
        let environment = self.tenant_environment(tenant, project, environment, Need::read(Role::Member)).await?;
        environment.requests().get(id).await
    }

    /// Empties the request log; admins only.
    ///
    /// # Errors
    /// As above.
    pub async fn clear_requests(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str) -> Result<()> {
        let environment = self.tenant_environment(tenant, project, environment, Need::write(Role::Admin)).await?;
        environment.requests().clear().await?;
        let project = environment.project();
        let change = Change {
            organization_id: Some(&project.organization_id),
            project_id: Some(&project.id),
            environment: Some(environment.name()),
            entity: "environment",
            action: "updated",
            entity_id: environment.id(),
            entity_name: environment.name(),
            metadata: Map::from_iter([("cleared".to_owned(), Value::from("requests"))]),
        };
        let activity = change.by(tenant);
        self.control().write::<_, Error, _>(move |tx| Ok(tx.insert_activity(&activity)?)).await
    }

    /// Entries from now on, and those missed since `last_id` before them (the newest 1,000).
    ///
    /// # Errors
    /// As above.
    pub async fn watch_requests(
        self: &Arc<Self>,
        tenant: &Tenant,
        project: &str,
        environment: &str,
        filter: Filter,
        last_id: Option<&str>,
    ) -> Result<(Vec<RequestEntry>, Live)> {
        let environment = self.tenant_environment(tenant, project, environment, Need::read(Role::Member)).await?;
        environment.requests().subscribe(filter, last_id).await
    }

    /// What the environment did and held over time.
    ///
    /// # Errors
    /// As above.
    pub async fn environment_metrics(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, wanted: TimeSeries) -> Result<Metrics> {
        let environment = self.tenant_environment(tenant, project, environment, Need::read(Role::Member)).await?;
        if wanted.includes_now() {
            environment.requests().note_sizes_of(environment.data()).await?;
        }
        environment.requests().metrics(wanted).await
    }
}
