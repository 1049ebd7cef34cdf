//! `serve`: banner, ready file, keeping data, refusing to start, stopping.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;

use crate::support::cli::{Folder, contents, eventually};

/// A free port, free again when this returns.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_key(kind: &str, text: &str) -> bool {
    text.strip_prefix(kind).is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

/// Starts `serve` with the pretty banner, stops it once it is ready, and returns what it printed.
fn banner(folder: &Folder, flags: &str) -> String {
    let ready = folder.path().join("ready.json");
    let _ = std::fs::remove_file(&ready);
    let mut command = folder.command(&format!("serve --port 0 --log-format pretty --ready-file ready.json {flags}"));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the ready file appears", || ready.exists());
    std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_first_run_prints_exactly_the_documented_layout() {
    let folder = Folder::new();
    let text = banner(&folder, "");
    let ready: Value = serde_json::from_slice(&std::fs::read(folder.path().join("ready.json")).unwrap()).unwrap();
    let (url, pk, sk) = (ready["url"].as_str().unwrap(), ready["publishableKey"].as_str().unwrap(), ready["secretKey"].as_str().unwrap());
    assert!(is_key("pk_", pk) && is_key("sk_", sk));
    let lines: Vec<_> = text.lines().collect();
    let sign_in = lines[4];
    let (link, until) = sign_in.strip_prefix(&format!("  Sign in   {url}/console/link#")).unwrap().split_once("     once, until ").unwrap();
    assert!(link.len() >= 32 && until.len() == 8, "{sign_in}");
    let expected = format!(
        "  bkend-local 1.0.0\n\n  Project   my-blog · dev            data in ./.bkend  (new)\n  Console   {url}/console\n{sign_in}\n  REST      {url}/v1\n  \
         MCP       {url}/mcp\n  API docs  {url}/docs\n\n  Publishable key   {pk}\n  Secret key        {sk}      shown once, not stored\n\n  \
         Connect Claude Code\n    claude mcp add --scope user --transport http bkend {url}/mcp\n\n  Data from the cloud?  bkend-local import <folder>\n  \
         Ctrl+C stops.\nStopped. Data is safe in ./.bkend\n"
    );
    assert_eq!(text, expected);
    assert_eq!(std::fs::read_to_string(folder.path().join(".bkend/.gitignore")).unwrap(), "*\n");
}

#[test]
fn later_runs_print_neither_new_nor_the_secret_key() {
    let folder = Folder::new();
    let first = banner(&folder, "");
    let second = banner(&folder, "");
    assert!(!second.contains("(new)") && !second.contains("sk_"), "{second}");
    let key = |text: &str| text.lines().find(|line| line.contains("Publishable key")).unwrap().to_owned();
    assert_eq!(key(&first), key(&second), "data and keys are kept");
}

#[test]
fn no_secrets_keeps_keys_and_links_out_of_the_banner_but_not_out_of_the_ready_file() {
    let folder = Folder::new();
    let text = banner(&folder, "--no-secrets");
    assert!(!text.contains("pk_") && !text.contains("sk_") && !text.contains("link#"), "{text}");
    let ready: Value = serde_json::from_slice(&std::fs::read(folder.path().join("ready.json")).unwrap()).unwrap();
    assert!(is_key("sk_", ready["secretKey"].as_str().unwrap()));
}

#[test]
fn with_json_the_banner_is_one_line_with_the_fields_of_the_ready_file() {
    let folder = Folder::new();
    let server = folder.serve("--ready-file ready.json");
    eventually("the ready file appears", || folder.path().join("ready.json").exists());
    let file: Value = serde_json::from_slice(&std::fs::read(folder.path().join("ready.json")).unwrap()).unwrap();
    assert_eq!(server.ready["event"], "ready");
    for (name, value) in file.as_object().unwrap() {
        assert_eq!(server.ready[name], *value, "{name}");
    }
    assert!(server.ready["signInUrl"].as_str().unwrap().starts_with(&format!("{}/console/link#", server.url())));
    assert_eq!(server.ready["pid"], server.pid());
    assert_eq!(server.ready["dataDir"], folder.path().join(".bkend").display().to_string());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(folder.path().join("ready.json")).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn the_keys_of_the_banner_are_accepted_at_once() {
    let folder = Folder::new();
    let server = folder.serve("");
    let publishable = server.ready["publishableKey"].as_str().unwrap();
    // The table is not there, which only somebody with a valid key is told.
    assert_eq!(server.get("/v1/data/nothing", &[("X-API-Key", publishable)]).0, 404);
    assert_eq!(server.get("/v1/data/nothing", &[("X-API-Key", &publishable.replace("pk_", "pk_0")[..67])]).0, 401);
    assert_eq!(server.get("/readyz", &[]).0, 200);
}

#[test]
fn sigterm_and_sigint_end_with_0_and_say_that_data_is_safe() {
    let folder = Folder::new();
    for signal in ["TERM", "INT"] {
        let server = folder.serve("");
        server.signal(signal);
        let outcome = server.wait().expect(0);
        assert!(outcome.stdout.contains("Stopped. Data is safe in ./.bkend"), "{outcome:?}");
    }
    assert!(!folder.path().join(".bkend/server.json").exists());
}

#[test]
fn a_second_signal_ends_at_once_with_130() {
    let folder = Folder::new();
    let server = folder.serve("");
    let key = server.ready["publishableKey"].clone();
    // A request whose body never ends keeps the server from stopping by itself.
    let mut request = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    write!(request, "POST /management/v1/auth/link HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{").unwrap();
    server.signal("TERM");
    eventually("the server stops listening", || std::net::TcpStream::connect(("127.0.0.1", server.port())).is_err());
    server.signal("INT");
    server.wait().expect(130);
    assert_eq!(folder.serve("").ready["publishableKey"], key, "what was acknowledged is safe");
}

#[test]
fn sighup_is_ignored() {
    let server = Folder::new().serve("");
    server.signal("HUP");
    assert_eq!(server.get("/healthz", &[]).0, 200);
    server.stop().expect(0);
}

#[test]
fn kill_9_leaves_no_lock_behind() {
    let folder = Folder::new();
    let server = folder.serve("");
    let key = server.ready["publishableKey"].clone();
    server.signal("KILL");
    server.wait();
    assert!(folder.path().join(".bkend/server.json").exists());
    // Commands find the directory free, and so does the next server.
    folder.run("project list").expect(0);
    assert_eq!(folder.serve("").ready["publishableKey"], key);
}

#[test]
fn a_taken_port_names_the_program_and_exits_8() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let outcome = folder.run(&format!("serve --port {port}")).expect(8);
    assert!(outcome.stderr.starts_with(&format!("Port {port} is in use")), "{outcome:?}");
    assert!(outcome.stderr.contains("choose another: bkend-local serve --port "), "{outcome:?}");
    if cfg!(target_os = "linux") {
        assert!(outcome.stderr.contains(&format!("pid {}", std::process::id())), "{outcome:?}");
    }
    assert!(!folder.path().join(".bkend").exists(), "nothing was made");
}

#[test]
fn a_port_taken_by_a_bkend_local_names_its_data_directory() {
    let (first, second) = (Folder::new(), Folder::new());
    let server = first.serve("");
    let outcome = second.run(&format!("serve --json --port {}", server.port())).expect(8);
    let error = outcome.json_error();
    assert_eq!(error["code"], "cli/port-taken");
    if cfg!(target_os = "linux") {
        assert!(error["message"].as_str().unwrap().contains(&first.path().join(".bkend").display().to_string()), "{error}");
    }
}

#[test]
fn a_data_directory_in_use_names_pid_address_and_start_and_exits_7() {
    let folder = Folder::new();
    let server = folder.serve("");
    let outcome = folder.run("serve --port 0").expect(7);
    let expected = format!("./.bkend is served by pid {} at {} since ", server.pid(), server.url());
    assert!(outcome.stderr.starts_with(&expected) && outcome.stderr.contains("Use it, stop it, or pass another --data-dir."), "{outcome:?}");
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = Folder::new();
    folder.write("photos/cat.jpg", "meow");
    let before = contents(&folder.path());
    let outcome = folder.run("serve --data-dir photos --port 0").expect(7);
    assert!(outcome.stderr.contains("./photos"), "{outcome:?}");
    folder.run("key list --data-dir photos").expect(7);
    folder.write("a-file", "x");
    folder.run("serve --data-dir a-file --port 0").expect(7);
    std::fs::remove_file(folder.path().join("a-file")).unwrap();
    assert_eq!(contents(&folder.path()), before);
}

#[test]
fn a_newer_format_names_both_versions_and_changes_nothing() {
    let folder = Folder::new();
    folder.serve("").stop().expect(0);
    let database = rusqlite::Connection::open(folder.path().join(".bkend/control.db")).unwrap();
    database.execute("UPDATE refinery_schema_history SET version = 999 WHERE version = 1", []).unwrap();
    drop(database);
    for line in ["serve --port 0", "key list"] {
        let outcome = folder.run(line).expect(7);
        assert!(outcome.stderr.contains("999") && outcome.stderr.contains("Nothing was changed"), "{outcome:?}");
    }
}

#[test]
fn a_damaged_data_directory_is_exit_7() {
    let folder = Folder::new();
    folder.serve("").stop().expect(0);
    for leftover in ["control.db-wal", "control.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(".bkend").join(leftover));
    }
    folder.write(".bkend/control.db", &"not a database ".repeat(500));
    folder.run("serve --port 0").expect(7);
}

#[test]
fn ephemeral_data_is_gone_afterwards() {
    let folder = Folder::new();
    let server = folder.serve("--ephemeral");
    let dir = server.ready["dataDir"].as_str().unwrap().to_owned();
    assert!(std::path::Path::new(&dir).join("control.db").exists());
    server.stop().expect(0);
    assert!(!std::path::Path::new(&dir).exists() && !folder.path().join(".bkend").exists());
    folder.run("serve --ephemeral --data-dir x").expect(2);
}

#[test]
fn keys_of_the_environment_are_adopted_on_first_run() {
    let folder = Folder::new();
    let (pk, sk) = (format!("pk_{}", "1a".repeat(32)), format!("sk_{}", "2b".repeat(32)));
    let server = folder.serve_with("", &[("BKEND_PUBLISHABLE_KEY", &pk), ("BKEND_SECRET_KEY", &sk)]);
    for key in [&pk, &sk] {
        assert_eq!(server.get("/v1/data/nothing", &[("X-API-Key", key)]).0, 404, "{key}");
    }
    let outcome = Folder::new().run_with("serve --port 0", &[("BKEND_SECRET_KEY", "sk_short")]);
    outcome.expect(2);
}

#[test]
fn an_address_beyond_loopback_prints_a_warning_unless_the_public_url_is_https() {
    let folder = Folder::new();
    let server = folder.serve("--host 0.0.0.0");
    assert!(server.stop().expect(0).stderr.contains("Warning: listening on 0.0.0.0"));
    let server = folder.serve("--host 0.0.0.0 --public-url https://bkend.example.com/");
    assert_eq!(server.ready["restUrl"], "https://bkend.example.com/v1");
    folder.run("project list").expect(0);
    assert!(!server.stop().expect(0).stderr.contains("Warning"));
}

#[test]
fn the_file_sets_port_and_project_name() {
    let folder = Folder::new();
    let port = free_port();
    folder.write("bkend.toml", &format!("[server]\nport = {port}\nlog_format = \"json\"\n[project]\nname = \"Harbor\"\n"));
    let child = folder.command("serve").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    folder.run("status --wait 20").expect(0);
    let project = folder.run("project list --json").expect(0).json();
    assert_eq!(project["items"][0]["name"], "Harbor");
    std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains(&format!("http://localhost:{port}/v1")));
}

#[test]
fn requests_are_logged_on_stderr_one_line_each_without_query_values() {
    let folder = Folder::new();
    let server = folder.serve("");
    server.get("/v1/data/posts?search=hush", &[]);
    let log = server.stop().expect(0).stderr;
    let line: Value = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).find(|line| line["path"] == "/v1/data/posts").unwrap();
    assert_eq!((&line["event"], &line["method"], &line["status"]), (&"request".into(), &"GET".into(), &401.into()));
    assert!(line["ts"].is_string() && line["durationMs"].is_number() && line["requestId"].is_string(), "{line}");
    assert!(!log.contains("hush"));
    assert!(!log.contains("readyz"), "what the server asks itself is not logged: {log}");
    let silent = folder.serve("--no-log-requests");
    silent.get("/v1/data/posts", &[]);
    assert!(!silent.stop().expect(0).stderr.contains("/v1/data/posts"));
}
