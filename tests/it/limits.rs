//! At every limit of `02-data.md` §12 things still work; one beyond it they are refused in words.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::{Answer, Client, TestApp};

async fn app() -> (TestApp, Client) {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "things", "schema": { "n": "int", "ref": { "type": "reference", "ref": "things" } } })).await;
    let client = app.secret();
    client.post("/v1/things", json!({ "n": 1 })).await.assert(201);
    (app, client)
}

/// A record with `levels` objects inside each other.
fn nested(levels: usize) -> Value {
    (0..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
}

fn keys(count: usize) -> Value {
    Value::Object((0..count).map(|i| (format!("k{i}"), json!(i))).collect::<Map<_, _>>())
}

#[track_caller]
fn refused(answer: Answer, rule: &str) {
    let rules: Vec<&str> = answer.body["error"]["details"].as_array().into_iter().flatten().filter_map(|d| d["rule"].as_str()).collect();
    assert!(rules.contains(&rule), "expected rule {rule}: {} {}", answer.status, answer.text);
    answer.assert_error(400, "data/validation-error");
}

#[actix_web::test]
async fn records_nest_64_levels_and_no_more() {
    let (_app, client) = app().await;
    client.post("/v1/things", nested(64)).await.assert(201);
    refused(client.post("/v1/things", nested(65)).await, "depth");
    for levels in [100, 127, 128, 129, 1_000, 100_000] {
        let text = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        refused(client.send_text(Method::POST, "/v1/things", text).await, "depth");
        let text = format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        refused(client.send_text(Method::POST, "/v1/things", text).await, "depth");
    }
}

#[actix_web::test]
async fn an_object_has_2000_keys_and_no_more() {
    let (_app, client) = app().await;
    client.post("/v1/things", keys(2_000)).await.assert(201);
    refused(client.post("/v1/things", keys(2_001)).await, "limit");
    client.post("/v1/things", json!({ "deep": keys(2_000) })).await.assert(201);
    refused(client.post("/v1/things", json!({ "deep": keys(2_001) })).await, "limit");
    let wide = client.post("/v1/things", keys(2_000)).await.assert(201);
    refused(client.patch(&format!("/v1/things/{}", wide["id"].as_str().unwrap()), json!({ "onemore": 1 })).await, "limit");
}

#[actix_web::test]
async fn a_record_is_one_mebibyte_of_json_and_no_more() {
    const MIB: usize = 1024 * 1024;
    let (_app, client) = app().await;
    let frame = json!({ "s": "" }).to_string().len();
    let exact = client.post("/v1/things", json!({ "s": "x".repeat(MIB - frame) })).await.assert(201);
    client.post("/v1/things", json!({ "s": "x".repeat(MIB - frame + 1) })).await.assert_error(413, "common/payload-too-large");
    client.post("/v1/things", json!({ "s": "x".repeat(3 * MIB) })).await.assert_error(413, "common/payload-too-large");
    // It cannot be outgrown by changes either.
    let path = format!("/v1/things/{}", exact["id"].as_str().unwrap());
    client.patch(&path, json!({ "t": 1 })).await.assert_error(413, "common/payload-too-large");
    assert_eq!(client.get(&path).await.assert(200)["s"].as_str().unwrap().len(), MIB - frame);
}

#[actix_web::test]
async fn an_array_body_is_ten_mebibytes_and_1000_records() {
    let (_app, client) = app().await;
    let many = |n: usize| Value::Array(vec![json!({ "n": 1 }); n]);
    assert_eq!(client.post("/v1/things", many(1000)).await.assert(201)["count"], 1000);
    refused(client.post("/v1/things", many(1001)).await, "limit");
    let large = Value::Array(vec![json!({ "s": "x".repeat(1000 * 1000) }); 10]);
    client.post("/v1/things", large).await.assert(201);
    let larger = Value::Array(vec![json!({ "s": "x".repeat(1000 * 1000) }); 11]);
    client.post("/v1/things", larger).await.assert_error(413, "common/payload-too-large");
    client.send_text(Method::POST, "/v1/things", vec![b' '; 12 * 1024 * 1024]).await.assert_error(413, "common/payload-too-large");
}

#[actix_web::test]
async fn bulk_and_transaction_take_500_operations_and_no_more() {
    let (_app, client) = app().await;
    let operations = |n: usize| json!({ "operations": vec![json!({ "table": "things", "op": "create", "data": { "n": 1 } }); n] });
    for path in ["/v1/things/bulk", "/v1/transaction"] {
        assert_eq!(client.post(path, operations(500)).await.assert(200)["results"].as_array().unwrap().len(), 500);
        refused(client.post(path, operations(501)).await, "limit");
    }
}

#[actix_web::test]
async fn filters_are_ten_deep_with_200_conditions_2000_values_and_ten_steps() {
    let (_app, client) = app().await;
    let deep = |levels: usize| (0..levels).fold(json!({ "n": 1 }), |inner, _| json!({ "$and": [inner] }));
    let wide = |n: usize| json!({ "$or": (0..n).map(|i| json!({ "n": i })).collect::<Vec<_>>() });
    let values = |n: usize| json!({ "n": { "$in": (0..n).collect::<Vec<_>>() } });
    let steps = |n: usize| json!({ (vec!["a"; n].join(".")): 1 });
    let cases: [(&str, Value, Value); 4] =
        [("depth", deep(10), deep(11)), ("conditions", wide(200), wide(201)), ("$in", values(2_000), values(2_001)), ("steps", steps(10), steps(11))];
    for (what, within, beyond) in cases {
        let body = |filter: &Value| json!({ "andFilters": filter });
        let answer = client.post("/v1/things/query", body(&within)).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        let answer = client.post("/v1/things/query", body(&beyond)).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text);
        answer.assert_error(400, "data/validation-error");
    }
    for levels in [12, 30, 60] {
        refused(client.query("/v1/things", &[("andFilters", &deep(levels).to_string())]).await, "limit");
    }
    // Deeper than any reader of JSON goes is refused as well, by whichever rule.
    let text = format!("{}1{}", "{\"$and\":[".repeat(2_000), "]}".repeat(2_000));
    client.query("/v1/things", &[("andFilters", &text)]).await.assert_error(400, "data/validation-error");
}

#[actix_web::test]
async fn patterns_have_1000_and_searches_200_characters() {
    let (_app, client) = app().await;
    let pattern = |n: usize| json!({ "andFilters": { "s": { "$regex": "é".repeat(n) } } });
    client.post("/v1/things/query", pattern(1_000)).await.assert(200);
    client.post("/v1/things/query", pattern(1_001)).await.assert_error(400, "data/validation-error");
    client.query("/v1/things", &[("search", &"é".repeat(200))]).await.assert(200);
    let answer = client.query("/v1/things", &[("search", &"é".repeat(201))]).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    // A pattern that is short but enormous when compiled.
    refused(client.post("/v1/things/query", json!({ "andFilters": { "s": { "$regex": "(?:\\w{1000}){1000}" } } })).await, "regex");
}

#[actix_web::test]
async fn lists_take_eight_sort_keys_and_ten_includes() {
    let (_app, client) = app().await;
    let sort = |n: usize| (0..n).map(|i| format!("f{i}")).collect::<Vec<_>>().join(",");
    client.query("/v1/things", &[("sortBy", &sort(8))]).await.assert(200);
    assert_eq!(client.query("/v1/things", &[("sortBy", &sort(9))]).await.status, 400);
    let include = |n: usize| (0..n).map(|i| format!("f{i}:things")).collect::<Vec<_>>().join(",");
    client.query("/v1/things", &[("include", &include(10))]).await.assert(200);
    assert_eq!(client.query("/v1/things", &[("include", &include(11))]).await.status, 400);
}

#[actix_web::test]
async fn a_limit_above_100_counts_as_100_and_below_1_is_refused() {
    let (_app, client) = app().await;
    client.post("/v1/things", Value::Array(vec![json!({ "n": 1 }); 150])).await.assert(201);
    for limit in ["100", "101", "5000", "4294967296"] {
        let answer = client.query("/v1/things", &[("limit", limit)]).await;
        assert_eq!(answer.status, 200, "{limit}: {}", answer.text);
        assert_eq!((answer.body["items"].as_array().unwrap().len(), &answer.body["pagination"]["limit"]), (100, &json!(100)), "{limit}");
    }
    for (name, value) in [
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "ten"),
        ("limit", "1.5"),
        ("page", "0"),
        ("page", "-1"),
        ("page", "x"),
        ("offset", "-1"),
        ("skip", "x"),
        ("sortDirection", "up"),
    ] {
        let answer = client.query("/v1/things", &[(name, value)]).await;
        assert!(answer.body["message"].as_str().unwrap_or_default().contains(name), "{name}={value}: {}", answer.text);
        answer.assert_error(400, "common/invalid-parameters");
    }
    for (name, value) in [("page", "4294967295"), ("page", "9223372036854775807"), ("offset", "9223372036854775807"), ("offset", "18446744073709551615")] {
        let answer = client.query("/v1/things", &[(name, value)]).await;
        assert!(matches!(answer.status, 200 | 400), "{name}={value}: {}", answer.text);
        if answer.status == 200 {
            assert_eq!(answer.body["items"], json!([]), "{name}={value}");
        }
    }
}

#[actix_web::test]
async fn keys_have_128_characters_and_ids_64() {
    let (_app, client) = app().await;
    client.post("/v1/things", json!({ ("é".repeat(128)): 1 })).await.assert(201);
    refused(client.post("/v1/things", json!({ ("é".repeat(129)): 1 })).await, "fieldName");
    for key in ["", "$a", "a.b", "__proto__", "constructor", "prototype"] {
        refused(client.post("/v1/things", json!({ key: 1 })).await, "fieldName");
        refused(client.post("/v1/things", json!({ "deep": [{ key: 1 }] })).await, "fieldName");
    }
    client.post("/v1/things", json!({ "id": "i".repeat(64) })).await.assert(201);
    assert_eq!(client.post("/v1/things", json!({ "id": "i".repeat(65) })).await.status, 400);
    for id in ["i".repeat(65), "i".repeat(5_000), "%00".into(), "a%2Fb".into(), "%F0%9F%98%80".into(), "..%2F..".into()] {
        let answer = client.get(&format!("/v1/things/{id}")).await;
        assert_eq!(answer.status, 404, "{id}: {}", answer.text);
    }
}
