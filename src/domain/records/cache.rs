//! Answers that were given before and still hold: records by id and lists by request, until a commit changes the table.
//!
//! Nothing is ever removed when it goes stale: its key names the definition of the table and the generation of its data,
//! and nobody asks for an old one again. What is asked for seldom makes room for what is asked for often.

use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use equivalent::Equivalent;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::domain::tables::table::Table;
use crate::store::data::Record;

/// Bytes kept per environment.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// About how many entries that is.
const ENTRIES: usize = 16 * 1024;
/// An answer larger than this is not kept: it would push out too many others.
const MAX_ENTRY: usize = 256 * 1024;
/// What an entry takes besides its content.
const OVERHEAD: usize = 128;

/// What is kept.
#[derive(Clone)]
enum Kept {
    Record(Arc<Record>),
    Answer(Bytes),
}

#[derive(PartialEq, Eq, Hash, Clone)]
struct Key {
    /// Which definition of which table.
    definition: u64,
    generation: u64,
    what: Box<str>,
}

/// A key that borrows its text, for looking up.
#[derive(Hash)]
struct Asked<'a> {
    definition: u64,
    generation: u64,
    what: &'a str,
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.definition == key.definition && self.generation == key.generation && *self.what == *key.what
    }
}

#[derive(Clone)]
struct Bytewise;

impl Weighter<Key, Kept> for Bytewise {
    fn weight(&self, key: &Key, kept: &Kept) -> u64 {
        let content = match kept {
            Kept::Record(record) => record.doc.len() + record.id.len() + record.created_by.len(),
            Kept::Answer(bytes) => bytes.len(),
        };
        (content + key.what.len() + OVERHEAD) as u64
    }
}

/// The cache of one environment.
pub struct Answers(Cache<Key, Kept, Bytewise>);

impl Default for Answers {
    fn default() -> Self {
        Self(Cache::with_weighter(ENTRIES, CAPACITY, Bytewise))
    }
}

impl Answers {
    /// A record that is as it was in `generation`.
    pub fn record(&self, table: &Table, generation: u64, id: &str) -> Option<Arc<Record>> {
        match self.0.get(&Asked { definition: table.definition_number, generation, what: id })? {
            Kept::Record(record) => Some(record),
            Kept::Answer(_) => None,
        }
    }

    /// Keeps a record that was read after `generation` was.
    pub fn keep_record(&self, table: &Table, generation: u64, record: &Arc<Record>) {
        if record.doc.len() <= MAX_ENTRY {
            self.0.insert(Key { definition: table.definition_number, generation, what: record.id.as_str().into() }, Kept::Record(Arc::clone(record)));
        }
    }

    /// The answer to a request that was answered in `generation`.
    pub fn answer(&self, table: &Table, generation: u64, request: &str) -> Option<Bytes> {
        match self.0.get(&Asked { definition: table.definition_number, generation, what: request })? {
            Kept::Answer(bytes) => Some(bytes),
            Kept::Record(_) => None,
        }
    }

    /// Keeps an answer whose data was read after `generation` was.
    pub fn keep_answer(&self, table: &Table, generation: u64, request: &str, answer: &Bytes) {
        if answer.len() <= MAX_ENTRY {
            self.0.insert(Key { definition: table.definition_number, generation, what: request.into() }, Kept::Answer(answer.clone()));
        }
    }
}
