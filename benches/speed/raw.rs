//! The raw limit of durable writes: SQLite without anything around it.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::seed::{self, Seeded};

/// Rows per second that one connection inserts into the very table the server would use, with its indexes, in commits of
/// `batch` rows with `synchronous = FULL`.
pub fn inserts_per_second(seeded: &Seeded, batch: usize, length: Duration) -> f64 {
    let mut connection = Connection::open(seeded.database()).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA mmap_size = 1073741824; PRAGMA cache_size = -4096;").unwrap();
    let table: String = connection.query_row("SELECT physical FROM _tables WHERE name = ?1", [seed::LARGE], |row| row.get(0)).unwrap();
    let documents: Vec<Vec<u8>> =
        (0..5_000).map(|i| connection.query_row("SELECT jsonb(?1)", [seed::record(i).to_string()], |row| row.get(0)).unwrap()).collect();
    let insert = format!("INSERT INTO \"{table}\" (id, created_by, created_at, updated_at, doc) VALUES (?1, '', ?2, ?2, ?3)");
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < length {
        let transaction = connection.transaction().unwrap();
        {
            let mut statement = transaction.prepare_cached(&insert).unwrap();
            for _ in 0..batch {
                let id = bkend_local::domain::id::new_id();
                statement.execute(params![id, bkend_local::domain::time::now(), documents[count % documents.len()]]).unwrap();
                count += 1;
            }
        }
        transaction.commit().unwrap();
    }
    count as f64 / begun.elapsed().as_secs_f64()
}
