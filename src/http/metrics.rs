//! Counters of the running server, and `/metrics`: Prometheus text of them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::ServiceConfig;

use super::routing::{self, MAX_ROUTES, RouteId, resource};
use super::{ApiResult, State};
use crate::domain::error::Error;
use crate::domain::time;

/// Upper bounds of the latency buckets, in microseconds.
const BOUNDS: [u64; 13] = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000, 10_000_000];

/// What is counted while the server runs. Nothing here waits for anything.
pub struct Metrics {
    routes: Box<[Slot]>,
    /// Requests no route was found for.
    unmatched: Slot,
    in_flight: AtomicI64,
    streams: AtomicI64,
}

#[derive(Default)]
struct Slot {
    /// By status class, 1xx to 5xx.
    classes: [AtomicU64; 5],
    buckets: [AtomicU64; BOUNDS.len()],
    micros: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        let routes = std::iter::repeat_with(Slot::default).take(MAX_ROUTES).collect();
        Self { routes, unmatched: Slot::default(), in_flight: AtomicI64::new(0), streams: AtomicI64::new(0) }
    }
}

/// An open event stream; counted until dropped.
pub struct OpenStream(State);

impl OpenStream {
    pub fn new(state: &State) -> Self {
        state.metrics().streams.fetch_add(1, Relaxed);
        Self(state.clone())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.metrics().streams.fetch_sub(1, Relaxed);
    }
}

impl Metrics {
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    /// Counts an answered request.
    pub fn end(&self, route: Option<RouteId>, status: u16, took: Duration) {
        self.in_flight.fetch_sub(1, Relaxed);
        let slot = route.map_or(&self.unmatched, |id| &self.routes[id.index()]);
        slot.classes[usize::from(status / 100).clamp(1, 5) - 1].fetch_add(1, Relaxed);
        let micros = took.as_micros() as u64;
        if let Some(bucket) = BOUNDS.iter().position(|bound| micros <= *bound) {
            slot.buckets[bucket].fetch_add(1, Relaxed);
        }
        slot.micros.fetch_add(micros, Relaxed);
    }

    /// Requests answered so far.
    pub fn answered(&self) -> u64 {
        self.routes.iter().chain([&self.unmatched]).map(Slot::count).sum()
    }

    fn write(&self, out: &mut String) {
        let routes = routing::registered();
        let named = routes.iter().zip(&self.routes).map(|(route, slot)| (route.method, route.path.as_str(), slot));
        let used: Vec<_> = named.chain([("", "unmatched", &self.unmatched)]).filter(|(.., slot)| slot.count() > 0).collect();
        head(out, "bkend_http_requests_total", "counter", "Requests answered, by route, method and class of status.");
        for (method, path, slot) in &used {
            for (class, count) in slot.classes.iter().enumerate().filter(|(_, count)| count.load(Relaxed) > 0) {
                let (class, count) = (class + 1, count.load(Relaxed));
                let _ = writeln!(out, "bkend_http_requests_total{{route=\"{path}\",method=\"{method}\",status=\"{class}xx\"}} {count}");
            }
        }
        head(out, "bkend_http_request_duration_seconds", "histogram", "Time from the head of a request to the end of its answer.");
        for (method, path, slot) in &used {
            slot.write_histogram(out, &format!("route=\"{path}\",method=\"{method}\""));
        }
        gauge(out, "bkend_http_requests_in_flight", "Requests being answered now.", self.in_flight.load(Relaxed));
        gauge(out, "bkend_http_streams_open", "Open event streams.", self.streams.load(Relaxed));
    }
}

impl Slot {
    fn count(&self) -> u64 {
        self.classes.iter().map(|c| c.load(Relaxed)).sum()
    }

    fn write_histogram(&self, out: &mut String, labels: &str) {
        let name = "bkend_http_request_duration_seconds";
        let mut below = 0;
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            below += bucket.load(Relaxed);
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{}\"}} {below}", *bound as f64 / 1e6);
        }
        // Counted after the buckets, so that the sum is never below them.
        let count = self.count().max(below);
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "{name}_sum{{{labels}}} {}", self.micros.load(Relaxed) as f64 / 1e6);
        let _ = writeln!(out, "{name}_count{{{labels}}} {count}");
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn gauge(out: &mut String, name: &str, help: &str, value: impl std::fmt::Display) {
    head(out, name, "gauge", help);
    let _ = writeln!(out, "{name} {value}");
}

/// Mounts `/metrics`.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/metrics").get(metrics).done());
}

/// Counters of the server as Prometheus text.
#[utoipa::path(get, path = "/metrics", tag = "server", operation_id = "getMetrics", security(()),
    responses((status = 200, description = "Prometheus text exposition format 0.0.4", body = String, content_type = "text/plain")))]
pub async fn metrics(state: State) -> ApiResult<HttpResponse> {
    let mut out = String::with_capacity(8 * 1024);
    state.metrics().write(&mut out);
    let backend = std::sync::Arc::clone(state.backend());
    let sizes = tokio::task::spawn_blocking(move || backend.database_sizes()).await.map_err(Error::internal)?;
    head(&mut out, "bkend_database_bytes", "gauge", "Size of a database with its write-ahead log.");
    for (environment, database, bytes) in sizes {
        let _ = writeln!(out, "bkend_database_bytes{{environment=\"{environment}\",database=\"{database}\"}} {bytes}");
    }
    if let Some(bytes) = resident_bytes() {
        gauge(&mut out, "process_resident_memory_bytes", "Memory the process holds.", bytes);
    }
    let started = state.started_at();
    gauge(&mut out, "process_start_time_seconds", "Start of the process, seconds since 1970.", started as f64 / 1e3);
    gauge(&mut out, "bkend_uptime_seconds", "Seconds since the start.", (time::now() - started).max(0) as f64 / 1e3);
    head(&mut out, "bkend_build_info", "gauge", "Version of the program.");
    let _ = writeln!(out, "bkend_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(out))
}

/// Resident memory; only Linux tells it without asking the system in unsafe ways.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_cumulative_and_ends_with_everything() {
        let metrics = Metrics::default();
        for micros in [50, 200, 20_000_000] {
            metrics.begin();
            metrics.end(None, 200, Duration::from_micros(micros));
        }
        let mut out = String::new();
        metrics.write(&mut out);
        for line in ["le=\"0.0001\"} 1", "le=\"0.00025\"} 2", "le=\"10\"} 2", "le=\"+Inf\"} 3", "_count{route=\"unmatched\",method=\"\"} 3", "in_flight 0"] {
            assert!(out.contains(line), "{line}\n{out}");
        }
    }
}
