//! Binary JSON to JSON text, without a tree in between.

use std::io::Write;

use super::project::{Branch, Fate, fate};
use super::{Corrupt, MAX_DEPTH, Projection, Type, View, take, text};

/// Appends the JSON text of the value the bytes hold, keys in stored order.
///
/// # Errors
/// [`Corrupt`]; `out` then ends in a part of the text.
pub fn write_json(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Corrupt> {
    match take(bytes) {
        Some((view, [])) => view.write(out),
        _ => Err(Corrupt),
    }
}

/// Appends what a projection leaves of an object's members, without the braces. With `leading` every member, the first
/// included, has a comma before it, so that the members can follow others.
///
/// # Errors
/// [`Corrupt`], also for a value that is no object; `out` then ends in a part of the text.
pub fn write_members(object: View<'_>, projection: &Projection, leading: bool, out: &mut Vec<u8>) -> Result<(), Corrupt> {
    if object.kind != Type::Object {
        return Err(Corrupt);
    }
    let choose = |key: &str| projection.top(key);
    if projection.is_all() { members(object, None, leading, 1, out) } else { members(object, Some(&choose), leading, 1, out) }
}

/// Appends a JSON string literal.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|c| *c < 0x20 || *c == b'"' || *c == b'\\') {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            c @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', c]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            c => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[usize::from(c >> 4)], HEX[usize::from(c & 15)]]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

impl View<'_> {
    /// Appends the JSON text, keys in stored order.
    ///
    /// # Errors
    /// [`Corrupt`]; `out` then ends in a part of the text.
    pub fn write(self, out: &mut Vec<u8>) -> Result<(), Corrupt> {
        whole(self, 0, out)
    }

    /// The JSON text.
    ///
    /// # Errors
    /// [`Corrupt`] if anything inside is damaged.
    pub fn to_json(self) -> Result<String, Corrupt> {
        let mut out = Vec::with_capacity(self.payload.len() * 5 / 4 + 2);
        self.write(&mut out)?;
        String::from_utf8(out).map_err(|_| Corrupt)
    }
}

fn whole(view: View<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), Corrupt> {
    if depth > MAX_DEPTH {
        return Err(Corrupt);
    }
    match view.kind {
        Type::Null => out.extend_from_slice(b"null"),
        Type::True => out.extend_from_slice(b"true"),
        Type::False => out.extend_from_slice(b"false"),
        Type::Int | Type::Float if text::looks_numeric(view.payload) => out.extend_from_slice(view.payload),
        Type::Int | Type::Float => return Err(Corrupt),
        Type::Int5 | Type::Float5 => number5(view, out)?,
        Type::Text | Type::TextJ | Type::Text5 | Type::TextRaw => string(view, out)?,
        Type::Array => {
            out.push(b'[');
            let mut rest = view.payload;
            while !rest.is_empty() {
                let (item, after) = take(rest).ok_or(Corrupt)?;
                whole(item, depth + 1, out)?;
                rest = after;
                if !rest.is_empty() {
                    out.push(b',');
                }
            }
            out.push(b']');
        }
        Type::Object => {
            out.push(b'{');
            members(view, None, false, depth + 1, out)?;
            out.push(b'}');
        }
    }
    Ok(())
}

fn string(view: View<'_>, out: &mut Vec<u8>) -> Result<(), Corrupt> {
    match view.kind {
        Type::Text | Type::TextJ => {
            let text = std::str::from_utf8(view.payload).map_err(|_| Corrupt)?;
            out.reserve(text.len() + 2);
            out.push(b'"');
            out.extend_from_slice(text.as_bytes());
            out.push(b'"');
        }
        _ => write_string(&view.as_str().ok_or(Corrupt)?, out),
    }
    Ok(())
}

/// The numbers that JSON5 allows and JSON does not, in the form SQLite gives them.
fn number5(view: View<'_>, out: &mut Vec<u8>) -> Result<(), Corrupt> {
    if view.kind == Type::Int5 {
        // Writing to a Vec cannot fail.
        let _ = match text::hexadecimal(view.payload).ok_or(Corrupt)? {
            Some((negative, n)) => write!(out, "{}{n}", if negative { "-" } else { "" }),
            None => write!(out, "{}9.0e999", if view.payload[0] == b'-' { "-" } else { "" }),
        };
        return Ok(());
    }
    if !text::looks_numeric(view.payload) {
        return Err(Corrupt);
    }
    let digits = view.payload.strip_prefix(b"-").inspect(|_| out.push(b'-')).unwrap_or(view.payload);
    if digits.first() == Some(&b'.') {
        out.push(b'0');
    }
    for (at, c) in digits.iter().enumerate() {
        out.push(*c);
        if *c == b'.' && !digits.get(at + 1).is_some_and(u8::is_ascii_digit) {
            out.push(b'0');
        }
    }
    Ok(())
}

type Choose<'a> = &'a dyn Fn(&str) -> Fate<'a>;

fn members(object: View<'_>, choose: Option<Choose<'_>>, mut comma: bool, depth: usize, out: &mut Vec<u8>) -> Result<(), Corrupt> {
    let mut rest = object.payload;
    while !rest.is_empty() {
        let (key, after) = take(rest).ok_or(Corrupt)?;
        let (value, after) = take(after).ok_or(Corrupt)?;
        rest = after;
        let fate = match choose {
            None => Fate::Whole,
            Some(choose) => choose(&key.as_str().ok_or(Corrupt)?),
        };
        let start = out.len();
        if comma {
            out.push(b',');
        }
        string(key, out)?;
        out.push(b':');
        let written = match fate {
            Fate::Skip => false,
            Fate::Whole => whole(value, depth, out).map(|()| true)?,
            Fate::Parts { keep, drop } => parts(value, keep, drop, depth, out)?,
        };
        if written {
            comma = true;
        } else {
            out.truncate(start);
        }
    }
    Ok(())
}

/// Writes what the branches leave of a value; false if that is nothing.
fn parts(value: View<'_>, keep: Option<&Branch>, drop: Option<&Branch>, depth: usize, out: &mut Vec<u8>) -> Result<bool, Corrupt> {
    if depth > MAX_DEPTH {
        return Err(Corrupt);
    }
    match value.kind {
        Type::Object => {
            out.push(b'{');
            members(value, Some(&|key| fate(keep, drop, key)), false, depth + 1, out)?;
            out.push(b'}');
        }
        Type::Array => {
            out.push(b'[');
            let mut comma = false;
            for item in value.elements() {
                let start = out.len();
                if comma {
                    out.push(b',');
                }
                if parts(item, keep, drop, depth + 1, out)? {
                    comma = true;
                } else {
                    out.truncate(start);
                }
            }
            out.push(b']');
        }
        // A path into a scalar names nothing.
        _ if keep.is_some() => return Ok(false),
        _ => whole(value, depth, out)?,
    }
    Ok(true)
}
