use proptest::prelude::*;

use super::*;
use crate::domain::error::Code;

fn stored(input: Value) -> Value {
    Schema::parse(&input, Mode::CREATE).unwrap_or_else(|e| panic!("{input}: {e}")).schema.to_value()
}

fn property(definition: Value) -> String {
    stored(json!({ "f": definition }))["properties"]["f"].to_string()
}

fn is(definition: Value, expected: Value) {
    assert_eq!(property(definition.clone()), expected.to_string(), "{definition}");
}

fn fails(input: Value, expected: &[&str]) {
    let error = Schema::parse(&input, Mode::CHANGE).map(|p| p.schema.to_value().to_string()).expect_err(&input.to_string());
    assert_eq!(error.code(), Code::SCHEMA_VALIDATION_FAILED);
    let got: Vec<String> = error.detail_list().iter().map(|d| format!("{}/{}", d.field, d.rule)).collect();
    assert_eq!(got, expected, "{input}");
}

fn bad(definition: Value, expected: &[&str]) {
    fails(json!({ "f": definition }), expected);
}

#[test]
fn the_three_forms_give_the_same_schema() {
    let full = stored(json!({"bsonType": "object", "required": ["a"], "properties": {"a": {"bsonType": "string"}, "b": {"bsonType": "double"}}}));
    let flat = stored(json!({"a": {"type": "string", "required": true}, "b": "number"}));
    let list = stored(json!([{"name": "a", "type": "string", "required": true}, {"name": "b", "type": "Number"}]));
    assert_eq!(full.to_string(), flat.to_string());
    assert_eq!(full.to_string(), list.to_string());
    assert_eq!(full.to_string(), r#"{"bsonType":"object","required":["a"],"properties":{"a":{"bsonType":"string"},"b":{"bsonType":"double"}}}"#);
}

#[test]
fn no_schema_is_no_declared_fields() {
    for empty in [json!(null), json!({}), json!([]), json!({"bsonType": "object"}), json!({"properties": {}})] {
        assert_eq!(stored(empty).to_string(), r#"{"bsonType":"object","required":[],"properties":{}}"#);
    }
}

#[test]
fn worked_example_1_plants() {
    let schema = stored(json!({ "name": { "type": "string", "required": true, "unique": true, "maxLength": 20 }, "height": { "type": "int", "minimum": 0 },
        "price": "number", "tags": ["string"], "potted": { "type": "boolean", "default": true }, "bought": "date",
        "care": { "type": "object", "properties": { "water": { "type": "string", "enum": ["low", "high"] } } } }));
    assert_eq!(schema["required"], json!(["name"]));
    assert_eq!(schema["properties"]["price"].to_string(), r#"{"bsonType":"double"}"#);
    assert_eq!(schema["properties"]["tags"].to_string(), r#"{"bsonType":"array","items":{"bsonType":"string"}}"#);
    assert_eq!(schema["properties"]["care"].to_string(), r#"{"bsonType":"object","properties":{"water":{"bsonType":"string","enum":["low","high"]}}}"#);
}

#[test]
fn an_object_is_full_when_it_says_object_or_has_properties_and_only_keywords() {
    let flat = stored(json!({"type": "string", "title": "string"}));
    assert_eq!(flat["properties"], json!({"type": {"bsonType": "string"}, "title": {"bsonType": "string"}}));
    let flat = stored(json!({"properties": {"type": "array"}, "color": "string"}));
    assert_eq!(flat["properties"]["properties"], json!({"bsonType": "array"}));
    let full = stored(json!({"properties": {"a": "int"}, "title": "Things", "x-order": 1}));
    assert_eq!(full.to_string(), r#"{"bsonType":"object","required":[],"properties":{"a":{"bsonType":"int"}},"title":"Things","x-order":1}"#);
    fails(json!({"type": "object", "a": "string"}), &["schema.a/keyword"]);
}

#[test]
fn arrays_of_a_type_have_four_spellings() {
    let expected = json!({"bsonType": "array", "items": {"bsonType": "string"}});
    for spelling in [json!(["string"]), json!("string[]"), json!("Array(String)"), json!({"type": "string[]"}), json!({"type": "array", "items": "string"})] {
        is(spelling, expected.clone());
    }
    is(
        json!([{"type": "object", "properties": {"qty": {"type": "int", "required": true}}}]),
        json!({"bsonType": "array", "items": {"bsonType": "object", "required": ["qty"], "properties": {"qty": {"bsonType": "int"}}}}),
    );
    is(json!("number[][]"), json!({"bsonType": "array", "items": {"bsonType": "array", "items": {"bsonType": "double"}}}));
}

#[test]
fn a_reference_is_a_string_with_ref() {
    let expected = json!({"bsonType": "string", "ref": "authors"});
    for key in ["ref", "reference", "referenceTable", "table", "collection", "to"] {
        is(json!({"type": "reference", key: "authors"}), expected.clone());
        is(json!({"bsonType": "objectId", key: "authors"}), expected.clone());
    }
    is(json!({"type": "string", "ref": "users"}), json!({"bsonType": "string", "ref": "users"}));
    is(json!("reference"), json!({"bsonType": "string", "ref": ""}));
    is(json!({"type": "reference", "table": null}), json!({"bsonType": "string", "ref": ""}));
    is(json!({"type": "reference[]", "table": "tags"}), json!({"bsonType": "array", "items": {"bsonType": "string", "ref": "tags"}}));
    bad(json!({"type": "reference", "table": "a b"}), &["f.ref/ref"]);
    bad(json!({"type": "int", "ref": "authors"}), &["f.ref/keyword"]);
    bad(json!({"type": "reference", "table": "a", "ref": "b"}), &["f.ref/duplicate"]);
}

#[test]
fn type_lists_and_enums_decide_the_type() {
    is(json!({"type": ["string", "null"]}), json!({"bsonType": "string", "nullable": true}));
    is(json!({"type": ["string", "int"]}), json!({"bsonType": "mixed"}));
    is(json!({"enum": ["a", "b"]}), json!({"bsonType": "string", "enum": ["a", "b"]}));
    is(json!({"enum": [1, 2]}), json!({"bsonType": "int", "enum": [1, 2]}));
    is(json!({"type": "enum", "values": ["a"]}), json!({"bsonType": "string", "enum": ["a"]}));
    is(json!({"type": "enum", "options": ["a"]}), json!({"bsonType": "string", "enum": ["a"]}));
    is(json!({}), json!({"bsonType": "mixed"}));
}

#[test]
fn min_and_max_mean_length_on_strings_and_arrays() {
    is(json!({"type": "string", "min": 1, "max": 5}), json!({"bsonType": "string", "minLength": 1, "maxLength": 5}));
    is(json!({"type": "int", "min": 1, "max": 5}), json!({"bsonType": "int", "minimum": 1, "maximum": 5}));
    is(json!({"type": "array", "min": 1, "max": 5}), json!({"bsonType": "array", "minItems": 1, "maxItems": 5}));
    bad(json!({"type": "bool", "min": 1}), &["f.minimum/keyword"]);
    bad(json!({"type": "int", "min": 1, "minimum": 2}), &["f.minimum/duplicate"]);
}

#[test]
fn keywords_of_every_kind_are_kept_in_one_order() {
    is(
        json!({"x-ui": {"w": 1}, "description": "d", "maxLength": 9, "pattern": "^a", "type": "string", "default": "ab", "unique": true, "nullable": true, "minLength": 1}),
        json!({"bsonType": "string", "nullable": true, "unique": true, "default": "ab", "minLength": 1, "maxLength": 9, "pattern": "^a", "x-ui": {"w": 1}, "description": "d"}),
    );
    is(json!({"type": "date", "default": "2026-01-01"}), json!({"bsonType": "date", "default": "2026-01-01T00:00:00.000Z"}));
    is(json!({"type": "date", "enum": ["2026-01-01", 0]}), json!({"bsonType": "date", "enum": ["2026-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"]}));
    is(json!({"type": "date", "default": "$now"}), json!({"bsonType": "date", "default": "$now"}));
    is(json!({"type": "string", "unique": false, "nullable": false, "default": null}), json!({"bsonType": "string"}));
    is(json!({"type": "object", "additionalProperties": false}), json!({"bsonType": "object", "additionalProperties": false}));
    is(json!({"type": "object", "additionalProperties": true}), json!({"bsonType": "object"}));
}

#[test]
fn faults_are_told_with_their_path() {
    bad(json!("strng"), &["f/type"]);
    bad(json!({"type": "strng"}), &["f.type/type"]);
    bad(json!(7), &["f/type"]);
    bad(json!({"type": "string", "pattern": "("}), &["f.pattern/pattern"]);
    bad(json!({"type": "string", "pattern": "a".repeat(1001)}), &["f.pattern/pattern"]);
    bad(json!({"type": "string", "pattern": "(?<=a)b"}), &["f.pattern/pattern"]);
    bad(json!({"type": "int", "minimum": 5, "maximum": 4}), &["f.minimum/minimum"]);
    bad(json!({"type": "int", "exclusiveMinimum": 5, "maximum": 5}), &["f.minimum/minimum"]);
    bad(json!({"type": "int", "exclusiveMinimum": true}), &["f.exclusiveMinimum/exclusiveMinimum"]);
    bad(json!({"type": "string", "minLength": 5, "maxLength": 4}), &["f.minLength/minLength"]);
    bad(json!({"type": "string", "minLength": -1}), &["f.minLength/type"]);
    bad(json!({"type": "int", "multipleOf": 0}), &["f.multipleOf/multipleOf"]);
    bad(json!({"type": "string", "enum": []}), &["f.enum/enum"]);
    bad(json!({"type": "string", "enum": ["a", 1]}), &["f.enum/enum"]);
    bad(json!({"type": "string", "enum": ["a", "a"]}), &["f.enum/duplicate"]);
    bad(json!({"type": "int", "default": "1"}), &["f.default/default"]);
    bad(json!({"type": "string", "enum": ["a"], "default": "b"}), &["f.default/default"]);
    bad(json!({"type": "string", "default": "$now", "maxLength": 2}), &["f.default/default"]);
    bad(json!({"anyOf": []}), &["f.anyOf/keyword"]);
    bad(json!({"type": "string", "minLenght": 1}), &["f.minLenght/keyword"]);
    bad(json!({"type": "string", "required": "yes"}), &["f.required/required"]);
    bad(json!({"type": "int", "bsonType": "string"}), &["f.type/type"]);
    bad(json!({"type": "object", "properties": {"a": {"type": "int", "unique": true}}}), &["f.properties.a.unique/unique"]);
    bad(json!({"type": "object", "properties": {"a-b": "int", "c": {"type": "int", "foo": 1}}}), &["f.properties.a-b/name", "f.properties.c.foo/keyword"]);
    bad(json!({"type": "array", "items": {"type": "wat"}}), &["f.items.type/type"]);
    fails(json!({"a-b": "string", "9": "int", "": "int"}), &["a-b/name", "9/name", "/name"]);
    fails(json!([{"name": "a", "type": "int"}, {"name": "a", "type": "int"}, {"type": "int"}, 7]), &["a/duplicate", "2/name", "3/name"]);
    fails(json!({"type": "object", "properties": {"a": "int"}, "required": ["b", "a", "a"]}), &["required/required", "required/duplicate"]);
    fails(json!("string"), &["schema/type"]);
}

#[test]
fn a_typo_is_answered_with_the_keyword_that_was_meant() {
    let error = Schema::parse(&json!({"f": {"type": "string", "maxlength": 1}}), Mode::CREATE).unwrap_err();
    assert!(error.message().contains("did you mean maxLength?"), "{}", error.message());
}

#[test]
fn tools_for_ai_clients_drop_unknown_keywords_with_a_warning() {
    let parsed = Schema::parse(&json!({"f": {"type": "string", "anyOf": []}}), Mode::CREATE.lenient()).unwrap();
    assert_eq!(parsed.schema.to_value()["properties"]["f"], json!({"bsonType": "string"}));
    assert!(parsed.warnings.len() == 1 && parsed.warnings[0].contains("anyOf"));
}

#[test]
fn system_fields_are_dropped_with_a_warning_when_a_table_is_created_and_refused_later() {
    let input = json!({"bsonType": "object", "required": ["id", "a"], "properties": {"_id": {"bsonType": "objectId"}, "id": "string", "createdBy": "string", "a": "int", "updatedAt": "date", "createdAt": "date"}});
    let parsed = Schema::parse(&input, Mode::CREATE).unwrap();
    assert_eq!(parsed.schema.fields.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(parsed.warnings.len(), 5);
    let error = Schema::parse(&input, Mode::CHANGE).unwrap_err();
    assert_eq!(error.code(), Code::SYSTEM_FIELD_PROTECTED);
    assert!(stored(json!({"f": {"type": "object", "properties": {"id": "string"}}}))["properties"]["f"]["properties"]["id"].is_object());
}

#[test]
fn additional_properties_of_the_schema_is_a_setting_of_the_table() {
    let parsed = Schema::parse(&json!({"type": "object", "properties": {"a": "int"}, "additionalProperties": false}), Mode::CREATE).unwrap();
    assert_eq!(parsed.additional_fields, Some(false));
    assert!(parsed.schema.to_value().get("additionalProperties").is_none());
}

#[test]
fn a_table_declares_at_most_300_fields_nested_at_most_10_deep() {
    let many = |n: usize| Value::Object((0..n).map(|i| (format!("f{i}"), json!("int"))).collect());
    assert!(Schema::parse(&many(300), Mode::CREATE).is_ok());
    assert_eq!(Schema::parse(&many(301), Mode::CREATE).unwrap_err().detail_list()[0].rule, "limit");
    let nested = |n: usize| (0..n).fold(json!("int"), |inner, _| json!({"type": "object", "properties": {"a": inner}}));
    assert!(Schema::parse(&json!({"f": nested(10)}), Mode::CREATE).is_ok());
    assert_eq!(Schema::parse(&json!({"f": nested(11)}), Mode::CREATE).unwrap_err().detail_list()[0].rule, "depth");
}

#[test]
fn paths_find_declared_types_through_objects_and_arrays() {
    let schema = Schema::parse(
        &json!({"tags": ["string"], "lines": [{"type": "object", "properties": {"qty": "int", "at": "date"}}], "care": {"type": "object", "properties": {"water": "string", "deep": {"type": "object", "properties": {"n": "number"}}, "list": ["int"]}}}),
        Mode::CREATE,
    )
    .unwrap()
    .schema;
    let kind = |path: &str| schema.kind_at(&path.split('.').map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(kind("tags"), Some(FieldKind::Array));
    assert_eq!(kind("tags.0"), Some(FieldKind::String));
    assert_eq!(kind("lines.qty"), Some(FieldKind::Int));
    assert_eq!(kind("lines.3.at"), Some(FieldKind::Date));
    assert_eq!(kind("care.deep.n"), Some(FieldKind::Double));
    assert_eq!(kind("createdAt"), Some(FieldKind::Date));
    assert_eq!(kind("_id"), Some(FieldKind::String));
    for none in ["nope", "care.nope", "tags.x", "care.water.x", "createdAt.x"] {
        assert_eq!(kind(none), None, "{none}");
    }
    assert_eq!(schema.element_kind_at(&["tags".to_owned()]), Some(FieldKind::String));
    let nested = schema.nested_scalars();
    assert_eq!(nested.len(), 2);
    assert_eq!((nested["care.water"], nested["care.deep.n"]), (Kind::String, Kind::Double));
    assert_eq!(schema.columns().collect::<Vec<_>>(), [("tags", Kind::Any), ("lines", Kind::Any), ("care", Kind::Any)]);
}

fn definitions() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!("string")),
        Just(json!("DATE")),
        Just(json!({"type": "date", "default": "$now"})),
        Just(json!({"type": "reference", "table": "users"})),
        Just(json!("reference")),
        Just(json!({"type": ["int", "null"], "required": true})),
        (0u64..9, 10u64..20).prop_map(|(a, b)| json!({"type": "string", "min": a, "max": b, "pattern": "^[a-z]+$", "required": true})),
        (-5i64..0, 0i64..9)
            .prop_map(|(a, b)| json!({"type": "integer", "min": a, "exclusiveMaximum": b, "default": -0.0, "title": "T"}))
            .prop_filter("default below", |v| v["exclusiveMaximum"] != 0),
        Just(json!({"type": "number", "minimum": 0.5, "exclusiveMinimum": true, "multipleOf": 0.25})),
        Just(json!({"enum": ["a", "ü", "🌿"], "default": "ü", "x-color": [1, 2]})),
        Just(json!({"enum": [1, 2.5, null]})),
        Just(json!({"type": "mixed", "default": {"b": 1, "a": [null]}})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|d| json!([d])),
            (inner.clone(), any::<bool>()).prop_map(|(d, u)| json!({"type": "list", "items": d, "uniqueItems": u, "max": 9})),
            (proptest::collection::hash_map("[a-z][A-Za-z0-9_]{0,5}", inner, 1..4), any::<bool>())
                .prop_map(|(p, open)| json!({"type": "json", "properties": p, "additionalProperties": open})),
        ]
    })
}

proptest! {
    #[test]
    fn the_canonical_form_reads_back_to_itself(fields in proptest::collection::hash_map("f[A-Za-z0-9_]{0,8}", definitions(), 0..6)) {
        let schema = Schema::parse(&json!(fields), Mode::CREATE).unwrap().schema;
        let value = schema.to_value();
        let again = Schema::from_stored(&value).unwrap();
        prop_assert_eq!(&again, &schema);
        prop_assert_eq!(again.to_value().to_string(), value.to_string());
        prop_assert_eq!(Schema::parse(&value, Mode::CHANGE).unwrap().schema, schema);
    }
}
