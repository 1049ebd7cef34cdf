//! `mail list` and `mail latest`, and the line that the log has of a mail.

use serde_json::Value;

use crate::support::cli::{Folder, Server};

/// Sends a preview: the way to a mail that needs nothing else.
fn send(folder: &Folder, server: &Server, template: &str, to: &str) {
    let token = std::fs::read_to_string(folder.path().join(".bkend/secrets/operator")).unwrap();
    let project = server.ready["projectId"].as_str().unwrap();
    let path = format!("/management/v1/projects/{project}/environments/dev/auth/templates/{template}/en/preview");
    let (status, body) = server.post(&path, &[("Authorization", &format!("Bearer {}", token.trim()))], &format!("{{\"sendTo\":\"{to}\"}}"));
    assert_eq!(status, 200, "{body}");
}

#[test]
fn the_newest_mail_is_shown_with_its_link_code_and_token() {
    let folder = Folder::new();
    let server = folder.serve("");
    folder.run("mail latest").expect(3);
    assert_eq!(folder.run("mail list --json").expect(0).json()["items"], Value::Array(Vec::new()));
    send(&folder, &server, "magic_link", "mina@harbor.test");
    send(&folder, &server, "email_code", "joon@harbor.test");
    let newest = folder.run("mail latest --json").expect(0).json();
    assert_eq!((&newest["to"], &newest["code"], &newest["link"]), (&"joon@harbor.test".into(), &"123456".into(), &Value::Null));
    let link = folder.run("mail latest --to MINA@harbor.test --template magic_link --json").expect(0).json();
    assert!(link["link"].as_str().unwrap().ends_with(link["token"].as_str().unwrap()), "{link}");
    let text = folder.run("mail latest --template magic_link").expect(0).stdout;
    assert!(text.contains("Link") && text.contains(link["link"].as_str().unwrap()), "{text}");
    let table = folder.run("mail list").expect(0).stdout;
    assert!(table.contains("LINK OR CODE") && table.contains("123456") && table.lines().count() == 3, "{table}");
    assert_eq!(folder.run("mail list --to joon@harbor.test --json").expect(0).json()["items"].as_array().unwrap().len(), 1);
    let failure = folder.run("mail latest --to nobody@harbor.test --json").expect(3);
    assert_eq!(failure.json_error()["code"], "cli/not-found");
    folder.run("mail latest --wait x").expect(2);
    folder.run("mail latest --env nowhere").expect(3);
    server.stop().expect(0);
    // Results are the same without a server, and waiting for one is no use.
    assert_eq!(folder.run("mail latest --wait 600 --json").expect(0).json(), newest);
    folder.run("mail latest --to nobody@harbor.test --wait 600").expect(3);
}

#[test]
fn latest_waits_for_mail_and_gives_up_with_3() {
    let folder = Folder::new();
    let server = folder.serve("");
    let mut waiting = folder.command("mail latest --to mina@harbor.test --wait 60 --json").stdout(std::process::Stdio::piped()).spawn().unwrap();
    send(&folder, &server, "magic_link", "joon@harbor.test");
    assert!(waiting.try_wait().unwrap().is_none());
    send(&folder, &server, "magic_link", "mina@harbor.test");
    let output = waiting.wait_with_output().unwrap();
    let mail: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &mail["to"]), (Some(0), &"mina@harbor.test".into()));
    let failure = folder.run("mail latest --to nobody@harbor.test --wait 1").expect(3);
    assert!(failure.stderr.contains("within 1 s"), "{failure:?}");
}

#[test]
fn mail_is_logged_with_its_link_on_loopback_and_without_elsewhere() {
    let link = format!("http://localhost:5173/?token={}", "0".repeat(64));
    let with_link = format!("magic_link → mina@harbor.test  {link}");
    let without = "magic_link → mina@harbor.test".to_owned();
    for (flags, expected) in [("", &with_link), ("--no-secrets", &without), ("--host 0.0.0.0", &without)] {
        let folder = Folder::new();
        let server = folder.serve(flags);
        send(&folder, &server, "magic_link", "mina@harbor.test");
        let log = server.stop().expect(0).stderr;
        let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).filter(|line| line["event"] == "mail").collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert_eq!(lines[0]["message"], **expected, "{flags}");
        assert_eq!(log.contains(&"0".repeat(64)), *expected == with_link, "{log}");
    }
}
