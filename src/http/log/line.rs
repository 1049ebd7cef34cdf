//! The line of a request.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Arc;

use actix_web::http::{Method, Uri};
use serde::Serialize;
use tracing::Level;

use super::Format;
use crate::domain::caller::{Caller, Tenant, Via};
use crate::domain::keys::KeyKind;
use crate::domain::requests::redact;
use crate::domain::time;
use crate::http::context::RequestId;

/// What the line of a request is made of, in forms that are cheap to take along.
pub struct Line {
    /// Milliseconds since the epoch at which the request came.
    pub at: i64,
    pub method: Method,
    pub target: Uri,
    pub status: u16,
    pub micros: u64,
    pub who: Option<Who>,
    pub request_id: RequestId,
}

/// The members of a line, in their order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonLine<'a> {
    ts: String,
    level: &'static str,
    event: &'static str,
    method: &'a str,
    path: &'a str,
    status: u16,
    duration_ms: f64,
    caller: Option<String>,
    request_id: &'a str,
}

/// Who sent a request.
#[derive(Debug, Clone)]
pub enum Who {
    App(Caller),
    Developer(Arc<Tenant>),
}

/// Requests that failed here are errors, everything else is information.
pub fn level(status: u16) -> Level {
    if status >= 500 { Level::ERROR } else { Level::INFO }
}

impl Line {
    pub fn write(&self, format: Format, out: &mut Vec<u8>) {
        let path = redact::path(self.target.path());
        let who = self.who.as_ref().map(Who::text);
        match format {
            Format::Pretty => {
                let (clock, who, id) = (clock(self.at), who.as_deref().unwrap_or("-"), &*self.request_id);
                let millis = (self.micros + 500) / 1000;
                // Writing to memory cannot fail.
                let _ = writeln!(out, "{clock}  {}  {path}  {}  {millis} ms  {who}  [{id}]", self.method, self.status);
            }
            Format::Json => {
                let line = JsonLine {
                    ts: time::iso(self.at),
                    level: if self.status >= 500 { "error" } else { "info" },
                    event: "request",
                    method: self.method.as_str(),
                    path: &path,
                    status: self.status,
                    duration_ms: self.micros as f64 / 1e3,
                    caller: who,
                    request_id: &self.request_id,
                };
                let _ = serde_json::to_writer(&mut *out, &line);
                out.push(b'\n');
            }
        }
    }
}

impl Who {
    /// `pk:Default`, `pk:Default  user:665f…`, `sk:Server`, `guest`, `tenant:owner@localhost`, `pat:ci`, `operator`, `mcp:Claude`.
    fn text(&self) -> String {
        match self {
            Self::App(caller) => {
                let key = caller.key().map(|k| format!("{}:{}", if k.kind == KeyKind::Secret { "sk" } else { "pk" }, clean(&k.name)));
                let user = caller.user().map(|u| format!("user:{}", u.id));
                match (key, user) {
                    (Some(key), Some(user)) => format!("{key}  {user}"),
                    (Some(one), None) | (None, Some(one)) => one,
                    (None, None) => "guest".to_owned(),
                }
            }
            Self::Developer(tenant) => match &tenant.via {
                Via::Session(_) => format!("tenant:{}", clean(&tenant.email)),
                Via::Token { name, .. } => format!("pat:{}", clean(name)),
                Via::Operator => "operator".to_owned(),
                Via::Mcp(connection) => format!("mcp:{}", clean(&connection.client)),
            },
        }
    }
}

/// One line stays one line, whatever a name holds.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

thread_local! {
    /// The last second and its text: under load, thousands of lines share it.
    static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// `10:32:07.120`, in the machine's own time.
pub fn clock(at: i64) -> String {
    let (second, millis) = (at.div_euclid(1000), at.rem_euclid(1000));
    SECOND.with_borrow_mut(|(known, text)| {
        if *known != second {
            let moment = jiff::Timestamp::from_second(second).unwrap_or_default();
            *text = moment.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string();
            *known = second;
        }
        format!("{text}.{millis:03}")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(target: &str, status: u16) -> Line {
        let request_id = RequestId::from("r-1".to_owned());
        Line { at: 1_768_473_127_120, method: Method::POST, target: target.parse().unwrap(), status, micros: 2_900, who: None, request_id }
    }

    fn written(line: &Line, format: Format) -> String {
        let mut out = Vec::new();
        line.write(format, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_request_is_one_line_on_stderr() {
        let text = written(&line("/v1/data/posts?search=mina", 201), Format::Pretty);
        let (clock, rest) = text.split_once("  ").unwrap();
        assert_eq!(clock.len(), "10:32:07.120".len());
        assert!(clock.ends_with(":07.120"));
        assert_eq!(rest, "POST  /v1/data/posts  201  3 ms  -  [r-1]\n");
    }

    #[test]
    fn json_lines_have_the_documented_members() {
        let text = written(&line("/v1/data/posts?search=mina", 503), Format::Json);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["ts", "level", "event", "method", "path", "status", "durationMs", "caller", "requestId"]);
        assert_eq!((&value["ts"], &value["level"], &value["durationMs"]), (&json!("2026-01-15T10:32:07.120Z"), &json!("error"), &json!(2.9)));
    }

    #[test]
    fn neither_query_values_nor_secrets_are_logged() {
        let key = format!("sk_{}", "0a".repeat(32));
        for format in [Format::Pretty, Format::Json] {
            let text = written(&line(&format!("/v1/{key}/x?token=abc"), 404), format);
            assert!(!text.contains(&key) && !text.contains("abc") && text.contains("/v1/•••/x"), "{text}");
        }
    }
}
