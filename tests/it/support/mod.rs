//! A running server for one test, and clients that speak to it as guest, user, secret key or developer.

#![allow(dead_code)] // what one test file does not use, another does

pub mod auth;
pub mod authenticator;
pub mod cli;
pub mod developers;
pub mod files;
pub mod mcp;
pub mod oauth;
pub mod pages;
pub mod pictures;
pub mod process;
pub mod providers;
pub mod random;
pub mod smtp;
pub mod storage;
pub mod streams;
pub mod tools;
pub mod wire;

use std::sync::Arc;

use bkend_local::domain::backend::Backend;
use bkend_local::domain::caller::{Tenant, Via};
use bkend_local::domain::environment::Environment;
use bkend_local::domain::tables::ops::NewTable;
use bkend_local::domain::tables::permissions::Permissions;
use bkend_local::domain::tables::table::Table;
use bkend_local::domain::users::{self, NewUser};
use bkend_local::http::server::{Application, Handle, Settings};
use reqwest::Method;
use serde_json::Value;

/// A server with a data directory of its own; stops when dropped.
pub struct TestApp {
    pub url: String,
    pub publishable_key: String,
    pub secret_key: String,
    pub backend: Arc<Backend>,
    pub environment: Arc<Environment>,
    http: reqwest::Client,
    handle: Handle,
    directory: Arc<tempfile::TempDir>,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            data_dir: directory.path().join(".bkend"),
            port: 0,
            workers: Some(1),
            log_requests: false,
            project_name: "my-blog".into(),
            ..Settings::default()
        };
        change(&mut settings);
        let app = Application::build(settings).await.unwrap();
        let first = app.first_run().cloned().unwrap();
        let backend = Arc::clone(app.backend());
        let key = backend.keys().resolve(backend.control(), &first.publishable_key).await.unwrap();
        let environment = backend.environment(&key.environment_id).await.unwrap();
        let (url, handle) = (format!("http://localhost:{}", app.port()), app.handle());
        actix_web::rt::spawn(app.run());
        Self {
            url,
            publishable_key: first.publishable_key,
            secret_key: first.secret_key.unwrap_or_default(),
            backend,
            environment,
            http: http_client(),
            handle,
            directory: Arc::new(directory),
        }
    }

    /// Stops the server and starts another on the same data directory.
    pub async fn restart(self) -> Self {
        self.restart_at(0).await
    }

    /// The same on a port; 0 is any.
    pub async fn restart_at(self, port: u16) -> Self {
        self.stop().await;
        let (directory, environment) = (Arc::clone(&self.directory), self.environment.id().to_owned());
        let (publishable_key, secret_key) = (self.publishable_key.clone(), self.secret_key.clone());
        // The lock of the data directory goes with the last handle to the backend.
        drop(self);
        let settings = Settings { data_dir: directory.path().join(".bkend"), port, workers: Some(1), log_requests: false, ..Settings::default() };
        let mut attempts = 0;
        let app = loop {
            match Application::build(settings.clone()).await {
                Ok(app) => break app,
                Err(error) if attempts == 100 => panic!("{error}"),
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
            attempts += 1;
        };
        let backend = Arc::clone(app.backend());
        let environment = backend.environment(&environment).await.unwrap();
        let (url, handle) = (format!("http://localhost:{}", app.port()), app.handle());
        actix_web::rt::spawn(app.run());
        Self { url, publishable_key, secret_key, backend, environment, http: http_client(), handle, directory }
    }

    /// Nobody signed in, with the publishable key.
    pub fn guest(&self) -> Client {
        self.client().header("X-API-Key", &self.publishable_key)
    }

    /// The secret key.
    pub fn secret(&self) -> Client {
        self.client().header("X-API-Key", &self.secret_key)
    }

    /// Without any credentials.
    pub fn client(&self) -> Client {
        Client { base: self.url.clone(), http: self.http.clone(), headers: Vec::new() }
    }

    /// Whoever may read the data directory, on the management API.
    pub fn operator(&self) -> Client {
        self.client().header("Authorization", &format!("Bearer {}", self.backend.operator_token()))
    }

    /// A new end user with a role and a live session, with the publishable key.
    pub async fn user(&self, name: &str, role: &str) -> User {
        let email = Some(format!("{name}@harbor.test"));
        let id = users::create(&self.environment, NewUser { email, name: Some(name.into()), role: role.into() }).await.unwrap();
        let session = users::open_session(&self.environment, &id).await.unwrap();
        let client = self.guest().header("Authorization", &format!("Bearer {}", session.access_token));
        User { id, session_id: session.session_id, token: session.access_token, client }
    }

    /// The server refuses new requests from now on, as it does while it stops, but goes on answering.
    pub fn begin_stopping(&self) {
        self.handle.refuse();
    }

    /// The server owner, for calling domain operations directly.
    pub fn owner(&self) -> Tenant {
        owner()
    }

    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Makes a table from the body of `POST {E}/tables`.
    pub async fn table(&self, body: Value) -> Arc<Table> {
        self.environment.create_table(&self.owner(), NewTable::parse(&body, false).unwrap()).await.unwrap()
    }

    /// Replaces the permission set of a table.
    pub async fn permissions(&self, table: &str, body: Value) {
        self.environment.set_permissions(&self.owner(), table, Permissions::parse(&body).unwrap(), None).await.unwrap();
    }

    /// Stops the server as a signal would: running requests finish.
    pub async fn stop(&self) {
        self.handle.stop(true).await;
    }
}

/// The server owner, for calling domain operations directly.
pub fn owner() -> Tenant {
    Tenant { id: "owner".into(), name: "Owner".into(), email: "owner@localhost".into(), is_server_owner: true, via: Via::Operator }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// An end user and its client.
pub struct User {
    pub id: String,
    pub session_id: String,
    pub token: String,
    pub client: Client,
}

impl std::ops::Deref for User {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Sends requests with fixed headers.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    headers: Vec<(String, String)>,
}

impl Client {
    /// Speaks to any server, without credentials.
    pub fn to(url: &str) -> Self {
        Self { base: url.to_owned(), http: http_client(), headers: Vec::new() }
    }

    /// The same client with one more header, or another value of it.
    #[must_use]
    pub fn header(&self, name: &str, value: &str) -> Self {
        let mut next = self.clone();
        next.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        next.headers.push((name.into(), value.into()));
        next
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// GET with query parameters that are encoded here.
    pub async fn query(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self.get(&format!("{path}?{encoded}")).await
    }

    /// As [`Client::send`]; fails when the connection does, as it must once a server is killed.
    pub async fn try_send(&self, method: Method, path: &str, body: &Value) -> reqwest::Result<Answer> {
        let request = self.request(method, path).header("Content-Type", "application/json").body(body.to_string());
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status, headers, text, body })
    }

    /// Sends this text as the JSON body.
    pub async fn send_text(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(method, path).header("Content-Type", "application/json").body(body);
        Answer::of(request.send().await.unwrap()).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        Answer::of(request.send().await.unwrap()).await
    }

    /// A request to be finished by the test.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.headers.iter().fold(self.http.request(method, format!("{}{path}", self.base)), |request, (name, value)| request.header(name, value))
    }
}

/// A client that follows no redirects.
pub fn http_client() -> reqwest::Client {
    // Another test of this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// Status, headers and JSON body of an answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap_or_default();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, text, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The body, if the status is as expected.
    #[track_caller]
    pub fn assert(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// The body of an error with this status and code, in the union every client reads.
    #[track_caller]
    pub fn assert_error(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.body["error"]["code"], code, "{}", self.text);
        assert_eq!(self.body["success"], false);
        assert_eq!(self.body["statusCode"], status);
        assert_eq!(self.body["message"], self.body["error"]["message"]);
        assert!(self.body["requestId"].is_string() && self.body["message"].as_str().is_some_and(|m| !m.is_empty()));
        self.body
    }

    /// The `field/rule` pairs of the details of an error.
    pub fn details(&self) -> Vec<String> {
        let details = self.body["error"]["details"].as_array().cloned().unwrap_or_default();
        details.iter().map(|d| format!("{}/{}", d["field"].as_str().unwrap_or_default(), d["rule"].as_str().unwrap_or_default())).collect()
    }
}
