//! The worked examples of `02-data.md` and the limits of §12.

use serde_json::{Value, json};

use super::super::ast::{Filter, Kind, Order, Path, Search, Shape, Test};
use super::super::eval::{matches_value, test_value};
use super::{Table, path, shape, sort};

fn plants() -> Table {
    let columns = [
        ("name", Kind::String),
        ("height", Kind::Int),
        ("price", Kind::Double),
        ("tags", Kind::Any),
        ("potted", Kind::Bool),
        ("bought", Kind::Date),
        ("care", Kind::Any),
    ];
    let docs = [
        json!({"name": "Fern", "potted": true, "hue": "green"}),
        json!({"name": "Ivy", "height": 12, "price": 5, "bought": "2026-03-01T00:00:00.000Z", "potted": true}),
        json!({"name": "Moss", "price": null, "tags": ["wet", "shade"], "potted": true}),
    ];
    Table::of(shape(&columns, &[("care.water", Kind::String)]), &docs)
}

fn field(name: &str, test: Test) -> Filter {
    Filter::Field(path(name), test)
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

/// Names of what is found, by SQL and by the evaluator, oldest first.
fn names(table: &Table, filter: &Filter, search: Option<&Search>) -> String {
    let sort = sort("id");
    let ids = table.ids(&table.query(filter, search, &sort), None, 100, 0);
    assert_eq!(ids, table.evaluated(filter, search), "{filter:?}");
    let name = |id: &String| table.records.iter().find(|record| record.id == *id).unwrap().doc["name"].as_str().unwrap().to_owned();
    ids.iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn null_and_missing_as_in_example_7() {
    let table = plants();
    for (filter, expected) in [
        (Filter::eq("price", Value::Null), "Fern Moss"),
        (field("price", Test::Exists), "Ivy Moss"),
        (not(Filter::eq("price", 5)), "Fern Moss"),
        (not(Filter::eq("price", Value::Null)), "Ivy"),
        (field("price", Test::In(vec![Value::Null, json!(5)])), "Fern Ivy Moss"),
        (field("price", Test::Cmp(Order::Lt, json!(9))), "Ivy"),
        (Filter::eq("price", "5"), ""),
        (field("createdAt", Test::Cmp(Order::Gte, json!("2026-01-01T00:00:00.000Z"))), "Fern Ivy Moss"),
        (field("price", Test::In(Vec::new())), ""),
        (not(field("price", Test::In(Vec::new()))), "Fern Ivy Moss"),
        (field("price", Test::Cmp(Order::Gte, Value::Null)), "Fern Moss"),
        (field("price", Test::Cmp(Order::Gt, Value::Null)), ""),
        (not(field("price", Test::Cmp(Order::Gt, json!(7)))), "Fern Ivy Moss"),
    ] {
        assert_eq!(names(&table, &filter, None), expected, "{filter:?}");
    }
}

#[test]
fn arrays_as_in_example_8() {
    let table = plants();
    for (filter, expected) in [
        (Filter::eq("tags", "wet"), "Moss"),
        (field("tags", Test::All(vec![json!("wet"), json!("shade")])), "Moss"),
        (not(Filter::eq("tags", "wet")), "Fern Ivy"),
        (Filter::eq("tags", json!(["wet"])), ""),
        (Filter::eq("tags", json!(["wet", "shade"])), "Moss"),
        (field("name", Test::Contains(json!("ER"))), "Fern"),
        (field("tags", Test::Contains(json!("WET"))), ""),
        (field("tags", Test::Contains(json!("wet"))), "Moss"),
        (Filter::Or(vec![Filter::eq("name", "Fern"), Filter::eq("tags", "wet")]), "Fern Moss"),
        (
            Filter::And(vec![
                Filter::eq("potted", true),
                not(field("price", Test::Exists)),
                Filter::Or(vec![Filter::eq("name", "Fern"), Filter::eq("tags", "wet")]),
            ]),
            "Fern",
        ),
        (field("name", Test::Regex(regex::Regex::new("(?i)^f").unwrap())), "Fern"),
        (field("tags.1", Test::Eq(json!("shade"))), "Moss"),
        (not(Filter::eq("potted", "true")), "Fern Ivy Moss"),
    ] {
        assert_eq!(names(&table, &filter, None), expected, "{filter:?}");
    }
}

#[test]
fn search_as_in_example_12() {
    let table = plants();
    let search = |text: &str, paths: &[&str]| Search { text: text.to_owned(), paths: paths.iter().map(|text| path(text)).collect(), hidden: Vec::new() };
    for (search, expected) in [
        (search("%", &[]), ""),
        (search("SHADE", &[]), "Moss"),
        (search("ern", &["name"]), "Fern"),
        (search("12", &["height"]), "Ivy"),
        (search("12", &[]), ""),
        (search("2026-03", &["bought"]), "Ivy"),
        (search("T10:30", &["createdAt"]), "Fern Ivy Moss"),
        (search("green", &["name", "hue"]), "Fern"),
        (search("true", &["potted"]), ""),
        (search("ana", &[]), ""),
    ] {
        assert_eq!(names(&table, &Filter::all(), Some(&search)), expected, "{search:?}");
    }
    let hidden = Search { hidden: vec!["tags".to_owned()], ..search("shade", &[]) };
    assert_eq!(names(&table, &Filter::all(), Some(&hidden)), "");
}

#[test]
fn order_and_pages_as_in_examples_13_and_14() {
    let table = plants();
    let filter = Filter::all();
    let list = |keys: &str, limit, offset| {
        let keys = sort(keys);
        table.ids(&table.query(&filter, None, &keys), None, limit, offset).join(" ")
    };
    assert_eq!(list("price", 20, 0), "r00 r02 r01");
    assert_eq!(list("-price", 20, 0), "r01 r02 r00");
    assert_eq!(list("", 20, 0), "r02 r01 r00");
    assert_eq!(list("nothing", 20, 0), "r00 r01 r02");
    assert_eq!(list("", 2, 2), "r00");
    assert_eq!(list("", 20, 160), "");
    assert_eq!(list("", u64::MAX, u64::MAX), "");
}

#[test]
fn undeclared_fields_of_a_closed_table_are_missing() {
    let mut table = plants();
    let hue = Filter::eq("hue", "green");
    assert_eq!(names(&table, &hue, None), "Fern");
    table.shape.closed = true;
    assert_eq!(names(&table, &hue, None), "");
    assert_eq!(names(&table, &Filter::eq("hue", Value::Null), None), "Fern Ivy Moss");
    let search = Search { text: "green".to_owned(), paths: Vec::new(), hidden: Vec::new() };
    assert_eq!(names(&table, &Filter::all(), Some(&search)), "");
}

#[test]
fn the_largest_filters_run() {
    let table = plants();
    let many = |name: &str| field(name, Test::In((0..2_000).map(Value::from).chain([json!("Fern")]).collect()));
    assert_eq!(names(&table, &Filter::And((0..200).map(|_| many("name")).collect()), None), "Fern");
    assert_eq!(names(&table, &Filter::Or((0..200).map(|at| many(if at % 2 == 0 { "height" } else { "hue" })).collect()), None), "Ivy");
    let nested = (0..10).fold(Filter::eq("name", "Ivy"), |filter, at| if at % 2 == 0 { not(Filter::Or(vec![filter])) } else { Filter::And(vec![filter]) });
    assert_eq!(names(&table, &nested, None), "Fern Moss");
    assert_eq!(names(&table, &field("name", Test::All(vec![json!("Fern"); 5_000])), None), "Fern");
    assert_eq!(names(&table, &field("name", Test::Like("%e".repeat(500))), None), "");
}

#[test]
fn hostile_names_stay_names() {
    let columns = [("name", Kind::String)];
    let odd = "x'); DROP TABLE t; --";
    let table = Table::of(Shape { closed: false, ..shape(&columns, &[]) }, &[json!({"name": "a", odd: 1}), json!({"name": "b", odd: 2})]);
    let filter = Filter::Field(Path::field(odd), Test::Eq(json!(2)));
    assert_eq!(names(&table, &filter, None), "b");
    let keys = [super::super::ast::SortKey { path: Path::field(odd), descending: true }];
    assert_eq!(table.ids(&table.query(&Filter::all(), None, &keys), None, 9, 0), ["r01", "r00"]);
    let keys = [super::super::ast::SortKey { path: Path::field("a\0b"), descending: false }];
    assert_eq!(table.ids(&table.query(&Filter::all(), None, &keys), None, 9, 0), ["r00", "r01"]);
}

#[test]
fn plain_values_are_tested_without_a_table() {
    let filter = Filter::And(vec![Filter::eq("qty", 2), field("id", Test::StartsWith("x".to_owned()))]);
    assert!(matches_value(&filter, &json!({"qty": 2.0, "id": "x1"})));
    assert!(!matches_value(&filter, &json!({"qty": 2, "id": "y"})));
    assert!(!matches_value(&filter, &json!(2)));
    assert!(test_value(&Test::Cmp(Order::Gte, json!(3)), &json!(3)));
    assert!(test_value(&Test::Eq(json!({"a": 1, "b": 2})), &json!({"b": 2, "a": 1})));
}

#[test]
fn integers_beyond_doubles_stay_exact() {
    let table = Table::of(
        shape(&[("name", Kind::String), ("n", Kind::Int)], &[]),
        &[json!({"name": "a", "n": i64::MAX, "u": i64::MAX}), json!({"name": "b", "n": i64::MAX - 1, "u": i64::MAX - 1})],
    );
    for name in ["n", "u"] {
        assert_eq!(names(&table, &Filter::eq(name, i64::MAX), None), "a");
        assert_eq!(names(&table, &field(name, Test::Cmp(Order::Lt, json!(i64::MAX))), None), "b");
        assert_eq!(names(&table, &field(name, Test::Cmp(Order::Lt, json!(9_223_372_036_854_775_808f64))), None), "a b");
        let keys = sort(name);
        assert_eq!(table.walk(&table.query(&Filter::all(), None, &keys), 1), ["r01", "r00"]);
    }
}

#[test]
fn a_position_of_another_list_is_harmless() {
    let table = plants();
    let filter = Filter::all();
    let position = serde_json::from_value(json!({"values": ["zz", {"a": 1}, true], "id": "r01"})).unwrap();
    for keys in ["", "price", "-hue,name", "createdAt", "tags,-id"] {
        let keys = sort(keys);
        table.ids(&table.query(&filter, None, &keys), Some(&position), 10, 0);
    }
}
