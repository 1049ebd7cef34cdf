//! The real program in a folder of its own: what it prints, where, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// An empty folder named `my-blog` that commands run in, cut off from this machine's settings.
pub struct Folder {
    root: tempfile::TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }

    /// The error that `--json` puts on stderr, having left stdout empty.
    #[track_caller]
    pub fn json_error(&self) -> Value {
        assert_eq!(self.stdout, "", "a failure leaves stdout empty");
        let document: Value = serde_json::from_str(&self.stderr).unwrap_or_else(|e| panic!("{e}: {self:#?}"));
        let error = document["error"].clone();
        assert!(error["code"].is_string() && error["message"].is_string() && error["details"].is_array(), "{document}");
        error
    }
}

impl Folder {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("my-blog")).unwrap();
        Self { root }
    }

    pub fn path(&self) -> PathBuf {
        self.root.path().join("my-blog")
    }

    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program with these arguments, separated by spaces.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bkend-local"));
        command.args(line.split(' ').filter(|word| !word.is_empty())).current_dir(self.path());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BKEND_") || name.to_lowercase().ends_with("_proxy")) {
            command.env_remove(name);
        }
        command.env("HOME", self.root.path()).env_remove("NO_COLOR").stdin(Stdio::null());
        command
    }

    pub fn run(&self, line: &str) -> Outcome {
        finish(self.command(line))
    }

    pub fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Outcome {
        let mut command = self.command(line);
        command.envs(variables.iter().copied());
        finish(command)
    }

    /// Runs a command that reads `input`.
    pub fn run_reading(&self, line: &str, input: &str) -> Outcome {
        let mut command = self.command(line);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        outcome(child)
    }

    /// Starts `serve` on a free port and waits until it says that it is ready.
    #[track_caller]
    pub fn serve(&self, flags: &str) -> Server {
        self.serve_with(flags, &[])
    }

    #[track_caller]
    pub fn serve_with(&self, flags: &str, variables: &[(&str, &str)]) -> Server {
        let mut command = self.command(&format!("serve --port 0 --log-format json {flags}"));
        command.envs(variables.iter().copied());
        Server::start(command)
    }
}

fn finish(mut command: Command) -> Outcome {
    outcome(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

fn outcome(child: Child) -> Outcome {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A running `serve`; killed when dropped.
pub struct Server {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    /// The line `{"event":"ready",…}`.
    pub ready: Value,
}

impl Server {
    #[track_caller]
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}: {:#?}", outcome(child_of(&mut child))));
        Self { child, stdout, ready }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn url(&self) -> String {
        self.ready["url"].as_str().unwrap().to_owned()
    }

    pub fn port(&self) -> u16 {
        self.url().rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end; the rest of what it printed.
    pub fn wait(mut self) -> Outcome {
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Outcome { code: self.child.wait().unwrap().code().unwrap_or(-1), stdout, stderr }
    }

    pub fn stop(self) -> Outcome {
        self.signal("TERM");
        self.wait()
    }

    /// Status and body of a GET.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        self.request("GET", path, headers, "")
    }

    /// Status and body of a POST of JSON.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        self.request("POST", path, &[headers, &[("Content-Type", "application/json")]].concat(), body)
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes the child over, for reading what it said before it died.
fn child_of(child: &mut Child) -> Child {
    let _ = child.kill();
    std::mem::replace(child, Command::new("true").stdout(Stdio::piped()).spawn().unwrap())
}

/// Waits until something is so; a test that waits in vain fails with `what`.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Every file of a folder with its content, for "nothing was changed".
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(contents(&entry.path()));
        } else {
            found.push((entry.path(), std::fs::read(entry.path()).unwrap()));
        }
    }
    found.sort();
    found
}
