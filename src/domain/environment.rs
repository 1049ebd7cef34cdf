//! A running environment: its databases, its caches and what it announces.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore};

use super::auth::AuthConfig;
use super::auth::keys::Keyring;
use super::auth::settings;
use super::auth::social::Social;
use super::auth::throttle::Throttle;
use super::error::{Error, Result};
use super::files::signature::Secret;
use super::files::{Completing, FileSettings};
use super::images::Pictures;
use super::mail::Post;
use super::passwords::Passwords;
use super::project::Project;
use super::records::cache::Answers;
use super::records::changes::Bus;
use super::records::live::MAX_STREAMS;
use super::requests::RequestLog;
use super::tables::table::Table;
use super::tenancy::Tree;
use super::time::{Clock, Millis};
use crate::store::control::{ActivityRow, EnvironmentRow};
use crate::store::{Copies, Database, Directory, Objects, Tx};

/// One environment, opened at its first use and kept until it is deleted or the server stops.
pub struct Environment {
    id: String,
    name: String,
    kind: String,
    created_at: i64,
    project: Arc<Project>,
    data: Arc<Database>,
    server_secret: [u8; 32],
    passwords: Arc<Passwords>,
    clock: Clock,
    auth: ArcSwap<AuthConfig>,
    keyring: ArcSwap<Keyring>,
    throttle: Arc<Throttle>,
    outbox: Arc<Notify>,
    post: Arc<Post>,
    social: Arc<Social>,
    requests: Arc<RequestLog>,
    copies: Copies,
    objects: Objects,
    files: ArcSwap<FileSettings>,
    pictures: Arc<Pictures>,
    completing: Completing,
    tables: ArcSwap<HashMap<String, Arc<Table>>>,
    system_tables: HashMap<&'static str, Arc<Table>>,
    bus: Bus,
    tree: Tree,
    answers: Answers,
    /// Places for change streams.
    streams: Arc<Semaphore>,
    /// The highest change number used; only the writer moves it.
    last_change: AtomicI64,
}

/// Read-only views for admins (`02-data.md` §1).
const SYSTEM_TABLES: [&str; 4] = ["users", "accounts", "sessions", "files"];

/// What every environment of a server has from it.
pub(super) struct Shared {
    pub server_secret: [u8; 32],
    pub passwords: Arc<Passwords>,
    pub tree: Tree,
    pub post: Post,
    pub pictures: Arc<Pictures>,
    pub social: Arc<Social>,
}

/// Removes stored bytes that an earlier run, cut off, left without a row.
fn tidy(data: &Database, objects: &Objects) -> Result<()> {
    let named = data.read_blocking::<_, Error, _>(|r| {
        let mut named = HashSet::new();
        r.object_names(|name| {
            named.insert(name);
        })?;
        Ok(named)
    })?;
    match objects.tidy(&named) {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "stored bytes that belonged to nothing were removed"),
        Err(error) => tracing::warn!(%error, "the object directory could not be tidied"),
    }
    Ok(())
}

impl Environment {
    /// Opens the databases of an environment.
    pub(super) fn open(directory: &Directory, shared: Shared, row: &EnvironmentRow, project: Arc<Project>) -> Result<Self> {
        let Shared { server_secret, passwords, tree, post, pictures, social } = shared;
        let data = directory.open_data(&row.id)?;
        let clock = Clock::default();
        let auth = data.read_blocking::<_, Error, _>(|r| settings::load(r, &server_secret))?;
        let keyring = settings::open_keyring(&data, &server_secret, auth.tokens.algorithm, &project.id, &row.name, clock.now())?;
        let files = data.read_blocking::<_, Error, _>(FileSettings::load)?;
        let objects = directory.object_store(&row.id);
        objects.prepare().map_err(Error::internal)?;
        tidy(&data, &objects)?;
        let (rows, last_change) = data.read_blocking::<_, Error, _>(|r| Ok((r.tables()?, r.last_change()?)))?;
        let tables = rows.iter().map(|row| Ok((row.name.clone(), Arc::new(Table::from_row(row)?)))).collect::<Result<_>>()?;
        Ok(Self {
            id: row.id.clone(),
            name: row.name.clone(),
            kind: row.kind.clone(),
            created_at: row.created_at,
            server_secret,
            passwords,
            clock,
            project,
            data,
            auth: ArcSwap::from_pointee(auth),
            keyring: ArcSwap::from_pointee(keyring),
            throttle: Arc::default(),
            outbox: Arc::new(Notify::new()),
            post: Arc::new(post),
            social,
            copies: directory.copies(),
            objects,
            files: ArcSwap::from_pointee(files),
            pictures,
            completing: Completing::default(),
            requests: RequestLog::new(directory.log(&row.id)),
            tables: ArcSwap::from_pointee(tables),
            system_tables: SYSTEM_TABLES.into_iter().map(|name| (name, Arc::new(Table::system_view(name)))).collect(),
            bus: Bus::default(),
            tree,
            answers: Answers::default(),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            last_change: AtomicI64::new(last_change),
        })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// `dev`, `staging`, `prod` or `custom`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub fn created_at(&self) -> i64 {
        self.created_at
    }

    pub fn project(&self) -> &Arc<Project> {
        &self.project
    }

    /// A table a developer made, by its exact name.
    pub fn table(&self, name: &str) -> Option<Arc<Table>> {
        self.tables.load().get(name).cloned()
    }

    /// A table a developer made, by its id.
    pub fn table_with_id(&self, id: &str) -> Option<Arc<Table>> {
        self.tables.load().values().find(|table| table.id == id).cloned()
    }

    /// One of the server's own tables.
    pub fn system_table(&self, name: &str) -> Option<Arc<Table>> {
        self.system_tables.get(name).cloned()
    }

    /// The server's own tables, then every table a developer made, oldest first.
    pub fn all_tables(&self) -> Vec<Arc<Table>> {
        let mut own: Vec<Arc<Table>> = self.tables.load().values().cloned().collect();
        own.sort_by(|a, b| a.id.cmp(&b.id));
        SYSTEM_TABLES.iter().filter_map(|name| self.system_table(name)).chain(own).collect()
    }

    /// Puts a table in place of its predecessor, once the commit that changed it is durable; `None` removes it.
    pub(super) fn replace_table(self: &Arc<Self>, tx: &mut Tx<'_>, name: &str, table: Option<Arc<Table>>) {
        let (environment, name) = (Arc::clone(self), name.to_owned());
        tx.after_commit(move || {
            let mut tables = HashMap::clone(&environment.tables.load());
            let is_there = table.is_some();
            let before = match table {
                Some(table) => tables.insert(name.clone(), table),
                None => tables.remove(&name),
            };
            environment.tables.store(Arc::new(tables));
            if before.is_some() != is_there {
                environment.tree.changed(&environment.project.organization_id);
            }
            environment.bus.table_changed(&name);
        });
    }

    /// Reads tables and settings anew after everything was replaced; in force with the commit.
    pub(super) fn reread(self: &Arc<Self>, tx: &mut Tx<'_>) -> Result<()> {
        let reader = tx.reader();
        let tables: HashMap<String, Arc<Table>> =
            reader.tables()?.iter().map(|row| Ok((row.name.clone(), Arc::new(Table::from_row(row)?)))).collect::<Result<_>>()?;
        let auth = settings::load(&reader, &self.server_secret)?;
        let files = FileSettings::load(&reader)?;
        let keyring = settings::reread_keyring(self, tx, auth.tokens.algorithm)?;
        for table in tables.values() {
            super::records::changes::note_reset(self, tx, table);
        }
        let environment = Arc::clone(self);
        tx.after_commit(move || {
            let before = environment.tables.swap(Arc::new(tables));
            environment.auth.store(Arc::new(auth));
            environment.files.store(Arc::new(files));
            environment.keyring.store(Arc::new(keyring));
            let now = environment.tables.load();
            before.keys().chain(now.keys().filter(|name| !before.contains_key(*name))).for_each(|name| environment.bus.table_changed(name));
        });
        Ok(())
    }

    /// Live changes of this environment.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Answers that still hold.
    pub(super) fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Places for change streams: one for each that is open.
    pub(super) fn streams(&self) -> &Arc<Semaphore> {
        &self.streams
    }

    /// The number of the next change. Called on the writer only, so that numbers rise in commit order.
    pub(super) fn next_change(&self) -> i64 {
        self.last_change.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The highest change number used.
    pub fn last_change(&self) -> i64 {
        self.last_change.load(Ordering::Relaxed)
    }

    pub fn data(&self) -> &Arc<Database> {
        &self.data
    }

    /// What its mail needs while it runs.
    pub(super) fn post(&self) -> &Arc<Post> {
        &self.post
    }

    /// Google and GitHub, and what stands in for them.
    pub fn social(&self) -> &Social {
        &self.social
    }

    /// Copies of tables taken before they were changed.
    pub(super) fn copies(&self) -> &Copies {
        &self.copies
    }

    /// Stored bytes.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The key that URLs of stored objects are signed with.
    pub fn url_secret(&self) -> Secret {
        Secret::derive(&self.server_secret)
    }

    /// Multipart uploads that are being put together.
    pub(super) fn completing(&self) -> &Completing {
        &self.completing
    }

    /// The settings of storage in force.
    pub fn file_settings(&self) -> Arc<FileSettings> {
        self.files.load_full()
    }

    pub(super) fn set_file_settings_cache(&self, settings: FileSettings) {
        self.files.store(Arc::new(settings));
    }

    /// Pictures made from stored ones.
    pub fn pictures(&self) -> &Arc<Pictures> {
        &self.pictures
    }

    /// What apps called here.
    pub fn requests(&self) -> &Arc<RequestLog> {
        &self.requests
    }

    /// The server's own secret, which seals what must be read again.
    pub(super) fn server_secret(&self) -> &[u8; 32] {
        &self.server_secret
    }

    /// The pool that hashes passwords.
    pub(super) fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// The time here.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The clock behind [`Environment::now`].
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The settings of authentication in force.
    pub fn auth_config(&self) -> Arc<AuthConfig> {
        self.auth.load_full()
    }

    pub(super) fn set_auth(&self, config: AuthConfig) {
        self.auth.store(Arc::new(config));
    }

    /// The keys tokens are signed with.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.keyring.load_full()
    }

    pub(super) fn set_keyring(&self, keyring: Keyring) {
        self.keyring.store(Arc::new(keyring));
    }

    pub(super) fn throttle(&self) -> &Arc<Throttle> {
        &self.throttle
    }

    /// The role that counts: a stored custom role that is no longer declared is `user`.
    pub fn effective_role(&self, stored: &str) -> String {
        if self.knows_role(stored) { stored.to_owned() } else { "user".to_owned() }
    }

    /// Whether users may have this role: one of the three, or a custom one that is declared.
    pub fn knows_role(&self, name: &str) -> bool {
        matches!(name, "admin" | "user" | "guest") || self.auth.load().users.custom_roles.iter().any(|r| r == name)
    }

    /// The settings of authentication that another environment may take over: none of them is a secret.
    pub(super) fn auth_to_promote(&self) -> Result<serde_json::Value> {
        serde_json::to_value(self.auth.load().without_smtp()).map_err(Error::internal)
    }

    /// Takes over another environment's settings of authentication.
    pub(super) async fn take_over_auth(self: &Arc<Self>, settings: &serde_json::Value) -> Result<()> {
        let mut config: AuthConfig = serde_json::from_value(settings.clone()).map_err(Error::internal)?;
        let this = Arc::clone(self);
        self.data
            .write::<_, Error, _>(move |tx| {
                config.keep_secrets_of(&this.stored_auth_config(&tx.reader())?);
                this.put_auth_config(tx, config)
            })
            .await
    }

    /// Writes an activity into the outbox, in the transaction of the change it tells of; the dispatcher takes it to the
    /// audit log after the commit.
    pub fn audit(&self, tx: &mut Tx<'_>, activity: &ActivityRow) -> Result<()> {
        let payload = serde_json::to_string(activity).map_err(Error::internal)?;
        tx.put_outbox(&activity.id, "activity", &payload, activity.created_at)?;
        let outbox = Arc::clone(&self.outbox);
        tx.after_commit(move || outbox.notify_one());
        Ok(())
    }

    /// Moves the outbox' activities to the audit log until the environment closes; starts again where it stopped.
    pub(super) async fn dispatch(self: Arc<Self>, control: Arc<Database>) {
        loop {
            match self.dispatch_once(&control).await {
                Ok(true) => {}
                Ok(false) => self.outbox.notified().await,
                Err(_) if self.data.is_closed() => return,
                Err(error) => {
                    tracing::error!(%error, cause = error.cause(), "the outbox could not be emptied");
                    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
                }
            }
        }
    }

    /// Takes some entries; answers whether there were any.
    async fn dispatch_once(&self, control: &Arc<Database>) -> Result<bool> {
        let rows = self.data.read::<_, Error, _>(|r| Ok(r.outbox(100)?)).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let ids: Vec<String> = rows.iter().map(|r| r.id.clone()).collect();
        control
            .write::<_, Error, _>(move |tx| {
                for row in rows.iter().filter(|r| r.kind == "activity") {
                    tx.insert_activity(&serde_json::from_str(&row.payload).map_err(Error::internal)?)?;
                }
                Ok(())
            })
            .await?;
        // Also while the content is being replaced: the outbox is no part of it.
        self.data.write_held::<_, Error, _>(move |tx| ids.iter().try_for_each(|id| tx.remove_outbox(id)).map_err(Into::into)).await?;
        Ok(true)
    }

    /// Lets writes finish and closes the databases.
    pub(super) fn close(&self) {
        self.requests.close();
        self.data.close();
        self.outbox.notify_one();
        self.post.wake();
    }
}
