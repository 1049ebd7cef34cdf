//! State and access commands: through a running server, on the directory itself, and on a server elsewhere.

use serde_json::Value;

use crate::support::cli::{Folder, eventually};

fn names(document: &Value, member: &str) -> Vec<String> {
    document["items"].as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

/// A folder whose server ran once and stopped.
fn served_once() -> Folder {
    let folder = Folder::new();
    folder.serve("").stop().expect(0);
    folder
}

#[test]
fn results_are_the_same_through_a_server_and_on_the_directory_itself() {
    let folder = served_once();
    let alone = folder.run("project list --json").expect(0);
    let server = folder.serve("");
    let through = folder.run("project list --json").expect(0);
    assert_eq!(alone.json(), through.json());
    server.stop().expect(0);
    assert!(!folder.path().join(".bkend/server.json").exists());
}

#[test]
fn the_operator_token_is_owner_only_and_new_at_each_start() {
    let folder = Folder::new();
    let path = folder.path().join(".bkend/secrets/operator");
    let server = folder.serve("");
    let first = std::fs::read_to_string(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    server.stop().expect(0);
    let _server = folder.serve("");
    assert_ne!(first, std::fs::read_to_string(&path).unwrap());
}

#[test]
fn commands_take_turns_on_a_directory_that_nobody_serves() {
    let folder = served_once();
    let children: Vec<_> = (0..4)
        .map(|n| {
            let mut command = folder.command(&format!("key create key-{n}"));
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    assert_eq!(names(&folder.run("key list --json").expect(0).json(), "name").iter().filter(|name| name.starts_with("key-")).count(), 4);
}

#[test]
fn status_shows_what_is_there_and_exits_3_when_no_server_runs() {
    let folder = served_once();
    let outcome = folder.run("status").expect(3);
    assert!(outcome.stdout.contains("my-blog") && outcome.stdout.contains("dev") && outcome.stderr.contains("bkend-local serve"), "{outcome:?}");
    let outcome = folder.run("status --json").expect(3);
    assert_eq!((&outcome.json()["running"], outcome.stderr.as_str()), (&Value::Bool(false), ""));
    let server = folder.serve("");
    let document = folder.run("status --json").expect(0).json();
    assert_eq!((&document["running"], &document["url"]), (&Value::Bool(true), &Value::String(server.url())));
    assert_eq!(document["projects"][0]["environments"][0]["stats"]["tables"], 0);
    let text = folder.run("status").expect(0).stdout;
    for expected in [&server.url(), "Uptime", "1.0.0", "./.bkend", "ROWS", "FILES"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn dotenv_prints_address_and_key_with_the_prefix_of_the_framework() {
    let folder = Folder::new();
    let server = folder.serve("");
    let key = server.ready["publishableKey"].as_str().unwrap();
    for (flag, prefix) in [("", ""), ("plain", ""), ("next", "NEXT_PUBLIC_"), ("vite", "VITE_"), ("expo", "EXPO_PUBLIC_")] {
        let outcome = folder.run(&format!("status --dotenv {flag}")).expect(0);
        assert_eq!(outcome.stdout, format!("{prefix}BKEND_API_URL={}/v1\n{prefix}BKEND_PUBLISHABLE_KEY={key}\n", server.url()));
    }
    assert_eq!(folder.run("status --dotenv next --json").expect(0).json()["NEXT_PUBLIC_BKEND_PUBLISHABLE_KEY"], key);
    folder.run("status --dotenv --env nowhere").expect(3);
    server.stop().expect(0);
    assert_eq!(folder.run("status --dotenv").expect(3).stdout, "");
}

#[test]
fn wait_returns_when_the_server_answers_and_gives_up_with_3() {
    let folder = served_once();
    folder.run("status --wait 0").expect(3);
    let mut waiting = folder.command("status --wait 20").stdout(std::process::Stdio::null()).spawn().unwrap();
    let _server = folder.serve("");
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
}

#[test]
fn a_login_link_is_for_the_owner_or_a_known_tenant() {
    let folder = Folder::new();
    let server = folder.serve("");
    let outcome = folder.run("login-link").expect(0);
    assert!(outcome.stdout.starts_with(&format!("{}/console/link#", server.url())), "{outcome:?}");
    let document = folder.run("login-link --email owner@localhost --json").expect(0).json();
    assert!(document["url"].is_string() && document["expiresAt"].is_string());
    assert_eq!(folder.run("login-link --email nobody@nowhere.test --json").expect(3).json_error()["code"], "tenant/not-found");
}

#[test]
fn a_login_link_made_while_nothing_runs_names_the_usual_address() {
    let folder = served_once();
    let outcome = folder.run_with("login-link", &[("BKEND_PORT", "4399")]).expect(0);
    assert!(outcome.stdout.starts_with("http://localhost:4399/console/link#") && outcome.stderr.contains("bkend-local serve"), "{outcome:?}");
}

#[test]
fn a_token_is_shown_once_and_acts_on_a_server_elsewhere() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let server = folder.serve("");
    let outcome = folder.run("token create ci --scope read --expires 30d").expect(0);
    let token = outcome.stdout.trim().to_owned();
    assert!(token.starts_with("pat_") && token.len() == 68, "{outcome:?}");
    let list = folder.run("token list --json").expect(0);
    assert!(names(&list.json(), "name").contains(&"ci".to_owned()) && !list.stdout.contains(&token));
    assert!(folder.run("token list").expect(0).stdout.contains("NAME"));

    let there = format!("--url {} --token {token}", server.url());
    assert_eq!(names(&elsewhere.run(&format!("project list --json {there}")).expect(0).json(), "name"), ["my-blog"]);
    let from_stdin = elsewhere.run_reading(&format!("key list --url {} --token -", server.url()), &format!("{token}\n"));
    from_stdin.expect(0);
    let variables = [("BKEND_URL", server.url()), ("BKEND_TOKEN", token.clone())];
    elsewhere.run_with("status", &variables.each_ref().map(|(name, value)| (*name, value.as_str()))).expect(0);

    // A token reads as its scope allows, and never makes tokens.
    assert_eq!(elsewhere.run(&format!("key create k --json {there}")).expect(4).json_error()["code"], "auth/insufficient-scope");
    elsewhere.run(&format!("token create more {there}")).expect(4);
    elsewhere.run(&format!("login-link {there}")).expect(4);

    folder.run("token revoke ci").expect(0);
    folder.run("token revoke ci").expect(3);
    elsewhere.run(&format!("project list {there}")).expect(4);
}

#[test]
fn a_token_may_be_tied_to_one_project() {
    let folder = Folder::new();
    let server = folder.serve("");
    folder.run("project create Other").expect(0);
    let made = folder.run("token create ci --project-only --project my-blog --expires never --json").expect(0).json();
    assert!(made["projectId"].is_string() && made["expiresAt"].is_null(), "{made}");
    let there = format!("--url {} --token {}", server.url(), made["token"].as_str().unwrap());
    assert_eq!(names(&Folder::new().run(&format!("project list --json {there}")).expect(0).json(), "slug"), ["my-blog"]);
    folder.run("token create ci --project-only").expect(2);
    folder.run("token create ci --org nobody").expect(3);
    folder.run("token create ci --expires soon").expect(2);
}

#[test]
fn keys_are_made_listed_and_deleted_by_name() {
    let folder = Folder::new();
    let server = folder.serve("");
    let secret = folder.run("key create shell --type secret --scopes posts:read,posts:list").expect(0).stdout.trim().to_owned();
    assert!(secret.starts_with("sk_") && secret.len() == 67);
    let publishable = folder.run("key create app --json").expect(0).json();
    assert!(publishable["key"].as_str().unwrap().starts_with("pk_"));
    assert_eq!(folder.run("key create shell --json").expect(5).json_error()["code"], "key/name-taken");
    folder.run("key create bad --scopes nonsense").expect(2);
    let list = folder.run("key list").expect(0).stdout;
    assert!(list.contains("shell") && list.contains(publishable["key"].as_str().unwrap()) && !list.contains(&secret), "{list}");

    assert_eq!(folder.run("key delete shell --json").expect(5).json_error()["code"], "cli/confirmation-required");
    folder.run("key delete shell --yes").expect(5);
    folder.run("key delete shell --confirm other").expect(5);
    folder.run("key delete shell --confirm shell").expect(0);
    assert_eq!(server.get("/v1/data/nothing", &[("X-API-Key", &secret)]).0, 401);
    folder.run("key delete shell --confirm shell").expect(3);
}

#[test]
fn an_existing_key_is_adopted_from_stdin_or_the_environment() {
    let folder = Folder::new();
    let server = folder.serve("");
    let (pk, sk) = (format!("pk_{}", "c3".repeat(32)), format!("sk_{}", "d4".repeat(32)));
    let outcome = folder.run_reading("key adopt cloud-app", &format!("{pk}\n")).expect(0);
    assert!(!outcome.stdout.contains(&pk));
    let outcome = folder.run_with("key adopt cloud-server --type secret --json", &[("BKEND_KEY_VALUE", &sk)]).expect(0);
    assert!(!outcome.stdout.contains(&sk) && outcome.json()["type"] == "secret");
    for key in [&pk, &sk] {
        assert_eq!(server.get("/v1/data/nothing", &[("X-API-Key", key)]).0, 404);
    }
    assert_eq!(folder.run_with("key adopt again --json", &[("BKEND_KEY_VALUE", &pk)]).expect(5).json_error()["code"], "key/value-taken");
    folder.run_with("key adopt wrong --type secret", &[("BKEND_KEY_VALUE", &pk)]).expect(2);
    folder.run_reading("key adopt bad", "sk_short").expect(2);
    folder.run("key adopt empty").expect(2);
}

#[test]
fn projects_are_made_shown_and_deleted() {
    let folder = Folder::new();
    let _server = folder.serve("");
    let made = folder.run("project create Shop --slug the-shop --description Orders --json").expect(0).json();
    assert_eq!((&made["slug"], &made["name"]), (&"the-shop".into(), &"Shop".into()));
    assert_eq!(folder.run("project create Shop --slug the-shop --json").expect(5).json_error()["code"], "project/already-exists");
    folder.run("project create Bad --slug A!").expect(2);
    assert!(folder.run("project list").expect(0).stdout.contains("the-shop"));
    assert_eq!(folder.run("project show the-shop --json").expect(0).json()["description"], "Orders");
    assert!(folder.run("project show --project my-blog").expect(0).stdout.contains("Envelope"));
    // With several projects none is meant by itself.
    let outcome = folder.run("key list").expect(2);
    assert!(outcome.stderr.contains("--project") && outcome.stderr.contains("the-shop"));
    folder.run("key list --project the-shop").expect(0);
    folder.run("key list --project nowhere").expect(3);
    folder.run_with("key list", &[("BKEND_PROJECT", made["id"].as_str().unwrap())]).expect(0);

    folder.run("project delete the-shop").expect(5);
    folder.run("project delete the-shop --confirm my-blog").expect(5);
    folder.run("project delete the-shop --confirm the-shop").expect(0);
    folder.run("project show the-shop").expect(3);
}

#[test]
fn environments_are_made_listed_and_deleted() {
    let folder = Folder::new();
    let server = folder.serve("");
    let made = folder.run("env create staging --json").expect(0).json();
    assert_eq!(made["environmentType"], "staging");
    let outcome = folder.run("env create qa --type custom").expect(0);
    assert!(outcome.stdout.contains("pk_"), "{outcome:?}");
    let again = folder.run("env create qa --type custom").expect(0);
    assert!(again.stdout.contains("existed already"), "{again:?}");
    folder.run("env create qa --type prod").expect(5);
    folder.run("env create Nope!").expect(2);
    let list = folder.run("env list").expect(0).stdout;
    assert!(["dev", "staging", "qa", "TABLES", "SIZE"].iter().all(|name| list.contains(name)), "{list}");
    assert_eq!(names(&folder.run("env list --json").expect(0).json(), "environment").len(), 3);
    folder.run("key list --env staging").expect(0);
    folder.run("key list --env nowhere").expect(3);

    folder.run("env delete qa").expect(5);
    folder.run("env delete qa --confirm qa").expect(0);
    folder.run("env delete qa --confirm qa").expect(3);
    folder.run("env delete staging --confirm staging").expect(0);
    folder.run("env delete dev --confirm dev").expect(5);
    drop(server);
}

#[test]
fn a_command_that_is_cut_off_exits_130_or_143() {
    let folder = Folder::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let line = format!("project list --token pat_x --url http://127.0.0.1:{}", silent.local_addr().unwrap().port());
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = folder.command(&line).stderr(std::process::Stdio::null()).spawn().unwrap();
        // It has sent its request, so it listens to signals.
        let (mut stream, _) = silent.accept().unwrap();
        std::io::Read::read_exact(&mut stream, &mut [0; 4]).unwrap();
        std::process::Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
    }
}

#[test]
fn completions_name_projects_environments_and_keys_of_a_running_server() {
    let folder = Folder::new();
    let server = folder.serve("");
    folder.run("env create staging").expect(0);
    let complete = |words: &[&str]| {
        let mut command = folder.command("--");
        command.arg("bkend-local").args(words).env("BKEND_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        command.env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_COMPLETE_SPACE", "true").env("_CLAP_IFS", "\n");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(complete(&["key", "list", "--project", ""]).trim(), "my-blog");
    assert_eq!(complete(&["env", "delete", "sta"]).trim(), "staging");
    assert!(complete(&["key", "delete", "D"]).contains("Default"));
    server.stop().expect(0);
    assert_eq!(complete(&["key", "list", "--project", ""]).trim(), "");
}

#[test]
fn a_server_that_stops_lets_the_next_command_open_the_directory() {
    let folder = Folder::new();
    let server = folder.serve("");
    server.signal("TERM");
    let outcome = folder.run("project list");
    outcome.expect(0);
    eventually("the server is gone", || !folder.path().join(".bkend/server.json").exists());
}
