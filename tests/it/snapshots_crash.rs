//! A restore, reset or clone that is cut off by `kill -9` leaves the old state or the new one, never a mixture.

use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::Client;
use crate::support::process::{DataDirectory, Process};
use crate::support::random::Random;

const ROUNDS: usize = 10;
const ROWS: usize = 3000;

fn tables() -> [Value; 2] {
    [json!({ "tableName": "left", "schema": { "n": "int" }, "indexes": [{ "fields": { "n": 1 } }] }), json!({ "tableName": "right", "schema": { "n": "int" } })]
}

/// Rows of both tables, and the generation that all of them hold.
fn state(directory: &DataDirectory) -> (u64, u64, Vec<i64>) {
    let open = Connection::open_with_flags(directory.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let count = |table: &str| open.query_row(&format!("SELECT count(*) FROM \"{table}\""), [], |r| r.get::<_, u64>(0)).unwrap();
    let mut statement = open.prepare("SELECT DISTINCT doc ->> '$.n' FROM \"left\" UNION SELECT DISTINCT doc ->> '$.n' FROM \"right\"").unwrap();
    let generations = statement.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
    (count("left"), count("right"), generations)
}

async fn fill(client: &Client, n: usize) {
    for table in ["left", "right"] {
        for _ in 0..ROWS / 500 {
            let rows: Vec<Value> = (0..500).map(|_| json!({ "n": n })).collect();
            client.post(&format!("/v1/data/{table}"), json!(rows)).await.assert(201);
        }
    }
}

#[actix_web::test]
async fn a_restore_cut_off_leaves_the_old_state_or_the_new_one() {
    let mut random = Random::seeded("RESTORE_SEED");
    let directory = DataDirectory::with_tables(&tables()).await;
    let mut server = Process::start(&directory.path()).await;
    fill(&server.client(&directory.secret_key), 1).await;
    let operator = |server: &Process| {
        let token = std::fs::read_to_string(directory.path().join("secrets/operator")).unwrap();
        server.client(&directory.secret_key).header("Authorization", &format!("Bearer {}", token.trim()))
    };
    let client = operator(&server);
    let organizations = client.get("/management/v1/organizations").await.assert(200);
    let projects = client.get(&format!("/management/v1/organizations/{}/projects", organizations["items"][0]["id"].as_str().unwrap())).await.assert(200);
    let dev = format!("/management/v1/projects/{}/environments/dev", projects["items"][0]["id"].as_str().unwrap());
    let snapshot = client.post(&format!("{dev}/snapshots?wait=30"), json!({})).await.assert(200)["result"]["id"].as_str().unwrap().to_owned();
    let (mut old, mut new) = (0, 0);
    for round in 0..ROUNDS {
        let client = operator(&server);
        client.post(&format!("{dev}/reset?confirm=dev&snapshot=false&wait=30"), json!({})).await.assert(200);
        fill(&server.client(&directory.secret_key), 2 + round).await;
        let started = client.post(&format!("{dev}/snapshots/{snapshot}/restore?confirm=dev&snapshot=false"), json!({})).await;
        assert!([200, 202].contains(&started.status), "{}", started.text);
        tokio::time::sleep(Duration::from_millis(random.below(60) as u64)).await;
        server.kill();
        server = Process::start(&directory.path()).await;
        let (left, right, generations) = state(&directory);
        assert_eq!((left, right, generations.len()), (ROWS as u64, ROWS as u64, 1), "a mixture: {generations:?}");
        if generations[0] == 1 {
            new += 1
        } else {
            old += 1
        }
        let job = operator(&server).get(&format!("/management/v1/jobs/{}", started.body["id"].as_str().unwrap())).await.assert(200);
        assert!(["failed", "succeeded"].contains(&job["status"].as_str().unwrap()), "{job}");
    }
    println!("{old} rounds ended with the old state, {new} with the new one");
}

#[actix_web::test]
async fn a_clone_cut_off_is_taken_back() {
    let directory = DataDirectory::with_tables(&tables()).await;
    let mut server = Process::start(&directory.path()).await;
    fill(&server.client(&directory.secret_key), 1).await;
    for n in 0..4 {
        let token = std::fs::read_to_string(directory.path().join("secrets/operator")).unwrap();
        let client = server.client(&directory.secret_key).header("Authorization", &format!("Bearer {}", token.trim()));
        let organizations = client.get("/management/v1/organizations").await.assert(200);
        let projects = client.get(&format!("/management/v1/organizations/{}/projects", organizations["items"][0]["id"].as_str().unwrap())).await.assert(200);
        let environments = format!("/management/v1/projects/{}/environments", projects["items"][0]["id"].as_str().unwrap());
        for environment in client.get(&environments).await.assert(200)["items"].as_array().unwrap() {
            assert_eq!(environment["status"], "active", "{environment}");
            assert_eq!(environment["stats"]["rows"], 2 * ROWS as u64, "{environment}");
        }
        let started = client.post(&format!("{environments}/dev/clone"), json!({ "environment": format!("copy-{n}") })).await;
        assert!([200, 202].contains(&started.status), "{}", started.text);
        tokio::time::sleep(Duration::from_millis(n * 12)).await;
        server.kill();
        server = Process::start(&directory.path()).await;
    }
    let left: Vec<_> = std::fs::read_dir(directory.path().join("snapshots")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "half copies are left: {left:?}");
}
