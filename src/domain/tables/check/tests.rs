use serde_json::json;

use super::*;
use crate::domain::tables::schema::{Mode, Schema};

fn run(definition: Value, mut value: Value) -> Result<Value, Vec<String>> {
    let schema = Schema::parse(&json!({ "f": definition }), Mode::CREATE).unwrap().schema;
    let details = check_alone(&schema.fields["f"], &mut value, "f");
    if details.is_empty() { Ok(value) } else { Err(details.into_iter().map(|d| format!("{}/{}", d.field, d.rule)).collect()) }
}

fn ok(definition: Value, sent: Value, stored: Value) {
    assert_eq!(run(definition.clone(), sent.clone()).as_ref().map(ToString::to_string), Ok(stored.to_string()), "{definition} {sent}");
}

fn no(definition: Value, sent: Value, details: &[&str]) {
    let expected: Vec<String> = details.iter().map(|d| (*d).to_owned()).collect();
    assert_eq!(run(definition.clone(), sent.clone()), Err(expected), "{definition} {sent}");
}

#[test]
fn json_bodies_are_not_coerced_between_types() {
    no(json!("int"), json!("1"), &["f/type"]);
    no(json!("string"), json!(1), &["f/type"]);
    no(json!("bool"), json!("true"), &["f/type"]);
    no(json!("bool"), json!(1), &["f/type"]);
    no(json!("double"), json!("1.5"), &["f/type"]);
    no(json!("object"), json!([]), &["f/type"]);
    no(json!("array"), json!({}), &["f/type"]);
    no(json!("date"), json!(true), &["f/type"]);
}

#[test]
fn ints_and_doubles_are_stored_canonically() {
    ok(json!("int"), json!(5.0), json!(5));
    ok(json!("int"), json!(1e3), json!(1000));
    no(json!("int"), json!(12.5), &["f/type"]);
    no(json!("int"), json!(9_223_372_036_854_775_808_u64), &["f/range"]);
    ok(json!("double"), json!(5.0), json!(5));
    ok(json!("double"), json!(-0.0), json!(0));
    ok(json!("double"), json!(0.1), json!(0.1));
}

#[test]
fn dates_take_every_form_and_are_stored_in_one() {
    ok(json!("date"), json!("2026-03-01"), json!("2026-03-01T00:00:00.000Z"));
    ok(json!("date"), json!("2026-03-01 10:30+0100"), json!("2026-03-01T09:30:00.000Z"));
    ok(json!("date"), json!(0), json!("1970-01-01T00:00:00.000Z"));
    no(json!("date"), json!("03/01/2026"), &["f/date"]);
    no(json!("date"), json!("2026-02-30"), &["f/date"]);
    no(json!("date"), json!("$now"), &["f/date"]);
    no(json!("date"), json!(1.5), &["f/date"]);
    no(json!("date"), json!(i64::MAX), &["f/date"]);
}

#[test]
fn strings_stay_as_sent_and_length_counts_code_points() {
    ok(json!("string"), json!("  é  "), json!("  é  "));
    ok(json!({"type": "string", "maxLength": 1}), json!("🌿"), json!("🌿"));
    no(json!({"type": "string", "minLength": 2}), json!("🌿"), &["f/minLength"]);
    no(json!("string"), json!("a\0"), &["f/characters"]);
}

#[test]
fn a_reference_is_a_string_of_1_to_64_characters() {
    ok(json!({"type": "reference", "table": "authors"}), json!("x"), json!("x"));
    no(json!("reference"), json!(""), &["f/minLength"]);
    no(json!("reference"), json!("x".repeat(65)), &["f/maxLength"]);
    no(json!("reference"), json!(7), &["f/type"]);
}

#[test]
fn all_rules_of_a_field_are_told_when_its_type_holds() {
    let definition = json!({"type": "string", "enum": ["ab", "cd"], "minLength": 2, "pattern": "^[a-d]+$"});
    no(definition.clone(), json!("x"), &["f/enum", "f/minLength", "f/pattern"]);
    no(definition, json!(1), &["f/type"]);
}

#[test]
fn exclusive_bounds_report_minimum_and_maximum() {
    let numbers = json!({"type": "double", "exclusiveMinimum": 0, "exclusiveMaximum": 10});
    no(numbers.clone(), json!(0), &["f/minimum"]);
    no(numbers.clone(), json!(10), &["f/maximum"]);
    ok(numbers, json!(0.1), json!(0.1));
    let flags = json!({"type": "int", "min": 1, "exclusiveMinimum": true, "max": 5, "exclusiveMaximum": false});
    no(flags.clone(), json!(1), &["f/minimum"]);
    ok(flags, json!(5), json!(5));
}

#[test]
fn multiples_hold_for_decimals() {
    ok(json!({"type": "double", "multipleOf": 0.1}), json!(0.3), json!(0.3));
    no(json!({"type": "double", "multipleOf": 0.1}), json!(0.35), &["f/multipleOf"]);
    no(json!({"type": "int", "multipleOf": 5}), json!(7), &["f/multipleOf"]);
}

#[test]
fn arrays_check_items_length_and_uniqueness() {
    let definition = json!({"type": "array", "items": {"type": "int", "minimum": 0}, "minItems": 1, "maxItems": 3, "uniqueItems": true});
    ok(definition.clone(), json!([1, 2.0]), json!([1, 2]));
    no(definition.clone(), json!([]), &["f/minItems"]);
    no(definition.clone(), json!([1, 2, 3, 4]), &["f/maxItems"]);
    no(definition.clone(), json!([1, 1.0]), &["f/uniqueItems"]);
    no(definition.clone(), json!([1, "2", -3]), &["f.1/type", "f.2/minimum"]);
    no(definition, json!([null]), &["f.0/type"]);
    ok(json!({"type": "array", "items": ["string", "null"]}), json!(["a", null]), json!(["a", null]));
}

#[test]
fn members_of_objects_in_arrays_are_named_with_their_position() {
    let lines = json!({"type": "array", "items": {"type": "object", "properties": {"qty": {"type": "int", "required": true}}}});
    no(lines.clone(), json!([{"qty": "2"}, {}]), &["f.0.qty/type", "f.1.qty/required"]);
    ok(lines, json!([{"note": 1.0, "qty": 2}]), json!([{"note": 1, "qty": 2}]));
}

#[test]
fn closed_objects_refuse_undeclared_members() {
    let closed = json!({"type": "object", "properties": {"a": "int"}, "additionalProperties": false});
    no(closed, json!({"b": 1, "a": "x"}), &["f.a/type", "f.b/additionalFields"]);
}

#[test]
fn any_field_that_is_not_required_takes_null_whatever_its_enum() {
    ok(json!({"type": "string", "enum": ["a"], "minLength": 1}), json!(null), json!(null));
    no(json!({"type": "string", "required": true}), json!(null), &["f/required"]);
    ok(json!({"type": "string", "required": true, "nullable": true}), json!(null), json!(null));
    ok(json!({"type": "string", "required": true}), json!(""), json!(""));
}

#[test]
fn keys_at_any_depth_follow_the_rules() {
    for key in ["", "$a", "a.b", "__proto__", "constructor", "prototype", &"k".repeat(129)] {
        let details = run(json!("mixed"), json!({ "x": [{ key: 1 }] })).unwrap_err();
        assert!(details[0].ends_with("/fieldName"), "{key}: {details:?}");
    }
    let details = run(json!("object"), json!({ "a\0": 1 })).unwrap_err();
    assert!(details[0].ends_with("/characters"));
    ok(json!("object"), json!({"kebab-case": 1, "ü": 2, "a b": 3}), json!({"kebab-case": 1, "ü": 2, "a b": 3}));
}

#[test]
fn depth_and_number_of_keys_are_limited() {
    let nested = |n: usize| (1..n).fold(json!([]), |inner, _| json!([inner]));
    assert!(run(json!("mixed"), nested(64)).is_ok());
    assert!(run(json!("mixed"), nested(65)).unwrap_err()[0].ends_with("/depth"));
    let keys = |n: usize| Value::Object((0..n).map(|i| (format!("k{i}"), json!(i))).collect());
    assert!(run(json!("object"), keys(2000)).is_ok());
    assert_eq!(run(json!("object"), keys(2001)).unwrap_err(), ["f/limit"]);
}

#[test]
fn at_most_50_details_are_told() {
    let list: Vec<Value> = (0..80).map(|_| json!("x")).collect();
    assert_eq!(run(json!(["int"]), json!(list)).unwrap_err().len(), 50);
}
