//! Reading rows one by one from a stream of any size, in constant memory.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Map, Value};

use super::{csv_rows, json_rows, wrappers};
use crate::domain::error::{Detail, Error, Result, clip};
use crate::domain::records::query::{Format, Kinds};

/// Bytes of one line of NDJSON: room for a record of 1 MiB however it is escaped.
const MAX_LINE: usize = 8 << 20;

/// One row of a file.
#[derive(Debug)]
pub struct Row {
    /// Line of the file on which the row begins, from 1.
    pub line: u64,
    /// The record, not validated yet; or everything that is wrong with the row as text.
    pub record: Result<Map<String, Value>, Vec<Detail>>,
}

/// Hands every row of `input` to `each`, in order. An error of `each` ends the reading and is answered.
///
/// Bad rows are handed over like good ones; the caller decides what they do to the rest. An `input` that fails with
/// an [`std::io::Error`] made of an [`Error`], such as a body beyond its limit, answers that error.
///
/// # Errors
/// `common/invalid-json` for a JSON document that is none, `data/validation-error` for one without rows or for a
/// CSV header that cannot be used.
pub fn read_rows(format: Format, input: impl Read, kinds: &dyn Kinds, each: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
    let input = BufReader::with_capacity(64 << 10, input);
    let input = without_bom(input)?;
    match format {
        Format::Csv => csv_rows::read(input, kinds, each),
        Format::Ndjson => ndjson(input, each),
        Format::Json => json_rows::read(input, each),
    }
}

/// Skips the byte order mark that some programs put before UTF-8.
fn without_bom(mut input: impl BufRead) -> Result<impl BufRead> {
    let mut head = Vec::with_capacity(3);
    input.by_ref().take(3).read_to_end(&mut head).map_err(broken)?;
    if head == b"\xef\xbb\xbf" {
        head.clear();
    }
    Ok(std::io::Cursor::new(head).chain(input))
}

/// The error of an input that could not be read to its end.
pub(super) fn broken(error: std::io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => own,
        Err(other) => Error::internal(other),
    }
}

fn ndjson(mut input: impl BufRead, each: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let taken = input.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut text).map_err(broken)?;
        if taken == 0 {
            break;
        }
        if taken == MAX_LINE && text.last() != Some(&b'\n') {
            input.skip_until(b'\n').map_err(broken)?;
            let message = format!("The line is longer than {} MiB", MAX_LINE >> 20);
            each(Row { line, record: Err(vec![Detail::new("", "limit", message)]) })?;
        } else if !text.trim_ascii().is_empty() {
            let record = serde_json::from_slice(&text).map_err(|error| vec![Detail::new("", "json", format!("The line is not JSON: {error}"))]);
            each(Row { line, record: record.and_then(as_record) })?;
        }
    }
    Ok(())
}

/// A parsed row as a record: MongoDB's wrappers opened, `_id` as `id`.
pub(super) fn as_record(value: Value) -> Result<Map<String, Value>, Vec<Detail>> {
    let Value::Object(map) = value else {
        let message = format!("A row must be a JSON object, not {}", clip(&value.to_string()));
        return Err(vec![Detail::new("", "type", message)]);
    };
    let mut faults = Vec::new();
    let mut record = wrappers::open_record(map, &mut faults);
    if let Some(id) = record.shift_remove("_id")
        && !record.contains_key("id")
    {
        record.shift_insert(0, "id".to_owned(), id);
    }
    // Other stores count records; here an id is a text.
    if let Some(number) = record.get_mut("id").filter(|id| id.is_i64() || id.is_u64()) {
        *number = Value::String(number.to_string());
    }
    if faults.is_empty() { Ok(record) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use crate::domain::records::query::Undeclared;

    pub(super) fn rows(format: Format, text: &[u8]) -> Result<Vec<(u64, Result<Value, String>)>> {
        let mut out = Vec::new();
        read_rows(format, text, &Undeclared, &mut |row| {
            let shown = row.record.map(Value::Object).map_err(|faults| faults.iter().map(|d| format!("{}/{}", d.field, d.rule)).collect::<Vec<_>>().join(" "));
            out.push((row.line, shown));
            Ok(())
        })?;
        Ok(out)
    }

    #[test]
    fn ndjson_has_a_row_per_line_and_bad_lines_do_not_end_it() {
        let text = "\u{feff}{\"a\":1}\n\n  \r\n{\"a\":2}\r\n{x\n[1]\n\"x\"\n{\"a\":3}";
        let expected = [
            (1, Ok(json!({ "a": 1 }))),
            (4, Ok(json!({ "a": 2 }))),
            (5, Err("/json".into())),
            (6, Err("/type".into())),
            (7, Err("/type".into())),
            (8, Ok(json!({ "a": 3 }))),
        ];
        assert_eq!(rows(Format::Ndjson, text.as_bytes()).unwrap(), expected);
        assert_eq!(rows(Format::Ndjson, b"{\"a\":\"\xff\"}\n{}").unwrap(), [(1, Err("/json".into())), (2, Ok(json!({})))]);
        assert_eq!(rows(Format::Ndjson, b"").unwrap(), []);
    }

    #[test]
    fn a_line_beyond_all_bounds_is_skipped() {
        let text = format!("{{\"a\":\"{}\"}}\n{{}}", "x".repeat(MAX_LINE));
        assert_eq!(rows(Format::Ndjson, text.as_bytes()).unwrap(), [(1, Err("/limit".into())), (2, Ok(json!({})))]);
    }

    #[test]
    fn ids_of_other_stores_become_texts() {
        let text = b"{\"_id\":{\"$oid\":\"65f0a1b2c3d4e5f6a7b8c9d0\"},\"a\":1}\n{\"_id\":7}\n{\"id\":\"x\",\"_id\":\"y\"}";
        let ids: Vec<_> = rows(Format::Ndjson, text).unwrap().into_iter().map(|(_, row)| row.unwrap()["id"].clone()).collect();
        assert_eq!(ids, ["65f0a1b2c3d4e5f6a7b8c9d0", "7", "x"]);
    }

    #[test]
    fn an_error_of_the_input_or_of_the_caller_is_answered_as_it_is() {
        struct TooLarge;
        impl Read for TooLarge {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other(Error::new(crate::domain::error::Code::PAYLOAD_TOO_LARGE, "too large")))
            }
        }
        for (format, head) in [(Format::Csv, "name\n"), (Format::Ndjson, "{}\n"), (Format::Json, "[{},")] {
            let error = read_rows(format, head.as_bytes().chain(TooLarge), &Undeclared, &mut |_| Ok(())).unwrap_err();
            assert_eq!(error.code().status, 413, "{format:?}");
        }
        for (format, text) in [(Format::Csv, "a\n1\n"), (Format::Ndjson, "{}\n"), (Format::Json, "[{}]")] {
            let error = read_rows(format, text.as_bytes(), &Undeclared, &mut |_| Err(Error::unavailable("stop"))).unwrap_err();
            assert_eq!(error.message(), "stop", "{format:?}");
        }
    }
}
