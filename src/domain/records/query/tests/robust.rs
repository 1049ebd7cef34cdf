use proptest::prelude::*;

use super::*;
use crate::domain::records::query::{AggregateQuery, ChangesQuery, Condition, ImportOptions, ReadQuery};

const NAMES: [&str; 30] = [
    "andFilters",
    "orFilters",
    "filter",
    "filter[a]",
    "filter[height][gte]",
    "orFilters[a][in][]",
    "andFilters[hue][all]",
    "filter[$or]",
    "filter[]",
    "filter[a",
    "search",
    "searchType",
    "sortBy",
    "sortDirection",
    "sort",
    "select",
    "select[]",
    "fields",
    "page",
    "limit",
    "offset",
    "skip",
    "cursor",
    "include",
    "groupBy",
    "sum",
    "distinct",
    "mode",
    "dryRun",
    "initial",
];

/// Text that is likely to get past the first check, and some that is not.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-a-z0-9$.,:_\\[\\]{}\"% ]{0,40}",
        "\\{\"[a-z$.]{0,8}\": ?(\\{\"\\$[a-zA-Z]{0,9}\": ?(null|true|-?[0-9]{1,20}|\"[a-z\\\\(\\[*+?)]{0,6}\"|\\[[0-9, ]{0,5}\\]|\\{\\})\\}|[0-9]{1,3})\\}",
        Just("[".repeat(10_000)),
        Just(format!("{}1{}", "{\"$and\":[".repeat(60), "]}".repeat(60))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_sent_is_a_query_or_a_400(pairs in prop::collection::vec((prop::sample::select(&NAMES[..]), text()), 0..4), raw in any::<String>()) {
        let params = Params::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect());
        let body = Value::Object(pairs.into_iter().map(|(name, value)| (name.to_owned(), serde_json::from_str(&value).unwrap_or(Value::String(value)))).collect());
        let empty = Params::default();
        for (params, body) in [(&params, None), (&empty, Some(&body))] {
            let results = [
                ListQuery::parse("t", params, body, &Plants).map(|query| drop(show(&query.filter))),
                ListQuery::parse_unpaged("t", params, body, &Plants).map(drop),
                Condition::parse(params, body, &Plants).map(drop),
                AggregateQuery::parse(params, body, &Plants).map(drop),
                ChangesQuery::parse(params, &Plants).map(drop),
                ReadQuery::parse(params).map(drop),
                ImportOptions::parse(params, None).map(drop),
            ];
            for error in results.into_iter().filter_map(Result::err) {
                prop_assert_eq!(error.code().status, 400);
                prop_assert!(!error.detail_list()[0].field.is_empty() && error.message().len() < 2_000);
            }
        }
        let _ = Params::parse(&raw).map(|params| ListQuery::parse("t", &params, None, &Plants).map(drop));
    }
}
