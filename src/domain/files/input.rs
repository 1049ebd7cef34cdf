//! Fields of bodies under every name they had (`05-storage.md` §5.5).

use serde_json::{Map, Value};

use super::labels::{Bucket, Visibility};
use super::media_type::MediaType;
use super::name::FileName;
use crate::domain::error::{Code, Detail, Error, Result, clip};

/// Names of one field: the current one first, which wins.
pub type Names = &'static [&'static str];

pub const ORIGINAL_NAME: Names = &["originalName", "filename", "fileName"];
pub const FILENAME: Names = &["filename", "originalName", "fileName"];
pub const MIME_TYPE: Names = &["mimeType", "contentType"];
pub const CONTENT_TYPE: Names = &["contentType", "mimeType"];
pub const SIZE: Names = &["size", "fileSize"];
pub const FILE_SIZE: Names = &["fileSize", "size"];
pub const BUCKET: Names = &["bucket", "category"];
pub const CATEGORY: Names = &["category", "bucket"];
pub const KEY: Names = &["s3Key", "key"];
pub const MULTIPART_KEY: Names = &["key", "s3Key"];

const MAX_SHARES: usize = 100;
/// The longest side of a picture that is told.
const MAX_SIDE: u64 = 65_535;

/// The members of a body; `null` counts as absent.
#[derive(Clone, Copy)]
pub struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> Fields<'a> {
    /// # Errors
    /// `common/invalid-parameters` when the body is neither an object nor absent.
    pub fn of(body: Option<&'a Value>) -> Result<Self> {
        match body {
            None | Some(Value::Null) => Ok(Self(None)),
            Some(Value::Object(members)) => Ok(Self(Some(members))),
            Some(_) => Err(Error::invalid_parameter("body", "The body must be a JSON object")),
        }
    }

    fn given(&self, names: Names) -> Option<(&'static str, &'a Value)> {
        names.iter().find_map(|name| Some((*name, self.0?.get(*name).filter(|value| !value.is_null())?)))
    }

    pub fn value(&self, name: &'static str) -> Option<&'a Value> {
        self.0?.get(name).filter(|value| !value.is_null())
    }

    /// # Errors
    /// `common/invalid-parameters` for what is no text.
    pub fn text(&self, names: Names) -> Result<Option<&'a str>> {
        let Some((name, value)) = self.given(names) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| Error::invalid_parameter(name, format!("{name} must be a text")))
    }

    pub fn required_text(&self, names: Names) -> Result<&'a str> {
        self.text(names)?.ok_or_else(|| required(names[0]))
    }

    pub fn file_name(&self, names: Names) -> Result<Option<FileName>> {
        self.text(names)?.map(FileName::parse).transpose()
    }

    /// The outer option: whether it was sent; the inner one: whether it says anything.
    pub fn media_type(&self, names: Names) -> Result<Option<Option<MediaType>>> {
        self.text(names)?.map(MediaType::parse).transpose()
    }

    /// Bytes.
    ///
    /// # Errors
    /// `file/size-negative`, `common/invalid-parameters`.
    pub fn size(&self, names: Names) -> Result<Option<u64>> {
        let Some((name, value)) = self.given(names) else { return Ok(None) };
        if value.as_f64().is_some_and(|n| n < 0.0) {
            return Err(Error::new(Code::FILE_SIZE_NEGATIVE, format!("{name} must not be negative; send the number of bytes")));
        }
        let size = whole(value).filter(|size| i64::try_from(*size).is_ok());
        size.map(Some).ok_or_else(|| Error::invalid_parameter(name, format!("{name} must be a whole number of bytes")))
    }

    pub fn visibility(&self) -> Result<Option<Visibility>> {
        self.text(&["visibility"])?.map(|word| Visibility::parse("visibility", word)).transpose()
    }

    pub fn bucket(&self, names: Names) -> Result<Option<Bucket>> {
        let name = self.given(names).map_or(names[0], |(name, _)| name);
        self.text(names)?.map(|word| Bucket::parse(name, word)).transpose()
    }

    /// A side of a picture.
    pub fn side(&self, name: &'static str) -> Result<Option<u32>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let side = whole(value).filter(|side| (1..=MAX_SIDE).contains(side)).and_then(|side| u32::try_from(side).ok());
        side.map(Some).ok_or_else(|| Error::invalid_parameter(name, format!("{name} must be a whole number from 1 to {MAX_SIDE}")))
    }

    /// Ids of users, each once, in the order they were named. Whether they exist is to be looked up.
    pub fn shared_with(&self) -> Result<Option<Vec<String>>> {
        let Some(value) = self.value("sharedWith") else { return Ok(None) };
        let bad = || Error::invalid_parameter("sharedWith", format!("sharedWith must be a list of at most {MAX_SHARES} ids of users"));
        let list = value.as_array().filter(|list| list.len() <= MAX_SHARES).ok_or_else(bad)?;
        let mut ids: Vec<String> = Vec::with_capacity(list.len());
        for id in list {
            let id = id.as_str().ok_or_else(bad)?;
            if !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
        Ok(Some(ids))
    }
}

pub fn required(name: &str) -> Error {
    Error::with_details(Code::INVALID_PARAMETERS, vec![Detail::new(name, "required", format!("{name} is required"))])
}

/// A number without a fraction; clients that only know floating numbers may write `12.0`.
pub fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(n)).map(|n| n as u64))
}

/// An id of 1–64 characters of `A-Za-z0-9_-`.
pub fn owner_id(text: &str) -> Result<String> {
    if crate::domain::id::is_acceptable(text) {
        return Ok(text.to_owned());
    }
    Err(Error::invalid_parameter("ownerId", format!("ownerId must be an id of 1–64 letters, digits, _ and -, not \"{}\"", clip(text))))
}
