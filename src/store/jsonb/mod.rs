//! SQLite's binary JSON (<https://sqlite.org/jsonb.html>): reading it in place, writing it, turning it into JSON text.
//!
//! An element is a header and a payload. The low four bits of the header's first byte are the type, the high four the
//! payload's length, or how many bytes (big-endian) that follow hold it. Numbers are text, strings keep the form they
//! had in the source, so most of a document goes to JSON text by copying.

mod decode;
mod encode;
mod project;
mod text;
mod write;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use decode::{decode, decode_map};
pub use encode::{encode, encode_map, encode_str};
pub use project::Projection;
pub use write::{write_json, write_members, write_string};

/// The bytes are not the binary JSON they should be: the database file was damaged or edited by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored document is damaged")]
pub struct Corrupt;

/// How deep elements may nest: what SQLite itself accepts.
pub const MAX_DEPTH: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Null,
    True,
    False,
    /// Decimal.
    Int,
    /// Hexadecimal.
    Int5,
    Float,
    /// Without digits on one side of the point.
    Float5,
    /// No escapes, and none needed.
    Text,
    /// With JSON escapes.
    TextJ,
    /// With JSON5 escapes.
    Text5,
    /// No escapes, though some may be needed.
    TextRaw,
    Array,
    Object,
}

impl Type {
    const ALL: [Self; 13] = [
        Self::Null,
        Self::True,
        Self::False,
        Self::Int,
        Self::Int5,
        Self::Float,
        Self::Float5,
        Self::Text,
        Self::TextJ,
        Self::Text5,
        Self::TextRaw,
        Self::Array,
        Self::Object,
    ];
}

/// What a [`View`] is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

/// A number as stored; whole numbers beyond 64 bits are doubles.
#[derive(Debug, Clone, Copy)]
pub enum Num {
    Int(i64),
    /// Finite.
    Float(f64),
}

/// One element, read in place. Copying it copies two words.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    kind: Type,
    payload: &'a [u8],
}

/// Splits the first element off.
fn take(bytes: &[u8]) -> Option<(View<'_>, &[u8])> {
    let first = *bytes.first()?;
    let (head, len) = match first >> 4 {
        n @ 0..=11 => (1, usize::from(n)),
        12 => (2, usize::from(*bytes.get(1)?)),
        13 => (3, usize::from(u16::from_be_bytes(*bytes.get(1..)?.first_chunk()?))),
        14 => (5, usize::try_from(u32::from_be_bytes(*bytes.get(1..)?.first_chunk()?)).ok()?),
        _ => (9, usize::try_from(u64::from_be_bytes(*bytes.get(1..)?.first_chunk()?)).ok()?),
    };
    let kind = *Type::ALL.get(usize::from(first & 0x0f))?;
    let (payload, rest) = bytes.get(head..)?.split_at_checked(len)?;
    Some((View { kind, payload }, rest))
}

impl<'a> View<'a> {
    /// The element the bytes hold. Only its header is checked here; damage further inside reads as missing.
    ///
    /// # Errors
    /// [`Corrupt`] if the header makes no sense or the payload is cut off.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        take(bytes).map(|(view, _)| view).ok_or(Corrupt)
    }

    /// The document without fields.
    pub fn empty_object() -> View<'static> {
        View { kind: Type::Object, payload: &[] }
    }

    pub fn kind(self) -> Kind {
        match self.kind {
            Type::Null => Kind::Null,
            Type::True | Type::False => Kind::Bool,
            Type::Int | Type::Int5 | Type::Float | Type::Float5 => Kind::Number,
            Type::Text | Type::TextJ | Type::Text5 | Type::TextRaw => Kind::String,
            Type::Array => Kind::Array,
            Type::Object => Kind::Object,
        }
    }

    pub fn is_null(self) -> bool {
        self.kind == Type::Null
    }

    pub fn as_bool(self) -> Option<bool> {
        match self.kind {
            Type::True => Some(true),
            Type::False => Some(false),
            _ => None,
        }
    }

    pub fn as_number(self) -> Option<Num> {
        text::number(self.kind, self.payload)
    }

    /// The string, borrowed unless it holds escapes.
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        match self.kind {
            Type::Text | Type::TextRaw => std::str::from_utf8(self.payload).ok().map(Cow::Borrowed),
            Type::TextJ | Type::Text5 => text::unescape(self.payload).map(Cow::Owned),
            _ => None,
        }
    }

    /// The value of a key of an object: the first, should the key repeat, as SQLite's `->>` does.
    pub fn get(self, key: &str) -> Option<Self> {
        if self.kind != Type::Object {
            return None;
        }
        let mut rest = self.payload;
        while !rest.is_empty() {
            let (name, after) = take(rest)?;
            let (value, after) = take(after)?;
            if name.is_key(key) {
                return Some(value);
            }
            rest = after;
        }
        None
    }

    fn is_key(self, key: &str) -> bool {
        match self.kind {
            Type::Text | Type::TextRaw => self.payload == key.as_bytes(),
            _ => self.as_str().is_some_and(|text| text == key),
        }
    }

    /// The element at a position of an array.
    pub fn index(self, position: usize) -> Option<Self> {
        self.elements().nth(position)
    }

    /// The elements of an array; nothing for anything else.
    pub fn elements(self) -> Elements<'a> {
        Elements { rest: if self.kind == Type::Array { self.payload } else { &[] } }
    }

    /// Keys and values of an object, as stored; nothing for anything else.
    pub fn entries(self) -> Entries<'a> {
        Entries { rest: if self.kind == Type::Object { self.payload } else { &[] } }
    }

    /// How many elements an array has.
    pub fn len(self) -> usize {
        self.elements().count()
    }

    pub fn is_empty(self) -> bool {
        self.payload.is_empty()
    }
}

/// See [`View::elements`].
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = View<'a>;

    fn next(&mut self) -> Option<View<'a>> {
        let (view, rest) = take(self.rest)?;
        self.rest = rest;
        Some(view)
    }
}

/// See [`View::entries`].
pub struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Cow<'a, str>, View<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = take(self.rest)?;
        let (value, rest) = take(rest)?;
        self.rest = rest;
        Some((name.as_str()?, value))
    }
}
