//! A client of the management API: one answer per call, every failure with its exit code.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Method, redirect};
use serde_json::{Value, json};
use url::Url;

use super::exit::{Exit, Failure, Result};

/// Calls `/management/v1` of one server with one token.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
    timeout: Duration,
    /// Whether each call is told on stderr.
    verbose: bool,
    answered: Arc<AtomicBool>,
}

/// Path segments below `/management/v1`, encoded when the URL is made.
pub type Path<'a> = &'a [&'a str];

impl Client {
    pub fn new(base: Url, token: String, timeout: Duration, verbose: bool) -> Result<Self> {
        Self::build(reqwest::Client::builder(), base, token, timeout, verbose)
    }

    /// A client of a server of this machine at `address`. Calls name it `localhost`, as people do, since URLs in answers
    /// are built from what the caller calls it.
    pub fn local(address: &str, token: String, timeout: Duration, verbose: bool) -> Result<Self> {
        let wrong = |e: &dyn std::fmt::Display| Failure::unexpected(&format!("{address} is no address of a server"), e);
        let mut base = Url::parse(address).map_err(|e| wrong(&e))?;
        let mut builder = reqwest::Client::builder();
        let ip = base.host_str().and_then(|host| host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok());
        if let Some(ip) = ip.filter(IpAddr::is_loopback) {
            builder = builder.resolve("localhost", SocketAddr::new(ip, base.port().unwrap_or(80)));
            base.set_host(Some("localhost")).map_err(|e| wrong(&e))?;
        }
        Self::build(builder, base, token, timeout, verbose)
    }

    fn build(builder: reqwest::ClientBuilder, base: Url, token: String, timeout: Duration, verbose: bool) -> Result<Self> {
        let mut builder = builder
            .user_agent(concat!("bkend-local/", env!("CARGO_PKG_VERSION"), " (cli)"))
            .redirect(redirect::Policy::none())
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(10)));
        if base.scheme() == "http" {
            // Reading the system's certificates costs time, and a machine without any would fail for nothing.
            builder = builder.tls_certs_only([]);
        }
        if is_loopback(&base) {
            // A connection that is kept would only hold up a server that is about to stop.
            builder = builder.no_proxy().pool_max_idle_per_host(0);
        }
        let http = builder.build().map_err(|e| Failure::unexpected("The HTTP client could not be set up", e))?;
        Ok(Self { http, base, token, timeout, verbose, answered: Arc::default() })
    }

    /// The server's address, without a slash at the end.
    pub fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub async fn get(&self, path: Path<'_>) -> Result<Value> {
        self.call(Method::GET, path, &[], None).await
    }

    pub async fn post(&self, path: Path<'_>, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, &[], Some(body)).await
    }

    /// Deletes what `path` names; `confirm` is the name for routes that want it.
    pub async fn delete(&self, path: Path<'_>, confirm: Option<&str>) -> Result<()> {
        let query: Vec<_> = confirm.map(|name| ("confirm", name)).into_iter().collect();
        self.call(Method::DELETE, path, &query, None).await.map(drop)
    }

    /// All items of a list, however many pages they fill.
    pub async fn list(&self, path: Path<'_>) -> Result<Vec<Value>> {
        self.list_with(path, &[]).await
    }

    pub async fn list_with(&self, path: Path<'_>, query: &[(&str, &str)]) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        for page in 1.. {
            let number = page.to_string();
            let mut query = query.to_vec();
            query.extend([("page", number.as_str()), ("limit", "100")]);
            let mut answer = self.call(Method::GET, path, &query, None).await?;
            // Some short lists of the API are plain arrays.
            let found = if answer.is_array() { answer.take() } else { answer["items"].take() };
            let Value::Array(found) = found else {
                return Err(Failure::new(Exit::Unexpected, "cli/unreadable-answer", "The server answered a list in an unknown form"));
            };
            items.extend(found);
            if answer["pagination"]["hasNext"] != json!(true) {
                break;
            }
        }
        Ok(items)
    }

    /// One call. An empty answer is null.
    pub async fn call(&self, method: Method, path: Path<'_>, query: &[(&str, &str)], body: Option<&Value>) -> Result<Value> {
        let url = self.url(&["management", "v1"], path, query);
        if self.verbose {
            eprintln!("{method} {}", url.path());
        }
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|e| self.unreachable(&e))?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.map_err(|e| self.unreachable(&e))?;
        if !(200..300).contains(&status) {
            return Err(Failure::from_answer(status, &bytes));
        }
        self.answered.store(true, Ordering::Relaxed);
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|_| {
            Failure::new(Exit::Network, "cli/unreadable-answer", format!("{} does not answer like a bkend-local server; check the address", self.base()))
        })
    }

    /// Whether the server answers requests now.
    pub async fn is_ready(&self) -> bool {
        let url = self.url(&["readyz"], &[], &[]);
        self.http.get(url).timeout(self.timeout.min(Duration::from_secs(2))).send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Whether something listens at the address. Unlike [`Client::is_ready`], it leaves no line in the server's log.
    pub async fn is_listening(&self) -> bool {
        let (host, port) = (self.base.host_str().unwrap_or_default(), self.base.port_or_known_default().unwrap_or(80));
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let connecting = tokio::net::TcpStream::connect((host, port));
        tokio::time::timeout(self.timeout.min(Duration::from_secs(2)), connecting).await.is_ok_and(|connected| connected.is_ok())
    }

    /// A request with the token, to be finished by the caller.
    pub fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.http.request(method, url).bearer_auth(&self.token)
    }

    /// The address of `path` below `prefix`.
    pub fn url(&self, prefix: &[&str], path: Path<'_>, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(prefix).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let (base, seconds) = (self.base(), self.timeout.as_secs());
        if error.is_timeout() {
            let message = format!("{base} did not answer within {seconds} s; --timeout SECONDS waits longer");
            return Failure::new(Exit::Network, "cli/no-answer", message);
        }
        let cause = root_cause(error);
        if error.is_connect() {
            let message = format!("No server can be reached at {base} ({cause}); check the address, or start one: bkend-local serve");
            return Failure::new(Exit::Network, "cli/unreachable", message);
        }
        Failure::new(Exit::Network, "cli/connection-lost", format!("The connection to {base} was lost ({cause}); whether the call was carried out is unknown"))
    }

    /// Whether any call has been carried out.
    pub fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }
}

/// The innermost reason: `Connection refused` says more than what is wrapped around it.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Whether a URL names this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_into_the_path_and_a_base_path_is_kept() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::new(Url::parse("http://localhost:1/x/").unwrap(), String::new(), Duration::from_secs(1), false).unwrap();
        let url = client.url(&["management", "v1"], &["projects", "a/b?c"], &[("confirm", "a b")]);
        assert_eq!(url.as_str(), "http://localhost:1/x/management/v1/projects/a%2Fb%3Fc?confirm=a+b");
    }

    #[test]
    fn loopback_names_are_known() {
        for (url, expected) in [("http://localhost:1", true), ("http://[::1]:1", true), ("http://127.8.0.1", true), ("http://10.0.0.1", false)] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
