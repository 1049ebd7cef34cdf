//! What `serve` does once it listens: waits until requests are answered, then prints the banner and writes the ready file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::banner::{self, Ready, SignIn};
use super::client::Client;
use super::context::Context;
use super::exit::{Exit, Failure, Result};
use super::log;
use super::output::write_stdout;
use super::reach::operator_token;
use super::settings::shown;
use crate::domain::backend::Backend;
use crate::domain::error::Error;
use crate::domain::tenancy::FirstRun;
use crate::domain::tenancy::api_keys::KeyFilter;
use crate::domain::tenancy::projects::ProjectView;

/// A server that listens, and how it is to be announced.
pub struct Start {
    pub backend: Arc<Backend>,
    /// Base of handed-out URLs.
    pub url: String,
    /// Where this process itself reaches the server.
    pub address: String,
    pub first_run: Option<FirstRun>,
    pub data_dir: PathBuf,
    pub json: bool,
    pub hide_secrets: bool,
    pub ready_file: Option<PathBuf>,
    pub open: bool,
}

pub async fn announce(context: &Context, start: &Start) -> Result<()> {
    let client = Client::local(&start.address, operator_token(&start.data_dir)?, context.timeout, false)?;
    log::hush_requests(true);
    wait_until_ready(context, &client).await?;
    log::hush_requests(false);
    let ready = describe(context, start).await?;
    if start.json {
        write_stdout(&banner::event(&ready).to_string())?;
    } else {
        write_stdout(banner::text(&ready).trim_end_matches('\n'))?;
    }
    // After the banner, which is the only place a new secret key may be left if the file cannot be written.
    if let Some(path) = &start.ready_file {
        banner::write_ready_file(path, &ready).map_err(|e| Failure::usage(format!("--ready-file {}: {e}", path.display())))?;
    }
    if start.open {
        let link = match &ready.sign_in {
            Some(link) => link.url.clone(),
            None => sign_in_link(&start.backend, &start.url).await?.url,
        };
        super::login_link::open(context, &link);
    }
    Ok(())
}

async fn wait_until_ready(context: &Context, client: &Client) -> Result<()> {
    let answers = async {
        while !client.is_ready().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(context.timeout, answers)
        .await
        .map_err(|_| Failure::new(Exit::Network, "cli/unreachable", format!("The server listens at {} but does not answer", client.base())))
}

async fn describe(context: &Context, start: &Start) -> Result<Ready> {
    let project = shown_project(context, start).await?;
    let names: Vec<&str> = project.iter().flat_map(|project| &project.environments).map(|environment| environment.environment.as_str()).collect();
    let wanted = context.env.value.as_str();
    let environment = if names.contains(&wanted) { wanted } else { names.first().unwrap_or(&wanted) }.to_string();
    let publishable_key = match (&start.first_run, &project) {
        (Some(first), _) => Some(first.publishable_key.clone()),
        (None, Some(project)) => publishable_key(start, &project.id, &environment).await?,
        (None, None) => None,
    };
    let signed_in = start.backend.anyone_signed_in().await.map_err(unreadable)?;
    let sign_in = if signed_in { None } else { Some(sign_in_link(&start.backend, &start.url).await?) };
    Ok(Ready {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        url: start.url.clone(),
        pid: std::process::id(),
        project_name: project.as_ref().map_or_else(|| "no project".to_owned(), |project| project.name.clone()),
        project_id: project.map(|project| project.id).unwrap_or_default(),
        environment,
        data_dir: start.data_dir.display().to_string(),
        data_dir_shown: shown(&start.data_dir),
        new: start.first_run.is_some(),
        publishable_key,
        secret_key: start.first_run.as_ref().and_then(|first| first.secret_key.clone()),
        sign_in,
        hide_secrets: start.hide_secrets,
    })
}

/// The project of the settings when there is such a one, else the first; all of them may have been deleted.
async fn shown_project(context: &Context, start: &Start) -> Result<Option<ProjectView>> {
    let owner = start.backend.operator_tenant().await.map_err(unreadable)?;
    let mut all = Vec::new();
    for organization in start.backend.organizations(&owner).await.map_err(unreadable)? {
        all.extend(start.backend.projects(&owner, &organization.id).await.map_err(unreadable)?);
    }
    let is_meant = |project: &ProjectView| context.project.as_ref().is_some_and(|wanted| [&project.id, &project.slug, &project.name].contains(&&wanted.value));
    let at = all.iter().position(is_meant).unwrap_or(0);
    Ok(all.into_iter().nth(at))
}

/// The first publishable key that can still be shown.
async fn publishable_key(start: &Start, project: &str, environment: &str) -> Result<Option<String>> {
    let owner = start.backend.operator_tenant().await.map_err(unreadable)?;
    let filter = KeyFilter { kind: Some("publishable".to_owned()), ..KeyFilter::default() };
    let mut keys = match start.backend.api_keys(&owner, project, environment, filter).await {
        // A project whose environments are all gone has no keys either.
        Err(error) if error.code().status == 404 => return Ok(None),
        other => other.map_err(unreadable)?,
    };
    keys.sort_by(|a, b| a.created_at.cmp(&b.created_at));
    Ok(keys.into_iter().find_map(|key| key.key))
}

fn unreadable(error: Error) -> Failure {
    Failure::unexpected("The data directory cannot be read", error.cause().unwrap_or(error.message()))
}

async fn sign_in_link(backend: &Arc<Backend>, url: &str) -> Result<SignIn> {
    let link = backend.owner_login_link().await.map_err(unreadable)?;
    let until = jiff::Timestamp::from_millisecond(link.expires_at).map_err(|e| Failure::unexpected("No sign-in link can be made", e))?;
    let until = until.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string();
    Ok(SignIn { url: format!("{url}/console/link#{}", link.token), until })
}
