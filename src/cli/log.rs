//! Format and level of the log on stderr (`08-cli.md` §3), from what the flags say.

use tracing_subscriber::filter::LevelFilter;

pub use crate::http::log::{Format, flush, hush_requests, init as start};

pub fn format(text: &str) -> Result<Format, String> {
    Format::parse(text).ok_or_else(|| "a log format is pretty or json".to_owned())
}

pub fn level(text: &str) -> Result<LevelFilter, String> {
    match text {
        "error" | "warn" | "info" | "debug" | "trace" => text.parse().map_err(|_| String::new()),
        _ => Err("a log level is error, warn, info, debug or trace".to_owned()),
    }
}
