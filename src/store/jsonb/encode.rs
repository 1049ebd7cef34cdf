//! JSON values to binary JSON, in the smallest form: what SQLite's own `jsonb()` would write.

use std::io::Write;

use serde_json::{Map, Number, Value};

use super::Type;

/// Appends the value. Numbers are written in their one canonical form: a whole number below 2⁵³ without a fraction,
/// `-0` as `0`, an integer beyond 64 bits as a double.
pub fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(Type::Null as u8),
        Value::Bool(true) => out.push(Type::True as u8),
        Value::Bool(false) => out.push(Type::False as u8),
        Value::Number(number) => encode_number(number, out),
        Value::String(text) => encode_str(text, out),
        Value::Array(items) => container(Type::Array, out, |out| items.iter().for_each(|item| encode(item, out))),
        Value::Object(map) => encode_map(map, out),
    }
}

/// Appends an object.
pub fn encode_map(map: &Map<String, Value>, out: &mut Vec<u8>) {
    container(Type::Object, out, |out| {
        for (key, value) in map {
            encode_str(key, out);
            encode(value, out);
        }
    });
}

/// Appends a string.
pub fn encode_str(text: &str, out: &mut Vec<u8>) {
    // Without an early exit the loop is vectorised, and most strings need no escape.
    let escapes = text.bytes().fold(false, |found, c| found | (c < 0x20) | (c == b'"') | (c == b'\\'));
    header(if escapes { Type::TextRaw } else { Type::Text }, text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

fn encode_number(number: &Number, out: &mut Vec<u8>) {
    if let Some(int) = number.as_i64() {
        return encode_int(int, out);
    }
    let float = number.as_f64().unwrap_or(0.0);
    if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 {
        return encode_int(float as i64, out);
    }
    let at = out.len();
    out.push(0);
    if let Some(number) = Number::from_f64(float) {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{number}");
    }
    close(Type::Float, at, out);
}

fn encode_int(int: i64, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(int);
    header(Type::Int, text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

fn container(kind: Type, out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.push(0);
    fill(out);
    close(kind, at, out);
}

/// Gives the payload that follows the byte at `at` its header, moving it if the header needs more than that byte.
fn close(kind: Type, at: usize, out: &mut Vec<u8>) {
    let len = out.len() - at - 1;
    let (head, size) = head(kind, len);
    if size > 1 {
        out.resize(out.len() + size - 1, 0);
        out.copy_within(at + 1..at + 1 + len, at + size);
    }
    out[at..at + size].copy_from_slice(&head[..size]);
}

fn header(kind: Type, len: usize, out: &mut Vec<u8>) {
    if len <= 11 {
        return out.push((len as u8) << 4 | kind as u8);
    }
    let (head, size) = head(kind, len);
    out.extend_from_slice(&head[..size]);
}

fn head(kind: Type, len: usize) -> ([u8; 9], usize) {
    let mut head = [0; 9];
    let (code, size) = match len {
        0..=11 => (len as u8, 0),
        12..=0xff => (12, 1),
        0x100..=0xffff => (13, 2),
        0x1_0000..=0xffff_ffff => (14, 4),
        _ => (15, 8),
    };
    head[0] = code << 4 | kind as u8;
    head[1..=size].copy_from_slice(&(len as u64).to_be_bytes()[8 - size..]);
    (head, size + 1)
}
