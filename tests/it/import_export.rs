//! Import and export (`02-data.md` §9).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, streams};

async fn plants(app: &TestApp) {
    app.table(json!({
        "tableName": "plants",
        "schema": {
            "name": { "type": "string", "required": true, "unique": true },
            "height": { "type": "int", "minimum": 0 },
            "price": "number",
            "potted": { "type": "boolean", "default": true },
            "bought": "date",
            "tags": ["string"],
            "care": { "type": "object", "properties": { "water": { "type": "string", "enum": ["low", "high"] } } }
        },
        "permissions": { "user": { "create": true, "read": true }, "guest": { "read": true }, "self": { "update": true } }
    }))
    .await;
}

async fn send(client: &Client, query: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = client.request(Method::POST, &format!("/v1/data/plants/import{query}"));
    Answer::of(request.header("Content-Type", content_type).body(body).send().await.unwrap()).await
}

async fn csv(client: &Client, query: &str, body: &str) -> Answer {
    send(client, query, "text/csv", body.to_owned()).await
}

async fn count(app: &TestApp) -> i64 {
    app.secret().get("/v1/plants/count").await.assert(200)["count"].as_i64().unwrap()
}

fn report(inserted: u64, updated: u64, skipped: u64, failed: u64) -> Value {
    json!({ "inserted": inserted, "updated": updated, "skipped": skipped, "failed": failed, "errors": [] })
}

#[actix_web::test]
async fn csv_reads_declared_types_from_text_and_takes_the_rest_as_strings() {
    let app = TestApp::start().await;
    plants(&app).await;
    let text = "\u{feff}name,height,price,potted,bought,tags,care.water,hue\r\nFern,12,1.50,false,2026-03-01,\"[\"\"wet\"\"]\",low,7\r\n\"Ivy, the \"\"green\"\"\",,,,,,,\r\n";
    assert_eq!(csv(&app.secret(), "", text).await.assert(200), report(2, 0, 0, 0));
    let items = app.guest().get("/v1/plants?sortBy=name&sortDirection=asc").await.assert(200)["items"].clone();
    let expected = json!({ "height": 12, "price": 1.5, "potted": false, "bought": "2026-03-01T00:00:00.000Z", "tags": ["wet"], "care": { "water": "low" }, "hue": "7", "createdBy": "" });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&items[0][key], value, "{key}");
    }
    assert_eq!(
        (&items[1]["name"], &items[1]["potted"], items[1].get("height")),
        (&json!("Ivy, the \"green\""), &json!(true), None),
        "an empty cell is missing"
    );
}

#[actix_web::test]
async fn json_is_an_array_or_a_saved_list_page_and_ndjson_has_a_row_per_line() {
    let app = TestApp::start().await;
    plants(&app).await;
    let sk = app.secret();
    let page = json!({ "items": [{ "name": "B" }], "pagination": { "total": 1 } });
    for (n, body) in [
        json!([{ "name": "A" }]),
        page,
        json!({ "success": true, "data": { "items": [{ "name": "C" }] } }),
        json!({ "success": true, "data": [{ "name": "D" }] }),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(send(&sk, "", "application/json", body.to_string()).await.assert(200), report(1, 0, 0, 0), "{n}");
    }
    assert_eq!(send(&sk, "?format=ndjson", "text/plain", "{\"name\":\"E\"}\n\n{\"name\":\"F\"}").await.assert(200), report(2, 0, 0, 0));
    assert_eq!(send(&sk, "", "application/x-ndjson", "{\"name\":\"G\"}\r\n").await.assert(200), report(1, 0, 0, 0));
    assert_eq!(count(&app).await, 7);
    send(&sk, "", "text/plain", "x").await.assert_error(400, "common/invalid-parameters");
    send(&sk, "?format=xml", "text/csv", "x").await.assert_error(400, "common/invalid-parameters");
    send(&sk, "", "application/json", "[{\"name\":\"H\"},").await.assert_error(400, "common/invalid-json");
    send(&sk, "", "application/json", "{\"name\":\"H\"}").await.assert_error(400, "data/validation-error");
    assert_eq!(count(&app).await, 7);
}

#[actix_web::test]
async fn mongodb_wrappers_and_underscore_ids_are_read_and_ids_and_system_fields_are_kept() {
    let app = TestApp::start().await;
    plants(&app).await;
    let text = "{\"_id\":{\"$oid\":\"65f0a1b2c3d4e5f6a7b8c9d0\"},\"name\":\"Fern\",\"height\":{\"$numberInt\":\"3\"},\"bought\":{\"$date\":{\"$numberLong\":\"0\"}},\"price\":{\"$numberDecimal\":\"1.5\"},\
                \"createdBy\":\"data_1\",\"createdAt\":\"2020-01-01T00:00:00Z\",\"updatedAt\":\"2021-01-01T00:00:00Z\"}\n{\"id\":\"data_7c1e\",\"name\":\"Ivy\"}";
    assert_eq!(send(&app.secret(), "?format=ndjson", "text/plain", text).await.assert(200), report(2, 0, 0, 0));
    let fern = app.guest().get("/v1/plants/65f0a1b2c3d4e5f6a7b8c9d0").await.assert(200);
    let expected = json!({ "id": "65f0a1b2c3d4e5f6a7b8c9d0", "name": "Fern", "height": 3, "price": 1.5, "potted": true, "bought": "1970-01-01T00:00:00.000Z",
                           "createdBy": "data_1", "createdAt": "2020-01-01T00:00:00.000Z", "updatedAt": "2021-01-01T00:00:00.000Z" });
    assert_eq!(fern, expected);
    app.guest().get("/v1/plants/data_7c1e").await.assert(200);
    // An admin user imports like a secret key.
    let admin = app.user("root", "admin").await;
    csv(&admin, "", "id,name,createdBy\nx-1,Moss,somebody\n").await.assert(200);
    assert_eq!(app.guest().get("/v1/plants/x-1").await.assert(200)["createdBy"], "somebody");
}

#[actix_web::test]
async fn mode_decides_for_rows_whose_id_exists() {
    let app = TestApp::start().await;
    plants(&app).await;
    let sk = app.secret();
    csv(&sk, "", "id,name,height,hue\na,Fern,1,green\n").await.assert(200);
    let error = csv(&sk, "", "id,name\na,Ivy\n").await.assert_error(400, "data/validation-error");
    assert_eq!((&error["error"]["details"][0]["line"], &error["error"]["details"][0]["rule"]), (&json!(2), &json!("unique")));
    assert_eq!(csv(&sk, "?mode=skip", "id,name\na,Ivy\nb,Moss\n").await.assert(200), report(1, 0, 1, 0));
    assert_eq!(csv(&sk, "?mode=upsert", "id,height\na,5\n").await.assert(200), report(0, 1, 0, 0));
    let fern = app.guest().get("/v1/plants/a").await.assert(200);
    assert_eq!((&fern["name"], &fern["height"], &fern["hue"]), (&json!("Fern"), &json!(5), &json!("green")), "PATCH leaves the other fields");
    assert_eq!(csv(&sk, "?mode=upsert", "id,name\nc,Oak\nc,Elm\n").await.assert(200), report(1, 1, 0, 0), "a later row meets an earlier one");
    csv(&sk, "?mode=replace", "id,name\na,x\n").await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn abort_writes_nothing_and_skip_writes_the_good_rows() {
    let app = TestApp::start().await;
    plants(&app).await;
    let sk = app.secret();
    let text = "name,height\nFern,1\nIvy,tall\nMoss,-1\n,3\nFern,2\nOak,4\n";
    let error = csv(&sk, "", text).await.assert_error(400, "data/validation-error");
    let told: Vec<String> = error["error"]["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| format!("{} {}/{}", d["line"], d["field"].as_str().unwrap(), d["rule"].as_str().unwrap()))
        .collect();
    let expected = ["3 height/type", "4 height/minimum", "5 name/required", "6 name/unique"];
    assert_eq!(told, expected);
    assert_eq!(count(&app).await, 0);
    let report = csv(&sk, "?onBadRow=skip", text).await.assert(200);
    assert_eq!((&report["inserted"], &report["failed"]), (&json!(2), &json!(4)));
    let told: Vec<String> = report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| format!("{} {}/{}", d["line"], d["field"].as_str().unwrap(), d["rule"].as_str().unwrap()))
        .collect();
    assert_eq!(told, expected);
    assert!(report["errors"].as_array().unwrap().iter().all(|e| e["message"].as_str().is_some_and(|m| !m.is_empty())));
    assert_eq!(count(&app).await, 2);
}

#[actix_web::test]
async fn a_report_lists_the_first_100_errors() {
    let app = TestApp::start().await;
    plants(&app).await;
    let text: String = "height\n".to_owned() + &"x\n".repeat(250);
    let report = csv(&app.secret(), "?onBadRow=skip", &text).await.assert(200);
    assert_eq!((&report["failed"], report["errors"].as_array().unwrap().len()), (&json!(250), 100));
    let error = csv(&app.secret(), "", &text).await.assert_error(400, "data/validation-error");
    assert_eq!(error["error"]["details"].as_array().unwrap().len(), 100);
}

#[actix_web::test]
async fn a_dry_run_reports_and_writes_nothing() {
    let app = TestApp::start().await;
    plants(&app).await;
    let sk = app.secret();
    assert_eq!(csv(&sk, "?dryRun=true", "id,name\na,Fern\nb,Ivy\n").await.assert(200), report(2, 0, 0, 0));
    let mixed = csv(&sk, "?dryRun=true&onBadRow=skip", "name\nFern\nFern\n").await.assert(200);
    assert_eq!((&mixed["inserted"], &mixed["failed"]), (&json!(1), &json!(1)));
    assert_eq!(count(&app).await, 0);
}

#[actix_web::test]
async fn broken_files_are_refused_whole_and_say_why() {
    let app = TestApp::start().await;
    plants(&app).await;
    let sk = app.secret();
    for text in ["name,name\nA,B\n", "a..b\nx\n"] {
        csv(&sk, "?onBadRow=skip", text).await.assert_error(400, "data/validation-error");
    }
    let ragged = csv(&sk, "?onBadRow=skip", "name,height\nFern\nIvy,1,2\nMoss,3\n\"Oak,4").await.assert(200);
    assert_eq!((&ragged["inserted"], &ragged["failed"]), (&json!(1), &json!(3)));
    let bytes = send(&sk, "?onBadRow=skip", "text/csv", b"name\n\xff\xfe\nElm\n".to_vec()).await.assert(200);
    assert_eq!((&bytes["inserted"], &bytes["errors"][0]["rule"]), (&json!(1), &json!("characters")));
    assert_eq!(csv(&sk, "", "").await.assert(200), report(0, 0, 0, 0));
    send(&sk, "?onBadRow=skip", "application/json", "[{\"name\":\"A\"},{\"name\":\"B\"}").await.assert_error(400, "common/invalid-json");
    assert_eq!(count(&app).await, 2);
    let long = json!([{ "name": "long", "text": "x".repeat(1_100_000) }, { "name": "deep", "id": "query" }]);
    let report = send(&sk, "?onBadRow=skip", "application/json", long.to_string()).await.assert(200);
    assert_eq!((&report["errors"][0]["rule"], &report["errors"][1]["field"]), (&json!("limit"), &json!("id")));
}

#[actix_web::test]
async fn only_admins_import_and_keys_need_the_scopes() {
    let app = TestApp::start().await;
    plants(&app).await;
    let ana = app.user("ana", "user").await;
    csv(&ana, "", "name\nFern\n").await.assert_error(403, "data/permission-denied");
    csv(&app.guest(), "", "name\nFern\n").await.assert_error(403, "data/permission-denied");
    app.secret().post("/v1/data/users/import", json!([])).await.assert_error(403, "data/system-table-access");
    app.secret().post("/v1/data/nope/import", json!([])).await.assert_error(404, "data/table-not-found");
}

#[actix_web::test]
async fn a_file_of_64_mib_is_taken_and_a_larger_one_refused() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "plants" })).await;
    let row = format!("{{\"text\":\"{}\"}}\n", "x".repeat(999_988));
    assert_eq!(row.len(), 1_000_000);
    let file = row.repeat(67);
    let answer = send(&app.secret(), "?format=ndjson", "text/plain", file.clone()).await;
    assert_eq!(answer.assert(200)["inserted"], 67);
    send(&app.secret(), "?format=ndjson", "text/plain", file + &row).await.assert_error(413, "common/payload-too-large");
    assert_eq!(count(&app).await, 67);
}

#[actix_web::test]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    use tokio::io::AsyncWriteExt;
    let app = TestApp::start().await;
    plants(&app).await;
    let address = app.url.strip_prefix("http://").unwrap();
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/plants/import?format=csv HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\nContent-Length: 100000\r\n\r\nname\nFern\nIvy\n",
        app.secret_key
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
    drop(socket);
    csv(&app.secret(), "", "name\nMoss\n").await.assert(200);
    assert_eq!(count(&app).await, 1);
}

#[actix_web::test]
async fn an_export_holds_everything_that_matches_and_is_visible_without_pages_or_envelope() {
    let app = TestApp::start().await;
    plants(&app).await;
    let rows: Vec<Value> = (0..300).map(|n| json!({ "name": format!("p{n:03}"), "height": n, "text": "y".repeat(2000) })).collect();
    app.secret().post("/v1/plants", Value::Array(rows)).await.assert(201);
    let guest = app.guest().header("X-Bkend-Envelope", "envelope");
    let answer = guest.get("/v1/data/plants/export?filter[height][$gte]=100&sortBy=height&sortDirection=asc&page=9&limit=2&select=name").await;
    assert_eq!((answer.header("content-type"), answer.header("content-disposition")), (Some("application/json"), Some("attachment; filename=\"plants.json\"")));
    let items = answer.assert(200);
    let items = items.as_array().unwrap();
    assert_eq!((items.len(), &items[0]["name"], &items[199]["name"]), (200, &json!("p100"), &json!("p299")));
    assert_eq!(items[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "name", "createdBy", "createdAt", "updatedAt"]);
    let lines = guest.get("/v1/plants/export?format=ndjson&search=p01").await;
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(lines.text.lines().count(), 10);
    assert!(lines.text.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["name"].as_str().unwrap().starts_with("p01")));
    assert_eq!(guest.get("/v1/plants/export?filter[name]=none").await.assert(200), json!([]));
}

#[actix_web::test]
async fn csv_columns_are_id_declared_undeclared_found_and_system() {
    let app = TestApp::start().await;
    plants(&app).await;
    let sk = app.secret();
    sk.post("/v1/plants", json!({ "name": "Fern, \"big\"", "hue": "green", "tags": ["a", "b"], "care": { "water": "low" } })).await.assert(201);
    sk.post("/v1/plants", json!({ "name": "Ivy", "extra": 1, "price": null })).await.assert(201);
    let text = app.guest().get("/v1/plants/export?format=csv&sortBy=name&sortDirection=asc").await.text;
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "id,name,height,price,potted,bought,tags,care,hue,extra,createdBy,createdAt,updatedAt");
    assert!(lines[1].contains("\"Fern, \"\"big\"\"\",,,true,,\"[\"\"a\"\",\"\"b\"\"]\",\"{\"\"water\"\":\"\"low\"\"}\",green,,,"), "{}", lines[1]);
    let text = app.guest().get("/v1/plants/export?format=csv&select=hue").await.text;
    assert!(text.starts_with("id,hue,createdBy,createdAt,updatedAt\r\n"));
    // What was exported imports as the same records.
    let before = app.guest().get("/v1/plants/export?sortBy=id").await.body;
    let file = app.guest().get("/v1/plants/export?format=ndjson").await.text;
    sk.delete("/v1/plants?all=true").await.assert(200);
    send(&sk, "", "application/x-ndjson", file).await.assert(200);
    assert_eq!(app.guest().get("/v1/plants/export?sortBy=id").await.body, before);
}

#[actix_web::test]
async fn exports_show_only_what_the_caller_may_see() {
    let app = TestApp::start().await;
    plants(&app).await;
    let (ana, ben) = (app.user("ana", "user").await, app.user("ben", "user").await);
    app.permissions(
        "plants",
        json!({ "permissions": { "user": { "create": true }, "self": { "read": true } }, "columnPermissions": { "price": { "read": "admin" }, "secret": { "read": "admin" } } }),
    )
    .await;
    ben.post("/v1/plants", json!({ "name": "Ben's" })).await.assert(201);
    app.secret().post("/v1/plants", json!({ "name": "Ana's", "price": 3, "secret": 1, "createdBy": ana.id })).await.assert(201);
    let items = ana.get("/v1/plants/export").await.assert(200);
    assert_eq!((items.as_array().unwrap().len(), &items[0]["name"], items[0].get("price")), (1, &json!("Ana's"), None));
    let text = ana.get("/v1/plants/export?format=csv").await.text;
    assert!(text.starts_with("id,name,height,potted,bought,tags,care,createdBy,createdAt,updatedAt\r\n"), "{text}");
    ana.get("/v1/plants/export?sortBy=price").await.assert_error(403, "data/permission-denied");
    app.guest().get("/v1/plants/export").await.assert_error(403, "data/permission-denied");
    assert_eq!(app.secret().get("/v1/plants/export").await.assert(200).as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn errors_before_the_first_byte_come_in_the_union() {
    let app = TestApp::start().await;
    plants(&app).await;
    app.guest().get("/v1/data/nope/export").await.assert_error(404, "data/table-not-found");
    app.guest().get("/v1/plants/export?format=xml").await.assert_error(400, "common/invalid-parameters");
    app.guest().query("/v1/plants/export", &[("andFilters", "{x")]).await.assert_error(400, "data/validation-error");
    app.guest().get("/v1/plants/export?format=csv&include=createdBy:users").await.assert_error(400, "common/invalid-parameters");
    app.guest().get("/v1/plants/export?include=name").await.assert_error(400, "common/invalid-parameters");
    app.guest().get("/v1/data/users/export").await.assert_error(403, "data/system-table-access");
}

#[actix_web::test]
async fn an_export_may_include_other_records() {
    let app = TestApp::start().await;
    plants(&app).await;
    app.table(json!({ "tableName": "pots", "schema": { "plant": { "type": "string", "ref": "plants" } } })).await;
    let sk = app.secret();
    let id = sk.post("/v1/plants", json!({ "name": "Fern" })).await.assert(201)["id"].clone();
    let pots: Vec<Value> = (0..250).map(|n| if n == 7 { json!({ "plant": "nope" }) } else { json!({ "plant": id }) }).collect();
    sk.post("/v1/pots", Value::Array(pots)).await.assert(201);
    let items = app.guest().get("/v1/pots/export?include=plant&sortBy=id&sortDirection=asc").await.assert(200);
    assert_eq!(
        (items.as_array().unwrap().len(), &items[249]["_included"]["plant"]["name"], &items[7]["_included"]["plant"]),
        (250, &json!("Fern"), &Value::Null)
    );
}

#[actix_web::test]
async fn an_export_is_of_one_snapshot_and_a_client_that_leaves_ends_it() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "plants" })).await;
    let sk = app.secret();
    let rows: Vec<Value> = (0..1000).map(|n| json!({ "n": n, "text": "z".repeat(9_000) })).collect();
    for _ in 0..4 {
        sk.post("/v1/plants", Value::Array(rows.clone())).await.assert(201);
    }
    let response = app.guest().request(Method::GET, "/v1/plants/export?format=ndjson").send().await.unwrap();
    // Far more is still to come than fits into the buffers on the way.
    sk.delete("/v1/plants?filter[n][$gte]=1").await.assert(200);
    let text = response.text().await.unwrap();
    assert_eq!(text.lines().count(), 4000);
    assert_eq!(count(&app).await, 4);
    sk.post("/v1/plants", Value::Array(rows)).await.assert(201);
    assert!(streams::first_bytes(&app.guest(), "/v1/plants/export", 100_000).await >= 100_000);
    app.stop().await;
}
