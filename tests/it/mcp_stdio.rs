//! `bkend-local mcp`: one JSON message per line, relayed to the server that holds the directory or to one of its own
//! (`01-mcp.md` §2, `08-cli.md` §10).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::cli::{Folder, eventually};
use crate::support::mcp::{hello, meta, rpc};

const PATIENCE: Duration = Duration::from_secs(60);

/// A running relay, as an AI tool starts it.
struct Relay {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl Relay {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { stdin: child.stdin.take(), child, lines }
    }

    fn of(folder: &Folder, flags: &str) -> Self {
        Self::start(folder.command(&format!("mcp {flags}")))
    }

    fn write(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).unwrap();
    }

    fn send(&mut self, message: &Value) {
        self.write(&message.to_string());
    }

    /// The next message, which every line of stdout has to be.
    #[track_caller]
    fn next(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("a message should have come");
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(message.is_array() || message["jsonrpc"] == "2.0", "{line}");
        message
    }

    /// The answer to a request; notifications before it are passed over.
    #[track_caller]
    fn ask(&mut self, message: Value) -> Value {
        self.send(&message);
        loop {
            let answer = self.next();
            if answer["id"] == message["id"] {
                return answer;
            }
            assert!(answer.get("method").is_some(), "{answer}");
        }
    }

    #[track_caller]
    fn initialize(&mut self, version: &str) -> Value {
        let answer = self.ask(hello(version));
        assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        answer
    }

    /// Ends the input; exit code, lines that were left, and stderr.
    fn finish(mut self) -> (i32, Vec<String>, String) {
        drop(self.stdin.take());
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        (code, self.lines.iter().collect(), stderr)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A folder whose usual port is a free one.
fn folder() -> (Folder, u16) {
    let (folder, port) = (Folder::new(), free_port());
    folder.write("bkend.toml", &format!("[server]\nport = {port}\n"));
    (folder, port)
}

#[test]
fn it_relays_to_the_server_that_holds_the_directory() {
    let folder = Folder::new();
    let server = folder.serve("");
    let mut relay = Relay::of(&folder, "");
    let hello = relay.initialize("2025-06-18");
    assert!(hello["result"]["instructions"].as_str().unwrap().contains(&format!("{}/v1", server.url())), "{hello}");
    assert_eq!(relay.ask(rpc("a", "ping", json!({})))["result"], json!({}));
    assert!(relay.ask(rpc(2, "tools/list", json!({})))["result"]["tools"].is_array());
    let (code, rest, _) = relay.finish();
    assert_eq!((code, rest), (0, Vec::<String>::new()));
    assert_eq!(server.get("/healthz", &[]).0, 200, "the server goes on");
}

#[test]
fn without_a_server_it_serves_the_directory_itself_on_the_usual_port_until_stdin_ends() {
    let (folder, port) = folder();
    let mut relay = Relay::of(&folder, "");
    relay.initialize("2025-11-25");
    let healthy = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    assert!(healthy(), "/v1 works meanwhile");
    let listed = folder.run("project list --json").expect(0);
    assert_eq!(listed.json()["items"][0]["name"], "my-blog", "other commands reach it");
    let (code, rest, stderr) = relay.finish();
    assert_eq!((code, rest), (0, Vec::<String>::new()), "{stderr}");
    assert!(!healthy() && !stderr.is_empty(), "logs are on stderr");
    folder.run("project list").expect(0);
}

#[test]
fn a_taken_port_is_no_hindrance() {
    let (folder, port) = folder();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let mut relay = Relay::of(&folder, "");
    let hello = relay.initialize("2025-11-25");
    assert!(!hello["result"]["instructions"].as_str().unwrap().contains(&format!(":{port}/")), "{hello}");
    assert_eq!(relay.finish().0, 0);
}

#[test]
fn everything_is_answered_before_the_end_when_input_ends_at_once() {
    let (folder, _) = folder();
    let mut command = folder.command("mcp");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = format!("{}\n\n", hello("2025-06-18"));
    (1..=20).for_each(|n| input.push_str(&format!("{}\n", rpc(n, "tools/list", json!({})))));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut ids: Vec<i64> = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_i64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!((output.status.code(), ids), (Some(0), (0..=20).collect()));
}

#[test]
fn broken_lines_and_refusals_are_answered_with_their_ids() {
    let folder = Folder::new();
    let _server = folder.serve("");
    let mut relay = Relay::of(&folder, "");
    relay.write("{ this is no JSON");
    assert_eq!(relay.next()["error"]["code"], -32700);
    relay.initialize("2025-06-18");
    relay.write(r#"{"jsonrpc":"1.0","id":5,"method":"ping"}"#);
    let refused = relay.next();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(5), &json!(-32600)));
    let huge = rpc(6, "tools/call", json!({ "name": "x", "arguments": { "x": "y".repeat(2 * 1024 * 1024) } }));
    assert_eq!(relay.ask(huge)["error"]["data"]["code"], "common/payload-too-large");
    assert_eq!(relay.ask(rpc(7, "nothing", json!({})))["error"]["code"], -32601);
    assert_eq!(relay.ask(rpc(8, "ping", json!({})))["result"], json!({}));
}

#[test]
fn batches_are_answered_as_batches() {
    let folder = Folder::new();
    let _server = folder.serve("");
    let mut relay = Relay::of(&folder, "");
    relay.initialize("2025-03-26");
    relay.send(&json!([rpc(1, "ping", json!({})), rpc(2, "ping", json!({}))]));
    assert_eq!(relay.next().as_array().unwrap().len(), 2);
}

#[test]
fn probes_of_2026_07_28_are_answered_and_so_is_everything_after_them() {
    let folder = Folder::new();
    let server = folder.serve("");
    let mut relay = Relay::of(&folder, "");
    let result = relay.ask(rpc(1, "server/discover", json!({ "_meta": meta() })))["result"].clone();
    assert_eq!((&result["resultType"], &result["supportedVersions"][0]), (&json!("complete"), &json!("2026-07-28")));
    assert_eq!(relay.ask(rpc(2, "server/discover", json!({})))["error"]["code"], -32602, "what it lacks is said");
    let unknown = relay.ask(rpc(3, "tools/call", json!({ "name": "café", "_meta": meta() })));
    assert_eq!(unknown["error"]["code"], -32602, "its name went through a header");
    relay.send(&rpc("s", "subscriptions/listen", json!({ "_meta": meta(), "notifications": { "resourcesListChanged": true } })));
    assert_eq!(relay.next()["method"], "notifications/subscriptions/acknowledged");
    folder.run("project create Shop").expect(0);
    assert_eq!(relay.next()["method"], "notifications/resources/list_changed");
    relay.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "s" } }));
    assert_eq!(relay.ask(rpc(4, "tools/list", json!({ "_meta": meta() })))["result"]["resultType"], "complete");
    let (code, rest, _) = relay.finish();
    assert_eq!((code, rest), (0, Vec::<String>::new()), "an open subscription does not hold the end up");
    drop(server);
}

#[test]
fn a_session_hears_that_lists_have_changed() {
    let folder = Folder::new();
    let _server = folder.serve("");
    let mut relay = Relay::of(&folder, "");
    relay.initialize("2025-06-18");
    // The stream is open soon after the session.
    let heard = (0..100).any(|n| {
        folder.run(&format!("project create Shop{n}")).expect(0);
        relay.lines.recv_timeout(Duration::from_millis(500)).is_ok_and(|line| line.contains("notifications/resources/list_changed"))
    });
    assert!(heard);
}

#[test]
fn a_restart_of_the_server_in_the_middle_goes_unnoticed() {
    let folder = Folder::new();
    let server = folder.serve("");
    let mut relay = Relay::of(&folder, "");
    relay.initialize("2025-06-18");
    server.signal("KILL");
    drop(server);
    let server = folder.serve("");
    assert_eq!(relay.ask(rpc(1, "ping", json!({})))["result"], json!({}));
    server.stop().expect(0);
    let again = folder.serve("");
    assert!(relay.ask(rpc(2, "tools/list", json!({})))["result"]["tools"].is_array());
    drop(again);
    // Nobody serves the directory any more: the relay does.
    assert_eq!(relay.ask(rpc(3, "ping", json!({})))["result"], json!({}));
    assert_eq!(relay.finish().0, 0);
}

#[test]
fn two_relays_share_a_directory_and_the_second_takes_over() {
    let (folder, _) = folder();
    let mut first = Relay::of(&folder, "");
    first.initialize("2025-06-18");
    let mut second = Relay::of(&folder, "");
    second.initialize("2025-06-18");
    assert_eq!(first.finish().0, 0);
    assert_eq!(second.ask(rpc(1, "ping", json!({})))["result"], json!({}));
    assert_eq!(second.finish().0, 0);
}

#[test]
fn read_only_offers_tools_that_read_only() {
    let folder = Folder::new();
    let _server = folder.serve("");
    let mut relay = Relay::of(&folder, "--read-only");
    relay.initialize("2025-06-18");
    let tools = relay.ask(rpc(1, "tools/list", json!({})))["result"]["tools"].clone();
    assert!(tools.as_array().unwrap().iter().all(|tool| tool["annotations"]["readOnlyHint"] == true), "{tools}");
}

#[test]
fn org_picks_the_organization_and_an_unknown_one_is_exit_3() {
    let folder = Folder::new();
    let _server = folder.serve("");
    let organization = folder.run("project list --json").expect(0).json()["items"][0]["organizationId"].as_str().unwrap().to_owned();
    let mut relay = Relay::of(&folder, &format!("--org {organization}"));
    relay.initialize("2025-06-18");
    assert_eq!(relay.finish().0, 0);
    let (code, lines, stderr) = Relay::of(&folder, "--org nobody").finish();
    assert_eq!((code, lines), (3, Vec::<String>::new()));
    assert!(stderr.contains("nobody"), "{stderr}");
}

#[test]
fn with_url_and_token_it_bridges_to_another_server() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let server = folder.serve("");
    let token = folder.run("token create ci --json").expect(0).json()["token"].as_str().unwrap().to_owned();
    let mut relay = Relay::of(&elsewhere, &format!("--url {} --token {token}", server.url()));
    relay.initialize("2025-06-18");
    assert_eq!(relay.ask(rpc(1, "ping", json!({})))["result"], json!({}));
    assert_eq!(relay.finish().0, 0);
    assert!(!elsewhere.path().join(".bkend").exists());
    assert_eq!(Relay::of(&elsewhere, &format!("--url {}", server.url())).finish().0, 4, "a token is required");
    assert_eq!(Relay::of(&elsewhere, &format!("--url {} --token -", server.url())).finish().0, 2, "stdin is taken");
    let wrong = format!("--url {} --token pat_{}", server.url(), "0".repeat(64));
    let mut relay = Relay::of(&elsewhere, &wrong);
    assert_eq!(relay.ask(hello("2025-06-18"))["error"]["code"], -32001);
}

#[test]
fn a_signal_ends_it_and_gives_the_directory_back() {
    let (folder, _) = folder();
    let mut relay = Relay::of(&folder, "");
    relay.initialize("2025-06-18");
    let status = Command::new("kill").args(["-TERM", &relay.child.id().to_string()]).status().unwrap();
    assert!(status.success());
    eventually("it should have ended", || relay.child.try_wait().unwrap().is_some());
    assert_eq!(relay.child.wait().unwrap().code(), Some(143));
    assert!(!folder.path().join(".bkend/server.json").exists());
}
