//! What a process may know of a data directory without holding it.

use std::path::Path;

pub use crate::store::{OpenError, ServerInfo, read_server_info};

/// Whether the directory could be opened now: neither in use nor somebody else's. Changes nothing.
///
/// # Errors
/// As [`super::backend::Backend::open`].
pub fn check_free(root: &Path) -> Result<(), OpenError> {
    crate::store::Directory::check_free(root)
}

/// The newest data format this program reads and writes, as `control.data.log`: one number per kind of database.
pub fn format() -> String {
    crate::store::formats().map(|number| number.to_string()).join(".")
}
