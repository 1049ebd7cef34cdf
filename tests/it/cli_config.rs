//! `bkend.toml`, precedence, help and the form of failures: what needs no server.

use serde_json::Value;

use crate::support::cli::{Folder, Outcome};

fn origin(outcome: &Outcome, setting: &str) -> (String, String) {
    let document = outcome.json();
    let entry = document["items"].as_array().unwrap().iter().find(|entry| entry["setting"] == setting).unwrap().clone();
    (entry["value"].as_str().unwrap().to_owned(), entry["origin"].as_str().unwrap().to_owned())
}

#[test]
fn without_a_command_help_is_printed_and_the_exit_code_is_0() {
    let outcome = Folder::new().run("").expect(0);
    assert!(outcome.stdout.contains("Usage: bkend-local") && outcome.stderr.is_empty());
}

#[test]
fn help_works_at_every_level_with_an_example() {
    let folder = Folder::new();
    for line in
        ["--help", "serve -h", "status -h", "login-link -h", "token -h", "token create -h", "key -h", "key adopt -h", "project delete -h", "env create -h"]
    {
        let outcome = folder.run(line).expect(0);
        assert!(outcome.stdout.contains("Example:"), "{line}");
    }
    let serve = folder.run("serve --help").expect(0).stdout;
    assert!(serve.contains("BKEND_PORT") && serve.contains("4300"));
    assert!(!serve.contains("--seed") && !serve.contains("--schema"));
}

#[test]
fn an_unknown_flag_is_exit_2_and_with_json_one_document_on_stderr() {
    let folder = Folder::new();
    assert_eq!(folder.run("serve --prot 1").expect(2).stdout, "");
    assert_eq!(folder.run("status --json --nonsense").expect(2).json_error()["code"], "cli/usage");
    folder.run("nonsense").expect(2);
    folder.run("key create").expect(2);
}

#[test]
fn an_unknown_key_is_exit_2_with_file_line_and_closest_name() {
    let folder = Folder::new();
    let file = folder.write("bkend.toml", "[server]\n\nprot = 4300\n");
    let outcome = folder.run("status").expect(2);
    assert_eq!(outcome.stderr, format!("{}:3: unknown key server.prot; the closest known one is server.port\n", file.display()));
    assert_eq!(folder.run("status --json").expect(2).json_error()["code"], "cli/config-invalid");
}

#[test]
fn keys_named_secret_password_or_token_are_refused() {
    let folder = Folder::new();
    folder.write("bkend.toml", "[project]\ntoken = \"pat_1\"\n");
    let outcome = folder.run("serve").expect(2);
    assert!(outcome.stderr.contains(":2: the key token is refused") && !outcome.stderr.contains("pat_1"));
}

#[test]
fn a_bad_value_names_flag_variable_or_line() {
    let folder = Folder::new();
    assert!(folder.run("serve --port 70000").expect(2).stderr.starts_with("--port 70000: "));
    assert!(folder.run_with("serve", &[("BKEND_PORT", "x")]).expect(2).stderr.starts_with("BKEND_PORT=x: "));
    folder.write("bkend.toml", "[server]\nlog_format = \"xml\"\n");
    assert!(folder.run("serve").expect(2).stderr.contains("bkend.toml:2: server.log_format = xml: "));
    assert!(folder.run("serve --config nowhere.toml").expect(2).stderr.contains("nowhere.toml"));
    assert!(folder.run("serve --log-format json --host example.com").expect(2).stderr.starts_with("--host example.com: "));
    assert!(folder.run("serve --log-format json --public-url ftp://x").expect(2).stderr.starts_with("--public-url ftp://x: "));
    assert!(!folder.path().join(".bkend").exists());
}

#[test]
fn precedence_is_flag_then_variable_then_file_then_default() {
    let folder = Folder::new();
    let show = "doctor --config --json";
    assert_eq!(origin(&folder.run(show).expect(0), "port"), ("4300".into(), "default".into()));
    let file = folder.write("bkend.toml", "[server]\nport = 4401\ndata_dir = \"data\"\n[project]\nenv = \"staging\"\n");
    let from_file = folder.run(show).expect(0);
    assert_eq!(origin(&from_file, "port"), ("4401".into(), format!("{}:2", file.display())));
    assert_eq!(origin(&from_file, "data-dir").0, folder.path().join("data").display().to_string());
    assert_eq!(origin(&from_file, "env").0, "staging");
    let from_variable = folder.run_with(show, &[("BKEND_PORT", "4402"), ("BKEND_ENV", "prod")]).expect(0);
    assert_eq!(origin(&from_variable, "port"), ("4402".into(), "BKEND_PORT".into()));
    assert_eq!(origin(&from_variable, "env"), ("prod".into(), "BKEND_ENV".into()));
    let mut line = folder.command("doctor --config --json --env dev --data-dir elsewhere");
    line.env("BKEND_ENV", "prod");
    let output = line.output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let env = document["items"].as_array().unwrap().iter().find(|entry| entry["setting"] == "env").unwrap();
    assert_eq!((&env["value"], &env["origin"]), (&Value::from("dev"), &Value::from("--env")));
}

#[test]
fn the_nearest_file_upwards_counts_and_the_default_data_directory_is_beside_it() {
    let folder = Folder::new();
    folder.write("bkend.toml", "[server]\nport = 4401\n");
    folder.write("app/src/x", "");
    let mut command = folder.command("doctor --config --json");
    let output = command.current_dir(folder.path().join("app/src")).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["items"][0]["value"], folder.path().join(".bkend").display().to_string());
    // A repository below the file hides it.
    std::fs::create_dir(folder.path().join("app/.git")).unwrap();
    let output = folder.command("doctor --config --json").current_dir(folder.path().join("app/src")).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["items"][0]["value"], folder.path().join("app/src/.bkend").display().to_string());
}

#[test]
fn secrets_never_show_in_the_configuration() {
    let outcome = Folder::new().run_with("doctor --config", &[("BKEND_URL", "http://localhost:1"), ("BKEND_TOKEN", "pat_secret")]).expect(0);
    assert!(outcome.stdout.contains("(set)") && !outcome.stdout.contains("pat_secret"));
}

#[test]
fn commands_without_a_data_directory_say_how_to_get_one_and_make_none() {
    let folder = Folder::new();
    for line in ["status", "key list", "project list", "login-link", "token create x"] {
        let outcome = folder.run(line).expect(3);
        assert!(outcome.stderr.contains("bkend-local serve"), "{line}: {outcome:?}");
    }
    assert!(!folder.path().join(".bkend").exists());
}

#[test]
fn a_server_elsewhere_needs_a_token_and_has_to_be_reachable() {
    let folder = Folder::new();
    let port = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
    folder.run(&format!("project list --url http://127.0.0.1:{port}")).expect(4);
    folder.run("project list --token pat_x").expect(2);
    let outcome = folder.run(&format!("project list --json --url http://127.0.0.1:{port} --token pat_x")).expect(8);
    assert_eq!(outcome.json_error()["code"], "cli/unreachable");
}

#[test]
fn a_server_that_does_not_answer_in_time_is_exit_8() {
    let folder = Folder::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let line = format!("project list --timeout 1 --token pat_x --url http://127.0.0.1:{}", silent.local_addr().unwrap().port());
    assert!(folder.run(&line).expect(8).stderr.contains("--timeout"));
    assert_eq!(folder.run(&format!("{line} --json")).expect(8).json_error()["code"], "cli/no-answer");
}

#[test]
fn version_tells_commit_build_date_and_data_format() {
    let folder = Folder::new();
    let document = folder.run("version --json").expect(0).json();
    for member in ["version", "commit", "buildDate", "dataFormat"] {
        assert!(document[member].is_string(), "{member}");
    }
    assert!(folder.run("version").expect(0).stdout.starts_with("bkend-local"));
}

#[test]
fn completions_are_a_script_on_stdout() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let outcome = folder.run(&format!("completions {shell}")).expect(0);
        assert!(outcome.stdout.contains("BKEND_COMPLETE") && outcome.stdout.contains("bkend-local"), "{shell}");
    }
    folder.run("completions tcsh").expect(2);
}
