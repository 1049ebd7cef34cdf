//! Writing records as CSV, NDJSON or one JSON array, row by row.

use std::io::{self, Write};

use csv::{Terminator, Writer, WriterBuilder};
use serde_json::{Map, Value};

use crate::domain::records::query::{Format, Pick, SYSTEM_FIELDS, Select, is_system};

/// Writes the rows of one export. Values are written as they are: a cell that a spreadsheet would take for a formula
/// is not altered, lest an import of the file change it.
pub struct Exporter<W: Write> {
    columns: Vec<String>,
    target: Target<W>,
}

enum Target<W: Write> {
    Csv(Box<Writer<W>>),
    Ndjson(W),
    Json { out: W, first: bool },
}

/// The columns of a CSV export: `id`, declared fields, undeclared ones that were found, the other system fields;
/// of these what is selected.
pub fn csv_columns<'a>(declared: impl IntoIterator<Item = &'a str>, found: impl IntoIterator<Item = &'a str>, select: &Select) -> Vec<String> {
    let mut columns = vec![SYSTEM_FIELDS[0].to_owned()];
    for name in declared.into_iter().chain(found) {
        if !is_system(name) && select.pick(name) != Pick::Nothing && !columns.iter().any(|column| column == name) {
            columns.push(name.to_owned());
        }
    }
    columns.extend(SYSTEM_FIELDS[1..].iter().map(|name| (*name).to_owned()));
    columns
}

impl<W: Write> Exporter<W> {
    /// Begins the file. `columns` matter to CSV only: [`csv_columns`].
    ///
    /// # Errors
    /// Those of `out`, as in every function here.
    pub fn new(format: Format, columns: Vec<String>, mut out: W) -> io::Result<Self> {
        let target = match format {
            Format::Csv => {
                let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
                writer.write_record(&columns).map_err(io::Error::from)?;
                Target::Csv(Box::new(writer))
            }
            Format::Ndjson => Target::Ndjson(out),
            Format::Json => {
                out.write_all(b"[")?;
                Target::Json { out, first: true }
            }
        };
        Ok(Self { columns, target })
    }

    /// Adds a record given as JSON text.
    ///
    /// # Errors
    /// Also when the text is not a JSON object.
    pub fn row(&mut self, json: &str) -> io::Result<()> {
        match &mut self.target {
            Target::Csv(writer) => csv_row(writer, &self.columns, &serde_json::from_str(json)?),
            Target::Ndjson(out) if json.contains(['\n', '\r']) => {
                serde_json::to_writer(&mut *out, &serde_json::from_str::<Value>(json)?)?;
                out.write_all(b"\n")
            }
            Target::Ndjson(out) => {
                out.write_all(json.as_bytes())?;
                out.write_all(b"\n")
            }
            Target::Json { out, first } => {
                out.write_all(if std::mem::take(first) { b"\n" } else { b",\n" })?;
                out.write_all(json.as_bytes())
            }
        }
    }

    /// Ends the file and gives back what it was written to.
    pub fn finish(self) -> io::Result<W> {
        match self.target {
            Target::Csv(writer) => writer.into_inner().map_err(|error| error.into_error()),
            Target::Ndjson(mut out) => {
                out.flush()?;
                Ok(out)
            }
            Target::Json { mut out, first } => {
                out.write_all(if first { b"]\n" } else { b"\n]\n" })?;
                out.flush()?;
                Ok(out)
            }
        }
    }
}

fn csv_row<W: Write>(writer: &mut Writer<W>, columns: &[String], record: &Map<String, Value>) -> io::Result<()> {
    for column in columns {
        let written = match record.get(column) {
            None | Some(Value::Null) => writer.write_field(""),
            Some(Value::String(text)) => writer.write_field(text),
            Some(other) => writer.write_field(other.to_string()),
        };
        written.map_err(io::Error::from)?;
    }
    writer.write_record(None::<&[u8]>).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::records::query::{Undeclared, read_text};
    use crate::domain::records::transfer::read_rows;
    use crate::store::query::ast::{Kind, Path};

    const ROWS: [&str; 2] = [
        r#"{"id":"1","name":"a, \"b\"\nc","tags":["wet"],"price":null,"hue":"=1+1","createdBy":"","createdAt":"x","updatedAt":"y"}"#,
        r#"{"id":"2","price":5,"care":{"water":"low"},"potted":true,"createdBy":"u","createdAt":"x","updatedAt":"y"}"#,
    ];

    fn export(format: Format, columns: Vec<String>, rows: &[&str]) -> String {
        let mut exporter = Exporter::new(format, columns, Vec::new()).unwrap();
        rows.iter().for_each(|row| exporter.row(row).unwrap());
        String::from_utf8(exporter.finish().unwrap()).unwrap()
    }

    #[test]
    fn csv_columns_are_id_declared_undeclared_found_and_system() {
        let columns = csv_columns(["name", "price", "tags"], ["hue", "price", "care", "id"], &Select::All);
        assert_eq!(columns, ["id", "name", "price", "tags", "hue", "care", "createdBy", "createdAt", "updatedAt"]);
        let only = csv_columns(["name", "price"], ["hue"], &Select::Only(vec![Path::field("hue")]));
        assert_eq!(only, ["id", "hue", "createdBy", "createdAt", "updatedAt"]);
    }

    #[test]
    fn csv_holds_objects_and_arrays_as_json_and_alters_no_value() {
        let columns = csv_columns(["name", "price", "tags", "care", "potted"], ["hue"], &Select::All);
        let expected = "id,name,price,tags,care,potted,hue,createdBy,createdAt,updatedAt\r\n\
            1,\"a, \"\"b\"\"\nc\",,\"[\"\"wet\"\"]\",,,=1+1,,x,y\r\n\
            2,,5,,\"{\"\"water\"\":\"\"low\"\"}\",true,,u,x,y\r\n";
        assert_eq!(export(Format::Csv, columns, &ROWS), expected);
    }

    #[test]
    fn ndjson_has_a_record_per_line_and_json_is_one_array() {
        assert_eq!(export(Format::Ndjson, Vec::new(), &ROWS), format!("{}\n{}\n", ROWS[0], ROWS[1]));
        assert_eq!(export(Format::Ndjson, Vec::new(), &["{\n\"a\": 1\n}"]), "{\"a\":1}\n");
        assert_eq!(export(Format::Json, Vec::new(), &[]), "[]\n");
        let array: Value = serde_json::from_str(&export(Format::Json, Vec::new(), &ROWS)).unwrap();
        assert_eq!(array.as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn what_was_exported_imports_as_the_same_records() {
        for format in [Format::Ndjson, Format::Json] {
            let mut back = Vec::new();
            read_rows(format, export(format, Vec::new(), &ROWS).as_bytes(), &Undeclared, &mut |row| {
                back.push(Value::Object(row.record.unwrap()).to_string());
                Ok(())
            })
            .unwrap();
            assert_eq!(back, ROWS);
        }
        assert_eq!(read_text(Kind::Int, "5"), Some(Value::from(5)));
    }
}
