//! How long lists take in an environment with many files.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::Connection;
use serde_json::json;

use crate::report;
use crate::server::{Caller, Running};

const ROUNDS: usize = 21;

/// Rows without bytes: only what is known of files matters here. A tenth belongs to the user, a tenth is public.
const SEED: &str = "
    PRAGMA busy_timeout = 60000;
    BEGIN;
    CREATE TEMP TABLE numbers AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count) SELECT i FROM n;
    INSERT INTO _uploads (id, key, filename, content_type, max_size, visibility, bucket, created_at, expires_at, object, size, etag, object_type, stored_at, registered)
        SELECT printf('%024x', i), printf('%s/%024x-abcdefghijklmnopqrstuvwxyz/note-%d.txt', :environment, i, i), printf('note-%d.txt', i), 'text/plain', 100, 'private',
            'documents', 1700000000000 + i, 0, printf('00/%d', i), 100, '8dcb26212e228820df83ef44784abe69', 'text/plain', 1700000000000 + i, 1 FROM numbers;
    INSERT INTO _files (id, original_name, folded_name, mime_type, size, visibility, bucket, owner_type, owner_id, created_at, updated_at)
        SELECT printf('%024x', i), printf('Note-%d.txt', i), printf('note-%d.txt', i), 'text/plain', i % 1000, CASE i % 10 WHEN 0 THEN 'public' ELSE 'private' END,
            CASE i % 3 WHEN 0 THEN 'documents' ELSE 'images' END, 'user', CASE i % 10 WHEN 1 THEN :user ELSE printf('%024x', i) END, 1700000000000 + i,
            1700000000000 + (i * 7919) % :count FROM numbers;
    COMMIT;";

/// Prints the median time of each list, for each kind of caller, beside the number of files.
pub fn lists(server: &Running, data_dir: &Path, count: usize) {
    let signed_up = server.json("POST", "/v1/auth/email/signup", &json!({ "email": "mina@harbor.test", "password": "tide42", "name": "Mina" }));
    let (token, user) = (signed_up["accessToken"].as_str().unwrap(), signed_up["user"]["id"].as_str().unwrap());
    seed(data_dir, count, user);
    let callers = [("secret key", Caller::Secret), ("user", Caller::User(token.to_owned())), ("guest", Caller::Guest)];
    let queries = [
        ("newest 20", "?limit=20"),
        ("page 1,000 of 100", "?limit=100&page=1000"),
        ("by name", "?sortBy=originalName&sortDirection=asc"),
        ("by size, one bucket", "?sortBy=size&bucket=images"),
        ("search, few match", "?search=note-4242"),
        ("search, all match", "?search=note"),
        ("image/*, none", "?mimeType=image/*"),
    ];
    let mut rows = vec![["list", "secret key", "user", "guest"].map(str::to_owned).to_vec()];
    for (name, query) in queries {
        let time = |caller: &Caller| {
            let path = format!("/v1/files{query}");
            let mut times: Vec<f64> = (0..ROUNDS)
                .map(|_| {
                    let clock = Instant::now();
                    server.get(&path, caller);
                    clock.elapsed().as_secs_f64() * 1000.0
                })
                .collect();
            times.sort_by(f64::total_cmp);
            format!("{:.1} ms", times[ROUNDS / 2])
        };
        let times = callers.iter().map(|(_, caller)| time(caller));
        rows.push(std::iter::once(name.to_owned()).chain(times).collect());
    }
    println!("\nmedian of a list among {count} files, with its total");
    report::table(rows.iter().map(Vec::as_slice));
}

/// Writes beside the running server, which is idle.
fn seed(data_dir: &Path, count: usize, user: &str) {
    let environments: Vec<PathBuf> = std::fs::read_dir(data_dir.join("env")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let database = environments.iter().map(|folder| folder.join("data.db")).max_by_key(|path| std::fs::metadata(path).map_or(0, |about| about.len())).unwrap();
    let environment = database.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    let sql = SEED.replace(":count", &count.to_string()).replace(":environment", &format!("'{environment}'")).replace(":user", &format!("'{user}'"));
    Connection::open(database).unwrap().execute_batch(&sql).unwrap();
}
