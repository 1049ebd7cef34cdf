//! Snapshots, restoring, resetting and cloning environments, and the jobs they are (`06-console.md` B1, B3).

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::developers::column;
use crate::support::storage::settled;
use crate::support::{Client, TestApp};

async fn notes(app: &TestApp, titles: &[&str]) {
    app.table(json!({ "tableName": "notes", "schema": { "title": { "type": "string", "unique": true }, "n": "int" } })).await;
    for title in titles {
        app.secret().post("/v1/data/notes", json!({ "title": title, "n": 1 })).await.assert(201);
    }
}

async fn titles(client: &Client) -> Vec<String> {
    let list = client.get("/v1/data/notes?sortBy=title&sortDirection=asc").await.assert(200);
    list["items"].as_array().unwrap().iter().map(|i| i["title"].as_str().unwrap().to_owned()).collect()
}

/// Takes a snapshot and waits for it.
async fn snapshot(app: &TestApp, name: &str) -> Value {
    let job = app.operator().post(&format!("{}/snapshots?wait=30", app.environment_path()), json!({ "name": name })).await.assert(200);
    assert_eq!((&job["status"], &job["kind"]), (&json!("succeeded"), &json!("snapshot")), "{job}");
    job["result"].clone()
}

async fn restore(app: &TestApp, id: &Value) -> Value {
    let path = format!("{}/snapshots/{}/restore?confirm=dev&wait=30", app.environment_path(), id.as_str().unwrap());
    let job = app.operator().post(&path, json!({})).await.assert(200);
    assert_eq!(job["status"], "succeeded", "{job}");
    job["result"].clone()
}

#[actix_web::test]
async fn a_restore_puts_back_tables_records_and_users_and_can_be_undone() {
    let app = TestApp::start().await;
    notes(&app, &["a", "b"]).await;
    let mina = app.user("mina", "user").await;
    let taken = snapshot(&app, "before the change").await;
    assert_eq!((&taken["name"], &taken["reason"], &taken["environment"]), (&json!("before the change"), &json!("manual"), &json!("dev")));
    assert_eq!((&taken["rows"], &taken["files"], &taken["expiresAt"], &taken["createdBy"]["type"]), (&json!(2), &json!(0), &Value::Null, &json!("cli")));
    assert!(taken["sizeBytes"].as_u64().unwrap() > 0 && taken.get("table").is_none());
    app.secret().post("/v1/data/notes", json!({ "title": "c" })).await.assert(201);
    app.operator().delete(&format!("{}/tables/notes?confirm=notes", app.environment_path())).await.assert(204);
    app.table(json!({ "tableName": "others", "schema": {} })).await;
    let restored = restore(&app, &taken["id"]).await;
    assert_eq!((&restored["tables"], &restored["rows"], &restored["users"]), (&json!(1), &json!(2), &json!(1)));
    assert_eq!(titles(&app.guest()).await, ["a", "b"]);
    app.guest().get("/v1/data/others").await.assert_error(404, "data/table-not-found");
    app.secret().post("/v1/data/notes", json!({ "title": "a" })).await.assert_error(409, "data/duplicate-value");
    mina.client.get("/v1/data/notes").await.assert(200);
    restore(&app, &restored["undoSnapshotId"]).await;
    app.guest().get("/v1/data/notes").await.assert_error(404, "data/table-not-found");
    app.guest().get("/v1/data/others").await.assert(200);
    let app = app.restart().await;
    app.guest().get("/v1/data/others").await.assert(200);
}

#[actix_web::test]
async fn keys_audit_and_request_log_stay() {
    let app = TestApp::start().await;
    notes(&app, &["a"]).await;
    let taken = snapshot(&app, "early").await;
    let key = app.operator().post(&format!("{}/keys", app.environment_path()), json!({ "type": "secret", "name": "late" })).await.assert(201);
    restore(&app, &taken["id"]).await;
    app.client().header("X-API-Key", key["key"].as_str().unwrap()).get("/v1/data/notes").await.assert(200);
    let wanted = ["snapshot_created", "access_token_created", "environment_restored", "table_created"];
    let mut events = Vec::new();
    // The outbox takes them over after the commit.
    for _ in 0..200 {
        events = column(&app.operator().get(&format!("{}/activities?limit=100", app.project_path())).await.assert(200), "event");
        if wanted.iter().all(|event| events.iter().any(|e| e == event)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(wanted.iter().all(|event| events.iter().any(|e| e == event)), "{events:?}");
    let requests = app.operator().get(&format!("{}/requests", app.environment_path())).await.assert(200);
    assert!(requests["pagination"]["total"].as_u64().unwrap() >= 2);
}

#[actix_web::test]
async fn a_snapshot_is_of_one_moment_while_others_write() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "orders", "schema": { "lines": "int" } })).await;
    app.table(json!({ "tableName": "lines", "schema": { "orderId": "string" } })).await;
    let writing = async {
        let writer = |w: usize| {
            let client = app.secret();
            async move {
                for n in 0..25 {
                    let id = format!("o{w}x{n}");
                    let order = json!({ "op": "create", "table": "orders", "data": { "id": id, "lines": 2 } });
                    let line = json!({ "op": "create", "table": "lines", "data": { "orderId": id } });
                    client.post("/v1/transaction", json!({ "operations": [order, line, line] })).await.assert(200);
                }
            }
        };
        join_all((0..8).map(writer)).await;
    };
    let snapping = async {
        let mut ids = Vec::new();
        for n in 0..6 {
            ids.push(snapshot(&app, &format!("s{n}")).await["id"].clone());
        }
        ids
    };
    let (_, ids) = tokio::join!(writing, snapping);
    for id in ids {
        restore(&app, &id).await;
        let count = |table: &str| {
            let (client, path) = (app.secret(), format!("/v1/data/{table}/count"));
            async move { client.get(&path).await.assert(200)["count"].as_u64().unwrap() }
        };
        assert_eq!(count("lines").await, 2 * count("orders").await);
    }
}

#[actix_web::test]
async fn a_file_that_is_removed_while_a_snapshot_is_taken_is_whole_in_it_or_not_there() {
    let app = TestApp::start().await;
    let writer = || async {
        for _ in 0..25 {
            let file = app.hello(&app.secret(), json!({})).await;
            app.secret().delete(&format!("/v1/files/{}", file["id"].as_str().unwrap())).await.assert(200);
        }
    };
    let snapping = async {
        let mut ids = Vec::new();
        for n in 0..12 {
            ids.push(snapshot(&app, &format!("s{n}")).await["id"].clone());
        }
        ids
    };
    let (_, ids) = tokio::join!(join_all((0..6).map(|_| writer())), snapping);
    assert!(settled(&app).await.is_empty(), "what was removed meanwhile is gone afterwards");
    let mut files = 0;
    for id in ids {
        restore(&app, &id).await;
        files += settled(&app).await.len();
    }
    assert!(files > 0, "no snapshot fell between an upload and its removal, so that nothing is proved");
}

#[actix_web::test]
async fn while_content_is_replaced_reads_go_on_and_writes_are_refused() {
    let app = TestApp::start().await;
    notes(&app, &["a"]).await;
    let taken = snapshot(&app, "s").await;
    let held = app.environment.data().hold().unwrap();
    assert_eq!(titles(&app.guest()).await, ["a"]);
    let refused = app.secret().post("/v1/data/notes", json!({ "title": "x" })).await;
    assert!(refused.header("retry-after").is_some());
    refused.assert_error(503, "common/unavailable");
    let operator = app.operator();
    operator.post(&format!("{}/tables/notes/records", app.environment_path()), json!({ "title": "x" })).await.assert_error(409, "environment/busy");
    let path = format!("{}/snapshots/{}/restore?confirm=dev", app.environment_path(), taken["id"].as_str().unwrap());
    operator.post(&path, json!({})).await.assert_error(409, "environment/busy");
    operator.post(&format!("{}/reset?confirm=dev", app.environment_path()), json!({})).await.assert_error(409, "environment/busy");
    drop(held);
    app.secret().post("/v1/data/notes", json!({ "title": "x" })).await.assert(201);
}

#[actix_web::test]
async fn streams_are_reset_and_change_numbers_go_on() {
    let app = TestApp::start().await;
    notes(&app, &["a"]).await;
    let taken = snapshot(&app, "s").await;
    app.secret().post("/v1/data/notes", json!({ "title": "b" })).await.assert(201);
    let before = app.environment.last_change();
    let mut stream = app.secret().events("/v1/data/notes/changes").await;
    restore(&app, &taken["id"]).await;
    while stream.next().await.unwrap().name != "reset" {}
    assert!(app.environment.last_change() > before);
    let app = app.restart().await;
    assert!(app.environment.last_change() > before);
}

#[actix_web::test]
async fn a_reset_empties_what_it_names_and_is_saved_first() {
    let app = TestApp::start().await;
    notes(&app, &["a", "b"]).await;
    app.user("mina", "user").await;
    let operator = app.operator();
    let reset = async |query: &str, body: Value| {
        let job = operator.post(&format!("{}/reset?confirm=dev&wait=30{query}", app.environment_path()), body).await.assert(200);
        assert_eq!(job["status"], "succeeded", "{job}");
        job["result"].clone()
    };
    let kept = reset("", json!({ "users": false })).await;
    assert_eq!((&kept["tables"], &kept["rows"], &kept["users"]), (&json!(1), &json!(0), &json!(1)));
    restore(&app, &kept["undoSnapshotId"]).await;
    assert_eq!(titles(&app.guest()).await, ["a", "b"]);
    let all = reset("&snapshot=false", json!({ "schema": true, "keys": true })).await;
    assert_eq!((&all["tables"], &all["users"], all.get("undoSnapshotId")), (&json!(0), &json!(0), None));
    app.guest().get("/v1/data/notes").await.assert_error(401, "auth/api-key-revoked");
    let key = all["publishableKey"].as_str().unwrap();
    app.client().header("X-API-Key", key).get("/v1/data/notes").await.assert_error(404, "data/table-not-found");
    operator.post(&format!("{}/reset", app.environment_path()), json!({})).await.assert_error(400, "management/confirmation-required");
    operator.post(&format!("{}/reset?confirm=staging", app.environment_path()), json!({})).await.assert_error(400, "management/confirmation-required");
}

#[actix_web::test]
async fn a_clone_has_the_content_of_one_moment_and_keys_of_its_own() {
    let app = TestApp::start().await;
    notes(&app, &["a", "b"]).await;
    let mina = app.user("mina", "user").await;
    let operator = app.operator();
    let job = operator.post(&format!("{}/clone?wait=30", app.environment_path()), json!({ "environment": "staging" })).await.assert(200);
    assert_eq!(job["status"], "succeeded", "{job}");
    let made = &job["result"];
    assert_eq!((&made["environment"], &made["environmentType"], &made["status"]), (&json!("staging"), &json!("staging"), &json!("active")));
    assert_eq!((&made["stats"]["rows"], &made["stats"]["users"]), (&json!(2), &json!(1)));
    let staging = app.client().header("X-API-Key", made["publishableKey"].as_str().unwrap());
    assert_eq!(titles(&staging).await, ["a", "b"]);
    app.secret().post("/v1/data/notes", json!({ "title": "c" })).await.assert(201);
    assert_eq!(titles(&staging).await, ["a", "b"], "a copy never touches its original");
    staging.header("Authorization", &format!("Bearer {}", mina.token)).get("/v1/data/notes").await.assert_error(401, "auth/invalid-token");
    let environments = format!("{}/environments", app.project_path());
    let from = json!({ "environment": "empty", "cloneFrom": { "environment": "dev", "data": false, "users": false } });
    let job = operator.post(&format!("{environments}?wait=30"), from.clone()).await.assert(200);
    assert_eq!((&job["result"]["stats"]["tables"], &job["result"]["stats"]["rows"]), (&json!(1), &json!(0)), "{job}");
    operator.post(&environments, from).await.assert_error(409, "environment/already-exists");
    let nothing = json!({ "environment": "x", "cloneFrom": {} });
    operator.post(&environments, nothing).await.assert_error(400, "common/invalid-parameters");
    let unknown = json!({ "environment": "x", "cloneFrom": { "snapshotId": "0123" } });
    operator.post(&environments, unknown).await.assert_error(404, "snapshot/not-found");
    operator.post(&environments, json!({ "environment": "X", "cloneFrom": { "environment": "dev" } })).await.assert_error(400, "environment/invalid-name");
}

#[actix_web::test]
async fn a_deleted_environment_is_saved_and_can_be_made_anew() {
    let app = TestApp::start().await;
    notes(&app, &["a"]).await;
    let (operator, environments) = (app.operator(), format!("{}/environments", app.project_path()));
    operator.post(&format!("{}/clone?wait=30", app.environment_path()), json!({ "environment": "old" })).await.assert(200);
    let gone = operator.delete(&format!("{environments}/old?confirm=old")).await;
    let id = gone.header("x-bkend-snapshot").unwrap().to_owned();
    gone.assert(204);
    let all = operator.get(&format!("{}/snapshots", app.project_path())).await.assert(200);
    assert_eq!((&all["items"][0]["id"], &all["items"][0]["reason"], &all["items"][0]["environment"]), (&json!(id), &json!("before-delete"), &json!("old")));
    assert!(all["items"][0]["expiresAt"].is_string());
    let body = json!({ "environment": "again", "cloneFrom": { "snapshotId": id } });
    let job = operator.post(&format!("{environments}?wait=30"), body).await.assert(200);
    assert_eq!(job["result"]["stats"]["rows"], 1, "{job}");
    let unsaved = operator.delete(&format!("{environments}/again?confirm=again&snapshot=false")).await;
    assert!(unsaved.header("x-bkend-snapshot").is_none());
    unsaved.assert(204);
}

#[actix_web::test]
async fn a_copy_of_one_table_is_listed_and_puts_that_table_back_alone() {
    let app = TestApp::start().await;
    notes(&app, &["a", "b"]).await;
    app.table(json!({ "tableName": "others", "schema": { "x": "int" } })).await;
    let operator = app.operator();
    let emptied = operator.post(&format!("{}/tables/notes/truncate?confirm=notes", app.environment_path()), json!({})).await;
    let id = emptied.header("x-bkend-snapshot").unwrap().to_owned();
    app.secret().post("/v1/data/others", json!({ "x": 1 })).await.assert(201);
    let listed = operator.get(&format!("{}/snapshots", app.environment_path())).await.assert(200);
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["table"], &listed["items"][0]["rows"]), (&json!(id), &json!("notes"), &json!(2)));
    let restored = restore(&app, &json!(id)).await;
    assert_eq!(titles(&app.guest()).await, ["a", "b"]);
    assert_eq!(app.secret().get("/v1/data/others/count").await.assert(200)["count"], 1);
    let versions = operator.get(&format!("{}/tables/notes/schema/versions", app.environment_path())).await.assert(200);
    assert_eq!((&versions["items"][0]["version"], &versions["items"][0]["summary"]), (&json!(2), &json!("Restored from a snapshot")));
    app.secret().post("/v1/data/notes", json!({ "title": "a" })).await.assert_error(409, "data/duplicate-value");
    assert!(restored["undoSnapshotId"].is_string());
    operator.delete(&format!("{}/tables/notes?confirm=notes", app.environment_path())).await.assert(204);
    restore(&app, &json!(id)).await;
    assert_eq!(titles(&app.guest()).await, ["a", "b"]);
    let body = json!({ "environment": "x", "cloneFrom": { "snapshotId": id } });
    operator.post(&format!("{}/environments", app.project_path()), body).await.assert_error(409, "snapshot/incompatible");
}

#[actix_web::test]
async fn a_snapshot_of_another_environment_leaves_sessions_behind() {
    let app = TestApp::start().await;
    notes(&app, &["a"]).await;
    let mina = app.user("mina", "user").await;
    let taken = snapshot(&app, "s").await;
    let operator = app.operator();
    let made = operator.post(&format!("{}/environments", app.project_path()), json!({ "environment": "qa" })).await.assert(201);
    let path = format!("{}/environments/qa/snapshots/{}/restore?confirm=qa&wait=30", app.project_path(), taken["id"].as_str().unwrap());
    let job = operator.post(&path, json!({})).await.assert(200);
    assert_eq!((&job["result"]["rows"], &job["result"]["users"]), (&json!(1), &json!(1)), "{job}");
    let sessions = app.client().header("X-API-Key", made["publishableKey"].as_str().unwrap());
    assert_eq!(titles(&sessions).await, ["a"]);
    let qa = app.backend.environment(made["id"].as_str().unwrap()).await.unwrap();
    let living = qa.data().read_blocking::<_, bkend_local::store::StoreError, _>(|r| r.session_state(&mina.id, &mina.session_id)).unwrap();
    assert!(living.unwrap().session.is_none());
}

#[actix_web::test]
async fn snapshots_are_listed_downloaded_and_deleted_by_those_who_may() {
    let app = TestApp::start().await;
    notes(&app, &["a"]).await;
    let taken = snapshot(&app, "s").await;
    let (operator, one) = (app.operator(), format!("{}/snapshots/{}", app.environment_path(), taken["id"].as_str().unwrap()));
    let member = app.member("joon", "member").await;
    let own = member.post(&format!("{}/snapshots?wait=30", app.environment_path()), json!({})).await.assert(200);
    assert_eq!(own["status"], "succeeded");
    assert_eq!(member.get(&format!("{}/snapshots", app.environment_path())).await.assert(200)["pagination"]["total"], 2);
    member.get(&format!("{one}/download")).await.assert_error(403, "organization/permission-denied");
    member.post(&format!("{one}/restore?confirm=dev"), json!({})).await.assert_error(403, "organization/permission-denied");
    member.post(&format!("{}/reset?confirm=dev", app.environment_path()), json!({})).await.assert_error(403, "organization/permission-denied");
    member.post(&format!("{}/clone", app.environment_path()), json!({ "environment": "x" })).await.assert_error(403, "organization/permission-denied");
    member.delete(&format!("{one}?confirm=s")).await.assert_error(403, "organization/permission-denied");
    app.member("bill", "billing").await.get(&format!("{}/snapshots", app.environment_path())).await.assert_error(403, "organization/permission-denied");
    let response = operator.request(reqwest::Method::GET, &format!("{one}/download")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/gzip");
    let archive = flate2::read::GzDecoder::new(std::io::Cursor::new(response.bytes().await.unwrap().to_vec()));
    let mut names: Vec<String> = tar::Archive::new(archive).entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect();
    names.sort();
    assert_eq!(names, ["data.db", "objects/", "snapshot.json"]);
    operator.delete(&one).await.assert_error(400, "management/confirmation-required");
    operator.delete(&format!("{one}?confirm=s")).await.assert(204);
    operator.get(&format!("{one}/download")).await.assert_error(404, "snapshot/not-found");
    operator
        .post(&format!("{}/snapshots/..%2f..%2fcontrol/restore?confirm=dev", app.environment_path()), json!({}))
        .await
        .assert_error(404, "snapshot/not-found");
}

#[actix_web::test]
async fn automatic_snapshots_are_at_most_ten_and_manual_ones_stay() {
    let app = TestApp::start().await;
    notes(&app, &["a"]).await;
    snapshot(&app, "mine").await;
    for _ in 0..12 {
        app.operator().post(&format!("{}/tables/notes/truncate?confirm=notes", app.environment_path()), json!({})).await.assert(204);
    }
    let listed = app.operator().get(&format!("{}/snapshots?limit=100", app.environment_path())).await.assert(200);
    assert_eq!(listed["items"].as_array().unwrap().iter().filter(|s| s["reason"] == "before-delete").count(), 10);
    assert!(column(&listed, "name").iter().any(|name| *name == "mine"));
}

#[actix_web::test]
async fn a_job_is_seen_by_its_starter_and_admins_and_a_finished_one_is_not_cancelled() {
    let app = TestApp::start().await;
    notes(&app, &["a"]).await;
    let (mina, joon) = (app.member("mina", "member").await, app.member("joon", "member").await);
    let job = mina.post(&format!("{}/snapshots?wait=30", app.environment_path()), json!({})).await.assert(200);
    let path = format!("/management/v1/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(mina.get(&path).await.assert(200)["status"], "succeeded");
    assert_eq!(app.operator().get(&path).await.assert(200)["result"], job["result"]);
    joon.get(&path).await.assert_error(404, "job/not-found");
    app.operator().get("/management/v1/jobs/nothing").await.assert_error(404, "job/not-found");
    mina.post(&format!("{path}/cancel"), json!({})).await.assert_error(409, "job/finished");
    mina.get(&format!("{path}?wait=31")).await.assert_error(400, "common/invalid-parameters");
    let mut events = mina.events(&format!("{path}/events")).await;
    let event = events.next().await.unwrap();
    assert_eq!((event.name.as_str(), &event.data["status"]), ("job", &json!("succeeded")));
    assert!(events.next().await.is_none(), "the stream ends with the job");
    let started = mina.post(&format!("{}/snapshots", app.environment_path()), json!({})).await;
    assert!([200, 202].contains(&started.status), "{}", started.text);
    let path = format!("/management/v1/jobs/{}", started.body["id"].as_str().unwrap());
    assert_eq!(mina.get(&format!("{path}?wait=30")).await.assert(200)["status"], "succeeded");
}

#[actix_web::test]
async fn every_table_of_the_server_belongs_to_a_part() {
    let app = TestApp::start().await;
    let strays = app.environment.data().read_blocking::<_, bkend_local::store::StoreError, _>(bkend_local::store::data::unclassified).unwrap();
    assert_eq!(strays, Vec::<String>::new(), "add them to the lists in src/store/data/content.rs");
}

#[actix_web::test]
async fn half_a_copy_of_an_interrupted_run_is_taken_away_at_the_next_start() {
    let app = TestApp::start().await;
    let folder = app.backend.data_dir().join("snapshots");
    std::fs::write(folder.join("0123.db.part"), "half").unwrap();
    std::fs::write(folder.join("4567.db"), "stray").unwrap();
    std::fs::create_dir(folder.join(".copy-x")).unwrap();
    let app = app.restart().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(std::fs::read_dir(app.backend.data_dir().join("snapshots")).unwrap().count(), 0);
}
