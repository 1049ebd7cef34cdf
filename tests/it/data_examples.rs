//! The worked examples of `02-data.md`.

use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, User};

struct Plants {
    app: TestApp,
    ana: User,
    ben: User,
    sk: Client,
}

/// Table `plants` with Ana and Ben.
async fn plants() -> Plants {
    let app = TestApp::start().await;
    app.table(json!({
        "tableName": "plants",
        "schema": {
            "name": { "type": "string", "required": true, "unique": true, "maxLength": 20 },
            "height": { "type": "int", "minimum": 0 },
            "price": "number",
            "tags": ["string"],
            "potted": { "type": "boolean", "default": true },
            "bought": "date",
            "care": { "type": "object", "properties": { "water": { "type": "string", "enum": ["low", "high"] } } }
        },
        "permissions": { "user": { "create": true, "read": true }, "guest": { "read": true }, "self": { "update": true, "delete": true } }
    }))
    .await;
    let (ana, ben, sk) = (app.user("ana", "user").await, app.user("ben", "user").await, app.secret());
    Plants { app, ana, ben, sk }
}

/// Fern, Ivy and Moss, made in this order by Ana; answers their ids.
async fn three(p: &Plants) -> Vec<String> {
    let bodies = [
        json!({ "name": "Fern", "hue": "green" }),
        json!({ "name": "Ivy", "height": 12, "price": 5.0, "bought": "2026-03-01" }),
        json!({ "name": "Moss", "price": null, "tags": ["wet", "shade"] }),
    ];
    let mut ids = Vec::new();
    for body in bodies {
        ids.push(p.ana.post("/v1/plants", body).await.assert(201)["id"].as_str().unwrap().to_owned());
    }
    ids
}

fn names(answer: Answer) -> Vec<String> {
    let body = answer.assert(200);
    body["items"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap().to_owned()).collect()
}

/// Names found, in alphabetical order.
async fn found(p: &Plants, parameters: &[(&str, &str)]) -> Vec<String> {
    let mut names = names(p.ana.query("/v1/data/plants", parameters).await);
    names.sort();
    names
}

#[actix_web::test]
async fn example_1_spec_shows_the_canonical_schema_and_the_permissions_in_force() {
    let p = plants().await;
    let spec = p.ana.get("/v1/data/plants/spec").await.assert(200);
    assert_eq!(spec["schema"]["required"], json!(["name"]));
    assert_eq!(spec["schema"]["properties"]["price"], json!({ "bsonType": "double" }));
    assert_eq!(spec["schema"]["properties"]["tags"], json!({ "bsonType": "array", "items": { "bsonType": "string" } }));
    assert_eq!(spec["permissions"]["guest"]["list"], true);
}

#[actix_web::test]
async fn example_2_create_fills_defaults_keeps_undeclared_fields_and_ignores_a_given_id() {
    let p = plants().await;
    let answer = p.ana.post("/v1/plants", json!({ "name": "Fern", "hue": "green", "id": "zzz" })).await;
    let etag = answer.header("etag").unwrap().to_owned();
    let location = answer.header("location").unwrap().to_owned();
    let body = answer.assert(201);
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "name", "potted", "hue", "createdBy", "createdAt", "updatedAt"]);
    assert_eq!(body["id"].as_str().unwrap().len(), 24);
    assert_eq!((&body["potted"], &body["hue"], &body["createdBy"]), (&json!(true), &json!("green"), &json!(p.ana.id)));
    assert!(etag.starts_with('"') && location.ends_with(body["id"].as_str().unwrap()));
    p.ana.get(&location).await.assert(200);
}

#[actix_web::test]
async fn example_3_all_fields_are_checked_in_declared_order() {
    let p = plants().await;
    let answer = p.ana.post("/v1/plants", json!({ "height": -2, "potted": "yes" })).await;
    assert_eq!(answer.details(), ["name/required", "height/minimum", "potted/type"]);
    let body = answer.assert_error(400, "data/validation-error");
    assert!(body["message"].as_str().unwrap().contains("name"));
}

#[actix_web::test]
async fn example_4_a_unique_field_refuses_the_same_value_and_is_case_sensitive() {
    let p = plants().await;
    three(&p).await;
    let answer = p.ana.post("/v1/plants", json!({ "name": "Fern" })).await;
    assert_eq!(answer.details(), ["name/unique"]);
    answer.assert_error(409, "data/duplicate-value");
    p.ana.post("/v1/plants", json!({ "name": "fern" })).await.assert(201);
}

#[actix_web::test]
async fn example_5_numbers_and_dates_are_normalised_and_never_coerced() {
    let p = plants().await;
    let body = p.ana.post("/v1/plants", json!({ "name": "Ivy", "height": 12.0, "price": 5.0, "bought": "2026-03-01" })).await;
    assert!(body.text.contains(r#""height":12,"price":5,"#) && body.text.contains(r#""bought":"2026-03-01T00:00:00.000Z""#), "{}", body.text);
    body.assert(201);
    for (sent, expected) in
        [(json!({ "height": 12.5 }), "height/type"), (json!({ "height": "12" }), "height/type"), (json!({ "bought": "03/01/2026" }), "bought/date")]
    {
        let mut sent = sent;
        sent["name"] = "X".into();
        let answer = p.ana.post("/v1/plants", sent).await;
        assert_eq!(answer.details(), [expected]);
        answer.assert_error(400, "data/validation-error");
    }
}

#[actix_web::test]
async fn example_6_null_is_kept_and_an_empty_string_satisfies_required() {
    let p = plants().await;
    let body = p.ana.post("/v1/plants", json!({ "name": "Moss", "price": null, "tags": ["wet", "shade"] })).await.assert(201);
    assert_eq!(body["price"], Value::Null);
    assert!(body.as_object().unwrap().contains_key("price"));
    let answer = p.ana.post("/v1/plants", json!({ "name": null })).await;
    assert_eq!(answer.details(), ["name/required"]);
    p.ana.post("/v1/plants", json!({ "name": "" })).await.assert(201);
}

#[actix_web::test]
async fn examples_7_to_9_filters() {
    let p = plants().await;
    three(&p).await;
    for (filter, expected) in [
        (r#"{"price":null}"#, vec!["Fern", "Moss"]),
        (r#"{"price":{"$exists":true}}"#, vec!["Ivy", "Moss"]),
        (r#"{"price":{"$ne":5}}"#, vec!["Fern", "Moss"]),
        (r#"{"price":{"$ne":null}}"#, vec!["Ivy"]),
        (r#"{"price":{"$in":[null,5]}}"#, vec!["Fern", "Ivy", "Moss"]),
        (r#"{"price":{"$lt":9}}"#, vec!["Ivy"]),
        (r#"{"price":"5"}"#, vec![]),
        (r#"{"createdAt":{"$gte":"2026-01-01"}}"#, vec!["Fern", "Ivy", "Moss"]),
        (r#"{"tags":"wet"}"#, vec!["Moss"]),
        (r#"{"tags":{"$all":["wet","shade"]}}"#, vec!["Moss"]),
        (r#"{"tags":{"$ne":"wet"}}"#, vec!["Fern", "Ivy"]),
        (r#"{"tags":["wet"]}"#, vec![]),
        (r#"{"name":{"$contains":"ER"}}"#, vec!["Fern"]),
    ] {
        assert_eq!(found(&p, &[("andFilters", filter)]).await, expected, "{filter}");
    }
    for filter in [r#"{"name":"Fern","tags":"wet"}"#, r#"[{"name":"Fern"},{"tags":"wet"}]"#] {
        assert_eq!(found(&p, &[("orFilters", filter)]).await, ["Fern", "Moss"]);
        assert_eq!(found(&p, &[("orFilters", filter), ("andFilters", r#"{"potted":true,"price":{"$exists":false}}"#)]).await, ["Fern"]);
    }
}

#[actix_web::test]
async fn examples_10_and_11_brackets_and_filter_errors() {
    let p = plants().await;
    three(&p).await;
    assert_eq!(names(p.ana.get("/v1/data/plants?filter[height][$gte]=10&sort=name:asc").await), ["Ivy"]);
    assert_eq!(found(&p, &[("andFilters[potted]", "true")]).await.len(), 3);
    let refused = |parameters: &'static [(&'static str, &'static str)]| {
        let client = p.ana.client.clone();
        async move {
            let answer = client.query("/v1/data/plants", parameters).await;
            let details = answer.details();
            answer.assert_error(400, "data/validation-error");
            details[0].clone()
        }
    };
    assert_eq!(refused(&[("filter[height]", "tall")]).await, "filter.height/operand");
    assert_eq!(refused(&[("andFilters", "{category:x}")]).await, "andFilters/json");
    assert!(refused(&[("andFilters", r#"{"$where":"1"}"#)]).await.ends_with("/operator"));
    assert!(refused(&[("andFilters", r#"{"height":{"$in":3}}"#)]).await.ends_with("/operand"));
    assert!(refused(&[("andFilters", r#"{"name":{"$regex":"(?=F)"}}"#)]).await.ends_with("/regex"));
    assert_eq!(found(&p, &[("andFilters", r#"{"name":{"$regex":"^f","$options":"i"}}"#)]).await, ["Fern"]);
}

#[actix_web::test]
async fn examples_12_to_14_search_select_sort_and_pages() {
    let p = plants().await;
    three(&p).await;
    assert!(found(&p, &[("search", "%")]).await.is_empty());
    assert_eq!(found(&p, &[("search", "SHADE")]).await, ["Moss"]);
    assert_eq!(found(&p, &[("search", "ern"), ("searchType", "name")]).await, ["Fern"]);

    let body = p.ana.get("/v1/data/plants?select=name&sortBy=price&sortDirection=asc").await.assert(200);
    let items = body["items"].as_array().unwrap();
    assert_eq!(items.iter().map(|i| i["name"].as_str().unwrap()).collect::<Vec<_>>(), ["Fern", "Moss", "Ivy"]);
    assert!(items.iter().all(|i| i.as_object().unwrap().keys().eq(["id", "name", "createdBy", "createdAt", "updatedAt"])), "{body}");

    let body = p.ana.get("/v1/data/plants?page=9").await.assert(200);
    assert_eq!((&body["items"], &body["pagination"]["total"]), (&json!([]), &json!(3)));
    assert_eq!((&body["pagination"]["hasNext"], &body["pagination"]["hasPrev"]), (&json!(false), &json!(true)));
    p.ana.get("/v1/data/plants?limit=0").await.assert_error(400, "common/invalid-parameters");
    let body = p.ana.get("/v1/data/plants?limit=2&offset=2").await.assert(200);
    assert_eq!((body["items"].as_array().unwrap().len(), &body["pagination"]["page"]), (1, &json!(2)));
}

#[actix_web::test]
async fn examples_15_and_16_patch_replaces_whole_values_follows_paths_and_never_loses_an_increment() {
    let p = plants().await;
    let ids = three(&p).await;
    let ivy = format!("/v1/data/plants/{}", ids[1]);
    let care = |body: Value| body["care"].clone();
    assert_eq!(care(p.ana.patch(&ivy, json!({ "care": { "water": "low", "note": "n" } })).await.assert(200)), json!({ "water": "low", "note": "n" }));
    assert_eq!(care(p.ana.patch(&ivy, json!({ "care": { "water": "high" } })).await.assert(200)), json!({ "water": "high" }));
    assert_eq!(care(p.ana.patch(&ivy, json!({ "care.note": "m" })).await.assert(200)), json!({ "water": "high", "note": "m" }));
    let answer = p.ana.patch(&ivy, json!({ "care": { "water": "wet" } })).await;
    assert_eq!(answer.details(), ["care.water/enum"]);

    assert_eq!(p.ana.patch(&ivy, json!({ "$inc": { "height": -12 } })).await.assert(200)["height"], 0);
    let answer = p.ana.patch(&ivy, json!({ "$inc": { "height": -12 } })).await;
    assert_eq!(answer.details(), ["height/minimum"]);
    let all = futures_util::future::join_all((0..20).map(|_| p.ana.patch(&ivy, json!({ "$inc": { "height": 1 } })))).await;
    assert!(all.iter().all(|a| a.status == 200));
    assert_eq!(p.ana.get(&ivy).await.assert(200)["height"], 20);
}

#[actix_web::test]
async fn example_17_strangers_are_403_the_absent_404_and_guests_read_only() {
    let p = plants().await;
    let ids = three(&p).await;
    p.ben.patch(&format!("/v1/data/plants/{}", ids[0]), json!({ "height": 1 })).await.assert_error(403, "data/permission-denied");
    p.ben.patch("/v1/data/plants/65f0a1b2c3d4e5f6a7b8c9d0", json!({ "height": 1 })).await.assert_error(404, "data/not-found");
    p.app.guest().get("/v1/data/plants").await.assert(200);
    p.app.guest().post("/v1/data/plants", json!({ "name": "G" })).await.assert_error(403, "data/permission-denied");
}

#[actix_web::test]
async fn example_18_self_narrows_lists_silently_and_single_reads_are_403() {
    let p = plants().await;
    three(&p).await;
    let bens = p.ben.post("/v1/plants", json!({ "name": "Reed" })).await.assert(201)["id"].as_str().unwrap().to_owned();
    p.app.permissions("plants", json!({ "permissions": { "user": { "create": true }, "self": { "read": true } } })).await;
    assert_eq!(found(&p, &[]).await, ["Fern", "Ivy", "Moss"]);
    let filter = json!({ "createdBy": p.ben.id }).to_string();
    assert!(found(&p, &[("andFilters", &filter)]).await.is_empty());
    p.ana.get(&format!("/v1/data/plants/{bens}")).await.assert_error(403, "data/permission-denied");
    p.app.guest().get("/v1/data/plants").await.assert_error(403, "data/permission-denied");
    assert_eq!(names(p.sk.get("/v1/data/plants").await).len(), 4);
}

#[actix_web::test]
async fn example_19_without_stored_permissions_owners_change_their_own_records() {
    let p = plants().await;
    p.app.permissions("plants", json!({ "permissions": null })).await;
    let own = p.ana.post("/v1/plants", json!({ "name": "Own" })).await.assert(201)["id"].as_str().unwrap().to_owned();
    let other = p.ben.post("/v1/plants", json!({ "name": "Other" })).await.assert(201)["id"].as_str().unwrap().to_owned();
    p.ana.patch(&format!("/v1/data/plants/{own}"), json!({ "height": 1 })).await.assert(200);
    p.ana.patch(&format!("/v1/data/plants/{other}"), json!({ "height": 1 })).await.assert_error(403, "data/permission-denied");
}

#[actix_web::test]
async fn example_21_system_tables_are_for_admins_and_unknown_tables_404() {
    let p = plants().await;
    p.app.guest().get("/v1/data/users").await.assert_error(403, "data/system-table-access");
    p.sk.get("/v1/data/nope").await.assert_error(404, "data/table-not-found");
    let users = p.sk.get("/v1/data/users").await.assert(200);
    assert_eq!(users["pagination"]["total"], 2, "{users}");
    p.sk.post("/v1/data/users", json!({})).await.assert_error(403, "data/system-table-access");
}

#[actix_web::test]
async fn example_22_an_array_creates_all_or_none() {
    let p = plants().await;
    let answer = p.ana.post("/v1/plants", json!([{ "name": "A" }, { "height": 1 }, { "name": "A" }])).await;
    assert_eq!(answer.body["error"]["details"][0]["position"], 1);
    answer.assert_error(400, "data/validation-error");
    assert!(found(&p, &[]).await.is_empty());
    let body = p.ana.post("/v1/plants", json!([{ "name": "A" }, { "name": "B" }])).await.assert(201);
    assert_eq!((&body["count"], body["items"].as_array().unwrap().len()), (&json!(2), 2));
}

#[actix_web::test]
async fn example_23_secret_keys_set_id_and_creator_and_publishable_keys_do_not() {
    let p = plants().await;
    let body = p.sk.post("/v1/plants", json!({ "name": "Oak", "createdBy": p.ben.id, "id": "data_7c1e" })).await.assert(201);
    assert_eq!((&body["id"], &body["createdBy"]), (&json!("data_7c1e"), &json!(p.ben.id)));
    let body = p.ana.post("/v1/plants", json!({ "name": "Elm", "createdBy": p.ben.id, "id": "data_7c1f" })).await.assert(201);
    assert_eq!(body["createdBy"], json!(p.ana.id));
    assert_ne!(body["id"], "data_7c1f");
}

#[actix_web::test]
async fn example_24_a_stale_if_match_changes_nothing() {
    let p = plants().await;
    let ids = three(&p).await;
    let fern = format!("/v1/data/plants/{}", ids[0]);
    let old = p.ana.get(&fern).await.header("etag").unwrap().to_owned();
    p.ana.header("If-Match", &old).patch(&fern, json!({ "height": 1 })).await.assert(200);
    p.ana.header("If-Match", &old).patch(&fern, json!({ "height": 2 })).await.assert_error(412, "data/precondition-failed");
    assert_eq!(p.ana.get(&fern).await.assert(200)["height"], 1);
}

#[actix_web::test]
async fn example_25_an_upsert_creates_and_then_finds() {
    let p = plants().await;
    let body = json!({ "match": { "name": "Lily" }, "set": { "height": 3 } });
    let first = p.ana.post("/v1/data/plants/upsert", body.clone()).await.assert(201);
    let second = p.ana.post("/v1/data/plants/upsert", body).await.assert(200);
    assert_eq!(first["id"], second["id"]);
}

#[actix_web::test]
async fn example_29_deleting_twice_and_the_empty_id() {
    let p = plants().await;
    let ids = three(&p).await;
    let fern = format!("/v1/data/plants/{}", ids[0]);
    assert_eq!(p.ana.delete(&fern).await.assert(200), json!({ "success": true }));
    p.ana.delete(&fern).await.assert_error(404, "data/not-found");
    p.ana.delete("/v1/data/plants/").await.assert_error(404, "common/not-found");
    p.sk.delete("/v1/data/plants").await.assert_error(400, "common/invalid-parameters");
}

#[actix_web::test]
async fn every_read_sees_the_writes_answered_before_it() {
    let p = plants().await;
    let ids = three(&p).await;
    let (fern, list) = (format!("/v1/data/plants/{}", ids[0]), "/v1/data/plants?sortBy=name&limit=1");
    for height in 1..40 {
        p.ana.patch(&fern, json!({ "height": height })).await.assert(200);
        assert_eq!(p.ana.get(&fern).await.assert(200)["height"], height);
        assert_eq!(p.ana.get("/v1/data/plants?andFilters={\"name\":\"Fern\"}").await.assert(200)["items"][0]["height"], height);
    }
    let before = p.ana.get(list).await.assert(200);
    p.ana.post("/v1/plants", json!({ "name": "Zinnia" })).await.assert(201);
    let after = p.ana.get(list).await.assert(200);
    assert_eq!((&before["pagination"]["total"], &after["pagination"]["total"]), (&json!(3), &json!(4)));
    assert_eq!(after["items"][0]["name"], "Zinnia");
    p.ana.delete(&fern).await.assert(200);
    p.ana.get(&fern).await.assert_error(404, "data/not-found");
    // Another caller never gets what was remembered for this one.
    p.app.permissions("plants", json!({ "permissions": { "self": { "read": true } } })).await;
    assert_eq!(p.ana.get(list).await.assert(200)["pagination"]["total"], 3);
    assert_eq!(p.ben.get(list).await.assert(200)["pagination"]["total"], 0);
    p.app.guest().get(list).await.assert_error(403, "data/permission-denied");
}
