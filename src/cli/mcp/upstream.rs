//! The server messages go to: the one at `--url`, the one that holds the data directory, or one of this process.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use tokio::sync::Mutex;

use crate::cli::client::Client;
use crate::cli::context::Context;
use crate::cli::exit::{Failure, Result};
use crate::cli::inprocess::{self, InProcess, Refusal};
use crate::cli::reach;

/// A server that went away gets this long to come back before this process takes its place.
const GRACE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// Finds the server at the first message, and again when it is lost.
pub struct Upstream<'a> {
    context: &'a Context,
    org: Option<String>,
    read_only: bool,
    target: RefCell<Option<Rc<Target>>>,
    /// Held while a server is looked for, so that it is looked for once.
    finding: Mutex<()>,
    own: RefCell<Option<InProcess>>,
    had_one: Cell<bool>,
}

/// Where messages go now.
pub struct Target {
    client: Client,
    org: Option<String>,
    read_only: bool,
}

impl Target {
    /// A request to the endpoint.
    pub fn request(&self, method: Method) -> RequestBuilder {
        let mut url = self.client.url(&["mcp"], &[], &[]);
        if self.read_only {
            url.set_query(Some("readOnly=true"));
        }
        let request = self.client.request(method, url);
        match &self.org {
            Some(org) => request.header("X-Bkend-Organization", org),
            None => request,
        }
    }
}

impl<'a> Upstream<'a> {
    pub fn new(context: &'a Context, org: Option<String>, read_only: bool) -> Self {
        Self { context, org, read_only, target: RefCell::default(), finding: Mutex::default(), own: RefCell::default(), had_one: Cell::default() }
    }

    /// The server, looked for if there is none.
    ///
    /// # Errors
    /// When none can be reached and none can be started.
    pub async fn target(&self) -> Result<Rc<Target>> {
        let _finding = self.finding.lock().await;
        if let Some(target) = self.current() {
            return Ok(target);
        }
        let client = match &self.context.url {
            Some(_) => reach::connect(self.context).await?.client,
            None => self.find().await?,
        };
        let org = self.organization(&client).await?;
        tracing::info!("MCP is answered by {}", client.base());
        let target = Rc::new(Target { client, org, read_only: self.read_only });
        *self.target.borrow_mut() = Some(Rc::clone(&target));
        self.had_one.set(true);
        Ok(target)
    }

    /// The server known now.
    pub fn current(&self) -> Option<Rc<Target>> {
        self.target.borrow().clone()
    }

    /// Whether a server answers now; none is started.
    pub async fn is_there(&self) -> bool {
        if self.current().is_some() || self.context.url.is_some() {
            return true;
        }
        reach::running(self.context, &self.context.data_dir.value).await.is_ok_and(|found| found.is_some())
    }

    /// Forgets a server that does not answer any more, or not with this token.
    pub fn lost(&self, target: &Rc<Target>) {
        let mut current = self.target.borrow_mut();
        if current.as_ref().is_some_and(|known| Rc::ptr_eq(known, target)) {
            *current = None;
        }
    }

    /// Stops the server of this process.
    pub async fn close(&self) {
        let own = self.own.borrow_mut().take();
        if let Some(server) = own {
            server.stop().await;
        }
    }

    /// The server that holds the data directory; when nobody does, this process.
    async fn find(&self) -> Result<Client> {
        let dir = &self.context.data_dir.value;
        let begun = Instant::now();
        loop {
            if let Some(client) = reach::running(self.context, dir).await? {
                return Ok(client);
            }
            if self.had_one.get() && begun.elapsed() < GRACE {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            match inprocess::serve(self.context).await {
                Ok(server) => {
                    let client = Client::local(&server.address, reach::operator_token(dir)?, self.context.timeout, false)?;
                    *self.own.borrow_mut() = Some(server);
                    return Ok(client);
                }
                // Held, but not answering yet: it starts, stops, or is a short command. Its turn ends soon.
                Err(Refusal::InUse(_)) if begun.elapsed() < self.context.timeout => tokio::time::sleep(PAUSE).await,
                Err(Refusal::InUse(failure) | Refusal::Other(failure)) => return Err(failure),
            }
        }
    }

    /// The id of the organization asked for.
    async fn organization(&self, client: &Client) -> Result<Option<String>> {
        let Some(wanted) = &self.org else { return Ok(None) };
        let all = client.list(&["organizations"]).await?;
        let found = all.iter().find(|organization| organization["id"] == **wanted || organization["slug"] == **wanted);
        let missing = || Failure::not_found(format!("There is no organization {wanted}, or you are not a member of it"));
        found.and_then(|organization| organization["id"].as_str()).map(|id| Some(id.to_owned())).ok_or_else(missing)
    }
}
