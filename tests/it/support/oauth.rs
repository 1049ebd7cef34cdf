//! AI tools that sign in with OAuth: registration, approval in a browser, tokens.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Client, TestApp};

/// Verifier and challenge of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const CALLBACK: &str = "http://localhost:49190/callback";

/// A registered tool.
pub struct Tool<'a> {
    pub app: &'a TestApp,
    pub id: String,
    /// Where it is sent back to.
    pub callback: String,
}

/// What a page of approval asks.
pub struct Consent {
    pub text: String,
    /// Its fields as they stand when nobody touches them.
    pub fields: Vec<(String, String)>,
}

impl TestApp {
    /// Registers a tool that redirects to a loopback port.
    pub async fn tool(&self) -> Tool<'_> {
        self.tool_at(CALLBACK).await
    }

    pub async fn tool_at(&self, callback: &str) -> Tool<'_> {
        let registered = self.client().post("/mcp/oauth/register", json!({ "redirect_uris": [callback], "client_name": "Harbor Tool" })).await.assert(201);
        Tool { app: self, id: registered["client_id"].as_str().unwrap().to_owned(), callback: callback.to_owned() }
    }

    /// Changes rows of `control.db` directly, for what otherwise takes days.
    pub fn tamper(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.backend.data_dir().join("control.db")).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        assert!(connection.execute(sql, []).unwrap() > 0, "{sql} changes nothing");
    }
}

impl Tool<'_> {
    /// The parameters of a request for approval.
    pub fn parameters(&self) -> Vec<(&str, &str)> {
        vec![
            ("client_id", &self.id),
            ("redirect_uri", &self.callback),
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "st"),
        ]
    }

    /// The same with some replaced, added or, with an empty value, left out.
    pub fn asking<'a>(&'a self, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut parameters = self.parameters();
        parameters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        parameters.extend(changes.iter().copied().filter(|(_, value)| !value.is_empty()));
        parameters
    }

    /// The page of approval as somebody who is signed in sees it.
    pub async fn consent(&self, browser: &Client, changes: &[(&str, &str)]) -> Consent {
        let page = browser.query("/mcp/oauth/authorize", &self.asking(changes)).await;
        assert_eq!(page.status, 200, "{}", page.text);
        Consent::read(page.text)
    }

    /// A code that somebody approved with everything as it stands.
    pub async fn code(&self, browser: &Client) -> String {
        self.code_for(browser, &[]).await
    }

    pub async fn code_for(&self, browser: &Client, changes: &[(&str, &str)]) -> String {
        let answer = self.consent(browser, changes).await.authorize(browser).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        sent_back(&answer).1.remove("code").unwrap_or_else(|| panic!("{answer:?}"))
    }

    /// Exchanges a code.
    pub async fn redeem(&self, code: &str) -> Answer {
        self.token(&[("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER), ("redirect_uri", &self.callback)]).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// A call of the token endpoint with this client's id.
    pub async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("client_id", self.id.as_str())];
        all.extend_from_slice(fields);
        self.app.client().form("/mcp/oauth/token", &all).await
    }

    /// Access and refresh token, approved by somebody.
    pub async fn connect(&self, browser: &Client) -> (String, String) {
        self.connect_for(browser, &[]).await
    }

    pub async fn connect_for(&self, browser: &Client, changes: &[(&str, &str)]) -> (String, String) {
        pair(&self.redeem(&self.code_for(browser, changes).await).await.assert(200))
    }
}

/// Access and refresh token of an answer.
pub fn pair(tokens: &Value) -> (String, String) {
    (tokens["access_token"].as_str().unwrap().to_owned(), tokens["refresh_token"].as_str().unwrap().to_owned())
}

/// Where a redirect leads, without its query, and its parameters.
pub fn sent_back(answer: &Answer) -> (String, HashMap<String, String>) {
    let location = answer.header("location").unwrap_or_else(|| panic!("no redirect: {} {}", answer.status, answer.text));
    let (target, query) = location.split_once('?').unwrap_or((location, ""));
    (target.to_owned(), url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// The text of a page as people read it.
pub fn readable(page: &str) -> String {
    page.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

impl Consent {
    pub fn read(text: String) -> Self {
        let mut fields = Vec::new();
        for tag in text.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("select") || tag.starts_with("option")) {
            let tag = tag.split('>').next().unwrap_or_default();
            let attribute = |name: &str| tag.split_once(&format!(" {name}=\"")).map(|(_, rest)| rest.split('"').next().unwrap_or_default()).map(readable);
            if tag.starts_with("option") {
                // The first option counts, as long as none is selected.
                if let (Some(value), false) = (attribute("value"), fields.iter().any(|(name, _)| name == "organization")) {
                    fields.push(("organization".to_owned(), value));
                }
            } else if let Some(name) = attribute("name").filter(|_| !tag.starts_with("select"))
                && (!tag.contains("checkbox") || tag.contains(" checked"))
            {
                fields.push((name, attribute("value").unwrap_or_default()));
            }
        }
        Self { text, fields }
    }

    /// Unticks or removes a field.
    #[must_use]
    pub fn without(mut self, name: &str, value: &str) -> Self {
        let before = self.fields.len();
        self.fields.retain(|(n, v)| n != name || (!value.is_empty() && v != value));
        assert_ne!(self.fields.len(), before, "{name} {value} is not there");
        self
    }

    /// Ticks, types or chooses.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// One of its fields.
    pub fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(n, _)| n == name).map_or_else(|| panic!("no {name} in {}", self.text), |(_, v)| v)
    }

    pub async fn authorize(&self, browser: &Client) -> Answer {
        self.press(browser, "authorize").await
    }

    pub async fn press(&self, browser: &Client, decision: &str) -> Answer {
        let mut fields: Vec<(&str, &str)> = self.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        fields.push(("decision", decision));
        browser.form("/mcp/oauth/authorize", &fields).await
    }
}

impl Client {
    /// Posts a form.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, path).header("Content-Type", "application/x-www-form-urlencoded").body(body);
        Answer::of(request.send().await.unwrap()).await
    }
}

impl Answer {
    /// An OAuth error: its description.
    #[track_caller]
    pub fn assert_refused(self, status: u16, error: &str) -> String {
        assert_eq!((self.status, self.body["error"].as_str()), (status, Some(error)), "{}", self.text);
        self.body["error_description"].as_str().filter(|d| !d.is_empty()).unwrap_or_else(|| panic!("no description: {}", self.text)).to_owned()
    }
}
