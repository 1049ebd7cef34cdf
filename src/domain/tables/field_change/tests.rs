use serde_json::json;

use super::super::field::FieldKind;
use super::*;

fn schema(input: Value) -> Schema {
    Schema::parse(&input, Mode::CREATE).unwrap().schema
}

fn plants() -> Schema {
    schema(json!({ "name": { "type": "string", "required": true, "unique": true, "maxLength": 20 }, "height": { "type": "int", "minimum": 0 },
        "price": "number", "tags": ["string"], "potted": { "type": "boolean", "default": true }, "bought": "date" }))
}

fn manage(body: Value) -> Result<FieldPlan> {
    FieldChange::parse(&body, false)?.apply(&plants())
}

fn field(plan: &FieldPlan, name: &str) -> String {
    plan.schema.fields[name].to_value().to_string()
}

fn code(body: Value) -> &'static str {
    manage(body.clone()).map(|p| p.summary()).expect_err(&body.to_string()).code().name
}

#[test]
fn fields_are_added_in_any_form() {
    for form in [
        json!({"soil": {"type": "string", "required": true}}),
        json!({"bsonType": "object", "required": ["soil"], "properties": {"soil": {"bsonType": "string"}}}),
        json!([{"name": "soil", "type": "string", "required": true}]),
    ] {
        let plan = manage(json!({"fieldsToAddOrUpdate": form})).unwrap();
        assert_eq!((plan.added.as_slice(), plan.required_added.as_slice()), (&["soil".to_owned()][..], &["soil".to_owned()][..]));
        assert_eq!(plan.schema.fields.last().unwrap().0, "soil");
        assert!(plan.changes_schema && plan.updated.is_empty() && plan.new_uniques.is_empty());
        assert_eq!(plan.conversions[0].from, None);
        assert_eq!(plan.summary(), "added soil; made required soil");
    }
}

#[test]
fn keywords_are_merged_into_an_existing_definition_and_null_removes_one() {
    let plan = manage(json!({"fieldsToAddOrUpdate": {"name": {"minLength": 2, "maxLength": null, "description": "d"}}})).unwrap();
    assert_eq!(field(&plan, "name"), r#"{"bsonType":"string","unique":true,"minLength":2,"description":"d"}"#);
    assert_eq!((plan.updated.as_slice(), plan.required_removed.len()), (&["name".to_owned()][..], 0));
    assert_eq!(plan.tightened[0].rules, ["minLength"]);
    let plan = manage(json!({"fieldsToAddOrUpdate": {"height": {"max": 9, "min": null}}})).unwrap();
    assert_eq!(field(&plan, "height"), r#"{"bsonType":"int","maximum":9}"#);
    let plan = manage(json!({"fieldsToAddOrUpdate": {"name": {"unique": false, "required": false}}})).unwrap();
    assert_eq!((plan.dropped_uniques.as_slice(), plan.required_removed.as_slice()), (&["name".to_owned()][..], &["name".to_owned()][..]));
    let plan = manage(json!({"fieldsToAddOrUpdate": {"price": {"unique": true}}})).unwrap();
    assert_eq!(plan.new_uniques, ["price"]);
}

#[test]
fn an_unchanged_definition_is_no_change() {
    for body in [
        json!({"fieldsToAddOrUpdate": {"price": "double"}}),
        json!({"requiredFieldsToAdd": ["name"]}),
        json!({"fieldsToRemove": ["nope"]}),
        json!({"fieldsToRename": {"price": "price"}}),
    ] {
        let plan = manage(body).unwrap();
        assert!(plan.is_empty() && plan.updated.is_empty() && plan.conversions.is_empty(), "{}", plan.summary());
    }
}

#[test]
fn worked_example_27_a_type_change_is_a_conversion_and_drops_what_no_longer_applies() {
    let plan = manage(json!({"fieldsToAddOrUpdate": {"name": {"bsonType": "int"}}})).unwrap();
    let conversion = &plan.conversions[0];
    assert_eq!((conversion.field.as_str(), conversion.from, conversion.to.kind), ("name", Some(FieldKind::String), FieldKind::Int));
    assert_eq!(field(&plan, "name"), r#"{"bsonType":"int","unique":true}"#);
    assert!(plan.schema.fields["name"].required);
    assert!(plan.warnings[0].contains("maxLength"));
    let plan = manage(json!({"fieldsToAddOrUpdate": {"potted": {"type": "string"}}})).unwrap();
    assert_eq!(field(&plan, "potted"), r#"{"bsonType":"string","default":"true"}"#);
    assert!(manage(json!({"fieldsToAddOrUpdate": {"price": "mixed"}})).unwrap().conversions.is_empty());
}

#[test]
fn a_reference_keeps_its_target_until_another_is_named() {
    let old = schema(json!({"author": {"type": "reference", "table": "authors"}}));
    let target = |body: Value| {
        FieldChange::parse(&json!({"fieldsToAddOrUpdate": {"author": body}}), false).unwrap().apply(&old).unwrap().schema.fields["author"].reference.clone()
    };
    assert_eq!(target(json!({"type": "reference"})).as_deref(), Some("authors"));
    assert_eq!(target(json!({"type": "reference", "table": "users"})).as_deref(), Some("users"));
    assert_eq!(target(json!({"ref": null})), None);
}

#[test]
fn properties_are_replaced_whole_and_required_follows() {
    let old = schema(json!({"o": {"type": "object", "properties": {"a": {"type": "int", "required": true}, "b": {"type": "int", "required": true}}}}));
    let change = FieldChange::parse(&json!({"fieldsToAddOrUpdate": {"o": {"properties": {"a": "int", "c": "string"}}}}), false).unwrap();
    let plan = change.apply(&old).unwrap();
    assert_eq!(field(&plan, "o"), r#"{"bsonType":"object","required":["a"],"properties":{"a":{"bsonType":"int"},"c":{"bsonType":"string"}}}"#);
    assert_eq!(plan.tightened[0].rules, ["properties"]);
}

#[test]
fn removing_and_renaming() {
    let plan =
        manage(json!({"fieldsToRemove": ["name", "nope"], "fieldsToRename": {"price": "cost"}, "keepData": true, "dryRun": true, "allowDestructive": true}))
            .unwrap();
    assert_eq!(plan.removed, ["name"]);
    assert_eq!(plan.renamed, [("price".to_owned(), "cost".to_owned())]);
    assert_eq!((plan.required_removed.as_slice(), plan.dropped_uniques.as_slice()), (&["name".to_owned()][..], &["name".to_owned()][..]));
    assert_eq!(plan.schema.fields.keys().collect::<Vec<_>>(), ["height", "cost", "tags", "potted", "bought"]);
    assert!(plan.warnings[0].contains("nope") && plan.keep_data && plan.dry_run && plan.allow_destructive && plan.drop_indexes);
    assert!(plan.added.is_empty() && plan.conversions.is_empty());
    let both = manage(json!({"fieldsToRename": {"price": "cost"}, "fieldsToAddOrUpdate": {"cost": {"minimum": 0}}})).unwrap();
    assert_eq!(field(&both, "cost"), r#"{"bsonType":"double","minimum":0}"#);
    assert_eq!(both.updated, ["cost"]);
}

#[test]
fn errors_have_their_codes() {
    for (body, expected) in [
        (json!({}), "common/invalid-parameters"),
        (json!({"backfill": true, "dryRun": true}), "common/invalid-parameters"),
        (json!({"fieldsToRemove": []}), "common/invalid-parameters"),
        (json!([]), "common/invalid-parameters"),
        (json!({"fieldsToRemove": {"a": 1}}), "common/invalid-parameters"),
        (json!({"fieldsToRename": ["a"]}), "common/invalid-parameters"),
        (json!({"fieldsToAddOrUpdate": "x"}), "common/invalid-parameters"),
        (json!({"fieldsToAddOrUpdate": [{"type": "int"}]}), "common/invalid-parameters"),
        (json!({"additionalFields": "no"}), "common/invalid-parameters"),
        (json!({"action": "drop", "field": "name"}), "common/invalid-parameters"),
        (json!({"fieldsToAddOrUpdate": {"a": "int"}, "fieldsToRemove": ["a"]}), "table/field-conflict"),
        (json!({"fieldsToRename": {"price": "height"}}), "table/field-conflict"),
        (json!({"fieldsToRename": {"price": "x", "height": "x"}}), "table/field-conflict"),
        (json!({"fieldsToRename": {"price": "x"}, "fieldsToRemove": ["price"]}), "table/field-conflict"),
        (json!({"fieldsToRename": {"price": "x"}, "fieldsToAddOrUpdate": {"price": "int"}}), "table/field-conflict"),
        (json!({"requiredFieldsToAdd": ["price"], "requiredFieldsToRemove": ["price"]}), "table/required-conflict"),
        (json!({"fieldsToAddOrUpdate": {"price": {"required": true}}, "requiredFieldsToRemove": ["price"]}), "table/required-conflict"),
        (json!({"fieldsToAddOrUpdate": {"price": {"required": false}}, "requiredFieldsToAdd": ["price"]}), "table/required-conflict"),
        (json!({"fieldsToRename": {"nope": "x"}}), "table/field-not-found"),
        (json!({"requiredFieldsToAdd": ["nope"]}), "table/field-not-found"),
        (json!({"requiredFieldsToRemove": ["nope"]}), "table/field-not-found"),
        (json!({"requiredFieldsToAdd": ["price"], "fieldsToRemove": ["price"]}), "table/field-not-found"),
        (json!({"fieldsToAddOrUpdate": {"createdAt": "date"}}), "table/system-field-protected"),
        (json!({"fieldsToAddOrUpdate": {"_id": "string"}}), "table/system-field-protected"),
        (json!({"fieldsToRemove": ["id"]}), "table/system-field-protected"),
        (json!({"fieldsToRename": {"price": "updatedAt"}}), "table/system-field-protected"),
        (json!({"requiredFieldsToAdd": ["createdBy"]}), "table/system-field-protected"),
        (json!({"fieldsToRename": {"price": "a-b"}}), "table/schema-validation-failed"),
        (json!({"fieldsToAddOrUpdate": {"a b": "int"}}), "table/schema-validation-failed"),
        (json!({"fieldsToAddOrUpdate": {"price": {"foo": 1}}}), "table/schema-validation-failed"),
        (json!({"fieldsToAddOrUpdate": {"price": {"type": "wat"}}}), "table/schema-validation-failed"),
        (json!({"fieldsToAddOrUpdate": {"price": {"pattern": "x"}}}), "table/schema-validation-failed"),
        (json!({"fieldsToAddOrUpdate": {"new": null}}), "table/schema-validation-failed"),
        (json!({"fieldsToAddOrUpdate": {"bad": {"type": "wat"}}, "requiredFieldsToAdd": ["bad"]}), "table/schema-validation-failed"),
        (json!({"fieldsToAddOrUpdate": [{"name": "a", "type": "int"}, {"name": "a", "type": "string"}]}), "table/schema-validation-failed"),
    ] {
        assert_eq!(code(body.clone()), expected, "{body}");
    }
}

#[test]
fn older_tools_send_an_action() {
    assert_eq!(manage(json!({"action": "add", "field": {"name": "soil", "type": "string"}})).unwrap().added, ["soil"]);
    assert_eq!(manage(json!({"action": "update", "fields": [{"name": "price", "minimum": 0}]})).unwrap().updated, ["price"]);
    assert_eq!(manage(json!({"action": "add", "fields": {"soil": "string"}})).unwrap().added, ["soil"]);
    assert_eq!(manage(json!({"action": "delete", "field": {"name": "price"}})).unwrap().removed, ["price"]);
    assert_eq!(manage(json!({"action": "delete", "fields": ["price", "tags"]})).unwrap().removed, ["price", "tags"]);
    assert_eq!(manage(json!({"action": "delete", "field": "price"})).unwrap().removed, ["price"]);
}

#[test]
fn tools_for_ai_clients_get_warnings_for_unknown_keywords() {
    let change = FieldChange::parse(&json!({"fieldsToAddOrUpdate": {"a": {"type": "int", "foo": 1}, "price": {"bar": 2}}}), true).unwrap();
    assert_eq!(change.apply(&plants()).unwrap().warnings.len(), 2);
}

#[test]
fn additional_fields_is_a_setting_and_backfill_names_fields_with_defaults() {
    let plan = manage(json!({"additionalFields": false})).unwrap();
    assert!(plan.additional_fields == Some(false) && !plan.changes_schema && !plan.is_empty());
    let plan = manage(json!({"fieldsToAddOrUpdate": {"soil": {"type": "string", "default": "loam"}, "price": {"minimum": 0}}, "requiredFieldsToAdd": ["potted"], "backfill": true})).unwrap();
    assert_eq!(plan.backfill, ["potted", "soil"]);
}

#[test]
fn tightened_rules_tell_which_documents_break_them() {
    let plan = manage(json!({"requiredFieldsToAdd": ["price"], "fieldsToAddOrUpdate": {"height": {"minimum": 10}, "tags": {"items": {"enum": ["wet"]}}, "bought": {"description": "x"}}})).unwrap();
    assert_eq!(
        plan.tightened.iter().map(|t| (t.field.as_str(), t.rules.clone())).collect::<Vec<_>>(),
        [("height", vec!["minimum"]), ("price", vec!["required"]), ("tags", vec!["items"])]
    );
    let broken = |doc: Value| plan.violations(doc.as_object().unwrap()).into_iter().map(|(f, r)| format!("{f}/{r}")).collect::<Vec<_>>();
    assert_eq!(broken(json!({"height": 5, "price": null, "tags": ["wet", "dry"]})), ["height/minimum", "price/required", "tags/items"]);
    assert_eq!(broken(json!({"price": 1, "height": null})), Vec::<String>::new());
    assert_eq!(broken(json!({})), ["price/required"]);
}

#[test]
fn worked_example_28_a_rollback_leaves_fields_undeclared_and_keeps_values() {
    let old = plants();
    let new = manage(json!({"fieldsToAddOrUpdate": {"soil": "string"}, "fieldsToRemove": ["tags"]})).unwrap().schema;
    let back = FieldPlan::between(&new, &old, &[]);
    assert_eq!((back.added.as_slice(), back.removed.as_slice()), (&["tags".to_owned()][..], &["soil".to_owned()][..]));
    assert!(back.keep_data && !back.drop_indexes && back.changes_schema);
    assert_eq!(back.conversions[0].field, "tags");
    assert!(FieldPlan::between(&old, &old, &[]).is_empty());
    let mut renamed = old.clone();
    renamed = renamed.renamed(&[("price".to_owned(), "cost".to_owned())]);
    let plan = FieldPlan::between(&old, &renamed, &[("price".to_owned(), "cost".to_owned())]);
    assert!(plan.added.is_empty() && plan.removed.is_empty() && plan.changes_schema);
}

#[test]
fn a_table_keeps_its_limit_of_fields() {
    let many: Map<String, Value> = (0..295).map(|i| (format!("f{i}"), json!("int"))).collect();
    assert_eq!(code(json!({"fieldsToAddOrUpdate": many})), "table/schema-validation-failed");
}
