//! One call of one tool: who asks, for what, and where it acts.

use std::sync::Arc;

use serde_json::Value;

use super::catalog::Tool;
use super::input::{Input, missing_argument};
use crate::domain::backend::Backend;
use crate::domain::caller::{Caller, Tenant};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::oauth::McpAccess;
use crate::domain::page::Page;
use crate::domain::records::Records;
use crate::domain::tables::table::Table;
use crate::domain::tenancy::guard::{Need, Role};
use crate::domain::tenancy::reach::{EnvironmentRef, ProjectRef};
use crate::mcp::Connection;

/// A call, with its arguments read.
pub struct Call<'c> {
    pub connection: &'c Connection,
    pub access: &'c McpAccess,
    pub tool: &'static Tool,
    pub input: Input,
}

/// A table and the environment it is in.
pub struct TablePlace {
    pub environment: Arc<Environment>,
    pub table: Arc<Table>,
}

impl<'c> Call<'c> {
    pub fn backend(&self) -> &'c Arc<Backend> {
        &self.connection.backend
    }

    pub fn tenant(&self) -> &'c Tenant {
        &self.access.tenant
    }

    pub fn organization(&self) -> &'c str {
        &self.access.organization_id
    }

    /// Refuses an organization that is not the connection's.
    ///
    /// # Errors
    /// 404 `organization/not-found`.
    pub fn same_organization(&self) -> Result<()> {
        match self.input.text("organizationId") {
            Some(given) if given != self.organization() => {
                let message = format!("This connection works in the organization {} only, not in {}", self.organization(), clip(given));
                Err(Error::new(Code::ORGANIZATION_NOT_FOUND, message))
            }
            _ => Ok(()),
        }
    }

    /// `page` and `limit`.
    ///
    /// # Errors
    /// `common/invalid-parameters`.
    pub fn page(&self) -> Result<Page> {
        let text = |name: &str| self.input.whole(name).map(|n| n.to_string());
        Page::parse(text("page").as_deref(), text("limit").as_deref())
    }

    /// The project that is named, or the one the connection is restricted to; `None` when neither is.
    ///
    /// # Errors
    /// 404 `project/not-found`; 403 `organization/permission-denied` for another one than the connection's.
    pub async fn some_project(&self) -> Result<Option<ProjectRef>> {
        let pinned = match &self.connection.narrowing.project {
            Some(pin) => Some(self.reach_project(pin).await?),
            None => None,
        };
        let Some(given) = self.input.text("projectId") else { return Ok(pinned) };
        let found = self.reach_project(given).await?;
        match pinned {
            Some(pin) if pin.id != found.id => Err(outside(&format!("project {}", pin.slug))),
            _ => Ok(Some(found)),
        }
    }

    /// # Errors
    /// As [`Call::some_project`]; `common/invalid-parameters` when none is named.
    pub async fn project(&self) -> Result<ProjectRef> {
        self.some_project().await?.ok_or_else(|| missing_argument("projectId", "Project ID or slug"))
    }

    async fn reach_project(&self, id_or_slug: &str) -> Result<ProjectRef> {
        self.backend().reach_project(self.tenant(), self.organization(), id_or_slug).await
    }

    /// The environment that is named by `environmentId`, or by `projectId` and `environment`; `None` when none is.
    ///
    /// # Errors
    /// 404; 403 for another one than the connection's; `common/invalid-parameters` when arguments contradict each other.
    pub async fn some_environment(&self) -> Result<Option<EnvironmentRef>> {
        let project = self.some_project().await?;
        let project_id = project.as_ref().map(|p| p.id.as_str());
        let pin = &self.connection.narrowing.environment;
        let (id, name) = (self.input.text("environmentId"), self.input.text("environment"));
        let found = match (id, name, pin) {
            (Some(id), _, _) => self.by_id_or_name(project_id, id).await?,
            (None, Some(name), _) => self.reach_environment(project_id, name).await?,
            (None, None, Some(pin)) => return self.reach_environment(project_id, pin).await.map(Some),
            (None, None, None) => return Ok(None),
        };
        if let (Some(id), Some(name)) = (id, name)
            && name != found.name
            && name != found.id
        {
            return Err(contradiction("environmentId", id, "environment", name));
        }
        if let Some(pin) = pin
            && *pin != found.name
            && *pin != found.id
        {
            return Err(outside(&format!("environment {pin}")));
        }
        Ok(Some(found))
    }

    /// An id stands alone; should it belong to another project than the named one, the arguments contradict each other.
    async fn by_id_or_name(&self, project_id: Option<&str>, id: &str) -> Result<EnvironmentRef> {
        match self.reach_environment(None, id).await {
            Ok(found) => match project_id {
                Some(project) if project != found.project_id => match self.connection.narrowing.project {
                    Some(ref pin) if !self.input.has("projectId") => Err(outside(&format!("project {pin}"))),
                    _ => Err(contradiction("environmentId", id, "projectId", project)),
                },
                _ => Ok(found),
            },
            Err(error) => match project_id {
                Some(_) => self.reach_environment(project_id, id).await,
                None => Err(error),
            },
        }
    }

    async fn reach_environment(&self, project_id: Option<&str>, id_or_name: &str) -> Result<EnvironmentRef> {
        self.backend().reach_environment(self.tenant(), self.organization(), project_id, id_or_name).await
    }

    /// # Errors
    /// As [`Call::some_environment`]; `common/invalid-parameters` when none is named.
    pub async fn environment_ref(&self) -> Result<EnvironmentRef> {
        if let Some(found) = self.some_environment().await? {
            return Ok(found);
        }
        Err(match self.some_project().await? {
            Some(_) => missing_argument("environment", "its name, or environmentId"),
            None => missing_argument("environmentId", "or projectId and environment"),
        })
    }

    /// The environment, opened, for a look.
    ///
    /// # Errors
    /// As [`Call::environment_ref`]; 403 of the guard.
    pub async fn environment_to_read(&self) -> Result<Arc<Environment>> {
        let found = self.environment_ref().await?;
        self.open(&found, Need::read(Role::Member)).await
    }

    /// The environment, opened, for a change.
    ///
    /// # Errors
    /// As [`Call::environment_to_read`]; 403 `environment/protected`.
    pub async fn environment_to_write(&self) -> Result<Arc<Environment>> {
        let found = self.environment_ref().await?;
        let environment = self.open(&found, Need::write(Role::Member)).await?;
        self.unprotected(&found.name, &found.kind)?;
        Ok(environment)
    }

    async fn open(&self, found: &EnvironmentRef, need: Need) -> Result<Arc<Environment>> {
        self.backend().tenant_environment(self.tenant(), &found.project_id, &found.id, need).await
    }

    /// Environments of type `prod` are read-only unless a person ticked the box.
    ///
    /// # Errors
    /// 403 `environment/protected`, saying how to allow it.
    pub fn unprotected(&self, name: &str, kind: &str) -> Result<()> {
        if kind != "prod" || self.access.allow_prod {
            return Ok(());
        }
        Err(Error::new(Code::ENVIRONMENT_PROTECTED, format!("The environment {name} is of type prod, which AI clients may read but not change")))
    }

    /// The table that is named by `tableId`, or by environment and `tableName`.
    ///
    /// # Errors
    /// 404 `data/table-not-found`; as [`Call::environment_to_read`].
    pub async fn table_to_read(&self) -> Result<TablePlace> {
        self.table(Need::read(Role::Member)).await
    }

    /// The same, for a change.
    ///
    /// # Errors
    /// As [`Call::table_to_read`]; 403 `environment/protected`.
    pub async fn table_to_write(&self) -> Result<TablePlace> {
        let place = self.table(Need::write(Role::Member)).await?;
        self.unprotected(place.environment.name(), place.environment.kind())?;
        Ok(place)
    }

    async fn table(&self, need: Need) -> Result<TablePlace> {
        let Some(id) = self.input.text("tableId") else { return self.table_by_name(need).await };
        // A name where the id belongs is understood when the environment is known too.
        let (environment, table) = match self.backend().reach_table(self.tenant(), self.organization(), id).await {
            Ok(found) => found,
            Err(error) if self.input.has("tableName") => return Err(error),
            Err(error) => match self.some_environment().await? {
                Some(found) => {
                    let environment = self.open(&found, need).await?;
                    let table = environment.table(id).ok_or(error)?;
                    (environment, table)
                }
                None => return Err(error),
            },
        };
        self.agrees(&environment, &table, id).await?;
        let reference = EnvironmentRef {
            id: environment.id().to_owned(),
            name: environment.name().to_owned(),
            kind: environment.kind().to_owned(),
            project_id: environment.project().id.clone(),
        };
        Ok(TablePlace { environment: self.open(&reference, need).await?, table })
    }

    /// Whatever else is said of a table known by its id must be true of it.
    async fn agrees(&self, environment: &Environment, table: &Table, id: &str) -> Result<()> {
        if let Some(name) = self.input.text("tableName").filter(|name| *name != table.name) {
            return Err(contradiction("tableId", id, "tableName", name));
        }
        for argument in ["environmentId", "environment"] {
            if let Some(given) = self.input.text(argument).filter(|given| *given != environment.name() && *given != environment.id()) {
                return Err(contradiction("tableId", id, argument, given));
            }
        }
        if let Some(project) = self.some_project().await?.filter(|project| project.id != environment.project().id) {
            return Err(match self.input.text("projectId") {
                Some(given) => contradiction("tableId", id, "projectId", given),
                None => outside(&format!("project {}", project.slug)),
            });
        }
        match &self.connection.narrowing.environment {
            Some(pin) if pin != environment.name() && pin != environment.id() => Err(outside(&format!("environment {pin}"))),
            _ => Ok(()),
        }
    }

    async fn table_by_name(&self, need: Need) -> Result<TablePlace> {
        let Some(name) = self.input.text("tableName") else {
            return Err(missing_argument("tableId", "or projectId, environment and tableName"));
        };
        let environment = self.open(&self.environment_ref().await?, need).await?;
        let records = Records::open(&environment, &Caller::Tenant(self.tenant().clone()), name)?;
        let table = Arc::clone(records.table());
        Ok(TablePlace { environment, table })
    }

    /// The records of a table, as a secret key sees them.
    pub fn records(&self, place: &TablePlace) -> Records {
        Records::of(&place.environment, &Caller::Tenant(self.tenant().clone()), Arc::clone(&place.table))
    }

    /// Adds a sentence to the warnings of the answer.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.input.warnings.push(text.into());
    }

    /// Warnings of an operation: sentences, and counts of stored values that break a new rule.
    pub fn warn_of(&mut self, warnings: &[Value]) {
        for warning in warnings {
            match warning {
                Value::String(text) => self.warn(text.clone()),
                other => self.warn(format!(
                    "{} stored values of {} break the rule {}; they stay, and the next write of that field must follow it",
                    other["count"],
                    other["field"].as_str().unwrap_or_default(),
                    other["rule"].as_str().unwrap_or_default()
                )),
            }
        }
    }
}

fn contradiction(name: &str, value: &str, other: &str, other_value: &str) -> Error {
    let message = format!("{name} {} and {other} {} do not belong together; give one of them, or correct it", clip(value), clip(other_value));
    Error::invalid_parameter(other, message)
}

pub(super) fn outside(allowed: &str) -> Error {
    Error::new(
        Code::ORGANIZATION_PERMISSION_DENIED,
        format!("The address of this connection restricts it to the {allowed}; leave the argument out, or connect without that restriction"),
    )
}
