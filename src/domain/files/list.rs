//! Lists of files, and one by its id (`05-storage.md` §5.2).

use super::input::{BUCKET, MIME_TYPE, Names};
use super::labels::{Bucket, OwnerType, Visibility};
use super::media_type::MediaType;
use super::{FileObject, Files, not_found, rights};
use crate::domain::error::{Error, Result, clip};
use crate::domain::page::{List, Page};
use crate::domain::records::query::Params;
use crate::store::data::{FileFilter, FileRow, FileSort};

impl Files {
    /// A page of the files this caller sees.
    ///
    /// # Errors
    /// `common/invalid-parameters` naming the parameter.
    pub async fn list(&self, params: &Params) -> Result<List<FileObject>> {
        let page = Page::parse(given(params, &["page"]), given(params, &["limit"]))?;
        let (filter, sort, ascending) = (filter(params)?, sort(params)?, ascending(params)?);
        let sight = rights::sight(&self.caller);
        let read = self.environment.data().read::<_, Error, _>(move |r| Ok(r.files(&sight, &filter, sort, ascending, page.limit, page.offset)?));
        let (rows, total) = read.await?;
        let items = rows.into_iter().map(|row| self.object_of(row)).collect::<Result<_>>()?;
        Ok(List::new(items, page, total))
    }

    /// # Errors
    /// 404 `file/not-found`, then 401 or 403.
    pub async fn get(&self, id: &str) -> Result<FileObject> {
        self.object_of(self.readable(id).await?)
    }

    /// A file this caller may read.
    ///
    /// # Errors
    /// 404 `file/not-found`, then 401 or 403.
    pub(super) async fn readable(&self, id: &str) -> Result<FileRow> {
        let id = id.to_owned();
        let file = self.environment.data().read::<_, Error, _>(move |r| Ok(r.file(&id)?)).await?.ok_or_else(not_found)?;
        rights::read(&self.caller, &file)?;
        Ok(file)
    }
}

/// The parameter under the first of its names that was sent; an empty one counts as absent.
fn given(params: &Params, names: Names) -> Option<&str> {
    names.iter().find_map(|name| params.get(name)).filter(|text| !text.is_empty())
}

fn filter(params: &Params) -> Result<FileFilter> {
    let visibility = given(params, &["visibility"]).map(|word| Visibility::parse("visibility", word)).transpose()?;
    let owner_type = given(params, &["ownerType"]).map(|word| OwnerType::parse("ownerType", word)).transpose()?;
    let bucket = given(params, BUCKET).map(|word| Bucket::parse("bucket", word)).transpose()?;
    Ok(FileFilter {
        visibility: visibility.map(|v| v.as_str().to_owned()),
        owner_type: owner_type.map(|t| t.as_str().to_owned()),
        owner_id: given(params, &["ownerId"]).map(str::to_owned),
        bucket: bucket.map(|b| b.as_str().to_owned()),
        mime_types: given(params, MIME_TYPE).map(mime_types).transpose()?.unwrap_or_default(),
        search: given(params, &["search"]).map(|text| unicode_normalization::UnicodeNormalization::nfc(text).collect()),
    })
}

/// The stored forms that a wanted type covers; none for all.
fn mime_types(text: &str) -> Result<Vec<String>> {
    let bad = || Error::invalid_parameter("mimeType", format!("mimeType must be a content type or one such as image/*, not \"{}\"", clip(text)));
    let wanted = text.trim().to_ascii_lowercase();
    if wanted == "*/*" {
        return Ok(Vec::new());
    }
    if wanted.ends_with("/*") {
        return if super::media_type::is_pattern(&wanted) { Ok(vec![wanted]) } else { Err(bad()) };
    }
    let wanted = MediaType::parse(&wanted).ok().flatten().ok_or_else(bad)?;
    let essence = wanted.essence().to_owned();
    let other = (essence == "image/jpeg").then(|| "image/jpg".to_owned());
    Ok([Some(essence), other].into_iter().flatten().collect())
}

fn sort(params: &Params) -> Result<FileSort> {
    Ok(match given(params, &["sortBy"]) {
        None | Some("createdAt") => FileSort::CreatedAt,
        Some("updatedAt") => FileSort::UpdatedAt,
        Some("originalName" | "filename" | "fileName") => FileSort::OriginalName,
        Some("size" | "fileSize") => FileSort::Size,
        Some("mimeType" | "contentType") => FileSort::MimeType,
        Some(other) => {
            let message = format!("sortBy must be createdAt, updatedAt, originalName, size or mimeType, not \"{}\"", clip(other));
            return Err(Error::invalid_parameter("sortBy", message));
        }
    })
}

fn ascending(params: &Params) -> Result<bool> {
    match given(params, &["sortDirection"]).map(str::to_ascii_lowercase).as_deref() {
        None | Some("desc") => Ok(false),
        Some("asc") => Ok(true),
        Some(other) => Err(Error::invalid_parameter("sortDirection", format!("sortDirection must be asc or desc, not \"{}\"", clip(other)))),
    }
}
