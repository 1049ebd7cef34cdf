//! Keys of files in a copy of an environment (`05-storage.md` §9): the environment they begin with becomes the one the copy is
//! for, in files, avatars and every string of a record.

use std::collections::HashMap;
use std::path::Path;

use regex::{Captures, Regex};
use rusqlite::{Connection, params};

use super::quoted;
use crate::store::{StoreError, StoreResult};

/// What a key begins with, before the name: environment, and file with token. Slashes may be written as JSON or as a URL does.
const KEY: &str = r"(/|\\/|%2[Ff])([A-Za-z0-9_-]{1,64}-[a-z2-7]{26})(/|\\/|%2[Ff])";

/// From which environment to which.
pub struct Move<'m> {
    pub from: &'m str,
    pub to: &'m str,
    /// Makes a key of the server's own form for an id and a name.
    pub new_key: &'m dyn Fn(&str, &str) -> String,
}

/// Rewrites the keys in a copy that nobody uses yet. Blocks.
pub(in crate::store) fn rewrite(path: &Path, moving: &Move<'_>) -> StoreResult<()> {
    let connection = Connection::open(path)?;
    crate::store::query::register_functions(&connection)?;
    connection.execute_batch("PRAGMA foreign_keys = ON; BEGIN IMMEDIATE")?;
    let keys = Keys::read(&connection, moving)?;
    keys.rewrite_uploads(&connection)?;
    keys.rewrite_column(&connection, "_files", "metadata", false)?;
    keys.rewrite_column(&connection, "_users", "profile", false)?;
    let mut statement = connection.prepare("SELECT physical FROM _tables")?;
    let tables: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    drop(statement);
    tables.iter().try_for_each(|table| keys.rewrite_column(&connection, table, "doc", true))?;
    connection.execute_batch("COMMIT")?;
    connection.close().map_err(|(_, error)| StoreError::from(error))
}

/// The keys of a copy, old and new.
struct Keys<'m> {
    moving: &'m Move<'m>,
    /// Of every upload: its id and both keys.
    all: Vec<(String, String, String)>,
    /// Beginnings of keys that another environment once made, with their new ones.
    foreign: HashMap<String, String>,
    pattern: Regex,
}

impl<'m> Keys<'m> {
    fn read(connection: &Connection, moving: &'m Move<'m>) -> StoreResult<Self> {
        let own_shape = Regex::new(&format!("^([0-9a-f]{{24}}){KEY}[A-Za-z0-9._-]{{1,80}}$")).map_err(unreadable)?;
        let mut statement = connection.prepare("SELECT id, key, filename FROM _uploads ORDER BY id")?;
        let rows: Vec<(String, String, String)> =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<rusqlite::Result<_>>()?;
        let (mut all, mut foreign, mut taken) = (Vec::new(), HashMap::new(), std::collections::HashSet::new());
        let mut environments = vec![moving.from.to_owned()];
        for (id, key, name) in rows {
            let moved = own_shape.captures(&key).map(|parts| (parts[1].to_owned(), format!("{}{}", moving.to, &key[24..])));
            let new = match moved {
                Some((environment, new)) if taken.insert(new.clone()) => {
                    if environment != moving.from {
                        let (old_part, new_part) = (beginning(&key), beginning(&new));
                        foreign.insert(old_part, new_part);
                        environments.push(environment);
                    }
                    new
                }
                _ => (moving.new_key)(&id, &name),
            };
            all.push((id, key, new));
        }
        environments.sort_unstable();
        environments.dedup();
        let pattern = Regex::new(&format!("({}){KEY}", environments.join("|"))).map_err(unreadable)?;
        Ok(Self { moving, all, foreign, pattern })
    }

    fn rewrite_uploads(&self, connection: &Connection) -> StoreResult<()> {
        let mut change = connection.prepare("UPDATE _uploads SET key = ?2 WHERE id = ?1")?;
        // Old keys first leave the ground, so that none stands in the way of a new one.
        for (id, ..) in &self.all {
            change.execute(params![id, format!("moving {id}")])?;
        }
        for (id, _, new) in &self.all {
            change.execute(params![id, new])?;
        }
        // An avatar follows its file, whatever the shape of its key.
        let mut avatar = connection.prepare("UPDATE _users SET profile = json_set(profile, '$.image', ?2) WHERE profile ->> '$.image' = ?1")?;
        for (_, old, new) in self.all.iter().filter(|(_, old, _)| !self.pattern.is_match(old)) {
            avatar.execute(params![format!("/storage/{old}"), format!("/storage/{new}")])?;
        }
        Ok(())
    }

    /// Rewrites one column of JSON, as text or in SQLite's binary form.
    fn rewrite_column(&self, connection: &Connection, table: &str, column: &str, binary: bool) -> StoreResult<()> {
        let table = quoted(table);
        let mut read = connection.prepare(&format!("SELECT rowid, json({column}) FROM {table} WHERE {column} IS NOT NULL"))?;
        let value = if binary { "jsonb(?2)" } else { "?2" };
        let mut write = connection.prepare(&format!("UPDATE {table} SET {column} = {value} WHERE rowid = ?1"))?;
        let mut rows = read.query([])?;
        let mut changed = Vec::new();
        while let Some(row) = rows.next()? {
            let json = row.get_ref(1)?.as_str().map_err(|error| StoreError::Sqlite(error.into()))?;
            if let std::borrow::Cow::Owned(new) = self.in_text(json) {
                changed.push((row.get::<_, i64>(0)?, new));
            }
            if changed.len() == BATCH {
                apply(&mut write, &mut changed)?;
            }
        }
        apply(&mut write, &mut changed)
    }

    fn in_text<'t>(&self, text: &'t str) -> std::borrow::Cow<'t, str> {
        self.pattern.replace_all(text, |found: &Captures<'_>| {
            let own = &found[1] == self.moving.from;
            let known = own || self.foreign.contains_key(&format!("{}/{}", &found[1], &found[3]));
            let environment = if known { self.moving.to } else { &found[1] };
            format!("{environment}{}{}{}", &found[2], &found[3], &found[4])
        })
    }
}

/// Rows changed at a time, so that memory does not grow with the table.
const BATCH: usize = 1000;

fn apply(write: &mut rusqlite::Statement<'_>, changed: &mut Vec<(i64, String)>) -> StoreResult<()> {
    for (row, json) in changed.drain(..) {
        write.execute(params![row, json])?;
    }
    Ok(())
}

/// `<environment>/<id>-<token>`
fn beginning(key: &str) -> String {
    key.rsplit_once('/').map_or_else(|| key.to_owned(), |(beginning, _)| beginning.to_owned())
}

fn unreadable(error: regex::Error) -> StoreError {
    StoreError::Other(error.to_string())
}
