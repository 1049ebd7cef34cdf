//! Live changes (`02-data.md` §10).

use serde_json::{Value, json};

use crate::support::streams::Event;
use crate::support::{Client, TestApp};
use bkend_local::domain::users;

/// Table `posts`: everybody reads, users create, owners change.
async fn posts(app: &TestApp) {
    app.table(json!({
        "tableName": "posts",
        "schema": { "name": { "type": "string", "required": true, "unique": true }, "likes": "int", "state": "string" },
        "permissions": { "user": { "create": true, "read": true }, "guest": { "read": true }, "self": { "update": true, "delete": true } }
    }))
    .await;
}

async fn make(client: &Client, body: Value) -> String {
    client.post("/v1/posts", body).await.assert(201)["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_stream_tells_create_update_and_delete_after_commit_in_commit_order_with_rising_numbers() {
    let app = TestApp::start().await;
    posts(&app).await;
    let sk = app.secret();
    let mut events = app.guest().events("/v1/data/posts/changes").await;
    let id = make(&sk, json!({ "name": "Fern" })).await;
    sk.patch(&format!("/v1/posts/{id}"), json!({ "likes": 1 })).await.assert(200);
    sk.put(&format!("/v1/posts/{id}"), json!({ "name": "Moss" })).await.assert(200);
    sk.delete(&format!("/v1/posts/{id}")).await.assert(200);
    let told: Vec<Event> = vec![events.next().await.unwrap(), events.next().await.unwrap(), events.next().await.unwrap(), events.next().await.unwrap()];
    let names: Vec<&str> = told.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["create", "update", "update", "delete"]);
    assert!(told.windows(2).all(|w| w[0].id < w[1].id));
    assert_eq!(told[0].data["table"], "posts");
    assert_eq!(told[0].data["id"], *id);
    assert_eq!(told[1].data["record"]["likes"], 1);
    assert_eq!(told[2].data["record"]["name"], "Moss");
    assert!(told[3].data.get("record").is_none(), "absent on delete");
    assert!(told.iter().all(|e| e.data["at"].as_str().unwrap().ends_with('Z')));
}

#[actix_web::test]
async fn the_short_form_serves_the_same_stream_and_it_is_never_enveloped() {
    let app = TestApp::start().await;
    posts(&app).await;
    let mut events = app.guest().header("X-Bkend-Envelope", "envelope").events("/v1/posts/changes").await;
    make(&app.secret(), json!({ "name": "Fern" })).await;
    let event = events.next().await.unwrap();
    assert_eq!((event.name.as_str(), event.data.get("success")), ("create", None));
}

#[actix_web::test]
async fn a_transaction_gives_one_event_per_record_however_often_it_touches_it() {
    let app = TestApp::start().await;
    posts(&app).await;
    let sk = app.secret();
    let mut events = app.guest().events("/v1/posts/changes").await;
    let body = json!({ "operations": [
        { "table": "posts", "op": "create", "data": { "name": "Fern" }, "as": "f" },
        { "table": "posts", "op": "update", "id": { "$ref": "f" }, "data": { "likes": 1 } },
        { "table": "posts", "op": "update", "id": { "$ref": "f" }, "data": { "likes": 2 } },
        { "table": "posts", "op": "create", "data": { "name": "gone" }, "as": "g" },
        { "table": "posts", "op": "delete", "id": { "$ref": "g" } }
    ] });
    let made = sk.post("/v1/transaction", body).await.assert(200);
    let event = events.next().await.unwrap();
    assert_eq!((event.name.as_str(), &event.data["record"]["likes"]), ("create", &json!(2)));
    let id = made["results"][0]["id"].as_str().unwrap();
    let bulk = json!({ "operations": [{ "op": "update", "id": id, "data": { "likes": 3 } }, { "op": "delete", "id": id }] });
    sk.post("/v1/posts/bulk", bulk).await.assert(200);
    assert_eq!(events.short().await, format!("delete {id}"));
    // The same holds for a stream that resumes.
    let mut again = app.guest().header("Last-Event-ID", "0").events("/v1/posts/changes").await;
    assert_eq!(again.take(2).await, [format!("create {id}").replace(id, "Fern"), format!("delete {id}")]);
}

#[actix_web::test]
async fn a_failed_transaction_gives_no_event() {
    let app = TestApp::start().await;
    posts(&app).await;
    let sk = app.secret();
    let mut events = app.guest().events("/v1/posts/changes").await;
    sk.post("/v1/posts", json!([{ "name": "A" }, { "name": "A" }])).await.assert_error(409, "data/duplicate-value");
    make(&sk, json!({ "name": "B" })).await;
    assert_eq!(events.short().await, "create B");
}

#[actix_web::test]
async fn an_event_is_what_this_subscriber_sees_through_its_filter() {
    let app = TestApp::start().await;
    posts(&app).await;
    let sk = app.secret();
    let mut open = app.guest().events("/v1/posts/changes?andFilters=%7B%22state%22%3A%22open%22%7D&select=state").await;
    let mut found = app.guest().events("/v1/posts/changes?search=FER").await;
    let mut bracket = app.guest().events("/v1/posts/changes?filter[likes][$gte]=5").await;
    let fern = make(&sk, json!({ "name": "Fern", "state": "draft", "likes": 7 })).await;
    let moss = make(&sk, json!({ "name": "Moss", "state": "open" })).await;
    sk.patch(&format!("/v1/posts/{fern}"), json!({ "state": "open" })).await.assert(200);
    sk.patch(&format!("/v1/posts/{moss}"), json!({ "likes": 1 })).await.assert(200);
    sk.patch(&format!("/v1/posts/{fern}"), json!({ "state": "closed", "likes": 1 })).await.assert(200);
    sk.patch(&format!("/v1/posts/{fern}"), json!({ "state": "closed again" })).await.assert(200);
    sk.delete(&format!("/v1/posts/{moss}")).await.assert(200);
    let first = open.next().await.unwrap();
    assert_eq!((first.name.as_str(), first.data["id"].as_str().unwrap()), ("create", &*moss));
    let keys: Vec<&String> = first.data["record"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "state", "createdBy", "createdAt", "updatedAt"]);
    let mut kinds = Vec::new();
    for _ in 0..4 {
        let event = open.next().await.unwrap();
        kinds.push((event.name.clone(), event.data["id"].as_str().unwrap().to_owned()));
    }
    let expected = [("create", &fern), ("update", &moss), ("delete", &fern), ("delete", &moss)];
    assert_eq!(kinds, expected.map(|(name, id)| (name.to_owned(), id.clone())));
    assert_eq!(found.take(4).await, ["create Fern", "update Fern", "update Fern", "update Fern"]);
    assert_eq!(bracket.take(3).await, ["create Fern".to_owned(), "update Fern".to_owned(), format!("delete {fern}")]);
}

#[actix_web::test]
async fn two_subscribers_with_different_rights_see_different_streams() {
    let app = TestApp::start().await;
    posts(&app).await;
    let (ana, ben) = (app.user("ana", "user").await, app.user("ben", "user").await);
    app.permissions(
        "posts",
        json!({ "permissions": { "user": { "create": true }, "self": { "read": true, "update": true } },
                "columnPermissions": { "likes": { "read": "self" }, "secret": { "read": "admin" } } }),
    )
    .await;
    let (mut hers, mut his, mut all) =
        (ana.events("/v1/posts/changes").await, ben.events("/v1/posts/changes").await, app.secret().events("/v1/posts/changes").await);
    make(&ana, json!({ "name": "Ana's", "likes": 1 })).await;
    make(&ben, json!({ "name": "Ben's", "likes": 2 })).await;
    make(&app.secret(), json!({ "name": "nobody's", "secret": 1 })).await;
    make(&app.secret(), json!({ "name": "for Ana", "createdBy": ana.id, "secret": 1, "likes": 4 })).await;
    make(&ben, json!({ "name": "Ben's too" })).await;
    assert_eq!(hers.short().await, "create Ana's");
    let second = hers.next().await.unwrap();
    assert_eq!((&second.data["record"]["likes"], second.data["record"].get("secret")), (&json!(4), None));
    assert_eq!(his.take(2).await, ["create Ben's", "create Ben's too"]);
    assert_eq!(all.take(5).await.len(), 5);
    app.guest().get("/v1/posts/changes").await.assert_error(403, "data/permission-denied");
    ana.query("/v1/posts/changes", &[("andFilters", "{\"secret\":1}")]).await.assert_error(403, "data/permission-denied");
}

#[actix_web::test]
async fn row_filters_bind_streams() {
    let app = TestApp::start().await;
    posts(&app).await;
    app.permissions(
        "posts",
        json!({ "permissions": { "guest": { "read": true } }, "rowFilters": [{ "expression": "public", "filter": { "state": "open" } }] }),
    )
    .await;
    let mut events = app.guest().events("/v1/posts/changes").await;
    let sk = app.secret();
    make(&sk, json!({ "name": "draft", "state": "draft" })).await;
    let id = make(&sk, json!({ "name": "open", "state": "open" })).await;
    sk.patch(&format!("/v1/posts/{id}"), json!({ "state": "draft" })).await.assert(200);
    assert_eq!(events.take(2).await, ["create open".to_owned(), format!("delete {id}")]);
}

#[actix_web::test]
async fn rights_and_parameters_are_checked_as_for_list_before_the_stream_begins() {
    let app = TestApp::start().await;
    posts(&app).await;
    app.guest().get("/v1/data/nope/changes").await.assert_error(404, "data/table-not-found");
    app.guest().get("/v1/data/users/changes").await.assert_error(403, "data/system-table-access");
    app.client().get("/v1/posts/changes").await.assert_error(401, "auth/unauthorized");
    app.guest().query("/v1/posts/changes", &[("andFilters", "{x")]).await.assert_error(400, "data/validation-error");
    app.guest().get("/v1/posts/changes?initial=maybe").await.assert_error(400, "common/invalid-parameters");
    app.guest().get("/v1/changes").await.assert_error(400, "common/invalid-parameters");
    app.guest().query("/v1/changes", &[("tables", "posts"), ("filters", "{\"posts\":{\"$where\":1}}")]).await.assert_error(400, "data/validation-error");
    app.guest().post("/v1/posts/changes", json!({})).await.assert_error(405, "common/method-not-allowed");
    let many: Vec<String> = (0..51).map(|n| format!("t{n}")).collect();
    app.guest().query("/v1/changes", &[("tables", &many.join(","))]).await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn browsers_may_pass_key_and_token_in_the_url_but_never_a_secret_key() {
    let app = TestApp::start().await;
    posts(&app).await;
    let ana = app.user("ana", "user").await;
    app.permissions("posts", json!({ "permissions": { "user": { "create": true }, "self": { "read": true } } })).await;
    let nobody = app.client();
    let url = format!("/v1/posts/changes?apiKey={}&accessToken={}", app.publishable_key, ana.token);
    let mut events = nobody.events(&url).await;
    let mut several = nobody.events(&format!("/v1/changes?tables=posts&apiKey={}&accessToken={}", app.publishable_key, ana.token)).await;
    make(&ana, json!({ "name": "Fern" })).await;
    assert_eq!((events.short().await, several.short().await), ("create Fern".to_owned(), "create Fern".to_owned()));
    for parameter in ["apiKey", "accessToken"] {
        let answer = nobody.get(&format!("/v1/posts/changes?{parameter}={}", app.secret_key)).await;
        answer.assert_error(401, "auth/invalid-token-format");
        app.guest().get(&format!("/v1/changes?tables=posts&{parameter}={}", app.secret_key)).await.assert_error(401, "auth/invalid-token-format");
    }
    nobody.get(&format!("/v1/posts/changes?apiKey={}&accessToken=x", app.publishable_key)).await.assert_error(401, "auth/invalid-token");
    // Here only: other routes do not look at them.
    nobody.get(&format!("/v1/posts?apiKey={}", app.publishable_key)).await.assert_error(401, "auth/unauthorized");
}

#[actix_web::test]
async fn initial_sends_what_matches_now_in_default_order_and_then_ready() {
    let app = TestApp::start().await;
    posts(&app).await;
    let sk = app.secret();
    for name in ["Fern", "Ivy", "Moss"] {
        make(&sk, json!({ "name": name, "likes": if name == "Ivy" { 0 } else { 9 } })).await;
    }
    let mut events = app.guest().events("/v1/posts/changes?initial=true&filter[likes]=9&select=name").await;
    let first = events.next().await.unwrap();
    assert_eq!((first.short().as_str(), first.id, first.data["record"].get("likes")), ("snapshot Moss", None, None));
    assert_eq!(events.short().await, "snapshot Fern");
    let ready = events.next().await.unwrap();
    assert_eq!(ready.name, "ready");
    make(&sk, json!({ "name": "Oak", "likes": 9 })).await;
    let next = events.next().await.unwrap();
    assert_eq!(next.short(), "create Oak");
    assert!(next.id > ready.id && ready.id.is_some());
    // Going on from `ready` misses nothing and repeats nothing.
    let mut again = app.guest().header("Last-Event-ID", &ready.id.unwrap().to_string()).events("/v1/posts/changes?initial=true").await;
    assert_eq!(again.take(2).await, ["create Oak", "ready"]);
}

#[actix_web::test]
async fn a_snapshot_holds_at_most_1000_records_of_a_table() {
    let app = TestApp::start().await;
    posts(&app).await;
    let sk = app.secret();
    for page in 0..2 {
        let rows: Vec<Value> = (0..600).map(|n| json!({ "name": format!("{page}-{n}") })).collect();
        sk.post("/v1/posts", Value::Array(rows)).await.assert(201);
    }
    let mut events = app.guest().events("/v1/posts/changes?initial=true").await;
    let mut count = 0;
    while events.next().await.unwrap().name == "snapshot" {
        count += 1;
    }
    assert_eq!(count, 1000);
}

#[actix_web::test]
async fn writes_during_a_snapshot_are_neither_lost_nor_told_twice() {
    let app = TestApp::start().await;
    posts(&app).await;
    let sk = app.secret();
    let rows: Vec<Value> = (0..500).map(|n| json!({ "name": format!("old {n}") })).collect();
    sk.post("/v1/posts", Value::Array(rows)).await.assert(201);
    let writer = {
        let sk = sk.clone();
        actix_web::rt::spawn(async move {
            for n in 0..200 {
                make(&sk, json!({ "name": format!("new {n}") })).await;
            }
        })
    };
    let mut seen = Vec::new();
    let mut events = app.guest().events("/v1/posts/changes?initial=true").await;
    while seen.len() < 700 {
        let event = events.next().await.unwrap();
        if event.name != "ready" {
            seen.push(event.data["record"]["name"].as_str().unwrap().to_owned());
        }
    }
    writer.await.unwrap();
    make(&sk, json!({ "name": "last" })).await;
    assert_eq!(events.short().await, "create last", "nothing came twice");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 700);
}

#[actix_web::test]
async fn last_event_id_resumes_also_after_a_restart_and_numbers_only_rise() {
    let app = TestApp::start().await;
    posts(&app).await;
    let mut events = app.guest().events("/v1/posts/changes").await;
    let id = make(&app.secret(), json!({ "name": "Fern" })).await;
    let last = events.next().await.unwrap().id.unwrap();
    drop(events);
    make(&app.secret(), json!({ "name": "Ivy", "likes": 1 })).await;
    app.secret().patch(&format!("/v1/posts/{id}"), json!({ "likes": 1 })).await.assert(200);
    let app = app.restart().await;
    app.secret().patch(&format!("/v1/posts/{id}"), json!({ "likes": 2 })).await.assert(200);
    app.secret().delete(&format!("/v1/posts/{id}")).await.assert(200);
    let mut resumed = app.guest().header("Last-Event-ID", &last.to_string()).events("/v1/posts/changes").await;
    let (mut ids, mut shorts, mut likes) = (vec![last], Vec::new(), Vec::new());
    for _ in 0..4 {
        let event = resumed.next().await.unwrap();
        ids.push(event.id.unwrap());
        shorts.push(event.short());
        likes.push(event.data["record"]["likes"].clone());
    }
    assert_eq!(shorts, ["create Ivy".to_owned(), "update Fern".to_owned(), "update Fern".to_owned(), format!("delete {id}")]);
    assert_eq!(likes, [json!(1), json!(1), json!(2), Value::Null], "each event shows the record of its own moment");
    assert!(ids.windows(2).all(|w| w[0] < w[1]), "{ids:?}");
    make(&app.secret(), json!({ "name": "Oak" })).await;
    assert_eq!(resumed.short().await, "create Oak");
    // As replacements of EventSource send it.
    let mut polyfill = app.guest().events(&format!("/v1/posts/changes?lastEventId={}", ids[4])).await;
    assert_eq!(polyfill.short().await, "create Oak");
}

#[actix_web::test]
async fn a_stream_that_cannot_resume_gets_reset() {
    let app = TestApp::start().await;
    posts(&app).await;
    make(&app.secret(), json!({ "name": "Fern" })).await;
    for id in ["999999", "x", "-4", "99999999999999999999"] {
        let mut events = app.guest().header("Last-Event-ID", id).events("/v1/posts/changes").await;
        let reset = events.next().await.unwrap();
        assert_eq!((reset.name.as_str(), &reset.data["table"]), ("reset", &json!("posts")), "{id}");
        assert!(reset.id.is_some());
    }
    let mut events = app.guest().header("Last-Event-ID", "x").events("/v1/posts/changes?initial=true").await;
    assert_eq!(events.take(3).await, ["reset posts", "snapshot Fern", "ready"]);
    // More than 10,000 changes later the numbers of before are gone.
    for page in 0..11 {
        let rows: Vec<Value> = (0..1000).map(|n| json!({ "name": format!("{page}-{n}") })).collect();
        app.secret().post("/v1/posts", Value::Array(rows)).await.assert(201);
    }
    let mut old = app.guest().header("Last-Event-ID", "1").events("/v1/posts/changes").await;
    let reset = old.next().await.unwrap();
    assert_eq!(reset.name, "reset");
    let mut recent = app.guest().header("Last-Event-ID", &(reset.id.unwrap() - 10_000).to_string()).events("/v1/posts/changes").await;
    assert_eq!(recent.next().await.unwrap().name, "create");
}

#[actix_web::test]
async fn an_import_and_a_truncation_give_reset() {
    let app = TestApp::start().await;
    posts(&app).await;
    let mut events = app.guest().events("/v1/posts/changes").await;
    app.secret().post("/v1/posts/import", json!([{ "name": "Fern" }, { "name": "Ivy" }])).await.assert(200);
    assert_eq!(events.short().await, "reset posts");
    app.environment.truncate_table(&app.owner(), "posts", false).await.unwrap();
    assert_eq!(events.short().await, "reset posts");
    app.secret().post("/v1/posts/import?dryRun=true", json!([{ "name": "Fern" }])).await.assert(200);
    make(&app.secret(), json!({ "name": "Moss" })).await;
    assert_eq!(events.short().await, "create Moss", "a dry run changes nothing");
}

#[actix_web::test]
async fn several_tables_share_one_connection() {
    let app = TestApp::start().await;
    posts(&app).await;
    app.table(json!({ "tableName": "comments", "schema": { "name": "string" } })).await;
    app.table(json!({ "tableName": "hidden", "schema": { "name": "string" }, "permissions": {} })).await;
    let sk = app.secret();
    sk.post("/v1/comments", json!({ "name": "first" })).await.assert(201);
    let filters = "%7B%22posts%22%3A%7B%22state%22%3A%22open%22%7D%7D";
    let mut events = app.guest().events(&format!("/v1/changes?tables=posts,comments,hidden,nope&initial=true&filters={filters}")).await;
    let hidden = events.next().await.unwrap();
    assert_eq!((hidden.name.as_str(), &hidden.data["table"], &hidden.data["error"]["code"]), ("error", &json!("hidden"), &json!("data/permission-denied")));
    let nope = events.next().await.unwrap();
    assert_eq!((&nope.data["table"], &nope.data["error"]["code"], &nope.data["statusCode"]), (&json!("nope"), &json!("data/table-not-found"), &json!(404)));
    assert_eq!(events.take(2).await, ["snapshot first", "ready"], "the others go on");
    make(&sk, json!({ "name": "draft", "state": "draft" })).await;
    make(&sk, json!({ "name": "open", "state": "open" })).await;
    sk.post("/v1/hidden", json!({ "name": "x" })).await.assert(201);
    sk.post("/v1/comments", json!({ "name": "second" })).await.assert(201);
    let both = [events.next().await.unwrap(), events.next().await.unwrap()];
    assert_eq!(
        both.each_ref().map(|e| (e.data["table"].as_str().unwrap(), e.short())),
        [("posts", "create open".into()), ("comments", "create second".into())]
    );
    app.environment.delete_table(&app.owner(), "posts", false).await.unwrap();
    let gone = events.next().await.unwrap();
    assert_eq!((gone.name.as_str(), &gone.data["table"], &gone.data["error"]["code"]), ("error", &json!("posts"), &json!("data/table-not-found")));
    sk.post("/v1/comments", json!({ "name": "third" })).await.assert(201);
    assert_eq!(events.short().await, "create third");
}

#[actix_web::test]
async fn a_dropped_table_ends_its_stream_with_an_error() {
    let app = TestApp::start().await;
    posts(&app).await;
    let mut events = app.guest().events("/v1/posts/changes").await;
    app.environment.delete_table(&app.owner(), "posts", false).await.unwrap();
    let error = events.next().await.unwrap();
    assert_eq!((error.name.as_str(), &error.data["error"]["code"]), ("error", &json!("data/table-not-found")));
    assert!(error.data["requestId"].is_string() && error.data["success"] == false);
    assert_eq!(events.next().await, None);
}

#[actix_web::test]
async fn lost_rights_end_a_stream_with_an_error() {
    let app = TestApp::start().await;
    posts(&app).await;
    let (ana, ben) = (app.user("ana", "user").await, app.user("ben", "user").await);
    let (mut hers, mut his, mut guests) =
        (ana.events("/v1/posts/changes").await, ben.events("/v1/posts/changes").await, app.guest().events("/v1/posts/changes").await);
    users::set_banned(&app.environment, &ana.id, true, None).await.unwrap();
    users::end_session(&app.environment, &ben.session_id).await.unwrap();
    app.permissions("posts", json!({ "permissions": { "user": { "create": true, "read": true } } })).await;
    for (events, code) in [(&mut hers, "auth/account-banned"), (&mut his, "auth/session-expired"), (&mut guests, "data/permission-denied")] {
        let mut event = events.next().await.unwrap();
        if event.name == "reset" {
            event = events.next().await.unwrap();
        }
        assert_eq!((event.name.as_str(), &event.data["error"]["code"]), ("error", &json!(code)));
        assert_eq!(events.next().await, None);
    }
}

#[actix_web::test]
async fn a_revoked_key_ends_its_streams() {
    let app = TestApp::start().await;
    posts(&app).await;
    let base = format!("/management/v1/projects/{}/environments/{}", app.environment.project().id, app.environment.name());
    let made = app.operator().post(&format!("{base}/keys"), json!({ "type": "publishable", "name": "short-lived" })).await;
    let made = if made.status == 201 { made.body } else { panic!("{}", made.text) };
    let (id, value) = (made["id"].as_str().unwrap(), made["key"].as_str().or(made["value"].as_str()).or(made["secret"].as_str()).unwrap());
    let mut events = app.client().header("X-API-Key", value).events("/v1/posts/changes").await;
    let gone = app.operator().delete(&format!("{base}/keys/{id}?confirm=short-lived")).await;
    assert!(gone.status < 300, "{}", gone.text);
    let error = events.next().await.unwrap();
    assert_eq!((error.name.as_str(), &error.data["error"]["code"]), ("error", &json!("auth/api-key-revoked")));
    assert_eq!(events.next().await, None);
}

#[actix_web::test]
async fn narrowed_rights_hold_for_a_stream_that_stays_open() {
    let app = TestApp::start().await;
    posts(&app).await;
    let ana = app.user("ana", "user").await;
    let mut events = ana.events("/v1/posts/changes").await;
    app.permissions("posts", json!({ "permissions": { "user": { "create": true }, "self": { "read": true } } })).await;
    assert_eq!(events.short().await, "reset posts", "what it showed before is no longer what it may see");
    make(&app.secret(), json!({ "name": "somebody's" })).await;
    make(&ana, json!({ "name": "hers" })).await;
    assert_eq!(events.short().await, "create hers");
}

#[actix_web::test]
async fn a_changed_schema_does_not_disturb_streams() {
    let app = TestApp::start().await;
    posts(&app).await;
    let mut events = app.guest().events("/v1/posts/changes?filter[state]=open").await;
    let change =
        bkend_local::domain::tables::index_change::IndexChange::parse(&json!({ "indexesToAddOrUpdate": [{ "fields": { "state": 1 } }] }), false).unwrap();
    app.environment.manage_indexes(&app.owner(), "posts", change, false).await.unwrap();
    make(&app.secret(), json!({ "name": "Fern", "state": "open" })).await;
    assert_eq!(events.short().await, "create Fern");
}

#[actix_web::test]
async fn the_201st_stream_of_an_environment_is_refused() {
    let app = TestApp::start().await;
    posts(&app).await;
    let mut open = Vec::new();
    for _ in 0..200 {
        open.push(app.guest().events("/v1/posts/changes").await);
    }
    let answer = app.guest().get("/v1/changes?tables=posts").await;
    assert!(answer.header("retry-after").is_some());
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), (Some("200"), Some("0")));
    answer.assert_error(429, "data/rate-limit-exceeded");
    make(&app.secret(), json!({ "name": "Fern" })).await;
    for events in &mut open {
        assert_eq!(events.short().await, "create Fern");
    }
    // A client that has gone gives its place back, at the latest with the comments that no longer reach it.
    drop(open);
    loop {
        let answer = app.guest().request(reqwest::Method::GET, "/v1/posts/changes").send().await.unwrap();
        if answer.status() == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[actix_web::test]
async fn a_slow_consumer_gets_every_change_once_it_reads_on() {
    let app = TestApp::start().await;
    posts(&app).await;
    let sk = app.secret();
    let mut events = app.guest().events("/v1/posts/changes").await;
    // Far more than the buffers of a connection and of the bus hold.
    let filler = "x".repeat(2000);
    for page in 0..8 {
        let rows: Vec<Value> = (0..1000).map(|n| json!({ "name": format!("{page}-{n}"), "filler": filler })).collect();
        sk.post("/v1/posts", Value::Array(rows)).await.assert(201);
    }
    let mut last = 0;
    for n in 0..8000 {
        let event = events.next().await.unwrap();
        assert_eq!(event.short(), format!("create {}-{}", n / 1000, n % 1000));
        assert!(event.id.unwrap() > last);
        last = event.id.unwrap();
    }
}

#[actix_web::test]
async fn a_consumer_that_has_lost_touch_catches_up_from_the_store() {
    let app = TestApp::start().await;
    posts(&app).await;
    let sk = app.secret();
    let id = make(&sk, json!({ "name": "Fern", "likes": 0, "filler": "x".repeat(20_000) })).await;
    let mut events = app.guest().events("/v1/posts/changes").await;
    // More transactions than the bus holds, and more bytes than a connection buffers.
    let writers: Vec<_> = (0..16)
        .map(|_| {
            let (sk, id) = (sk.clone(), id.clone());
            actix_web::rt::spawn(async move {
                for _ in 0..320 {
                    sk.patch(&format!("/v1/posts/{id}"), json!({ "$inc": { "likes": 1 } })).await.assert(200);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for likes in 1..=5120 {
        let event = events.next().await.unwrap();
        assert_eq!((event.name.as_str(), &event.data["record"]["likes"]), ("update", &json!(likes)));
    }
}

#[actix_web::test]
async fn streams_end_when_the_server_stops() {
    let app = TestApp::start().await;
    posts(&app).await;
    let mut events = app.guest().events("/v1/posts/changes").await;
    app.begin_stopping();
    assert_eq!(events.next().await, None);
}

#[actix_web::test]
async fn a_comment_comes_every_15_seconds() {
    let app = TestApp::start().await;
    posts(&app).await;
    let mut events = app.guest().events("/v1/posts/changes").await;
    let before = events.comments;
    let sk = app.secret();
    actix_web::rt::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_secs(16)).await;
        make(&sk, json!({ "name": "Fern" })).await;
    });
    assert_eq!(events.short().await, "create Fern");
    assert!(events.comments > before);
}
