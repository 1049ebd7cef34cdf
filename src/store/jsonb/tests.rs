//! Compared with SQLite's own `json()` and `jsonb()` in both directions.

use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::*;

fn encoded(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    encode(value, &mut out);
    out
}

fn text(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    write_json(bytes, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn sqlite_jsonb(db: &Connection, text: &str) -> Vec<u8> {
    db.prepare_cached("SELECT jsonb(?1)").unwrap().query_row([text], |row| row.get(0)).unwrap()
}

fn sqlite_json(db: &Connection, bytes: &[u8]) -> String {
    db.prepare_cached("SELECT json(?1)").unwrap().query_row([bytes], |row| row.get(0)).unwrap()
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,14}",
        any::<String>().prop_map(|s| s.replace('\0', "")),
        proptest::collection::vec(prop_oneof![Just('"'), Just('\\'), Just('\n'), Just('\u{1}'), Just('é'), Just('😀'), Just('/'), Just('\'')], 0..6)
            .prop_map(|chars| chars.into_iter().collect()),
        "[a-z]{250,260}",
    ]
}

pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-20i64..20).prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |f| (f.is_finite()).then(|| Value::from(f))),
        (any::<i32>(), 1u8..9).prop_map(|(n, d)| Value::from(f64::from(n) / 10f64.powi(d.into()))),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((any_text(), inner), 0..6).prop_map(|list| Value::Object(list.into_iter().collect())),
        ]
    })
}

/// Whole doubles lose their fraction on the way in.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(int), _) => int.into(),
            (None, Some(f)) if f.fract() == 0.0 && f.abs() < 9_007_199_254_740_992.0 => (f as i64).into(),
            (None, Some(f)) => f.into(),
            _ => Value::Null,
        },
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), canonical(v))).collect()),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_encoded_decodes_to_the_same(value in any_json()) {
        let bytes = encoded(&value);
        prop_assert_eq!(decode(&bytes).unwrap(), canonical(&value));
        prop_assert_eq!(serde_json::from_str::<Value>(&text(&bytes)).unwrap(), canonical(&value));
    }

    #[test]
    fn sqlite_reads_what_is_encoded(value in any_json()) {
        let db = Connection::open_in_memory().unwrap();
        let bytes = encoded(&value);
        let valid: bool = db.query_row("SELECT json_valid(?1, 8)", [&bytes], |row| row.get(0)).unwrap();
        prop_assert!(valid);
        prop_assert_eq!(sqlite_json(&db, &bytes), text(&bytes));
        prop_assert_eq!(text(&bytes), canonical(&value).to_string());
    }

    #[test]
    fn what_sqlite_encodes_is_decoded(value in any_json()) {
        let db = Connection::open_in_memory().unwrap();
        let bytes = sqlite_jsonb(&db, &value.to_string());
        let back = decode(&bytes).unwrap();
        prop_assert_eq!(canonical(&back), canonical(&value));
        prop_assert_eq!(serde_json::from_str::<Value>(&text(&bytes)).map(|v| canonical(&v)).unwrap(), canonical(&value));
        if !value.to_string().contains(['\\', '.', 'e']) {
            prop_assert_eq!(encoded(&value), bytes);
        }
    }

    #[test]
    fn a_double_is_the_same_for_sqlite(number in any::<f64>().prop_filter("finite", |f| f.is_finite())) {
        let db = Connection::open_in_memory().unwrap();
        let read: f64 = db.prepare_cached("SELECT ?1 ->> '$.\"n\"'").unwrap().query_row([encoded(&json!({"n": number}))], |row| row.get::<_, f64>(0).or_else(|_| row.get::<_, i64>(0).map(|n| n as f64))).unwrap();
        prop_assert_eq!(read, number);
    }

    #[test]
    fn damaged_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..64), value in any_json(), at in any::<prop::sample::Index>(), flip in any::<u8>()) {
        probe(&bytes);
        bytes = encoded(&value);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        probe(&bytes);
        bytes.truncate(at);
        probe(&bytes);
    }
}

fn probe(bytes: &[u8]) {
    let mut out = Vec::new();
    let _ = write_json(bytes, &mut out);
    let _ = decode(bytes);
    let Ok(view) = View::parse(bytes) else { return };
    let _ = (view.get("a"), view.index(3), view.as_str(), view.as_number(), view.len());
    let _ = view.entries().count() + view.elements().count();
    let _ = write_members(view, &Projection::all().keep(["a", "b"]).drop(["c"]), true, &mut out);
}

#[test]
fn every_json5_form_sqlite_stores_is_read() {
    let db = Connection::open_in_memory().unwrap();
    for (source, expected) in [
        ("0x1F", json!(31)),
        ("-0xff", json!(-255)),
        ("+12", json!(12)),
        (".5", json!(0.5)),
        ("-.5", json!(-0.5)),
        ("5.", json!(5.0)),
        ("5.e2", json!(500.0)),
        ("[1,2,]", json!([1, 2])),
        ("{a:1, $b:2}", json!({"a": 1, "$b": 2})),
        (r"'it\'s \x41 \v\0'", json!("it's A \u{b}\0")),
        ("'one \\\ntwo'", json!("one two")),
        ("'say \"hi\"'", json!("say \"hi\"")),
        (r#""\ud83d\ude00 \u00e9 \/ \b\f\n\r\t""#, json!("😀 é / \u{8}\u{c}\n\r\t")),
        (r#"{"a\u0062":1}"#, json!({"ab": 1})),
        ("9223372036854775808", json!(9_223_372_036_854_775_808f64)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("Infinity", json!(f64::MAX)),
        ("-Infinity", json!(f64::MIN)),
        ("NaN", json!(null)),
        ("0xfffffffffffffffffff", json!(f64::MAX)),
        ("-0", json!(0)),
    ] {
        let bytes = sqlite_jsonb(&db, source);
        assert_eq!(decode(&bytes).unwrap(), expected, "{source}");
        let (ours, theirs) = (text(&bytes), sqlite_json(&db, &bytes));
        if let (Ok(ours), Ok(theirs)) = (serde_json::from_str::<Value>(&ours), serde_json::from_str::<Value>(&theirs)) {
            assert_eq!(ours, theirs, "{source}");
        } else {
            assert_eq!(ours, theirs, "{source}");
        }
    }
}

#[test]
fn an_escaped_key_is_found() {
    let db = Connection::open_in_memory().unwrap();
    let bytes = sqlite_jsonb(&db, r#"{"a\u0062":1,"q\"":2}"#);
    let view = View::parse(&bytes).unwrap();
    assert!(matches!(view.get("ab").unwrap().as_number(), Some(Num::Int(1))));
    assert!(matches!(view.get("q\"").unwrap().as_number(), Some(Num::Int(2))));
    assert!(view.get("a").is_none());
}

#[test]
fn long_payloads_use_every_header_size() {
    let db = Connection::open_in_memory().unwrap();
    for len in [0, 11, 12, 255, 256, 65_535, 65_536, 200_000] {
        let value = json!({"text": "x".repeat(len), "list": vec![1; len / 4]});
        let bytes = encoded(&value);
        assert_eq!(bytes, sqlite_jsonb(&db, &value.to_string()), "{len}");
        assert_eq!(decode(&bytes).unwrap(), value);
    }
}

#[test]
fn nesting_stops_where_sqlite_stops() {
    let db = Connection::open_in_memory().unwrap();
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let bytes = sqlite_jsonb(&db, &nested(1000));
    assert_eq!(text(&bytes), nested(1000));
    let mut deeper = Vec::new();
    // One array more around it: the payload has a four-byte length at most.
    deeper.push(0xe0 | Type::Array as u8);
    deeper.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    deeper.extend_from_slice(&bytes);
    assert_eq!(decode(&deeper), Err(Corrupt));
    assert_eq!(write_json(&deeper, &mut Vec::new()), Err(Corrupt));
}

#[test]
fn numbers_have_one_form() {
    for (value, expected) in [
        (json!(5.0), "5"),
        (json!(-0.0), "0"),
        (json!(1e3), "1000"),
        (json!(0.1), "0.1"),
        (json!(9_007_199_254_740_991.0), "9007199254740991"),
        (json!(i64::MIN), "-9223372036854775808"),
    ] {
        assert_eq!(text(&encoded(&value)), expected);
    }
    assert_eq!(decode(&encoded(&json!(u64::MAX))).unwrap(), json!(u64::MAX as f64));
}

#[test]
fn a_projection_writes_only_what_was_chosen() {
    let doc = encoded(&json!({"a": 1, "b": {"c": 2, "d": [{"e": 3, "f": 4}, 5, {"f": 6}]}, "g": [], "h": null}));
    let view = View::parse(&doc).unwrap();
    let members = |projection: &Projection| {
        let mut out = Vec::new();
        write_members(view, projection, false, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let all = Projection::all;
    assert_eq!(members(&all()), r#""a":1,"b":{"c":2,"d":[{"e":3,"f":4},5,{"f":6}]},"g":[],"h":null"#);
    assert_eq!(members(&all().keep(["b", "d", "e"]).keep(["h"])), r#""b":{"d":[{"e":3},{}]},"h":null"#);
    assert_eq!(members(&all().keep(["a", "x"]).keep(["nope"])), "");
    assert_eq!(members(&all().keep(["b"]).keep(["b", "c"]).drop(["b", "d", "f"])), r#""b":{"c":2,"d":[{"e":3},5,{}]}"#);
    assert_eq!(members(&all().drop(["b"]).drop(["a"])), r#""g":[],"h":null"#);
    assert_eq!(members(&all().only(["g".to_owned(), "a".to_owned()]).drop(["a"])), r#""g":[]"#);
    assert_eq!(members(&all().keep_nothing()), "");
    let mut out = Vec::new();
    write_members(view, &all().keep(["a"]), true, &mut out).unwrap();
    assert_eq!(out, br#","a":1"#);
    assert_eq!(write_members(view.get("g").unwrap(), &all(), false, &mut Vec::new()), Err(Corrupt));
}
