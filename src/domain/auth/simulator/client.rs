//! Which environment a client id of the simulator means.

use std::sync::Arc;

use super::unusable;
use crate::domain::auth::social::{Mode, Provider};
use crate::domain::backend::Backend;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};

const PREFIX: &str = "sim_";

/// The client id that always means this environment.
pub fn client_id_of(environment: &Environment) -> String {
    format!("{PREFIX}{}_{}", environment.project().id, environment.name())
}

impl Backend {
    /// The environment a client id means, if the provider may be simulated there.
    ///
    /// # Errors
    /// 400 `common/invalid-parameters`, `auth/oauth-not-configured`.
    pub async fn simulator_environment(self: &Arc<Self>, provider: Provider, client_id: &str) -> Result<Arc<Environment>> {
        let environment = self.environment_of_client(provider, client_id).await?;
        let environment = environment.ok_or_else(|| unusable(format!("No environment, or more than one, has the client_id {}", clip(client_id))))?;
        if provider.mode(&environment, self.options().loopback_only)? == Mode::Real {
            let message = format!("This environment uses the real {}, so its simulator is off", provider.title());
            return Err(Error::new(Code::OAUTH_NOT_CONFIGURED, message));
        }
        Ok(environment)
    }

    async fn environment_of_client(self: &Arc<Self>, provider: Provider, client_id: &str) -> Result<Option<Arc<Environment>>> {
        if let Some((project, name)) = client_id.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')) {
            return match self.environment_named(project, name).await {
                // An environment also has an id, which is not its name here.
                Ok(environment) => Ok(Some(environment).filter(|e| e.name() == name)),
                Err(error) if error.code() == Code::ENVIRONMENT_NOT_FOUND => Ok(None),
                Err(error) => Err(error),
            };
        }
        let rows = self.control().read::<_, Error, _>(|r| Ok(r.all_environments()?)).await?;
        let mut found = None;
        for row in rows {
            let environment = match self.environment(&row.id).await {
                Ok(environment) => environment,
                // Deleted meanwhile.
                Err(error) if error.code() == Code::ENVIRONMENT_NOT_FOUND => continue,
                Err(error) => return Err(error),
            };
            if provider.settings(&environment.auth_config()).client_id.as_deref() == Some(client_id) && found.replace(environment).is_some() {
                return Ok(None);
            }
        }
        Ok(found)
    }
}
