//! Everything that is logged besides requests, in the same two formats.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::{Format, line};
use crate::domain::time;

/// Targets of events that are named by what they are instead of by the module they come from.
const NAMED: [&str; 2] = ["mail", "server"];

/// Hears every event of this program at `level`, of libraries from warnings on only.
pub fn install(level: LevelFilter) {
    // Only a process that logs already can refuse, and it goes on logging.
    let _ = tracing_subscriber::registry().with(Lines { level }).try_init();
}

struct Lines {
    level: LevelFilter,
}

impl Lines {
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let own = target.starts_with("bkend_local") || NAMED.contains(&target);
        *metadata.level() <= if own { self.level } else { self.level.min(LevelFilter::WARN) }
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        super::text(|format| render(format, metadata.target(), *metadata.level(), &fields.0));
    }
}

/// One line without its end.
pub fn render(format: Format, target: &str, level: Level, fields: &Map<String, Value>) -> String {
    let now = time::now();
    match format {
        Format::Pretty => format!("{}  {}", line::clock(now), pretty(target, level, fields)),
        Format::Json => as_json(now, target, level, fields).to_string(),
    }
}

/// `WARN  message  name=value`, or `mail  message`.
fn pretty(target: &str, level: Level, fields: &Map<String, Value>) -> String {
    let message = fields.get("message").map(plain).unwrap_or_default();
    let mut line = format!("{}  {message}", if NAMED.contains(&target) { target } else { level.as_str() });
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

fn as_json(now: i64, target: &str, level: Level, fields: &Map<String, Value>) -> Value {
    let mut line = Map::new();
    line.insert("ts".into(), json!(time::iso(now)));
    line.insert("level".into(), json!(level.as_str().to_ascii_lowercase()));
    line.insert("event".into(), json!(if NAMED.contains(&target) { target } else { "log" }));
    for (name, value) in fields {
        line.insert(camel(name), value.clone());
    }
    Value::Object(line)
}

/// `duration_ms` as the wire names it: `durationMs`.
fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        if c == '_' {
            upper = true;
        } else {
            out.push(if std::mem::take(&mut upper) { c.to_ascii_uppercase() } else { c });
        }
    }
    out
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

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_value_cannot_forge_a_line() {
        assert_eq!(pretty("bkend_local::x", Level::WARN, &fields(json!({ "message": "a\nb", "cause": "x\u{1b}[2J" }))), "WARN  a b  cause=x [2J");
    }

    #[test]
    fn mail_is_logged_under_its_own_name() {
        let mail = fields(json!({ "message": "magic_link → mina@harbor.test  http://localhost:5173/in?token=1" }));
        assert_eq!(pretty("mail", Level::INFO, &mail), "mail  magic_link → mina@harbor.test  http://localhost:5173/in?token=1");
        assert_eq!(as_json(0, "mail", Level::INFO, &mail)["event"], "mail");
    }
}
