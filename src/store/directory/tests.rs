//! Older, newer, foreign and used directories.

use rusqlite::Connection;

use super::*;

/// A directory with one environment, closed again.
fn made(root: &Path) -> PathBuf {
    let directory = Directory::open(root).unwrap();
    let data = directory.open_data("e1").unwrap();
    data.write_blocking::<_, StoreError, _>(|tx| tx.set_environment_setting("kept", "1")).unwrap();
    data.close();
    directory.control().close();
    root.join("env").join("e1").join("data.db")
}

fn versions(database: &Path) -> u32 {
    migrations::format_of(&Connection::open(database).unwrap()).unwrap()
}

#[test]
fn an_older_directory_is_copied_before_it_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".bkend");
    let data = made(&root);
    // As an earlier version left it: without what later migrations add.
    std::fs::remove_file(&data).unwrap();
    let mut old = Connection::open(&data).unwrap();
    migrations::migrate_to(&mut old, Kind::Data, 1);
    old.execute("INSERT INTO _settings (key, value) VALUES ('kept', '1')", []).unwrap();
    drop(old);
    let directory = Directory::open(&root).unwrap();
    assert_eq!(versions(&data), Kind::Data.newest());
    let copies: Vec<PathBuf> = std::fs::read_dir(root.join("snapshots")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(copies.len(), 1);
    assert_eq!(versions(&copies[0].join("env").join("e1").join("data.db")), 1);
    let kept = directory.open_data("e1").unwrap().read_blocking::<_, StoreError, _>(|r| r.environment_setting("kept")).unwrap();
    assert_eq!(kept.as_deref(), Some("1"));
}

#[test]
fn a_database_that_was_cut_off_while_it_was_made_is_new_and_nothing_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".bkend");
    let data = made(&root);
    let log = data.with_file_name("log.db");
    Connection::open(&log).unwrap().pragma_update(None, "journal_mode", "WAL").unwrap();
    let begun = root.join("env").join("e2").join("data.db");
    std::fs::create_dir(begun.parent().unwrap()).unwrap();
    // What the migrations begin with, before any of them has run.
    Connection::open(&begun)
        .unwrap()
        .execute_batch("CREATE TABLE refinery_schema_history (version INT4 PRIMARY KEY, name TEXT, applied_on TEXT, checksum TEXT)")
        .unwrap();
    let directory = Directory::open(&root).unwrap();
    assert_eq!(std::fs::read_dir(root.join("snapshots")).unwrap().count(), 0);
    directory.open_data("e2").unwrap();
    assert_eq!(versions(&begun), Kind::Data.newest());
}

#[test]
fn migrations_are_one_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let mut connection = Connection::open(&path).unwrap();
    // In the way of a late migration: the earlier ones must not stay alone.
    connection.execute_batch("CREATE TABLE _stored_bytes (other TEXT)").unwrap();
    super::super::query::register_functions(&connection).unwrap();
    assert!(migrations::migrate(&mut connection, Kind::Data).is_err());
    assert_eq!(versions(&path), 0);
}

#[test]
fn a_failed_migration_puts_the_databases_back() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".bkend");
    let data = made(&root);
    // The migration finds a view it wants to make already there, so it fails.
    Connection::open(&data).unwrap().execute_batch("DELETE FROM refinery_schema_history WHERE version > 1").unwrap();
    assert!(matches!(Directory::open(&root).err(), Some(OpenError::Migration(_))));
    assert_eq!(versions(&data), 1);
    let kept: String = Connection::open(&data).unwrap().query_row("SELECT value FROM _settings WHERE key = 'kept'", [], |r| r.get(0)).unwrap();
    assert_eq!(kept, "1");
}

#[test]
fn a_newer_directory_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".bkend");
    let data = made(&root);
    Connection::open(&data)
        .unwrap()
        .execute_batch("INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (9000, 'later', '2030-01-01T00:00:00Z', '0')")
        .unwrap();
    assert!(matches!(Directory::open(&root).err(), Some(OpenError::Newer { found: 9000, .. })));
    assert_eq!(versions(&data), 9000);
    assert_eq!(std::fs::read_dir(root.join("snapshots")).unwrap().count(), 0);
}

#[test]
fn a_directory_is_held_once_and_free_again_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".bkend");
    let first = Directory::open(&root).unwrap();
    assert!(matches!(Directory::open(&root).err(), Some(OpenError::InUse(_))));
    drop(first);
    Directory::open(&root).unwrap();
}

#[test]
fn a_folder_with_other_things_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "chapter 1").unwrap();
    assert!(matches!(Directory::open(folder.path()).err(), Some(OpenError::NotOurs)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
