//! Who may do what with files and uploads (`05-storage.md` §2). Decided here and nowhere else.

use crate::domain::caller::Caller;
use crate::domain::error::{Code, Error, Result};
use crate::store::data::{FileRow, Sight, UploadRow};

/// # Errors
/// 401 `common/authentication-required` for guests.
pub fn signed_in(caller: &Caller) -> Result<()> {
    if caller.is_admin() || caller.user().is_some() { Ok(()) } else { Err(authentication_required()) }
}

/// # Errors
/// 401 `common/authentication-required` for guests, 403 `file/access-denied` for all but admins.
pub fn admin(caller: &Caller) -> Result<()> {
    signed_in(caller)?;
    if caller.is_admin() { Ok(()) } else { Err(denied("This is for admins")) }
}

/// Presigning, registering, everything about an upload: one's own, or any for admins.
///
/// # Errors
/// 401 `common/authentication-required`, 403 `file/access-denied`.
pub fn use_upload(caller: &Caller, upload: &UploadRow) -> Result<()> {
    signed_in(caller)?;
    let own = upload.uploader_id.as_deref().is_some_and(|id| caller.own_id() == Some(id));
    if own || caller.is_admin() { Ok(()) } else { Err(denied("This upload was begun by somebody else; begin one of your own")) }
}

/// What stands in lists.
pub fn sight(caller: &Caller) -> Sight {
    match caller.user() {
        _ if caller.is_admin() => Sight::All,
        Some(user) => Sight::User(user.id.clone()),
        None => Sight::Public,
    }
}

/// Reading metadata and downloading.
///
/// # Errors
/// 401 `common/authentication-required`, 403 `file/access-denied`.
pub fn read(caller: &Caller, file: &FileRow) -> Result<()> {
    if file.visibility == "public" || sees_all(caller, file) {
        return Ok(());
    }
    let Some(user) = caller.user() else { return Err(authentication_required()) };
    match file.visibility.as_str() {
        "protected" => Ok(()),
        "shared" if file.shared_with.contains(&user.id) => Ok(()),
        _ => Err(denied("This file is not visible to you; its owner can share it or change its visibility")),
    }
}

/// Changing and deleting.
///
/// # Errors
/// 401 `common/authentication-required`, 403 `file/access-denied`.
pub fn change(caller: &Caller, file: &FileRow) -> Result<()> {
    if sees_all(caller, file) {
        return Ok(());
    }
    signed_in(caller)?;
    Err(denied("Only its owner and admins change or delete a file"))
}

/// Whether the caller sees every field: its owner, and admins.
pub fn sees_all(caller: &Caller, file: &FileRow) -> bool {
    let owner = file.owner_type == "user" && file.owner_id.is_some() && caller.own_id() == file.owner_id.as_deref();
    owner || caller.is_admin()
}

fn authentication_required() -> Error {
    Error::new(Code::AUTHENTICATION_REQUIRED, "Sign in and send the access token as Authorization: Bearer, or use a secret key")
}

fn denied(message: &str) -> Error {
    Error::new(Code::FILE_ACCESS_DENIED, message)
}
