//! Records as JSON text, written straight from stored bytes.

use crate::domain::time::iso_bytes;
use crate::store::data::Record;
use crate::store::jsonb::{Projection, write_members, write_string};
use crate::store::query::eval::Row;

/// A single record as an answer.
#[derive(Debug, Clone)]
pub struct RecordAnswer {
    /// JSON object.
    pub json: Vec<u8>,
    /// Strong entity tag (RFC 9110 §8.8.3), quotes included; changes with every write.
    pub etag: String,
    pub id: String,
    /// Made by this call.
    pub created: bool,
}

/// The entity tag of a record: its update time, which every write moves.
pub fn etag(updated_at: i64) -> String {
    format!("\"{updated_at:x}\"")
}

/// Appends a record, but for its closing brace: `id`, the fields, then the other system fields.
pub fn write_open(row: &Row<'_>, projection: &Projection, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":");
    write_string(row.id, out);
    let fields = out.len();
    if write_members(row.doc, projection, true, out).is_err() {
        // A document damaged by another program: its system fields are still true.
        out.truncate(fields);
        tracing::error!(id = row.id, "a record holds a damaged document");
    }
    out.extend_from_slice(b",\"createdBy\":");
    write_string(row.created_by, out);
    out.extend_from_slice(b",\"createdAt\":\"");
    out.extend_from_slice(&iso_bytes(row.created_at));
    out.extend_from_slice(b"\",\"updatedAt\":\"");
    out.extend_from_slice(&iso_bytes(row.updated_at));
    out.push(b'"');
}

/// Appends a whole record.
pub fn write(row: &Row<'_>, projection: &Projection, out: &mut Vec<u8>) {
    write_open(row, projection, out);
    out.push(b'}');
}

/// A record as an answer.
pub fn of(record: &Record, projection: &Projection, created: bool) -> RecordAnswer {
    let mut json = Vec::with_capacity(record.doc.len() + 160);
    write(&record.row(), projection, &mut json);
    RecordAnswer { json, etag: etag(record.updated_at), id: record.id.clone(), created }
}
