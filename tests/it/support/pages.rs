//! A browser without JavaScript: keeps cookies, reads the forms of pages and sends them; and what the server prints in
//! its terminal.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use bkend_local::http::log::{self, Format};
use reqwest::Method;
use tracing_subscriber::filter::LevelFilter;

use super::{Answer, Client, TestApp};

pub struct Browser {
    client: Client,
    cookies: Vec<(String, String)>,
}

impl TestApp {
    pub fn browser(&self) -> Browser {
        Browser { client: self.client().header("Origin", &self.url), cookies: Vec::new() }
    }
}

impl Browser {
    /// The same browser with another header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.client = self.client.header(name, value);
        self
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.client.request(Method::GET, path).header("Cookie", self.cookie());
        self.keep(Answer::of(request.send().await.unwrap()).await)
    }

    /// Sends a form with exactly these fields.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.request(Method::POST, path).header("Cookie", self.cookie());
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
        self.keep(Answer::of(request.send().await.unwrap()).await)
    }

    /// Loads a page and sends a form from it, with its CSRF token.
    pub async fn submit(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = csrf(&self.get(page).await.text);
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, answer: Answer) -> Answer {
        for line in answer.headers.get_all("set-cookie").iter().filter_map(|v| v.to_str().ok()) {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(n, _)| n != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }
}

/// The CSRF token of a page's forms.
pub fn csrf(page: &str) -> String {
    hidden(page, "csrf")
}

/// The value of a hidden field.
pub fn hidden(page: &str, name: &str) -> String {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("no field {name} in {page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// What the servers of this process print.
#[derive(Clone, Default)]
pub struct Terminal(Arc<Mutex<Vec<u8>>>);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Terminal {
    /// The terminal of this process.
    pub fn open() -> Self {
        static TERMINAL: OnceLock<Terminal> = OnceLock::new();
        TERMINAL
            .get_or_init(|| {
                let terminal = Self::default();
                log::init_to(Format::Pretty, LevelFilter::INFO, Box::new(terminal.clone()));
                terminal
            })
            .clone()
    }

    /// Everything printed so far.
    pub fn text(&self) -> String {
        log::flush();
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// What stands last in the line of the newest mail of a kind to an address.
    pub fn mail(&self, template: &str, to: &str) -> String {
        let text = self.text();
        let line =
            text.lines().rev().find(|line| line.contains(&format!("mail  {template} → {to}"))).unwrap_or_else(|| panic!("no {template} to {to} in {text}"));
        line.split_whitespace().last().unwrap().to_owned()
    }
}
