//! The manual over the management API (`07-docs.md`).

use serde_json::Value;

use crate::support::TestApp;

#[actix_web::test]
async fn contents_need_no_sign_in_and_list_every_page() {
    let app = TestApp::start().await;
    let contents = app.client().get("/management/v1/docs").await.assert(200);
    let pages: Vec<&Value> = contents["sections"].as_array().unwrap().iter().flat_map(|section| section["pages"].as_array().unwrap()).collect();
    let filtering = pages.iter().find(|page| page["id"] == "database/08-filtering").unwrap();
    assert_eq!(filtering["title"], "Filtering and search");
    assert_eq!(filtering["languages"][0], "en");
    assert!(filtering["titleKo"].is_string() && filtering["description"].is_string());
}

#[actix_web::test]
async fn search_answers_pages_with_snippets_and_highlights() {
    let app = TestApp::start().await;
    let found = app.client().get("/management/v1/docs/search?q=andFilters&limit=3").await.assert(200);
    let items = found["items"].as_array().unwrap();
    assert!((1..=3).contains(&items.len()));
    assert_eq!(items[0]["id"], "database/08-filtering");
    assert_eq!(items[0]["url"], format!("{}/console/docs/database/08-filtering", app.url));
    let marked = items[0]["sections"].as_array().unwrap().iter().find(|section| !section["highlights"].as_array().unwrap().is_empty()).unwrap();
    let snippet: Vec<u16> = marked["snippet"].as_str().unwrap().encode_utf16().collect();
    for range in marked["highlights"].as_array().unwrap() {
        let (from, to) = (range[0].as_u64().unwrap() as usize, range[1].as_u64().unwrap() as usize);
        assert!(from < to && to <= snippet.len());
    }
}

#[actix_web::test]
async fn the_last_word_may_be_begun_with_prefix() {
    let app = TestApp::start().await;
    let ids = async |query: &str| {
        let found = app.client().get(&format!("/management/v1/docs/search?{query}")).await.assert(200);
        found["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(ids("q=webh&prefix=true").await.iter().any(|id| id == "guides/08-webhooks"));
    assert!(ids("q=permission&limit=9999999999999999999999").await.len() <= 20);
    assert!(ids("q=%20").await.is_empty());
}

#[actix_web::test]
async fn bad_parameters_are_named() {
    let app = TestApp::start().await;
    for (query, name) in
        [("", "q"), ("q=x&limit=0", "limit"), ("q=x&limit=-1", "limit"), ("q=x&limit=a", "limit"), ("q=x&lang=fr", "lang"), ("q=x&prefix=maybe", "prefix")]
    {
        let error = app.client().get(&format!("/management/v1/docs/search?{query}")).await.assert_error(400, "common/invalid-parameters");
        assert!(error["message"].as_str().unwrap().contains(name), "{query}: {error}");
    }
    app.client().get("/management/v1/docs/pages/database/05-list?lang=fr").await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn a_page_is_shown_by_id_and_alias_with_its_placeholders_replaced() {
    let app = TestApp::start().await;
    for id in ["database/08-filtering", "Database/08-Filtering.md", "08-filtering"] {
        let page = app.client().get(&format!("/management/v1/docs/pages/{id}")).await.assert(200);
        assert_eq!((page["id"].as_str(), page["lang"].as_str()), (Some("database/08-filtering"), Some("en")));
        let markdown = page["markdown"].as_str().unwrap();
        assert!(markdown.contains(&format!("{}/v1/data/posts", app.url)) && !markdown.contains("@@"));
        assert!(page["sections"][0]["anchor"].is_string() && page["related"].as_array().unwrap().len() >= 2);
    }
    let old = app.client().get("/management/v1/docs/pages/guides/10-custom-domain").await.assert(200);
    assert_eq!(old["id"], "local/11-network");
    assert!(old["aliases"].as_array().unwrap().iter().any(|alias| alias == "guides/10-custom-domain"));
}

#[actix_web::test]
async fn an_unknown_page_is_404() {
    let app = TestApp::start().await;
    for id in ["nothing", "database/99-nothing", "..%2f..%2fetc%2fpasswd", "%00"] {
        app.client().get(&format!("/management/v1/docs/pages/{id}")).await.assert_error(404, "docs/page-not-found");
    }
}
