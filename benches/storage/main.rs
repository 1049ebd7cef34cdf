//! How fast stored files come and go, beside a plain copy of the same bytes with fsync in the same run.
//!
//! `cargo bench --bench storage`. `BENCH_MIB` sets the size of the large file (default 1024), `BENCH_SECONDS` the length of the
//! measurement with small ones (default 5), `BENCH_FILES` how many files lists are asked for among (default 100,000),
//! `BENCH_DATA` the directory to work in (default: the system's for temporary files).

#![allow(clippy::unwrap_used)] // a measurement that can't go on should stop where it stands
#![allow(dead_code)] // the report knows more kinds of rows than are needed here

mod lists;
#[path = "../speed/report.rs"]
mod report;
mod server;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use report::Report;
use serde_json::json;
use server::Running;

const MIB: usize = 1024 * 1024;
/// What a client hands to its socket at once, and the plain copy to its file.
const PIECE: usize = 256 * 1024;
const ROUNDS: usize = 3;
const CLIENTS: usize = 8;
/// Bytes of a small file.
const SMALL: usize = 10 * 1024;

fn main() {
    let size = number("BENCH_MIB", 1024) * MIB;
    let seconds = Duration::from_secs(number("BENCH_SECONDS", 5) as u64);
    let folder = match std::env::var_os("BENCH_DATA") {
        Some(path) => tempfile::tempdir_in(path).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    println!("{} MiB, {CLIENTS} clients for small files, {} cores shared with the clients", size / MIB, std::thread::available_parallelism().unwrap());
    let server = Running::start(folder.path());
    let mut report = Report::default();
    large(&server, folder.path(), size, &mut report);
    small(&server, folder.path(), seconds, &mut report);
    report.print();
    lists::lists(&server, &folder.path().join(".bkend"), number("BENCH_FILES", 100_000));
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// One large file up as a part of a multipart upload, then down again; memory is looked at meanwhile.
fn large(server: &Running, folder: &Path, size: usize, report: &mut Report) {
    let piece: Vec<u8> = (0..PIECE).map(|n| (n * 31 % 251) as u8).collect();
    let (mut copies, mut ups, mut downs) = (Vec::new(), Vec::new(), Vec::new());
    let (idle, mut most) = (server.resident_bytes(), 0);
    for _ in 0..ROUNDS {
        copies.push(plain_copy(folder, &piece, size));
        let begun = server.json(
            "POST",
            "/v1/files/multipart/init",
            &json!({ "filename": "a.bin", "contentType": "application/octet-stream", "fileSize": size, "visibility": "public" }),
        );
        let named = |more: serde_json::Value| {
            let mut body = json!({ "key": begun["key"], "uploadId": begun["uploadId"] });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let signed = server.json("POST", "/v1/files/multipart/presigned-url", &named(json!({ "partNumber": 1 })));
        let url = server::path_of(signed["url"].as_str().unwrap());
        let (peak, (etag, up)) = server.peak_during(|| {
            let clock = Instant::now();
            (server.put(&url, &piece, size), clock.elapsed().as_secs_f64())
        });
        ups.push(up);
        most = most.max(peak);
        server.json("POST", "/v1/files/multipart/complete", &named(json!({ "parts": [{ "partNumber": 1, "etag": etag }] })));
        let plain = format!("/storage/{}", begun["key"].as_str().unwrap());
        let (peak, down) = server.peak_during(|| {
            let clock = Instant::now();
            assert_eq!(server.download(&plain), size);
            clock.elapsed().as_secs_f64()
        });
        downs.push(down);
        most = most.max(peak);
        server.json("POST", "/v1/files", &json!({ "s3Key": begun["key"], "originalName": "a.bin", "mimeType": "application/octet-stream", "size": size }));
        server.request("DELETE", &format!("/v1/files/{}", begun["fileId"].as_str().unwrap()), b"", "application/json");
    }
    let rate = |times: Vec<f64>| size as f64 / MIB as f64 / median(times);
    let raw = rate(copies);
    report.at_least("upload, beside a plain copy with fsync", rate(ups), raw, "MiB/s", 0.7);
    report.at_least("download, beside a plain copy with fsync", rate(downs), raw, "MiB/s", 0.7);
    report.at_most("memory that transfers add", most.saturating_sub(idle) as f64 / MIB as f64, "MiB", 16.0);
}

/// Seconds for writing the bytes to a file and making them durable.
fn plain_copy(folder: &Path, piece: &[u8], size: usize) -> f64 {
    let path = folder.join("plain");
    let clock = Instant::now();
    let mut file = File::create(&path).unwrap();
    for at in (0..size).step_by(PIECE) {
        file.write_all(&piece[..PIECE.min(size - at)]).unwrap();
    }
    file.sync_all().unwrap();
    let took = clock.elapsed().as_secs_f64();
    std::fs::remove_file(path).unwrap();
    took
}

/// Small files presigned, PUT and registered by several clients, beside as many files written, made durable and renamed.
fn small(server: &Running, folder: &Path, seconds: Duration, report: &mut Report) {
    let ours = per_second(seconds, |_| server.store_small(&vec![b'x'; SMALL]));
    let plain = folder.join("small");
    std::fs::create_dir(&plain).unwrap();
    let raw = per_second(seconds, |n| {
        let (temporary, target) = (plain.join(format!("{n}.tmp")), plain.join(n.to_string()));
        let mut file = File::create(&temporary).unwrap();
        file.write_all(&[b'x'; SMALL]).unwrap();
        file.sync_all().unwrap();
        std::fs::rename(temporary, target).unwrap();
        File::open(&plain).unwrap().sync_all().unwrap();
    });
    report.at_least("10 KiB files presigned, PUT and registered, beside plain durable files", ours, raw, "/s", 0.1);
}

fn per_second(length: Duration, act: impl Fn(usize) + Sync) -> f64 {
    let (done, stop, clock) = (AtomicUsize::new(0), AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    act(done.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
    });
    done.load(Ordering::Relaxed) as f64 / clock.elapsed().as_secs_f64()
}
