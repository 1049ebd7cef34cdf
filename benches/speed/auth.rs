//! End users: signing in beside the raw rate of the hash, what that does to everybody else, and what a user's token costs.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde_json::{Value, json};

use super::load::{self, Load};
use super::report::Report;
use super::seed::{self, Seeded};
use super::server::{self, Running};

/// Clients that sign in at a time, each as a user of its own.
const SIGNING_IN: usize = 16;
const PASSWORD: &str = "tide-of-spring-42";

pub fn measure(seeded: &Seeded, seconds: Duration, report: &mut Report) {
    let server = Running::start(seeded);
    sign_up(&server);
    sign_ins(&server, seconds, report);
    beside_sign_ins(&server, seconds, report);
    tokens_checked(&server, seconds, report);
}

fn address(n: usize) -> String {
    format!("user-{n}@bench.test")
}

fn post(seeded: &Seeded, path: &str, body: &Value) -> Vec<u8> {
    server::post(&format!("/v1/auth{path}"), &body.to_string(), seeded)
}

fn sign_in(seeded: &Seeded, n: usize) -> Vec<u8> {
    post(seeded, "/email/signin", &json!({ "email": address(n), "password": PASSWORD }))
}

/// Makes the users, unless the directory has them from an earlier run.
fn sign_up(server: &Running) {
    let seeded = &server.seeded;
    for n in 0..SIGNING_IN {
        if load::status(server.port, &sign_in(seeded, n)) != 200 {
            load::one(server.port, &post(seeded, "/email/signup", &json!({ "email": address(n), "password": PASSWORD, "name": "Mina" })));
        }
    }
}

/// Sign-ins beside the hash alone, with the same parameters on as many threads as the server's pool has.
fn sign_ins(server: &Running, seconds: Duration, report: &mut Report) {
    let load = signing_in(server);
    load.run_with(SIGNING_IN, Duration::from_secs(1));
    let mut rates = (0.0, 0.0);
    for _ in 0..2 {
        rates.0 += load.run_with(SIGNING_IN, seconds);
        rates.1 += hashes_per_second(seconds);
    }
    report.at_least("sign-in, 16 clients, beside Argon2id alone", rates.0 / 2.0, rates.1 / 2.0, "/s", 0.9);
}

fn signing_in(server: &Running) -> std::rc::Rc<Load> {
    Load::new(server.port, (0..SIGNING_IN).map(|n| sign_in(&server.seeded, n)).collect())
}

/// m = 32768 KiB, t = 2, p = 1, 16 bytes of salt, 32 bytes of tag (`03-auth.md` §1).
fn hashes_per_second(length: Duration) -> f64 {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let begun = Instant::now();
    let hash = move || {
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(32 * 1024, 2, 1, Some(32)).unwrap());
        let (mut memory, mut tag, mut count) = (vec![Block::default(); argon.params().block_count()], [0; 32], 0_u32);
        while begun.elapsed() < length {
            argon.hash_password_into_with_memory(PASSWORD.as_bytes(), &[7; 16], &mut tag, &mut memory).unwrap();
            count += 1;
        }
        count
    };
    let hashing: Vec<_> = (0..threads).map(|_| std::thread::spawn(hash)).collect();
    let count: u32 = hashing.into_iter().map(|thread| thread.join().unwrap()).sum();
    f64::from(count) / begun.elapsed().as_secs_f64()
}

/// How long one client waits for a record: while nothing else happens, and while the hashing pool is full.
fn beside_sign_ins(server: &Running, seconds: Duration, report: &mut Report) {
    let seeded = &server.seeded;
    let reads: Vec<Vec<u8>> = seeded.ids.iter().take(1_000).map(|id| server::get(&format!("/v1/data/{}/{id}", seed::LARGE), seeded)).collect();
    load::latencies(server.port, &reads, Duration::from_millis(500));
    let idle = load::latencies(server.port, &reads, seconds);
    let (port, requests) = (server.port, (0..SIGNING_IN).map(|n| sign_in(seeded, n)).collect());
    let busy = std::thread::spawn(move || Load::new(port, requests).run_with(SIGNING_IN, seconds + Duration::from_millis(500)));
    std::thread::sleep(Duration::from_millis(300));
    let meanwhile = load::latencies(server.port, &reads, seconds);
    busy.join().unwrap();
    for (part, at) in [("p50", 0.5), ("p99", 0.99)] {
        report.beside(&format!("GET by id, {part}, while 16 clients sign in, beside idle"), quantile(&meanwhile, at), quantile(&idle, at), "ms");
    }
}

/// Milliseconds below which this part of sorted times lies.
fn quantile(sorted: &[Duration], part: f64) -> f64 {
    let at = ((sorted.len() - 1) as f64 * part).round() as usize;
    sorted[at].as_secs_f64() * 1000.0
}

/// The same reads with the key alone and with users' tokens beside it.
fn tokens_checked(server: &Running, seconds: Duration, report: &mut Report) {
    let seeded = &server.seeded;
    // Sessions of their own: a user keeps 50, and many more have been opened.
    let token = |n: usize| {
        let answer: Value = serde_json::from_slice(&load::one(server.port, &sign_in(seeded, n))).unwrap();
        answer["accessToken"].as_str().unwrap().to_owned()
    };
    let tokens: Vec<String> = (0..SIGNING_IN).map(token).collect();
    let by_key: Vec<Vec<u8>> = seeded.ids.iter().take(1_000).map(|id| server::get(&format!("/v1/data/{}/{id}", seed::LARGE), seeded)).collect();
    let with_token = |(n, request): (usize, &Vec<u8>)| {
        let token = format!("Authorization: Bearer {}\r\n\r\n", tokens[n % tokens.len()]);
        [&request[..request.len() - 2], token.as_bytes()].concat()
    };
    let by_token = by_key.iter().enumerate().map(with_token).collect();
    let (by_key, by_token) = (Load::new(server.port, by_key), Load::new(server.port, by_token));
    by_key.run(Duration::from_secs(1));
    by_token.run(Duration::from_secs(1));
    let mut rates = (0.0, 0.0);
    for _ in 0..2 {
        rates.0 += by_token.run(seconds);
        rates.1 += by_key.run(seconds);
    }
    report.at_least("GET by id with a user's token, beside the key alone", rates.0 / 2.0, rates.1 / 2.0, "/s", 0.8);
}
