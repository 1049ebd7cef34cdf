//! Why a server does not start, in the words and with the exit codes of `08-cli.md` §3.

use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener};
use std::path::Path;

use super::exit::{Exit, Failure, exit_for};
use super::port_owner::{self, Owner};
use super::settings::shown;
use crate::domain::data_directory::{OpenError, ServerInfo};
use crate::http::server::StartError;

/// The failure of a server that was to serve `data_dir`.
pub fn from(error: &StartError, data_dir: &Path) -> Failure {
    match error {
        StartError::PortTaken { host, port } => port_taken(*port, free_port_after(*host, *port), port_owner::find(*port).as_ref()),
        StartError::Bind { host, port, error } => not_bindable(*host, *port, error),
        StartError::Directory(error) => directory(error, data_dir),
        StartError::Io(error) => unusable(data_dir, &error.to_string()),
        StartError::Domain(error) => {
            let code = error.code();
            Failure::new(exit_for(code.name, code.status), code.name, error.message())
        }
    }
}

fn port_taken(port: u16, next: u16, owner: Option<&Owner>) -> Failure {
    let by = match owner {
        Some(Owner { program, pid, data_dir: Some(dir) }) => format!(" by {program}, pid {pid}, serving {}", shown(dir)),
        Some(Owner { program, pid, data_dir: None }) => format!(" by {program}, pid {pid}"),
        None => String::new(),
    };
    let stop = if owner.is_some() { "stop it" } else { "stop the program that uses it" };
    let message = format!("Port {port} is in use{by} — {stop} or choose another: bkend-local serve --port {next}");
    Failure::new(Exit::Network, "cli/port-taken", message)
}

/// The next port that is free now, for the advice only.
fn free_port_after(host: IpAddr, port: u16) -> u16 {
    let next = port.checked_add(1).unwrap_or(4300);
    (next..=next.saturating_add(20)).find(|port| TcpListener::bind((host, *port)).is_ok()).unwrap_or(next)
}

fn not_bindable(host: IpAddr, port: u16, error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::AddrNotAvailable => Failure::usage(format!("--host {host}: this machine has no such address; 127.0.0.1 and 0.0.0.0 always work")),
        ErrorKind::PermissionDenied => {
            let message = format!("Port {port} needs more rights than this user has; choose one from 1024 up: bkend-local serve --port 4300");
            Failure::new(Exit::Network, "cli/port-refused", message)
        }
        _ => Failure::new(Exit::Network, "cli/port-refused", format!("Cannot listen on {host}, port {port}: {error}")),
    }
}

/// A data directory that cannot be opened.
pub fn directory(error: &OpenError, path: &Path) -> Failure {
    let dir = shown(path);
    let refused = |code: &str, message: String| Failure::new(Exit::DataDirectory, code, message);
    match error {
        OpenError::InUse(info) => in_use(&dir, info.as_ref()),
        OpenError::NotOurs => {
            refused("cli/not-a-data-directory", format!("{dir} is not empty and holds no data of bkend-local; pass another --data-dir. Nothing was changed."))
        }
        OpenError::Newer { found, supported } => refused(
            "cli/data-format-newer",
            format!(
                "{dir} has data format {found}, bkend-local {} reads up to {supported}; use a newer bkend-local. Nothing was changed.",
                env!("CARGO_PKG_VERSION")
            ),
        ),
        OpenError::NoLocks(error) => {
            refused("cli/no-file-locks", format!("{dir} is on a file system without locks, as network drives are ({error}); pass a --data-dir on a local disk"))
        }
        OpenError::Migration(why) => refused("cli/migration-failed", format!("{dir} could not be brought to the current data format: {why}")),
        OpenError::Io(error) => unusable(path, &error.to_string()),
        OpenError::Store(error) => unusable(path, &error.to_string()),
    }
}

fn unusable(path: &Path, why: &str) -> Failure {
    let message = format!("{} cannot be used as data directory: {why}; check its rights and its disk, or pass another --data-dir", shown(path));
    Failure::new(Exit::DataDirectory, "cli/data-directory-unusable", message)
}

fn in_use(dir: &str, info: Option<&ServerInfo>) -> Failure {
    let message = match info {
        Some(server) => {
            let since = since(&server.started_at);
            format!("{dir} is served by pid {} at {} since {since}. Use it, stop it, or pass another --data-dir.", server.pid, server.url)
        }
        None => format!("{dir} is in use by another process. Wait for it, stop it, or pass another --data-dir."),
    };
    Failure::new(Exit::DataDirectory, "cli/data-directory-in-use", message)
}

/// Local time of day; with the date when it was not today.
fn since(started_at: &str) -> String {
    let Ok(at) = started_at.parse::<jiff::Timestamp>() else { return started_at.to_owned() };
    let (at, now) = (at.to_zoned_datetime(jiff::tz::TimeZone::system()), jiff::ZonedDateTime::now());
    at.strftime(if at.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_the_program_and_another_port() {
        let owner = |data_dir: Option<&str>| Owner { program: "node".into(), pid: 7, data_dir: data_dir.map(Into::into) };
        let message = |owner: Option<&Owner>| port_taken(4300, 4301, owner).message;
        assert_eq!(message(Some(&owner(None))), "Port 4300 is in use by node, pid 7 — stop it or choose another: bkend-local serve --port 4301");
        assert!(message(Some(&owner(Some("/x/.bkend")))).contains("pid 7, serving /x/.bkend — stop it"));
        assert_eq!(message(None), "Port 4300 is in use — stop the program that uses it or choose another: bkend-local serve --port 4301");
    }

    #[test]
    fn a_directory_in_use_names_pid_address_and_start() {
        let started_at = crate::domain::time::iso(crate::domain::time::now());
        let server = ServerInfo {
            address: "http://127.0.0.1:4300".into(),
            url: "http://localhost:4300".into(),
            pid: 4242,
            started_at: started_at.clone(),
            version: "1.0.0".into(),
        };
        let failure = in_use("./.bkend", Some(&server));
        let expected =
            format!("./.bkend is served by pid 4242 at http://localhost:4300 since {}. Use it, stop it, or pass another --data-dir.", since(&started_at));
        assert_eq!((failure.message, failure.exit.code()), (expected, 7));
    }

    #[test]
    fn a_newer_format_names_both_versions() {
        let failure = directory(&OpenError::Newer { found: 9, supported: 1 }, Path::new("/x/.bkend"));
        assert!(failure.message.contains("data format 9") && failure.message.contains("up to 1"), "{}", failure.message);
        assert_eq!(failure.exit.code(), 7);
    }
}
