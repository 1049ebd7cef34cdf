//! Changes of fields, versions and what they do to stored records (`02-data.md` §11).

use bkend_local::domain::error::{Error, Result};
use bkend_local::domain::page::Page;
use bkend_local::domain::tables::field_change::FieldChange;
use bkend_local::domain::tables::index_change::IndexChange;
use bkend_local::domain::tables::ops::{FieldsChanged, IndexesChanged};
use bkend_local::store::data::VersionKind;
use serde_json::{Value, json};

use crate::support::TestApp;

async fn manage(app: &TestApp, table: &str, body: Value) -> Result<FieldsChanged> {
    app.environment.manage_fields(&app.owner(), table, FieldChange::parse(&body, false)?, None).await
}

async fn indexes(app: &TestApp, table: &str, body: Value) -> Result<IndexesChanged> {
    app.environment.manage_indexes(&app.owner(), table, IndexChange::parse(&body, false)?, false).await
}

async fn refused(app: &TestApp, table: &str, body: Value, code: &str) -> Error {
    let error = manage(app, table, body.clone()).await.expect_err(&body.to_string());
    assert_eq!(error.code().name, code, "{body} {error}");
    error
}

/// A table and its records, made with the secret key.
async fn table(app: &TestApp, name: &str, schema: Value, records: &[Value]) -> Vec<String> {
    app.table(json!({ "tableName": name, "schema": schema })).await;
    add(app, name, records).await
}

async fn add(app: &TestApp, name: &str, records: &[Value]) -> Vec<String> {
    let mut ids = Vec::new();
    for record in records {
        ids.push(app.secret().post(&format!("/v1/data/{name}"), record.clone()).await.assert(201)["id"].as_str().unwrap().to_owned());
    }
    ids
}

/// One field of every record, oldest first; `"-"` where it is missing.
async fn column(app: &TestApp, table: &str, field: &str) -> Vec<Value> {
    let body = app.secret().get(&format!("/v1/data/{table}?sortBy=id&sortDirection=asc&limit=100")).await.assert(200);
    body["items"].as_array().unwrap().iter().map(|i| i.get(field).cloned().unwrap_or(json!("-"))).collect()
}

async fn count(app: &TestApp, table: &str, filter: Value) -> u64 {
    app.secret().post(&format!("/v1/data/{table}/count"), json!({ "andFilters": filter })).await.assert(200)["count"].as_u64().unwrap()
}

async fn plants(app: &TestApp) -> Vec<String> {
    table(
        app,
        "plants",
        json!({ "name": { "type": "string", "required": true, "unique": true, "maxLength": 20 }, "height": { "type": "int", "minimum": 0 }, "price": "number" }),
        &[json!({ "name": "Fern", "hue": "green" }), json!({ "name": "Ivy", "height": 12, "price": 5.0 }), json!({ "name": "Moss", "price": null })],
    )
    .await
}

fn version(app: &TestApp, table: &str) -> (u32, u32) {
    let table = app.environment.table(table).unwrap();
    (table.schema_version, table.index_version)
}

#[actix_web::test]
async fn example_26_a_unique_index_over_duplicates_is_refused_and_names_them() {
    let app = TestApp::start().await;
    let ids = plants(&app).await;
    add(&app, "plants", &[json!({ "name": "Oak", "hue": "green" })]).await;
    let unique = json!({ "indexesToAddOrUpdate": [{ "name": "hue", "fields": { "hue": 1 }, "unique": true }] });
    let error = indexes(&app, "plants", unique.clone()).await.unwrap_err();
    assert_eq!(error.code().name, "data/duplicate-value");
    let greens = error.detail_list().iter().find(|d| d.more["value"] == "green").unwrap();
    assert_eq!((&greens.more["count"], greens.more["ids"].as_array().unwrap().len()), (&json!(2), 2));
    assert_eq!(version(&app, "plants"), (1, 1));
    app.secret().patch(&format!("/v1/data/plants/{}", ids[0]), json!({ "hue": "lime" })).await.assert(200);
    // Ivy and Moss lack hue: one value to a unique index, left out by a sparse one.
    assert_eq!(indexes(&app, "plants", unique).await.unwrap_err().code().name, "data/duplicate-value");
    let sparse = json!({ "indexesToAddOrUpdate": [{ "name": "hue", "fields": { "hue": 1 }, "unique": true, "sparse": true }] });
    assert_eq!(indexes(&app, "plants", sparse).await.unwrap().index_version, 2);
    let answer = app.secret().post("/v1/data/plants", json!({ "name": "Elm", "hue": "green" })).await;
    assert_eq!(answer.details(), ["hue/unique"]);
    answer.assert_error(409, "data/duplicate-value");
}

#[actix_web::test]
async fn example_27_values_that_cannot_convert_are_listed_and_nothing_changes() {
    let app = TestApp::start().await;
    let ids = plants(&app).await;
    let before = app.secret().get("/v1/data/plants").await.assert(200);
    let error = refused(&app, "plants", json!({ "fieldsToAddOrUpdate": { "name": { "bsonType": "int" } } }), "schema/incompatible-values").await;
    assert_eq!(error.more()["count"], 3);
    let first = &error.detail_list()[0];
    assert_eq!((first.field.as_str(), first.rule.as_str(), &first.more["id"], &first.more["value"]), ("name", "type", &json!(ids[0]), &json!("Fern")));
    assert_eq!(version(&app, "plants"), (1, 1));
    assert_eq!(app.secret().get("/v1/data/plants").await.assert(200), before);
    // The unique index is still there.
    app.secret().post("/v1/data/plants", json!({ "name": "Fern" })).await.assert_error(409, "data/duplicate-value");
}

#[actix_web::test]
async fn an_error_shows_twenty_values_and_counts_all() {
    let app = TestApp::start().await;
    let records: Vec<Value> = (0..30).map(|i| json!({ "a": format!("x{i}") })).collect();
    table(&app, "t", json!({ "a": "string" }), &records).await;
    let error = refused(&app, "t", json!({ "fieldsToAddOrUpdate": { "a": "int" } }), "schema/incompatible-values").await;
    assert_eq!((error.detail_list().len(), &error.more()["count"]), (20, &json!(30)));
}

#[actix_web::test]
async fn example_28_an_older_schema_becomes_a_new_version_and_values_stay() {
    let app = TestApp::start().await;
    let ids = plants(&app).await;
    let added = manage(&app, "plants", json!({ "fieldsToAddOrUpdate": { "soil": "string" } })).await.unwrap();
    assert_eq!((added.schema_version, added.previous_version), (2, 1));
    let fern = format!("/v1/data/plants/{}", ids[0]);
    app.secret().patch(&fern, json!({ "soil": "loam" })).await.assert(200);
    let owner = app.owner();
    let back = app.environment.roll_back_schema(&owner, "plants", "v1", false, None).await.unwrap();
    assert_eq!(back.schema_version, 3);
    assert!(back.schema["properties"].get("soil").is_none());
    assert_eq!(app.secret().get(&fern).await.assert(200)["soil"], "loam");
    let required = manage(&app, "plants", json!({ "requiredFieldsToAdd": ["price"] })).await.unwrap();
    assert_eq!(required.warnings, [json!({ "field": "price", "rule": "required", "count": 2 })]);
    assert_eq!(required.applied_required["added"], json!(["price"]));
    app.secret().patch(&fern, json!({ "height": 4 })).await.assert(200);
    let answer = app.secret().patch(&fern, json!({ "price": null })).await;
    assert_eq!(answer.details(), ["price/required"]);
    let versions = app.environment.table_versions("plants", VersionKind::Schema, Page { limit: 20, offset: 0, number: 1 }).await.unwrap();
    assert_eq!(versions.items.iter().map(|v| (v.version, v.is_active)).collect::<Vec<_>>(), [(4, true), (3, false), (2, false), (1, false)]);
    for unknown in ["9", "v0", "x", ""] {
        let error = app.environment.roll_back_schema(&owner, "plants", unknown, false, None).await.unwrap_err();
        assert_eq!(error.code().name, "table/schema-version-not-found");
    }
}

#[actix_web::test]
async fn applying_a_version_declares_stored_values_again_and_removed_ones_do_not_return() {
    let app = TestApp::start().await;
    table(&app, "t", json!({ "a": "int", "b": "int" }), &[json!({ "a": 1, "b": 2 })]).await;
    manage(&app, "t", json!({ "fieldsToRemove": ["a"], "keepData": true })).await.unwrap();
    manage(&app, "t", json!({ "fieldsToRemove": ["b"], "allowDestructive": true })).await.unwrap();
    add(&app, "t", &[json!({ "a": "7" })]).await;
    let owner = app.owner();
    let rehearsed = app.environment.roll_back_schema(&owner, "t", "1", true, None).await.unwrap();
    assert_eq!((rehearsed.schema_version, version(&app, "t").0), (4, 3));
    let back = app.environment.roll_back_schema(&owner, "t", "1", false, None).await.unwrap();
    assert_eq!((back.schema_version, back.applied_fields["added"].clone()), (4, json!(["a", "b"])));
    assert_eq!(column(&app, "t", "a").await, [json!(1), json!(7)]);
    assert_eq!(column(&app, "t", "b").await, ["-", "-"]);
    add(&app, "t", &[json!({ "a": 1, "b": 1 })]).await;
    // The same schema again is no change.
    assert_eq!(app.environment.roll_back_schema(&owner, "t", "v1", false, None).await.unwrap().schema_version, 4);
}

#[actix_web::test]
async fn every_conversion_of_the_table_is_carried_out_for_every_record() {
    let app = TestApp::start().await;
    for (n, (from, to, values, expected)) in [
        (json!("int"), json!("string"), json!([1, null, -5]), json!(["1", null, "-5"])),
        (json!("double"), json!("string"), json!([1.5, 2.0]), json!(["1.5", "2"])),
        (json!("bool"), json!("string"), json!([true]), json!(["true"])),
        (json!("date"), json!("string"), json!(["2026-03-01"]), json!(["2026-03-01T00:00:00.000Z"])),
        (json!("object"), json!("string"), json!([{ "a": [1] }]), json!(["{\"a\":[1]}"])),
        (json!(["int"]), json!("string"), json!([[1, 2]]), json!(["[1,2]"])),
        (json!("int"), json!("double"), json!([3]), json!([3])),
        (json!("double"), json!("int"), json!([3.0]), json!([3])),
        (json!("string"), json!("int"), json!(["12", "-1"]), json!([12, -1])),
        (json!("string"), json!("double"), json!(["1.5"]), json!([1.5])),
        (json!("bool"), json!("int"), json!([true, false]), json!([1, 0])),
        (json!("int"), json!("bool"), json!([0, 1]), json!([false, true])),
        (json!("string"), json!("bool"), json!(["true", "0"]), json!([true, false])),
        (json!("string"), json!("date"), json!(["2026-03-01 10:00"]), json!(["2026-03-01T10:00:00.000Z"])),
        (json!("int"), json!("date"), json!([86400000]), json!(["1970-01-02T00:00:00.000Z"])),
        (json!("string"), json!("array"), json!(["[1,2]"]), json!([[1, 2]])),
        (json!("string"), json!("object"), json!(["{\"a\":1}"]), json!([{ "a": 1 }])),
        (json!("string"), json!("mixed"), json!(["x"]), json!(["x"])),
        (json!("mixed"), json!("string"), json!(["x", 1, { "a": 1 }]), json!(["x", "1", "{\"a\":1}"])),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("t{n}");
        let records: Vec<Value> = values.as_array().unwrap().iter().map(|v| json!({ "f": v })).chain([json!({ "other": 1 })]).collect();
        table(&app, &name, json!({ "f": from }), &records).await;
        let times = column(&app, &name, "updatedAt").await;
        let changed = manage(&app, &name, json!({ "fieldsToAddOrUpdate": { "f": { "type": to } } })).await.unwrap();
        assert_eq!((changed.schema_version, changed.applied_fields), (2, json!({ "added": [], "updated": ["f"], "removed": [] })));
        let mut expected: Vec<Value> = expected.as_array().unwrap().clone();
        expected.push(json!("-"));
        assert_eq!(column(&app, &name, "f").await, expected, "{from} to {to}");
        assert_eq!(column(&app, &name, "updatedAt").await, times);
        assert_eq!(count(&app, &name, json!({ "f": expected[0] })).await, 1, "{from} to {to}");
    }
}

#[actix_web::test]
async fn combinations_that_the_table_does_not_list_fail() {
    let app = TestApp::start().await;
    for (n, (from, to, value)) in [
        (json!("date"), "int", json!("2026-01-01")),
        (json!("double"), "int", json!(1.5)),
        (json!("int"), "bool", json!(2)),
        (json!("bool"), "date", json!(true)),
        (json!("object"), "array", json!({})),
        (json!(["int"]), "object", json!([1])),
        (json!("int"), "array", json!(1)),
        (json!("string"), "object", json!("[1]")),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("t{n}");
        table(&app, &name, json!({ "f": from }), &[json!({ "f": value })]).await;
        refused(&app, &name, json!({ "fieldsToAddOrUpdate": { "f": { "type": to } } }), "schema/incompatible-values").await;
        assert_eq!(version(&app, &name), (1, 1));
    }
}

#[actix_web::test]
async fn declaring_an_undeclared_field_converts_its_values() {
    let app = TestApp::start().await;
    table(&app, "t", json!({}), &[json!({ "n": "12" }), json!({ "n": 5.0 }), json!({ "n": null }), json!({ "x": 1 })]).await;
    indexes(&app, "t", json!({ "indexesToAddOrUpdate": [{ "fields": ["n"] }] })).await.unwrap();
    manage(&app, "t", json!({ "fieldsToAddOrUpdate": { "n": "int" } })).await.unwrap();
    assert_eq!(column(&app, "t", "n").await, [json!(12), json!(5), json!(null), json!("-")]);
    assert_eq!(count(&app, "t", json!({ "n": { "$gte": 5 } })).await, 2);
    let sorted = app.secret().get("/v1/data/t?sortBy=n&sortDirection=desc").await.assert(200);
    assert_eq!(sorted["items"][0]["n"], 12);
    refused(&app, "t", json!({ "fieldsToAddOrUpdate": { "x": "date", "n": "object" } }), "schema/incompatible-values").await;
}

#[actix_web::test]
async fn members_of_objects_are_converted_too_so_that_queries_may_rely_on_their_type() {
    let app = TestApp::start().await;
    table(&app, "t", json!({ "o": "object" }), &[json!({ "o": { "n": "12", "d": { "at": "2026-03-01" } } }), json!({ "o": { "n": 7 } }), json!({ "o": null })])
        .await;
    indexes(&app, "t", json!({ "indexesToAddOrUpdate": [{ "name": "on", "fields": ["o.n"] }] })).await.unwrap();
    let typed = json!({ "fieldsToAddOrUpdate": { "o": { "properties": { "n": "int", "d": { "type": "object", "properties": { "at": "date" } } } } } });
    manage(&app, "t", typed).await.unwrap();
    assert_eq!(column(&app, "t", "o").await[0], json!({ "n": 12, "d": { "at": "2026-03-01T00:00:00.000Z" } }));
    assert_eq!(count(&app, "t", json!({ "o.n": { "$gt": 7 } })).await, 1);
    let error =
        refused(&app, "t", json!({ "fieldsToAddOrUpdate": { "o": { "properties": { "n": "date", "d": "int" } } } }), "schema/incompatible-values").await;
    assert!(error.detail_list().iter().all(|d| d.field.starts_with("o.")), "{:?}", error.detail_list());
}

#[actix_web::test]
async fn removing_a_field_with_values_is_destructive() {
    let app = TestApp::start().await;
    plants(&app).await;
    indexes(&app, "plants", json!({ "indexesToAddOrUpdate": [{ "name": "both", "fields": { "price": 1, "height": -1 } }] })).await.unwrap();
    let error = refused(&app, "plants", json!({ "fieldsToRemove": ["price"] }), "schema/destructive").await;
    assert_eq!((error.detail_list()[0].field.as_str(), &error.detail_list()[0].more["count"]), ("price", &json!(2)));
    let rehearsed = manage(&app, "plants", json!({ "fieldsToRemove": ["price"], "dryRun": true })).await.unwrap();
    assert_eq!((rehearsed.schema_version, rehearsed.removed_values), (2, json!({ "price": 2 })));
    assert_eq!((version(&app, "plants"), count(&app, "plants", json!({ "price": 5 })).await), ((1, 2), 1));
    let gone = manage(&app, "plants", json!({ "fieldsToRemove": ["price", "nope"], "allowDestructive": true })).await.unwrap();
    assert_eq!(gone.removed_values, json!({ "price": 2 }));
    assert!(gone.warnings[0].as_str().unwrap().contains("nope"));
    assert_eq!(gone.applied_fields, json!({ "added": [], "updated": [], "removed": ["price"] }));
    assert_eq!(column(&app, "plants", "price").await, ["-", "-", "-"]);
    let names: Vec<String> = app.environment.table("plants").unwrap().indexes.iter().map(|i| i.name.clone()).collect();
    assert!(!names.contains(&"both".to_owned()), "{names:?}");
    assert_eq!(version(&app, "plants"), (2, 3));
}

#[actix_web::test]
async fn keep_data_turns_values_into_undeclared_ones() {
    let app = TestApp::start().await;
    plants(&app).await;
    let kept = manage(&app, "plants", json!({ "fieldsToRemove": ["name", "price"], "keepData": true })).await.unwrap();
    assert_eq!((kept.removed_values, &kept.applied_required["removed"]), (json!({}), &json!(["name"])));
    assert_eq!(column(&app, "plants", "name").await, ["Fern", "Ivy", "Moss"]);
    app.secret().post("/v1/data/plants", json!({ "name": "Fern", "price": "free" })).await.assert(201);
    assert_eq!(count(&app, "plants", json!({ "price": "free" })).await, 1);
    // Declared unique again, the two ferns are in the way.
    let error = refused(&app, "plants", json!({ "fieldsToAddOrUpdate": { "name": { "type": "string", "unique": true } } }), "data/duplicate-value").await;
    assert_eq!(error.detail_list()[0].more["value"], "Fern");
}

#[actix_web::test]
async fn renaming_moves_values_indexes_and_permissions() {
    let app = TestApp::start().await;
    let ids = plants(&app).await;
    indexes(&app, "plants", json!({ "indexesToAddOrUpdate": [{ "name": "both", "fields": { "height": 1, "price": -1 } }] })).await.unwrap();
    app.permissions(
        "plants",
        json!({ "permissions": { "guest": { "read": true } }, "columnPermissions": { "price": { "read": "admin" } },
            "rowFilters": [{ "expression": "public", "filter": { "height": { "$gt": 3 } } }] }),
    )
    .await;
    let renamed = manage(&app, "plants", json!({ "fieldsToRename": { "name": "title", "price": "cost", "height": "tall" } })).await.unwrap();
    assert_eq!(renamed.applied_fields["updated"], json!(["title", "cost", "tall"]));
    assert_eq!(renamed.schema["required"], json!(["title"]));
    assert_eq!(column(&app, "plants", "title").await, ["Fern", "Ivy", "Moss"]);
    assert_eq!(column(&app, "plants", "name").await, ["-", "-", "-"]);
    app.secret().post("/v1/data/plants", json!({ "title": "Fern" })).await.assert_error(409, "data/duplicate-value");
    let table = app.environment.table("plants").unwrap();
    let both = table.indexes.iter().find(|i| i.name == "both").unwrap();
    assert_eq!(both.fields.keys().collect::<Vec<_>>(), ["tall", "cost"]);
    assert!(table.indexes.iter().any(|i| i.name == "title_unique") && !table.indexes.iter().any(|i| i.name == "name_unique"));
    let seen = app.guest().get("/v1/data/plants").await.assert(200);
    assert_eq!((seen["items"].as_array().unwrap().len(), &seen["items"][0]["id"]), (1, &json!(ids[1])));
    assert!(seen["items"][0].get("cost").is_none());
    refused(&app, "plants", json!({ "fieldsToRename": { "title": "hue" } }), "table/field-conflict").await;
    refused(&app, "plants", json!({ "fieldsToRename": { "title": "cost" } }), "table/field-conflict").await;
    refused(&app, "plants", json!({ "fieldsToRename": { "nope": "x" } }), "table/field-not-found").await;
    assert_eq!(column(&app, "plants", "title").await, ["Fern", "Ivy", "Moss"]);
}

#[actix_web::test]
async fn tighter_rules_bind_the_next_write_and_tell_how_many_records_break_them() {
    let app = TestApp::start().await;
    let schema = json!({ "s": "string", "n": "int", "tags": ["string"] });
    let ids = table(&app, "t", schema, &[json!({ "s": "long text", "n": 50, "tags": ["a", "b"] }), json!({ "s": "ok", "n": 1 }), json!({})]).await;
    let changed = manage(
        &app,
        "t",
        json!({ "fieldsToAddOrUpdate": { "s": { "maxLength": 3, "required": true }, "n": { "enum": [1, 2], "maximum": 10 }, "tags": { "maxItems": 1 } } }),
    )
    .await
    .unwrap();
    let mut told: Vec<String> =
        changed.warnings.iter().map(|w| format!("{}/{}/{}", w["field"].as_str().unwrap(), w["rule"].as_str().unwrap(), w["count"])).collect();
    told.sort();
    assert_eq!(told, ["n/enum/1", "n/maximum/1", "s/maxLength/1", "s/required/1", "tags/maxItems/1"]);
    let first = format!("/v1/data/t/{}", ids[0]);
    app.secret().patch(&first, json!({ "other": 1 })).await.assert(200);
    assert_eq!(app.secret().patch(&first, json!({ "n": 3 })).await.details(), ["n/enum"]);
}

#[actix_web::test]
async fn backfill_writes_the_default_where_the_field_is_missing() {
    let app = TestApp::start().await;
    table(&app, "t", json!({}), &[json!({}), json!({ "s": "x" }), json!({ "s": null })]).await;
    let body = json!({ "fieldsToAddOrUpdate": { "s": { "type": "string", "default": "new", "required": true }, "plain": { "type": "int", "default": 1 } }, "backfill": true });
    let changed = manage(&app, "t", body).await.unwrap();
    assert_eq!(changed.warnings, [json!({ "field": "s", "rule": "required", "count": 1 })]);
    assert_eq!(column(&app, "t", "s").await, [json!("new"), json!("x"), json!(null)]);
    assert_eq!(column(&app, "t", "plain").await, [1, 1, 1]);
    assert_eq!(count(&app, "t", json!({ "s": "new" })).await, 1);
    manage(&app, "t", json!({ "fieldsToAddOrUpdate": { "later": { "type": "int", "default": 2 } } })).await.unwrap();
    assert_eq!(column(&app, "t", "later").await, ["-", "-", "-"]);
}

#[actix_web::test]
async fn only_an_effective_change_makes_a_version() {
    let app = TestApp::start().await;
    plants(&app).await;
    for body in [json!({ "fieldsToAddOrUpdate": { "price": "double" } }), json!({ "requiredFieldsToAdd": ["name"] }), json!({ "additionalFields": true })] {
        let same = manage(&app, "plants", body).await.unwrap();
        assert_eq!((same.schema_version, same.previous_version), (1, 1));
    }
    assert_eq!(manage(&app, "plants", json!({ "additionalFields": false })).await.unwrap().schema_version, 1);
    let listed = app.secret().get("/v1/data/plants").await.assert(200);
    assert!(listed["items"].as_array().unwrap().iter().all(|i| i.get("hue").is_none()));
    assert_eq!(count(&app, "plants", json!({ "hue": "green" })).await, 0);
    manage(&app, "plants", json!({ "additionalFields": true })).await.unwrap();
    assert_eq!(count(&app, "plants", json!({ "hue": "green" })).await, 1);
}

#[actix_web::test]
async fn a_call_with_one_bad_part_changes_nothing() {
    let app = TestApp::start().await;
    plants(&app).await;
    let before = (app.secret().get("/v1/data/plants/spec").await.assert(200), app.secret().get("/v1/data/plants").await.assert(200));
    for (body, code) in [
        (
            json!({ "fieldsToAddOrUpdate": { "soil": "string", "name": "int" }, "fieldsToRemove": ["price"], "allowDestructive": true }),
            "schema/incompatible-values",
        ),
        (json!({ "fieldsToRemove": ["height", "price"], "fieldsToRename": { "name": "hue" }, "allowDestructive": true }), "table/field-conflict"),
        (
            json!({ "fieldsToAddOrUpdate": { "price": { "unique": true }, "group": { "type": "int", "default": 1, "unique": true } }, "backfill": true }),
            "data/duplicate-value",
        ),
        (json!({ "fieldsToAddOrUpdate": { "price": "string" }, "fieldsToRemove": ["height"] }), "schema/destructive"),
        (json!({ "fieldsToAddOrUpdate": { "price": "number" }, "fieldsToRemove": ["price"] }), "table/field-conflict"),
        (json!({ "requiredFieldsToAdd": ["price"], "requiredFieldsToRemove": ["price"] }), "table/required-conflict"),
        (json!({ "requiredFieldsToAdd": ["nope"] }), "table/field-not-found"),
        (json!({ "fieldsToAddOrUpdate": { "createdAt": "date" } }), "table/system-field-protected"),
        (json!({}), "common/invalid-parameters"),
    ] {
        refused(&app, "plants", body, code).await;
        let after = (app.secret().get("/v1/data/plants/spec").await.assert(200), app.secret().get("/v1/data/plants").await.assert(200));
        assert_eq!(after, before);
    }
    assert_eq!(version(&app, "plants"), (1, 1));
}

#[actix_web::test]
async fn a_conversion_that_makes_values_equal_is_refused_by_their_unique_field() {
    let app = TestApp::start().await;
    table(&app, "t", json!({ "a": { "type": "string", "unique": true } }), &[json!({ "a": "1" }), json!({ "a": "01" })]).await;
    let error = refused(&app, "t", json!({ "fieldsToAddOrUpdate": { "a": "int" } }), "data/duplicate-value").await;
    assert_eq!((error.detail_list()[0].field.as_str(), &error.detail_list()[0].more["count"]), ("a", &json!(2)));
    assert_eq!(column(&app, "t", "a").await, ["1", "01"]);
    app.secret().post("/v1/data/t", json!({ "a": "1" })).await.assert_error(409, "data/duplicate-value");
}

#[actix_web::test]
async fn letter_case_tells_fields_tables_and_indexes_apart() {
    let app = TestApp::start().await;
    let schema = json!({ "userId": { "type": "string", "unique": true }, "userid": { "type": "string", "unique": true } });
    table(&app, "Posts", schema.clone(), &[json!({ "userId": "a", "userid": "b" })]).await;
    table(&app, "posts", schema, &[json!({ "userId": "x", "userid": "y" })]).await;
    assert_eq!(column(&app, "Posts", "userId").await, ["a"]);
    assert_eq!(column(&app, "posts", "userid").await, ["y"]);
    let answer = app.secret().post("/v1/data/posts", json!({ "userId": "z", "userid": "y" })).await;
    assert_eq!(answer.details(), ["userid/unique"]);
    manage(&app, "posts", json!({ "fieldsToRename": { "userid": "USERID" }, "fieldsToAddOrUpdate": { "Userid": "int" } })).await.unwrap();
    manage(&app, "posts", json!({ "fieldsToRemove": ["userId"], "allowDestructive": true })).await.unwrap();
    manage(&app, "posts", json!({ "fieldsToAddOrUpdate": { "userid": { "type": "string", "unique": true } } })).await.unwrap();
    assert_eq!(column(&app, "posts", "USERID").await, ["y"]);
    indexes(&app, "posts", json!({ "indexesToAddOrUpdate": [{ "name": "A", "fields": ["x"], "unique": true, "sparse": true }, { "name": "a", "fields": ["y"], "unique": true, "sparse": true }] }))
        .await
        .unwrap();
    add(&app, "posts", &[json!({ "x": 1, "y": 1 })]).await;
    assert_eq!(app.secret().post("/v1/data/posts", json!({ "x": 2, "y": 1 })).await.details(), ["y/unique"]);
    assert_eq!(column(&app, "Posts", "userId").await, ["a"]);
}

#[actix_web::test]
async fn fields_may_be_named_like_columns_of_the_store() {
    let app = TestApp::start().await;
    let names = ["doc", "seq", "created_by", "created_at", "updated_at", "rowid", "oid", "ID", "Doc", "select", "order", "table", "index"];
    let schema: serde_json::Map<String, Value> = names.iter().map(|n| ((*n).to_owned(), json!({ "type": "int", "unique": true }))).collect();
    let record: serde_json::Map<String, Value> = names.iter().enumerate().map(|(i, n)| ((*n).to_owned(), json!(i))).collect();
    table(&app, "t", Value::Object(schema), &[Value::Object(record)]).await;
    for (i, name) in names.iter().enumerate() {
        assert_eq!(count(&app, "t", json!({ *name: i })).await, 1, "{name}");
        assert_eq!(app.secret().post("/v1/data/t", json!({ *name: i })).await.details(), [format!("{name}/unique")]);
    }
    let text: serde_json::Map<String, Value> = names.iter().map(|n| ((*n).to_owned(), json!("string"))).collect();
    manage(&app, "t", json!({ "fieldsToAddOrUpdate": text })).await.unwrap();
    assert_eq!(count(&app, "t", json!({ "seq": "1", "doc": "0" })).await, 1);
    manage(&app, "t", json!({ "fieldsToRemove": names, "allowDestructive": true })).await.unwrap();
    assert_eq!(column(&app, "t", "doc").await, ["-"]);
}

#[actix_web::test]
async fn a_table_declares_up_to_300_fields() {
    let app = TestApp::start().await;
    let fields = |from: usize, to: usize| (from..to).map(|i| (format!("f{i}"), json!("int"))).collect::<serde_json::Map<String, Value>>();
    table(&app, "t", Value::Object(fields(0, 200)), &[json!({ "f0": 1, "f299": 5 })]).await;
    manage(&app, "t", json!({ "fieldsToAddOrUpdate": fields(200, 300) })).await.unwrap();
    assert_eq!(count(&app, "t", json!({ "f299": 5 })).await, 1);
    let error = refused(&app, "t", json!({ "fieldsToAddOrUpdate": { "f300": "int" } }), "table/schema-validation-failed").await;
    assert_eq!(error.detail_list()[0].rule, "limit");
    manage(&app, "t", json!({ "fieldsToRemove": (0..300).map(|i| format!("f{i}")).collect::<Vec<_>>(), "keepData": true })).await.unwrap();
    assert_eq!(count(&app, "t", json!({ "f299": 5 })).await, 1);
}

#[actix_web::test]
async fn a_compound_unique_index_may_hold_the_creator() {
    let app = TestApp::start().await;
    table(&app, "marks", json!({ "article": "string" }), &[]).await;
    indexes(&app, "marks", json!({ "indexesToAddOrUpdate": [{ "name": "once", "fields": ["createdBy", "article"], "unique": true }] })).await.unwrap();
    let (ana, ben) = (app.user("ana", "user").await, app.user("ben", "user").await);
    ana.post("/v1/data/marks", json!({ "article": "1" })).await.assert(201);
    ben.post("/v1/data/marks", json!({ "article": "1" })).await.assert(201);
    assert_eq!(ana.post("/v1/data/marks", json!({ "article": "1" })).await.details(), ["createdBy,article/unique"]);
    // The rule lives through a change of the field's type and name.
    manage(&app, "marks", json!({ "fieldsToAddOrUpdate": { "article": "int" } })).await.unwrap();
    manage(&app, "marks", json!({ "fieldsToRename": { "article": "item" } })).await.unwrap();
    ben.post("/v1/data/marks", json!({ "item": 1 })).await.assert_error(409, "data/duplicate-value");
    ben.post("/v1/data/marks", json!({ "item": 2 })).await.assert(201);
}

#[actix_web::test]
async fn writes_during_a_change_are_neither_lost_nor_of_the_old_type() {
    let app = TestApp::start().await;
    table(&app, "t", json!({ "n": "int" }), &[json!({ "n": 0 })]).await;
    let writers = (0..4).map(|w| {
        let client = app.secret();
        async move {
            let mut made = 0;
            for i in 0..40 {
                // Half of them speak the new type, which is wrong before the change; arrays and single records alike.
                let value = if i % 2 == 0 { json!(i) } else { json!(i.to_string()) };
                let body = if w % 2 == 0 { json!({ "n": value }) } else { json!([{ "n": value }, { "n": value }]) };
                let answer = client.post("/v1/data/t", body).await;
                assert!(matches!(answer.status, 201 | 400), "{}", answer.text);
                made += if answer.status == 201 { 1 + w % 2 } else { 0 };
            }
            made
        }
    });
    let change = async {
        for to in ["string", "int", "string"] {
            manage(&app, "t", json!({ "fieldsToAddOrUpdate": { "n": { "type": to } } })).await.unwrap();
        }
    };
    let (made, ()) = futures_util::join!(futures_util::future::join_all(writers), change);
    assert_eq!(count(&app, "t", json!({})).await, 1 + made.iter().sum::<u64>());
    let mut page = 1;
    loop {
        let body = app.secret().get(&format!("/v1/data/t?limit=100&page={page}")).await.assert(200);
        let items = body["items"].as_array().unwrap();
        assert!(items.iter().all(|i| i["n"].is_string()), "{body}");
        if items.is_empty() {
            break;
        }
        page += 1;
    }
}

/// The copies in the data directory: what tells of each, oldest first.
fn copies(app: &TestApp) -> Vec<Value> {
    let folder = app.backend.data_dir().join("snapshots");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut told: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    told.sort();
    told.iter().map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

#[actix_web::test]
async fn a_copy_of_the_table_is_taken_before_values_are_removed_or_converted() {
    let app = TestApp::start().await;
    table(&app, "t", json!({ "a": "int", "b": { "type": "int", "unique": true } }), &[json!({ "a": 1, "b": 1 }), json!({ "a": 2 })]).await;
    indexes(&app, "t", json!({ "indexesToAddOrUpdate": [{ "name": "loose", "fields": ["x.y"] }] })).await.unwrap();
    for harmless in [
        json!({ "fieldsToAddOrUpdate": { "c": "string" } }),
        json!({ "fieldsToAddOrUpdate": { "a": "string" }, "dryRun": true }),
        json!({ "fieldsToRemove": ["c"] }),
    ] {
        assert!(manage(&app, "t", harmless).await.unwrap().snapshot.is_none());
    }
    refused(&app, "t", json!({ "fieldsToRemove": ["a"] }), "schema/destructive").await;
    assert!(copies(&app).is_empty());
    let id = manage(&app, "t", json!({ "fieldsToRemove": ["a"], "allowDestructive": true })).await.unwrap().snapshot.unwrap();
    let told = copies(&app);
    assert_eq!(
        (told.len(), &told[0]["id"], &told[0]["table"], &told[0]["rows"], &told[0]["reason"]),
        (1, &json!(id), &json!("t"), &json!(2), &json!("before-schema"))
    );
    assert!(told[0]["definition"]["schema"]["properties"].get("a").is_some() && told[0]["sizeBytes"].as_u64().unwrap() > 0);
    let copy = rusqlite::Connection::open(app.backend.data_dir().join(format!("snapshots/{id}.db"))).unwrap();
    let sum: i64 = copy.query_row("SELECT sum(doc ->> '$.a') FROM records", [], |row| row.get(0)).unwrap();
    assert_eq!(sum, 3);
}

#[actix_web::test]
async fn deleting_a_table_or_many_records_takes_a_copy_unless_told_not_to() {
    let app = TestApp::start().await;
    table(&app, "t", json!({ "a": "int" }), &[json!({ "a": 1 }), json!({ "a": 2 }), json!({ "a": 3 })]).await;
    let (operator, at) = (app.operator(), format!("{}/tables/t", app.environment_path()));
    let one = json!({ "andFilters": { "a": 1 } });
    assert!(operator.post(&format!("{at}/records/delete?confirm=t&snapshot=false"), one).await.header("x-bkend-snapshot").is_none());
    let bulk = operator.post(&format!("{at}/records/delete?confirm=t"), json!({ "andFilters": { "a": 2 } })).await;
    let truncated = operator.post(&format!("{at}/truncate?confirm=t"), json!({})).await;
    let deleted = operator.delete(&format!("{at}?confirm=t")).await;
    let told = copies(&app);
    assert_eq!(told.iter().map(|c| c["rows"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 1, 0]);
    for (answer, copy) in [bulk, truncated, deleted].iter().zip(&told) {
        assert_eq!(answer.header("x-bkend-snapshot"), copy["id"].as_str(), "{}", answer.text);
    }
}

#[actix_web::test]
async fn the_ten_newest_copies_of_an_environment_are_kept() {
    let app = TestApp::start().await;
    table(&app, "t", json!({ "a": "int" }), &[json!({ "a": 1 })]).await;
    let mut ids = Vec::new();
    for to in ["string", "int"].repeat(6) {
        ids.push(json!(manage(&app, "t", json!({ "fieldsToAddOrUpdate": { "a": to } })).await.unwrap().snapshot));
    }
    assert_eq!(copies(&app).iter().map(|c| c["id"].clone()).collect::<Vec<_>>(), ids[2..]);
}

#[actix_web::test]
async fn system_and_unknown_tables_are_not_changed() {
    let app = TestApp::start().await;
    refused(&app, "users", json!({ "fieldsToAddOrUpdate": { "a": "int" } }), "data/system-table-access").await;
    refused(&app, "nope", json!({ "fieldsToAddOrUpdate": { "a": "int" } }), "data/table-not-found").await;
}
