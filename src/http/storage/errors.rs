//! Errors of `/storage`: the common union, with the name S3 has for them (`05-storage.md` §6.5).

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};

use crate::domain::error::{Code, Error};
use crate::http::error;

/// The whole answer for an error.
pub fn error_response(error: &Error, request_id: &str) -> HttpResponse {
    let mut body = error::body(error, request_id);
    if let Some(name) = s3_code(error.code()) {
        body["error"]["s3Code"] = name.into();
    }
    let mut answer = error::response_with(error, &body, request_id);
    // As with every answer of `/storage` (§6.4).
    answer.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer.headers_mut().insert(header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    answer
}

fn s3_code(code: &'static Code) -> Option<&'static str> {
    let names = [
        (Code::FILE_URL_EXPIRED, "AccessDenied"),
        (Code::FILE_SIGNATURE_INVALID, "SignatureDoesNotMatch"),
        (Code::FILE_ACCESS_DENIED, "AccessDenied"),
        (Code::FILE_NOT_FOUND, "NoSuchKey"),
        (Code::FILE_UPLOAD_NOT_FOUND, "NoSuchUpload"),
        (Code::FILE_TOO_LARGE, "EntityTooLarge"),
        (Code::FILE_TOO_SMALL, "EntityTooSmall"),
        (Code::FILE_CHECKSUM_MISMATCH, "BadDigest"),
        (Code::FILE_PRECONDITION_FAILED, "PreconditionFailed"),
        (Code::FILE_INVALID_RANGE, "InvalidRange"),
        (Code::FILE_UPLOAD_TIMEOUT, "RequestTimeout"),
        (Code::FILE_INVALID_FORMAT, "InvalidArgument"),
        (Code::FILE_MIME_TYPE_TOO_LONG, "InvalidArgument"),
        (Code::FILE_S3_KEY_ALREADY_EXISTS, "OperationAborted"),
        (Code::FILE_BUCKET_NOT_CONFIGURED, "NoSuchBucket"),
        (Code::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        (Code::INTERNAL_ERROR, "InternalError"),
        (Code::UNAVAILABLE, "ServiceUnavailable"),
    ];
    names.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}
