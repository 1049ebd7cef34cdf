//! Who listens on a port: the message for a port that is taken names the program.

use std::path::PathBuf;

/// A process that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub program: String,
    pub pid: u32,
    /// When it is a bkend-local: the directory whose lock it holds.
    pub data_dir: Option<PathBuf>,
}

/// The process that listens on `port`, when this person may see it. Found through `/proc`, so on Linux only.
#[cfg(target_os = "linux")]
pub fn find(port: u16) -> Option<Owner> {
    let inodes = listening_inodes(port);
    if inodes.is_empty() {
        return None;
    }
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let files = open_files(pid);
        let holds = files.iter().any(|file| socket_inode(&file.to_string_lossy()).is_some_and(|inode| inodes.contains(&inode)));
        holds.then(|| Owner { program: program(pid), pid, data_dir: files.iter().find_map(|file| data_dir_of(file, pid)) })
    })
}

#[cfg(not(target_os = "linux"))]
pub fn find(_port: u16) -> Option<Owner> {
    None
}

#[cfg(target_os = "linux")]
fn listening_inodes(port: u16) -> Vec<u64> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines()).filter_map(|line| listening_inode(line, port)).collect()
}

/// The socket's inode, when a line of `/proc/net/tcp` is a listening socket on the port.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "tested everywhere, used where /proc exists"))]
fn listening_inode(line: &str, port: u16) -> Option<u64> {
    const LISTEN: &str = "0A";
    let columns: Vec<_> = line.split_whitespace().collect();
    let (local, state, inode) = (columns.get(1)?, columns.get(3)?, columns.get(9)?);
    let at = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
    (at == port && *state == LISTEN).then(|| inode.parse().ok())?
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "tested everywhere, used where /proc exists"))]
fn socket_inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(target_os = "linux")]
fn open_files(pid: u32) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    entries.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect()
}

#[cfg(target_os = "linux")]
fn program(pid: u32) -> String {
    let executable = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    let name = executable.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let name = name.or_else(|| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok());
    let name = name.unwrap_or_default().trim_end_matches(" (deleted)").trim().to_owned();
    if name.is_empty() { "a program".to_owned() } else { name }
}

/// The data directory whose lock this open file is.
#[cfg(target_os = "linux")]
fn data_dir_of(file: &std::path::Path, pid: u32) -> Option<PathBuf> {
    let folder = file.parent().filter(|_| file.file_name().is_some_and(|name| name == "lock"))?;
    let server = super::inprocess::server_info(folder)?;
    (server.pid == pid).then(|| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_socket_table_is_read() {
        let line = "   0: 0100007F:10CC 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 54321 1 0000 100 0";
        assert_eq!(listening_inode(line, 4300), Some(54321));
        assert_eq!(listening_inode(line, 4301), None);
        assert_eq!(listening_inode(&line.replace(" 0A ", " 01 "), 4300), None);
        assert_eq!(listening_inode("  sl  local_address rem_address   st", 4300), None);
        assert_eq!(socket_inode("socket:[54321]"), Some(54321));
        assert_eq!(socket_inode("/dev/null"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_owner_of_a_port_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let owner = find(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(owner.pid, std::process::id());
        assert_eq!(owner.data_dir, None);
    }
}
