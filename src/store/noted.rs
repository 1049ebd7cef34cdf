//! What an operation of the writer has done to records so far: one entry per record, however often it was touched.

use std::collections::HashMap;
use std::sync::Arc;

use super::data::{CHANGES_KEPT, Record};

/// A record an operation has touched, as it was before the operation and as it is now.
#[derive(Debug, Clone)]
pub struct Touched {
    pub table_id: String,
    pub record_id: String,
    /// `None`: it did not exist.
    pub before: Option<Arc<Record>>,
    /// `None`: it no longer exists.
    pub after: Option<Arc<Record>>,
}

/// Everything an operation has noted.
#[derive(Debug, Default)]
pub struct Noted {
    /// In the order of the first touch.
    pub touched: Vec<Touched>,
    /// Ids of tables that have to be read anew as a whole; nothing in `touched` is about them.
    pub resets: Vec<String>,
}

/// Collects while an operation runs.
#[derive(Default)]
pub(super) struct Notes {
    noted: Noted,
    /// Places in `touched` by record id; two tables may hold the same one.
    places: HashMap<String, Vec<usize>>,
    /// What `after` was before a later touch, for undoing a nested failure.
    journal: Vec<(usize, Option<Arc<Record>>)>,
}

/// A point to which notes can be taken back.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    touched: usize,
    resets: usize,
    journal: usize,
}

impl Notes {
    pub fn is_empty(&self) -> bool {
        self.noted.touched.is_empty() && self.noted.resets.is_empty()
    }

    pub fn clear(&mut self) {
        if !self.is_empty() {
            *self = Self::default();
        }
    }

    pub fn note(&mut self, table_id: &str, record_id: &str, before: Option<Arc<Record>>, after: Option<Arc<Record>>) {
        if self.noted.resets.iter().any(|id| id == table_id) {
            return;
        }
        let known = self.places.get(record_id).and_then(|places| places.iter().copied().find(|at| self.noted.touched[*at].table_id == table_id));
        if let Some(at) = known {
            let previous = std::mem::replace(&mut self.noted.touched[at].after, after);
            self.journal.push((at, previous));
            return;
        }
        // More than streams can ever resume over: whoever listens reads the tables anew, and memory stays bounded.
        if self.noted.touched.len() as i64 >= CHANGES_KEPT {
            let tables: Vec<String> = self.noted.touched.iter().map(|t| t.table_id.clone()).chain([table_id.to_owned()]).collect();
            tables.iter().for_each(|id| self.reset(id));
            return;
        }
        self.places.entry(record_id.to_owned()).or_default().push(self.noted.touched.len());
        self.noted.touched.push(Touched { table_id: table_id.to_owned(), record_id: record_id.to_owned(), before, after });
    }

    pub fn reset(&mut self, table_id: &str) {
        if !self.noted.resets.iter().any(|id| id == table_id) {
            self.noted.resets.push(table_id.to_owned());
        }
    }

    pub fn take(&mut self) -> Noted {
        let mut noted = std::mem::take(self).noted;
        let resets = &noted.resets;
        noted.touched.retain(|t| !resets.contains(&t.table_id));
        noted
    }

    pub fn mark(&self) -> Mark {
        Mark { touched: self.noted.touched.len(), resets: self.noted.resets.len(), journal: self.journal.len() }
    }

    /// Forgets what was noted since the mark.
    pub fn back_to(&mut self, mark: Mark) {
        for (at, previous) in self.journal.drain(mark.journal..).rev() {
            self.noted.touched[at].after = previous;
        }
        for gone in self.noted.touched.drain(mark.touched..) {
            if let Some(places) = self.places.get_mut(&gone.record_id) {
                places.retain(|at| *at < mark.touched);
            }
        }
        self.noted.resets.truncate(mark.resets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(doc: u8) -> Option<Arc<Record>> {
        Some(Arc::new(Record { id: "r".into(), created_by: String::new(), created_at: 0, updated_at: 0, doc: vec![doc] }))
    }

    #[test]
    fn a_record_touched_several_times_is_noted_once_as_it_was_and_as_it_became() {
        let mut notes = Notes::default();
        notes.note("t", "r", None, record(1));
        notes.note("u", "r", record(8), record(9));
        notes.note("t", "r", record(1), record(2));
        let noted = notes.take();
        assert_eq!(noted.touched.len(), 2);
        assert_eq!((noted.touched[0].before.clone(), noted.touched[0].after.clone()), (None, record(2)));
        assert!(notes.is_empty());
    }

    #[test]
    fn what_a_nested_failure_noted_is_forgotten() {
        let mut notes = Notes::default();
        notes.note("t", "r", record(1), record(2));
        let mark = notes.mark();
        notes.note("t", "r", record(2), None);
        notes.note("t", "s", None, record(3));
        notes.reset("u");
        notes.back_to(mark);
        notes.note("t", "s", None, record(4));
        let noted = notes.take();
        assert_eq!(noted.touched.iter().map(|t| (t.record_id.as_str(), t.after.clone())).collect::<Vec<_>>(), [("r", record(2)), ("s", record(4))]);
        assert!(noted.resets.is_empty());
    }

    #[test]
    fn a_reset_stands_for_every_record_of_its_table_and_so_does_a_flood() {
        let mut notes = Notes::default();
        notes.note("t", "r", None, record(1));
        notes.note("u", "r", None, record(1));
        notes.reset("t");
        notes.note("t", "s", None, record(1));
        let noted = notes.take();
        assert_eq!((noted.touched.len(), noted.resets), (1, vec!["t".to_owned()]));
        for n in 0..=CHANGES_KEPT {
            notes.note("t", &n.to_string(), None, record(1));
        }
        let noted = notes.take();
        assert_eq!((noted.touched.len(), noted.resets), (0, vec!["t".to_owned()]));
    }
}
