//! `docs search|show|list|eval` (`07-docs.md`, `08-cli.md` §10).

use crate::support::cli::Folder;

const LINE: &str = r#"{"query":"webhook signature","lang":"en","expect":["guides/08-webhooks"]}"#;

#[test]
fn the_manual_needs_neither_server_nor_data_directory() {
    let folder = Folder::new();
    let found = folder.run("docs search webhook signature --limit 1").expect(0).stdout;
    assert!(found.starts_with("## Search Results for \"webhook signature\"") && found.contains("`guides/08-webhooks`"), "{found}");
    let json = folder.run("docs search andFilters --json").expect(0).json();
    assert_eq!(json["items"][0]["id"], "database/08-filtering");
    let page = folder.run("docs show 11-mfa").expect(0).stdout;
    assert!(page.starts_with("# Multi-factor authentication") && !page.contains("@@") && !page.contains("sample="), "{page}");
    assert_eq!(folder.run("docs show guides/10-custom-domain --json").expect(0).json()["id"], "local/11-network");
    assert!(folder.run("docs list").expect(0).stdout.contains("database/08-filtering"));
    assert!(folder.run("docs list --json").expect(0).json()["sections"].is_array());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn an_unknown_page_ends_with_3() {
    let folder = Folder::new();
    assert!(folder.run("docs show no/page").expect(3).stderr.contains("no/page"));
    assert_eq!(folder.run("docs show no/page --json").expect(3).json_error()["code"], "docs/page-not-found");
}

#[test]
fn eval_prints_figures_latency_and_misses() {
    let folder = Folder::new();
    let miss = r#"{"query":"webhook signature","lang":"ko","expect":["storage/02-upload-single"]}"#;
    folder.write("q.jsonl", &format!("{LINE}\n\n{miss}\n"));
    let report = folder.run("docs eval q.jsonl --json").expect(0).json();
    assert_eq!(report["languages"]["en"]["hit1"], 1.0);
    assert_eq!(report["languages"]["ko"]["misses"][0]["expected"][0], "storage/02-upload-single");
    assert!(report["latencyMs"]["p50"].is_number() && report["latencyMs"]["p99"].is_number());
    let text = folder.run("docs eval q.jsonl").expect(0).stdout;
    assert!(text.contains("HIT@1") && text.contains("p99") && text.contains("storage/02-upload-single"), "{text}");
}

#[test]
fn eval_ends_with_6_below_a_goal_and_0_at_it() {
    let folder = Folder::new();
    folder.write("q.jsonl", LINE);
    folder.run("docs eval q.jsonl --min en.hit1=1.0,en.hit5=0.5,en.mrr=0.5,en.best=1").expect(0);
    folder.run("docs eval q.jsonl --min ko.hit1=0.1").expect(6);
    folder.write("bad.jsonl", r#"{"query":"webhook signature","lang":"en","expect":["storage/02-upload-single"]}"#);
    assert!(folder.run("docs eval bad.jsonl --min en.hit1=0.5").expect(6).stderr.contains("en.hit1"));
}

#[test]
fn eval_ends_with_2_for_a_bad_line_goal_or_file() {
    let folder = Folder::new();
    for bad in ["{", r#"{"query":"x","lang":"en","expect":["no/page"]}"#, r#"{"lang":"en","expect":["database/05-list"]}"#] {
        folder.write("q.jsonl", &format!("{LINE}\n\n{bad}"));
        assert!(folder.run("docs eval q.jsonl").expect(2).stderr.contains("line 3"), "{bad}");
    }
    folder.write("q.jsonl", LINE);
    for goal in ["en", "en.hit1", "en.hit2=0.5", "fr.hit1=0.5", "en.hit1=x", "en.hit1=2"] {
        folder.run(&format!("docs eval q.jsonl --min {goal}")).expect(2);
    }
    folder.run("docs eval missing.jsonl").expect(2);
}

#[test]
fn eval_refuses_queries_copied_from_front_matter() {
    let folder = Folder::new();
    let page = bkend_local::domain::docs::page("authentication/11-mfa").unwrap();
    let question = page.meta.questions.iter().find(|question| question.split(' ').count() >= 4).unwrap();
    folder.write("q.jsonl", &format!(r#"{{"query":"{question}","lang":"en","expect":["authentication/11-mfa"]}}"#));
    let refused = folder.run("docs eval q.jsonl").expect(6);
    assert!(refused.stderr.contains(question.as_str()), "{}", refused.stderr);
}
