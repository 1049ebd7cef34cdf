//! The picture of a user: the one place that writes it, and the one that reads it (`04-users.md` §4).

use serde_json::Value;

use super::fields;
use super::profile::Profile;
use crate::domain::error::Result;

/// `null`, or the URL of a picture.
///
/// # Errors
/// 400 `common/invalid-parameters`.
pub fn parse(value: &Value) -> Result<Option<String>> {
    fields::web_url("image", value)
}

/// Puts what came in place of the picture.
pub fn write(profile: &mut Profile, image: Option<String>) {
    profile.image = image;
}

/// The picture as an answer shows it.
pub fn shown(profile: &Profile) -> Option<String> {
    profile.image.clone()
}
