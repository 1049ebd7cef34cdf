//! What an environment does by itself, once it is opened and then every hour.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::environment::Environment;
use super::error::Result;

const EVERY: Duration = Duration::from_secs(3600);

/// Does `work` for as long as the environment is open; a failure is logged as `could not <what>`.
pub async fn hourly<T, F>(environment: Weak<Environment>, what: &'static str, work: impl Fn(Arc<Environment>) -> F)
where
    F: Future<Output = Result<T>>,
{
    while let Some(open) = environment.upgrade().filter(|open| !open.data().is_closed()) {
        if let Err(error) = work(Arc::clone(&open)).await
            && !open.data().is_closed()
        {
            tracing::error!(%error, cause = error.cause(), "could not {what}");
        }
        drop(open);
        tokio::time::sleep(EVERY).await;
    }
}
