//! How fast and how small the server is, beside the raw limit of the machine measured in the same run.
//!
//! `cargo bench`. `BENCH_ROWS` sets the size of the large table (default 1,000,000), `BENCH_SECONDS` the length of one
//! measurement (default 2), `BENCH_DATA` a directory in which the seeded tables are kept for the next run.
//!
//! The server runs as a process of its own. The load generator shares the cores with it, and with the raw handlers it is
//! compared to.

#![allow(clippy::unwrap_used)] // a measurement that can't go on should stop where it stands

mod auth;
mod constant;
mod growth;
mod load;
mod raw;
mod report;
mod seed;
mod server;

use std::time::{Duration, Instant};

use load::{CLIENTS, Load};
use report::Report;
use seed::Seeded;
use server::{Running, get};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|a| a == constant::FLAG) {
        constant::serve(&arguments[at + 1]);
        return;
    }
    let begun = Instant::now();
    let rows = number("BENCH_ROWS", 1_000_000);
    let seconds = Duration::from_secs(number("BENCH_SECONDS", 2) as u64);
    println!("{rows} rows, {CLIENTS} clients, {} cores shared with the load generator", std::thread::available_parallelism().unwrap());
    let seeded = seed::seeded(rows);
    println!("seeded in {:.1} s", begun.elapsed().as_secs_f64());
    let mut report = Report::default();
    starts(&seeded, &mut report);
    sizes(&seeded, &mut report);
    reads(&seeded, seconds, &mut report);
    creates(seconds, &mut report);
    auth::measure(&seeded, seconds, &mut report);
    report.print();
    growth::measure(&seeded).print();
    println!("\n{:.0} s in total", begun.elapsed().as_secs_f64());
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// (d) From the start of the process to the first 200 for a record.
fn starts(seeded: &Seeded, report: &mut Report) {
    let mut times: Vec<f64> =
        (0..7).map(|_| Running::start_and_time(seeded, &format!("/v1/{}/{}", seed::LARGE, seeded.ids[0])).as_secs_f64() * 1000.0).collect();
    times.sort_by(f64::total_cmp);
    report.at_most("start to first 200, existing data", times[times.len() / 2], "ms", 100.0);
}

/// (e) and (f).
fn sizes(seeded: &Seeded, report: &mut Report) {
    let server = Running::start(seeded);
    std::thread::sleep(Duration::from_secs(2));
    report.at_most("idle memory", server.resident_bytes() as f64 / 1024.0 / 1024.0, "MiB", 40.0);
    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_bkend-local")).unwrap().len();
    report.at_most("release binary", binary as f64 / 1024.0 / 1024.0, "MiB", 45.0);
}

/// (a) and (b), each beside a handler that returns the same bytes.
fn reads(seeded: &Seeded, seconds: Duration, report: &mut Report) {
    let server = Running::start(seeded);
    let by_id: Vec<Vec<u8>> = seeded.ids.iter().map(|id| get(&format!("/v1/{}/{id}", seed::LARGE), seeded)).collect();
    compare("GET by id, warm", &server, by_id, 0.5, seconds, report);
    let mut lists = Vec::new();
    for state in seed::STATES {
        for page in 1..=5 {
            let filter: String = url::form_urlencoded::byte_serialize(format!(r#"{{"state":"{state}"}}"#).as_bytes()).collect();
            lists.push(get(&format!("/v1/{}?andFilters={filter}&sortBy=views&sortDirection=desc&page={page}", seed::LARGE), seeded));
        }
    }
    compare("list of 20, indexed filter and sort, total", &server, lists, 0.35, seconds, report);
}

fn compare(what: &str, server: &Running, requests: Vec<Vec<u8>>, goal: f64, seconds: Duration, report: &mut Report) {
    let body = load::one(server.port, &requests[0]);
    let handler = constant::Handler::start(&body);
    let (ours, raw) = (Load::new(server.port, requests), Load::new(handler.port, vec![get("/", &server.seeded)]));
    // Warm, then in turns, so that a machine that slows down slows both.
    ours.run(Duration::from_secs(1));
    let mut rates = (Vec::new(), Vec::new());
    for _ in 0..2 {
        rates.0.push(ours.run(seconds));
        rates.1.push(raw.run(seconds));
    }
    report.at_least(what, mean(&rates.0), mean(&rates.1), "/s", goal);
}

fn mean(rates: &[f64]) -> f64 {
    rates.iter().sum::<f64>() / rates.len() as f64
}

/// (c) Creates by 64 clients, beside one SQLite connection that commits 64 rows at a time.
fn creates(seconds: Duration, report: &mut Report) {
    let seeded = seed::empty();
    let server = Running::start(&seeded);
    let requests = (0..5_000).map(|i| server::post(&format!("/v1/{}", seed::LARGE), &seed::record(i).to_string(), &seeded)).collect();
    let ours = Load::new(server.port, requests);
    ours.run(Duration::from_secs(1));
    let rate = ours.run(seconds * 2);
    drop(server);
    let raw = raw::inserts_per_second(&seed::empty(), CLIENTS, seconds * 2);
    report.at_least("durable creates, 64 clients", rate, raw, "/s", 0.5);
}
