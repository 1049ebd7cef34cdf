//! The log on stderr: one line per event, for people or as JSON (`08-cli.md` §3).

use std::fmt::{self, Write as _};

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Pretty,
    Json,
}

impl Format {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err("a log format is pretty or json".to_owned()),
        }
    }
}

pub fn level(text: &str) -> Result<LevelFilter, String> {
    match text {
        "error" | "warn" | "info" | "debug" | "trace" => text.parse().map_err(|_| String::new()),
        _ => Err("a log level is error, warn, info, debug or trace".to_owned()),
    }
}

/// Targets of events that are named by what they are instead of by the module they come from.
const NAMED: [&str; 2] = ["request", "mail"];

/// Starts logging to stderr. Libraries are heard from warnings on only. A second call changes nothing.
pub fn start(format: Format, level: LevelFilter) {
    let quiet = level.min(LevelFilter::WARN);
    let targets = NAMED.iter().fold(Targets::new().with_default(quiet).with_target("bkend_local", level), |all, name| all.with_target(*name, level));
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).event_format(format).with_writer(std::io::stderr);
    // Only a process that logs already can refuse, and it goes on logging.
    let _ = tracing_subscriber::registry().with(layer).with(targets).try_init();
}

impl<S, N> FormatEvent<S, N> for Format
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (target, level) = (event.metadata().target(), *event.metadata().level());
        match self {
            Self::Pretty => writeln!(writer, "{}  {}", jiff::ZonedDateTime::now().strftime("%H:%M:%S%.3f"), pretty(target, level, &fields.0)),
            Self::Json => writeln!(writer, "{}", as_json(target, level, &fields.0)),
        }
    }
}

/// `POST  /v1/data/posts  201  3 ms  pk:Default  user:665f…  [requestId]`, or `WARN  message  name=value`.
fn pretty(target: &str, level: Level, fields: &Map<String, Value>) -> String {
    let text = |name: &str| fields.get(name).map(plain).unwrap_or_default();
    if target == "request" {
        let mut parts = vec![text("method"), text("path"), text("status"), format!("{} ms", text("duration_ms"))];
        parts.extend(Some(text("caller")).filter(|caller| !caller.is_empty()));
        parts.push(format!("[{}]", text("request_id")));
        return parts.join("  ");
    }
    let head = if NAMED.contains(&target) { target.to_owned() } else { level.to_string() };
    let mut line = format!("{head}  {}", text("message"));
    for (name, value) in fields.iter().filter(|(name, _)| *name != "message") {
        let _ = write!(line, "  {name}={}", plain(value));
    }
    line
}

/// One line stays one line, whatever a value holds.
fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn as_json(target: &str, level: Level, fields: &Map<String, Value>) -> Value {
    let mut line = Map::new();
    line.insert("ts".to_owned(), json!(crate::domain::time::iso(crate::domain::time::now())));
    line.insert("level".to_owned(), json!(level.as_str().to_lowercase()));
    line.insert("event".to_owned(), json!(if NAMED.contains(&target) { target } else { "log" }));
    for (name, value) in fields {
        line.insert(camel(name), value.clone());
    }
    Value::Object(line)
}

/// `duration_ms` as the wire names it: `durationMs`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        let mut letters = part.chars();
        letters.next().map_or(all.clone(), |head| format!("{all}{}{}", head.to_ascii_uppercase(), letters.as_str()))
    })
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, json!(format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Map<String, Value> {
        let fields = json!({ "method": "POST", "path": "/v1/data/posts", "status": 201, "duration_ms": 3, "caller": "pk:Default", "request_id": "r1" });
        fields.as_object().unwrap().clone()
    }

    #[test]
    fn a_request_is_one_line_for_people() {
        assert_eq!(pretty("request", Level::INFO, &request()), "POST  /v1/data/posts  201  3 ms  pk:Default  [r1]");
    }

    #[test]
    fn a_request_in_json_has_the_documented_members() {
        let line = as_json("request", Level::INFO, &request());
        let names: Vec<_> = line.as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["ts", "level", "event", "method", "path", "status", "durationMs", "caller", "requestId"]);
        assert_eq!(line["event"], "request");
    }

    #[test]
    fn a_value_cannot_forge_a_line() {
        let fields = json!({ "message": "a\nb", "cause": "x\u{1b}[2J" });
        assert_eq!(pretty("bkend_local::http", Level::WARN, fields.as_object().unwrap()), "WARN  a b  cause=x [2J");
    }
}
