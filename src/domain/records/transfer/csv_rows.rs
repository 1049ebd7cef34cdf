//! Rows of CSV (RFC 4180): UTF-8 with a header; cells are read as their declared type.

use std::collections::BTreeSet;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::import::{Row, broken};
use super::wrappers;
use crate::domain::error::{Detail, Error, Result, clip};
use crate::domain::records::query::{Kinds, number, read_text};
use crate::store::query::ast::{Kind, Path};

/// Levels a dotted header may nest, as deep as a record may be (`02-data.md` §12).
const MAX_NESTING: usize = 64;

/// One column; without a path when the header leaves it unnamed.
struct Column {
    path: Option<Path>,
    reads: Reads,
}

/// How the cells of a column are read.
#[derive(Clone, Copy)]
enum Reads {
    Text,
    Scalar(Kind),
    /// Declared object or array: JSON.
    Container,
    /// Declared without a type: JSON where it is some, else text.
    Anything,
}

pub(super) fn read(input: impl Read, kinds: &dyn Kinds, each: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(Lines { input, kept: Vec::new(), base: 0, line: 1 });
    let mut cells = ByteRecord::new();
    if !reader.read_byte_record(&mut cells).map_err(unreadable)? {
        return Ok(());
    }
    let columns = header(&cells, kinds)?;
    while reader.read_byte_record(&mut cells).map_err(unreadable)? {
        let line = reader.get_mut().line_at(cells.position().map_or(0, csv::Position::byte));
        each(Row { line, record: record(&columns, &cells) })?;
    }
    Ok(())
}

/// Knows the line of a byte: the parser's own count leaves out the line ends it has not come to yet.
struct Lines<R> {
    input: R,
    /// What was read from the byte `base` on, where the line `line` goes on.
    kept: Vec<u8>,
    base: u64,
    line: u64,
}

impl<R> Lines<R> {
    /// The line of the first character from `byte` on that does not end a line. Bytes must not fall.
    fn line_at(&mut self, byte: u64) -> u64 {
        let ends = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count() as u64;
        let passed = usize::try_from(byte.saturating_sub(self.base)).map_or(self.kept.len(), |n| n.min(self.kept.len()));
        self.line += ends(&self.kept[..passed]);
        self.kept.drain(..passed);
        self.base += passed as u64;
        let blank = self.kept.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        self.line + ends(&self.kept[..blank])
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.kept.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

fn unreadable(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => broken(error),
        other => Error::validation("body", "csv", format!("The CSV cannot be read: {other:?}")),
    }
}

fn header(cells: &ByteRecord, kinds: &dyn Kinds) -> Result<Vec<Column>> {
    let mut columns = Vec::with_capacity(cells.len());
    let mut seen = BTreeSet::new();
    let refuse = |name: &str, rule: &str, message: String| Err(Error::validation(clip(name), rule, message));
    for cell in cells {
        let Ok(name) = std::str::from_utf8(cell) else {
            return refuse("header", "characters", "The header of the CSV is not UTF-8; save the file as UTF-8".to_owned());
        };
        let name = name.trim();
        if name.is_empty() {
            columns.push(Column { path: None, reads: Reads::Text });
            continue;
        }
        let steps: Vec<String> = if name == "_id" { vec!["id".to_owned()] } else { name.split('.').map(str::to_owned).collect() };
        if steps.iter().any(String::is_empty) || steps.len() > MAX_NESTING {
            return refuse(name, "path", format!("The column \"{}\" is not a field name or a dotted path", clip(name)));
        }
        let clash = seen.iter().find(|other: &&Vec<String>| other.starts_with(&steps) || steps.starts_with(other));
        if let Some(other) = clash {
            return refuse(name, "conflict", format!("The columns {} and {} set the same field", clip(&other.join(".")), clip(name)));
        }
        seen.insert(steps.clone());
        let path = Path(steps);
        columns.push(Column { reads: reads(kinds, &path), path: Some(path) });
    }
    Ok(columns)
}

fn reads(kinds: &dyn Kinds, path: &Path) -> Reads {
    match path.to_string().as_str() {
        "id" | "createdBy" => return Reads::Text,
        "createdAt" | "updatedAt" => return Reads::Scalar(Kind::Date),
        _ => {}
    }
    match kinds.kind_at(path) {
        _ if kinds.is_container(path) => Reads::Container,
        None | Some(Kind::String) => Reads::Text,
        Some(Kind::Any) => Reads::Anything,
        Some(kind) => Reads::Scalar(kind),
    }
}

fn record(columns: &[Column], cells: &ByteRecord) -> Result<Map<String, Value>, Vec<Detail>> {
    let mut faults = Vec::new();
    let mut out = Map::new();
    if cells.len() != columns.len() {
        let message = format!("The row has {} cells and the header {}; check its quotes and commas", cells.len(), columns.len());
        return Err(vec![Detail::new("", "columns", message)]);
    }
    for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        let Some(path) = &column.path else {
            faults.push(Detail::new("", "columns", "A cell has content but its column has no name in the header"));
            continue;
        };
        let field = path.to_string();
        let Ok(text) = std::str::from_utf8(cell) else {
            faults.push(Detail::new(&field, "characters", format!("{field} is not UTF-8; save the file as UTF-8")));
            continue;
        };
        if let Some(value) = read_cell(column.reads, &field, text, &mut faults) {
            place(&mut out, &path.0, value);
        }
    }
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

/// `None`: the cell cannot be read, and `faults` says why.
fn read_cell(reads: Reads, field: &str, text: &str, faults: &mut Vec<Detail>) -> Option<Value> {
    let trimmed = text.trim();
    let read = match reads {
        Reads::Text => Some(Value::from(text)),
        Reads::Container | Reads::Anything => match serde_json::from_str(trimmed) {
            Ok(value) => Some(wrappers::open(value, field, faults)),
            Err(_) => matches!(reads, Reads::Anything).then(|| Value::from(text)),
        },
        Reads::Scalar(Kind::Bool) => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        Reads::Scalar(kind) => read_text(kind, trimmed),
    };
    if read.is_none() {
        let (rule, wanted) = wanted(reads, trimmed);
        faults.push(Detail::new(field, rule, format!("{field} must be {wanted}, not \"{}\"", clip(text))));
    }
    read
}

/// The rule an unreadable cell breaks, and what it should hold.
fn wanted(reads: Reads, text: &str) -> (&'static str, &'static str) {
    match reads {
        Reads::Text | Reads::Container | Reads::Anything => ("type", "an object or array written as JSON"),
        Reads::Scalar(Kind::Bool) => ("type", "true or false"),
        Reads::Scalar(Kind::Date) => ("date", "a date such as 2026-01-15 or 2026-01-15T10:30:00Z"),
        Reads::Scalar(Kind::Int) if number(text).and_then(|n| n.as_f64()).is_some_and(|n| n.fract() == 0.0) => ("range", "a whole number of at most 64 bits"),
        Reads::Scalar(Kind::Int) => ("type", "a whole number"),
        Reads::Scalar(_) => ("type", "a number"),
    }
}

/// Sets a value inside nested objects. The header has no column inside another, so what stands on the way is an object.
fn place(record: &mut Map<String, Value>, steps: &[String], value: Value) {
    match steps {
        [] => {}
        [last] => {
            record.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let inner = record.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(map) = inner {
                place(map, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Plants;

    impl Kinds for Plants {
        fn kind_at(&self, path: &Path) -> Option<Kind> {
            Some(match path.to_string().as_str() {
                "name" | "tags" | "care.water" => Kind::String,
                "height" => Kind::Int,
                "price" => Kind::Double,
                "potted" => Kind::Bool,
                "bought" => Kind::Date,
                "care" | "note" => Kind::Any,
                _ => return None,
            })
        }

        fn is_container(&self, path: &Path) -> bool {
            matches!(path.root(), "tags" | "care") && path.is_top_level()
        }
    }

    fn rows(text: impl AsRef<[u8]>) -> Result<Vec<(u64, Result<Value, String>)>> {
        let mut out = Vec::new();
        read(text.as_ref(), &Plants, &mut |row| {
            let shown = row.record.map(Value::Object).map_err(|faults| faults.iter().map(|d| format!("{}/{}", d.field, d.rule)).collect::<Vec<_>>().join(" "));
            out.push((row.line, shown));
            Ok(())
        })?;
        Ok(out)
    }

    fn one(text: &str) -> Result<Value, String> {
        rows(text).unwrap().remove(0).1
    }

    #[test]
    fn declared_types_are_read_from_text_and_undeclared_cells_are_strings() {
        let text = "name,height,price,potted,bought,tags,care,note,hue,createdAt\n5,12.0,1e2,TRUE,2026-03-01,\"[\"\"wet\"\"]\",\"{\"\"water\"\":\"\"low\"\"}\",7,8,2026-01-01\n";
        let expected = json!({
            "name": "5", "height": 12, "price": 100.0, "potted": true, "bought": "2026-03-01T00:00:00.000Z", "tags": ["wet"], "care": { "water": "low" }, "note": 7, "hue": "8",
            "createdAt": "2026-01-01T00:00:00.000Z"
        });
        assert_eq!(one(text), Ok(expected));
        assert_eq!(one("note\nfree text\n"), Ok(json!({ "note": "free text" })));
    }

    #[test]
    fn every_unreadable_cell_of_a_row_is_told() {
        let text = "name,height,price,potted,bought,tags\nx,tall,cheap,maybe,03/01/2026,\"wet,shade\"\n";
        assert_eq!(one(text), Err("height/type price/type potted/type bought/date tags/type".into()));
        assert_eq!(one("height\n1e30\n"), Err("height/range".into()));
    }

    #[test]
    fn an_empty_cell_is_missing_and_dotted_headers_nest() {
        assert_eq!(one("name,height,care.water,care.a.b\nx,,low,1\n"), Ok(json!({ "name": "x", "care": { "water": "low", "a": { "b": "1" } } })));
        assert_eq!(one("_id,name\nabc,x\n"), Ok(json!({ "id": "abc", "name": "x" })));
        assert_eq!(one("name,care.water\nx,\n"), Ok(json!({ "name": "x" })));
    }

    #[test]
    fn quotes_line_breaks_and_both_line_ends_are_understood() {
        let text = "name,hue\r\n\"a, \"\"b\"\"\nc\",x\r\n\r\nd,y";
        assert_eq!(rows(text).unwrap(), [(2, Ok(json!({ "name": "a, \"b\"\nc", "hue": "x" }))), (5, Ok(json!({ "name": "d", "hue": "y" })))]);
        assert_eq!(rows("").unwrap(), []);
        assert_eq!(rows("name\n").unwrap(), []);
    }

    #[test]
    fn ragged_rows_and_bytes_that_are_no_text_do_not_end_the_file() {
        let text = b"name,\nx,\n\xff,\ny\nz,1,2\nw,q\n".as_slice();
        let shown: Vec<_> = rows(text).unwrap().into_iter().map(|(line, row)| (line, row.err())).collect();
        let expected =
            [(2, None), (3, Some("name/characters".into())), (4, Some("/columns".into())), (5, Some("/columns".into())), (6, Some("/columns".into()))];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_header_that_cannot_be_used_ends_the_import() {
        for (text, rule) in
            [("a,a\n", "conflict"), ("a,a.b\n", "conflict"), ("a.b,a\n", "conflict"), ("id,_id\n", "conflict"), ("a..b\n", "path"), (".\n", "path")]
        {
            assert_eq!(rows(text).unwrap_err().detail_list()[0].rule, rule, "{text}");
        }
        assert_eq!(rows(b"\xff\n").unwrap_err().detail_list()[0].rule, "characters");
    }
}
