//! The stored bytes of an environment: files below `objects/` that are written once and never changed. What a row names counts;
//! bytes come first into a temporary file, then under their name, then into a row, so that a crash leaves at worst a file that
//! no row names, which the next start removes.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::incoming::Incoming;

/// Where bytes are while they arrive; no part of snapshots.
pub(super) const INCOMING: &str = "tmp";
const PARTS: &str = "parts";
/// Removing a file of more bytes takes long enough to be done elsewhere.
const LARGE: u64 = 32 * 1024 * 1024;

/// The object directory of one environment.
#[derive(Debug, Clone)]
pub struct Objects {
    root: PathBuf,
    held: Arc<Mutex<Held>>,
}

/// Removals that wait for copies in progress. If the program is killed, the next start removes what they would have.
#[derive(Debug, Default)]
struct Held {
    copies: usize,
    waiting: Vec<PathBuf>,
}

/// While there is one, nothing that a row named is removed.
#[derive(Debug)]
#[must_use = "removals wait only as long as this lives"]
pub struct ObjectHold(Arc<Mutex<Held>>);

impl Drop for ObjectHold {
    fn drop(&mut self) {
        let mut held = self.0.lock();
        held.copies -= 1;
        if held.copies > 0 {
            return;
        }
        let waiting = std::mem::take(&mut held.waiting);
        drop(held);
        waiting.into_iter().for_each(remove);
    }
}

impl Objects {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, held: Arc::default() }
    }

    /// Keeps every object that is there now, for whoever copies the database and then the objects its rows name: what is removed
    /// meanwhile goes when the last hold does.
    pub fn hold(&self) -> ObjectHold {
        self.held.lock().copies += 1;
        ObjectHold(Arc::clone(&self.held))
    }

    /// Makes the directory of an environment that has none yet. Blocks.
    pub fn prepare(&self) -> io::Result<()> {
        if self.root.is_dir() { Ok(()) } else { std::fs::create_dir(&self.root) }
    }

    /// A new name for the object of an upload: two characters spread the files over folders, and every PUT gets a name of its own.
    pub fn name_for(upload_id: &str) -> String {
        let tail = &upload_id.as_bytes()[upload_id.len().saturating_sub(4)..];
        let folder = match tail {
            [a, b, ..] if [a, b].iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) => String::from_utf8_lossy(&[*a, *b]).into_owned(),
            // Imported ids may hold other characters.
            _ => format!("{:02x}", upload_id.bytes().fold(0u8, |sum, b| sum.wrapping_mul(31).wrapping_add(b))),
        };
        format!("{folder}/{upload_id}-{}", generation())
    }

    /// A new name for a part of a multipart upload.
    pub fn part_name_for(upload_id: &str, number: u32) -> String {
        format!("{PARTS}/{upload_id}/{number}-{}", generation())
    }

    /// Begins to take bytes, with MD5 and, when asked for, SHA-256. Blocks.
    pub fn begin(&self, sha256: bool) -> io::Result<Incoming> {
        let folder = self.root.join(INCOMING);
        let file = match tempfile::NamedTempFile::new_in(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.create(&folder)?;
                tempfile::NamedTempFile::new_in(&folder)?
            }
            other => other?,
        };
        Ok(Incoming::new(file, sha256))
    }

    /// Makes the bytes durable under a name; unless [`Placed::keep`] is called, they go again. Blocks.
    pub fn place(&self, incoming: Incoming, name: &str) -> io::Result<Placed> {
        let path = self.path_of(name)?;
        let file = incoming.finish()?;
        let folder = path.parent().unwrap_or(&self.root);
        if !folder.is_dir() {
            self.create(folder)?;
            for parent in folder.ancestors().skip(1).take_while(|parent| parent.starts_with(&self.root)) {
                sync_folder(parent)?;
            }
            sync_folder(self.root.parent().unwrap_or(&self.root))?;
        }
        file.persist_noclobber(&path)?;
        let placed = Placed { path: Some(path.clone()) };
        sync_folder(folder)?;
        Ok(placed)
    }

    /// Takes the bytes of stored objects, one after the other, as one new object. Blocks.
    pub fn join(&self, names: &[String]) -> io::Result<Incoming> {
        let mut incoming = self.begin(false)?;
        for name in names {
            incoming.append_file(&mut self.open(name)?.file)?;
        }
        Ok(incoming)
    }

    /// Opens an object for reading; what is open stays readable when it is removed. Blocks.
    ///
    /// # Errors
    /// I/O errors, `NotFound` among them.
    pub fn open(&self, name: &str) -> io::Result<Stored> {
        let file = File::open(self.path_of(name)?)?;
        let size = file.metadata()?.len();
        Ok(Stored { file, size })
    }

    /// Whether there is such an object. Blocks.
    pub fn has(&self, name: &str) -> bool {
        self.path_of(name).is_ok_and(|path| path.is_file())
    }

    /// Removes an object that no row names any more; a failure is logged, and the next start tries again. Blocks for a moment.
    pub fn remove(&self, name: &str) {
        match self.path_of(name) {
            Ok(path) => self.remove_or_wait(path),
            Err(error) => tracing::warn!(%error, "an object with an impossible name"),
        }
    }

    /// Removes the folder of a multipart upload's parts, empty or not. Blocks.
    pub fn remove_parts(&self, upload_id: &str) {
        if let Ok(folder) = self.path_of(&format!("{PARTS}/{upload_id}")) {
            self.remove_or_wait(folder);
        }
    }

    fn remove_or_wait(&self, path: PathBuf) {
        let mut held = self.held.lock();
        if held.copies > 0 {
            held.waiting.push(path);
        } else {
            drop(held);
            remove(path);
        }
    }

    /// Removes what an earlier run left behind: everything that arrived only in part, and every object that no row names. Answers
    /// how many there were. Only for an environment that nobody writes to yet. Blocks.
    pub fn tidy(&self, named: &HashSet<String>) -> io::Result<usize> {
        let mut removed = 0;
        let mut folders = vec![(self.root.clone(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            let entries = match std::fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            for entry in entries {
                let entry = entry?;
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.file_type()?.is_dir() {
                    folders.push((entry.path(), format!("{name}/")));
                } else if !named.contains(&name) {
                    std::fs::remove_file(entry.path())?;
                    removed += 1;
                }
            }
            if prefix.starts_with("parts/") && prefix.len() > "parts/".len() {
                // Stays while there is something in it.
                let _ = std::fs::remove_dir(&folder);
            }
        }
        Ok(removed)
    }

    /// Whether objects can be written at all. Blocks.
    ///
    /// # Errors
    /// Why not.
    pub fn check_writable(&self) -> io::Result<()> {
        self.begin(false).map(drop)
    }

    /// Bytes left on the disk for this user, where the system tells.
    pub fn free_space(&self) -> Option<u64> {
        super::directory::free_space(self.root.parent()?)
    }

    /// Makes a folder below the directory, which itself does not come back: the environment may be gone, or a disk with it.
    fn create(&self, folder: &Path) -> io::Result<()> {
        if self.root.is_dir() { std::fs::create_dir_all(folder) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn path_of(&self, name: &str) -> io::Result<PathBuf> {
        let relative = Path::new(name);
        let inside = !name.is_empty() && relative.components().all(|part| matches!(part, Component::Normal(_)));
        if inside { Ok(self.root.join(relative)) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }
}

/// An object under its name that no row names yet.
#[derive(Debug)]
#[must_use = "the object goes again unless it is kept"]
pub struct Placed {
    path: Option<PathBuf>,
}

impl Placed {
    /// Whether it is still there: a restore may have cleared it away.
    pub fn is_there(&self) -> bool {
        self.path.as_ref().is_some_and(|path| path.is_file())
    }

    /// Leaves the object in place: for after the commit that names it.
    pub fn keep(mut self) {
        self.path = None;
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            remove(path);
        }
    }
}

/// An object open for reading.
#[derive(Debug)]
pub struct Stored {
    file: File,
    size: u64,
}

impl Stored {
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file itself, at its beginning or wherever it was read last.
    pub fn into_file(self) -> File {
        self.file
    }

    /// Bytes from `offset` on, as many as there are up to `length`. Blocks.
    pub fn read(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(length);
        Read::take(&mut self.file, length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Removes a file, or a folder with everything in it; a large file on a thread of its own.
fn remove(path: PathBuf) {
    let about = std::fs::symlink_metadata(&path);
    let (is_folder, large) = about.map_or((false, false), |about| (about.is_dir(), about.is_file() && about.len() > LARGE));
    let unlink = move || {
        let done = if is_folder { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        if let Err(error) = done
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "stored bytes could not be removed");
        }
    };
    if large {
        // The writer of a database must not wait for it.
        drop(std::thread::Builder::new().name("remove object".into()).spawn(unlink));
    } else {
        unlink();
    }
}

fn generation() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// Makes the entries of a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere folders cannot be opened, and need not be.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn objects() -> (tempfile::TempDir, Objects) {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::new(folder.path().join("objects"));
        objects.prepare().unwrap();
        (folder, objects)
    }

    fn store(objects: &Objects, name: &str, bytes: &[u8]) {
        let mut incoming = objects.begin(false).unwrap();
        incoming.write(bytes).unwrap();
        objects.place(incoming, name).unwrap().keep();
    }

    fn files(objects: &Objects) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![objects.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push(path.strip_prefix(&objects.root).unwrap().to_string_lossy().into_owned()),
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn names_spread_over_folders_and_never_repeat() {
        let name = Objects::name_for("695f7c9c7a2e4c5d6e7f8091");
        assert!(name.starts_with("80/695f7c9c7a2e4c5d6e7f8091-") && name.len() == 3 + 24 + 1 + 16, "{name}");
        assert_ne!(name, Objects::name_for("695f7c9c7a2e4c5d6e7f8091"));
        for odd in ["x", "ab", "user_avatar-XYZ", "ABCD", "a".repeat(64).as_str()] {
            let name = Objects::name_for(odd);
            let (folder, file) = name.split_once('/').unwrap();
            assert!(folder.len() == 2 && folder.bytes().all(|b| b.is_ascii_hexdigit()) && file.starts_with(odd), "{name}");
        }
        assert!(Objects::part_name_for("abc", 7).starts_with("parts/abc/7-"));
    }

    #[test]
    fn bytes_are_hashed_as_they_come_and_found_under_their_name() {
        let (_folder, objects) = objects();
        let mut incoming = objects.begin(true).unwrap();
        for piece in [&b"hello "[..], b"", b"bkend\n"] {
            incoming.write(piece).unwrap();
        }
        assert_eq!((incoming.size(), hex::encode(incoming.md5())), (12, "8dcb26212e228820df83ef44784abe69".to_owned()));
        assert_eq!(incoming.sha256(), Some(<Sha256 as Digest>::digest(b"hello bkend\n").into()));
        assert_eq!(incoming.peek(5).unwrap(), b"hello");
        objects.place(incoming, "80/x-1").unwrap().keep();
        let mut stored = objects.open("80/x-1").unwrap();
        assert_eq!((stored.size(), stored.read(6, 5).unwrap()), (12, b"bkend".to_vec()));
        assert_eq!(stored.read(10, 100).unwrap(), b"d\n");
        assert_eq!(files(&objects), ["80/x-1"]);
    }

    #[test]
    fn what_is_not_placed_or_not_kept_leaves_nothing() {
        let (_folder, objects) = objects();
        let mut incoming = objects.begin(false).unwrap();
        incoming.write(b"lost").unwrap();
        drop(incoming);
        let placed = objects.place(objects.begin(false).unwrap(), "ab/x-1").unwrap();
        assert!(placed.is_there() && objects.has("ab/x-1"));
        drop(placed);
        assert!(files(&objects).is_empty() && !objects.has("ab/x-1"));
    }

    #[test]
    fn a_name_is_never_written_over() {
        let (_folder, objects) = objects();
        store(&objects, "ab/x-1", b"first");
        let mut second = objects.begin(false).unwrap();
        second.write(b"second").unwrap();
        assert!(objects.place(second, "ab/x-1").is_err());
        assert_eq!(objects.open("ab/x-1").unwrap().read(0, 10).unwrap(), b"first");
    }

    #[test]
    fn an_open_object_outlives_its_removal() {
        let (_folder, objects) = objects();
        store(&objects, "ab/x-1", b"still here");
        let mut stored = objects.open("ab/x-1").unwrap();
        objects.remove("ab/x-1");
        objects.remove("ab/x-1");
        assert_eq!(stored.read(6, 10).unwrap(), b"here");
        assert_eq!(objects.open("ab/x-1").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_is_removed_while_a_copy_is_made_goes_after_it() {
        let (_folder, objects) = objects();
        for name in ["ab/x-1", "parts/u/1-a"] {
            store(&objects, name, b"x");
        }
        let (first, second) = (objects.hold(), objects.clone().hold());
        objects.remove("ab/x-1");
        objects.remove_parts("u");
        drop(first);
        assert_eq!(files(&objects), ["ab/x-1", "parts/u/1-a"]);
        drop(second);
        assert!(files(&objects).is_empty() && !objects.root.join("parts/u").exists());
        store(&objects, "ab/x-2", b"x");
        objects.remove("ab/x-2");
        assert!(files(&objects).is_empty());
    }

    #[test]
    fn parts_become_one_object() {
        let (_folder, objects) = objects();
        store(&objects, "parts/u/1-a", b"first half, ");
        store(&objects, "parts/u/2-b", b"second half\n");
        let joined = objects.join(&["parts/u/1-a".to_owned(), "parts/u/2-b".to_owned()]).unwrap();
        assert_eq!(joined.size(), 24);
        objects.place(joined, "ab/u-1").unwrap().keep();
        objects.remove_parts("u");
        assert_eq!(objects.open("ab/u-1").unwrap().read(0, 100).unwrap(), b"first half, second half\n");
        assert_eq!(files(&objects), ["ab/u-1"]);
        assert!(!objects.root.join("parts/u").exists());
    }

    #[test]
    fn a_start_removes_what_no_row_names() {
        let (_folder, objects) = objects();
        assert_eq!(objects.tidy(&HashSet::new()).unwrap(), 0);
        for name in ["ab/x-1", "ab/x-2", "parts/u/1-a", "parts/v/1-a", "tmp/left"] {
            store(&objects, name, b"x");
        }
        let named = ["ab/x-2", "parts/v/1-a"].map(str::to_owned);
        assert_eq!(objects.tidy(&named.clone().into()).unwrap(), 3);
        assert_eq!(files(&objects), named);
        assert!(!objects.root.join("parts/u").exists() && objects.root.join("parts/v").exists());
    }

    #[test]
    fn an_environment_that_is_gone_does_not_come_back() {
        let (folder, objects) = objects();
        let incoming = objects.begin(false).unwrap();
        let root = folder.path().to_owned();
        drop(folder);
        assert!(objects.place(incoming, "ab/x-1").is_err() && objects.begin(false).is_err());
        assert!(!root.exists());
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let (folder, objects) = objects();
        std::fs::write(folder.path().join("secret"), "s").unwrap();
        let absolute = folder.path().join("secret").to_string_lossy().into_owned();
        for name in ["", "..", "../secret", "ab/../../secret", &absolute, "."] {
            assert!(objects.open(name).is_err() && !objects.has(name), "{name}");
            assert!(objects.place(objects.begin(false).unwrap(), name).is_err(), "{name}");
            objects.remove(name);
        }
        assert!(folder.path().join("secret").exists());
    }
}
