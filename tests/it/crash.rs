//! What was answered with 2xx survives `kill -9`; what was cut off leaves no trace (`00-conventions.md`, "Durability").

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::Client;
use crate::support::process::{DataDirectory, Process};
use crate::support::random::Random;

const ROUNDS: usize = 24;
const WRITERS: usize = 16;
const ACCOUNTS: usize = 8;
const OPENING_BALANCE: i64 = 1000;

/// What one writer was told had happened, and what it does not know about.
#[derive(Default)]
struct Told {
    /// Records of `singles` that were acknowledged, with the number each holds.
    singles: Vec<(String, usize)>,
    /// Orders acknowledged; each comes with two lines.
    orders: Vec<String>,
    /// Transfers acknowledged.
    transfers: Vec<String>,
    /// Increments of the writer's own counter.
    increments: i64,
    /// An increment was under way when the server died.
    in_flight: i64,
    /// Changes of records in all of these.
    changes: i64,
}

fn tables() -> [Value; 6] {
    [
        json!({ "tableName": "singles", "schema": { "n": "int", "text": { "type": "string", "unique": true } } }),
        json!({ "tableName": "counters", "schema": { "value": "int" } }),
        json!({ "tableName": "wallets", "schema": { "balance": "int" } }),
        json!({ "tableName": "transfers", "schema": { "amount": "int" } }),
        json!({ "tableName": "orders", "schema": { "lines": "int" } }),
        json!({ "tableName": "lines", "schema": { "orderId": { "type": "reference", "ref": "orders" }, "qty": "int" }, "indexes": [{ "fields": { "orderId": 1 } }] }),
    ]
}

#[actix_web::test]
async fn an_acknowledged_write_survives_kill_9_and_no_transaction_is_half_there() {
    let mut random = Random::seeded("CRASH_SEED");
    let directory = DataDirectory::with_tables(&tables()).await;
    let mut server = Process::start(&directory.path()).await;
    let client = server.client(&directory.secret_key);
    for i in 0..ACCOUNTS {
        client.post("/v1/wallets", json!({ "id": format!("a{i}"), "balance": OPENING_BALANCE })).await.assert(201);
    }
    for writer in 0..WRITERS {
        client.post("/v1/counters", json!({ "id": format!("c{writer}"), "value": 0 })).await.assert(201);
    }
    let mut last_change = last_change(&directory);
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let client = server.client(&directory.secret_key);
        let before = counters(&client).await;
        let killer = async {
            tokio::time::sleep(Duration::from_millis(30 + random.below(900) as u64)).await;
            server.kill();
        };
        let writers = (0..WRITERS).map(|writer| write(&client, round, writer));
        let ((), told) = futures_util::join!(killer, join_all(writers));
        if random.one_in(3) {
            // Killed again while it starts, perhaps in the middle of its recovery.
            let mut child = Process::spawn(&directory.path(), &directory.path().with_extension("never"));
            tokio::time::sleep(Duration::from_millis(random.below(150) as u64)).await;
            child.kill().unwrap();
            child.wait().unwrap();
        }
        server = Process::start(&directory.path()).await;
        let client = server.client(&directory.secret_key);
        verify(&client, &told).await;
        verify_counters(&before, &counters(&client).await, &told);
        let now = last_change_checked(&directory);
        let changes: i64 = told.iter().map(|t| t.changes).sum();
        assert!(now >= last_change + changes, "numbers of changes only rise: {last_change} + {changes} acknowledged, but {now}");
        last_change = now;
        acknowledged += changes;
    }
    verify_everything(&server.client(&directory.secret_key)).await;
    println!("{ROUNDS} kills, {acknowledged} acknowledged changes");
    assert!(acknowledged > 1000, "too little was written to prove anything");
}

/// Writes until the server is gone.
async fn write(client: &Client, round: usize, writer: usize) -> Told {
    let mut told = Told::default();
    for i in 0.. {
        let name = format!("r{round}-w{writer}-{i}");
        let alive = match writer % 4 {
            0 => single(client, name, i, &mut told).await,
            1 => bulk(client, name, i, &mut told).await,
            2 => increment(client, writer, &mut told).await,
            _ if i % 2 == 0 => order(client, name, &mut told).await,
            _ => transfer(client, name, i, &mut told).await,
        };
        if !alive {
            break;
        }
    }
    told
}

/// Whether the request was carried out; false once the connection broke.
async fn sent(client: &Client, method: Method, path: &str, body: &Value, status: u16) -> bool {
    match client.try_send(method, path, body).await {
        Ok(answer) => {
            assert_eq!(answer.status, status, "{path} {body}: {}", answer.text);
            true
        }
        Err(_) => false,
    }
}

async fn single(client: &Client, name: String, n: usize, told: &mut Told) -> bool {
    let body = json!({ "id": name, "n": n, "text": format!("text of {name}"), "filler": "x".repeat(n % 700) });
    let done = sent(client, Method::POST, "/v1/singles", &body, 201).await;
    if done {
        told.changes += 1;
        told.singles.push((name, n));
    }
    done
}

/// Two records, one of them changed at once.
async fn bulk(client: &Client, name: String, n: usize, told: &mut Told) -> bool {
    let (first, second) = (format!("{name}-a"), format!("{name}-b"));
    let operations = json!([
        { "op": "create", "data": { "id": first, "n": n } },
        { "op": "create", "data": { "id": second, "n": 0 } },
        { "op": "update", "id": second, "data": { "$inc": { "n": n } } },
    ]);
    let done = sent(client, Method::POST, "/v1/singles/bulk", &json!({ "operations": operations }), 200).await;
    if done {
        // One change for each record a transaction touches, however often.
        told.changes += 2;
        told.singles.extend([(first, n), (second, n)]);
    }
    done
}

async fn increment(client: &Client, writer: usize, told: &mut Told) -> bool {
    let done = sent(client, Method::PATCH, &format!("/v1/counters/c{writer}"), &json!({ "$inc": { "value": 1 } }), 200).await;
    if done {
        told.changes += 1;
        told.increments += 1;
    } else {
        told.in_flight += 1;
    }
    done
}

async fn order(client: &Client, name: String, told: &mut Told) -> bool {
    let line = |n: usize| json!({ "table": "lines", "op": "create", "data": { "id": format!("{name}-{n}"), "orderId": { "$ref": "order" }, "qty": n } });
    let operations = json!([{ "table": "orders", "op": "create", "data": { "id": name, "lines": 2 }, "as": "order" }, line(1), line(2)]);
    let done = sent(client, Method::POST, "/v1/transaction", &json!({ "operations": operations }), 200).await;
    if done {
        told.changes += 3;
        told.orders.push(name);
    }
    done
}

async fn transfer(client: &Client, name: String, i: usize, told: &mut Told) -> bool {
    let (from, to, amount) = (i % ACCOUNTS, (i * 5 + 3) % ACCOUNTS, i % 17 + 1);
    let change = |account: usize, by: i64| json!({ "table": "wallets", "op": "update", "id": format!("a{account}"), "data": { "$inc": { "balance": by } } });
    let operations = json!([
        change(from, -(amount as i64)),
        { "table": "transfers", "op": "create", "data": { "id": name, "amount": amount } },
        change(to, amount as i64),
    ]);
    let done = sent(client, Method::POST, "/v1/transaction", &json!({ "operations": operations }), 200).await;
    if done {
        told.changes += if from == to { 2 } else { 3 };
        told.transfers.push(name);
    }
    done
}

/// Everything acknowledged in this round is there, and the sums hold.
async fn verify(client: &Client, told: &[Told]) {
    let singles: Vec<&(String, usize)> = told.iter().flat_map(|t| &t.singles).collect();
    for part in singles.chunks(500) {
        // One query finds the records by id; the sum of their numbers tells that their values hold too.
        let ids: Vec<&str> = part.iter().map(|(id, _)| id.as_str()).collect();
        let body = json!({ "andFilters": { "id": { "$in": ids } }, "sum": "n" });
        let found = client.post("/v1/singles/aggregate", body).await.assert(200)["items"][0].clone();
        let expected: usize = part.iter().map(|(_, n)| n).sum();
        assert_eq!((&found["count"], &found["sum"]["n"]), (&json!(part.len()), &json!(expected)), "acknowledged records are missing");
    }
    present(client, "orders", told.iter().flat_map(|t| &t.orders)).await;
    present(client, "transfers", told.iter().flat_map(|t| &t.transfers)).await;
    let balances = client.get("/v1/wallets/aggregate?sum=balance").await.assert(200);
    assert_eq!(balances["items"][0]["sum"]["balance"], OPENING_BALANCE * ACCOUNTS as i64, "money was made or lost");
    let orders = client.get("/v1/orders/aggregate?sum=lines").await.assert(200)["items"][0]["sum"]["lines"].clone();
    let lines = client.get("/v1/lines/count").await.assert(200)["count"].clone();
    assert_eq!(orders, lines, "orders and their lines must be there together");
}

async fn present<'a>(client: &Client, table: &str, ids: impl Iterator<Item = &'a String>) {
    let ids: Vec<&String> = ids.collect();
    for part in ids.chunks(500) {
        let body = json!({ "andFilters": { "id": { "$in": part } } });
        let count = client.post(&format!("/v1/{table}/count"), body).await.assert(200)["count"].clone();
        assert_eq!(count, json!(part.len()), "acknowledged records of {table} are missing");
    }
}

async fn counters(client: &Client) -> Vec<i64> {
    let list = client.get("/v1/counters?limit=100&sortBy=id").await.assert(200);
    let of = |writer: usize| list["items"].as_array().unwrap().iter().find(|c| c["id"] == format!("c{writer}")).unwrap()["value"].as_i64().unwrap();
    (0..WRITERS).map(of).collect()
}

fn verify_counters(before: &[i64], after: &[i64], told: &[Told]) {
    for (writer, told) in told.iter().enumerate() {
        let grown = after[writer] - before[writer];
        let expected = told.increments..=told.increments + told.in_flight;
        assert!(expected.contains(&grown), "counter {writer} grew by {grown}, acknowledged were {}", told.increments);
    }
}

/// Every order has its two lines, every line its order; every record can be read.
async fn verify_everything(client: &Client) {
    let orders = all(client, "orders").await;
    let mut lines: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for line in all(client, "lines").await {
        *lines.entry(line["orderId"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(orders.len(), lines.len());
    assert!(orders.iter().all(|o| lines.get(o["id"].as_str().unwrap()) == Some(&2)), "an order without both of its lines");
    let singles = all(client, "singles").await;
    assert_eq!(client.get("/v1/singles/count").await.assert(200)["count"], singles.len());
}

async fn all(client: &Client, table: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.query(&format!("/v1/{table}"), &[("limit", "100"), ("cursor", &cursor)]).await.assert(200);
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return items,
        }
    }
}

/// The highest number of a change, read beside the running server.
fn last_change(directory: &DataDirectory) -> i64 {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let data = Connection::open_with_flags(directory.database(), flags).unwrap();
    data.query_row("SELECT max(seq) FROM _changes", [], |row| row.get(0)).unwrap()
}

/// As [`last_change`], after a look at the whole file.
fn last_change_checked(directory: &DataDirectory) -> i64 {
    for file in [directory.database(), directory.path().join("control.db")] {
        let connection = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok", "{}", file.display());
    }
    last_change(directory)
}
