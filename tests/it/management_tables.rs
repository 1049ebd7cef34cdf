//! Tables, permissions and records on the management API (`06-console.md` B3 "Schema and data").

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::developers::column;

/// A table `posts` with an indexed title and its records' path.
async fn posts(app: &TestApp) -> (String, String) {
    let tables = format!("{}/tables", app.environment_path());
    let schema = json!({ "title": { "type": "string", "required": true }, "stock": { "type": "int" }, "authorId": { "type": "reference", "ref": "authors" } });
    app.operator().post(&tables, json!({ "tableName": "posts", "displayName": "Posts", "schema": schema })).await.assert(201);
    (format!("{tables}/posts"), format!("{tables}/posts/records"))
}

#[actix_web::test]
async fn a_table_is_made_shown_described_and_deleted_by_name() {
    let app = TestApp::start().await;
    let (operator, tables) = (app.operator(), format!("{}/tables", app.environment_path()));
    let made = operator.post(&tables, json!({ "tableName": "posts", "schema": { "title": "string" } })).await;
    let tag = made.header("etag").unwrap().to_owned();
    let made = made.assert(201);
    assert_eq!((&made["tableName"], &made["documentCount"], &made["system"]), (&json!("posts"), &json!(0), &json!(false)));
    assert_eq!(made["endpoint"], format!("{}/v1/data/posts", app.url));
    operator.post(&tables, json!({ "tableName": "posts", "schema": {} })).await.assert_error(409, "table/already-exists");
    operator.post(&tables, json!({ "schema": {} })).await.assert_error(400, "table/schema-validation-failed");
    operator.post(&tables, json!({ "tableName": "users", "schema": {} })).await.assert_error(403, "data/system-table-access");
    let path = format!("{tables}/posts");
    let described = operator.header("If-Match", &tag).patch(&path, json!({ "displayName": "Posts" })).await.assert(200);
    assert_eq!(described["displayName"], "Posts");
    operator.header("If-Match", &tag).patch(&path, json!({ "displayName": "x" })).await.assert_error(412, "management/version-conflict");
    operator.get(&format!("{tables}/nothing")).await.assert_error(404, "data/table-not-found");
    let list = operator.get(&format!("{tables}?search=POST")).await.assert(200);
    assert_eq!(column(&list, "tableName"), ["posts"]);
    assert!(column(&operator.get(&tables).await.assert(200), "tableName").contains(&"users".to_owned()));
    operator.delete(&path).await.assert_error(400, "management/confirmation-required");
    operator.delete(&format!("{path}?confirm=posts")).await.assert(204);
    operator.get(&path).await.assert_error(404, "data/table-not-found");
    operator.delete(&format!("{tables}/users?confirm=users")).await.assert_error(403, "data/system-table-access");
}

#[actix_web::test]
async fn roles_and_scopes_hold_for_tables_and_records() {
    let app = TestApp::start().await;
    let (table, records) = posts(&app).await;
    let (member, billing, stranger) = (app.member("m", "member").await, app.member("b", "billing").await, app.developer("s").await);
    member.post(&records, json!({ "title": "a" })).await.assert(201);
    for path in [&table, &records] {
        billing.get(path).await.assert_error(403, "organization/permission-denied");
        stranger.get(path).await.assert_error(404, "project/not-found");
        app.client().get(path).await.assert_error(401, "common/authentication-required");
    }
    let read = app.operator().post("/management/v1/account/tokens", json!({ "name": "r", "scope": "read" })).await.assert(201);
    let read = app.bearer(read["token"].as_str().unwrap());
    read.get(&records).await.assert(200);
    read.post(&format!("{table}/permissions/explain"), json!({ "as": "guest", "operation": "read" })).await.assert(200);
    read.post(&records, json!({ "title": "b" })).await.assert_error(403, "auth/insufficient-scope");
    read.delete(&format!("{table}?confirm=posts")).await.assert_error(403, "auth/insufficient-scope");
    read.put(&format!("{table}/permissions"), json!({})).await.assert_error(403, "auth/insufficient-scope");
}

#[actix_web::test]
async fn records_are_seen_as_a_secret_key_sees_them() {
    let app = TestApp::start().await;
    let (_, records) = posts(&app).await;
    let operator = app.operator();
    let made = operator.post(&records, json!({ "title": "One", "createdBy": "somebody", "extra": [1] })).await;
    assert!(made.header("etag").is_some());
    let made = made.assert(201);
    assert_eq!((&made["createdBy"], &made["extra"]), (&json!("somebody"), &json!([1])));
    let own = format!("{records}/{}", made["id"].as_str().unwrap());
    let tag = operator.get(&own).await.header("etag").unwrap().to_owned();
    operator.header("If-Match", &tag).patch(&own, json!({ "title": "Two" })).await.assert(200);
    operator.header("If-Match", &tag).patch(&own, json!({ "title": "Three" })).await.assert_error(412, "data/precondition-failed");
    operator.patch(&own, json!({ "title": null })).await.assert_error(400, "data/validation-error");
    operator.post(&records, json!([1])).await.assert_error(400, "data/validation-error");
    let put = operator.put(&own, json!({ "title": "Four" })).await.assert(200);
    assert!(put.get("extra").is_none());
    let found = operator.query(&records, &[("andFilters", "{\"title\":\"Four\"}")]).await.assert(200);
    assert_eq!((column(&found, "title"), &found["pagination"]["total"]), (vec!["Four".to_owned()], &json!(1)));
    operator.query(&records, &[("andFilters", "{")]).await.assert_error(400, "data/validation-error");
    operator.delete(&own).await.assert(204);
    operator.get(&own).await.assert_error(404, "data/not-found");
    operator.delete(&own).await.assert_error(404, "data/not-found");
    operator.get(&format!("{}/tables/users/records", app.environment_path())).await.assert(200);
    operator.post(&format!("{}/tables/users/records", app.environment_path()), json!({})).await.assert_error(403, "data/system-table-access");
}

#[actix_web::test]
async fn view_as_shows_what_that_caller_would_get() {
    let app = TestApp::start().await;
    let (table, records) = posts(&app).await;
    let operator = app.operator();
    let ann = app.user("ann", "user").await;
    let columns = json!({ "stock": { "read": "admin" } });
    operator.put(&format!("{table}/permissions"), json!({ "permissions": { "self": { "read": true } }, "columnPermissions": columns })).await.assert(200);
    operator.post(&records, json!({ "title": "hers", "stock": 1, "createdBy": ann.id })).await.assert(201);
    let other = operator.post(&records, json!({ "title": "other", "stock": 2 })).await.assert(201);
    let seen = operator.get(&format!("{records}?viewAs={}", ann.id)).await.assert(200);
    assert_eq!(column(&seen, "title"), ["hers"]);
    assert!(seen["items"][0].get("stock").is_none());
    operator.get(&format!("{records}?viewAs=guest")).await.assert_error(403, "data/permission-denied");
    operator.get(&format!("{records}/{}?viewAs={}", other["id"].as_str().unwrap(), ann.id)).await.assert_error(403, "data/permission-denied");
    operator.get(&format!("{records}?viewAs=nobody")).await.assert_error(404, "user/not-found");
    assert_eq!(operator.get(&records).await.assert(200)["pagination"]["total"], 2);
}

#[actix_web::test]
async fn permissions_are_replaced_whole_and_explained() {
    let app = TestApp::start().await;
    let (table, records) = posts(&app).await;
    let operator = app.operator();
    let path = format!("{table}/permissions");
    assert_eq!(operator.get(&path).await.assert(200)["permissions"], Value::Null);
    let set = json!({ "permissions": { "user": { "read": true }, "self": { "update": true }, "role:editor": { "update": true } } });
    operator.put(&path, set).await.assert(200);
    assert_eq!(operator.get(&path).await.assert(200)["permissions"]["user"]["read"], true);
    operator.put(&path, json!({ "expressionPermissions": { "read": "user &" } })).await.assert_error(400, "data/validation-error");
    operator.put(&path, json!({ "permissions": { "king": {} } })).await.assert_error(400, "data/validation-error");
    let ann = app.user("ann", "user").await;
    let hers = operator.post(&records, json!({ "title": "hers", "createdBy": ann.id })).await.assert(201);
    let other = operator.post(&records, json!({ "title": "other" })).await.assert(201);
    let explain = async |body: Value| operator.post(&format!("{path}/explain"), body).await.assert(200);
    let guest = explain(json!({ "as": "guest", "operation": "read" })).await;
    assert_eq!((&guest["allowed"], &guest["filter"]), (&json!(false), &Value::Null));
    assert_eq!(explain(json!({ "as": "user", "operation": "list" })).await["allowed"], true);
    assert_eq!(explain(json!({ "as": "admin", "operation": "delete" })).await["allowed"], true);
    let own = explain(json!({ "as": ann.id, "operation": "update" })).await;
    assert_eq!((&own["allowed"], &own["filter"]), (&json!(true), &json!({ "createdBy": ann.id })));
    assert_eq!(explain(json!({ "as": ann.id, "operation": "update", "recordId": hers["id"] })).await["allowed"], true);
    assert_eq!(explain(json!({ "as": ann.id, "operation": "update", "recordId": other["id"] })).await["allowed"], false);
    operator.post(&format!("{path}/explain"), json!({ "as": "king", "operation": "read" })).await.assert_error(400, "common/invalid-parameters");
    operator.post(&format!("{path}/explain"), json!({ "as": "guest", "operation": "fly" })).await.assert_error(400, "common/invalid-parameters");
    operator.post(&format!("{path}/explain"), json!({ "as": "user", "operation": "read", "recordId": "nope" })).await.assert_error(404, "data/not-found");
}

#[actix_web::test]
async fn a_batch_is_all_or_nothing_and_one_activity() {
    let app = TestApp::start().await;
    let (_, records) = posts(&app).await;
    let operator = app.operator();
    let one = operator.post(&records, json!({ "title": "one" })).await.assert(201);
    let good = json!({ "operations": [
        { "op": "create", "data": { "title": "two" } },
        { "op": "update", "id": one["id"], "data": { "title": "uno" } },
        { "op": "delete", "id": one["id"] },
    ] });
    let done = operator.post(&format!("{records}/batch"), good).await.assert(200);
    assert_eq!(done["results"].as_array().unwrap().len(), 3);
    let bad = json!({ "operations": [{ "op": "create", "data": { "title": "three" } }, { "op": "delete", "id": one["id"] }] });
    let error = operator.post(&format!("{records}/batch"), bad).await.assert_error(404, "data/not-found");
    assert_eq!(error["error"]["details"][0]["position"], 1);
    assert_eq!(column(&operator.get(&records).await.assert(200), "title"), ["two"]);
    operator.post(&format!("{records}/batch"), json!({})).await.assert_error(400, "data/validation-error");
    let activities = format!("{}/activities?entityType=record", app.project_path());
    // The outbox takes them over after the commit.
    let mut list = Value::Null;
    for _ in 0..200 {
        list = operator.get(&activities).await.assert(200);
        if list["pagination"]["total"] == 2 {
            break;
        }
        actix_web::rt::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(column(&list, "event"), ["record_updated", "record_created"]);
    assert_eq!(list["items"][0]["metadata"]["deleted"], 1);
    assert_eq!(list["items"][1]["entityId"], one["id"]);
    assert_eq!(list["items"][0]["actor"]["type"], "cli");
}

#[actix_web::test]
async fn bulk_deletes_name_the_table_and_say_which_records() {
    let app = TestApp::start().await;
    let (table, records) = posts(&app).await;
    let operator = app.operator();
    let mut ids = Vec::new();
    for title in ["a", "b", "c", "d"] {
        ids.push(operator.post(&records, json!({ "title": title })).await.assert(201)["id"].clone());
    }
    let path = format!("{records}/delete?confirm=posts");
    operator.post(&format!("{records}/delete"), json!({ "ids": [ids[0]] })).await.assert_error(400, "management/confirmation-required");
    assert_eq!(operator.post(&path, json!({ "ids": [ids[0], "nothing"] })).await.assert(200)["deleted"], 1);
    assert_eq!(operator.post(&path, json!({ "andFilters": { "title": "b" } })).await.assert(200)["deleted"], 1);
    for body in [json!({}), json!({ "ids": [] }), json!({ "ids": [1] }), json!({ "andFilters": {} })] {
        operator.post(&path, body).await.assert_error(400, "common/invalid-parameters");
    }
    assert_eq!(operator.get(&records).await.assert(200)["pagination"]["total"], 2);
    let stats = async || operator.get(&format!("{}/stats", app.environment_path())).await.assert(200);
    assert_eq!((&stats().await["tables"], &stats().await["rows"]), (&json!(1), &json!(2)));
    operator.post(&format!("{table}/truncate"), json!({})).await.assert_error(400, "management/confirmation-required");
    operator.post(&format!("{table}/truncate?confirm=posts"), json!({})).await.assert(204);
    assert_eq!(operator.get(&records).await.assert(200)["pagination"]["total"], 0);
    assert_eq!(stats().await["rows"], 0);
}

#[actix_web::test]
async fn indexes_are_managed_rehearsed_and_rolled_back() {
    let app = TestApp::start().await;
    let (table, records) = posts(&app).await;
    let operator = app.operator();
    let manage = format!("{table}/indexes/manage");
    let change = json!({ "indexesToAddOrUpdate": [{ "name": "by_title", "fields": { "title": 1 }, "unique": true }] });
    let dry = operator.post(&format!("{manage}?dryRun=true"), change.clone()).await.assert(200);
    assert_eq!(dry["appliedIndexes"]["added"], json!(["by_title"]));
    let names = async || operator.get(&table).await.assert(200)["indexes"].to_string();
    assert!(!names().await.contains("by_title"));
    operator.post(&manage, change.clone()).await.assert(200);
    assert!(names().await.contains("by_title"));
    operator.post(&records, json!({ "title": "a" })).await.assert(201);
    operator.post(&records, json!({ "title": "a" })).await.assert_error(409, "data/duplicate-value");
    operator.post(&manage, json!({})).await.assert_error(400, "common/invalid-parameters");
    operator.post(&format!("{manage}?dryRun=perhaps"), change).await.assert_error(400, "common/invalid-parameters");
    let versions = operator.get(&format!("{table}/indexes/versions")).await.assert(200);
    assert_eq!((&versions["items"][0]["version"], &versions["items"][0]["isActive"]), (&json!(2), &json!(true)));
    operator.get(&format!("{table}/indexes/versions/9")).await.assert_error(404, "table/index-version-not-found");
    operator.post(&format!("{table}/indexes/rollback"), json!({ "targetVersion": 9 })).await.assert_error(404, "table/index-version-not-found");
    operator.post(&format!("{table}/indexes/rollback"), json!({})).await.assert_error(400, "common/invalid-parameters");
    operator.post(&format!("{table}/indexes/rollback"), json!({ "targetVersion": 1 })).await.assert(200);
    assert!(!names().await.contains("by_title"));
    assert_eq!(operator.get(&format!("{table}/schema/versions/1")).await.assert(200)["isActive"], true);
    operator.get(&format!("{table}/schema/versions/7")).await.assert_error(404, "table/schema-version-not-found");
}

#[actix_web::test]
async fn a_table_tells_its_spec_openapi_and_relations() {
    let app = TestApp::start().await;
    let (table, _) = posts(&app).await;
    let operator = app.operator();
    assert_eq!(operator.get(&format!("{table}/spec")).await.assert(200)["tableName"], "posts");
    assert_eq!(operator.get(&format!("{table}/openapi")).await.assert(200)["info"]["title"], "posts API");
    let relations = operator.get(&format!("{table}/relations")).await.assert(200);
    let expected = json!({ "from": "posts", "field": "authorId", "to": "authors", "many": false, "exists": false });
    assert_eq!(relations, json!({ "references": [expected], "referencedBy": [] }));
    operator.post(&format!("{}/tables", app.environment_path()), json!({ "tableName": "authors", "schema": {} })).await.assert(201);
    let authors = operator.get(&format!("{}/tables/authors/relations", app.environment_path())).await.assert(200);
    assert_eq!(authors["referencedBy"][0]["exists"], true);
}

#[actix_web::test]
async fn files_of_records_go_in_and_out() {
    let app = TestApp::start().await;
    let (table, records) = posts(&app).await;
    let operator = app.operator();
    let send = async |query: &str, csv: &'static str| {
        let request = operator.request(reqwest::Method::POST, &format!("{table}/import{query}")).header("Content-Type", "text/csv").body(csv);
        crate::support::Answer::of(request.send().await.unwrap()).await
    };
    let file = "id,title,stock\np1,One,1\np2,Two,2\n";
    assert_eq!(send("?dryRun=true", file).await.assert(200)["status"], "succeeded");
    assert_eq!(operator.get(&records).await.assert(200)["pagination"]["total"], 0);
    send("", file).await.assert(200);
    assert_eq!(operator.get(&records).await.assert(200)["pagination"]["total"], 2);
    assert_eq!(send("", file).await.status, 400);
    assert_eq!(send("?format=fish", file).await.status, 400);
    let exported = operator.query(&format!("{table}/export"), &[("format", "csv"), ("andFilters", "{\"stock\":2}")]).await;
    assert!(exported.text.contains("p2") && !exported.text.contains("p1"), "{}", exported.text);
    let read = operator.post("/management/v1/account/tokens", json!({ "name": "r", "scope": "read" })).await.assert(201);
    let read = app.bearer(read["token"].as_str().unwrap());
    read.get(&format!("{table}/export")).await.assert(200);
    read.post(&format!("{table}/import"), json!([])).await.assert_error(403, "auth/insufficient-scope");
}
