//! The picture of a user: the one place that writes it, and the one that reads it (`04-users.md` §4). An avatar is stored as the
//! path of its object, without a host; anything else as the URL that came.

use serde_json::Value;

use super::fields;
use super::profile::Profile;
use crate::domain::error::Result;
use crate::domain::files::signature;

/// What the stored form of an avatar begins with; the key follows.
const OBJECT: &str = "/storage/";

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

/// Makes an object the picture.
pub fn write_avatar(profile: &mut Profile, key: &str) {
    profile.image = Some(format!("{OBJECT}{key}"));
}

/// The key of the picture, if it is an avatar of this server.
pub fn avatar(profile: &Profile) -> Option<&str> {
    profile.image.as_deref().and_then(avatar_key)
}

/// The same of a stored picture.
pub fn avatar_key(image: &str) -> Option<&str> {
    image.strip_prefix(OBJECT)
}

/// The picture as an answer shows it; `base`: scheme and host of the URLs handed out.
pub fn shown(profile: &Profile, base: &str) -> Option<String> {
    match avatar(profile) {
        Some(key) => Some(signature::plain_url(base, key)),
        None => profile.image.clone(),
    }
}
