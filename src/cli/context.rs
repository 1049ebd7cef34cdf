//! What every command knows: its global flags, resolved, and how it prints.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::args::Globals;
use super::client::Client;
use super::config::{self, File};
use super::exit::{Failure, Result};
use super::output::Output;
use super::settings::{self, Setting, Sources};

/// Seconds a command waits for an answer when `--timeout` does not say.
pub const TIMEOUT: u64 = 30;

pub struct Context {
    pub output: Output,
    pub yes: bool,
    pub quiet: bool,
    pub verbose: bool,
    pub timeout: Duration,
    /// Absolute.
    pub data_dir: Setting<PathBuf>,
    pub url: Option<Setting<Url>>,
    pub token: Option<Setting<String>>,
    pub project: Option<Setting<String>>,
    pub env: Setting<String>,
    pub sources: Sources,
}

impl Context {
    pub fn new(globals: &Globals) -> Result<Self> {
        let sources = Sources::new(configuration(globals)?);
        let no_color = globals.no_color || settings::variable("NO_COLOR").is_some();
        let url = sources.one(settings::URL, globals.url.clone(), settings::base_url)?;
        let token = sources.one(settings::TOKEN, globals.token.clone(), settings::any_text)?;
        if url.is_none() && globals.token.is_some() {
            return Err(Failure::usage("--token is for a server elsewhere and needs --url URL"));
        }
        Ok(Self {
            output: Output::new(globals.json, globals.quiet, no_color),
            yes: globals.yes,
            quiet: globals.quiet,
            verbose: globals.verbose,
            timeout: Duration::from_secs(globals.timeout.unwrap_or(TIMEOUT)),
            data_dir: data_dir(globals, &sources)?,
            url,
            token,
            project: sources.one(settings::PROJECT, globals.project.clone(), settings::any_text)?,
            env: sources.one(settings::ENV, globals.env.clone(), settings::any_text)?.unwrap_or(Setting::default_of("dev".to_owned())),
            sources,
        })
    }

    /// The project the command is about: the one named, else the only one.
    pub async fn project(&self, client: &Client) -> Result<Value> {
        let all = all_projects(client).await?;
        match &self.project {
            Some(wanted) => pick_project(all, &wanted.value),
            None if all.len() == 1 => Ok(all.into_iter().next().unwrap_or_default()),
            None if all.is_empty() => Err(Failure::not_found("There is no project yet; make one with: bkend-local project create NAME")),
            None => {
                let slugs: Vec<_> = all.iter().filter_map(|project| project["slug"].as_str()).collect();
                Err(Failure::usage(format!("There are several projects; name one with --project: {}", slugs.join(", "))))
            }
        }
    }

    /// The path of the environment the command is about.
    pub async fn environment(&self, client: &Client) -> Result<EnvironmentPath> {
        let project = self.project(client).await?;
        Ok(EnvironmentPath { project_id: id_of(&project), environment: self.env.value.clone() })
    }
}

/// `/projects/{projectId}/environments/{environment}`.
pub struct EnvironmentPath {
    pub project_id: String,
    pub environment: String,
}

impl EnvironmentPath {
    /// The path's segments, followed by `rest`.
    pub fn to<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        [&["projects", &self.project_id, "environments", &self.environment], rest].concat()
    }
}

/// The projects of every organization the caller belongs to.
pub async fn all_projects(client: &Client) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for organization in client.list(&["organizations"]).await? {
        all.extend(client.list(&["organizations", &id_of(&organization), "projects"]).await?);
    }
    Ok(all)
}

/// The project with this id, slug or (as in `bkend.toml`) name.
pub fn pick_project(all: Vec<Value>, wanted: &str) -> Result<Value> {
    for member in ["id", "slug", "name"] {
        let mut found = all.iter().filter(|project| project[member] == wanted);
        match (found.next(), found.next()) {
            (Some(project), None) => return Ok(project.clone()),
            (Some(_), Some(_)) => return Err(Failure::usage(format!("Several projects have the {member} {wanted}; name one by its id"))),
            _ => {}
        }
    }
    Err(Failure::not_found(format!("There is no project {wanted}; bkend-local project list shows those there are")))
}

/// The `id` of an API object.
pub fn id_of(object: &Value) -> String {
    object["id"].as_str().unwrap_or_default().to_owned()
}

fn configuration(globals: &Globals) -> Result<Option<File>> {
    let flag = globals.config.as_ref().filter(|file| !file.is_empty()).map(PathBuf::from);
    let named = flag.or_else(|| settings::variable("BKEND_CONFIG").map(PathBuf::from));
    let path = match named {
        Some(path) => Some(absolute(&path)?),
        None => std::env::current_dir().ok().and_then(|cwd| config::find(&cwd, std::env::home_dir().as_deref())),
    };
    path.map(|path| File::load(&path)).transpose()
}

fn data_dir(globals: &Globals, sources: &Sources) -> Result<Setting<PathBuf>> {
    let flag = globals.data_dir.as_ref().map(|path| path.to_string_lossy().into_owned());
    let found = sources.one(settings::DATA_DIR, flag, |text| Ok(PathBuf::from(text)))?;
    let beside_the_file = || sources.file.as_ref().map_or_else(|| PathBuf::from(".bkend"), |file| file.folder().join(".bkend"));
    let Setting { value, origin } = found.unwrap_or_else(|| Setting::default_of(beside_the_file()));
    Ok(Setting { value: absolute(&value)?, origin })
}

/// Absolute, without `.` and `./` parts; links are kept, since people know their folders by them.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| Failure::unexpected("The current folder cannot be read", e))
}
