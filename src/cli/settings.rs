//! Where a value comes from: flag, then environment variable, then `bkend.toml`, then default (`08-cli.md` §2).

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use url::Url;

use super::config::File;
use super::exit::{Exit, Failure, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Flag(&'static str),
    Variable(&'static str),
    File { path: PathBuf, line: usize, key: &'static str },
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Variable(name) => f.write_str(name),
            Self::File { path, line, .. } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

impl<T> Setting<T> {
    pub fn default_of(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }
}

/// The names of one value in each source.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    pub flag: &'static str,
    pub variable: Option<&'static str>,
    pub key: Option<&'static str>,
}

pub const DATA_DIR: Name = Name { flag: "data-dir", variable: Some("BKEND_DATA_DIR"), key: Some("server.data_dir") };
pub const URL: Name = Name { flag: "url", variable: Some("BKEND_URL"), key: None };
pub const TOKEN: Name = Name { flag: "token", variable: Some("BKEND_TOKEN"), key: None };
pub const PROJECT: Name = Name { flag: "project", variable: Some("BKEND_PROJECT"), key: Some("project.name") };
pub const ENV: Name = Name { flag: "env", variable: Some("BKEND_ENV"), key: Some("project.env") };
pub const PORT: Name = Name { flag: "port", variable: Some("BKEND_PORT"), key: Some("server.port") };
pub const HOST: Name = Name { flag: "host", variable: Some("BKEND_HOST"), key: Some("server.host") };
pub const PUBLIC_URL: Name = Name { flag: "public-url", variable: Some("BKEND_PUBLIC_URL"), key: Some("server.public_url") };
pub const ALLOW_HOST: Name = Name { flag: "allow-host", variable: Some("BKEND_ALLOW_HOSTS"), key: Some("server.allow_hosts") };
pub const TRUST_PROXY: Name = Name { flag: "trust-proxy", variable: Some("BKEND_TRUST_PROXY"), key: None };
pub const LOG_FORMAT: Name = Name { flag: "log-format", variable: Some("BKEND_LOG_FORMAT"), key: Some("server.log_format") };
pub const LOG_LEVEL: Name = Name { flag: "log-level", variable: Some("BKEND_LOG"), key: None };

/// Looks up an environment variable.
type Variables = Box<dyn Fn(&str) -> Option<String>>;

/// The environment and the file that values may come from.
pub struct Sources {
    variable: Variables,
    pub file: Option<File>,
}

impl Sources {
    pub fn new(file: Option<File>) -> Self {
        Self { variable: Box::new(variable), file }
    }

    /// The raw texts of a value; an empty text counts as not given.
    pub fn texts(&self, name: Name, flag: Vec<String>) -> Option<Setting<Vec<String>>> {
        let given: Vec<_> = flag.into_iter().filter(|text| !text.is_empty()).collect();
        if !given.is_empty() {
            return Some(Setting { value: given, origin: Origin::Flag(name.flag) });
        }
        if let Some(variable) = name.variable
            && let Some(text) = (self.variable)(variable)
        {
            return Some(Setting { value: vec![text], origin: Origin::Variable(variable) });
        }
        let (file, key) = (self.file.as_ref()?, name.key?);
        let entry = file.get(key)?;
        Some(Setting { value: entry.texts.clone(), origin: Origin::File { path: file.path.clone(), line: entry.line, key } })
    }

    /// One value, parsed; a complaint names the flag, the variable, or file, line and key.
    pub fn one<T>(&self, name: Name, flag: Option<String>, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<Setting<T>>> {
        let Some(Setting { value, origin }) = self.texts(name, flag.into_iter().collect()) else { return Ok(None) };
        let text = value.last().map(String::as_str).unwrap_or_default();
        let value = parse(text).map_err(|why| complain(&origin, text, &why))?;
        Ok(Some(Setting { value, origin }))
    }

    /// A list; an environment variable separates its elements with commas.
    pub fn many<T>(&self, name: Name, flag: Vec<String>, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<Setting<Vec<T>>>> {
        let Some(Setting { value, origin }) = self.texts(name, flag) else { return Ok(None) };
        let parts = value.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|part| !part.is_empty());
        let value = parts.map(|part| parse(part).map_err(|why| complain(&origin, part, &why))).collect::<Result<Vec<_>>>()?;
        Ok(Some(Setting { value, origin }))
    }
}

fn complain(origin: &Origin, text: &str, why: &str) -> Failure {
    let text: String = text.chars().take(80).collect();
    match origin {
        Origin::Flag(name) => Failure::usage(format!("--{name} {text}: {why}")),
        Origin::Variable(name) => Failure::usage(format!("{name}={text}: {why}")),
        Origin::File { path, line, key } => Failure::new(Exit::Usage, "cli/config-invalid", format!("{}:{line}: {key} = {text}: {why}", path.display())),
        Origin::Default => Failure::usage(why.to_owned()),
    }
}

/// An environment variable; empty is the same as unset, as CI systems set what they do not know.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

pub fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "a port is a whole number from 0 to 65535".to_owned())
}

pub fn host(text: &str) -> Result<IpAddr, String> {
    let text = text.trim_start_matches('[').trim_end_matches(']');
    if text == "localhost" { "127.0.0.1" } else { text }
        .parse()
        .map_err(|_| "an address to listen on is an IP address such as 127.0.0.1, 0.0.0.0 or ::1".to_owned())
}

/// An http or https URL without query and fragment; the slash at its end is dropped.
pub fn base_url(text: &str) -> Result<Url, String> {
    let wrong = || "a base URL looks like http://localhost:4300 or https://bkend.example.com".to_owned();
    let mut url = Url::parse(text).map_err(|_| wrong())?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !plain {
        return Err(wrong());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// A `Host` name, without scheme and port, in lower case.
pub fn host_name(text: &str) -> Result<String, String> {
    let fits = text.len() <= 253 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if fits { Ok(text.to_ascii_lowercase()) } else { Err("a host name has no scheme, port or path, such as my-laptop.local".to_owned()) }
}

/// A network in CIDR form, or one address.
pub fn network(text: &str) -> Result<IpNet, String> {
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| single()).map_err(|_| "a proxy is named by an address or a network such as 10.0.0.0/8".to_owned())
}

pub fn any_text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// A path as people type it: `./…` below the current folder, otherwise absolute.
pub fn shown(path: &Path) -> String {
    let relative = std::env::current_dir().ok().and_then(|cwd| path.strip_prefix(cwd).ok().map(Path::to_owned));
    match relative {
        Some(inside) if inside.as_os_str().is_empty() => ".".to_owned(),
        Some(inside) => format!(".{}{}", std::path::MAIN_SEPARATOR, inside.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(variables: &'static [(&'static str, &'static str)], toml: &str) -> Sources {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bkend.toml");
        std::fs::write(&path, toml).unwrap();
        let file = File::load(&path).unwrap();
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Sources { variable: Box::new(variable), file: Some(file) }
    }

    #[test]
    fn precedence_is_flag_then_variable_then_file() {
        let all = sources(&[("BKEND_PORT", "2")], "[server]\nport = 3\n");
        let flag = all.one(PORT, Some("1".into()), port).unwrap().unwrap();
        assert_eq!((flag.value, flag.origin), (1, Origin::Flag("port")));
        let variable = all.one(PORT, None, port).unwrap().unwrap();
        assert_eq!((variable.value, variable.origin.to_string()), (2, "BKEND_PORT".to_owned()));
        let file = sources(&[], "[server]\nport = 3\n").one(PORT, None, port).unwrap().unwrap();
        assert_eq!(file.value, 3);
        assert!(file.origin.to_string().ends_with("bkend.toml:2"));
        assert_eq!(sources(&[], "").one(PORT, None, port).unwrap(), None);
    }

    #[test]
    fn a_bad_value_names_its_source() {
        let message = |s: &Sources, flag: Option<&str>| s.one(PORT, flag.map(str::to_owned), port).unwrap_err().message;
        let rest = "a port is a whole number from 0 to 65535";
        assert_eq!(message(&sources(&[], ""), Some("x")), format!("--port x: {rest}"));
        assert_eq!(message(&sources(&[("BKEND_PORT", "-1")], ""), None), format!("BKEND_PORT=-1: {rest}"));
        assert!(message(&sources(&[], "[server]\nport = 70000\n"), None).ends_with(&format!("bkend.toml:2: server.port = 70000: {rest}")));
    }

    #[test]
    fn a_list_in_a_variable_is_separated_by_commas() {
        let hosts = sources(&[("BKEND_ALLOW_HOSTS", "a.local, B.local")], "").many(ALLOW_HOST, vec![], host_name).unwrap().unwrap();
        assert_eq!(hosts.value, ["a.local", "b.local"]);
    }

    #[test]
    fn addresses_are_parsed_or_refused() {
        assert_eq!(host("[::1]").unwrap().to_string(), "::1");
        assert!(host("example.com").is_err());
        assert_eq!(base_url("https://x.test/").unwrap().as_str(), "https://x.test/");
        assert!(base_url("ftp://x.test").is_err() && base_url("localhost:4300").is_err() && base_url("http://a@b/").is_err());
        assert!(network("10.0.0.0/8").is_ok() && network("::1").is_ok() && network("10.0.0.0/99").is_err());
    }
}
