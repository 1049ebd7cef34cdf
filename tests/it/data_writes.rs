//! Writing (`02-data.md` §5), aggregation (§6.7) and includes (§6.8), sentence by sentence.

use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

async fn shop() -> (TestApp, Client) {
    let app = TestApp::start().await;
    app.table(json!({
        "tableName": "goods",
        "schema": { "name": { "type": "string", "required": true }, "stock": { "type": "int", "minimum": 0 }, "sku": { "type": "string", "unique": true },
                    "kind": { "type": "string", "default": "tea" }, "lines": "array", "at": "date", "price": "number" },
        "permissions": { "user": { "create": true, "read": true, "update": true, "delete": true }, "guest": { "read": true } }
    }))
    .await;
    app.table(json!({
        "tableName": "orders",
        "schema": { "good": { "type": "string", "ref": "goods" }, "count": "int" },
        "permissions": { "user": { "create": true, "read": true }, "guest": { "read": true } }
    }))
    .await;
    let sk = app.secret();
    (app, sk)
}

async fn make(client: &Client, body: Value) -> String {
    client.post("/v1/goods", body).await.assert(201)["id"].as_str().unwrap().to_owned()
}

async fn total(client: &Client, table: &str) -> i64 {
    client.get(&format!("/v1/{table}/count")).await.assert(200)["count"].as_i64().unwrap()
}

fn place(answer: &Answer) -> (Value, Value) {
    let detail = &answer.body["error"]["details"][0];
    (detail["position"].clone(), detail["table"].clone())
}

#[actix_web::test]
async fn checks_come_in_the_order_of_the_contract() {
    let (app, _) = shop().await;
    let ana = app.user("ana", "user").await;
    ana.post("/v1/data/users", json!({})).await.assert_error(403, "data/system-table-access");
    ana.post("/v1/nope", json!(3)).await.assert_error(404, "data/table-not-found");
    app.permissions("goods", json!({ "permissions": { "user": { "create": true }, "self": { "read": true, "update": true } }, "columnPermissions": { "price": { "write": "admin" } } }))
        .await;
    let foreign = make(&app.secret(), json!({ "name": "Oak" })).await;
    let own = make(&ana, json!({ "name": "Fern" })).await;
    let patch = async |id: &str, body: Value| ana.header("If-Match", "\"0\"").patch(&format!("/v1/goods/{id}"), body).await;
    app.guest().patch("/v1/goods/absent", json!(3)).await.assert_error(403, "data/permission-denied");
    patch("absent", json!(3)).await.assert_error(400, "data/validation-error");
    patch("absent", json!({ "stock": -1 })).await.assert_error(404, "data/not-found");
    patch(&foreign, json!({ "price": 1 })).await.assert_error(403, "data/permission-denied");
    patch(&own, json!({ "price": 1, "stock": -1 })).await.assert_error(403, "data/permission-denied");
    patch(&own, json!({ "stock": -1 })).await.assert_error(412, "data/precondition-failed");
    ana.patch(&format!("/v1/goods/{own}"), json!({ "stock": -1 })).await.assert_error(400, "data/validation-error");
}

#[actix_web::test]
async fn a_create_body_is_unwrapped_and_must_be_an_object_or_array() {
    let (_app, sk) = shop().await;
    for body in [json!(3), json!("x"), json!(null), json!(true)] {
        let answer = sk.post("/v1/goods", body).await;
        assert_eq!(answer.details(), ["body/type"]);
    }
    assert_eq!(sk.post("/v1/orders", json!({})).await.assert(201)["createdBy"], "", "{{}} is fine if nothing is required");
}

#[actix_web::test]
async fn an_array_of_1_to_1000_objects_creates_all_or_none_in_order() {
    let (_app, sk) = shop().await;
    let rows: Vec<Value> = (0..1000).map(|n| json!({ "name": format!("g{n}") })).collect();
    let made = sk.post("/v1/goods", Value::Array(rows.clone())).await.assert(201);
    assert_eq!((&made["count"], &made["items"][0]["name"], &made["items"][999]["name"]), (&json!(1000), &json!("g0"), &json!("g999")));
    let too_many: Vec<Value> = rows.into_iter().chain([json!({ "name": "x" })]).collect();
    assert_eq!(sk.post("/v1/goods", Value::Array(too_many)).await.details(), ["body/limit"]);
    sk.post("/v1/goods", json!([])).await.assert_error(400, "data/validation-error");
    let clash = sk.post("/v1/goods", json!([{ "name": "a", "sku": "1" }, { "name": "b", "sku": "1" }])).await;
    assert_eq!((clash.status, place(&clash).0), (409, json!(1)));
    assert_eq!(total(&sk, "goods").await, 1000);
}

#[actix_web::test]
async fn bulk_checks_each_operation_like_its_single_call_and_the_first_failure_decides() {
    let (app, sk) = shop().await;
    let id = make(&sk, json!({ "name": "Fern", "stock": 1 })).await;
    let ok = sk
        .post("/v1/goods/bulk", json!({ "operations": [{ "op": "create", "data": { "name": "New" } }, { "op": "update", "id": id, "data": { "stock": 2 } }, { "op": "delete", "id": id }] }))
        .await
        .assert(200);
    assert_eq!((&ok["results"][0]["name"], &ok["results"][1]["stock"], &ok["results"][2]), (&json!("New"), &json!(2), &json!({ "success": true })));
    let fails = [
        (json!({ "op": "update", "id": "absent", "data": {} }), 404, "data/not-found"),
        (json!({ "op": "create", "data": { "stock": 1 } }), 400, "data/validation-error"),
        (json!({ "op": "upsert", "match": { "name": "x" } }), 400, "data/validation-error"),
        (json!({ "op": "update", "id": id }), 400, "data/validation-error"),
        (json!(3), 400, "data/validation-error"),
    ];
    for (operation, status, code) in fails {
        let answer = sk.post("/v1/goods/bulk", json!({ "operations": [{ "op": "create", "data": { "name": "undone" } }, operation] })).await;
        assert_eq!(place(&answer).0, 1, "{}", answer.text);
        answer.assert_error(status, code);
    }
    let guest = app.guest().post("/v1/goods/bulk", json!({ "operations": [{ "op": "create", "data": { "name": "x" } }] })).await;
    guest.assert_error(403, "data/permission-denied");
    let many: Vec<Value> = (0..501).map(|_| json!({ "op": "create", "data": { "name": "x" } })).collect();
    assert_eq!(sk.post("/v1/goods/bulk", json!({ "operations": many })).await.details(), ["operations/limit"]);
    assert_eq!(total(&sk, "goods").await, 1);
}

#[actix_web::test]
async fn an_empty_patch_changes_nothing_not_even_updated_at() {
    let (_app, sk) = shop().await;
    let id = make(&sk, json!({ "name": "Fern" })).await;
    let before = sk.get(&format!("/v1/goods/{id}")).await.assert(200);
    assert_eq!(sk.patch(&format!("/v1/goods/{id}"), json!({})).await.assert(200), before);
    assert_eq!(sk.patch(&format!("/v1/goods/{id}"), json!({ "id": "x", "updatedAt": 0, "_included": {} })).await.assert(200), before);
    let answer = sk.patch(&format!("/v1/goods/{id}"), json!({ "name": null })).await;
    assert_eq!(answer.details(), ["name/required"]);
}

#[actix_web::test]
async fn every_operator_does_what_its_row_says() {
    let (_app, sk) = shop().await;
    let id = make(&sk, json!({ "name": "Fern", "stock": 4, "lines": [1, 2, 3], "at": "2026-01-01" })).await;
    let path = format!("/v1/goods/{id}");
    let patch = async |body: Value| sk.patch(&path, body).await;
    let body = json!({ "$inc": { "stock": -1, "fresh": 2 }, "price": { "$mul": 3 }, "$max": { "at": "2026-02-01", "new": 7 }, "$push": { "lines": { "$each": [9, 8], "$position": 0, "$slice": 4 } } });
    let now = patch(body).await.assert(200);
    assert_eq!((&now["stock"], &now["fresh"], &now["price"], &now["new"]), (&json!(3), &json!(2), &json!(0), &json!(7)));
    assert_eq!((&now["lines"], &now["at"]), (&json!([9, 8, 1, 2]), &json!("2026-02-01T00:00:00.000Z")));
    let now = patch(json!({ "$addToSet": { "lines": { "$each": [9, 5] }, "tags": "x" }, "$unset": { "fresh": 1 }, "$min": { "stock": 1 } })).await.assert(200);
    assert_eq!((&now["lines"], &now["tags"], now.get("fresh"), &now["stock"]), (&json!([9, 8, 1, 2, 5]), &json!(["x"]), None, &json!(1)));
    assert_eq!(patch(json!({ "lines": { "$pull": { "$gte": 5 } } })).await.assert(200)["lines"], json!([1, 2]));
    assert_eq!(patch(json!({ "$pop": { "lines": -1 }, "$set": { "a.b": 1 } })).await.assert(200)["lines"], json!([2]));
    for (body, rule) in [
        (json!({ "$inc": { "name": 1 } }), "name/type"),
        (json!({ "$push": { "stock": 1 } }), "stock/type"),
        (json!({ "$unset": { "name": 1 } }), "name/required"),
        (json!({ "$inc": { "stock": 1 }, "stock": 2 }), "stock/conflict"),
        (json!({ "lines.9": 1 }), "lines.9/path"),
    ] {
        assert_eq!(patch(body.clone()).await.details(), [rule], "{body}");
    }
}

#[actix_web::test]
async fn put_keeps_what_identifies_a_record_and_what_the_caller_may_not_write_and_never_creates() {
    let (app, sk) = shop().await;
    let ana = app.user("ana", "user").await;
    let id = make(&ana, json!({ "name": "Fern", "stock": 4, "extra": 1, "kind": "pot" })).await;
    let path = format!("/v1/goods/{id}");
    sk.patch(&path, json!({ "price": 9 })).await.assert(200);
    app.permissions(
        "goods",
        json!({ "permissions": { "user": { "create": true, "read": true, "update": true } }, "columnPermissions": { "price": { "write": "admin" } } }),
    )
    .await;
    let before = ana.get(&path).await.assert(200);
    let now = ana.put(&path, json!({ "name": "Moss", "id": "other", "createdBy": "x" })).await.assert(200);
    assert_eq!((&now["id"], &now["createdBy"], &now["createdAt"]), (&before["id"], &before["createdBy"], &before["createdAt"]));
    assert_eq!((&now["price"], now.get("stock"), now.get("extra"), &now["kind"]), (&json!(9), None, None, &json!("tea")), "defaults fill, the rest is dropped");
    assert_eq!(ana.put(&path, json!({ "stock": 1 })).await.details(), ["name/required"]);
    ana.put(&path, json!({ "name": "x", "price": 1 })).await.assert_error(403, "data/permission-denied");
    ana.put("/v1/goods/absent", json!({ "name": "x" })).await.assert_error(404, "data/not-found");
}

#[actix_web::test]
async fn an_upsert_patches_its_one_hit_creates_without_one_and_refuses_several() {
    let (_app, sk) = shop().await;
    let upsert = async |body: Value| sk.post("/v1/goods/upsert", body).await;
    let made =
        upsert(json!({ "match": { "name": "Lily" }, "set": { "$inc": { "stock": 2 }, "price": 1 }, "setOnInsert": { "kind": "bulb", "price": 7 } })).await;
    let made = made.assert(201);
    assert_eq!((&made["name"], &made["stock"], &made["kind"], &made["price"]), (&json!("Lily"), &json!(2), &json!("bulb"), &json!(1)));
    let again = upsert(json!({ "match": { "name": "Lily" }, "set": { "$inc": { "stock": 2 } }, "setOnInsert": { "kind": "never" } })).await.assert(200);
    assert_eq!((&again["id"], &again["stock"], &again["kind"]), (&made["id"], &json!(4), &json!("bulb")));
    make(&sk, json!({ "name": "Lily" })).await;
    upsert(json!({ "match": { "name": "Lily" }, "set": {} })).await.assert_error(409, "data/ambiguous-match");
    upsert(json!({ "match": { "name": "Lily", "stock": 4 }, "set": { "stock": -1 } })).await.assert_error(400, "data/validation-error");
    for matching in
        [json!({}), json!({ "a.b": 1 }), json!({ "$or": [] }), json!([]), json!({ "a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1, "h": 1, "i": 1 })]
    {
        upsert(json!({ "match": matching, "set": {} })).await.assert_error(400, "data/validation-error");
    }
    // `_id` is read as `id`.
    let first = upsert(json!({ "match": { "_id": "g-1" }, "set": { "name": "Oak" } })).await.assert(201);
    assert_eq!((&first["id"], upsert(json!({ "match": { "_id": "g-1" }, "set": { "stock": 1 } })).await.status), (&json!("g-1"), 200));
}

#[actix_web::test]
async fn an_upsert_looks_only_among_records_the_caller_may_update() {
    let (app, sk) = shop().await;
    let (ana, ben) = (app.user("ana", "user").await, app.user("ben", "user").await);
    app.permissions("goods", json!({ "permissions": { "user": { "create": true, "read": true }, "self": { "update": true } } })).await;
    let body = json!({ "match": { "name": "Lily" }, "set": { "stock": 1 } });
    let hers = ana.post("/v1/goods/upsert", body.clone()).await.assert(201);
    let his = ben.post("/v1/goods/upsert", body.clone()).await.assert(201);
    assert_ne!(hers["id"], his["id"]);
    assert_eq!(ana.post("/v1/goods/upsert", body.clone()).await.assert(200)["id"], hers["id"]);
    // Rows that are hidden from updates are not looked among either.
    app.permissions(
        "goods",
        json!({ "permissions": { "user": { "create": true, "read": true, "update": true } }, "rowFilters": [{ "expression": "user", "filter": { "stock": 5 } }], "rowFilterScope": "all" }),
    )
    .await;
    ana.post("/v1/goods/upsert", body).await.assert(201);
    assert_eq!(total(&sk, "goods").await, 3);
    app.guest().post("/v1/goods/upsert", json!({})).await.assert_error(403, "data/permission-denied");
}

#[actix_web::test]
async fn etags_change_with_every_write_and_conditions_hold_it_back() {
    let (_app, sk) = shop().await;
    let id = make(&sk, json!({ "name": "Fern" })).await;
    let path = format!("/v1/goods/{id}");
    let first = sk.get(&path).await.header("etag").unwrap().to_owned();
    let second = sk.header("If-Match", &first).patch(&path, json!({ "stock": 1 })).await.header("etag").unwrap().to_owned();
    assert_ne!(first, second);
    for answer in [
        sk.header("If-Match", &first).patch(&path, json!({ "stock": 2 })).await,
        sk.header("If-Match", &first).put(&path, json!({ "name": "x" })).await,
        sk.header("If-Match", &first).delete(&path).await,
        sk.patch(&format!("{path}?ifUpdatedAt=2020-01-01T00:00:00.000Z"), json!({ "stock": 2 })).await,
    ] {
        answer.assert_error(412, "data/precondition-failed");
    }
    assert_eq!(sk.header("If-None-Match", &second).get(&path).await.status, 304);
    assert_eq!(sk.header("If-None-Match", &second).get(&format!("{path}?include=createdBy:users")).await.status, 200);
    sk.header("If-Match", "stale").patch(&path, json!({})).await.assert_error(400, "data/invalid-header");
    let at = sk.get(&path).await.assert(200)["updatedAt"].as_str().unwrap().to_owned();
    sk.patch(&format!("{path}?ifUpdatedAt={at}"), json!({ "stock": 3 })).await.assert(200);
}

#[actix_web::test]
async fn admins_change_and_delete_by_filter_in_one_transaction() {
    let (app, sk) = shop().await;
    for n in 0..6 {
        make(&sk, json!({ "name": format!("g{n}"), "stock": n })).await;
    }
    let ana = app.user("ana", "user").await;
    ana.patch("/v1/goods?all=true", json!({})).await.assert_error(403, "data/permission-denied");
    ana.delete("/v1/goods?all=true").await.assert_error(403, "data/permission-denied");
    sk.patch("/v1/goods", json!({ "kind": "x" })).await.assert_error(400, "common/invalid-parameters");
    sk.delete("/v1/goods?andFilters=%7B%7D").await.assert_error(400, "common/invalid-parameters");
    assert_eq!(sk.patch("/v1/goods?filter[stock][$gte]=3", json!({ "$inc": { "stock": 10 } })).await.assert(200), json!({ "matched": 3, "modified": 3 }));
    assert_eq!(sk.patch("/v1/goods?all=true", json!({})).await.assert(200), json!({ "matched": 6, "modified": 0 }));
    // The third record would fall below its minimum: none is changed.
    sk.patch("/v1/goods?all=true", json!({ "$inc": { "stock": -2 } })).await.assert_error(400, "data/validation-error");
    assert_eq!(sk.get("/v1/goods/count?filter[stock]=13").await.assert(200)["count"], 1);
    sk.patch("/v1/goods?all=true", json!({ "sku": "same" })).await.assert_error(409, "data/duplicate-value");
    assert_eq!(sk.delete("/v1/goods?filter[stock][$gte]=13").await.assert(200), json!({ "success": true, "deleted": 3 }));
    assert_eq!(sk.delete("/v1/goods?all=true").await.assert(200)["deleted"], 3);
}

#[actix_web::test]
async fn a_transaction_over_several_tables_happens_as_a_whole_or_not_at_all() {
    let (_app, sk) = shop().await;
    let id = make(&sk, json!({ "name": "Fern", "stock": 1 })).await;
    let order = json!({ "operations": [
        { "table": "orders", "op": "create", "data": { "good": id, "count": 1 }, "as": "order" },
        { "table": "goods", "op": "update", "id": id, "data": { "$inc": { "stock": -1 } }, "as": "good" },
        { "table": "orders", "op": "update", "id": { "$ref": "order" }, "data": { "left": { "$ref": "good.stock" }, "deep": [{ "of": { "$ref": "good.name" } }] } },
        { "table": "goods", "op": "upsert", "match": { "name": { "$ref": "good.kind" } }, "set": { "stock": 0 } },
        { "table": "orders", "op": "create", "data": {}, "as": "gone" },
        { "table": "orders", "op": "delete", "id": { "$ref": "gone.id" } }
    ] });
    let done = sk.post("/v1/transaction", order.clone()).await.assert(200);
    let results = done["results"].as_array().unwrap();
    assert_eq!((results.len(), &results[2]["left"], &results[2]["deep"][0]["of"], &results[5]), (6, &json!(0), &json!("Fern"), &json!({ "success": true })));
    let sold_out = sk.post("/v1/transaction", order).await;
    assert_eq!((place(&sold_out), sold_out.details()), ((json!(1), json!("goods")), vec!["stock/minimum".to_owned()]));
    sold_out.assert_error(400, "data/validation-error");
    assert_eq!(total(&sk, "orders").await, 1);
}

#[actix_web::test]
async fn each_operation_of_a_transaction_is_checked_by_the_callers_rights_in_its_table() {
    let (app, sk) = shop().await;
    let ana = app.user("ana", "user").await;
    let id = make(&sk, json!({ "name": "Fern" })).await;
    let first = json!({ "table": "orders", "op": "create", "data": {}, "as": "a" });
    for (operation, status, code) in [
        (json!({ "table": "orders", "op": "update", "id": { "$ref": "a" }, "data": {} }), 403, "data/permission-denied"),
        (json!({ "table": "users", "op": "delete", "id": "x" }), 403, "data/system-table-access"),
        (json!({ "table": "nope", "op": "delete", "id": "x" }), 404, "data/table-not-found"),
        (json!({ "table": "goods", "op": "update", "id": id, "data": {}, "ifMatch": "\"0\"" }), 412, "data/precondition-failed"),
        (json!({ "table": "goods", "op": "update", "id": { "$ref": "b" }, "data": {} }), 400, "data/validation-error"),
        (json!({ "table": "goods", "op": "create", "data": { "name": { "$ref": "a.nope" } } }), 400, "data/validation-error"),
        (json!({ "table": "goods", "op": "create", "data": { "name": "x" }, "as": "a" }), 400, "data/validation-error"),
        (json!({ "table": "goods", "op": "truncate" }), 400, "data/validation-error"),
        (json!({ "op": "create", "data": {} }), 400, "data/validation-error"),
        (json!([]), 400, "data/validation-error"),
    ] {
        let answer = ana.post("/v1/transaction", json!({ "operations": [first, operation] })).await;
        assert_eq!(place(&answer).0, 1, "{operation}: {}", answer.text);
        answer.assert_error(status, code);
    }
    for body in [json!({}), json!({ "operations": [] }), json!([]), json!({ "operations": {} })] {
        ana.post("/v1/transaction", body).await.assert_error(400, "data/validation-error");
    }
    let many: Vec<Value> = (0..501).map(|_| json!({ "table": "orders", "op": "create", "data": {} })).collect();
    assert_eq!(ana.post("/v1/transaction", json!({ "operations": many })).await.details(), ["operations/limit"]);
    assert_eq!(total(&sk, "orders").await, 0);
}

#[actix_web::test]
async fn aggregates_count_sum_and_compare_by_group() {
    let (_app, sk) = shop().await;
    for (name, kind, stock, price, at) in [
        ("a", json!("tea"), json!(2), json!(1.5), "2026-01-05T10:00:00Z"),
        ("b", json!("tea"), json!(3), json!(null), "2026-01-11T23:59:59Z"),
        ("c", json!("pot"), json!(null), json!(4), "2026-01-12T00:00:00Z"),
        ("d", json!(null), json!(1), json!(1.5), "2026-02-01"),
    ] {
        make(&sk, json!({ "name": name, "kind": kind, "stock": stock, "price": price, "at": at })).await;
    }
    let groups = sk.get("/v1/goods/aggregate?groupBy=kind&sum=stock&avg=price&min=name&max=at&distinct=price").await.assert(200);
    let items = groups["items"].as_array().unwrap();
    assert_eq!(items.iter().map(|i| i["group"]["kind"].clone()).collect::<Vec<_>>(), [json!(null), json!("pot"), json!("tea")], "default group ascending");
    let tea = &items[2];
    assert_eq!((&tea["count"], &tea["sum"]["stock"], &tea["avg"]["price"], &tea["min"]["name"]), (&json!(2), &json!(5), &json!(1.5), &json!("a")));
    assert_eq!((&tea["max"]["at"], &tea["distinct"]["price"]), (&json!("2026-01-11T23:59:59.000Z"), &json!(1)), "null is not counted");
    assert_eq!((&items[1]["sum"]["stock"], &items[1]["avg"]["price"]), (&json!(0), &json!(4)), "nothing to add is 0");
    let all = sk.get("/v1/goods/aggregate?sum=stock&avg=nope").await.assert(200);
    assert_eq!((all["items"].as_array().unwrap().len(), &all["items"][0]["group"]), (1, &json!({})));
    assert_eq!((&all["items"][0]["count"], &all["items"][0]["sum"]["stock"], &all["items"][0]["avg"]["nope"]), (&json!(4), &json!(6), &Value::Null));
    let weeks = sk.get("/v1/goods/aggregate?groupBy=at:week&filter[at][$lt]=2026-01-31").await.assert(200);
    assert_eq!(weeks["items"].as_array().unwrap().iter().map(|i| i["count"].clone()).collect::<Vec<_>>(), [json!(2), json!(1)], "weeks begin on Monday");
    let sorted = sk.get("/v1/goods/aggregate?groupBy=kind&sort=count:desc&limit=1").await.assert(200);
    assert_eq!((&sorted["items"][0]["group"]["kind"], &sorted["pagination"]["total"]), (&json!("tea"), &json!(3)));
    sk.get("/v1/goods/aggregate?groupBy=a,b,c,d").await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn an_int_sum_beyond_64_bits_becomes_a_double() {
    let (_app, sk) = shop().await;
    for name in ["a", "b"] {
        make(&sk, json!({ "name": name, "stock": i64::MAX })).await;
    }
    let sum = sk.get("/v1/goods/aggregate?sum=stock").await.assert(200)["items"][0]["sum"]["stock"].as_f64().unwrap();
    assert_eq!(sum, 2.0_f64.powi(64));
}

#[actix_web::test]
async fn includes_show_a_target_as_the_same_caller_would_get_it_by_id() {
    let (app, sk) = shop().await;
    let ana = app.user("ana", "user").await;
    let id = make(&sk, json!({ "name": "Fern", "price": 3 })).await;
    for body in [json!({ "good": id, "also": [id, "nope"] }), json!({ "good": "nope" }), json!({})] {
        sk.post("/v1/orders", body).await.assert(201);
    }
    app.permissions("goods", json!({ "permissions": { "user": { "read": true } }, "columnPermissions": { "price": { "read": "admin" } } })).await;
    let items = ana.get("/v1/orders?include=good,also:goods&sortBy=id&sortDirection=asc").await.assert(200)["items"].clone();
    assert_eq!((&items[0]["_included"]["good"]["name"], items[0]["_included"]["good"].get("price")), (&json!("Fern"), None));
    assert_eq!((items[0]["_included"]["also"].as_array().unwrap().len(), &items[0]["_included"]["also"][1]), (2, &Value::Null));
    assert_eq!((&items[1]["_included"]["good"], &items[2]["_included"]["good"]), (&Value::Null, &Value::Null));
    let as_guest = app.guest().get("/v1/orders?include=good&sortBy=id&sortDirection=asc").await.assert(200);
    assert_eq!(as_guest["items"][0]["_included"]["good"], Value::Null, "no right to read it");
    let order = items[0]["id"].as_str().unwrap();
    assert_eq!(ana.get(&format!("/v1/orders/{order}?include=good")).await.assert(200)["_included"]["good"]["id"], *id);
    for include in ["count", "good:nope", "a.b.c"] {
        ana.get(&format!("/v1/orders?include={include}")).await.assert_error(400, "common/invalid-parameters");
    }
}
