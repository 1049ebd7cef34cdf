//! What a query finds, on the manual itself.

use super::*;
use crate::domain::docs::Placeholders;

/// Queries, language and pages of a file.
fn file(path: &str) -> Vec<(String, String, Vec<String>)> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let pages = value["expect"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
            (value["query"].as_str().unwrap().to_owned(), value["lang"].as_str().unwrap().to_owned(), pages)
        })
        .collect()
}

fn said(query: &str) -> String {
    answer(query, None, None, &Placeholders::default())
}

const HOSTILE: &[&str] = &[
    "\"unbalanced",
    "AND OR NOT",
    "+ - * : ~ ^ \\",
    "a AND (b OR",
    "title:token^9~2 [a TO b] {x}",
    "<script>alert(1)</script>",
    "'; DROP TABLE users; --",
    "%00%0a",
    "\0\0\0",
    "../../etc/passwd",
    "{{{{}}}}",
    "((((((((",
    "\u{202e}abc",
    "🙂 token",
    "ㄱㄴㄷ",
    "ﷺ",
    "a\u{300}\u{301}\u{302}\u{303}",
    "$",
    "-",
    "/",
    "//",
    "/v1",
    "/v1/",
    "://",
    "http://",
    "https://[",
    "#",
    "x#y#z",
    "```",
    "``",
    "| a | b |",
    "@@BASE@@",
    "@@",
    "*",
    "?",
    "_",
    "__",
    "가",
    "가가가가가가가가",
    "AND",
    "\r\n\r\n",
];

#[test]
fn an_answer_is_never_empty_and_never_over_its_bound() {
    let long = [
        "word ".repeat(2_000),
        "가나다라".repeat(1_000),
        "/v1/".repeat(900),
        "\"{[(".repeat(700),
        "x".repeat(9_000),
        (0..800).map(|n| format!("tokenn{n} ")).collect(),
    ];
    let of_file = file(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/search-dev.jsonl")).into_iter().map(|(query, ..)| query);
    let pages = crate::domain::docs::PAGES.iter().map(|id| (*id).to_owned());
    for query in HOSTILE.iter().map(|q| (*q).to_owned()).chain(long).chain(of_file).chain(pages).chain(["".to_owned(), " ".to_owned(), "🙂".to_owned()]) {
        let text = said(&query);
        assert!(text.chars().count() <= answer::MAX_ANSWER, "{query}: {}", text.chars().count());
        assert!(text.starts_with("## Search Results for \""), "{query}");
        assert!(text.lines().count() > 3, "{query}: {text}");
        assert!(text.lines().filter(|line| line.starts_with("```")).count() % 2 == 0, "{query}");
        assert!(!text.contains("@@BASE") || query.contains("@@"), "{query}");
    }
}

#[test]
fn the_same_query_gives_the_same_bytes() {
    for query in ["email signup", "비밀번호 재설정", "data/permission-denied", ""] {
        assert_eq!(said(query), said(query));
    }
}
