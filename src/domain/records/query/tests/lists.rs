use serde_json::{Value, json};

use super::*;
use crate::domain::records::query::{AggregateQuery, Begin, ChangesQuery, Condition, Format, ImportOptions, Mode, OnBadRow, ReadQuery, Select, TablesQuery};
use crate::store::query::aggregate::{Bucket, Grouping, SortBy};

fn sorted(query: &str) -> String {
    let Ok(query) = list(query) else { return "400".to_owned() };
    query.sort.iter().map(|key| format!("{}{}", if key.descending { "-" } else { "" }, key.path)).collect::<Vec<_>>().join(",")
}

fn parameter_refused(query: &str) -> String {
    let (code, field, _) = fault(&list(query).expect_err(query));
    assert_eq!(code, "common/invalid-parameters", "{query}");
    field
}

#[test]
fn the_default_order_is_newest_first() {
    assert_eq!(sorted(""), "-id");
    assert_eq!(sorted("sortBy=&sort="), "-id");
    assert!(list("").unwrap().named_fields.is_empty());
}

#[test]
fn sort_by_takes_several_with_one_direction_for_all_or_one_each() {
    assert_eq!(sorted("sortBy=price"), "-price");
    assert_eq!(sorted("sortBy=price&sortDirection=ASC"), "price");
    assert_eq!(sorted("sortBy=price,name&sortDirection=asc"), "price,name");
    assert_eq!(sorted("sortBy=price,care.water&sortDirection=asc,DESC"), "price,-care.water");
    assert_eq!(sorted("sortBy=_id&sortDirection=asc"), "id");
    assert_eq!(parameter_refused("sortBy=a,b,c&sortDirection=asc,desc"), "sortDirection");
    assert_eq!(parameter_refused("sortDirection=up"), "sortDirection");
    assert_eq!(parameter_refused("sortBy=a..b"), "sortBy");
    assert_eq!(sorted("sortBy=a,b,c,d,e,f,g,h").matches(',').count(), 7);
    assert_eq!(parameter_refused("sortBy=a,b,c,d,e,f,g,h,i"), "sortBy");
}

#[test]
fn older_dialects_of_sort_are_used_when_sort_by_is_absent() {
    assert_eq!(sorted("sort=name:asc,price:DESC"), "name,-price");
    assert_eq!(sorted("sort=-name,price"), "-name,price");
    assert_eq!(sorted("sort=%7B%22name%22:-1,%22price%22:%22asc%22%7D"), "-name,price");
    assert_eq!(sorted("sort=name&sortDirection=desc"), "-name");
    assert_eq!(sorted("sort=name:asc&sortBy=price"), "-price");
    assert_eq!(parameter_refused("sort=name:up"), "sort");
    assert_eq!(parameter_refused("sort={x}"), "sort");
    assert_eq!(parameter_refused("sort=%7B%22a%22:2%7D"), "sort");
}

#[test]
fn page_limit_and_offset() {
    let page = |query: &str| list(query).map(|q| (q.page.number, q.page.limit, q.page.offset)).unwrap();
    assert_eq!(page(""), (1, 20, 0));
    assert_eq!(page("page=9"), (9, 20, 160));
    assert_eq!(page("limit=500"), (1, 100, 0));
    assert_eq!(page("limit=2&offset=2"), (2, 2, 2));
    assert_eq!(page("limit=2&skip=3&page=9"), (2, 2, 3));
    assert_eq!(page("offset=0&skip=7"), (1, 20, 0));
    for (query, name) in [
        ("limit=0", "limit"),
        ("page=0", "page"),
        ("page=x", "page"),
        ("limit=-1", "limit"),
        ("offset=-1", "offset"),
        ("skip=a", "skip"),
        ("limit=", "limit"),
        ("page=1.5", "page"),
    ] {
        assert_eq!(parameter_refused(query), name);
    }
    let query = list_with("page=3", &json!({ "offset": 5 })).unwrap();
    assert_eq!(query.page.offset, 40);
}

#[test]
fn select_is_a_comma_list_repeated_bracketed_or_a_json_array() {
    let name_price = Select::Only(vec![Path::field("name"), Path::field("price")]);
    for query in [
        "select=name,price",
        "select=name&select=price",
        "select[]=name&select[]=price",
        "select=%5B%22name%22,%22price%22%5D",
        "fields=name,+price",
        "select=name,,price,id,_id,$x",
    ] {
        assert_eq!(list(query).unwrap().select, name_price, "{query}");
    }
    assert_eq!(list("select=").unwrap().select, Select::All);
    assert_eq!(list("select=-name,-id").unwrap().select, Select::Except(vec![Path::field("name")]));
    assert_eq!(parameter_refused("select=name,-price"), "select");
    assert_eq!(parameter_refused("select=[1]"), "select");
    assert_eq!(parameter_refused("select=[x"), "select");
}

#[test]
fn a_selection_keeps_system_fields_and_the_paths_it_names() {
    let record =
        json!({ "id": "1", "a": { "b": 1, "c": 2 }, "l": [{ "q": 1, "r": 2 }, { "q": 3 }, 4], "n": null, "createdBy": "", "createdAt": "", "updatedAt": "" });
    let apply = |select: &str| {
        let mut map = record.as_object().unwrap().clone();
        list(&format!("select={select}")).unwrap().select.apply(&mut map);
        for system in ["id", "createdBy", "createdAt", "updatedAt"] {
            assert!(map.shift_remove(system).is_some());
        }
        Value::Object(map)
    };
    assert_eq!(apply("a.b,nope"), json!({ "a": { "b": 1 } }));
    assert_eq!(apply("a,a.b,n"), json!({ "a": { "b": 1, "c": 2 }, "n": null }));
    assert_eq!(apply("l.q"), json!({ "l": [{ "q": 1 }, { "q": 3 }] }));
    assert_eq!(apply("l.0.q"), json!({ "l": [{ "q": 1 }] }));
    assert_eq!(apply("n.x"), json!({}));
    assert_eq!(apply("-a.b,-l"), json!({ "a": { "c": 2 }, "n": null }));
    assert_eq!(apply("-l.q,-a,-n"), json!({ "l": [{ "r": 2 }, {}, 4] }));
    assert_eq!(apply("nope"), json!({}));
}

#[test]
fn a_cursor_goes_on_with_its_own_query_only() {
    assert_eq!(list("cursor=").unwrap().cursor, Some(Begin::Start));
    assert_eq!(list("").unwrap().cursor, None);
    let query = list("cursor=&sortBy=price,name&andFilters[height]=3&search=x").unwrap();
    assert_eq!(query.after::<(Vec<Value>, String)>().unwrap(), None);
    let position = (vec![json!(5), json!("é")], "65f0a1b2c3d4e5f6a7b8c9d0".to_owned());
    let token = query.cursor_after(&position);
    assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    let next = list(&format!("cursor={token}&limit=3&sort=x&filter[height]=3&search=x&sortBy=price,name")).unwrap();
    assert_eq!(next.after().unwrap(), Some(position));
    assert_eq!(fault(&next.after::<bool>().unwrap_err()).0, "common/invalid-parameters");
    for query in [
        "sortBy=price,name&search=x",
        "sortBy=price,name&andFilters[height]=4&search=x",
        "sortBy=price&andFilters[height]=3&search=x",
        "sortBy=price,name&andFilters[height]=3",
        "",
    ] {
        assert_eq!(parameter_refused(&format!("cursor={token}&{query}")), "cursor");
    }
    let other = Params::parse(&format!("cursor={token}&sortBy=price,name&andFilters[height]=3&search=x")).unwrap();
    assert!(ListQuery::parse("pots", &other, None, &Plants).is_err());
    for token in ["x", "e30", "%00", "bnVsbA", "===="] {
        assert_eq!(parameter_refused(&format!("cursor={token}")), "cursor");
    }
}

#[test]
fn search_is_literal_text_and_where_to_look() {
    let query = list("search=%25&searchType=name,+care.water").unwrap();
    let search = query.search.unwrap();
    assert_eq!((search.text.as_str(), search.paths.len()), ("%", 2));
    assert!(query.named_fields.contains("care"));
    assert!(list("search=&searchType=name").unwrap().search.is_none());
    assert!(list("searchType=name").unwrap().named_fields.is_empty());
    assert!(list(&format!("search={}", "x".repeat(200))).is_ok());
    assert_eq!(parameter_refused(&format!("search={}", "x".repeat(201))), "search");
    assert_eq!(parameter_refused("search=x&searchType=a..b"), "searchType");
}

#[test]
fn include_names_fields_and_tables() {
    let query = list("include=authorId,productId:products,createdBy:users,authorId").unwrap();
    let shown: Vec<_> = query.include.iter().map(|one| format!("{}>{}", one.path, one.table.as_deref().unwrap_or("?"))).collect();
    assert_eq!(shown, ["authorId>?", "productId>products", "createdBy>users"]);
    for query in ["include=a:", "include=a:b:c", "include=:b", "include=$x", "include=a,b,c,d,e,f,g,h,i,j,k"] {
        assert_eq!(parameter_refused(query), "include");
    }
    let read = ReadQuery::parse(&Params::parse("select=name&include=authorId").unwrap()).unwrap();
    assert_eq!((read.include.len(), read.named_fields.contains("authorId")), (1, true));
}

#[test]
fn every_field_a_query_names_is_told() {
    let query = list(
        "andFilters[a.b]=1&orFilters={\"$or\":[{\"c\":1}]}&filter={\"d\":{\"$elemMatch\":{\"inner\":1}}}&sortBy=e.f&search=x&searchType=g&include=h&select=i",
    )
    .unwrap();
    assert_eq!(query.named_fields.into_iter().collect::<String>(), "acdegh");
}

#[test]
fn writes_by_filter_need_a_filter_or_all() {
    let parse = |query: &str| Condition::parse_for_write(&Params::parse(query).unwrap(), &Plants);
    for query in ["", "andFilters={}", "andFilters={\"$and\":[{}]}", "search=x", "all=false"] {
        assert_eq!(parse(query).unwrap_err().code().name, "common/invalid-parameters", "{query}");
    }
    assert!(parse("all=true").is_ok() && parse("filter[name]=x").unwrap().filtered);
    assert!(parse("all=maybe").is_err());
}

#[test]
fn aggregates_group_count_and_compute() {
    let parse = |query: &str| AggregateQuery::parse(&Params::parse(query).unwrap(), None, &Plants);
    let query =
        parse("groupBy=hue,bought:week&sum=price,height&avg=price&distinct=name&sort=-sum.price,count:asc,bought:week:desc&limit=5&filter[name]=x").unwrap();
    let Grouping { groups, sum, avg, distinct, sort, .. } = query.grouping;
    assert_eq!(groups.iter().map(|g| (g.label.as_str(), g.bucket)).collect::<Vec<_>>(), [("hue", None), ("bought", Some(Bucket::Week))]);
    assert_eq!((sum, avg, distinct), (vec![Path::field("price"), Path::field("height")], vec![Path::field("price")], vec![Path::field("name")]));
    let sort: Vec<_> = sort.iter().map(|sort| (sort.by, sort.descending)).collect();
    assert_eq!(sort, [(SortBy::Sum(0), true), (SortBy::Count, false), (SortBy::Group(1), true)]);
    assert_eq!(query.named_fields.into_iter().collect::<Vec<_>>(), ["bought", "height", "hue", "name", "price"]);
    assert!(parse("").unwrap().grouping.sort.is_empty());
    assert!(parse("groupBy=createdAt:month&sortBy=createdAt&sortDirection=desc").is_ok());
    for (query, name) in [
        ("groupBy=a,b,c,d", "groupBy"),
        ("groupBy=hue:day", "groupBy"),
        ("groupBy=bought:decade", "groupBy"),
        ("groupBy=a,a", "groupBy"),
        ("sum=a..b", "sum"),
        ("sum=price&sort=avg.price", "sort"),
        ("sort=price", "sort"),
        ("page=0", "page"),
        (&*format!("sum={}&max=z", (0..100).map(|i| format!("f{i}")).collect::<Vec<_>>().join(",")), "max"),
    ] {
        assert_eq!(fault(&parse(query).expect_err(query)).1, name, "{query}");
    }
}

#[test]
fn imports_exports_and_changes_have_their_options() {
    let import = |query: &str, kind: Option<&str>| ImportOptions::parse(&Params::parse(query).unwrap(), kind);
    let options = import("mode=upsert&onBadRow=skip&dryRun=true", Some("text/csv; charset=utf-8")).unwrap();
    assert_eq!((options.format, options.mode, options.on_bad_row, options.dry_run), (Format::Csv, Mode::Upsert, OnBadRow::Skip, true));
    let options = import("format=ndjson", Some("application/json")).unwrap();
    assert_eq!((options.format, options.mode, options.on_bad_row, options.dry_run), (Format::Ndjson, Mode::Insert, OnBadRow::Abort, false));
    for (query, name) in [
        ("format=xml", "format"),
        ("", "format"),
        ("format=csv&mode=replace", "mode"),
        ("format=csv&onBadRow=1", "onBadRow"),
        ("format=csv&dryRun=x", "dryRun"),
    ] {
        assert_eq!(fault(&import(query, Some("application/octet-stream")).unwrap_err()).1, name);
    }
    let unpaged = Params::parse("format=csv&limit=0&page=x&cursor=zzz&sortBy=name").unwrap();
    assert!(ListQuery::parse_unpaged("plants", &unpaged, None, &Plants).is_ok());
    assert_eq!(Format::parse_for_export(&unpaged).unwrap(), Format::Csv);
    let changes = ChangesQuery::parse(&Params::parse("initial=true&filter[name]=x&select=name").unwrap(), &Plants).unwrap();
    assert!(changes.initial && !changes.filter.is_all());
}

#[test]
fn changes_of_several_tables_come_over_one_connection() {
    let parse = |query: &str| TablesQuery::parse(&Params::parse(query).unwrap());
    let query = parse("tables=posts,comments,posts&filters={\"posts\":{\"a\":1}}&initial=true").unwrap();
    assert_eq!((query.tables.len(), query.filters.len(), query.initial), (2, 1, true));
    let many: Vec<_> = (0..51).map(|i| format!("t{i}")).collect();
    for (query, name) in [
        ("", "tables"),
        ("tables=,", "tables"),
        (&*format!("tables={}", many.join(",")), "tables"),
        ("tables=a&filters=[]", "filters"),
        ("tables=a&filters={\"b\":{}}", "filters"),
        ("tables=a&initial=x", "initial"),
    ] {
        assert_eq!(fault(&parse(query).expect_err(query)).1, name, "{query}");
    }
}
