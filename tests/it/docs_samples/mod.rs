//! The samples of the manual are tests: each page runs in its own fresh environment, loaded with its fixture, samples in order.

mod compare;
mod curl;
mod fence;
mod fixture;
mod run;

use bkend_local::domain::docs::{self, fences};

use fence::{Does, Sample};

/// Runs the pages of one section and reports everything that does not hold.
async fn section(name: &str) {
    let mut wrong = Vec::new();
    for page in docs::pages().iter().filter(|page| page.meta.id.split('/').next() == Some(name)) {
        wrong.extend(run::page(page).await.into_iter().map(|finding| format!("{}: {finding}", page.meta.id)));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

/// One test per section, so that they run beside each other.
const SECTIONS: &[&str] =
    &["getting-started", "local", "mcp", "console", "authentication", "database", "storage", "security", "guides", "troubleshooting", "cookbooks"];

#[actix_web::test]
async fn samples_of_getting_started_work() {
    section("getting-started").await;
}

#[actix_web::test]
async fn samples_of_local_work() {
    section("local").await;
}

#[actix_web::test]
async fn samples_of_database_work() {
    section("database").await;
}

#[actix_web::test]
async fn samples_of_security_work() {
    section("security").await;
}

#[actix_web::test]
async fn samples_of_mcp_work() {
    section("mcp").await;
}

#[actix_web::test]
async fn samples_of_console_work() {
    section("console").await;
}

#[actix_web::test]
async fn samples_of_authentication_work() {
    section("authentication").await;
}

#[actix_web::test]
async fn samples_of_storage_work() {
    section("storage").await;
}

#[actix_web::test]
async fn samples_of_guides_work() {
    section("guides").await;
}

#[actix_web::test]
async fn samples_of_troubleshooting_work() {
    section("troubleshooting").await;
}

#[actix_web::test]
async fn samples_of_cookbooks_work() {
    section("cookbooks").await;
}

#[test]
fn every_section_of_the_manual_is_run() {
    for page in docs::pages() {
        assert!(SECTIONS.contains(&page.meta.id.split('/').next().unwrap()), "{} is in a section without a test", page.meta.id);
    }
}

#[test]
fn a_block_that_addresses_the_server_is_tested_and_at_most_three_percent_are_skipped() {
    let (mut addressed, mut skipped) = (0, 0);
    let mut wrong = Vec::new();
    for page in docs::pages() {
        for fence in fences(&page.markdown) {
            match Sample::parse(&fence) {
                Err(reason) => wrong.push(format!("{}: ```{}: {reason}", page.meta.id, fence.info)),
                Ok(sample) if fence.code.contains("@@BASE@@") => {
                    addressed += 1;
                    match sample.does {
                        Does::Skip => skipped += 1,
                        Does::Nothing => wrong.push(format!("{}: ```{}: addresses the server without sample=, same= or skip=", page.meta.id, fence.info)),
                        _ => {}
                    }
                }
                Ok(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(skipped * 100 <= addressed * 3, "{skipped} of {addressed} blocks are skipped");
}
