use super::*;

#[test]
fn worked_example_10() {
    assert_eq!(filter_of("filter[height][$gte]=10&sort=name:asc"), "height>=10");
    assert_eq!(filter_of("andFilters[potted]=true"), "potted=true");
    let error = list("filter[height]=tall").unwrap_err();
    assert_eq!(fault(&error), ("data/validation-error", "filter.height".into(), "operand".into()));
}

#[test]
fn the_dollar_may_be_missing_inside_the_operator_bracket() {
    assert_eq!(filter_of("filter[height][gte]=10&filter[height][lt]=20"), "(height>=10 & height<20)");
    assert_eq!(filter_of("filter[name][contains]=er"), "name contains \"er\"");
    assert_eq!(filter_of("filter[name][regex]=^f&filter[name][options]=i"), "name~/(?i)^f/");
    assert_eq!(filter_of("filter[name][exists]=false"), "!name?");
    assert_eq!(filter_of("filter[tags][size]=2"), "tags size 2");
}

#[test]
fn values_are_read_by_their_declared_type() {
    assert_eq!(filter_of("filter[name]=5"), "name=\"5\"");
    assert_eq!(filter_of("filter[price][ne]=5"), "!price=5");
    assert_eq!(filter_of("filter[tags]=5"), "tags=\"5\"");
    assert_eq!(filter_of("filter[bought][gt]=2026-01-01"), "bought>\"2026-01-01T00:00:00.000Z\"");
    assert_eq!(filter_of("filter[createdAt][gt]=1767225600000"), "createdAt>\"2026-01-01T00:00:00.000Z\"");
    assert_eq!(filter_of("filter[care.water]=low"), "care.water=\"low\"");
    for query in
        ["filter[potted]=yes", "filter[price]=", "filter[bought]=soon", "filter[height]=1.5", "filter[height][in]=1,x", "filter[height]=1&filter[height]=x"]
    {
        assert!(filter_of(query).ends_with(" operand"), "{query}");
    }
}

#[test]
fn undeclared_values_match_both_readings_in_equality_and_order_by_the_number() {
    assert_eq!(filter_of("filter[hue]=green"), "hue in [\"green\"]");
    assert_eq!(filter_of("filter[hue]=5"), "hue in [5,\"5\"]");
    assert_eq!(filter_of("filter[hue]=true"), "hue in [true,\"true\"]");
    assert_eq!(filter_of("filter[hue][ne]=null"), "!hue in [null,\"null\"]");
    assert_eq!(filter_of("filter[hue][gt]=5"), "hue>5");
    assert_eq!(filter_of("filter[hue][gt]=b"), "hue>\"b\"");
    assert_eq!(filter_of("filter[hue][between]=1,9"), "hue in 1..9");
    assert_eq!(filter_of("filter[hue][between]=1,b"), "hue in \"1\"..\"b\"");
    assert_eq!(filter_of("filter[hue][all]=1,b"), "((hue all [1] | hue all [\"1\"]) & (hue all [\"b\"]))");
    assert_eq!(filter_of("filter[hue][contains]=5"), "(hue contains \"5\" | hue contains 5)");
}

#[test]
fn lists_are_comma_lists_repeated_or_bracketed() {
    for query in [
        "filter[height][in]=1,2",
        "filter[height][$in]=1&filter[height][$in]=2",
        "filter[height][in][]=1&filter[height][in][]=2",
        "filter[height][in][0]=1&filter[height][in][1]=2",
    ] {
        assert_eq!(filter_of(query), "height in [1,2]", "{query}");
    }
    assert_eq!(filter_of("filter[name]=x&filter[name]=y"), "name in [\"x\",\"y\"]");
    assert_eq!(filter_of("filter[name][]=x"), "name in [\"x\"]");
    assert_eq!(filter_of("filter[name]=x,y"), "name=\"x,y\"");
    assert_eq!(filter_of("filter[height][nin]="), "!height in []");
    assert_eq!(filter_of("filter[tags][all]=wet,shade"), "tags all [\"wet\",\"shade\"]");
    assert_eq!(filter_of("filter[height][between]=1"), "filter.height.$between operand");
}

#[test]
fn filter_is_and_while_or_filters_need_one_field() {
    assert_eq!(filter_of("filter[name]=x&filter[height]=1"), "(name=\"x\" & height=1)");
    assert_eq!(filter_of("orFilters[name]=x&orFilters[height][gt]=1&orFilters[height][lt]=5"), "(name=\"x\" | (height>1 & height<5))");
    assert_eq!(filter_of("orFilters[name]=x&orFilters=%7B%22a%22:1%7D"), "(a=1 | name=\"x\")");
    assert_eq!(filter_of("filter=%7B%22a%22:1%7D&filter[name]=x"), "(a=1 & name=\"x\")");
}

#[test]
fn brackets_that_mean_nothing_are_explained() {
    assert_eq!(filter_of("filter[height][above]=1"), "filter.height.above operator");
    assert_eq!(filter_of("filter[$where]=1"), "filter.$where operator");
    assert_eq!(filter_of("filter[$or][0][a]=1"), "filter.$or operator");
    assert_eq!(filter_of("filter[a][$not][$gt]=1"), "filter.a.$not operator");
    assert_eq!(filter_of("filter[a][gt][b]=1"), "filter.a.gt operator");
    assert_eq!(filter_of("filter[a..b]=1"), "filter.a..b path");
    assert_eq!(filter_of("filter[a=1"), "filter[a path");
    assert_eq!(filter_of("filter[a]b=1"), "filter[a]b path");
    assert_eq!(filter_of("filter[__proto__]=1"), "filter.__proto__ path");
    assert_eq!(filter_of("filter[name][regex]=("), "filter.name.$regex regex");
    assert_eq!(filter_of("filters[a]=1&xfilter[a]=2&unknown=3"), "all");
}

#[test]
fn a_body_supplies_what_the_query_string_does_not() {
    let body = serde_json::json!({ "andFilters": { "height": { "$gte": 10 } }, "filter": "{\"name\":\"x\"}", "limit": 5, "page": 2, "select": ["name"], "sort": { "name": -1 } });
    let query = list_with("", &body).unwrap();
    assert_eq!(show(&query.filter), "(height>=10 & name=\"x\")");
    assert_eq!((query.page.limit, query.page.offset), (5, 5));
    assert!(query.sort[0].descending);
    let query = list_with("andFilters[height]=3&limit=7", &body).unwrap();
    assert_eq!(show(&query.filter), "(height=3 & name=\"x\")");
    assert_eq!(query.page.limit, 7);
    assert!(list_with("", &serde_json::json!({ "page": {} })).is_err());
    assert!(list_with("", &serde_json::json!({ "andFilters": 3 })).is_err());
}
