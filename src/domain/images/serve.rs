//! A picture for somebody who knows no more than its address.

use std::sync::Arc;

use super::{Made, Path, Picture, Stored};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::files::open::{self, Found, Reading};

/// What is answered.
pub enum Served {
    Made(Box<(Found, Made)>),
    /// The object as it is stored: an animation nothing is asked of, or a drawing that has no pixels.
    Unchanged,
}

impl Environment {
    /// The picture of a path; `webp`: the caller takes WebP. Readable is what the plain URL of the object reads, each time anew.
    ///
    /// # Errors
    /// 404 `file/not-found`, 403 `file/access-denied`; as [`super::Pictures::picture`].
    pub async fn picture(self: &Arc<Self>, path: &Path, webp: bool) -> Result<Served> {
        let opened = open::open(self, &path.key, Reading::Plain, |_| true).await;
        let (found, stored) = opened.map_err(|error| if error.code() == Code::FILE_NOT_FOUND { path.unknown_key() } else { error })?;
        if is_drawing(&found.content_type) {
            return Ok(Served::Unchanged);
        }
        let file = stored.ok_or_else(|| Error::internal("an object was opened without its bytes"))?.into_file();
        let (environment_id, file_id, etag) = (self.id().to_owned(), found.upload_id.clone(), found.etag.clone());
        let source = Stored { environment_id, file_id, etag, size: found.size, file };
        Ok(match self.pictures().picture(source, path.options, webp).await? {
            Picture::Made(made) => Served::Made(Box::new((found, made))),
            Picture::Unchanged => Served::Unchanged,
        })
    }
}

fn is_drawing(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("image/svg+xml")
}
