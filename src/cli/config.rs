//! `bkend.toml` (`08-cli.md` §2): finding it, and reading it so that every complaint names file, line and remedy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, TableLike, Value};

use super::exit::{Exit, Failure, Result};

/// What a key of the file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// A text, or a list of them.
    Texts,
    Integer,
    Switch,
    /// Relative to the file's folder.
    Path,
}

/// Every key of the file, as `section.key`.
const KEYS: &[(&str, Kind)] = &[
    ("server.port", Kind::Integer),
    ("server.host", Kind::Texts),
    ("server.public_url", Kind::Text),
    ("server.allow_hosts", Kind::Texts),
    ("server.data_dir", Kind::Path),
    ("server.log_format", Kind::Text),
    ("project.name", Kind::Text),
    ("project.env", Kind::Text),
    ("project.schema", Kind::Path),
    ("project.seed", Kind::Path),
    ("project.schema_sync", Kind::Switch),
    ("types.ts", Kind::Path),
    ("types.zod", Kind::Switch),
    ("types.dart", Kind::Path),
];

/// A value of the file as text (a list as its elements), and its line, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub texts: Vec<String>,
    pub line: usize,
}

/// A `bkend.toml` without mistakes.
#[derive(Debug, Clone, Default)]
pub struct File {
    pub path: PathBuf,
    entries: BTreeMap<&'static str, Entry>,
}

impl File {
    /// The value of `section.key`; absent and empty texts are the same.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| !entry.texts.is_empty())
    }

    /// The folder that relative paths start from.
    pub fn folder(&self) -> &Path {
        self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Reads a file that has to exist.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Failure::new(Exit::Usage, "cli/config-invalid", format!("{}: the configuration file cannot be read: {e}", path.display())))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let place = Place { path, text };
        let document = Document::parse(text).map_err(|e| place.complain(e.span(), e.message().trim()))?;
        let mut file = Self { path: path.to_owned(), entries: BTreeMap::new() };
        for (name, item) in document.as_table().iter() {
            let span = document.as_table().key(name).and_then(toml_edit::Key::span);
            let Some(section) = item.as_table_like().filter(|_| is_section(name)) else {
                return Err(place.complain(span, &unknown(name, None)));
            };
            file.read_section(&place, name, section)?;
        }
        Ok(file)
    }

    fn read_section(&mut self, place: &Place, section: &str, table: &dyn TableLike) -> Result<()> {
        for (name, item) in table.iter() {
            let span = table.key(name).and_then(toml_edit::Key::span);
            let full = format!("{section}.{name}");
            let Some((key, kind)) = KEYS.iter().find(|(known, _)| *known == full) else {
                return Err(place.complain(span, &unknown(name, Some(section))));
            };
            let line = place.line(span.clone());
            let texts = read(item, *kind).ok_or_else(|| place.complain(span, &format!("{full} has to be {}", expected(*kind))))?;
            let texts = texts.into_iter().filter(|text| !text.is_empty());
            let texts = if *kind == Kind::Path { texts.map(|text| self.folder().join(text).to_string_lossy().into_owned()).collect() } else { texts.collect() };
            self.entries.insert(key, Entry { texts, line });
        }
        Ok(())
    }
}

fn is_section(name: &str) -> bool {
    KEYS.iter().any(|(key, _)| key.split('.').next() == Some(name))
}

fn read(item: &Item, kind: Kind) -> Option<Vec<String>> {
    let value = item.as_value()?;
    match (kind, value) {
        (Kind::Text | Kind::Path | Kind::Texts, Value::String(text)) => Some(vec![text.value().clone()]),
        (Kind::Texts, Value::Array(list)) => list.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        (Kind::Integer, Value::Integer(number)) => Some(vec![number.value().to_string()]),
        (Kind::Switch, Value::Boolean(switch)) => Some(vec![switch.value().to_string()]),
        _ => None,
    }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Path => "a text in quotes",
        Kind::Texts => "a text in quotes or a list of them",
        Kind::Integer => "a whole number",
        Kind::Switch => "true or false",
    }
}

/// The complaint about a key that is not one: secrets are refused, the rest gets the closest known name.
fn unknown(name: &str, section: Option<&str>) -> String {
    let lower = name.to_lowercase();
    if let Some(word) = ["secret", "password", "token"].into_iter().find(|word| lower.contains(word)) {
        return format!("the key {name} is refused: this file is meant to be committed and holds no {word}; use an environment variable");
    }
    let shown = section.map_or_else(|| name.to_owned(), |section| format!("{section}.{name}"));
    let candidates: Vec<&str> = match section {
        Some(_) => KEYS.iter().map(|(key, _)| *key).collect(),
        None => KEYS.iter().flat_map(|(key, _)| [key.split('.').next().unwrap_or(key), key]).collect(),
    };
    // A key outside its section is closest by its last part, one inside by the whole.
    let distance = |known: &str| {
        let last = known.rsplit('.').next().unwrap_or(known);
        strsim::damerau_levenshtein(known, &shown).min(strsim::damerau_levenshtein(last, name))
    };
    let closest = candidates.into_iter().min_by_key(|known| distance(known)).unwrap_or("server.port");
    format!("unknown key {shown}; the closest known one is {closest}")
}

struct Place<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Place<'_> {
    fn line(&self, span: Option<std::ops::Range<usize>>) -> usize {
        let before = span.map_or(0, |span| span.start.min(self.text.len()));
        self.text.as_bytes()[..before].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn complain(&self, span: Option<std::ops::Range<usize>>, what: &str) -> Failure {
        Failure::new(Exit::Usage, "cli/config-invalid", format!("{}:{}: {what}", self.path.display(), self.line(span)))
    }
}

/// The nearest `bkend.toml` from `start` upwards to the repository root (the folder with `.git`) or `home`.
pub fn find(start: &Path, home: Option<&Path>) -> Option<PathBuf> {
    for folder in start.ancestors() {
        let candidate = folder.join("bkend.toml");
        if candidate.is_file() && is_trusted(&candidate) {
            return Some(candidate);
        }
        if folder.join(".git").exists() || home == Some(folder) {
            return None;
        }
    }
    None
}

/// A file somebody else put into a folder above, such as `/tmp`, must not steer this person's commands.
#[cfg(unix)]
fn is_trusted(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owner_of = |path: &Path| std::fs::metadata(path).map(|m| m.uid());
    let Ok(owner) = owner_of(path) else { return false };
    // A file in the folder one works in belongs to the work, whoever unpacked it there.
    let in_sight = path.parent().is_some_and(|folder| std::env::current_dir().is_ok_and(|cwd| cwd == folder));
    in_sight || owner == 0 || owner == own_uid()
}

#[cfg(unix)]
#[allow(unsafe_code, reason = "geteuid has no safe form in the standard library; it cannot fail and touches no memory")]
fn own_uid() -> u32 {
    unsafe { libc::geteuid() }
}

#[cfg(not(unix))]
fn is_trusted(_path: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<File> {
        File::parse(Path::new("/app/bkend.toml"), text)
    }

    fn complaint(text: &str) -> String {
        let failure = parse(text).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        failure.message
    }

    #[test]
    fn the_documented_file_is_read() {
        let file = parse(
            "[server]\nport = 4300\nhost = \"127.0.0.1\"\npublic_url = \"\"\nallow_hosts = []\ndata_dir = \".bkend\"\nlog_format = \"pretty\"\n\n\
             [project]\nname = \"my-blog\"\nenv = \"dev\"\nschema = \"bkend.schema.json\"\nseed = \"seed\"\nschema_sync = false\n\n\
             [types]\nts = \"src/bkend.types.ts\"\nzod = false\ndart = \"\"\n",
        )
        .unwrap();
        assert_eq!(file.get("server.port").unwrap(), &Entry { texts: vec!["4300".into()], line: 2 });
        assert_eq!(file.get("server.public_url"), None);
        assert_eq!(file.get("server.allow_hosts"), None);
        assert_eq!(file.get("project.schema_sync").unwrap().texts, ["false"]);
    }

    #[test]
    fn relative_paths_are_relative_to_the_file() {
        let file = parse("[server]\ndata_dir = \"data\"\n[types]\nts = \"/abs/t.ts\"\n").unwrap();
        assert_eq!(file.get("server.data_dir").unwrap().texts, ["/app/data"]);
        assert_eq!(file.get("types.ts").unwrap().texts, ["/abs/t.ts"]);
    }

    #[test]
    fn unknown_keys_are_errors_with_line_and_closest_known_name() {
        assert_eq!(complaint("[server]\n\nprot = 1\n"), "/app/bkend.toml:3: unknown key server.prot; the closest known one is server.port");
        assert_eq!(complaint("[sever]\nport = 1\n"), "/app/bkend.toml:1: unknown key sever; the closest known one is server");
        assert_eq!(complaint("port = 1\n"), "/app/bkend.toml:1: unknown key port; the closest known one is server.port");
        assert_eq!(complaint("server = 1\n"), "/app/bkend.toml:1: unknown key server; the closest known one is server");
    }

    #[test]
    fn keys_named_secret_password_or_token_are_refused() {
        for name in ["secret", "password", "token", "secret_key"] {
            let text = complaint(&format!("[server]\n{name} = \"x\"\n"));
            assert!(text.starts_with("/app/bkend.toml:2: the key ") && text.contains("refused"), "{text}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_names_key_and_type() {
        assert_eq!(complaint("[server]\nport = \"4300\"\n"), "/app/bkend.toml:2: server.port has to be a whole number");
        assert_eq!(complaint("[project]\nschema_sync = 1\n"), "/app/bkend.toml:2: project.schema_sync has to be true or false");
        assert_eq!(complaint("[server]\nallow_hosts = [1]\n"), "/app/bkend.toml:2: server.allow_hosts has to be a text in quotes or a list of them");
    }

    #[test]
    fn what_is_not_toml_names_its_line() {
        assert!(complaint("[server]\nport = \n").starts_with("/app/bkend.toml:2: "));
    }

    #[test]
    fn the_nearest_file_upwards_to_the_repository_root_is_used() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let deep = root.join("repo/app/src");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(root.join("bkend.toml"), "").unwrap();
        assert_eq!(find(&deep, None), Some(root.join("bkend.toml")));
        assert_eq!(find(&deep, Some(&root.join("repo"))), None);
        std::fs::create_dir(root.join("repo/.git")).unwrap();
        assert_eq!(find(&deep, None), None);
        std::fs::write(root.join("repo/bkend.toml"), "").unwrap();
        assert_eq!(find(&deep, None), Some(root.join("repo/bkend.toml")));
    }
}
