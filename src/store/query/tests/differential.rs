//! Generated records and queries: SQL, evaluator and model must agree.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::Union;
use serde_json::{Map, Value, json};

use super::super::ast::{Filter, Kind, Order, Path, Search, Shape, SortKey, Test};
use super::super::times;
use super::{Record, Table, model, path, shape};

const DAY: i64 = 86_400_000;

/// Few different values, so that records and operands often meet.
fn words() -> impl Strategy<Value = String> {
    let odd = ["", "A", "ab", "aB", "é%_", "É", "1", "a.\\\"\n", "\u{10ffff}"];
    prop_oneof![Just("a".to_owned()), Just("b".to_owned()), prop::sample::select(odd.to_vec()).prop_map(str::to_owned)]
}

fn dates() -> impl Strategy<Value = String> {
    (0i64..4).prop_map(|n| times::iso(n * DAY))
}

fn numbers() -> impl Strategy<Value = Value> {
    prop_oneof![4 => (0i64..3).prop_map(Value::from), 2 => (-1i32..4).prop_map(|n| Value::from(f64::from(n) / 2.0)), 1 => prop::sample::select(vec![json!(1e300), json!(-1e-7)])]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), numbers(), words().prop_map(Value::from), dates().prop_map(Value::from)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((prop_oneof![Just("a"), Just("b"), Just("0"), Just("city")], inner), 0..3).prop_map(|list| list
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Map<_, _>>()
                .into())
        ]
    })
    // As stored: whole doubles lose their fraction.
    .prop_map(|value| serde_json::from_str(&super::super::value::json_text(&value)).unwrap())
}

fn of_kind(kind: Kind) -> BoxedStrategy<Value> {
    let value = match kind {
        Kind::String => words().prop_map(Value::from).boxed(),
        Kind::Int => (0i64..3).prop_map(Value::from).boxed(),
        Kind::Double => numbers().boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Date => dates().prop_map(Value::from).boxed(),
        Kind::Any => anything().boxed(),
    };
    prop_oneof![4 => value, 1 => Just(Value::Null)].boxed()
}

const COLUMNS: [(&str, Kind); 7] =
    [("s", Kind::String), ("i", Kind::Int), ("d", Kind::Double), ("b", Kind::Bool), ("t", Kind::Date), ("m", Kind::Any), ("o", Kind::Any)];
const NESTED: [(&str, Kind); 3] = [("o.city", Kind::String), ("o.n", Kind::Int), ("o.p.x", Kind::Bool)];

fn object() -> impl Strategy<Value = Value> {
    let inner = option::of(of_kind(Kind::Bool)).prop_map(|x| Value::Object(x.map(|x| ("x".to_owned(), x)).into_iter().collect()));
    (option::of(of_kind(Kind::String)), option::of(of_kind(Kind::Int)), option::of(inner), option::of(anything())).prop_map(|(city, n, p, a)| {
        let fields = [("city", city), ("n", n), ("p", p), ("a", a)];
        Value::Object(fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
    })
}

fn documents() -> impl Strategy<Value = Map<String, Value>> {
    let scalars = (
        option::of(of_kind(Kind::String)),
        option::of(of_kind(Kind::Int)),
        option::of(of_kind(Kind::Double)),
        option::of(of_kind(Kind::Bool)),
        option::of(of_kind(Kind::Date)),
    );
    let rest = (option::of(anything()), option::of(prop_oneof![object(), Just(Value::Null)]), option::of(anything()), option::of(vec(anything(), 0..3)));
    (scalars, rest).prop_map(|((s, i, d, b, t), (m, o, free, list))| {
        let fields = [("s", s), ("i", i), ("d", d), ("b", b), ("t", t), ("m", m), ("o", o), ("free", free), ("list", list.map(Value::from))];
        fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    })
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    vec((documents(), prop_oneof![Just("ana"), Just("")], 0i64..4, 0i64..4), 0..14).prop_map(|list| {
        let numbered = list.into_iter().enumerate();
        numbered
            .map(|(at, (doc, by, created, updated))| Record {
                id: format!("{}{at}", if at % 3 == 0 { "b" } else { "A" }),
                created_by: by.to_owned(),
                created_at: created * DAY,
                updated_at: updated * DAY,
                doc,
            })
            .collect()
    })
}

fn paths() -> impl Strategy<Value = Path> {
    prop::sample::select(vec![
        "s",
        "i",
        "d",
        "b",
        "t",
        "m",
        "o",
        "o.city",
        "o.n",
        "o.p.x",
        "o.p",
        "o.a.b",
        "free",
        "free.a",
        "free.0",
        "free.a.0.b",
        "list",
        "list.a",
        "list.0",
        "list.a.b",
        "list.city",
        "m.a",
        "nope",
        "nope.x",
        "id",
        "createdBy",
        "createdAt",
        "updatedAt",
        "createdAt.x",
        "s.x",
        "i.0",
        "it's \"odd\"",
    ])
    .prop_map(path)
}

fn operands() -> impl Strategy<Value = Value> {
    let special = vec![json!("ana"), json!("A1"), json!("1970-01-02"), json!({"b": 1, "a": null}), json!(1.0)];
    prop_oneof![
        3 => anything(),
        3 => numbers(),
        3 => words().prop_map(Value::from),
        2 => dates().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => prop::sample::select(special),
    ]
}

/// Tests whose operands come from `operands`.
fn tests(operands: BoxedStrategy<Value>) -> impl Strategy<Value = Test> {
    let operands = || operands.clone();
    let order = prop::sample::select(vec![Order::Gt, Order::Gte, Order::Lt, Order::Lte]);
    let regex = prop::sample::select(vec!["^a", "B$", "(?i)b", "^$", "é", "1970-01-0[12]", "."]).prop_map(|text| Test::Regex(regex::Regex::new(text).unwrap()));
    let like = prop::sample::select(vec!["%", "a%", "%B", "_", "%é\\%\\_", "%É%", "1970%z", "a_%"]).prop_map(|text| Test::Like(text.to_owned()));
    let leaf = prop_oneof![
        3 => operands().prop_map(Test::Eq),
        3 => (order, operands()).prop_map(|(order, value)| Test::Cmp(order, value)),
        1 => (operands(), operands()).prop_map(|(low, high)| Test::Between(low, high)),
        2 => vec(operands(), 0..4).prop_map(Test::In),
        1 => Just(Test::Exists),
        1 => regex,
        1 => operands().prop_map(Test::Contains),
        1 => words().prop_map(Test::StartsWith),
        1 => words().prop_map(Test::EndsWith),
        1 => like,
        1 => vec(operands(), 0..3).prop_map(Test::All),
        1 => (0u64..3).prop_map(Test::Size),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        let field = (prop::sample::select(vec!["a", "b", "0", "id"]), inner.clone()).prop_map(|(path, test)| Filter::Field(Path::field(path), test));
        prop_oneof![
            8 => inner.clone(),
            1 => vec(field, 0..3).prop_map(|list| Test::ElemMatch(Box::new(Filter::And(list)))),
            1 => vec((any::<bool>(), inner), 0..3).prop_map(Test::ElemTests),
        ]
    })
}

/// A test whose operands are of the kind that stands at the path.
fn fitting() -> impl Strategy<Value = Filter> {
    let mixed = ["m", "free", "free.a", "list", "list.a", "list.0"].map(|name| (name, prop_oneof![numbers(), words().prop_map(Value::from)].boxed()));
    let declared = COLUMNS[..5].iter().chain(&NESTED).map(|(name, kind)| (*name, of_kind(*kind)));
    let times = (0i64..4).prop_map(|n| times::iso(n * DAY).into()).boxed();
    let system = [("createdAt", times.clone()), ("updatedAt", times), ("createdBy", prop::sample::select(vec![json!("ana"), json!("")]).boxed())];
    let fields = declared.chain(mixed).chain(system).map(|(name, values)| tests(values).prop_map(move |test| Filter::Field(path(name), test)).boxed());
    Union::new(fields)
}

fn filters() -> impl Strategy<Value = Filter> {
    let any = (paths(), tests(operands().boxed())).prop_map(|(path, test)| Filter::Field(path, test));
    prop_oneof![1 => any, 2 => fitting()].prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            6 => inner.clone(),
            1 => vec(inner.clone(), 0..4).prop_map(Filter::And),
            1 => vec(inner.clone(), 0..4).prop_map(Filter::Or),
            1 => inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

fn searches() -> impl Strategy<Value = Search> {
    (words(), vec(paths(), 0..3), vec(prop::sample::select(vec!["s", "free", "m"]).prop_map(str::to_owned), 0..2)).prop_map(|(text, paths, hidden)| Search {
        text,
        paths,
        hidden,
    })
}

fn sorts() -> impl Strategy<Value = Vec<SortKey>> {
    vec((paths(), any::<bool>()).prop_map(|(path, descending)| SortKey { path, descending }), 0..4)
}

fn table(records: Vec<Record>, closed: bool) -> Table {
    Table::new(Shape { closed, ..shape(&COLUMNS, &NESTED) }, records)
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// What the model says the list is.
fn modelled(table: &Table, filter: &Filter, search: Option<&Search>, sort: &[SortKey]) -> Vec<String> {
    let mut list: Vec<Value> = table.records.iter().map(|record| model::visible(record, &table.shape)).collect();
    list.retain(|record| model::matches(filter, record) && search.is_none_or(|search| model::found(search, record)));
    let directed = |ordering: std::cmp::Ordering, descending| if descending { ordering.reverse() } else { ordering };
    list.sort_by(|a, b| {
        let keys = sort.iter().map(|key| directed(model::compare(&model::sort_value(a, &key.path), &model::sort_value(b, &key.path)), key.descending));
        let id = directed(a["id"].as_str().cmp(&b["id"].as_str()), sort.last().is_none_or(|key| key.descending));
        keys.chain([id]).find(|ordering| ordering.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    list.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn sql_and_evaluator_and_model_find_the_same(records in records(), filters in vec(filters(), 8), search in option::of(searches()), closed in any::<bool>()) {
        let table = table(records, closed);
        for filter in &filters {
            let query = table.query(filter, search.as_ref(), &[]);
            let expected = sorted(modelled(&table, filter, search.as_ref(), &[]));
            prop_assert_eq!(&sorted(table.evaluated(filter, search.as_ref())), &expected, "evaluator: {:?}", filter);
            prop_assert_eq!(&sorted(table.ids(&query, None, 100, 0)), &expected, "{:?}: {}", filter, query.list_sql(None, 100, 0).text());
            prop_assert_eq!(table.count(&query), expected.len() as u64);
        }
    }

    #[test]
    fn lists_are_in_the_order_of_the_contract(records in records(), sorts in vec(sorts(), 6), closed in any::<bool>()) {
        let table = table(records, closed);
        for sort in &sorts {
            let filter = Filter::all();
            let query = table.query(&filter, None, sort);
            let expected = modelled(&table, &filter, None, sort);
            prop_assert_eq!(&table.ids(&query, None, 100, 0), &expected, "{:?}", sort);
            prop_assert_eq!(&table.ids(&query, None, 4, 2), &expected.iter().skip(2).take(4).cloned().collect::<Vec<_>>());
        }
    }

    #[test]
    fn walking_by_cursor_reads_the_list(records in records(), sorts in vec(sorts(), 4), filter in filters(), page in 1u64..5) {
        let table = table(records, false);
        for sort in &sorts {
            let query = table.query(&filter, None, sort);
            prop_assert_eq!(table.walk(&query, page), table.ids(&query, None, 100, 0), "{:?}", sort);
        }
    }
}
