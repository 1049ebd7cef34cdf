use serde_json::json;

use super::super::index_def::{MAX_INDEXES, after_fields, system_indexes, with_mirrors};
use super::super::schema::{Mode, Schema};
use super::*;

fn index(input: Value) -> IndexDef {
    IndexDef::parse(&input).unwrap()
}

fn manage(current: &[IndexDef], body: Value) -> Result<IndexPlan> {
    IndexChange::parse(&body, false)?.apply(current)
}

fn code(result: Result<IndexPlan>) -> &'static str {
    result.unwrap_err().code().name
}

fn names(list: &[IndexDef]) -> Vec<&str> {
    list.iter().map(|i| i.name.as_str()).collect()
}

#[test]
fn every_form_gives_the_canonical_one() {
    let expected = json!({"name": "idx_a_b_desc", "fields": {"a": 1, "b": -1}, "key": {"a": 1, "b": -1}, "unique": false, "sparse": false, "system": false});
    for input in [json!({"fields": {"a": 1, "b": -1}}), json!({"key": {"a": "asc", "b": "desc"}}), json!({"name": null, "fields": {"a": 1.0, "b": "DESC"}})] {
        assert_eq!(index(input).to_value().to_string(), expected.to_string());
    }
    assert_eq!(index(json!({"fields": ["a", "b.c"], "unique": true})).name, "idx_a_b_c");
    assert_eq!(index(json!({"fields": {"_id": 1}})).fields.keys().collect::<Vec<_>>(), ["id"]);
    assert_eq!(index(json!({"fields": ["ü x"]})).name, "idx___x");
    let long = index(json!({"fields": {"a".repeat(60): 1, "b": -1}}));
    assert_eq!(long.name.len(), 64);
    assert_eq!(IndexDef::from_stored(&expected).unwrap(), index(json!({"fields": {"a": 1, "b": -1}})));
}

#[test]
fn bad_definitions_are_told_with_their_place() {
    for (input, expected) in [
        (json!(7), "index/type"),
        (json!({}), "index.fields/required"),
        (json!({"fields": {}}), "index.fields/limit"),
        (json!({"fields": ["a", "b", "c", "d", "e", "f", "g", "h", "i"]}), "index.fields/limit"),
        (json!({"fields": {"a": 2}}), "index.fields.a/direction"),
        (json!({"fields": {"a": "up"}}), "index.fields.a/direction"),
        (json!({"fields": ["a", "a"]}), "index.fields/duplicate"),
        (json!({"fields": [1]}), "index.fields/type"),
        (json!({"fields": ["a..b"]}), "index.fields/path"),
        (json!({"fields": ["$a"]}), "index.fields/path"),
        (json!({"fields": ["a.b.c.d.e.f.g.h.i.j.k"]}), "index.fields/limit"),
        (json!({"fields": ["a"], "name": "9"}), "index.name/name"),
        (json!({"fields": ["a"], "name": 9}), "index.name/name"),
        (json!({"fields": ["a"], "unique": "yes"}), "index.unique/type"),
        (json!({"fields": ["a"], "expireAfterSeconds": 5}), "index.expireAfterSeconds/keyword"),
    ] {
        let error = IndexDef::parse(&input).expect_err(&input.to_string());
        assert_eq!(error.code(), Code::SCHEMA_VALIDATION_FAILED);
        assert_eq!(format!("{}/{}", error.detail_list()[0].field, error.detail_list()[0].rule), expected);
    }
}

#[test]
fn add_update_and_remove_apply_together() {
    let current =
        manage(&system_indexes(), json!({"indexesToAddOrUpdate": [{"name": "x", "fields": ["a"]}, {"fields": ["b"]}, {"name": "same", "fields": ["s"]}]}))
            .unwrap();
    assert_eq!(current.added, ["x", "idx_b", "same"]);
    let plan = manage(&current.indexes, json!({"indexesToAddOrUpdate": [{"name": "x", "fields": ["a"], "unique": true}, {"fields": ["c"]}, {"name": "same", "fields": ["s"]}], "indexesToRemove": ["idx_b", "nope"]})).unwrap();
    assert_eq!(
        (plan.added.as_slice(), plan.updated.as_slice(), plan.removed.as_slice()),
        (&["idx_c".to_owned()][..], &["x".to_owned()][..], &["idx_b".to_owned()][..])
    );
    assert_eq!(plan.warnings.len(), 1);
    assert_eq!(plan.summary(), "added idx_c; rebuilt x; removed idx_b");
    let back = IndexPlan::between(&plan.indexes, &current.indexes).unwrap();
    assert_eq!(
        (back.added.as_slice(), back.updated.as_slice(), back.removed.as_slice()),
        (&["idx_b".to_owned()][..], &["x".to_owned()][..], &["idx_c".to_owned()][..])
    );
    assert!(IndexPlan::between(&plan.indexes, &plan.indexes).unwrap().is_empty());
}

#[test]
fn older_tools_send_an_action() {
    let one = manage(&[], json!({"action": "add", "index": {"fields": ["a"]}})).unwrap();
    assert_eq!(one.added, ["idx_a"]);
    assert_eq!(manage(&one.indexes, json!({"action": "delete", "index": {"name": "idx_a"}})).unwrap().removed, ["idx_a"]);
    assert_eq!(manage(&one.indexes, json!({"action": "delete", "index": {"fields": ["a"]}})).unwrap().removed, ["idx_a"]);
    assert_eq!(manage(&one.indexes, json!({"action": "delete", "indexes": ["idx_a"]})).unwrap().removed, ["idx_a"]);
    assert_eq!(code(manage(&[], json!({"action": "drop", "index": {"fields": ["a"]}}))), "common/invalid-parameters");
}

#[test]
fn contradictions_and_twins_conflict() {
    let current = manage(&system_indexes(), json!({"indexesToAddOrUpdate": [{"name": "x", "fields": ["a"]}]})).unwrap().indexes;
    for body in [
        json!({"indexesToAddOrUpdate": [{"name": "x", "fields": ["b"]}], "indexesToRemove": ["x"]}),
        json!({"indexesToAddOrUpdate": [{"name": "y", "fields": ["a"]}]}),
        json!({"indexesToAddOrUpdate": [{"name": "y", "fields": ["b"]}, {"name": "z", "fields": ["b"]}]}),
        json!({"indexesToAddOrUpdate": [{"name": "y", "fields": ["b"]}, {"name": "y", "fields": ["c"]}]}),
        json!({"indexesToAddOrUpdate": [{"name": "mine", "fields": {"createdAt": -1}}]}),
    ] {
        assert_eq!(code(manage(&current, body.clone())), "table/index-conflict", "{body}");
    }
    assert!(manage(&current, json!({"indexesToAddOrUpdate": [{"name": "y", "fields": ["a"]}], "indexesToRemove": ["x"]})).is_ok());
    assert!(manage(&current, json!({"indexesToAddOrUpdate": [{"name": "y", "fields": {"a": -1}}, {"fields": ["a"], "unique": true, "name": "u"}]})).is_ok());
}

#[test]
fn indexes_made_by_the_server_are_protected() {
    let schema = Schema::parse(&json!({"email": {"type": "string", "unique": true}}), Mode::CREATE).unwrap().schema;
    let current = with_mirrors(&system_indexes(), &schema).unwrap();
    assert_eq!(names(&current), ["_id_", "idx_createdAt_desc", "idx_updatedAt_desc", "idx_createdBy", "email_unique"]);
    for name in names(&current) {
        assert_eq!(code(manage(&current, json!({"indexesToRemove": [name]}))), "table/system-index-protected", "{name}");
        assert_eq!(code(manage(&current, json!({"indexesToAddOrUpdate": [{"name": name, "fields": ["x"]}]}))), "table/system-index-protected", "{name}");
    }
    let whole: Vec<Value> = current.iter().map(IndexDef::to_value).collect();
    assert!(manage(&current, json!({"indexesToAddOrUpdate": whole})).unwrap().is_empty());
}

#[test]
fn a_mirror_comes_and_goes_with_the_fields_unique() {
    let parse = |input| Schema::parse(&input, Mode::CREATE).unwrap().schema;
    let with = with_mirrors(&system_indexes(), &parse(json!({"a": {"type": "string", "unique": true}}))).unwrap();
    assert_eq!(with.last().and_then(IndexDef::mirrored_field), Some("a"));
    assert_eq!(with_mirrors(&with, &parse(json!({"a": "string"}))).unwrap(), system_indexes());
    let taken = vec![index(json!({"name": "a_unique", "fields": ["b"]}))];
    assert_eq!(with_mirrors(&taken, &parse(json!({"a": {"type": "string", "unique": true}}))).unwrap_err().code(), Code::INDEX_CONFLICT);
}

#[test]
fn indexes_follow_renamed_fields_and_go_with_removed_ones() {
    let mut list = vec![index(json!({"fields": ["a.x", "b"]})), index(json!({"fields": ["c"]})), index(json!({"fields": ["ab"]}))];
    list.push(IndexDef::unique_mirror("a"));
    let (kept, gone) = after_fields(&list, &[("a".to_owned(), "z".to_owned())], &["c".to_owned()]);
    assert_eq!(gone, ["idx_c"]);
    assert_eq!(kept[0].fields.keys().collect::<Vec<_>>(), ["z.x", "b"]);
    assert_eq!(names(&kept), ["idx_a_x_b", "idx_ab"]);
}

#[test]
fn an_empty_call_and_too_many_indexes_are_refused() {
    for body in
        [json!({}), json!({"indexesToRemove": []}), json!({"action": "add"}), json!([]), json!({"indexesToRemove": "x"}), json!({"indexesToRemove": [1]})]
    {
        assert_eq!(code(manage(&[], body)), "common/invalid-parameters");
    }
    let many = |n: usize| json!({"indexesToAddOrUpdate": (0..n).map(|i| json!({"fields": [format!("f{i}")]})).collect::<Vec<_>>()});
    assert!(manage(&system_indexes(), many(MAX_INDEXES - 4)).is_ok());
    assert_eq!(code(manage(&system_indexes(), many(MAX_INDEXES - 3))), "table/schema-validation-failed");
}
