//! The running backend: one data directory, its projects and environments.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::auth::simulator::key::KeyHolder;
use super::auth::social::{Endpoints, Social, Web};
use super::auth::throttle::Throttle;
use super::environment::{Environment, Shared};
use super::error::{Code, Error, Result};
use super::hourly::hourly;
use super::images::Pictures;
use super::jobs::Jobs;
use super::keys::KeyCache;
use super::mail::{self, Post};
use super::oauth::Oauth;
use super::passwords::Passwords;
use super::project::Project;
use super::tenancy::{Attempts, McpUses, Outgoing, TenantPost, Tree};
use super::{auth, files, id, time};
use crate::store::control::{EnvironmentRow, ProjectRow};
use crate::store::{Database, Directory, OpenError};

const SERVER_ID: &str = "server_id";

/// What the domain needs to know of how the server was started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Name of the project made on first run; its slug is derived from it.
    pub project_name: String,
    /// Existing key values accepted on first run.
    pub adopt_publishable: Option<String>,
    pub adopt_secret: Option<String>,
    /// Every address listened on is a loopback address.
    pub loopback_only: bool,
    /// Base of handed-out URLs, without a trailing slash.
    pub public_url: Option<String>,
    /// Further names the server answers to.
    pub allow_hosts: Vec<String>,
    /// The port it listens on.
    pub port: u16,
    pub data_dir: PathBuf,
    /// Links and codes may stand in the log; they do on loopback only.
    pub log_secrets: bool,
    /// The relay for developers' mail, in place of the stored one.
    pub relay: Option<Outgoing>,
    /// What carries requests to the real Google and GitHub; without it they cannot be reached.
    pub web: Option<Arc<dyn Web>>,
    /// Where they are.
    pub providers: Endpoints,
}

pub struct Backend {
    directory: Directory,
    options: Options,
    secret: [u8; 32],
    server_id: String,
    operator_token: String,
    started_at: i64,
    keys: KeyCache,
    projects: RwLock<Projects>,
    environments: RwLock<HashMap<String, Arc<Environment>>>,
    /// Held while an environment is opened, so that it is opened once; holds the ids that never open again.
    opening: Mutex<HashSet<String>>,
    attempts: Attempts,
    passwords: Arc<Passwords>,
    social: Arc<Social>,
    probes: Throttle,
    mcp_uses: McpUses,
    tree: Tree,
    jobs: Jobs,
    /// Held while a key of elsewhere is looked for in all environments and then stored in one.
    importing_keys: tokio::sync::Mutex<()>,
    oauth: Oauth,
    post: TenantPost,
    pictures: Arc<Pictures>,
}

/// Projects held in memory.
#[derive(Default)]
struct Projects {
    known: HashMap<String, Arc<Project>>,
    /// Moves with every change, so that a row read before one is not taken after it.
    generation: u64,
}

impl Backend {
    /// Takes the data directory.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn open(options: Options) -> std::result::Result<Self, OpenError> {
        let directory = Directory::open(&options.data_dir)?;
        let secret = directory.server_secret()?;
        let control = directory.control();
        let server_id = match control.read_blocking::<_, crate::store::StoreError, _>(|r| r.setting(SERVER_ID))? {
            Some(server_id) => server_id,
            None => {
                let server_id = id::new_id();
                let stored = server_id.clone();
                control.write_blocking::<_, crate::store::StoreError, _>(move |tx| tx.set_setting(SERVER_ID, &stored))?;
                server_id
            }
        };
        let post = TenantPost::new(options.log_secrets && options.loopback_only, options.relay.clone());
        let pictures = Arc::new(Pictures::new(directory.pictures()));
        let simulator_key = KeyHolder::new(Some(directory.secret_file("simulator.pem")));
        let social = Arc::new(Social::new(options.web.clone(), options.providers.clone(), simulator_key));
        Ok(Self {
            operator_token: format!("op_{}", id::random_hex(32)),
            directory,
            options,
            secret,
            server_id,
            started_at: time::now(),
            keys: KeyCache::default(),
            projects: RwLock::default(),
            environments: RwLock::default(),
            opening: Mutex::default(),
            attempts: Attempts::default(),
            passwords: Arc::default(),
            social,
            probes: Throttle::default(),
            mcp_uses: McpUses::default(),
            tree: Tree::default(),
            jobs: Jobs::default(),
            importing_keys: tokio::sync::Mutex::default(),
            oauth: Oauth::new(&secret),
            post,
            pictures,
        })
    }

    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    pub fn data_dir(&self) -> &Path {
        self.directory.root()
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    pub fn control(&self) -> &Arc<Database> {
        self.directory.control()
    }

    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    pub fn server_id(&self) -> &str {
        &self.server_id
    }

    /// Proof of access to the data directory, new at each start (`08-cli.md` §1).
    pub fn operator_token(&self) -> &str {
        &self.operator_token
    }

    pub fn started_at(&self) -> i64 {
        self.started_at
    }

    pub fn keys(&self) -> &KeyCache {
        &self.keys
    }

    /// The pool that hashes passwords, of developers and end users alike.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Google and GitHub, and what stands in for them.
    pub fn social(&self) -> &Social {
        &self.social
    }

    pub(super) fn importing_keys(&self) -> &tokio::sync::Mutex<()> {
        &self.importing_keys
    }

    pub(super) fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// Pictures made from stored ones.
    pub fn pictures(&self) -> &Arc<Pictures> {
        &self.pictures
    }

    /// Mail to developers.
    pub(super) fn post(&self) -> &TenantPost {
        &self.post
    }

    pub(super) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Guesses of tokens on routes that need no key.
    pub(super) fn probes(&self) -> &Throttle {
        &self.probes
    }

    pub(super) fn mcp_uses(&self) -> &McpUses {
        &self.mcp_uses
    }

    /// Changes to the tree of projects, environments and tables.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(super) fn oauth(&self) -> &Oauth {
        &self.oauth
    }

    /// A project as requests need it.
    ///
    /// # Errors
    /// 404 `project/not-found`.
    pub async fn project(&self, project_id: &str) -> Result<Arc<Project>> {
        loop {
            let generation = match self.known_project(project_id) {
                Ok(project) => return Ok(project),
                Err(generation) => generation,
            };
            let id = project_id.to_owned();
            let row = self.control().read::<_, Error, _>(move |r| Ok(r.project(&id)?)).await?;
            let row = row.ok_or_else(|| Error::new(Code::PROJECT_NOT_FOUND, "No such project"))?;
            if let Some(project) = self.remember_project(&row, generation)? {
                return Ok(project);
            }
        }
    }

    /// A project held in memory, or the generation to read its row under.
    fn known_project(&self, project_id: &str) -> std::result::Result<Arc<Project>, u64> {
        let projects = self.projects.read();
        projects.known.get(project_id).cloned().ok_or(projects.generation)
    }

    /// `None` when projects have changed since the row was read.
    fn remember_project(&self, row: &ProjectRow, generation: u64) -> Result<Option<Arc<Project>>> {
        let mut projects = self.projects.write();
        if let Some(project) = projects.known.get(&row.id) {
            return Ok(Some(Arc::clone(project)));
        }
        if projects.generation != generation {
            return Ok(None);
        }
        let project = Arc::new(Project::from_row(row)?);
        projects.known.insert(row.id.clone(), Arc::clone(&project));
        Ok(Some(project))
    }

    /// Takes over a row that was changed and committed.
    pub(super) fn project_changed(&self, row: &ProjectRow) {
        let mut projects = self.projects.write();
        projects.generation += 1;
        if let Some(project) = projects.known.get(&row.id)
            && let Err(error) = project.update(row)
        {
            tracing::error!(%error, "a changed project could not be taken over");
        }
    }

    /// Whether any project of the server lists an origin (`00-conventions.md`, CORS preflights).
    pub async fn any_project_allows(&self, origin: &str) -> bool {
        let rows = self.control().read::<_, Error, _>(|r| Ok(r.all_projects()?)).await.unwrap_or_default();
        rows.iter().filter_map(|row| Project::from_row(row).ok()).any(|p| p.allows_origin(origin))
    }

    /// A running environment by its id.
    ///
    /// # Errors
    /// 404 `data/environment-not-found`.
    pub async fn environment(self: &Arc<Self>, environment_id: &str) -> Result<Arc<Environment>> {
        if let Some(environment) = self.environments.read().get(environment_id) {
            return Ok(Arc::clone(environment));
        }
        let id = environment_id.to_owned();
        let row = self.control().read::<_, Error, _>(move |r| Ok(r.environment(&id)?)).await?;
        let row = row.filter(|r| r.status == "active").ok_or_else(environment_not_found)?;
        let project = self.project(&row.project_id).await?;
        let this = Arc::clone(self);
        tokio::task::spawn_blocking(move || this.open_environment(&row, project)).await.map_err(Error::internal)?
    }

    fn open_environment(self: &Arc<Self>, row: &EnvironmentRow, project: Arc<Project>) -> Result<Arc<Environment>> {
        let deleted = self.opening.lock();
        if deleted.contains(&row.id) {
            return Err(environment_not_found());
        }
        if let Some(environment) = self.environments.read().get(&row.id) {
            return Ok(Arc::clone(environment));
        }
        let post = Post::new(self.options.log_secrets && self.options.loopback_only);
        let shared = Shared {
            server_secret: self.secret,
            passwords: Arc::clone(&self.passwords),
            tree: self.tree.clone(),
            post,
            pictures: Arc::clone(&self.pictures),
            social: Arc::clone(&self.social),
        };
        let environment = Arc::new(Environment::open(&self.directory, shared, row, project)?);
        self.environments.write().insert(row.id.clone(), Arc::clone(&environment));
        let runtime = tokio::runtime::Handle::current();
        runtime.spawn(Arc::clone(environment.requests()).write_batches(Arc::clone(environment.data())));
        runtime.spawn(hourly(Arc::downgrade(&environment), "sweep", async |open| auth::sweep::sweep(&open).await));
        runtime.spawn(hourly(Arc::downgrade(&environment), "sweep uploads", async |open| files::sweep::sweep(&open).await));
        runtime.spawn(Arc::clone(&environment).dispatch(Arc::clone(self.control())));
        runtime.spawn(mail::delivery::run(Arc::downgrade(&environment)));
        Ok(environment)
    }

    /// An environment by its project's id and its name (or id).
    ///
    /// # Errors
    /// 404 `data/environment-not-found`.
    pub async fn environment_named(self: &Arc<Self>, project_id: &str, name: &str) -> Result<Arc<Environment>> {
        let (project, name) = (project_id.to_owned(), name.to_owned());
        let row = self.control().read::<_, Error, _>(move |r| Ok(r.environment_of(&project, &name)?)).await?;
        self.environment(&row.ok_or_else(environment_not_found)?.id).await
    }

    /// Whether requests can be served: reads `control.db`.
    ///
    /// # Errors
    /// 503 `common/unavailable` when it can't be read.
    pub async fn check_readable(&self) -> Result<()> {
        let read = self.control().read::<_, Error, _>(|r| Ok(r.setting(SERVER_ID)?)).await;
        read.map(drop).map_err(|error| Error::unavailable("The database of the server cannot be read").because(error))
    }

    /// Environment id (empty for `control`), kind and bytes of every database that is open. Blocks.
    pub fn database_sizes(&self) -> Vec<(String, &'static str, u64)> {
        let mut sizes = vec![(String::new(), "control", self.control().size())];
        for environment in self.open_environments() {
            sizes.push((environment.id().to_owned(), "data", environment.data().size()));
            sizes.push((environment.id().to_owned(), "log", environment.requests().size()));
        }
        sizes
    }

    /// The environments open now.
    pub fn open_environments(&self) -> Vec<Arc<Environment>> {
        self.environments.read().values().cloned().collect()
    }

    /// From now on the environment does not open again, even for a request that found its row before it was deleted.
    pub(super) fn mark_deleted(&self, environment_id: &str) {
        self.opening.lock().insert(environment_id.to_owned());
    }

    /// Closes an environment that was deleted; its directory can be removed afterwards.
    pub async fn forget_environment(&self, environment_id: &str) {
        let gone = self.environments.write().remove(environment_id);
        self.keys.clear();
        if let Some(environment) = gone {
            // Closing waits for queued writes.
            if let Err(error) = tokio::task::spawn_blocking(move || environment.close()).await {
                tracing::error!(%error, "closing an environment");
            }
        }
    }

    pub fn forget_project(&self, project_id: &str) {
        let mut projects = self.projects.write();
        projects.generation += 1;
        projects.known.remove(project_id);
    }

    /// Lets writes finish, checkpoints every database and closes them. Blocks.
    pub fn close(&self) {
        for (_, environment) in self.environments.write().drain() {
            environment.close();
        }
        self.keep_mcp_calls();
        self.control().close();
    }
}

fn environment_not_found() -> Error {
    Error::new(Code::ENVIRONMENT_NOT_FOUND, "No such project or environment; check X-Project-Id and X-Environment, or the key")
}
