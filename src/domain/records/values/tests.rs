use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::tables::schema::Mode;

pub(in crate::domain::records) fn schema(input: Value) -> Schema {
    Schema::parse(&input, Mode::CREATE).unwrap().schema
}

pub(in crate::domain::records) fn plants() -> Schema {
    schema(json!({ "name": { "type": "string", "required": true, "unique": true, "maxLength": 20 }, "height": { "type": "int", "minimum": 0 },
        "price": "number", "tags": ["string"], "potted": { "type": "boolean", "default": true }, "bought": "date",
        "care": { "type": "object", "properties": { "water": { "type": "string", "enum": ["low", "high"] } } } }))
}

fn create(schema: &Schema, body: Value) -> Result<String> {
    check_create(schema, true, body_object(body)?, 1_000).map(|m| Value::Object(m).to_string())
}

pub(in crate::domain::records) fn told(error: &Error) -> Vec<String> {
    assert_eq!(error.code(), Code::VALIDATION_ERROR);
    assert_eq!(error.message(), error.detail_list()[0].message);
    error.detail_list().iter().map(|d| format!("{}/{}", d.field, d.rule)).collect()
}

#[test]
fn worked_example_2_defaults_undeclared_and_ids() {
    assert_eq!(create(&plants(), json!({"name": "Fern", "hue": "green", "id": "zzz"})).unwrap(), r#"{"name":"Fern","potted":true,"hue":"green"}"#);
}

#[test]
fn worked_example_3_all_fields_are_checked_in_declared_order() {
    let error = create(&plants(), json!({"potted": "yes", "height": -2})).unwrap_err();
    assert_eq!(told(&error), ["name/required", "height/minimum", "potted/type"]);
    assert!(error.message().contains("name"));
}

#[test]
fn worked_example_5_values_are_stored_canonically() {
    let body = |height: Value| json!({"name": "Ivy", "height": height, "price": 5.0, "bought": "2026-03-01"});
    assert_eq!(create(&plants(), body(json!(12.0))).unwrap(), r#"{"name":"Ivy","height":12,"price":5,"potted":true,"bought":"2026-03-01T00:00:00.000Z"}"#);
    for height in [json!(12.5), json!("12")] {
        assert_eq!(told(&create(&plants(), body(height)).unwrap_err()), ["height/type"]);
    }
    assert_eq!(told(&create(&plants(), json!({"name": "x", "bought": "03/01/2026"})).unwrap_err()), ["bought/date"]);
}

#[test]
fn worked_example_6_null_missing_and_empty() {
    assert_eq!(
        create(&plants(), json!({"name": "Moss", "price": null, "tags": ["wet", "shade"]})).unwrap(),
        r#"{"name":"Moss","price":null,"tags":["wet","shade"],"potted":true}"#
    );
    assert_eq!(told(&create(&plants(), json!({"name": null})).unwrap_err()), ["name/required"]);
    assert!(create(&plants(), json!({"name": ""})).is_ok());
}

#[test]
fn a_body_that_is_neither_object_nor_array_is_refused_with_rule_type() {
    for body in [json!("x"), json!(1), json!(null), json!([])] {
        assert_eq!(told(&body_object(body).unwrap_err()), ["body/type"]);
    }
}

#[test]
fn defaults_fill_missing_keys_but_not_null_also_in_nested_objects_whose_parent_is_present() {
    let schema = schema(json!({
        "at": {"type": "date", "default": "$now"}, "n": {"type": "int", "default": 5, "required": true},
        "o": {"type": "object", "properties": {"a": {"type": "string", "default": "x"}, "b": {"type": "object", "properties": {"c": {"type": "int", "default": 1}}}}},
        "l": [{"type": "object", "properties": {"q": {"type": "int", "default": 2}}}] }));
    assert_eq!(create(&schema, json!({})).unwrap(), r#"{"at":"1970-01-01T00:00:01.000Z","n":5}"#);
    assert_eq!(
        create(&schema, json!({"at": null, "o": {"z": 1, "b": {}}, "l": [{}, {"q": null}]})).unwrap(),
        r#"{"at":null,"n":5,"o":{"z":1,"b":{"c":1},"a":"x"},"l":[{"q":2},{"q":null}]}"#
    );
    assert_eq!(told(&create(&schema, json!({"n": null})).unwrap_err()), ["n/required"]);
}

#[test]
fn a_closed_table_refuses_undeclared_fields_last() {
    let error =
        check_create(&plants(), false, body_object(json!({"hue": 1, "height": "x", "name": "a", "id": "ignored", "_included": {}})).unwrap(), 0).unwrap_err();
    assert_eq!(told(&error), ["height/type", "hue/additionalFields"]);
}

#[test]
fn undeclared_fields_take_any_json_but_not_any_key() {
    let open = Schema::default();
    let body = r#"{"z":[1,{"b":null,"a":"🌿"}],"a":9007199254740993,"big":9223372036854775808,"f":5.0,"e":1e3,"n":-0.0}"#;
    let stored = create(&open, serde_json::from_str(body).unwrap()).unwrap();
    let expected = r#"{"z":[1,{"b":null,"a":"🌿"}],"a":9007199254740993,"big":9.223372036854776e+18,"f":5,"e":1000,"n":0}"#;
    assert_eq!(stored, expected);
    assert_eq!(
        told(&create(&open, json!({"$a": 1, "a.b": 1, "x": {"__proto__": 1}, "y": "a\0", "": 1})).unwrap_err()),
        ["$a/fieldName", "a.b/fieldName", "x.__proto__/fieldName", "y/characters", "/fieldName"]
    );
}

#[test]
fn a_record_has_at_most_2000_keys() {
    let many: Map<String, Value> = (0..2001).map(|i| (format!("k{i}"), json!(1))).collect();
    assert_eq!(told(&check_create(&Schema::default(), true, many, 0).unwrap_err()), ["record/limit"]);
}

#[test]
fn only_changed_fields_are_looked_at() {
    let schema = plants();
    let mut doc = body_object(json!({"height": "broken", "price": 5.0, "potted": null})).unwrap();
    check_changed(&schema, true, &mut doc, &["price".to_owned(), "potted".to_owned()]).unwrap();
    assert_eq!(doc["price"].to_string(), "5");
    assert_eq!(told(&check_changed(&schema, true, &mut doc, &["name".to_owned(), "height".to_owned()]).unwrap_err()), ["name/required", "height/type"]);
    assert_eq!(told(&check_changed(&schema, false, &mut body_object(json!({"x": 1})).unwrap(), &["x".to_owned()]).unwrap_err()), ["x/additionalFields"]);
}

#[test]
fn the_length_of_a_record_is_that_of_its_json() {
    let doc = body_object(json!({"a": "ü\n", "b": [1, null]})).unwrap();
    assert_eq!(json_len(&doc), serde_json::to_string(&doc).unwrap().len());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|f| json!(f)),
        "[^\u{0}]{0,6}".prop_map(Value::from),
        Just(json!("2026-03-01")),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-zü_-]{1,6}", inner, 0..4).prop_map(|m| json!(m)),
        ]
    })
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(values in proptest::collection::vec(any_json(), 4)) {
        let schema = schema(json!({"i": "int", "d": "double", "t": "date", "m": "mixed", "o": {"type": "object", "properties": {"t": "date"}}}));
        for name in ["i", "d", "t", "m", "o", "undeclared"] {
            for value in &values {
                let mut body = Map::new();
                body.insert(name.to_owned(), value.clone());
                if let Ok(once) = check_create(&schema, true, body, 5) {
                    let twice = check_create(&schema, true, once.clone(), 5).unwrap();
                    prop_assert_eq!(Value::Object(twice).to_string(), Value::Object(once).to_string());
                }
            }
        }
    }

    #[test]
    fn no_body_makes_the_check_panic(body in proptest::collection::hash_map("(name|height|price|tags|care|bought|[a-z$._]{0,3})", any_json(), 0..6)) {
        let _ = create(&plants(), json!(body));
        let _ = crate::domain::records::patch::Patch::parse(body_object(json!(body)).unwrap());
    }
}
