//! What `serve` does once it listens: waits until requests are answered, then prints the banner and writes the ready file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::banner::{self, Ready, SignIn};
use super::client::Client;
use super::context::{Context, all_projects, id_of, pick_project};
use super::exit::{Exit, Failure, Result};
use super::output::write_stdout;
use super::reach::operator_token;
use super::settings::shown;
use crate::domain::backend::Backend;
use crate::domain::tenancy::FirstRun;

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
    wait_until_ready(context, &client).await?;
    let ready = describe(context, &client, start).await?;
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

async fn describe(context: &Context, client: &Client, start: &Start) -> Result<Ready> {
    let project = shown_project(context, client).await?;
    let project_id = id_of(&project);
    let names: Vec<&str> = project["environments"].as_array().into_iter().flatten().filter_map(|e| e["environment"].as_str()).collect();
    let wanted = context.env.value.as_str();
    let environment = if names.is_empty() || names.contains(&wanted) { wanted } else { names[0] }.to_owned();
    let publishable_key = match &start.first_run {
        Some(first) => Some(first.publishable_key.clone()),
        None => publishable_key(client, &project_id, &environment).await?,
    };
    let signed_in = start.backend.anyone_signed_in().await.map_err(|e| Failure::unexpected("The database cannot be read", e))?;
    let sign_in = if signed_in { None } else { Some(sign_in_link(&start.backend, &start.url).await?) };
    Ok(Ready {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        url: start.url.clone(),
        pid: std::process::id(),
        project_name: project["name"].as_str().unwrap_or("no project").to_owned(),
        project_id,
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

/// The project of the settings when there is such a one, else the first; a server without projects has none to show.
async fn shown_project(context: &Context, client: &Client) -> Result<Value> {
    let all = all_projects(client).await?;
    let named = context.project.as_ref().and_then(|wanted| pick_project(all.clone(), &wanted.value).ok());
    Ok(named.or_else(|| all.into_iter().next()).unwrap_or_default())
}

/// The first publishable key that can still be shown.
async fn publishable_key(client: &Client, project: &str, environment: &str) -> Result<Option<String>> {
    let keys = match client.list(&["projects", project, "environments", environment, "keys"]).await {
        Err(failure) if failure.exit == Exit::NotFound => return Ok(None),
        other => other?,
    };
    let mut publishable: Vec<_> = keys.iter().filter(|key| key["type"] == "publishable" && key["key"].is_string()).collect();
    publishable.sort_by_key(|key| key["createdAt"].as_str());
    Ok(publishable.first().and_then(|key| key["key"].as_str()).map(str::to_owned))
}

async fn sign_in_link(backend: &Arc<Backend>, url: &str) -> Result<SignIn> {
    let link = backend.owner_login_link().await.map_err(|e| Failure::unexpected("No sign-in link can be made", e))?;
    let until = jiff::Timestamp::from_millisecond(link.expires_at).map_err(|e| Failure::unexpected("No sign-in link can be made", e))?;
    let until = until.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string();
    Ok(SignIn { url: format!("{url}/console/link#{}", link.token), until })
}
