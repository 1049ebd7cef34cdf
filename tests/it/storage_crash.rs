//! A PUT, complete, registration or deletion that is cut off by `kill -9` leaves the state before or after it, and no file that no
//! row names (`05-storage.md` §6.3, §8).

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use md5::{Digest, Md5};
use reqwest::Method;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::Client;
use crate::support::process::{DataDirectory, Process};
use crate::support::random::Random;
use crate::support::storage::objects;

const ROUNDS: usize = 30;
const ACTORS: usize = 4;
/// Uploads of each actor in a round.
const EACH: usize = 5;

/// Where an upload stands, and which bytes it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    Stored(u8),
    Registered(u8),
    Deleted,
}

/// An upload as its client knows it.
#[derive(Debug)]
struct Item {
    id: String,
    path: String,
    now: State,
    /// What an operation under way makes of it.
    next: Option<State>,
}

/// What stands for a number: enough bytes for several writes, different in size and content.
fn bytes(n: u8) -> Vec<u8> {
    vec![n; 300_000 + usize::from(n) * 1000]
}

/// Sends a request; `None` once the server is gone.
async fn call(client: &Client, method: Method, url: &str, body: Vec<u8>, kind: &str) -> Option<(u16, Value, Vec<u8>)> {
    // What is signed holds for every name of the server.
    let path = url.find("/storage/").map_or(url, |at| &url[at..]);
    let request = client.request(method, path).header("Content-Type", kind).body(body);
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    let etag = answer.headers().get("etag").and_then(|v| v.to_str().ok()).map(|tag| json!({ "etag": tag }));
    let bytes = answer.bytes().await.ok()?.to_vec();
    Some((status, serde_json::from_slice(&bytes).ok().or(etag).unwrap_or(Value::Null), bytes))
}

async fn post(client: &Client, path: &str, body: Value) -> Option<Value> {
    let (status, answer, _) = call(client, Method::POST, path, body.to_string().into(), "application/json").await?;
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    Some(answer)
}

async fn put(client: &Client, url: &str, body: Vec<u8>) -> Option<String> {
    let (status, answer, _) = call(client, Method::PUT, url, body, "text/plain").await?;
    assert_eq!(status, 200, "{answer}");
    Some(answer["etag"].as_str().unwrap().to_owned())
}

/// What is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Put,
    Complete,
    Register,
    Delete,
}

/// An upload that is ready for the step, and what the step then sends.
async fn prepare(client: &Client, step: Step, n: u8) -> Option<(Item, Value)> {
    if step == Step::Complete {
        return prepare_parts(client, n).await;
    }
    let begun = post(client, "/v1/files/presigned-url", json!({ "filename": "n.txt", "contentType": "text/plain" })).await?;
    let (url, key) = (begun["url"].as_str().unwrap(), begun["key"].as_str().unwrap());
    let mut item = Item { id: begun["fileId"].as_str().unwrap().into(), path: format!("/storage/{key}"), now: State::Pending, next: None };
    if step == Step::Put {
        if n.is_multiple_of(2) {
            put(client, url, bytes(n)).await?;
            item.now = State::Stored(n);
        }
        return Some((item, json!(url)));
    }
    put(client, url, bytes(n)).await?;
    item.now = State::Stored(n);
    let file = json!({ "s3Key": key, "originalName": "n.txt", "mimeType": "text/plain", "size": bytes(n).len(), "visibility": "public" });
    if step == Step::Delete {
        post(client, "/v1/files", file.clone()).await?;
        item.now = State::Registered(n);
    }
    Some((item, file))
}

async fn prepare_parts(client: &Client, n: u8) -> Option<(Item, Value)> {
    let whole = bytes(n);
    let begun = post(client, "/v1/files/multipart/init", json!({ "filename": "n.txt", "contentType": "text/plain", "fileSize": whole.len() })).await?;
    let (key, upload) = (&begun["key"], &begun["uploadId"]);
    let mut parts = Vec::new();
    for (at, part) in whole.chunks(200_000).enumerate() {
        let signed = post(client, "/v1/files/multipart/presigned-url", json!({ "key": key, "uploadId": upload, "partNumber": at + 1 })).await?;
        parts.push(json!({ "partNumber": at + 1, "etag": put(client, signed["url"].as_str().unwrap(), part.to_vec()).await? }));
    }
    let item = Item { id: begun["fileId"].as_str().unwrap().into(), path: format!("/storage/{}", key.as_str().unwrap()), now: State::Pending, next: None };
    Some((item, json!({ "key": key, "uploadId": upload, "parts": parts })))
}

/// Takes every upload through the step, until the server is gone.
async fn act(client: &Client, step: Step, work: Vec<(Item, Value, u8)>) -> Vec<Item> {
    let (mut items, mut alive) = (Vec::new(), true);
    for (mut item, body, n) in work {
        if alive {
            let (next, done) = match step {
                Step::Put => (State::Stored(n + 1), put(client, body.as_str().unwrap(), bytes(n + 1)).await.map(drop)),
                Step::Complete => (State::Stored(n), post(client, "/v1/files/multipart/complete", body).await.map(drop)),
                Step::Register => (State::Registered(n), post(client, "/v1/files", body).await.map(drop)),
                Step::Delete => (State::Deleted, delete(client, &item.id).await),
            };
            alive = done.is_some();
            match done {
                Some(()) => item.now = next,
                None => item.next = Some(next),
            }
        }
        items.push(item);
    }
    items
}

async fn delete(client: &Client, id: &str) -> Option<()> {
    let (status, answer, _) = call(client, Method::DELETE, &format!("/v1/files/{id}"), Vec::new(), "application/json").await?;
    assert_eq!(status, 200, "{answer}");
    Some(())
}

/// Every upload is where its client was told, or where the operation under way would have brought it; answers how many of the
/// latter were not brought there.
async fn verify(client: &Client, items: &[Item]) -> usize {
    let mut undone = 0;
    for item in items {
        let (status, _, found) = call(client, Method::GET, &item.path, Vec::new(), "").await.unwrap();
        let (registered, _, _) = call(client, Method::GET, &format!("/v1/files/{}", item.id), Vec::new(), "").await.unwrap();
        let fits = |state: State| match state {
            State::Pending | State::Deleted => (status, registered) == (404, 404),
            State::Stored(n) => (status, registered) == (200, 404) && found == bytes(n),
            State::Registered(n) => (status, registered) == (200, 200) && found == bytes(n),
        };
        assert!(fits(item.now) || item.next.is_some_and(fits), "{item:?}: {status} {registered}, {} bytes of {:?}", found.len(), found.first());
        undone += usize::from(item.next.is_some_and(|next| !fits(next)));
    }
    undone
}

/// Objects and rows, held against each other beside the running server; answers how many there are.
fn check_consistency(directory: &DataDirectory) -> usize {
    let data = Connection::open_with_flags(directory.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let verdict: String = data.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    let folder = directory.database().parent().unwrap().to_owned();
    let mut rows = BTreeMap::new();
    let mut statement =
        data.prepare("SELECT object, size, etag FROM _uploads WHERE object IS NOT NULL UNION ALL SELECT object, size, etag FROM _parts").unwrap();
    for row in statement.query_map([], |row| Ok((row.get::<_, String>(0)?, (row.get::<_, u64>(1)?, row.get::<_, String>(2)?)))).unwrap() {
        let (name, about) = row.unwrap();
        assert!(rows.insert(name, about).is_none(), "two rows name one object");
    }
    assert_eq!(objects(&folder), rows.keys().cloned().collect::<Vec<_>>(), "files and rows differ");
    for (name, (size, etag)) in &rows {
        check_object(&folder.join("objects").join(name), *size, etag);
    }
    let sum: u64 = rows.values().map(|(size, _)| size).sum();
    assert_eq!(data.query_row("SELECT bytes FROM _stored_bytes", [], |row| row.get::<_, u64>(0)).unwrap(), sum);
    let unstored: u64 = data.query_row("SELECT count(*) FROM _files f JOIN _uploads u ON u.id = f.id WHERE u.object IS NULL", [], |row| row.get(0)).unwrap();
    assert_eq!(unstored, 0, "a file without bytes");
    rows.len()
}

fn check_object(path: &Path, size: u64, etag: &str) {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(bytes.len() as u64, size, "{}", path.display());
    if !etag.contains('-') {
        assert_eq!(hex::encode(Md5::digest(&bytes)), etag, "{}", path.display());
    }
}

/// Kills the server during a step, again and again.
async fn kill_during(step: Step) {
    let mut random = Random::seeded("STORAGE_CRASH_SEED");
    let directory = DataDirectory::with_tables(&[]).await;
    let mut server = Process::start(&directory.path()).await;
    let (mut before, mut after, mut open) = (0, 0, 0);
    // How long the whole step takes; kills are spread over that.
    let mut window = 60;
    for round in 0..ROUNDS {
        let client = server.client(&directory.secret_key);
        let prepared = join_all((0..ACTORS).map(|actor| {
            let client = client.clone();
            async move {
                let mut work = Vec::new();
                for i in 0..EACH {
                    let n = ((round * 37 + actor * 11 + i * 3) % 200) as u8 + 1;
                    let (item, body) = prepare(&client, step, n).await.expect("the server is up");
                    work.push((item, body, n));
                }
                work
            }
        }))
        .await;
        let delay = Duration::from_millis(1 + random.below(window) as u64);
        let killer = async {
            tokio::time::sleep(delay).await;
            server.kill();
        };
        let ((), told) = futures_util::join!(killer, join_all(prepared.into_iter().map(|work| act(&client, step, work))));
        if random.one_in(3) {
            let mut child = Process::spawn(&directory.path(), &directory.path().with_extension("never"));
            tokio::time::sleep(Duration::from_millis(random.below(150) as u64)).await;
            child.kill().unwrap();
            child.wait().unwrap();
        }
        server = Process::start(&directory.path()).await;
        let items: Vec<Item> = told.into_iter().flatten().collect();
        let client = server.client(&directory.secret_key);
        let undone = verify(&client, &items).await;
        check_consistency(&directory);
        let cut_off = items.iter().filter(|item| item.next.is_some()).count();
        (before, after, open) = (before + undone, after + cut_off - undone, open + usize::from(cut_off > 0));
        window = if cut_off == 0 { (window * 2 / 3).max(8) } else { (window * 5 / 4).min(2000) };
    }
    println!("{step:?}: {ROUNDS} kills, {open} of them during the step; of what was cut off, {before} were not done and {after} were");
    assert!(open >= ROUNDS / 2, "the kills came too late: {open}");
}

#[actix_web::test]
async fn a_put_that_is_killed_leaves_the_old_object_or_the_new_one() {
    kill_during(Step::Put).await;
}

#[actix_web::test]
async fn a_complete_that_is_killed_leaves_the_parts_or_the_object() {
    kill_during(Step::Complete).await;
}

#[actix_web::test]
async fn a_registration_that_is_killed_leaves_the_upload_or_the_file() {
    kill_during(Step::Register).await;
}

#[actix_web::test]
async fn a_deletion_that_is_killed_leaves_the_file_or_nothing() {
    kill_during(Step::Delete).await;
}
