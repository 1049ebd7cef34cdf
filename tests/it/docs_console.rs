//! The manual in the browser (`07-docs.md`, `06-console.md` B3).

use crate::support::{Answer, TestApp};

/// A page of the manual, with the headers each must have.
fn page(answer: &Answer, status: u16) -> &str {
    assert_eq!(answer.status, status, "{}", answer.text);
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("script-src"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.text.starts_with("<!doctype html>") && !answer.text.contains("<script"), "{}", answer.text);
    &answer.text
}

#[actix_web::test]
async fn the_manual_works_without_session_and_script() {
    let app = TestApp::start().await;
    let contents = app.client().get("/console/docs").await;
    assert!(page(&contents, 200).contains("href=\"/console/docs/database/08-filtering\""));
    let filtering = app.client().get("/console/docs/database/08-filtering").await;
    let html = page(&filtering, 200);
    assert!(html.contains("<h1") && html.contains("<table>") && html.contains("aria-current=\"page\""));
    assert!(html.contains(&app.url) && !html.contains("@@") && !html.contains("sample="));
    let css = app.client().get("/console/assets/docs.css").await;
    assert!(css.status == 200 && css.header("content-type").unwrap().starts_with("text/css"));
}

#[actix_web::test]
async fn every_page_is_shown() {
    let app = TestApp::start().await;
    for id in bkend_local::domain::docs::pages().iter().map(|page| &page.meta.id) {
        page(&app.client().get(&format!("/console/docs/{id}")).await, 200);
        page(&app.client().get(&format!("/console/docs/ko/{id}")).await, 200);
    }
}

#[actix_web::test]
async fn searching_shows_results_and_repeats_the_query_safely() {
    let app = TestApp::start().await;
    let found = app.client().get("/console/docs?q=webhook%20signature").await;
    let html = page(&found, 200);
    assert!(html.contains("/console/docs/guides/08-webhooks") && html.contains("<mark>") && html.contains("value=\"webhook signature\""));
    let hostile = app.client().get("/console/docs?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%7Bcontent%7D%7Btree%7D").await;
    assert!(!page(&hostile, 200).contains("<script>alert"));
    let nothing = app.client().get("/console/docs?q=zzqqxx").await;
    assert!(page(&nothing, 200).contains("Nothing in the manual matches"));
    page(&app.client().get("/console/docs?q=%20").await, 200);
}

#[actix_web::test]
async fn aliases_and_other_spellings_redirect() {
    let app = TestApp::start().await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for (path, to) in [
        ("guides/10-custom-domain", "local/11-network"),
        ("4_howto_implement_data_crud", "database/12-crud-app-patterns"),
        ("ko/guides/10-custom-domain", "local/11-network"),
        ("Database/08-Filtering.md", "database/08-filtering"),
    ] {
        let answer = http.get(format!("{}/console/docs/{path}", app.url)).send().await.unwrap();
        assert_eq!(answer.status(), 302, "{path}");
        assert!(answer.headers()["location"].to_str().unwrap().ends_with(to), "{path}");
    }
}

#[actix_web::test]
async fn an_unknown_page_is_404_and_repeats_nothing_unsafe() {
    let app = TestApp::start().await;
    let missing = app.client().get("/console/docs/%3Cscript%3Ex%3C%2Fscript%3E").await;
    assert!(page(&missing, 404).contains("&lt;script&gt;"));
}
