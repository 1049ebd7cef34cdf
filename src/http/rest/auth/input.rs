//! Fields of bodies that several routes read.

use url::Url;

use super::KeyCaller;
use crate::domain::auth::Email;
use crate::domain::auth::redirects::{self, Parameter};
use crate::domain::error::{Code, Detail, Error, Result, clip};

/// Fields that must be there, each with whether it is.
///
/// # Errors
/// 400 `common/invalid-parameters` with a detail for each that is missing.
pub fn required(fields: &[(&str, bool)]) -> Result<()> {
    let missing = fields.iter().filter(|(_, there)| !there);
    let details: Vec<Detail> = missing.map(|(field, _)| Detail::new(*field, "required", format!("{field} is required"))).collect();
    if details.is_empty() { Ok(()) } else { Err(Error::with_details(Code::INVALID_PARAMETERS, details)) }
}

/// A text that must be there.
///
/// # Errors
/// 400 `common/invalid-parameters`.
pub fn text(field: &str, text: Option<String>) -> Result<String> {
    text.ok_or_else(|| Error::with_details(Code::INVALID_PARAMETERS, vec![Detail::new(field, "required", format!("{field} is required"))]))
}

/// An address that must be there.
///
/// # Errors
/// 400 `common/invalid-parameters`, `auth/invalid-email`.
pub fn email(given: Option<String>) -> Result<Email> {
    Email::parse(&text("email", given)?)
}

/// Where a mailed link leads.
///
/// # Errors
/// 400 `auth/invalid-url`.
pub fn callback_url(caller: &KeyCaller, given: Option<&str>) -> Result<Option<Url>> {
    let check = |text| redirects::check(&caller.environment.auth_config(), caller.environment.project(), &caller.visit, Parameter::CallbackUrl, text);
    given.map(check).transpose()
}

/// The ways of the e-mail routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Password,
    MagicLink,
    Otp,
}

/// The method asked for; absent: by link when there is somewhere to lead and no password, else by password.
///
/// # Errors
/// 400 `common/invalid-parameters`.
pub fn method(given: Option<&str>, has_password: bool, has_callback: bool, with_otp: bool) -> Result<Method> {
    match given {
        None if has_callback && !has_password => Ok(Method::MagicLink),
        None | Some("password") => Ok(Method::Password),
        Some("magiclink") => Ok(Method::MagicLink),
        Some("otp") if with_otp => Ok(Method::Otp),
        Some(other) => {
            let known = if with_otp { "password, magiclink or otp" } else { "password or magiclink" };
            Err(Error::invalid_parameter("method", format!("method must be {known}, not \"{}\"", clip(other))))
        }
    }
}
