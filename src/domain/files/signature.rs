//! Signed URLs of `/storage` (`05-storage.md` §6.1): what one permits, its query string, and the proof in it.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::disposition::Disposition;
use crate::domain::error::{Code, Error, Result};
use crate::domain::time::Millis;

/// Says what is signed; another encoding gets another name.
const ENCODING: &[u8] = b"bkend-local storage URL 1";

/// The parameters that are signed, in the order in which they are written and signed.
const SIGNED: [&str; 6] = ["X-Bkend-Disposition", "X-Bkend-Expires", "X-Bkend-Max", "X-Bkend-Type", "uploadId", "partNumber"];
const SIGNATURE: &str = "X-Bkend-Signature";

/// The key URLs are signed with, derived from the server's own secret.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    pub fn derive(server_secret: &[u8; 32]) -> Self {
        Self(mac(server_secret, ENCODING))
    }
}

/// What a signed URL lets its bearer do: `GET` covers HEAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Put,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
        }
    }
}

/// What a signed URL permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub method: Method,
    pub key: String,
    /// Unix seconds; the URL is good up to and including this moment.
    pub expires: i64,
    /// Bytes a PUT may send at most.
    pub max: Option<u64>,
    /// The content type stated when the upload began.
    pub content_type: Option<String>,
    pub disposition: Option<Disposition>,
    pub upload_id: Option<String>,
    pub part_number: Option<u32>,
}

impl Claim {
    /// A URL to read an object by.
    pub fn get(key: &str, expires: i64, disposition: Disposition) -> Self {
        Self { disposition: Some(disposition), ..Self::bare(Method::Get, key, expires) }
    }

    /// A URL to upload an object by; `content_type` when one was stated.
    pub fn put(key: &str, expires: i64, max: u64, content_type: Option<&str>) -> Self {
        Self { max: Some(max), content_type: content_type.map(str::to_owned), ..Self::bare(Method::Put, key, expires) }
    }

    /// A URL to upload one part of an object by.
    pub fn part(key: &str, expires: i64, max: u64, upload_id: &str, part_number: u32) -> Self {
        Self { max: Some(max), upload_id: Some(upload_id.to_owned()), part_number: Some(part_number), ..Self::bare(Method::Put, key, expires) }
    }

    fn bare(method: Method, key: &str, expires: i64) -> Self {
        Self { method, key: key.to_owned(), expires, max: None, content_type: None, disposition: None, upload_id: None, part_number: None }
    }

    fn values(&self) -> Values {
        [
            self.disposition.map(|d| d.name().to_owned()),
            Some(self.expires.to_string()),
            self.max.map(|n| n.to_string()),
            self.content_type.clone(),
            self.upload_id.clone(),
            self.part_number.map(|n| n.to_string()),
        ]
    }

    /// The claim behind values whose signature was found right.
    fn of(method: Method, key: &str, values: Values) -> Option<Self> {
        let [disposition, expires, max, content_type, upload_id, part_number] = values;
        Some(Self {
            method,
            key: key.to_owned(),
            expires: expires?.parse().ok()?,
            max: max.map(|n| n.parse()).transpose().ok()?,
            content_type,
            disposition: disposition.map(|d| Disposition::parse(&d).ok_or(())).transpose().ok()?,
            upload_id,
            part_number: part_number.map(|n| n.parse()).transpose().ok()?,
        })
    }
}

/// Values of [`SIGNED`], decoded.
type Values = [Option<String>; SIGNED.len()];

/// The query string of a signed URL, without `?`.
pub fn sign(secret: &Secret, claim: &Claim) -> String {
    let values = claim.values();
    let mut query = String::with_capacity(192);
    for (name, value) in SIGNED.iter().zip(&values) {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(query, "{name}={}&", encoded(value));
        }
    }
    let _ = write!(query, "{SIGNATURE}={}", proof(secret, claim.method, &claim.key, &values));
    query
}

/// The plain URL of a key.
pub fn plain_url(base: &str, key: &str) -> String {
    let path: Vec<_> = key.split('/').map(|segment| encoded(segment).to_string()).collect();
    format!("{base}/storage/{}", path.join("/"))
}

/// The whole signed URL.
pub fn url(base: &str, secret: &Secret, claim: &Claim) -> String {
    format!("{}?{}", plain_url(base, &claim.key), sign(secret, claim))
}

/// Whether a query string holds a signature, right or wrong.
pub fn is_signed(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == SIGNATURE)
}

/// What the query string of a URL permits for this method on this (decoded) key.
///
/// # Errors
/// 403 `file/signature-invalid` when anything was changed, removed, added or doubled; else 403 `file/url-expired` after its time.
pub fn verify(secret: &Secret, method: Method, key: &str, query: &str, now: Millis) -> Result<Claim> {
    let claim = proven(secret, method, key, query).ok_or_else(|| {
        let message = "The signature of the URL does not fit: use the URL exactly as it was issued, with the method it was issued for";
        Error::new(Code::FILE_SIGNATURE_INVALID, message)
    })?;
    if now > claim.expires.saturating_mul(1000) {
        return Err(expired(&claim));
    }
    Ok(claim)
}

fn proven(secret: &Secret, method: Method, key: &str, query: &str) -> Option<Claim> {
    let (values, signature) = read(query)?;
    let expected = proof(secret, method, key, &values);
    let fits: bool = expected.as_bytes().ct_eq(signature.as_bytes()).into();
    fits.then(|| Claim::of(method, key, values)).flatten()
}

/// The signed parameters and the signature; `None` when one stands there twice, or there is no signature. Others are ignored.
fn read(query: &str) -> Option<(Values, String)> {
    let (mut values, mut signature) = (Values::default(), None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let slot = match SIGNED.iter().position(|known| *known == name) {
            Some(at) => &mut values[at],
            None if name == SIGNATURE => &mut signature,
            None => continue,
        };
        if slot.replace(value.into_owned()).is_some() {
            return None;
        }
    }
    Some((values, signature?))
}

fn expired(claim: &Claim) -> Error {
    let route = match (claim.method, &claim.upload_id) {
        (Method::Get, _) => "POST /v1/files/{id}/download-url",
        (Method::Put, Some(_)) => "POST /v1/files/multipart/presigned-url",
        (Method::Put, None) => "POST /v1/files/presigned-url",
    };
    Error::new(Code::FILE_URL_EXPIRED, format!("Request has expired: ask {route} for a new URL"))
}

/// HMAC-SHA256 (RFC 2104) over method, key and parameters, as 64 lower-case hex characters.
fn proof(secret: &Secret, method: Method, key: &str, values: &Values) -> String {
    let mut text = ENCODING.to_vec();
    let mut field = |value: Option<&str>| match value {
        // With its length before it, no value can run into the next one.
        Some(value) => {
            text.push(1);
            text.extend_from_slice(&(value.len() as u64).to_be_bytes());
            text.extend_from_slice(value.as_bytes());
        }
        None => text.push(0),
    };
    field(Some(method.name()));
    field(Some(key));
    values.iter().for_each(|value| field(value.as_deref()));
    hex::encode(mac(&secret.0, &text))
}

fn mac(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// Percent-encoded but for the unreserved characters (RFC 3986 §2.3).
fn encoded(text: &str) -> percent_encoding::PercentEncode<'_> {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT)
}

#[cfg(test)]
mod tests;
