//! Worked examples 7–12: the filter is read, then run on the three plants.

use serde_json::json;

use super::*;
use crate::store::query::eval::matches_value;

/// Names of the plants a request finds, or field and rule of its error.
fn found(parameter: &str, value: &Value) -> String {
    let time = "2026-02-01T00:00:00.000Z";
    let plants = [
        json!({ "name": "Fern", "potted": true, "hue": "green", "createdAt": time }),
        json!({ "name": "Ivy", "height": 12, "price": 5, "potted": true, "bought": "2026-03-01T00:00:00.000Z", "createdAt": time }),
        json!({ "name": "Moss", "price": null, "potted": true, "tags": ["wet", "shade"], "createdAt": time }),
    ];
    let query = ListQuery::parse("plants", &with_json(parameter, value), None, &Plants).unwrap();
    let hits = plants.iter().filter(|plant| matches_value(&query.filter, plant));
    hits.map(|plant| plant["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn null_missing_and_types() {
    for (value, expected) in [
        (json!({ "price": null }), "Fern Moss"),
        (json!({ "price": { "$exists": true } }), "Ivy Moss"),
        (json!({ "price": { "$ne": 5 } }), "Fern Moss"),
        (json!({ "price": { "$ne": null } }), "Ivy"),
        (json!({ "price": { "$in": [null, 5] } }), "Fern Ivy Moss"),
        (json!({ "price": { "$lt": 9 } }), "Ivy"),
        (json!({ "price": "5" }), ""),
        (json!({ "createdAt": { "$gte": "2026-01-01" } }), "Fern Ivy Moss"),
        (json!({ "bought": "2026-03-01" }), "Ivy"),
        (json!({ "price": { "$gte": null } }), "Fern Moss"),
        (json!({ "price": { "$gt": null } }), ""),
        (json!({ "price": { "$not": { "$lt": 9 } } }), "Fern Moss"),
    ] {
        assert_eq!(found("andFilters", &value), expected, "{value}");
    }
}

#[test]
fn arrays_and_texts() {
    for (value, expected) in [
        (json!({ "tags": "wet" }), "Moss"),
        (json!({ "tags": { "$all": ["wet", "shade"] } }), "Moss"),
        (json!({ "tags": { "$ne": "wet" } }), "Fern Ivy"),
        (json!({ "tags": ["wet"] }), ""),
        (json!({ "tags": ["wet", "shade"] }), "Moss"),
        (json!({ "tags": { "$elemMatch": { "$regex": "^w", "$not": { "$eq": "x" } } } }), "Moss"),
        (json!({ "tags": { "$size": 2 } }), "Moss"),
        (json!({ "name": { "$contains": "ER" } }), "Fern"),
        (json!({ "name": { "$regex": "^f", "$options": "i" } }), "Fern"),
        (json!({ "name": { "$like": "%o_s" } }), "Moss"),
    ] {
        assert_eq!(found("andFilters", &value), expected, "{value}");
    }
}

#[test]
fn alternatives_and_both_together() {
    assert_eq!(found("orFilters", &json!({ "name": "Fern", "tags": "wet" })), "Fern Moss");
    assert_eq!(found("orFilters", &json!([{ "name": "Fern" }, { "tags": "wet" }])), "Fern Moss");
    assert_eq!(found("andFilters", &json!({ "$nor": [{ "name": "Fern" }, { "tags": "wet" }] })), "Ivy");
}
