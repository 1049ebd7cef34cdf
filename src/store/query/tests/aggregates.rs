//! `02-data.md` §6.7.

use serde_json::{Value, json};

use super::super::aggregate::{AggregateSort, Bucket, GroupKey, Grouping, SortBy};
use super::super::ast::{Filter, Kind, Path, Shape};
use super::{Table, path, shape};

fn table() -> Table {
    let columns = [("category", Kind::String), ("price", Kind::Double), ("stock", Kind::Int), ("sold", Kind::Date), ("live", Kind::Bool)];
    let docs = [
        json!({"category": "tea", "price": 4, "stock": 1, "sold": "2026-03-01T10:30:00.000Z", "live": true, "free": 5, "lines": [{"q": 1}, {"q": 2.5}]}),
        json!({"category": "tea", "price": 6, "stock": 2, "sold": "2026-03-01T23:00:00.000Z", "live": false, "free": 5.5, "lines": [{"q": 2}]}),
        json!({"category": "cup", "price": 0.1, "stock": null, "sold": "2026-02-23T00:00:00.000Z", "free": "text", "lines": []}),
        json!({"category": null, "price": 0.2, "free": {"b": 1, "a": 2}, "live": true}),
        json!({"free": {"a": 2, "b": 1}}),
    ];
    Table::of(shape(&columns, &[]), &docs)
}

fn group(text: &str, bucket: Option<Bucket>) -> GroupKey {
    GroupKey { path: path(text), bucket, label: text.to_owned() }
}

fn paths(list: &[&str]) -> Vec<Path> {
    list.iter().map(|text| path(text)).collect()
}

fn run(table: &Table, grouping: &Grouping) -> Value {
    let filter = Filter::all();
    let (items, total) = table.query(&filter, None, &[]).aggregate(grouping).run(&table.db, 100, 0).unwrap();
    assert_eq!(items.len() as u64, total);
    Value::Array(items)
}

#[test]
fn groups_are_counted_and_summed_and_null_groups_with_missing() {
    let grouping = Grouping { groups: vec![group("category", None)], sum: paths(&["price", "stock"]), avg: paths(&["price"]), ..Grouping::default() };
    assert_eq!(
        run(&table(), &grouping),
        json!([
            {"group": {"category": null}, "count": 2, "sum": {"price": 0.2, "stock": 0}, "avg": {"price": 0.2}},
            {"group": {"category": "cup"}, "count": 1, "sum": {"price": 0.1, "stock": 0}, "avg": {"price": 0.1}},
            {"group": {"category": "tea"}, "count": 2, "sum": {"price": 10, "stock": 3}, "avg": {"price": 5}},
        ])
    );
}

#[test]
fn without_groups_there_is_one_item_also_when_nothing_matches() {
    let grouping = Grouping {
        sum: paths(&["price", "free", "lines.q", "category"]),
        avg: paths(&["free", "stock", "live"]),
        min: paths(&["category", "free", "createdAt", "live", "nope"]),
        max: paths(&["sold", "free", "lines.q", "live"]),
        distinct: paths(&["category", "free", "createdBy", "updatedAt"]),
        ..Grouping::default()
    };
    let table = table();
    assert_eq!(
        run(&table, &grouping),
        json!([{
            "group": {}, "count": 5,
            "sum": {"price": 10.3, "free": 10.5, "lines.q": 5.5, "category": 0},
            "avg": {"free": 5.25, "stock": 1.5, "live": null},
            "min": {"category": "cup", "free": 5, "createdAt": "2026-01-15T10:30:00.000Z", "live": false, "nope": null},
            "max": {"sold": "2026-03-01T23:00:00.000Z", "free": {"b": 1, "a": 2}, "lines.q": 2.5, "live": true},
            "distinct": {"category": 2, "free": 4, "createdBy": 2, "updatedAt": 1},
        }])
    );
    let nothing = Filter::none();
    let (items, total) = table.query(&nothing, None, &[]).aggregate(&grouping).run(&table.db, 20, 0).unwrap();
    assert_eq!((items[0]["count"].clone(), items[0]["sum"]["price"].clone(), items[0]["avg"]["free"].clone(), total), (json!(0), json!(0), json!(null), 1));
}

#[test]
fn dates_group_by_period() {
    let table = table();
    for (bucket, expected) in [
        (Bucket::Hour, json!([null, "2026-02-23T00:00:00.000Z", "2026-03-01T10:00:00.000Z", "2026-03-01T23:00:00.000Z"])),
        (Bucket::Day, json!([null, "2026-02-23T00:00:00.000Z", "2026-03-01T00:00:00.000Z"])),
        (Bucket::Week, json!([null, "2026-02-23T00:00:00.000Z"])),
        (Bucket::Month, json!([null, "2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"])),
        (Bucket::Year, json!([null, "2026-01-01T00:00:00.000Z"])),
    ] {
        let grouping = Grouping { groups: vec![group("sold", Some(bucket))], ..Grouping::default() };
        let groups: Vec<Value> = run(&table, &grouping).as_array().unwrap().iter().map(|item| item["group"]["sold"].clone()).collect();
        assert_eq!(Value::Array(groups), expected);
    }
    let grouping = Grouping { groups: vec![group("createdAt", Some(Bucket::Day)), group("updatedAt", None)], ..Grouping::default() };
    assert_eq!(run(&table, &grouping), json!([{"group": {"createdAt": "2026-01-15T00:00:00.000Z", "updatedAt": "2026-01-15T10:30:00.000Z"}, "count": 5}]));
    let undeclared = Table::of(
        Shape { columns: indexmap::IndexMap::new(), ..shape(&[], &[]) },
        &[json!({"at": {"x": "2026-03-01T10:30:00.000Z"}}), json!({"at": {"x": 3}})],
    );
    let grouping = Grouping { groups: vec![group("at.x", Some(Bucket::Month))], ..Grouping::default() };
    assert_eq!(run(&undeclared, &grouping)[1]["group"]["at.x"], "2026-03-01T00:00:00.000Z");
}

#[test]
fn groups_sort_by_any_column_and_are_paged() {
    let table = table();
    let filter = Filter::all();
    let by = |by, descending| Grouping {
        groups: vec![group("category", None), group("live", None)],
        sum: paths(&["price"]),
        sort: vec![AggregateSort { by, descending }],
        ..Grouping::default()
    };
    let categories =
        |grouping: &Grouping| -> Vec<Value> { run(&table, grouping).as_array().unwrap().iter().map(|item| item["sum"]["price"].clone()).collect() };
    assert_eq!(categories(&by(SortBy::Sum(0), true)), [json!(6), json!(4), json!(0.2), json!(0.1), json!(0)]);
    assert_eq!(categories(&by(SortBy::Group(1), true)), [json!(0.2), json!(4), json!(6), json!(0), json!(0.1)]);
    let (items, total) = table.query(&filter, None, &[]).aggregate(&by(SortBy::Sum(0), true)).run(&table.db, 2, 1).unwrap();
    assert_eq!((items.len(), items[0]["sum"]["price"].clone(), total), (2, json!(4), 5));
}

#[test]
fn an_integer_sum_beyond_64_bits_becomes_a_double() {
    let docs = [json!({"n": i64::MAX, "u": i64::MAX}), json!({"n": i64::MAX, "u": i64::MAX}), json!({"n": -1, "u": "x"})];
    let table = Table::of(shape(&[("n", Kind::Int)], &[]), &docs);
    let item = run(&table, &Grouping { sum: paths(&["n", "u"]), ..Grouping::default() });
    assert_eq!(item[0]["sum"], json!({"n": 18_446_744_073_709_551_613f64, "u": 18_446_744_073_709_551_614f64}));
    let filter = Filter::eq("n", -1);
    let (items, _) = table.query(&filter, None, &[]).aggregate(&Grouping { sum: paths(&["n"]), ..Grouping::default() }).run(&table.db, 1, 0).unwrap();
    assert_eq!(items[0]["sum"]["n"], json!(-1));
}

#[test]
fn equal_values_of_any_type_are_one_group() {
    let docs = [
        json!({"v": 1}),
        json!({"v": 1.0}),
        json!({"v": {"a": 1, "b": 2}}),
        json!({"v": {"b": 2, "a": 1}}),
        json!({"v": [1]}),
        json!({"v": true}),
        json!({"v": "1"}),
        json!({"v": null}),
        json!({}),
    ];
    let table = Table::of(shape(&[], &[]), &docs);
    let items = run(&table, &Grouping { groups: vec![group("v", None)], ..Grouping::default() });
    let groups: Vec<(Value, Value)> = items.as_array().unwrap().iter().map(|item| (item["group"]["v"].clone(), item["count"].clone())).collect();
    let expected = [(json!(null), 2), (json!(1), 2), (json!("1"), 1), (json!({"a": 1, "b": 2}), 2), (json!([1]), 1), (json!(true), 1)];
    assert_eq!(groups, expected.map(|(value, count)| (value, json!(count))));
}
