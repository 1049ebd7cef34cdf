//! What the logs must not keep (`06-console.md` B3): credentials in headers, queries, bodies and paths.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::bytes::Regex;
use serde_json::Value;

use crate::domain::error::Code;

/// What stands in place of a secret.
pub const MASK: &str = "•••";

/// A path with every segment masked that looks like a key, a token or a signature.
pub fn path(path: &str) -> Cow<'_, str> {
    if path.split('/').any(is_secret) {
        let masked: Vec<&str> = path.split('/').map(|s| if is_secret(s) { MASK } else { s }).collect();
        Cow::Owned(masked.join("/"))
    } else {
        Cow::Borrowed(path)
    }
}

/// Keys and tokens of this server, JSON web tokens, long hexadecimal or base64 runs. Ids are shorter.
fn is_secret(segment: &str) -> bool {
    if segment.len() < 32 {
        return false;
    }
    let bytes = segment.as_bytes();
    let known = ["pk_", "sk_", "pat_", "op_", "whsec_", "eyJ"].iter().any(|prefix| segment.starts_with(prefix));
    let hex = bytes.len() >= 40 && bytes.iter().all(u8::is_ascii_hexdigit);
    let kinds: [fn(&u8) -> bool; 3] = [u8::is_ascii_uppercase, u8::is_ascii_lowercase, u8::is_ascii_digit];
    // Random text has plenty of each kind; names rarely do.
    let base64 = bytes.len() >= 40
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'='))
        && kinds.iter().all(|kind| bytes.iter().filter(|b| kind(b)).count() >= 4);
    known || hex || base64
}

/// Whether values under this name are secret: a name with a word like `password`, `token`, `secret`, `code` or `otp`.
pub fn is_secret_name(name: &str) -> bool {
    if ["apikey", "api_key", "x-api-key", "x-bkend-signature", "authorization", "cookie", "set-cookie"].iter().any(|n| name.eq_ignore_ascii_case(n)) {
        return true;
    }
    if matches!(name, "statusCode" | "errorCode" | "code_challenge_method") {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    ["password", "passwd", "token", "secret"].iter().any(|part| lower.contains(part))
        || words(name).any(|w| matches!(&*w, "code" | "codes" | "otp" | "otpauth" | "totp"))
}

/// `mfaCode`, `mfa_code`, `mfa-code` and `filter[mfa]` as words.
fn words(name: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = name;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        if rest.is_empty() {
            return None;
        }
        let mut before_lower = false;
        let end = rest.char_indices().find(|(_, c)| {
            let starts_next = !c.is_alphanumeric() || (before_lower && c.is_uppercase());
            before_lower = c.is_lowercase() || c.is_ascii_digit();
            starts_next
        });
        let (word, next) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        rest = next;
        Some(word.to_lowercase())
    })
}

/// A query string (without `?`) with the values of secret parameters masked; JSON in values is looked into.
pub fn query(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let pairs = text.split('&').map(|pair| {
        let Some((name, value)) = pair.split_once('=') else { return Cow::Borrowed(pair) };
        let decoded = |part: &str| percent_encoding::percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
        if is_secret_name(&decoded(name)) {
            return Cow::Owned(format!("{name}={MASK}"));
        }
        let plain = decoded(value);
        if is_secret(&plain) {
            return Cow::Owned(format!("{name}={MASK}"));
        }
        if !plain.trim_start().starts_with(['{', '[']) {
            return Cow::Borrowed(pair);
        }
        let Ok(mut json) = serde_json::from_str::<Value>(&plain) else { return Cow::Borrowed(pair) };
        if body(&mut json) { Cow::Owned(format!("{name}={}", percent_encode(&json.to_string()))) } else { Cow::Borrowed(pair) }
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// An address with the secret parameters of its query and fragment masked.
pub fn address(text: &str) -> String {
    let (rest, fragment) = text.split_once('#').map_or((text, None), |(rest, fragment)| (rest, Some(fragment)));
    let (page, own) = rest.split_once('?').map_or((rest, None), |(page, own)| (page, Some(own)));
    let own = own.map(|own| format!("?{}", query(own))).unwrap_or_default();
    let fragment = fragment.map(|fragment| format!("#{}", query(fragment))).unwrap_or_default();
    format!("{page}{own}{fragment}")
}

fn percent_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Masks secret members of a JSON value, at any depth; answers whether there were any.
pub fn body(value: &mut Value) -> bool {
    let mut found = false;
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| found |= body(item)),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if is_secret_name(name) && !is_harmless(member) {
                    *member = Value::from(MASK);
                    found = true;
                } else {
                    found |= body(member);
                }
            }
        }
        Value::String(text) if text.contains("://") && text.contains(['?', '#']) => {
            let masked = address(text);
            found = masked != *text;
            *text = masked;
        }
        _ => {}
    }
    found
}

/// Switches, absent values and the server's own error codes tell nothing.
fn is_harmless(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) => text.contains('/') && Code::ALL.iter().any(|code| code.name == text),
        _ => false,
    }
}

/// Text in which no name can be secret; most bodies, which then need not be parsed.
static MAYBE_SECRET: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i-u)passw|token|secret|code|otp|key|cookie|signature|authorization|\\u").expect("the pattern is sound"));

/// JSON text of at most some KiB, masked. Text cut off in the middle is masked as far as names can be told from values.
pub fn body_text(bytes: &[u8], whole: bool) -> String {
    if !MAYBE_SECRET.is_match(bytes) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    if whole && let Ok(mut value) = serde_json::from_slice::<Value>(bytes) {
        body(&mut value);
        return value.to_string();
    }
    mask_pairs(&String::from_utf8_lossy(bytes))
}

/// Masks `"name": value` pairs in JSON text that does not parse, being cut off or damaged.
fn mask_pairs(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, name, after)) = next_name(rest) {
        out.push_str(before);
        rest = after;
        if is_secret_name(name) {
            let (skipped, next) = skip_value(after);
            out.push_str(&skipped);
            rest = next;
        }
    }
    out.push_str(rest);
    out
}

/// Text up to and with the next `"name":`, the name, and what follows.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('"').map(|i| from + i) {
        let close = end_of_string(text, open)?;
        let after = text[close..].trim_start();
        if let Some(value) = after.strip_prefix(':') {
            let at = text.len() - value.len();
            return Some((&text[..at], &text[open + 1..close - 1], value));
        }
        from = close;
    }
    None
}

/// The byte after the closing quote of the string that opens at `open`.
fn end_of_string(text: &str, open: usize) -> Option<usize> {
    let mut escaped = false;
    text.as_bytes().iter().enumerate().skip(open + 1).find_map(|(at, b)| {
        let ends = *b == b'"' && !escaped;
        escaped = *b == b'\\' && !escaped;
        ends.then_some(at + 1)
    })
}

fn skip_value(text: &str) -> (String, &str) {
    let value = text.trim_start();
    let end = match value.as_bytes().first() {
        Some(b'"') => end_of_string(value, 0).unwrap_or(value.len()),
        // What is nested cannot be told apart reliably once it is damaged: nothing after it is kept.
        Some(b'{' | b'[') => value.len(),
        _ => value.find([',', '}', ']', '\n']).unwrap_or(value.len()),
    };
    (format!("\"{MASK}\""), &value[end..])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_masked_in_query_and_fragment() {
        for (text, masked) in [
            ("http://localhost/cb?x=1&code=ab#accessToken=cd&y=2", "http://localhost/cb?x=1&code=•••#accessToken=•••&y=2"),
            ("http://localhost/cb", "http://localhost/cb"),
            ("myapp://cb#top", "myapp://cb#top"),
        ] {
            assert_eq!(address(text), masked);
        }
        let mut value = serde_json::json!({ "redirectTo": "http://localhost/?code=ab", "note": "what? #1" });
        assert!(body(&mut value));
        assert_eq!(value, serde_json::json!({ "redirectTo": "http://localhost/?code=•••", "note": "what? #1" }));
    }

    #[test]
    fn names_like_password_token_secret_code_and_otp_are_secret() {
        for name in
            ["password", "newPassword", "accessToken", "refresh_token", "clientSecret", "code", "mfaCode", "backup_codes", "otp", "apiKey", "X-Bkend-Signature"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["title", "statusCode", "barcode", "hotPrice", "decoded", "encode", "optional"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn bodies_keep_everything_but_secrets() {
        let mut value = json!({ "email": "a@b.c", "password": "p", "nested": [{ "otp": 123, "emailOtp": true }], "error": { "code": "data/not-found" } });
        assert!(body(&mut value));
        assert_eq!(value, json!({ "email": "a@b.c", "password": MASK, "nested": [{ "otp": MASK, "emailOtp": true }], "error": { "code": "data/not-found" } }));
    }

    #[test]
    fn escaped_names_are_found_too() {
        assert_eq!(body_text(br#"{"\u0070assword":"x"}"#, true), r#"{"password":"•••"}"#);
        assert_eq!(body_text(br#"{ "title": "x" }"#, true), r#"{ "title": "x" }"#);
    }

    #[test]
    fn a_body_cut_off_is_masked_too() {
        let cut = r#"{"a":"x \"password\": y","password" : "hun\"ter2","tokens":["abc","def"],"b":1"#;
        let masked = body_text(cut.as_bytes(), false);
        assert_eq!(masked, r#"{"a":"x \"password\": y","password" :"•••","tokens":"•••""#);
        assert_eq!(body_text(br#"{"code":123,"x":1"#, false), r#"{"code":"•••","x":1"#);
        assert_eq!(body_text(br#"{"secret":"abc"#, false), r#"{"secret":"•••""#);
    }

    #[test]
    fn queries_are_masked_by_name_and_inside_json() {
        assert_eq!(query("apiKey=pk_1&limit=2&accessToken=x"), "apiKey=•••&limit=2&accessToken=•••");
        assert_eq!(query("filter[password][$eq]=x&flag"), "filter[password][$eq]=•••&flag");
        assert!(!query("andFilters=%7B%22token%22%3A%22abc%22%7D").contains("abc"));
        assert_eq!(query("andFilters=%7B%22a%22%3A1%7D"), "andFilters=%7B%22a%22%3A1%7D");
    }

    #[test]
    fn ids_in_paths_stay_and_secrets_go() {
        for kept in [
            "/v1/data/posts/665f00112233445566778899",
            "/v1/data/p/data_7c1e8d5e-1f4c-4d0e-9a51-0123456789ab",
            "/v1/data/a-long-table-name-with-many-words-in-it-2",
        ] {
            assert_eq!(path(kept), kept);
        }
        let secret = format!("/v1/auth/x/{}", "Ab3_".repeat(11));
        assert_eq!(path(&secret), "/v1/auth/x/•••");
    }
}
