//! What commands print: results on stdout, hints on stderr, tables within the terminal's width, one JSON document.

use std::io::{self, IsTerminal as _, Write as _};

use comfy_table::{Attribute, Cell, ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::exit::{Failure, Result};

/// Columns below which a table is easier to read when the terminal breaks its lines; some report a width of 0.
const NARROWEST: u16 = 40;

/// How this run prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub json: bool,
    pub quiet: bool,
    /// Whether stdout takes colours: a terminal, and neither `NO_COLOR` nor `--no-color`.
    pub color: bool,
}

impl Output {
    pub fn new(json: bool, quiet: bool, no_color: bool) -> Self {
        Self { json, quiet, color: !no_color && io::stdout().is_terminal() }
    }

    /// The command's result: `document` with `--json`, otherwise the text `human` makes.
    pub fn result(&self, document: &Value, human: impl FnOnce(&Self) -> String) -> Result<()> {
        let text = if self.json { document.to_string() } else { human(self) };
        write_stdout(&text)
    }

    /// Progress or a hint, on stderr; nothing with `--quiet` or `--json`.
    pub fn hint(&self, text: &str) {
        if !self.quiet && !self.json {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Aligned columns without borders. Rows are as wide as the terminal at most; elsewhere lines are never broken.
    pub fn table(&self, header: &[&str], rows: Vec<Vec<String>>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if io::stdout().is_terminal() && table.width().is_some_and(|width| width >= NARROWEST) {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
        }
        table.set_header(header.iter().map(|title| {
            let cell = Cell::new(title);
            if self.color { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        table.add_rows(rows.into_iter().map(|row| row.into_iter().map(|cell| Cell::new(printable(&cell))).collect::<Vec<_>>()));
        flush_left(&mut table)
    }

    /// Two columns: what it is, and what it holds.
    pub fn pairs(&self, rows: &[(&str, String)]) -> String {
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let lines: Vec<_> = rows.iter().map(|(name, value)| format!("{name:<width$}  {}", printable(value)).trim_end().to_owned()).collect();
        lines.join("\n")
    }
}

fn flush_left(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// Names come from other people: control characters, which could steer the terminal, are left out.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

/// Writes one line or block to stdout. A reader that went away (`| head`) ends the command quietly.
pub fn write_stdout(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(b"\n")).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Failure::unexpected("Could not write to stdout", e)),
        _ => Ok(()),
    }
}

/// A list as the management API would answer it on one page.
pub fn items(items: &[Value]) -> Value {
    let (total, pages) = (items.len(), usize::from(!items.is_empty()));
    let pagination = json!({ "total": total, "page": 1, "limit": total, "totalPages": pages, "hasNext": false, "hasPrev": false });
    json!({ "items": items, "pagination": pagination })
}

/// A member of an API object as text for a cell; absent and null are a dash.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(s) if s.is_empty() => "–".to_owned(),
        Value::String(s) => s.clone(),
        Value::Array(items) if items.is_empty() => "–".to_owned(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A time of the API (`2026-01-15T10:30:00.000Z`) to the minute, in local time.
pub fn time(value: &Value) -> String {
    let Some(at) = value.as_str().and_then(|s| s.parse::<jiff::Timestamp>().ok()) else { return text(value) };
    at.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Bytes for people: `512 B`, `1.4 MB` (decimal units).
pub fn bytes(value: &Value) -> String {
    let Some(n) = value.as_f64() else { return text(value) };
    if n < 1000.0 {
        return format!("{n} B");
    }
    let units = ["kB", "MB", "GB", "TB", "PB"];
    let power = ((n.log10() / 3.0).floor() as usize).clamp(1, units.len());
    format!("{:.1} {}", n / 1000f64.powi(power as i32), units[power - 1])
}

/// Seconds for people: `42 s`, `3 min`, `5 h 12 min`, `2 d 3 h`.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{} min", seconds / 60),
        3_600..=86_399 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Output = Output { json: false, quiet: false, color: false };

    #[test]
    fn tables_are_aligned_without_borders_and_without_trailing_spaces() {
        let table = PLAIN.table(&["NAME", "TYPE"], vec![vec!["dev".into(), "dev".into()], vec!["production".into(), "prod".into()]]);
        assert_eq!(table, "NAME        TYPE\ndev         dev\nproduction  prod");
    }

    #[test]
    fn what_others_named_cannot_steer_the_terminal() {
        let table = PLAIN.table(&["NAME"], vec![vec!["a\u{1b}[31mb\nc".into()]]);
        assert_eq!(table, "NAME\na[31mb c");
    }

    #[test]
    fn values_read_well() {
        assert_eq!(text(&json!(null)), "–");
        assert_eq!(text(&json!(["a", "b"])), "a, b");
        assert_eq!(bytes(&json!(999)), "999 B");
        assert_eq!(bytes(&json!(1_400_000)), "1.4 MB");
        assert_eq!(duration(59), "59 s");
        assert_eq!(duration(3_720), "1 h 2 min");
        assert_eq!(duration(180_000), "2 d 2 h");
    }
}
