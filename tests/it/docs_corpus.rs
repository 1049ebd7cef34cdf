//! The manual against the running server: what it names exists, and what exists is named (`07-docs.md`, "Samples are tests").

use std::collections::BTreeSet;

use bkend_local::domain::docs;
use serde_json::Value;

use crate::support::TestApp;
use crate::support::cli::Folder;

/// Routes the manual may name before they are built, and the part they belong to. A prefix goes when its part is complete.
const WAITING: &[(&str, &str)] = &[
    ("/v1/auth", "authentication of app users"),
    ("/v1/users", "user administration"),
    ("/v1/files", "storage"),
    ("/storage", "storage"),
    ("/img", "images"),
    ("/mcp", "protocol routes are not part of the REST description"),
    ("/.well-known", "protocol routes are not part of the REST description"),
    ("/docs", "the API reference is a page"),
    ("/management/v1/mailbox", "mail"),
    ("/management/v1/notifications", "notifications"),
    ("/management/v1/auth", "developers' sign-in"),
    ("/management/v1/account/password", "developers' sign-in"),
    ("/management/v1/invitations", "team invitations"),
    ("/management/v1/organizations/*/invitations", "team invitations"),
    ("/management/v1/organizations/*/connections", "AI connections"),
    ("/management/v1/server/backups", "backups"),
    ("/management/v1/projects/*/environments/*/auth", "authentication of app users"),
    ("/management/v1/projects/*/environments/*/users", "user administration"),
    ("/management/v1/projects/*/environments/*/mailbox", "mail"),
    ("/management/v1/projects/*/environments/*/events", "live view"),
    ("/management/v1/projects/*/environments/*/exports", "exports as jobs"),
    ("/management/v1/projects/*/environments/*/imports", "imports as jobs"),
    ("/management/v1/projects/*/environments/*/files", "storage"),
    ("/management/v1/projects/*/environments/*/webhooks", "webhooks"),
    ("/management/v1/projects/*/environments/*/seed", "seed data"),
];

/// Routes no page needs to own: the short form of `/v1/data/…`, described as a whole.
fn short_form(path: &str) -> bool {
    path.strip_prefix("/v1/").is_some_and(|rest| rest.starts_with('*'))
}

/// `METHOD /path` with a star in every variable place.
fn starred(route: &str) -> String {
    let segments = route.split('/').map(|part| if part.starts_with([':', '{']) { "*" } else { part });
    segments.collect::<Vec<_>>().join("/")
}

async fn routes() -> BTreeSet<String> {
    let app = TestApp::start().await;
    let document = app.client().get("/openapi.json").await.assert(200);
    let paths = document["paths"].as_object().unwrap().clone();
    let of = |(path, methods): (String, Value)| {
        let methods: Vec<String> = methods.as_object().unwrap().keys().cloned().collect();
        methods
            .into_iter()
            .filter(|method| ["get", "post", "put", "patch", "delete"].contains(&method.as_str()))
            .map(move |method| starred(&format!("{} {path}", method.to_uppercase())))
    };
    paths.into_iter().flat_map(of).collect()
}

fn owned() -> BTreeSet<String> {
    docs::pages().iter().flat_map(|page| &page.meta.endpoints).map(|endpoint| starred(endpoint)).collect()
}

#[actix_web::test]
async fn every_route_a_page_owns_exists() {
    let routes = routes().await;
    let waits = |path: &str| WAITING.iter().any(|(prefix, _)| path == *prefix || path.starts_with(&format!("{prefix}/")));
    let missing: Vec<String> =
        owned().into_iter().filter(|route| !routes.contains(route)).filter(|route| !waits(route.split(' ').nth(1).unwrap_or_default())).collect();
    assert!(missing.is_empty(), "pages own routes the server does not have: {missing:#?}");
}

#[actix_web::test]
async fn every_route_of_the_data_and_management_api_is_owned_by_a_page() {
    let owned = owned();
    let api = |path: &str| {
        path.starts_with("/v1/data") || path.starts_with("/management/v1/projects/*/environments/*/tables") || path.starts_with("/management/v1/docs")
    };
    let missing: Vec<String> = routes()
        .await
        .into_iter()
        .filter(|route| route.split(' ').nth(1).is_some_and(|path| api(path) && !short_form(path)))
        .filter(|route| !owned.contains(route))
        .collect();
    assert!(missing.is_empty(), "no page owns {missing:#?}");
}

#[test]
fn every_command_of_the_help_is_in_the_manual() {
    let help = Folder::new().run("--help").expect(0).stdout;
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1).take_while(|line| line.starts_with("  "));
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.len() > 5, "{help}");
    let reference = &docs::page("local/09-cli").unwrap().markdown;
    let missing: Vec<&&str> = names.iter().filter(|name| !reference.contains(*name)).collect();
    assert!(missing.is_empty(), "local/09-cli does not name {missing:?}");
}
