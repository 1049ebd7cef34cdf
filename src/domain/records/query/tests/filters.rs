use serde_json::{Value, json};

use super::*;
use crate::domain::records::query::{filter_from_json, row_filters};

fn reads(value: Value) -> String {
    and_filters(&value).unwrap_or_else(|error| panic!("{value}: {error}"))
}

#[test]
fn an_entry_is_a_value_or_operators_or_a_logical_operator() {
    assert_eq!(reads(json!({ "price": null })), "price=null");
    assert_eq!(reads(json!({ "price": "5" })), "price=\"5\"");
    assert_eq!(reads(json!({ "tags": ["wet"] })), "tags=[\"wet\"]");
    assert_eq!(reads(json!({ "care": {} })), "care={}");
    assert_eq!(reads(json!({ "care": { "water": "low" } })), "care={\"water\":\"low\"}");
    assert_eq!(reads(json!({ "price": { "$ne": 5 } })), "!price=5");
    assert_eq!(reads(json!({ "price": { "$gte": 1, "$lt": 9 } })), "(price>=1 & price<9)");
    assert_eq!(reads(json!({ "_id": "x", "hue": true })), "(id=\"x\" & hue=true)");
    assert_eq!(reads(json!({ "$or": [{ "a": 1 }, { "b": 2, "c": 3 }] })), "(a=1 | (b=2 & c=3))");
    assert_eq!(reads(json!({ "$nor": [{ "a": 1 }] })), "!(a=1)");
    assert_eq!(reads(json!({ "lines.0.qty": 1 })), "lines.0.qty=1");
    assert_eq!(reads(json!([{ "a": 1 }, { "b": 2 }])), "(a=1 & b=2)");
}

#[test]
fn every_operator_is_read() {
    for (operators, expected) in [
        (json!({ "$eq": 1 }), "x=1"),
        (json!({ "$in": [null, 5] }), "x in [null,5]"),
        (json!({ "$nin": [] }), "!x in []"),
        (json!({ "$exists": true }), "x?"),
        (json!({ "$exists": false }), "!x?"),
        (json!({ "$regex": "^f", "$options": "i" }), "x~/(?i)^f/"),
        (json!({ "$options": "i", "$regex": "^f" }), "x~/(?i)^f/"),
        (json!({ "$contains": "ER" }), "x contains \"ER\""),
        (json!({ "$startsWith": "a" }), "x starts a"),
        (json!({ "$endsWith": "a" }), "x ends a"),
        (json!({ "$like": "a%\\%" }), "x like a%\\%"),
        (json!({ "$between": [1, 2.5] }), "x in 1..2.5"),
        (json!({ "$not": { "$gt": 5, "$lt": 9 } }), "!(x>5 & x<9)"),
        (json!({ "$all": ["wet", "shade"] }), "x all [\"wet\",\"shade\"]"),
        (json!({ "$all": [] }), "none"),
        (json!({ "$size": 2.0 }), "x size 2"),
        (json!({ "$gte": null }), "x=null"),
        (json!({ "$lte": null }), "x=null"),
        (json!({ "$gt": null }), "none"),
        (json!({ "$lt": null }), "none"),
    ] {
        assert_eq!(reads(json!({ "x": operators })), expected);
    }
}

#[test]
fn elem_match_is_about_one_element() {
    assert_eq!(reads(json!({ "log": { "$elemMatch": { "a": 1, "at": { "$gte": "2026-01-01" } } } })), "log[(a=1 & at>=\"2026-01-01T00:00:00.000Z\")]");
    assert_eq!(reads(json!({ "log": { "$elemMatch": { "_id": 1 } } })), "log[_id=1]");
    assert_eq!(reads(json!({ "log": { "$elemMatch": { "$or": [{ "a": 1 }, { "b": 2 }] } } })), "log[(a=1 | b=2)]");
    assert_eq!(reads(json!({ "n": { "$elemMatch": { "$gte": 80, "$lt": 85, "$ne": 82 } } })), "n[each >=80 <85 !=82]");
    assert_eq!(reads(json!({ "n": { "$elemMatch": { "$gt": 0, "$not": { "$gt": 5, "$lt": 9 } } } })), "(n[each >0 !>5] | n[each >0 !<9])");
    assert_eq!(reads(json!({ "n": { "$elemMatch": { "$gt": null } } })), "none");
    assert_eq!(reads(json!({ "visits": { "$elemMatch": { "$lt": "2026-01-01" } } })), "visits[each <\"2026-01-01T00:00:00.000Z\"]");
}

#[test]
fn operands_for_declared_dates_and_system_times_take_every_form_of_a_date() {
    let day = "\"2026-01-01T00:00:00.000Z\"";
    assert_eq!(reads(json!({ "createdAt": { "$gte": "2026-01-01" } })), format!("createdAt>={day}"));
    assert_eq!(reads(json!({ "bought": "2026-01-01T09:00:00+09:00" })), format!("bought={day}"));
    assert_eq!(reads(json!({ "bought": 1767225600000_i64 })), format!("bought={day}"));
    assert_eq!(reads(json!({ "updatedAt": { "$in": ["2026-01-01", null] } })), format!("updatedAt in [{day},null]"));
    assert_eq!(reads(json!({ "bought": { "$between": ["2026-01-01", "2026-01-01 00:00"] } })), format!("bought in {day}..{day}"));
    assert_eq!(reads(json!({ "visits": { "$all": ["2026-01-01"] } })), format!("visits all [{day}]"));
    assert_eq!(reads(json!({ "visits": ["2026-01-01"] })), format!("visits=[{day}]"));
    assert_eq!(reads(json!({ "visits": { "$contains": "2026-01-01" } })), format!("(visits contains \"2026-01-01\" | visits contains {day})"));
    assert_eq!(reads(json!({ "care": { "last": "2026-01-01" } })), format!("care={{\"last\":{day}}}"));
    assert_eq!(reads(json!({ "hue": "2026-01-01" })), "hue=\"2026-01-01\"");
    assert_eq!(refused(&json!({ "bought": { "$gte": "soon" } })), ("andFilters.bought.$gte".into(), "operand".into()));
    assert_eq!(refused(&json!({ "bought": true })), ("andFilters.bought".into(), "operand".into()));
}

#[test]
fn or_filters_need_one_entry_and_all_parameters_are_joined_by_and() {
    let of = |query: &[(&str, Value)]| {
        let params = Params::new(query.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect());
        show(&ListQuery::parse("plants", &params, None, &Plants).unwrap().filter)
    };
    assert_eq!(of(&[("orFilters", json!({ "name": "Fern", "tags": "wet" }))]), "(name=\"Fern\" | tags=\"wet\")");
    assert_eq!(of(&[("orFilters", json!([{ "name": "Fern", "a": 1 }, { "tags": "wet" }]))]), "((name=\"Fern\" & a=1) | tags=\"wet\")");
    let all = of(&[("orFilters", json!({ "a": 1, "b": 2 })), ("andFilters", json!({ "c": 3 })), ("filter", json!({ "d": 4 }))]);
    assert_eq!(all, "(c=3 & (a=1 | b=2) & d=4)");
}

#[test]
fn empty_text_object_and_array_are_no_filter() {
    for name in ["andFilters", "orFilters", "filter"] {
        for text in ["", " ", "{}", "[]", "[{}]"] {
            let params = Params::new(vec![(name.to_owned(), text.to_owned())]);
            assert!(ListQuery::parse("plants", &params, None, &Plants).unwrap().filter.is_all(), "{name}={text}");
        }
    }
    let params = Params::new(vec![("orFilters".into(), "{}".into()), ("orFilters[a]".into(), "x".into())]);
    assert_eq!(show(&ListQuery::parse("plants", &params, None, &Plants).unwrap().filter), "a in [\"x\"]");
}

#[test]
fn what_is_not_json_or_not_objects_has_rule_json() {
    for text in ["{category:x}", "{", "x", "1", "\"x\"", "null", "true", "[1]", "[[]]", "[{}, null]", "{\"a\":1e999}", "{\"a\":\"\\ud800\"}"] {
        let params = Params::new(vec![("andFilters".to_owned(), text.to_owned())]);
        let error = ListQuery::parse("plants", &params, None, &Plants).unwrap_err();
        assert_eq!(fault(&error), ("data/validation-error", "andFilters".into(), "json".into()), "{text}");
    }
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(ListQuery::parse("plants", &Params::new(vec![("filter".into(), deep)]), None, &Plants).is_err());
}

#[test]
fn operators_that_are_unknown_forbidden_or_misplaced_have_rule_operator() {
    for (value, field) in [
        (json!({ "$where": "1" }), "andFilters.$where"),
        (json!({ "$expr": {} }), "andFilters.$expr"),
        (json!({ "$text": { "$search": "x" } }), "andFilters.$text"),
        (json!({ "a": { "$function": {} } }), "andFilters.a.$function"),
        (json!({ "a": { "$gte ": 1 } }), "andFilters.a.$gte "),
        (json!({ "a": { "$gt": 1, "b": 2 } }), "andFilters.a.b"),
        (json!({ "a": { "b": 2, "$gt": 1 } }), "andFilters.a.b"),
        (json!({ "a": { "$or": [{ "$gt": 1 }] } }), "andFilters.a.$or"),
        (json!({ "$gt": 1 }), "andFilters.$gt"),
        (json!({ "$not": { "a": 1 } }), "andFilters.$not"),
        (json!({ "$or": [{ "$where": "1" }] }), "andFilters.$or.0.$where"),
        (json!({ "a": { "$": 1 } }), "andFilters.a.$"),
    ] {
        assert_eq!(refused(&value), (field.into(), "operator".into()), "{value}");
    }
    let error = and_filters(&json!({ "a": { "$greater": 1, "$gtee": 1 } })).unwrap_err();
    assert!(error.message().contains("Unknown operator $greater"));
    assert!(and_filters(&json!({ "a": { "$gtee": 1 } })).unwrap_err().message().contains("$gte?"));
}

#[test]
fn operands_of_the_wrong_type_have_rule_operand() {
    for (operator, operand) in [
        ("$in", json!(3)),
        ("$nin", json!("a")),
        ("$all", json!({})),
        ("$between", json!([1])),
        ("$between", json!([1, "2"])),
        ("$between", json!([null, 2])),
        ("$exists", json!("yes")),
        ("$size", json!(-1)),
        ("$size", json!(1.5)),
        ("$regex", json!(1)),
        ("$options", json!("i")),
        ("$startsWith", json!(1)),
        ("$endsWith", json!(null)),
        ("$like", json!(["a"])),
        ("$like", json!("a\\")),
        ("$not", json!("x")),
        ("$not", json!({})),
        ("$not", json!({ "a": 1 })),
        ("$elemMatch", json!({})),
        ("$elemMatch", json!([])),
    ] {
        assert_eq!(refused(&json!({ "age": { operator: operand } })), (format!("andFilters.age.{operator}"), "operand".into()), "{operand}");
    }
    for value in [json!({ "$or": [] }), json!({ "$and": {} }), json!({ "$or": [1] }), json!({ "$nor": null })] {
        assert_eq!(refused(&value).1, "operand", "{value}");
    }
    assert_eq!(refused(&json!({ "a": { "$regex": "x", "$options": 1 } })).1, "operand");
}

#[test]
fn paths_that_no_record_can_have_have_rule_path() {
    for key in ["", ".", "a..b", "a.", "a.$b", "__proto__", "a.constructor", "a\u{0}"] {
        assert_eq!(refused(&json!({ key: 1 })).1, "path", "{key:?}");
    }
}

#[test]
fn expressions_that_cannot_be_used_have_rule_regex() {
    for (pattern, options) in [("(?=F)", ""), (r"(a)\1", ""), ("(", ""), ("a", "g"), (r"\w{900}", "")] {
        assert_eq!(refused(&json!({ "name": { "$regex": pattern, "$options": options } })), ("andFilters.name.$regex".into(), "regex".into()), "{pattern}");
    }
}

#[test]
fn limits_have_rule_limit() {
    let nested = |levels: usize| (0..levels).fold(json!({ "a": 1 }), |inner, _| json!({ "$and": [inner] }));
    assert!(and_filters(&nested(10)).is_ok());
    assert_eq!(refused(&nested(11)).1, "limit");
    let negated = (0..11).fold(json!({ "$gt": 1 }), |inner, _| json!({ "$not": inner }));
    assert_eq!(refused(&json!({ "a": negated })).1, "limit");

    let wide = |n: usize| json!({ "$and": (0..n).map(|i| json!({ "a": i })).collect::<Vec<_>>() });
    assert!(and_filters(&wide(200)).is_ok());
    assert_eq!(refused(&wide(201)).1, "limit");

    let values = |n: usize| json!({ "a": { "$in": (0..n).collect::<Vec<_>>() } });
    assert!(and_filters(&values(2_000)).is_ok());
    assert_eq!(refused(&values(2_001)), ("andFilters.a.$in".into(), "limit".into()));

    assert_eq!(refused(&json!({ "a.b.c.d.e.f.g.h.i.j.k": 1 })).1, "limit");
    assert_eq!(refused(&json!({ "a": { "$regex": "a".repeat(1_001) } })).1, "limit");
}

#[test]
fn filters_elsewhere_are_read_the_same_way() {
    let (filter, fields) = filter_from_json("rowFilters.0.filter", &json!({ "a.b": 1, "_id": 2 }), &Plants).unwrap();
    assert_eq!(show(&filter), "(a.b=1 & id=2)");
    assert_eq!(fields.into_iter().collect::<Vec<_>>(), ["a", "id"]);
    assert_eq!(filter_from_json("filters.posts", &json!({ "$where": 1 }), &Plants).unwrap_err().detail_list()[0].field, "filters.posts.$where");
    assert_eq!(show(&row_filters(&[json!({ "a": 1 }), json!({ "b": 2 })], &Plants).unwrap()), "(a=1 | b=2)");
    assert_eq!(show(&row_filters(&[], &Plants).unwrap()), "none");
}

#[test]
fn numbers_beyond_64_bits_are_compared_as_doubles() {
    assert_eq!(reads(json!({ "a": u64::MAX })), "a=1.8446744073709552e+19");
}
