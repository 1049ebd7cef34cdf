use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::error::Error;
use crate::domain::records::values::body_object;
use crate::domain::records::values::tests::{plants, schema, told};
use crate::domain::tables::value::equal;

/// Stands in for the filter language: elements that contain every pair of the filter.
fn contains(filter: &Value, element: &Value) -> Result<bool> {
    Ok(filter.as_object().unwrap().iter().all(|(k, v)| element.get(k).is_some_and(|w| equal(v, w))))
}

fn patch_with(schema: &Schema, current: Value, body: Value) -> Result<Value> {
    let patch = Patch::parse(body_object(body)?)?;
    patch.apply(schema, true, &body_object(current)?, &contains).map(|(doc, _)| Value::Object(doc))
}

fn patch(current: Value, body: Value) -> Result<Value> {
    patch_with(&Schema::default(), current, body)
}

fn gives(current: Value, body: Value, expected: Value) {
    assert_eq!(patch(current.clone(), body.clone()).map(|v| v.to_string()).map_err(|e| e.to_string()), Ok(expected.to_string()), "{current} {body}");
}

fn fails(current: Value, body: Value, expected: &[&str]) {
    assert_eq!(told(&patch(current.clone(), body.clone()).map(|v| v.to_string()).expect_err(&body.to_string())), expected, "{current} {body}");
}

#[test]
fn worked_example_15_objects_are_replaced_whole_and_dots_set_inside() {
    let ivy = json!({"name": "Ivy", "height": 12});
    let one = patch_with(&plants(), ivy, json!({"care": {"water": "low", "note": "n"}})).unwrap();
    assert_eq!(one["care"], json!({"water": "low", "note": "n"}));
    let two = patch_with(&plants(), one, json!({"care": {"water": "high"}})).unwrap();
    assert_eq!(two["care"], json!({"water": "high"}));
    let three = patch_with(&plants(), two.clone(), json!({"care.note": "m"})).unwrap();
    assert_eq!(three["care"].to_string(), r#"{"water":"high","note":"m"}"#);
    assert_eq!(told(&patch_with(&plants(), two, json!({"care": {"water": "wet"}})).unwrap_err()), ["care.water/enum"]);
}

#[test]
fn worked_example_16_a_minimum_makes_inc_a_safe_counter() {
    let ivy = json!({"name": "Ivy", "height": 12});
    let zero = patch_with(&plants(), ivy, json!({"$inc": {"height": -12}})).unwrap();
    assert_eq!(zero["height"].to_string(), "0");
    assert_eq!(told(&patch_with(&plants(), zero, json!({"$inc": {"height": -12}})).unwrap_err()), ["height/minimum"]);
}

#[test]
fn an_empty_patch_changes_nothing() {
    for body in [
        json!({}),
        json!({"id": "x", "createdAt": 1, "updatedAt": 2, "_id": 3, "createdBy": "b", "_included": {}}),
        json!({"$inc": {}}),
        json!({"$set": {"id": "y"}}),
    ] {
        assert!(Patch::parse(body_object(body).unwrap()).unwrap().is_empty());
    }
}

#[test]
fn touched_fields_are_the_top_level_names() {
    let patch = Patch::parse(body_object(json!({"a.b": 1, "$inc": {"n": 1, "a.c": 2}, "x": {"$push": 1}})).unwrap()).unwrap();
    assert_eq!(patch.touched_fields(), ["a", "n", "x"]);
}

#[test]
fn only_sent_fields_are_validated_and_null_on_a_required_field_is_refused() {
    let lacking = json!({"price": "broken"});
    assert!(patch_with(&plants(), lacking.clone(), json!({"height": 4})).is_ok());
    assert_eq!(told(&patch_with(&plants(), lacking.clone(), json!({"name": null})).unwrap_err()), ["name/required"]);
    assert_eq!(told(&patch_with(&plants(), json!({"name": "x"}), json!({"$unset": {"name": ""}})).unwrap_err()), ["name/required"]);
    assert_eq!(patch_with(&plants(), json!({"name": "x", "height": 1}), json!({"height": null})).unwrap(), json!({"name": "x", "height": null}));
    let nested = schema(json!({"o": {"type": "object", "properties": {"a": {"type": "int", "required": true}}}}));
    assert_eq!(told(&patch_with(&nested, json!({"o": {"a": 1}}), json!({"$unset": {"o.a": 1}})).unwrap_err()), ["o.a/required"]);
}

#[test]
fn paths_make_missing_objects_and_need_existing_positions() {
    gives(json!({}), json!({"a.b.c": 1}), json!({"a": {"b": {"c": 1}}}));
    gives(json!({"l": [{"q": 1}, 2]}), json!({"l.0.q": 5, "l.1": 3}), json!({"l": [{"q": 5}, 3]}));
    fails(json!({"l": [1]}), json!({"l.1": 2}), &["l.1/path"]);
    fails(json!({"l": [1]}), json!({"l.x": 2}), &["l.x/path"]);
    fails(json!({"l": [1]}), json!({"l.+0": 2}), &["l.+0/path"]);
    fails(json!({"l": [1]}), json!({"l.3.x": 2}), &["l.3.x/path"]);
    fails(json!({"a": 1}), json!({"a.b": 2}), &["a.b/path"]);
    fails(json!({"a": null}), json!({"a.b": 2}), &["a.b/path"]);
    fails(json!({}), json!({"a..b": 2}), &["a..b/path"]);
    fails(json!({}), json!({"a.$b": 2}), &["a.$b/path"]);
    fails(json!({}), json!({"a.__proto__": 2}), &["a.__proto__/path"]);
    fails(json!({}), json!({".": 2}), &["./path"]);
    fails(json!({}), json!({"": 2}), &["/fieldName"]);
    fails(json!({}), json!({"constructor": 2}), &["constructor/fieldName"]);
    fails(json!({}), json!({"a\0": 2}), &["a/characters"]);
}

#[test]
fn set_and_unset() {
    gives(json!({"a": 1, "b": 2, "c": 3}), json!({"$set": {"a": {"x": 1}}, "$unset": {"b": "", "nope": 1, "c.d": 1}}), json!({"a": {"x": 1}, "c": 3}));
    gives(json!({"o": {"x": 1, "y": 2}}), json!({"o.x": {"$unset": true}}), json!({"o": {"y": 2}}));
    fails(json!({"l": [1]}), json!({"$unset": {"l.0": 1}}), &["l.0/path"]);
    gives(json!({"l": [1]}), json!({"$unset": {"l.7": 1}}), json!({"l": [1]}));
}

#[test]
fn arithmetic_counts_missing_as_0_and_keeps_whole_numbers_whole() {
    gives(json!({"n": 5}), json!({"$inc": {"n": 2, "m": 3}}), json!({"n": 7, "m": 3}));
    gives(json!({"n": 5}), json!({"n": {"$mul": 1.5}, "m": {"$mul": 7}}), json!({"n": 7.5, "m": 0}));
    gives(json!({"n": 9_007_199_254_740_993_i64}), json!({"$inc": {"n": 2}}), json!(serde_json::from_str::<Value>(r#"{"n":9007199254740995}"#).unwrap()));
    gives(json!({"n": 0.5}), json!({"$inc": {"n": 0.5}}), json!({"n": 1}));
    gives(json!({"n": i64::MAX}), json!({"$inc": {"n": 1}}), json!({"n": 9_223_372_036_854_775_808.0}));
    fails(json!({"n": 1e308}), json!({"$mul": {"n": 1e308}}), &["n/range"]);
    fails(json!({"n": "5"}), json!({"$inc": {"n": 1}}), &["n/type"]);
    fails(json!({"n": null}), json!({"$inc": {"n": 1}}), &["n/type"]);
    fails(json!({"n": 5}), json!({"$inc": {"n": "1"}}), &["n/type"]);
    let whole = schema(json!({"n": "int"}));
    assert_eq!(told(&patch_with(&whole, json!({"n": i64::MAX}), json!({"$inc": {"n": 1}})).unwrap_err()), ["n/range"]);
    assert_eq!(told(&patch_with(&whole, json!({"n": 1}), json!({"$inc": {"n": 0.5}})).unwrap_err()), ["n/type"]);
}

#[test]
fn min_and_max_work_on_numbers_and_dates() {
    gives(json!({"a": 5, "b": 5}), json!({"$min": {"a": 3, "b": 9, "c": 1}}), json!({"a": 3, "b": 5, "c": 1}));
    gives(json!({"a": 5, "b": 5}), json!({"$max": {"a": 3, "b": 9}}), json!({"a": 5, "b": 9}));
    fails(json!({"a": "x"}), json!({"$min": {"a": 1}}), &["a/type"]);
    fails(json!({"a": 1}), json!({"$min": {"a": "2026-01-01"}}), &["a/type"]);
    fails(json!({"a": 1}), json!({"$max": {"a": [1]}}), &["a/type"]);
    let dated = schema(json!({"at": "date"}));
    let first = json!({"at": "2026-01-01T00:00:00.000Z"});
    assert_eq!(patch_with(&dated, first.clone(), json!({"$max": {"at": "2026-02-01"}})).unwrap(), json!({"at": "2026-02-01T00:00:00.000Z"}));
    assert_eq!(patch_with(&dated, first.clone(), json!({"$min": {"at": "2026-02-01"}})).unwrap(), first);
    assert_eq!(patch_with(&dated, json!({}), json!({"$min": {"at": 0}})).unwrap(), json!({"at": "1970-01-01T00:00:00.000Z"}));
    assert_eq!(told(&patch_with(&dated, first, json!({"$min": {"at": "soon"}})).unwrap_err()), ["at/date"]);
}

#[test]
fn push_takes_each_position_and_slice() {
    gives(json!({}), json!({"$push": {"l": 1}}), json!({"l": [1]}));
    gives(json!({"l": [1]}), json!({"l": {"$push": {"x": 1}}}), json!({"l": [1, {"x": 1}]}));
    gives(json!({"l": [1, 2]}), json!({"$push": {"l": {"$each": [8, 9], "$position": 0}}}), json!({"l": [8, 9, 1, 2]}));
    gives(json!({"l": [1, 2]}), json!({"$push": {"l": {"$each": [9], "$position": -1}}}), json!({"l": [1, 9, 2]}));
    gives(json!({"l": [1, 2]}), json!({"$push": {"l": {"$each": [9], "$position": 99}}}), json!({"l": [1, 2, 9]}));
    gives(json!({"l": [1, 2]}), json!({"$push": {"l": {"$each": [3], "$slice": -2}}}), json!({"l": [2, 3]}));
    gives(json!({"l": [1, 2]}), json!({"$push": {"l": {"$each": [3], "$slice": 1}}}), json!({"l": [1]}));
    gives(json!({"l": [1, 2]}), json!({"$push": {"l": {"$each": [], "$slice": 0}}}), json!({"l": []}));
    gives(json!({"l": [1]}), json!({"$push": {"l": {"$each": [2], "$slice": i64::MIN, "$position": i64::MIN}}}), json!({"l": [2, 1]}));
    fails(json!({"l": 1}), json!({"$push": {"l": 1}}), &["l/type"]);
    fails(json!({"l": null}), json!({"$push": {"l": 1}}), &["l/type"]);
    fails(json!({}), json!({"$push": {"l": {"$each": 1}}}), &["l/type"]);
    fails(json!({}), json!({"$push": {"l": {"$slice": 1}}}), &["l/type"]);
    fails(json!({}), json!({"$push": {"l": {"$each": [], "$sort": 1}}}), &["l/type"]);
    fails(json!({}), json!({"$push": {"l": {"$each": [], "$slice": 1.5}}}), &["l/type"]);
    assert_eq!(told(&patch_with(&plants(), json!({"name": "x"}), json!({"$push": {"tags": 5}})).unwrap_err()), ["tags.0/type"]);
}

#[test]
fn add_to_set_compares_by_value_in_stored_form() {
    gives(json!({"l": [1]}), json!({"$addToSet": {"l": 1.0}}), json!({"l": [1]}));
    gives(json!({"l": [{"a": 1, "b": 2}]}), json!({"$addToSet": {"l": {"$each": [{"b": 2, "a": 1}, 5, 5]}}}), json!({"l": [{"a": 1, "b": 2}, 5]}));
    gives(json!({}), json!({"$addToSet": {"l": "a"}}), json!({"l": ["a"]}));
    fails(json!({}), json!({"$addToSet": {"l": {"$each": [1], "$slice": 1}}}), &["l/type"]);
    let dates = schema(json!({"d": ["date"]}));
    let current = json!({"d": ["2026-01-01T00:00:00.000Z"]});
    assert_eq!(patch_with(&dates, current.clone(), json!({"$addToSet": {"d": "2026-01-01"}})).unwrap(), current);
    assert_eq!(patch_with(&dates, current, json!({"$pull": {"d": "2026-01-01"}})).unwrap(), json!({"d": []}));
}

#[test]
fn pull_takes_a_value_or_a_filter_and_pop_an_end() {
    gives(json!({"l": [1, 2, 1.0]}), json!({"$pull": {"l": 1}}), json!({"l": [2]}));
    gives(json!({"l": [[1], 1]}), json!({"$pull": {"l": [1]}}), json!({"l": [1]}));
    gives(json!({"l": [{"a": 1, "b": 1}, {"a": 2}]}), json!({"$pull": {"l": {"a": 1}}}), json!({"l": [{"a": 2}]}));
    gives(json!({"l": [1, 2, 3]}), json!({"$pop": {"l": 1}}), json!({"l": [1, 2]}));
    gives(json!({"l": [1, 2, 3]}), json!({"$pop": {"l": -1}}), json!({"l": [2, 3]}));
    gives(json!({"l": []}), json!({"$pop": {"l": -1}, "$pull": {"nope": 1}}), json!({"l": []}));
    fails(json!({"l": 1}), json!({"$pull": {"l": 1}}), &["l/type"]);
    fails(json!({"l": [1]}), json!({"$pop": {"l": 2}}), &["l/type"]);
    let patch = Patch::parse(body_object(json!({"$pull": {"l": {"$bad": 1}}})).unwrap()).unwrap();
    let answer =
        patch.apply(&Schema::default(), true, &body_object(json!({"l": [1]})).unwrap(), &|_, _| Err(Error::validation("l.$bad", "operator", "unknown")));
    assert_eq!(told(&answer.unwrap_err()), ["l.$bad/operator"]);
}

#[test]
fn two_entries_touching_the_same_or_a_nested_path_conflict() {
    fails(json!({}), json!({"a": 1, "$set": {"a": 2}}), &["a/conflict"]);
    fails(json!({}), json!({"a.b": 1, "a": 2}), &["a.b/conflict"]);
    fails(json!({}), json!({"$inc": {"n": 1}, "$mul": {"n": 2}, "$unset": {"n.x": 1}}), &["n/conflict", "n.x/conflict"]);
    gives(json!({}), json!({"a.b": 1, "a.bc": 2, "a.c": {"$inc": 3}}), json!({"a": {"b": 1, "bc": 2, "c": 3}}));
}

#[test]
fn a_closed_table_refuses_every_entry_that_names_an_undeclared_field() {
    for body in [json!({"hue": 1}), json!({"$unset": {"hue": 1}}), json!({"hue.deep": {"$inc": 1}})] {
        let patch = Patch::parse(body_object(body).unwrap()).unwrap();
        let answer = patch.apply(&plants(), false, &body_object(json!({"name": "x", "hue": {}})).unwrap(), &contains);
        assert_eq!(told(&answer.unwrap_err()), ["hue/additionalFields"]);
    }
}

proptest! {
    #[test]
    fn no_patch_makes_apply_panic_and_untouched_fields_stay(
        current in proptest::collection::hash_map("[a-d]", small_json(), 0..4),
        body in proptest::collection::hash_map("([a-d](\\.([a-d]|[0-3])){0,2}|\\$(set|unset|inc|mul|min|max|push|addToSet|pull|pop))", small_json(), 0..4),
    ) {
        let current = body_object(json!(current)).unwrap();
        if let Ok(patch) = Patch::parse(body_object(json!(body)).unwrap())
            && let Ok((doc, changed)) = patch.apply(&Schema::default(), true, &current, &contains)
        {
            for (name, value) in &current {
                prop_assert!(changed.contains(name) || doc.get(name) == Some(value));
            }
        }
    }
}

fn small_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!(null)), Just(json!("2026-01-01")), (-3i64..3).prop_map(Value::from), any::<f64>().prop_map(|f| json!(f))];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("([a-d]|[a-d]\\.[0-2]|\\$(each|position|slice|inc|push))", inner, 0..3).prop_map(|m| json!(m)),
        ]
    })
}

#[test]
fn unknown_operators_are_refused_wherever_they_stand() {
    fails(json!({}), json!({"$foo": {"a": 1}}), &["$foo/fieldName"]);
    fails(json!({}), json!({"a": {"$foo": 1}}), &["a.$foo/fieldName"]);
    fails(json!({}), json!({"a": {"$inc": 1, "$mul": 2}}), &["a.$inc/fieldName", "a.$mul/fieldName"]);
    fails(json!({}), json!({"a": {"b": {"$inc": 1}}}), &["a.b.$inc/fieldName"]);
    fails(json!({}), json!({"$inc": 5}), &["$inc/type"]);
}
