//! `mcp install`: what is written where, what stays, and what is refused (`08-cli.md` §10).

use serde_json::{Value, json};

use crate::support::cli::{Folder, Outcome};

fn json_of(folder: &Folder, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn install(folder: &Folder, flags: &str) -> Outcome {
    // No AI tool of this machine may be found by its program, or called.
    folder.run_with(&format!("mcp install {flags}"), &[("PATH", "/nowhere")])
}

/// The home folder of commands that run in the folder.
fn home(folder: &Folder) -> std::path::PathBuf {
    folder.path().parent().unwrap().to_owned()
}

#[test]
fn each_tool_gets_its_file_and_its_form() {
    let folder = Folder::new();
    let url = "http://localhost:4300/mcp";
    install(&folder, "claude-code").expect(0);
    assert_eq!(json_of(&folder, ".mcp.json"), json!({ "mcpServers": { "bkend": { "type": "http", "url": url } } }));
    install(&folder, "cursor").expect(0);
    assert_eq!(json_of(&folder, ".cursor/mcp.json"), json!({ "mcpServers": { "bkend": { "url": url } } }));
    let said = install(&folder, "vscode").expect(0).stdout;
    assert_eq!(json_of(&folder, ".vscode/mcp.json"), json!({ "servers": { "bkend": { "type": "http", "url": url } } }));
    assert!(said.contains("./.vscode/mcp.json") && said.contains("start the server"), "what was written and what to do next: {said}");
}

#[test]
fn the_address_is_that_of_the_running_server() {
    let folder = Folder::new();
    let server = folder.serve("");
    install(&folder, "cursor").expect(0);
    assert_eq!(json_of(&folder, ".cursor/mcp.json")["mcpServers"]["bkend"]["url"], format!("{}/mcp", server.url()));
}

#[test]
fn claude_desktop_gets_the_absolute_path_of_the_program_and_of_the_data() {
    let folder = Folder::new();
    install(&folder, "claude-desktop").expect(0);
    let path = home(&folder).join(".config/Claude/claude_desktop_config.json");
    let config: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let entry = &config["mcpServers"]["bkend"];
    assert!(std::path::Path::new(entry["command"].as_str().unwrap()).is_absolute());
    let data_dir = folder.path().canonicalize().unwrap().join(".bkend");
    assert_eq!((&entry["args"][0], &entry["args"][1]), (&json!("mcp"), &json!("--data-dir")));
    assert_eq!(std::path::PathBuf::from(entry["args"][2].as_str().unwrap()), data_dir);
    install(&folder, "claude-desktop --scope project").expect(2);
}

#[test]
fn user_scope_goes_home_and_stdio_starts_the_program() {
    let folder = Folder::new();
    install(&folder, "cursor --scope user --stdio").expect(0);
    let config: Value = serde_json::from_str(&std::fs::read_to_string(home(&folder).join(".cursor/mcp.json")).unwrap()).unwrap();
    assert_eq!(config["mcpServers"]["bkend"]["args"][0], "mcp");
    assert!(!folder.path().join(".cursor").exists());
    install(&folder, "vscode --scope user --name mine").expect(0);
    let config: Value = serde_json::from_str(&std::fs::read_to_string(home(&folder).join(".config/Code/User/mcp.json")).unwrap()).unwrap();
    assert_eq!(config["servers"]["mine"]["type"], "http");
}

#[test]
fn claude_code_has_a_command_of_its_own_for_user_scope() {
    let folder = Folder::new();
    let printed = install(&folder, "claude-code --scope user").expect(0).stdout;
    assert!(printed.contains("claude mcp add --scope user --transport http bkend http://localhost:4300/mcp"), "{printed}");
    // With the program there, it is called.
    let bin = home(&folder).join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("claude"), "#!/bin/sh\necho \"$@\" >> \"$HOME/called\"\n").unwrap();
    std::fs::set_permissions(bin.join("claude"), <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    folder.run_with("mcp install claude-code --scope user", &[("PATH", &path)]).expect(0);
    folder.run_with("mcp install claude-code --scope user --remove", &[("PATH", &path)]).expect(0);
    let called = std::fs::read_to_string(home(&folder).join("called")).unwrap();
    assert_eq!(called, "mcp add --scope user --transport http bkend http://localhost:4300/mcp\nmcp remove --scope user bkend\n");
    std::fs::write(bin.join("claude"), "#!/bin/sh\necho broken >&2\nexit 3\n").unwrap();
    let failed = folder.run_with("mcp install claude-code --scope user", &[("PATH", &path)]).expect(1);
    assert!(failed.stderr.contains("broken"), "{failed:?}");
}

#[test]
fn other_entries_and_formatting_stay_and_the_old_file_is_kept() {
    let folder = Folder::new();
    let before = "{\n      // my servers\n      \"servers\": {\n            \"other\": { \"url\":\"http://x\" }, // kept\n      },\n      \"inputs\": [ ]\n}\n";
    folder.write(".vscode/mcp.json", before);
    install(&folder, "vscode").expect(0);
    let after = std::fs::read_to_string(folder.path().join(".vscode/mcp.json")).unwrap();
    for kept in ["      // my servers\n", "            \"other\": { \"url\":\"http://x\" }, // kept", "      \"inputs\": [ ]\n}\n"] {
        assert!(after.contains(kept), "{after}");
    }
    assert!(after.contains("\"bkend\""));
    assert_eq!(std::fs::read_to_string(folder.path().join(".vscode/mcp.json.bak")).unwrap(), before);
    // The same again changes nothing, the copy included.
    let said = install(&folder, "vscode").expect(0).stdout;
    assert!(said.contains("already"), "{said}");
    assert_eq!(std::fs::read_to_string(folder.path().join(".vscode/mcp.json")).unwrap(), after);
    assert_eq!(std::fs::read_to_string(folder.path().join(".vscode/mcp.json.bak")).unwrap(), before);
}

#[test]
fn a_file_that_is_no_json_is_left_alone_with_exit_6() {
    let folder = Folder::new();
    for broken in ["{ \"mcpServers\": {", "[]", "{ \"mcpServers\": 3 }", "not json"] {
        folder.write(".mcp.json", broken);
        let failed = install(&folder, "claude-code").expect(6);
        assert!(failed.stderr.contains(".mcp.json"), "{failed:?}");
        install(&folder, "claude-code --remove").expect(6);
        assert_eq!(std::fs::read_to_string(folder.path().join(".mcp.json")).unwrap(), broken);
        assert!(!folder.path().join(".mcp.json.bak").exists());
    }
    let error = install(&folder, "claude-code --json").expect(6).json_error();
    assert_eq!(error["code"], "cli/config-file-invalid");
    folder.write(".mcp.json", "");
    install(&folder, "claude-code").expect(0);
}

#[test]
fn an_entry_that_points_at_the_cloud_is_replaced_after_asking() {
    let folder = Folder::new();
    let cloud = json!({ "mcpServers": { "mcp-bkend": { "url": "https://api.bkend.ai/mcp" }, "other": { "url": "http://x" } } }).to_string();
    folder.write(".cursor/mcp.json", &cloud);
    let asked = install(&folder, "cursor").expect(5);
    assert!(asked.stderr.contains("mcp-bkend") && asked.stderr.contains("--yes"), "{asked:?}");
    assert_eq!(std::fs::read_to_string(folder.path().join(".cursor/mcp.json")).unwrap(), cloud);
    install(&folder, "cursor --yes").expect(0);
    let expected = json!({ "mcpServers": { "other": { "url": "http://x" }, "bkend": { "url": "http://localhost:4300/mcp" } } });
    assert_eq!(json_of(&folder, ".cursor/mcp.json"), expected);
}

#[test]
fn removing_takes_our_entry_and_the_older_name_out() {
    let folder = Folder::new();
    folder.write(
        ".mcp.json",
        "{\n  \"mcpServers\": {\n    \"mcp-bkend\": { \"url\": \"a\" },\n    \"keep\": { \"url\": \"b\" },\n    \"bkend\": { \"url\": \"c\" }\n  }\n}\n",
    );
    install(&folder, "claude-code --remove").expect(0);
    assert_eq!(json_of(&folder, ".mcp.json"), json!({ "mcpServers": { "keep": { "url": "b" } } }));
    let again = install(&folder, "claude-code --remove").expect(0);
    assert!(again.stdout.contains("no entry"), "{again:?}");
    install(&folder, "cursor --remove").expect(0);
    assert!(!folder.path().join(".cursor").exists(), "nothing is made in order to remove");
}

#[test]
fn print_writes_nothing() {
    let folder = Folder::new();
    let printed = install(&folder, "cursor --print").expect(0);
    assert_eq!(serde_json::from_str::<Value>(&printed.stdout).unwrap(), json!({ "mcpServers": { "bkend": { "url": "http://localhost:4300/mcp" } } }));
    let printed = install(&folder, "claude-code --scope user --stdio --print").expect(0).stdout;
    assert!(printed.starts_with("claude mcp add --scope user bkend -- /"), "{printed}");
    assert!(!folder.path().join(".cursor").exists() && !folder.path().join(".bkend").exists());
    let document = install(&folder, "vscode --print --json").expect(0).json();
    assert_eq!(document["items"][0]["tool"], "vscode");
}

#[test]
fn without_a_tool_those_on_this_machine_are_meant_after_asking() {
    let folder = Folder::new();
    install(&folder, "").expect(3);
    std::fs::create_dir_all(home(&folder).join(".cursor")).unwrap();
    std::fs::create_dir_all(home(&folder).join(".config/Code")).unwrap();
    let asked = install(&folder, "").expect(5);
    assert!(asked.stderr.contains("Cursor, VS Code") && asked.stderr.contains("--yes"), "{asked:?}");
    let document = install(&folder, "--yes --json").expect(0).json();
    let tools: Vec<_> = document["items"].as_array().unwrap().iter().map(|item| item["tool"].as_str().unwrap()).collect();
    assert_eq!(tools, ["cursor", "vscode"]);
}

#[test]
fn mistakes_in_the_line_are_exit_2() {
    let folder = Folder::new();
    for line in ["emacs", "cursor --scope everywhere", "cursor --name a/b", "cursor --remove --print"] {
        install(&folder, line).expect(2);
    }
}

#[test]
fn links_are_followed_and_rights_are_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let real = folder.write("dotfiles/mcp.json", "{}");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&real, folder.path().join(".mcp.json")).unwrap();
    install(&folder, "claude-code").expect(0);
    assert!(folder.path().join(".mcp.json").is_symlink());
    assert_eq!(json_of(&folder, "dotfiles/mcp.json")["mcpServers"]["bkend"]["type"], "http");
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
}
