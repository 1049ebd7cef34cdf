//! Whether an answer looks as the manual shows it: exactly these keys and types, literals equal except "…".

use serde_json::Value;

/// The first difference, with its path.
pub fn difference(shown: &Value, real: &Value, path: &str) -> Option<String> {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) => {
            let missing = shown.keys().find(|key| !real.contains_key(*key)).map(|key| format!("{path}.{key} is shown but not answered"));
            let extra = real.keys().find(|key| !shown.contains_key(*key)).map(|key| format!("{path}.{key} is answered but not shown"));
            missing.or(extra).or_else(|| shown.iter().find_map(|(key, value)| difference(value, &real[key], &format!("{path}.{key}"))))
        }
        (Value::Array(shown), Value::Array(real)) if shown.len() == real.len() => {
            shown.iter().zip(real).enumerate().find_map(|(i, (shown, real))| difference(shown, real, &format!("{path}[{i}]")))
        }
        (Value::String(text), Value::String(_)) if text == "…" => None,
        (Value::Number(shown), Value::Number(real)) if shown.as_f64() == real.as_f64() => None,
        _ if shown == real => None,
        _ => Some(format!("{path} is shown as {shown}, answered as {real}")),
    }
}

#[test]
fn an_answer_has_exactly_the_keys_and_types_shown() {
    use serde_json::json;
    let shown = json!({ "id": "…", "n": 1, "list": [{ "a": true }] });
    assert_eq!(difference(&shown, &json!({ "id": "x", "n": 1, "list": [{ "a": true }] }), ""), None);
    for real in [json!({ "id": 5, "n": 1, "list": [{ "a": true }] }), json!({ "id": "x", "n": 2, "list": [{ "a": true }] }), json!({ "id": "x", "n": 1 })] {
        assert!(difference(&shown, &real, "").is_some());
    }
    assert!(difference(&json!({}), &json!({ "more": 1 }), "").is_some());
}
