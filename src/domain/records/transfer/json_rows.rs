//! Rows of one JSON document: an array, `{ items }`, or either inside `{ success, data }`, element by element.

use std::cell::Cell;
use std::fmt;
use std::io::{BufRead, Read};

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::import::{Row, as_record, broken};
use crate::domain::error::{Code, Error, Result};

pub(super) fn read(input: impl BufRead, each: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
    let line = Cell::new(1);
    let mut stopped = None;
    let mut found = false;
    let sink = Sink { line: &line, each, stopped: &mut stopped, found: &mut found };
    let mut document = serde_json::Deserializer::from_reader(Lines { input, line: &line });
    let end = Level { sink, depth: 0 }.deserialize(&mut document).and_then(|()| document.end());
    if let Some(error) = stopped {
        return Err(error);
    }
    match end {
        Ok(()) if found => Ok(()),
        Ok(()) => Err(without_rows()),
        Err(error) if error.is_io() => Err(broken(error.into())),
        Err(error) if error.is_data() => Err(without_rows()),
        Err(error) => Err(Error::new(Code::INVALID_JSON, format!("The file is not JSON: {error}"))),
    }
}

fn without_rows() -> Error {
    let message = "The JSON holds no rows; it must be an array of objects, {\"items\": [...]}, or either inside {\"success\": true, \"data\": ...}";
    Error::validation("body", "type", message)
}

/// Counts lines; the parser asks for single bytes, so the count is never ahead of it.
struct Lines<'l, R> {
    input: R,
    line: &'l Cell<u64>,
}

impl<R: Read> Read for Lines<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer)?;
        let breaks = buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.line.set(self.line.get() + breaks);
        Ok(read)
    }
}

struct Sink<'s> {
    line: &'s Cell<u64>,
    each: &'s mut dyn FnMut(Row) -> Result<()>,
    /// The error that ended the reading from inside.
    stopped: &'s mut Option<Error>,
    found: &'s mut bool,
}

/// The document, or what is inside its `data`.
struct Level<'s> {
    sink: Sink<'s>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        *self.sink.found = true;
        loop {
            let mut line = 0;
            let Some(value) = list.next_element_seed(Element { at: &mut line, line: self.sink.line })? else { return Ok(()) };
            if let Err(error) = (self.sink.each)(Row { line, record: as_record(value) }) {
                *self.sink.stopped = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { sink, depth } = self;
        while let Some(key) = map.next_key::<String>()? {
            let goes_in = key == "items" || (key == "data" && depth == 0);
            if goes_in && !*sink.found {
                let inner = Sink { line: sink.line, each: &mut *sink.each, stopped: &mut *sink.stopped, found: &mut *sink.found };
                map.next_value_seed(Level { sink: inner, depth: if key == "items" { 2 } else { depth + 1 } })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    // Whatever else stands there holds no rows, which is told once the document has ended.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// One row, noting the line on which it begins: its first byte has been looked at when it is asked for.
struct Element<'l> {
    at: &'l mut u64,
    line: &'l Cell<u64>,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        *self.at = self.line.get();
        serde::Deserialize::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Result<Vec<(u64, bool)>> {
        let mut out = Vec::new();
        read(text.as_bytes(), &mut |row| {
            out.push((row.line, row.record.is_ok()));
            Ok(())
        })?;
        Ok(out)
    }

    #[test]
    fn saved_list_pages_import_as_they_are() {
        for text in [
            "[{\"a\":1}]",
            "\n{\"items\":[{\"a\":1}],\"pagination\":{\"total\":1,\"items\":[1]}}",
            "{\"pagination\":{},\"items\":[{}]}",
            "{\"success\":true,\"data\":[{}]}",
            "{\"data\":{\"pagination\":{\"x\":[]},\"items\":[{}]},\"success\":true}",
        ] {
            assert_eq!(lines(text).unwrap().len(), 1, "{text}");
        }
        assert_eq!(lines("[]").unwrap(), []);
    }

    #[test]
    fn a_row_knows_the_line_on_which_it_begins() {
        assert_eq!(lines("[\n  {\"a\":\n1},\n\n  3,{}\n]\n").unwrap(), [(2, true), (5, false), (5, true)]);
    }

    #[test]
    fn a_document_without_rows_or_that_is_no_json_is_refused() {
        for text in [
            "{}",
            "3",
            "null",
            "\"x\"",
            "true",
            "1.5",
            "-1",
            "{\"success\":false,\"error\":{\"items\":[]}}",
            "{\"data\":{\"data\":[]}}",
            "{\"items\":3}",
            "{\"items\":{\"items\":{\"a\":1}}}",
        ] {
            assert_eq!(lines(text).unwrap_err().code().name, "data/validation-error", "{text}");
        }
        for text in ["", "[{}", "[{}] x", "[{},]", "{\"items\":[}", "[\"\\ud800\"]", "[1e999]", &"[".repeat(200)] {
            assert_eq!(lines(text).unwrap_err().code().name, "common/invalid-json", "{text}");
        }
    }
}
