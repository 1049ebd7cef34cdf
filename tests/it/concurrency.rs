//! Many at once: nothing is lost, nothing happens twice.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::TestApp;

async fn app() -> TestApp {
    TestApp::start_with(|settings| settings.workers = Some(2)).await
}

#[actix_web::test]
async fn concurrent_operators_never_lose_an_update() {
    let app = app().await;
    app.table(json!({ "tableName": "items", "schema": { "stock": "int", "tags": ["int"] } })).await;
    let sk = app.secret();
    sk.post("/v1/items", json!({ "id": "one", "stock": 0 })).await.assert(201);
    let answers = join_all((0..200).map(|i| {
        let sk = sk.clone();
        async move { sk.patch("/v1/items/one", json!({ "$inc": { "stock": 1 }, "$push": { "tags": i } })).await }
    }))
    .await;
    let mut seen: Vec<i64> = answers.into_iter().map(|a| a.assert(200)["stock"].as_i64().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=200).collect::<Vec<i64>>(), "every answer shows the count as its own write left it");
    let record = sk.get("/v1/items/one").await.assert(200);
    let mut tags: Vec<i64> = record["tags"].as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect();
    tags.sort_unstable();
    assert_eq!(tags, (0..200).collect::<Vec<i64>>());
}

#[actix_web::test]
async fn a_minimum_makes_inc_a_safe_stock_counter() {
    let app = app().await;
    app.table(json!({ "tableName": "items", "schema": { "stock": { "type": "int", "minimum": 0 } } })).await;
    let sk = app.secret();
    sk.post("/v1/items", json!({ "id": "one", "stock": 30 })).await.assert(201);
    let answers = join_all((0..100).map(|_| sk.patch("/v1/items/one", json!({ "$inc": { "stock": -1 } })))).await;
    let sold = answers.iter().filter(|a| a.status == 200).count();
    assert_eq!(sold, 30);
    assert!(answers.iter().filter(|a| a.status != 200).all(|a| a.details() == ["stock/minimum"]));
    assert_eq!(sk.get("/v1/items/one").await.assert(200)["stock"], 0);
}

#[actix_web::test]
async fn with_a_unique_index_a_concurrent_upsert_makes_exactly_one_record() {
    let app = app().await;
    app.table(json!({ "tableName": "pages", "schema": { "path": { "type": "string", "unique": true }, "hits": "int" } })).await;
    let sk = app.secret();
    let answers = join_all((0..60).map(|_| sk.post("/v1/pages/upsert", json!({ "match": { "path": "/home" }, "set": { "$inc": { "hits": 1 } } })))).await;
    assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 59);
    let list = sk.get("/v1/pages").await.assert(200);
    assert_eq!((&list["pagination"]["total"], &list["items"][0]["hits"]), (&json!(1), &json!(60)));
}

#[actix_web::test]
async fn of_many_creates_with_one_unique_value_one_wins_and_the_rest_are_told() {
    let app = app().await;
    app.table(json!({ "tableName": "wallets", "schema": { "email": { "type": "string", "unique": true } } })).await;
    let sk = app.secret();
    let answers = join_all((0..60).map(|i| sk.post("/v1/wallets", json!({ "email": "ana@harbor.test", "i": i })))).await;
    assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 1);
    for loser in answers.into_iter().filter(|a| a.status != 201) {
        assert_eq!(loser.details(), ["email/unique"]);
        loser.assert_error(409, "data/duplicate-value");
    }
    let ids = join_all((0..40).map(|_| sk.post("/v1/wallets", json!({ "id": "chosen" })))).await;
    assert_eq!(ids.iter().filter(|a| a.status == 201).count(), 1);
    assert_eq!(ids.iter().filter(|a| a.status == 409).count(), 39);
}

#[actix_web::test]
async fn parallel_patches_of_different_fields_both_hold() {
    let app = app().await;
    app.table(json!({ "tableName": "notes" })).await;
    let sk = app.secret();
    sk.post("/v1/notes", json!({ "id": "one" })).await.assert(201);
    let answers = join_all((0..80).map(|i| {
        let (sk, body) = (sk.clone(), json!({ format!("field{i}"): i, format!("deep.f{i}"): i }));
        async move { sk.patch("/v1/notes/one", body).await }
    }))
    .await;
    let mut tags: Vec<String> = answers
        .into_iter()
        .map(|a| {
            let tag = a.header("etag").unwrap().to_owned();
            a.assert(200);
            tag
        })
        .collect();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 80, "an ETag changes with every write");
    let record = sk.get("/v1/notes/one").await.assert(200);
    for i in 0..80 {
        assert_eq!((&record[format!("field{i}")], &record["deep"][format!("f{i}")]), (&json!(i), &json!(i)));
    }
}

#[actix_web::test]
async fn of_many_writers_with_the_same_if_match_one_succeeds() {
    let app = app().await;
    app.table(json!({ "tableName": "notes" })).await;
    let sk = app.secret();
    let created = sk.post("/v1/notes", json!({ "id": "one", "v": 0 })).await;
    let tag = created.header("etag").unwrap().to_owned();
    let conditional = sk.header("If-Match", &tag);
    let answers = join_all((0..40).map(|i| conditional.patch("/v1/notes/one", json!({ "v": i + 1 })))).await;
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 1);
    for loser in answers.into_iter().filter(|a| a.status != 200) {
        loser.assert_error(412, "data/precondition-failed");
    }
}

#[actix_web::test]
async fn money_moved_by_concurrent_transactions_is_neither_made_nor_lost() {
    let app = app().await;
    app.table(json!({ "tableName": "wallets", "schema": { "balance": { "type": "int", "minimum": 0 } } })).await;
    app.table(json!({ "tableName": "transfers", "schema": { "amount": "int" } })).await;
    let sk = app.secret();
    for i in 0..5 {
        sk.post("/v1/wallets", json!({ "id": format!("a{i}"), "balance": 20 })).await.assert(201);
    }
    let answers = join_all((0..120usize).map(|i| {
        let (from, to) = (format!("a{}", i % 5), format!("a{}", (i * 3 + 1) % 5));
        let sk = sk.clone();
        async move {
            let operations: Vec<Value> = vec![
                json!({ "table": "transfers", "op": "create", "data": { "id": format!("t{i}"), "amount": 3 } }),
                json!({ "table": "wallets", "op": "update", "id": from, "data": { "$inc": { "balance": -3 } } }),
                json!({ "table": "wallets", "op": "update", "id": to, "data": { "$inc": { "balance": 3 } } }),
            ];
            sk.post("/v1/transaction", json!({ "operations": operations })).await
        }
    }))
    .await;
    let done = answers.iter().filter(|a| a.status == 200).count();
    assert!(done > 0 && answers.iter().all(|a| matches!(a.status, 200 | 400)));
    let list = sk.get("/v1/wallets").await.assert(200);
    let sum: i64 = list["items"].as_array().unwrap().iter().map(|a| a["balance"].as_i64().unwrap()).sum();
    assert_eq!(sum, 100);
    assert_eq!(sk.get("/v1/transfers/count").await.assert(200)["count"], done);
}

#[actix_web::test]
async fn readers_see_whole_transactions_only() {
    let app = app().await;
    app.table(json!({ "tableName": "pairs", "schema": { "v": "int" } })).await;
    let sk = app.secret();
    for id in ["left", "right"] {
        sk.post("/v1/pairs", json!({ "id": id, "v": 0 })).await.assert(201);
    }
    let writes = async {
        for v in 1..=60 {
            let operations = json!([
                { "op": "update", "id": "left", "data": { "v": v } },
                { "op": "update", "id": "right", "data": { "v": v } },
            ]);
            sk.post("/v1/pairs/bulk", json!({ "operations": operations })).await.assert(200);
        }
    };
    let reads = async {
        for _ in 0..120 {
            let list = sk.get("/v1/pairs").await.assert(200);
            assert_eq!(list["items"][0]["v"], list["items"][1]["v"], "{list}");
        }
    };
    futures_util::join!(writes, reads);
}
