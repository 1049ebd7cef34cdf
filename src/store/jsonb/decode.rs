//! Binary JSON to JSON values.

use serde_json::{Map, Number, Value};

use super::{Corrupt, MAX_DEPTH, Num, Type, View, take};

/// Reads the value the bytes hold.
///
/// # Errors
/// [`Corrupt`] if they hold none, something follows it, or it nests deeper than [`MAX_DEPTH`].
pub fn decode(bytes: &[u8]) -> Result<Value, Corrupt> {
    match take(bytes) {
        Some((view, [])) => view.to_value(),
        _ => Err(Corrupt),
    }
}

/// Reads the object the bytes hold.
///
/// # Errors
/// [`Corrupt`], also for a value that is no object.
pub fn decode_map(bytes: &[u8]) -> Result<Map<String, Value>, Corrupt> {
    match decode(bytes)? {
        Value::Object(map) => Ok(map),
        _ => Err(Corrupt),
    }
}

impl From<Num> for Value {
    fn from(number: Num) -> Self {
        match number {
            Num::Int(int) => int.into(),
            Num::Float(float) => Number::from_f64(float).map_or(Value::Null, Value::Number),
        }
    }
}

impl View<'_> {
    /// The value, on the heap.
    ///
    /// # Errors
    /// [`Corrupt`] if anything inside is damaged.
    pub fn to_value(self) -> Result<Value, Corrupt> {
        self.value(0)
    }

    fn value(self, depth: usize) -> Result<Value, Corrupt> {
        if depth > MAX_DEPTH {
            return Err(Corrupt);
        }
        Ok(match self.kind {
            Type::Null => Value::Null,
            Type::True => Value::Bool(true),
            Type::False => Value::Bool(false),
            Type::Int | Type::Int5 | Type::Float | Type::Float5 => self.as_number().ok_or(Corrupt)?.into(),
            Type::Text | Type::TextJ | Type::Text5 | Type::TextRaw => Value::String(self.as_str().ok_or(Corrupt)?.into_owned()),
            Type::Array => Value::Array(self.array(depth + 1)?),
            Type::Object => Value::Object(self.object(depth + 1)?),
        })
    }

    fn array(self, depth: usize) -> Result<Vec<Value>, Corrupt> {
        let mut items = Vec::new();
        let mut rest = self.payload;
        while !rest.is_empty() {
            let (item, after) = take(rest).ok_or(Corrupt)?;
            items.push(item.value(depth)?);
            rest = after;
        }
        Ok(items)
    }

    fn object(self, depth: usize) -> Result<Map<String, Value>, Corrupt> {
        // Counting is cheaper than growing.
        let mut map = Map::with_capacity(self.entries().count());
        let mut rest = self.payload;
        while !rest.is_empty() {
            let (key, after) = take(rest).ok_or(Corrupt)?;
            let (value, after) = take(after).ok_or(Corrupt)?;
            map.insert(key.as_str().ok_or(Corrupt)?.into_owned(), value.value(depth)?);
            rest = after;
        }
        Ok(map)
    }
}
