//! Who is calling `/v1`, from what the request carries (`00-conventions.md`, "Identifying the caller").

use std::sync::Arc;

use super::auth::tokens;
use super::backend::Backend;
use super::caller::{Caller, EndUser};
use super::environment::Environment;
use super::error::{Code, Error, Result};
use super::keys::{ApiKey, KeyKind};

/// What a request says of its caller, as plain text.
#[derive(Debug, Clone, Default)]
pub struct Credentials<'a> {
    pub api_key: Option<&'a str>,
    /// The text after `Bearer `: a JWT, or a key.
    pub bearer: Option<&'a str>,
    pub project_id: Option<&'a str>,
    pub environment: Option<&'a str>,
}

/// Where a request goes and who sends it.
#[derive(Clone)]
pub struct Access {
    pub environment: Arc<Environment>,
    pub caller: Caller,
}

impl Backend {
    /// Finds environment and caller; `found` hears of the environment as soon as it is known, also when the user's token
    /// then turns out to be no good.
    ///
    /// # Errors
    /// 401 for bad credentials, 403 when key and headers disagree, 404 for an unknown project or environment, 400 for
    /// `X-Environment` alone.
    pub async fn access(self: &Arc<Self>, credentials: &Credentials<'_>, found: impl FnOnce(Access)) -> Result<Access> {
        let (environment, key, jwt) = self.select(credentials).await?;
        let user = match jwt {
            Some(jwt) => {
                found(Access { environment: Arc::clone(&environment), caller: caller(key.clone(), None) });
                Some(tokens::verify(&environment, jwt).await?)
            }
            None => None,
        };
        Ok(Access { environment, caller: caller(key, user) })
    }

    /// As [`Backend::access`] on routes that need no user: a token that is no good is left out, and why it is stands
    /// beside the access.
    ///
    /// # Errors
    /// As [`Backend::access`], but for those of the token.
    pub async fn access_of_key(self: &Arc<Self>, credentials: &Credentials<'_>) -> Result<(Access, Option<Error>)> {
        let (environment, key, jwt) = self.select(credentials).await?;
        let (user, refused) = match jwt {
            Some(jwt) => match tokens::verify(&environment, jwt).await {
                Ok(user) => (Some(user), None),
                // A failure of the store is not the token's.
                Err(error) if error.code().status >= 500 => return Err(error),
                Err(error) => (None, Some(error)),
            },
            None => (None, None),
        };
        Ok((Access { environment, caller: caller(key, user) }, refused))
    }

    /// Environment, key and token; a `pk_` or `sk_` given as Bearer token counts as the key.
    async fn select<'a>(self: &Arc<Self>, c: &Credentials<'a>) -> Result<(Arc<Environment>, Option<Arc<ApiKey>>, Option<&'a str>)> {
        let bearer_is_key = c.bearer.is_some_and(|b| KeyKind::of_value(b).is_some());
        let jwt = c.bearer.filter(|_| !bearer_is_key);
        if let Some(value) = c.api_key.or(c.bearer.filter(|_| bearer_is_key)) {
            let key = self.keys().resolve(self.control(), value).await?;
            let environment = self.environment(&key.environment_id).await?;
            let disagrees =
                c.project_id.is_some_and(|p| p != environment.project().id) || c.environment.is_some_and(|e| e != environment.name() && e != environment.id());
            if disagrees {
                return Err(Error::new(
                    Code::PROJECT_ACCESS_DENIED,
                    "The API key belongs to another project or environment than X-Project-Id and X-Environment name",
                ));
            }
            return Ok((environment, Some(key), jwt));
        }
        let Some(project) = c.project_id else {
            return Err(match c.environment {
                Some(_) => Error::new(Code::INVALID_HEADER, "X-Environment needs X-Project-Id or X-API-Key beside it"),
                None => Error::new(Code::UNAUTHORIZED, "Send an API key in X-API-Key, or X-Project-Id and X-Environment"),
            });
        };
        Ok((self.environment_named(project, c.environment.unwrap_or("dev")).await?, None, jwt))
    }
}

fn caller(key: Option<Arc<ApiKey>>, user: Option<Arc<EndUser>>) -> Caller {
    match (key, user) {
        (Some(key), acting_as) if key.kind == KeyKind::Secret => Caller::SecretKey { key, acting_as },
        (key, Some(user)) => Caller::User { key, user },
        (key, None) => Caller::Guest { key },
    }
}
