//! Any JSON document that is stored comes back equal (`02-data.md` §3).

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::Method;
use serde_json::{Map, Number, Value, json};

use crate::support::random::Random;
use crate::support::{Client, TestApp};

const DOCUMENTS: usize = 400;

/// Names that mean something else than a field at the top of a body.
const SYSTEM: [&str; 6] = ["id", "_id", "createdBy", "createdAt", "updatedAt", "_included"];

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1000i64..1000).prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no infinities", |f| f.is_finite()).prop_map(Value::from),
        (-1000i32..1000).prop_map(|n| Value::from(f64::from(n))),
        (-1000i32..1000).prop_map(|n| Value::from(f64::from(n) / 8.0)),
        prop::sample::select(vec![
            -0.0,
            5.0,
            0.1,
            1e-7,
            1e21,
            1e308,
            5e-324,
            9_007_199_254_740_991.0,
            9_007_199_254_740_993.0,
            -1e15,
            1.797_693_134_862_315_7e308
        ])
        .prop_map(Value::from),
        prop::sample::select(vec![i64::MIN, i64::MAX, 1 << 53, (1 << 53) + 1, 0, -1]).prop_map(Value::from),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let hostile = vec![
        "",
        " ",
        "\u{FEFF}",
        "\u{1F600}",
        "e\u{301}",
        "\u{10FFFF}",
        "\u{FFFF}",
        "\"\\/\u{8}\u{c}\n\r\t",
        "\u{1}\u{1f}\u{7f}",
        "</script>",
        "\u{2028}\u{202E}",
        "$ref",
        "2026-01-15",
    ];
    prop_oneof![
        4 => any::<String>().prop_map(|s| s.replace('\0', "0")),
        1 => prop::sample::select(hostile).prop_map(str::to_owned),
        1 => "[a-z]{0,300}",
    ]
}

fn key() -> impl Strategy<Value = String> {
    let plain = prop_oneof![3 => "[a-zA-Z_][a-zA-Z0-9_-]{0,12}", 1 => text()];
    plain.prop_filter_map("keys have rules of their own", |key| {
        let key: String = key.chars().filter(|c| *c != '.').take(128).collect();
        let allowed = !key.is_empty() && !key.starts_with('$') && !matches!(key.as_str(), "__proto__" | "constructor" | "prototype");
        allowed.then_some(key)
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text().prop_map(Value::from)];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((key(), inner), 0..6).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn document() -> impl Strategy<Value = Value> {
    let top = key().prop_filter("system fields are not ours to give", |key| !SYSTEM.contains(&key.as_str()));
    prop::collection::vec((top, value()), 0..8).prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

/// What the contract makes of a value: integers beyond ±2⁶³ become doubles, whole doubles below 2⁵³ lose their fraction, `-0` its sign.
fn stored(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(stored).collect(),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), stored(v))).collect()),
        Value::Number(number) => Value::Number(stored_number(number)),
        other => other.clone(),
    }
}

fn stored_number(number: &Number) -> Number {
    if number.is_i64() {
        return number.clone();
    }
    let float = number.as_f64().unwrap();
    if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 {
        return Number::from(float as i64);
    }
    Number::from_f64(float).unwrap()
}

/// The fields of a record, without the four system fields, in their order.
fn fields(text: &str) -> Value {
    let mut map: Map<String, Value> = serde_json::from_str(text).unwrap();
    for name in ["id", "createdBy", "createdAt", "updatedAt"] {
        map.shift_remove(name);
    }
    Value::Object(map)
}

/// Compares as text, so that the order of keys counts too.
async fn comes_back(client: &Client, document: &Value) -> Result<(), String> {
    let created = client.send_text(Method::POST, "/v1/things", document.to_string()).await;
    if created.status != 201 {
        return Err(created.text);
    }
    let id = created.body["id"].as_str().unwrap().to_owned();
    let expected = stored(document).to_string();
    let read = client.get(&format!("/v1/things/{id}")).await;
    let listed = client.query("/v1/things", &[("andFilters", &json!({ "id": id }).to_string())]).await;
    for (how, found) in [("created", fields(&created.text)), ("read", fields(&read.text)), ("listed", fields(&listed.body["items"][0].to_string()))] {
        let text = found.to_string();
        if text != expected {
            return Err(format!("{how}: {text}"));
        }
    }
    // Filters see what is stored: the record equals itself, field by field.
    let exact = |v: &Value| !v.is_object() && !v.is_array();
    let filter: Map<String, Value> =
        stored(document).as_object().unwrap().iter().filter(|(_, v)| exact(v)).map(|(k, v)| (k.clone(), json!({ "$eq": v }))).collect();
    let mut filter: Map<String, Value> = filter.into_iter().filter(|(k, _)| k.len() < 100).collect();
    filter.insert("id".into(), json!(id));
    let again = client.post("/v1/things/count", json!({ "andFilters": filter })).await;
    if again.body["count"] != 1 {
        return Err(format!("not found by its own values: {filter:?}: {}", again.text));
    }
    Ok(())
}

#[actix_web::test]
async fn any_json_document_comes_back_equal() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "things" })).await;
    let client = app.secret();
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&Random::seeded("JSON_SEED").next().to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let strategy = document();
    for _ in 0..DOCUMENTS {
        let mut tree = strategy.new_tree(&mut runner).unwrap();
        let Err(mut complaint) = comes_back(&client, &tree.current()).await else { continue };
        // Makes the document smaller for as long as it still fails.
        let mut smallest = tree.current();
        for _ in 0..500 {
            if !tree.simplify() {
                break;
            }
            loop {
                match comes_back(&client, &tree.current()).await {
                    Err(again) => {
                        (smallest, complaint) = (tree.current(), again);
                        break;
                    }
                    Ok(()) if tree.complicate() => {}
                    Ok(()) => break,
                }
            }
        }
        panic!("sent:  {smallest}\nfound: {complaint}");
    }
}

#[actix_web::test]
async fn numbers_are_written_in_their_shortest_exact_form() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "things", "schema": { "d": "double" } })).await;
    let client = app.secret();
    let cases = [
        ("5.0", "5"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1e3", "1000"),
        ("0.1", "0.1"),
        ("1.50", "1.5"),
        ("9007199254740991", "9007199254740991"),
        ("0.30000000000000004", "0.30000000000000004"),
    ];
    for (sent, expected) in cases {
        for field in ["d", "free"] {
            let answer = client.send_text(Method::POST, "/v1/things", format!("{{\"{field}\":{sent}}}")).await;
            let wanted = format!("\"{field}\":{expected},");
            assert!(answer.text.contains(&wanted), "{field}: {sent}: {}", answer.text);
        }
    }
    for extreme in ["9223372036854775807", "-9223372036854775808"] {
        let answer = client.send_text(Method::POST, "/v1/things", format!("{{\"free\":{extreme}}}")).await;
        assert!(answer.text.contains(&format!("\"free\":{extreme},")), "{}", answer.text);
    }
    for (sent, float) in
        [("18446744073709551616", 18_446_744_073_709_551_616.0), ("1e308", 1e308), ("-1e-320", -1e-320), ("9223372036854775808", 9.223_372_036_854_776e18)]
    {
        let answer = client.send_text(Method::POST, "/v1/things", format!("{{\"free\":{sent}}}")).await;
        assert_eq!(answer.body["free"].as_f64(), Some(float), "{}", answer.text);
    }
}

#[actix_web::test]
async fn what_is_no_json_is_refused() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "things" })).await;
    let client = app.secret();
    let bodies: [&[u8]; 17] = [
        b"{\"a\":NaN}",
        b"{\"a\":Infinity}",
        b"{\"a\":1e999}",
        b"{\"a\":-1e999}",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\\udc00\\ud800\"}",
        b"{\"\\ud800\":1}",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{\"a\":01}",
        b"{\"a\":1,}",
        b"{'a':1}",
        b"{\"a\":\"\n\"}",
        b"{\"a\":1}}",
        b"{\"a\":",
        b"\xef\xbb\xbf{\"a\"",
        b"undefined",
    ];
    for body in bodies {
        let answer = client.send_text(Method::POST, "/v1/things", body.to_vec()).await;
        assert_eq!(answer.status, 400, "{}: {}", String::from_utf8_lossy(body), answer.text);
        answer.assert_error(400, "common/invalid-json");
    }
    assert_eq!(client.get("/v1/things/count").await.assert(200)["count"], 0);
}

#[actix_web::test]
async fn u0000_is_refused_in_keys_and_strings_with_rule_characters() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "things", "schema": { "s": "string" } })).await;
    let client = app.secret();
    for (body, field) in [(json!({ "s": "a\0b" }), "s"), (json!({ "free": "\0" }), "free"), (json!({ "deep": { "x": ["ok", "\0"] } }), "deep.x.1")] {
        let answer = client.post("/v1/things", body).await;
        assert_eq!(answer.details(), [format!("{field}/characters")], "{}", answer.text);
        answer.assert_error(400, "data/validation-error");
    }
    let key = client.post("/v1/things", json!({ "a\0b": 1 })).await;
    assert!(key.details().iter().all(|d| d.ends_with("/characters")), "{}", key.text);
    key.assert_error(400, "data/validation-error");
}

#[actix_web::test]
async fn of_repeated_keys_the_last_wins_and_null_differs_from_missing() {
    let app = TestApp::start().await;
    app.table(json!({ "tableName": "things" })).await;
    let client = app.secret();
    let answer = client.send_text(Method::POST, "/v1/things", r#"{"a":1,"b":{"x":1,"x":null},"a":2}"#).await;
    assert_eq!(fields(&answer.text), json!({ "a": 2, "b": { "x": null } }));
    let answer = client.post("/v1/things", json!({ "here": null })).await.assert(201);
    assert!(answer.as_object().unwrap().contains_key("here") && !answer.as_object().unwrap().contains_key("gone"));
}
