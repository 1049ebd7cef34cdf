//! How many records match: counting a large table costs far more than a page of it, so counts are kept until a commit
//! changes the table.

use std::collections::HashMap;

use parking_lot::Mutex;

/// Different conditions remembered per table.
const CAPACITY: usize = 256;

/// Counts by condition, each with the generation of the table under which it was made.
#[derive(Debug, Default)]
pub struct Totals(Mutex<HashMap<String, (u64, u64)>>);

impl Totals {
    /// The count of a condition, if nothing was changed since it was made.
    pub fn get(&self, condition: &str, generation: u64) -> Option<u64> {
        self.0.lock().get(condition).filter(|(made, _)| *made == generation).map(|(_, count)| *count)
    }

    /// Remembers a count that was made entirely under `generation`.
    pub fn put(&self, condition: &str, generation: u64, count: u64) {
        let mut counts = self.0.lock();
        if counts.len() >= CAPACITY && !counts.contains_key(condition) {
            counts.clear();
        }
        counts.insert(condition.to_owned(), (generation, count));
    }
}
