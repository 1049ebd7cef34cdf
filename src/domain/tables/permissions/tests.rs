use super::*;
use crate::domain::tables::expression::Reach;
use crate::domain::tables::permission_rules::{Decision, Rule};

const GUEST: Subject<'static> = Subject { group: Group::Guest, role: None, own_id: None };
const ANONYMOUS: Subject<'static> = Subject { group: Group::Guest, role: Some("guest"), own_id: Some("anon") };
const ANA: Subject<'static> = Subject { group: Group::User, role: Some("user"), own_id: Some("ana") };
const EDITOR: Subject<'static> = Subject { group: Group::User, role: Some("editor"), own_id: Some("ed") };
const KEY: Subject<'static> = Subject { group: Group::Admin, role: None, own_id: None };

fn set(body: Value) -> Permissions {
    Permissions::parse(&body).unwrap()
}

fn matrix(matrix: Value) -> Permissions {
    Permissions::from_matrix(&matrix).unwrap()
}

/// create, read, list, update, delete as letters: `+` allowed, `o` own, `-` denied.
fn row(permissions: &Permissions, who: &Subject<'_>) -> String {
    let letter = |operation| match permissions.decide(operation, who) {
        Decision::Allowed => '+',
        Decision::OwnOnly => 'o',
        Decision::Denied => '-',
    };
    Operation::ALL.into_iter().map(letter).collect()
}

#[test]
fn the_defaults_hold_until_permissions_are_stored() {
    let none = Permissions::default();
    assert_eq!([&GUEST, &ANONYMOUS, &ANA, &EDITOR, &KEY].map(|w| row(&none, w)), ["-++--", "-++oo", "+++oo", "+++oo", "+++++"]);
}

#[test]
fn once_anything_is_stored_what_is_not_true_is_false() {
    assert_eq!([&GUEST, &ANA, &KEY].map(|w| row(&matrix(json!({})), w)), ["-----", "-----", "+++++"]);
    let plants = matrix(json!({"user": {"create": true, "read": true}, "guest": {"read": true}, "self": {"update": true, "delete": true}}));
    assert_eq!([&GUEST, &ANONYMOUS, &ANA, &KEY].map(|w| row(&plants, w)), ["-++--", "-++oo", "+++oo", "+++++"]);
}

#[test]
fn an_unset_list_takes_the_same_groups_read_also_for_self() {
    assert_eq!(row(&matrix(json!({"user": {"read": true, "list": false}})), &ANA), "-+---");
    assert_eq!(row(&matrix(json!({"user": {"list": true}})), &ANA), "--+--");
    assert_eq!(row(&matrix(json!({"self": {"read": true}})), &ANA), "-oo--");
}

#[test]
fn groups_do_not_inherit_and_guests_without_an_id_own_nothing() {
    let guest_only = matrix(json!({"guest": {"read": true}}));
    assert_eq!([&GUEST, &ANA].map(|w| row(&guest_only, w)), ["-++--", "-----"]);
    assert_eq!(row(&matrix(json!({"self": {"create": true, "read": true, "update": true}})), &GUEST), "-----");
    assert_eq!(row(&matrix(json!({"self": {"create": true, "update": true}})), &ANA), "---o-");
}

#[test]
fn a_role_row_adds_to_the_group() {
    let roles = matrix(json!({"user": {"read": true}, "role:editor": {"update": true, "read": false}}));
    assert_eq!([&ANA, &EDITOR].map(|w| row(&roles, w)), ["-++--", "-+++-"]);
    assert_eq!(roles.ruling(Operation::Update, &EDITOR), (Decision::Allowed, Rule::Role));
}

#[test]
fn entries_for_admins_are_ignored() {
    assert_eq!(row(&matrix(json!({"admin": {"read": false}})), &KEY), "+++++");
}

#[test]
fn expressions_replace_the_matrix() {
    let set =
        set(json!({"permissions": {"guest": {"delete": true}}, "expressionPermissions": {"create": "self", "read": "public", "update": "self | role:editor"}}));
    assert_eq!([&GUEST, &ANONYMOUS, &ANA, &EDITOR, &KEY].map(|w| row(&set, w)), ["-++--", "+++o-", "+++o-", "++++-", "+++++"]);
    assert_eq!(set.ruling(Operation::Delete, &GUEST), (Decision::Denied, Rule::Expression));
    assert_eq!(row(&Permissions::parse(&json!({"expressionPermissions": {}})).unwrap(), &ANA), "-----");
}

#[test]
fn the_matrix_in_force_is_worked_out_per_group() {
    let plants = matrix(json!({"user": {"create": true, "read": true}, "guest": {"read": true}, "self": {"update": true, "delete": true}}));
    let effective = plants.effective_matrix();
    assert_eq!(effective["guest"], json!({"create": false, "read": true, "list": true, "update": false, "delete": false}));
    assert_eq!(effective["self"], json!({"read": false, "list": false, "update": true, "delete": true}));
    assert_eq!(effective["admin"]["delete"], true);
    let default = Permissions::default().effective_matrix();
    assert_eq!(default["user"], json!({"create": true, "read": true, "list": true, "update": false, "delete": false}));
    assert_eq!(default["self"], json!({"read": true, "list": true, "update": true, "delete": true}));
    let expressed = set(json!({"expressionPermissions": {"create": "self", "read": "user", "update": "user & self | role:editor"}})).effective_matrix();
    assert_eq!(expressed["guest"], json!({"create": false, "read": false, "list": false, "update": false, "delete": false}));
    assert_eq!(expressed["user"], json!({"create": true, "read": true, "list": true, "update": false, "delete": false}));
    assert_eq!(expressed["self"]["update"], true);
    assert_eq!(expressed["role:editor"]["update"], true);
}

#[test]
fn columns_follow_their_expressions_and_system_fields_are_always_readable() {
    let set = set(json!({"columnPermissions": {"salary": {"read": "self", "write": "admin"}, "note": {"write": "role:editor"}}}));
    assert_eq!([&GUEST, &ANA, &KEY].map(|w| set.readable("salary", w)), [Reach::Never, Reach::Own, Reach::Always]);
    assert_eq!([&ANA, &EDITOR, &KEY].map(|w| set.writable("note", w)), [Reach::Never, Reach::Always, Reach::Always]);
    assert_eq!(set.readable("note", &GUEST), Reach::Always);
    assert_eq!(set.readable("createdBy", &GUEST), Reach::Always);
    assert_eq!(set.hidden_fields(&ANA), ["salary"]);
    assert!(set.hidden_fields(&KEY).is_empty());
}

#[test]
fn row_filters_whose_expression_holds_apply() {
    let set = set(json!({"rowFilters": [
        {"expression": "public", "filter": {"status": "live"}},
        {"expression": "self", "filter": {"status": {"$ne": "gone"}}},
        {"expression": "user", "filter": [{"members": "$userId"}, {"open": true}]},
        {"expression": "guest", "filter": {"$or": [{"invited": {"$in": ["$userId"]}}]}}], "rowFilterScope": "all"}));
    assert_eq!(set.row_filters_for(&KEY), None);
    assert_eq!(set.row_filters_for(&GUEST), Some(vec![json!({"status": "live"})]));
    assert_eq!(
        set.row_filters_for(&ANA),
        Some(vec![
            json!({"status": "live"}),
            json!([{"status": {"$ne": "gone"}}, {"createdBy": "ana"}]),
            json!([{"members": "ana"}, {"open": true}]),
            json!({"$or": [{"invited": {"$in": ["ana"]}}]})
        ])
    );
    assert_eq!(set.row_filter_scope, RowFilterScope::All);
}

#[test]
fn with_filters_stored_but_none_applying_the_list_is_empty() {
    let set = set(json!({"rowFilters": [{"expression": "role:editor", "filter": {}}]}));
    assert_eq!(set.row_filters_for(&ANA), Some(vec![]));
    assert_eq!(set.row_filters_for(&EDITOR), Some(vec![json!({})]));
    assert_eq!(Permissions::parse(&json!({"rowFilters": []})).unwrap().row_filters_for(&ANA), None);
}

#[test]
fn a_set_is_given_back_exactly_as_it_was_sent() {
    let body = json!({
        "permissions": {"user": {"read": true, "create": false}, "role:editor": {}, "self": {"create": true}},
        "expressionPermissions": {"read": " user |self "},
        "columnPermissions": {"a": {"read": "admin"}, "b": {}},
        "rowFilters": [{"expression": "user", "filter": {"x": "$userId"}}],
        "rowFilterScope": "all"});
    assert_eq!(set(body.clone()).to_value().to_string(), body.to_string());
    let empty = json!({"permissions": null, "expressionPermissions": null, "columnPermissions": null, "rowFilters": null, "rowFilterScope": "list"});
    assert_eq!(Permissions::default().to_value().to_string(), empty.to_string());
    assert!(set(empty).is_default());
}

#[test]
fn only_the_parts_named_are_replaced() {
    let before = set(json!({"permissions": {"user": {"read": true}}, "columnPermissions": {"a": {"read": "admin"}}}));
    let after = before.replaced(&json!({"permissions": {}})).unwrap();
    assert!(after.columns.is_some() && after.matrix.unwrap().is_empty());
    assert!(before.replaced(&json!({"columnPermissions": null})).unwrap().columns.is_none());
}

#[test]
fn faults_are_told_with_their_place() {
    for (body, expected) in [
        (json!([]), "permissions/type"),
        (json!({"permissions": true}), "permissions/type"),
        (json!({"permissions": {"users": {}}}), "permissions.users/key"),
        (json!({"permissions": {"role:": {}}}), "permissions.role:/key"),
        (json!({"permissions": {"role:*": {}}}), "permissions.role:*/key"),
        (json!({"permissions": {"user": true}}), "permissions.user/type"),
        (json!({"permissions": {"user": {"write": true}}}), "permissions.user.write/key"),
        (json!({"permissions": {"user": {"read": "yes"}}}), "permissions.user.read/type"),
        (json!({"permissions": {"user": {"read": null}}}), "permissions.user.read/type"),
        (json!({"expressionPermissions": {"write": "user"}}), "expressionPermissions.write/key"),
        (json!({"expressionPermissions": {"read": true}}), "expressionPermissions.read/type"),
        (json!({"expressionPermissions": {"read": "user |"}}), "expressionPermissions.read/syntax"),
        (json!({"columnPermissions": {"id": {"read": "admin"}}}), "columnPermissions.id/key"),
        (json!({"columnPermissions": {"a.b": {}}}), "columnPermissions.a.b/fieldName"),
        (json!({"columnPermissions": {"a": "admin"}}), "columnPermissions.a/type"),
        (json!({"columnPermissions": {"a": {"delete": "admin"}}}), "columnPermissions.a.delete/key"),
        (json!({"rowFilters": {}}), "rowFilters/type"),
        (json!({"rowFilters": [1]}), "rowFilters.0/type"),
        (json!({"rowFilters": [{"filter": {}}]}), "rowFilters.0.expression/type"),
        (json!({"rowFilters": [{"expression": "user"}]}), "rowFilters.0.filter/type"),
        (json!({"rowFilterScope": "some"}), "rowFilterScope/enum"),
    ] {
        let error = Permissions::parse(&body).expect_err(&body.to_string());
        assert_eq!(error.code(), Code::VALIDATION_ERROR);
        let detail = &error.detail_list()[0];
        assert_eq!(format!("{}/{}", detail.field, detail.rule), expected);
    }
    let error = Permissions::parse(&json!({"rowFilters": [{"expression": "user", "filter": {"a": {"$where": 1}}}]})).unwrap_err();
    assert!(error.detail_list()[0].field.starts_with("rowFilters.0.filter"), "{error}");
    let error = Permissions::parse(&json!({"expressionPermissions": {"read": "user ? self"}})).unwrap_err();
    assert_eq!(error.detail_list()[0].position, Some(5));
    assert!(error.message().contains("position 5"));
}

#[test]
fn permissions_follow_a_renamed_field() {
    let mut set = set(
        json!({"columnPermissions": {"a": {"read": "admin"}, "ab": {}}, "rowFilters": [{"expression": "user", "filter": {"a.x": 1, "ab": 2, "$or": [{"a": 3}]}}]}),
    );
    set.rename_field("a", "z");
    assert_eq!(set.to_value()["columnPermissions"].to_string(), r#"{"z":{"read":"admin"},"ab":{}}"#);
    assert_eq!(set.to_value()["rowFilters"][0]["filter"], json!({"z.x": 1, "ab": 2, "$or": [{"z": 3}]}));
    set.forget_field("z");
    assert_eq!(set.columns.unwrap().keys().collect::<Vec<_>>(), ["ab"]);
}

#[test]
fn a_refusal_names_group_operation_and_table() {
    let error = Permissions::refusal(Operation::Update, &EDITOR, "plants");
    assert_eq!(error.code(), Code::PERMISSION_DENIED);
    assert!(["user", "editor", "update", "plants"].iter().all(|w| error.message().contains(w)), "{error}");
}
