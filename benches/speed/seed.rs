//! Data directories with tables of known content.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bkend_local::domain::caller::{Tenant, Via};
use bkend_local::domain::tables::ops::NewTable;
use bkend_local::http::server::{Application, Settings};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// The large table; the others are named after their size.
pub const LARGE: &str = "posts";
/// Each holds a tenth of the rows.
pub const STATES: [&str; 10] = ["draft", "live", "hidden", "spam", "late", "new", "old", "red", "green", "blue"];
/// Ids kept for reading.
const IDS: usize = 20_000;

/// A data directory and how to reach what is in it.
#[derive(Clone)]
pub struct Seeded {
    _folder: Option<Arc<tempfile::TempDir>>,
    pub path: PathBuf,
    pub key: String,
    pub environment: String,
    /// Some ids of the large table.
    pub ids: Vec<String>,
    /// Names and sizes of all tables, smallest first.
    pub tables: Vec<(String, usize)>,
}

impl Seeded {
    pub fn database(&self) -> PathBuf {
        self.path.join("env").join(&self.environment).join("data.db")
    }
}

/// About 300 bytes.
pub fn record(i: usize) -> Value {
    // A stride that is no divisor of anything spreads the values.
    let spread = i.wrapping_mul(2_654_435_761) % 1_000_003;
    json!({
        "title": format!("Post number {i} about {}", STATES[spread % 7]),
        "state": STATES[i % STATES.len()],
        "views": spread,
        "author": format!("author-{}", spread % 5_000),
        "score": (spread % 1000) as f64 / 8.0,
        "tags": [STATES[i % 3], STATES[spread % 10]],
        "text": format!("word{} lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt", spread),
    })
}

/// The tables for a run: 1,000 rows and ten times as many up to `rows`.
pub fn seeded(rows: usize) -> Seeded {
    let kept = std::env::var_os("BENCH_DATA").map(PathBuf::from);
    if let Some(kept) = &kept
        && let Ok(text) = std::fs::read_to_string(kept.join(format!("{rows}.json")))
    {
        let about: Value = serde_json::from_str(&text).unwrap();
        let text = |name: &str| about[name].as_str().unwrap().to_owned();
        let list = |name: &str| about[name].as_array().unwrap().clone();
        let ids = list("ids").iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        let tables = list("tables").iter().map(|t| (t[0].as_str().unwrap().to_owned(), t[1].as_u64().unwrap() as usize)).collect();
        return Seeded { _folder: None, path: text("path").into(), key: text("key"), environment: text("environment"), ids, tables };
    }
    let mut sizes: Vec<usize> = [1_000, 10_000, 100_000].into_iter().filter(|size| *size < rows).collect();
    sizes.push(rows);
    let tables = sizes.iter().map(|size| (if *size == rows { LARGE.to_owned() } else { format!("posts{size}") }, *size)).collect();
    let folder = kept.as_ref().map(|kept| kept.join(format!("{rows}")));
    let seeded = make(folder, tables);
    if let Some(kept) = kept {
        let about = json!({ "path": seeded.path, "key": seeded.key, "environment": seeded.environment, "ids": seeded.ids, "tables": seeded.tables });
        std::fs::write(kept.join(format!("{rows}.json")), about.to_string()).unwrap();
    }
    seeded
}

/// The large table without rows.
pub fn empty() -> Seeded {
    make(None, vec![(LARGE.to_owned(), 0)])
}

fn make(folder: Option<PathBuf>, tables: Vec<(String, usize)>) -> Seeded {
    let temporary = folder.is_none().then(|| Arc::new(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()));
    let path = folder.unwrap_or_else(|| temporary.as_ref().unwrap().path().join(".bkend"));
    let (key, environment) = actix_web::rt::System::new().block_on(create(&path, &tables));
    let mut seeded = Seeded { _folder: temporary, path, key, environment, ids: Vec::new(), tables };
    fill(&mut seeded);
    seeded
}

/// A data directory with the tables, still empty; answers secret key and environment.
async fn create(path: &Path, tables: &[(String, usize)]) -> (String, String) {
    let settings = Settings { data_dir: path.to_owned(), port: 0, workers: Some(1), log_requests: false, project_name: "bench".into(), ..Settings::default() };
    let app = Application::build(settings).await.unwrap();
    let first = app.first_run().cloned().unwrap();
    let backend = Arc::clone(app.backend());
    let key = backend.keys().resolve(backend.control(), &first.publishable_key).await.unwrap();
    let environment = backend.environment(&key.environment_id).await.unwrap();
    let owner = Tenant { id: "owner".into(), name: "Owner".into(), email: "owner@localhost".into(), is_server_owner: true, via: Via::Operator };
    for (name, _) in tables {
        let definition = json!({
            "tableName": name,
            "schema": { "title": "string", "state": "string", "views": "int", "author": "string", "score": "double", "tags": ["string"], "text": "string" },
            "indexes": [{ "fields": { "state": 1, "views": 1 } }]
        });
        environment.create_table(&owner, NewTable::parse(&definition, false).unwrap()).await.unwrap();
    }
    let handle = app.handle();
    let running = actix_web::rt::spawn(app.run());
    handle.stop(true).await;
    running.await.unwrap().unwrap();
    (first.secret_key.unwrap(), key.environment_id.clone())
}

/// Puts the rows in behind the server's back, which takes a fraction of the time.
fn fill(seeded: &mut Seeded) {
    let mut connection = Connection::open(seeded.database()).unwrap();
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;").unwrap();
    for (name, size) in &seeded.tables {
        let table: String = connection.query_row("SELECT physical FROM _tables WHERE name = ?1", [name], |row| row.get(0)).unwrap();
        let transaction = connection.transaction().unwrap();
        let insert = format!("INSERT INTO \"{table}\" (id, created_by, created_at, updated_at, doc) VALUES (?1, '', ?2, ?2, jsonb(?3))");
        let mut statement = transaction.prepare(&insert).unwrap();
        for i in 0..*size {
            let id = bkend_local::domain::id::new_id();
            statement.execute(params![id, bkend_local::domain::time::now(), record(i).to_string()]).unwrap();
            if name == LARGE && i % (size / IDS).max(1) == 0 {
                seeded.ids.push(id);
            }
        }
        drop(statement);
        transaction.commit().unwrap();
    }
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}
