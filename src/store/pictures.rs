//! Pictures that were made once: files under `cache/img/`, the least recently used removed first. What is lost here is made
//! again.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;

/// Bytes of all cached pictures of a server.
pub const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// Bytes that stay free on the disk.
const SPARE: u64 = 256 * 1024 * 1024;

pub struct PictureCache {
    root: PathBuf,
    most: u64,
    /// Read from the disk at the first use.
    index: Mutex<Option<Index>>,
}

/// What lies there, in the order of its last use.
#[derive(Default)]
struct Index {
    entries: BTreeMap<String, Entry>,
    order: BTreeMap<u64, String>,
    next: u64,
    total: u64,
}

struct Entry {
    turn: u64,
    size: u64,
}

impl PictureCache {
    /// A cache in a folder that need not be there yet.
    pub fn new(root: PathBuf) -> Self {
        Self { root, most: MAX_BYTES, index: Mutex::default() }
    }

    /// The bytes of a picture. Blocks.
    pub fn get(&self, folder: &str, name: &str) -> Option<Vec<u8>> {
        let key = format!("{folder}/{name}");
        self.with(|index| index.touch(&key).then_some(()))?;
        let path = self.root.join(&key);
        match std::fs::read(&path) {
            Ok(bytes) => {
                // The order outlives a restart through the time of the file.
                let used = std::fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
                drop(used);
                Some(bytes)
            }
            Err(_) => {
                self.with(|index| index.forget(&key));
                None
            }
        }
    }

    /// Keeps a picture while `wanted` says so, and makes room for it. Blocks.
    ///
    /// # Errors
    /// When it could not be written; nothing is changed then.
    pub fn put(&self, folder: &str, name: &str, bytes: &[u8], wanted: impl FnOnce() -> bool) -> io::Result<()> {
        let size = bytes.len() as u64;
        if size > self.most {
            return Ok(());
        }
        let (key, home) = (format!("{folder}/{name}"), self.root.join(folder));
        std::fs::create_dir_all(&self.root)?;
        if free_space(&self.root).is_some_and(|free| free < SPARE + size) {
            return Ok(());
        }
        // Before the first file of this run, which reading the folder would take for one of an earlier run.
        self.with(|_| ());
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.root)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        let doomed = self.with(|index| {
            // Under the lock, so that a removal comes either before and is seen, or after and removes the file.
            if !wanted() {
                return Ok(Vec::new());
            }
            std::fs::create_dir_all(&home)?;
            file.persist(self.root.join(&key))?;
            index.add(key.clone(), size);
            Ok::<_, io::Error>(index.excess(self.most))
        })?;
        for key in doomed {
            std::fs::remove_file(self.root.join(&key)).or_else(absent_is_fine)?;
            remove_if_empty(self.root.join(&key).parent());
        }
        Ok(())
    }

    /// Removes every picture in a folder and below. Blocks.
    pub fn remove(&self, folder: &str) -> io::Result<()> {
        let mut index = self.index.lock();
        if let Some(index) = index.as_mut() {
            index.forget_all(&format!("{folder}/"));
        }
        std::fs::remove_dir_all(self.root.join(folder)).or_else(absent_is_fine)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Index) -> T) -> T {
        let mut index = self.index.lock();
        work(index.get_or_insert_with(|| Index::read(&self.root)))
    }
}

impl Index {
    /// What an earlier run left, oldest use first; half-written files go.
    fn read(root: &Path) -> Self {
        let mut found = Vec::new();
        collect(root, "", &mut found);
        found.sort();
        let mut index = Self::default();
        for (_, key, size) in found {
            index.add(key, size);
        }
        index
    }

    fn add(&mut self, key: String, size: u64) {
        self.forget(&key);
        self.total += size;
        self.next += 1;
        self.order.insert(self.next, key.clone());
        self.entries.insert(key, Entry { turn: self.next, size });
    }

    /// Whether it is there.
    fn touch(&mut self, key: &str) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        self.next += 1;
        if let Some(key) = self.order.remove(&entry.turn) {
            self.order.insert(self.next, key);
        }
        entry.turn = self.next;
        true
    }

    fn forget(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.order.remove(&entry.turn);
            self.total -= entry.size;
        }
    }

    fn forget_all(&mut self, prefix: &str) {
        let gone: Vec<String> = self.entries.range(prefix.to_owned()..).map(|(key, _)| key).take_while(|key| key.starts_with(prefix)).cloned().collect();
        gone.iter().for_each(|key| self.forget(key));
    }

    /// Takes the least recently used out until the rest fits.
    fn excess(&mut self, most: u64) -> Vec<String> {
        let mut gone = Vec::new();
        while self.total > most
            && let Some((_, key)) = self.order.first_key_value()
        {
            let key = key.clone();
            self.forget(&key);
            gone.push(key);
        }
        gone
    }
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<(SystemTime, String, u64)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (Ok(about), Ok(name)) = (entry.metadata(), entry.file_name().into_string()) else { continue };
        if about.is_dir() {
            collect(&entry.path(), &format!("{prefix}{name}/"), found);
        } else if name.starts_with(".new-") {
            drop(std::fs::remove_file(entry.path()));
        } else {
            found.push((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), format!("{prefix}{name}"), about.len()));
        }
    }
}

fn remove_if_empty(folder: Option<&Path>) {
    // A folder with something in it stays.
    drop(folder.map(std::fs::remove_dir));
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn free_space(path: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(path).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(root: &Path) -> PictureCache {
        PictureCache { most: 30, ..PictureCache::new(root.join("img")) }
    }

    fn put(cache: &PictureCache, name: &str) {
        cache.put("e/f", name, name.repeat(10).as_bytes(), || true).unwrap();
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        ["a", "b", "c"].iter().for_each(|name| put(&cache, name));
        assert!(cache.get("e/f", "a").is_some());
        put(&cache, "d");
        assert_eq!(["a", "b", "c", "d"].map(|name| cache.get("e/f", name).is_some()), [true, false, true, true]);
        assert!(!root.path().join("img/e/f/b").exists());
    }

    #[test]
    fn the_order_and_the_size_outlive_a_restart() {
        let root = tempfile::tempdir().unwrap();
        let first = cache(root.path());
        for (name, seconds) in [("a", 30), ("b", 10), ("c", 20)] {
            put(&first, name);
            let file = std::fs::File::options().write(true).open(root.path().join("img/e/f").join(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
        }
        std::fs::write(root.path().join("img/.new-half"), "x").unwrap();
        let second = cache(root.path());
        put(&second, "d");
        assert_eq!(["a", "b", "c", "d"].map(|name| second.get("e/f", name).is_some()), [true, false, true, true]);
        assert!(!root.path().join("img/.new-half").exists());
    }

    #[test]
    fn what_is_removed_or_not_wanted_any_more_is_not_there() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        put(&cache, "a");
        cache.put("e/g", "b", b"b", || true).unwrap();
        cache.put("e/f", "c", b"c", || false).unwrap();
        assert!(cache.get("e/f", "c").is_none());
        cache.remove("e/f").unwrap();
        assert!(cache.get("e/f", "a").is_none() && cache.get("e/g", "b").is_some());
        cache.remove("e").unwrap();
        assert!(cache.get("e/g", "b").is_none() && !root.path().join("img/e").exists());
        cache.remove("e").unwrap();
    }

    #[test]
    fn a_file_that_somebody_else_removed_is_a_miss() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        put(&cache, "a");
        std::fs::remove_file(root.path().join("img/e/f/a")).unwrap();
        assert!(cache.get("e/f", "a").is_none());
        put(&cache, "a");
        assert_eq!(cache.get("e/f", "a").unwrap(), b"aaaaaaaaaa");
        cache.put("e/f", "large", &[0; 31], || true).unwrap();
        assert!(cache.get("e/f", "large").is_none() && cache.get("e/f", "a").is_some());
    }
}
