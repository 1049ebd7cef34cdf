//! The arrows of the design: a face calls the domain, the domain calls the store, never the other way, never face to face.

use std::path::{Path, PathBuf};

/// Every source file below a folder of `src`, with its text but for its tests.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn collect(path: &Path, out: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
                out.push((path, code));
            }
        }
    }
    let mut out = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder), &mut out);
    assert!(!out.is_empty(), "src/{folder} holds no source files");
    out
}

/// Files of a folder that name what they may not.
fn offenders(folder: &str, forbidden: &[&str], except: &[&str]) -> Vec<String> {
    sources(folder)
        .into_iter()
        .filter(|(path, _)| !except.iter().any(|e| path.ends_with(e)))
        .flat_map(|(path, code)| {
            let found: Vec<&str> = forbidden.iter().copied().filter(|f| code.contains(f)).collect();
            (!found.is_empty()).then(|| format!("{}: {}", path.display(), found.join(", ")))
        })
        .collect()
}

#[test]
fn the_store_knows_neither_domain_nor_faces() {
    assert_eq!(offenders("store", &["crate::domain", "crate::http", "crate::cli", "actix_web", "clap::"], &[]), Vec::<String>::new());
}

#[test]
fn the_domain_knows_no_face_no_http_no_sql_and_no_command_line() {
    let forbidden = ["crate::http", "crate::cli", "crate::mcp", "actix_web", "clap::", "rusqlite", "SELECT ", "INSERT INTO", "reqwest"];
    assert_eq!(offenders("domain", &forbidden, &[]), Vec::<String>::new());
}

#[test]
fn http_knows_no_other_face_and_no_sql() {
    // Only `http/mcp` carries the messages of the MCP face.
    let mcp: Vec<String> = offenders("http", &["crate::mcp"], &[]).into_iter().filter(|found| !found.contains("/http/mcp/")).collect();
    assert_eq!(mcp, Vec::<String>::new());
    assert_eq!(offenders("http", &["crate::cli", "rusqlite", "INSERT INTO", "clap::"], &[]), Vec::<String>::new());
}

#[test]
fn mcp_knows_no_other_face_no_http_and_no_sql() {
    assert_eq!(
        offenders("mcp", &["crate::http", "crate::cli", "actix_web", "reqwest", "clap::", "rusqlite", "SELECT ", "INSERT INTO"], &[]),
        Vec::<String>::new()
    );
}

#[test]
fn the_command_line_reaches_the_server_over_its_api_only() {
    // Starting the server is what `serve` is for; everything else goes through the management API.
    assert_eq!(offenders("cli", &["rusqlite", "crate::mcp", "crate::store::control", "crate::store::data"], &[]), Vec::<String>::new());
}

#[test]
fn main_holds_arguments_and_exit_code_only() {
    let main = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).unwrap();
    assert!(main.lines().count() < 40 && !main.contains("domain::") && !main.contains("store::"));
}

#[test]
fn every_module_says_what_lives_there() {
    let silent: Vec<PathBuf> = ["store", "domain", "http", "mcp", "cli"]
        .iter()
        .flat_map(|folder| {
            fn collect(path: &Path, out: &mut Vec<PathBuf>) {
                for entry in std::fs::read_dir(path).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() {
                        if !path.ends_with("tests") {
                            collect(&path, out);
                        }
                    } else if path.extension().is_some_and(|e| e == "rs")
                        && !path.ends_with("tests.rs")
                        && !std::fs::read_to_string(&path).unwrap().starts_with("//!")
                    {
                        out.push(path);
                    }
                }
            }
            let mut out = Vec::new();
            collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder), &mut out);
            out
        })
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}
