//! Options of import and export (`02-data.md` §9).

use super::params::{Params, Source};
use crate::domain::error::{Error, Result};

/// A format rows are carried in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Ndjson,
    Json,
}

const FORMATS: [(&str, Format); 3] = [("csv", Format::Csv), ("ndjson", Format::Ndjson), ("json", Format::Json)];

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
        }
    }

    /// The format a `Content-Type` stands for.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/csv" | "application/csv" => Some(Self::Csv),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" | "application/jsonlines" => Some(Self::Ndjson),
            "application/json" | "text/json" => Some(Self::Json),
            _ => None,
        }
    }

    /// The `format` of an export; without one, JSON.
    ///
    /// # Errors
    /// `common/invalid-parameters`.
    pub fn parse_for_export(params: &Params) -> Result<Self> {
        Ok(Source::new(params, None)?.word("format", &FORMATS)?.unwrap_or(Self::Json))
    }
}

/// What happens to a row whose `id` exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It is an error.
    #[default]
    Insert,
    /// The record is patched.
    Upsert,
    /// The record is left as it is.
    Skip,
    /// The record is replaced if the row has the later `updatedAt`; for whole backends that move here.
    Newer,
    /// The record is replaced unless it is the same.
    Replace,
}

/// What a bad row does to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBadRow {
    /// Nothing is written.
    #[default]
    Abort,
    /// The others are written.
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportOptions {
    pub format: Format,
    pub mode: Mode,
    pub on_bad_row: OnBadRow,
    pub dry_run: bool,
}

impl ImportOptions {
    /// # Errors
    /// `common/invalid-parameters`, also when neither `format` nor `Content-Type` tells the format.
    pub fn parse(params: &Params, content_type: Option<&str>) -> Result<Self> {
        let source = Source::new(params, None)?;
        let format = source
            .word("format", &FORMATS)?
            .or_else(|| content_type.and_then(Format::of_content_type))
            .ok_or_else(|| Error::invalid_parameter("format", "Say format=csv, ndjson or json, or send a matching Content-Type"))?;
        Ok(Self {
            format,
            mode: source.word("mode", &[("insert", Mode::Insert), ("upsert", Mode::Upsert), ("skip", Mode::Skip)])?.unwrap_or_default(),
            on_bad_row: source.word("onBadRow", &[("abort", OnBadRow::Abort), ("skip", OnBadRow::Skip)])?.unwrap_or_default(),
            dry_run: source.flag("dryRun")?,
        })
    }
}
