//! The one list of public errors, and the error every domain operation answers with.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A public error code: its name, its one status and what it means. The JSON, the OpenAPI document and the
/// documentation are made from this table.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    pub name: &'static str,
    pub status: u16,
    pub meaning: &'static str,
}

macro_rules! codes {
    ($($ident:ident $name:literal $status:literal $meaning:literal)*) => {
        impl Code {
            $(#[doc = $meaning] pub const $ident: &'static Code = &Code { name: $name, status: $status, meaning: $meaning };)*
            /// Every public error, in the order of the chapters.
            pub const ALL: &'static [&'static Code] = &[$(Code::$ident),*];
        }
    };
}

codes! {
    INVALID_JSON "common/invalid-json" 400 "The body is not JSON."
    INVALID_PARAMETERS "common/invalid-parameters" 400 "A parameter is missing, of the wrong type or out of range."
    AUTHENTICATION_REQUIRED "common/authentication-required" 401 "The route needs somebody who is signed in."
    ORIGIN_DENIED "common/origin-denied" 403 "The Origin of the request is not allowed here."
    NOT_FOUND "common/not-found" 404 "No such route."
    METHOD_NOT_ALLOWED "common/method-not-allowed" 405 "The route exists, but not for this method; Allow names those it has."
    PAYLOAD_TOO_LARGE "common/payload-too-large" 413 "The body or the request target is larger than allowed."
    UNSUPPORTED_MEDIA_TYPE "common/unsupported-media-type" 415 "The Content-Type is not one this route reads."
    MISDIRECTED_REQUEST "common/misdirected-request" 421 "The Host header names a host this server does not know."
    RATE_LIMIT_EXCEEDED "common/rate-limit-exceeded" 429 "Too many requests; Retry-After tells when to come back."
    INTERNAL_ERROR "common/internal-error" 500 "A bug; it is logged with the requestId."
    UNAVAILABLE "common/unavailable" 503 "The server is shutting down, its disk is full or the database is busy past its time limit."

    UNAUTHORIZED "auth/unauthorized" 401 "Neither an API key nor X-Project-Id came with the request."
    INVALID_TOKEN_FORMAT "auth/invalid-token-format" 401 "The API key does not have the form pk_ or sk_ and 64 hex characters."
    INVALID_API_KEY "auth/invalid-api-key" 401 "No key has this value."
    API_KEY_REVOKED "auth/api-key-revoked" 401 "The key was deleted."
    API_KEY_EXPIRED "auth/api-key-expired" 401 "The key has expired."
    INVALID_TOKEN "auth/invalid-token" 401 "The token is damaged, foreign or of another environment."
    TOKEN_EXPIRED "auth/token-expired" 401 "The token has expired."
    SESSION_EXPIRED "auth/session-expired" 401 "The session behind the token has ended."
    ACCOUNT_BANNED "auth/account-banned" 403 "The user is banned."
    INVALID_EMAIL "auth/invalid-email" 400 "The text is no e-mail address."
    INVALID_PASSWORD_FORMAT "auth/invalid-password-format" 400 "The password breaks the policy; details name each rule."
    WEAK_PASSWORD "auth/weak-password" 400 "The password is one of the most common ones."
    SIGNUP_DISABLED "auth/signup-disabled" 403 "Sign-up is closed in this environment."
    EMAIL_ALREADY_EXISTS "auth/email-already-exists" 409 "An account with this address exists already."
    INVALID_CREDENTIALS "auth/invalid-credentials" 401 "Address or password is wrong."
    TOO_MANY_LOGIN_ATTEMPTS "auth/too-many-login-attempts" 429 "Too many wrong passwords or codes; Retry-After tells when to come back."
    EMAIL_NOT_VERIFIED "auth/email-not-verified" 403 "The address has to be verified before signing in."
    PASSWORD_EXPIRED "auth/password-expired" 403 "The password is older than the policy allows; reset it."
    UNSUPPORTED_PROVIDER "auth/unsupported-provider" 400 "The way of signing in is unknown here or switched off."
    OAUTH_NOT_CONFIGURED "auth/oauth-not-configured" 400 "The provider is switched off, has no credentials, or may not be simulated here."
    INVALID_OAUTH_CODE "auth/invalid-oauth-code" 401 "The provider's code or ID token is refused, used, expired or made for something else."
    INVALID_OAUTH_STATE "auth/invalid-oauth-state" 401 "The state was used, has expired or belongs to another provider."
    OAUTH_CALLBACK_FAILED "auth/oauth-callback-failed" 500 "The provider cannot be reached, or its answer makes no sense."
    ACCOUNT_EXISTS_DIFFERENT_PROVIDER "auth/account-exists-different-provider" 409 "The address belongs to a user who signs in another way."
    AUTH_SESSION_NOT_FOUND "auth/session-not-found" 404 "The user has no session of this id."
    INVALID_REFRESH_TOKEN "auth/invalid-refresh-token" 401 "The refresh token is damaged, used up, or its session has ended."
    INVALID_URL "auth/invalid-url" 400 "The address is not one that a browser may be sent to."
    FORBIDDEN "auth/forbidden" 403 "The route is for admins or secret keys, or the setting forbids it."
    TOO_MANY_CODE_REQUESTS "auth/too-many-code-requests" 429 "Too many mails to one address; Retry-After tells when to come back."
    TOO_MANY_REQUESTS "auth/too-many-requests" 429 "Too many calls of this kind; Retry-After tells when to come back."
    MAGICLINK_DISABLED "auth/magiclink-disabled" 400 "Sign-in by mailed link, or by mailed code, is switched off."
    MAGICLINK_SOCIAL "auth/magiclink-not-available-for-social" 400 "The account signs in through a provider only."
    ALREADY_VERIFIED "auth/already-verified" 400 "The address is verified already."
    INVALID_PASSWORD "auth/invalid-password" 401 "The current password is wrong."
    SAME_PASSWORD "auth/same-as-previous-password" 400 "The new password is the old one."
    VERIFICATION_TOKEN_NOT_FOUND "auth/verification-token-not-found" 404 "The reset link is unknown, used or replaced by a newer one."
    VERIFICATION_TOKEN_EXPIRED "auth/verification-token-expired" 401 "The reset link has expired."
    ACCOUNT_NOT_FOUND "auth/account-not-found" 404 "The user has no such way of signing in."
    MFA_REQUIRED "auth/mfa-required" 403 "The second factor is asked for; error.mfaToken carries the sign-in on."
    INVALID_MFA_CODE "auth/invalid-mfa-code" 401 "The code of the second factor is wrong, too old or was used already."
    MFA_ALREADY_ENABLED "auth/mfa-already-enabled" 400 "The second factor is on already."
    MFA_NOT_ENABLED "auth/mfa-not-enabled" 400 "The second factor is not on."
    MFA_SETUP_EXPIRED "auth/mfa-setup-expired" 400 "No setup of the second factor is waiting, or it is older than 10 minutes."
    MFA_BACKUP_CODES_EXHAUSTED "auth/mfa-backup-codes-exhausted" 400 "All backup codes are used up."
    ACCOUNT_ALREADY_LINKED "auth/account-already-linked" 409 "The identity belongs to a user already, or the user has one of this provider."
    CANNOT_UNLINK_LAST_ACCOUNT "auth/cannot-unlink-last-account" 400 "The user would have no way of signing in left."
    AUTH_INVITATION_EXPIRED "auth/invitation-expired" 400 "The invitation has expired."
    AUTH_INVITATION_ALREADY_ACCEPTED "auth/invitation-already-accepted" 400 "The invitation was accepted already."
    AUTH_INVITATION_NOT_FOUND "auth/invitation-not-found" 404 "No such invitation, or it was declined or taken back."
    ANONYMOUS_DISABLED "auth/anonymous-disabled" 400 "Anonymous users are switched off."
    INSUFFICIENT_SCOPE "auth/insufficient-scope" 403 "The scope of the personal access token is too low."
    TEMPLATE_NOT_FOUND "auth/template-not-found" 404 "There is no mail template of this name, or no text in this language."

    VALIDATION_ERROR "data/validation-error" 400 "A value, filter or permission breaks a rule; details name each."
    INVALID_HEADER "data/invalid-header" 400 "A header of the request cannot be used."
    PERMISSION_DENIED "data/permission-denied" 403 "The table's permissions do not let this caller do that."
    SCOPE_INSUFFICIENT "data/scope-insufficient" 403 "The scopes of the API key do not include the operation."
    SYSTEM_TABLE_ACCESS "data/system-table-access" 403 "System tables are read-only views for admins."
    PROJECT_ACCESS_DENIED "data/project-access-denied" 403 "The key belongs to another project or environment than the headers name."
    ENVIRONMENT_NOT_FOUND "data/environment-not-found" 404 "No such project or environment."
    TABLE_NOT_FOUND "data/table-not-found" 404 "No table has this name in this environment."
    RECORD_NOT_FOUND "data/not-found" 404 "No record has this id."
    DUPLICATE_VALUE "data/duplicate-value" 409 "A unique field or index already holds this value."
    AMBIGUOUS_MATCH "data/ambiguous-match" 409 "The match of an upsert hits several records."
    PRECONDITION_FAILED "data/precondition-failed" 412 "The record has changed since the version named by If-Match or ifUpdatedAt."
    DATA_RATE_LIMIT_EXCEEDED "data/rate-limit-exceeded" 429 "Too many data requests or change streams; Retry-After tells when to come back."

    TABLE_ALREADY_EXISTS "table/already-exists" 409 "A table of this name exists already."
    SCHEMA_VALIDATION_FAILED "table/schema-validation-failed" 400 "A table name, field definition or index definition is not valid."
    FIELD_CONFLICT "table/field-conflict" 400 "A field is both added and removed, or the new name is in use."
    REQUIRED_CONFLICT "table/required-conflict" 400 "A field is both added to and removed from the required list."
    SYSTEM_FIELD_PROTECTED "table/system-field-protected" 400 "id, createdBy, createdAt and updatedAt cannot be declared."
    SYSTEM_INDEX_PROTECTED "table/system-index-protected" 400 "Indexes made by the server cannot be changed or removed."
    INDEX_CONFLICT "table/index-conflict" 409 "Two entries of the call contradict each other, or the same index exists under another name."
    FIELD_NOT_FOUND "table/field-not-found" 404 "The table declares no such field."
    SCHEMA_VERSION_NOT_FOUND "table/schema-version-not-found" 404 "The table has no such schema version."
    INDEX_VERSION_NOT_FOUND "table/index-version-not-found" 404 "The table has no such index version."

    INVALID_NAME "user/invalid-name" 400 "A name has 1–100 characters and no control characters."
    INVALID_NICKNAME "user/invalid-nickname" 400 "A nickname has 1–50 characters and no control characters."
    INVALID_ROLE "user/invalid-role" 400 "The role is none of admin, user, guest and the environment's custom roles."
    USER_FORBIDDEN "user/forbidden" 403 "The call, or a field of it, is for the user itself or for admins."
    SLUG_TAKEN "user/slug-taken" 409 "Another user has the slug."
    UNSUPPORTED_HASH "user/unsupported-hash" 400 "A password hash of an import is of a kind, or of costs, that this server does not take."
    IMPORT_CONFLICT "user/import-conflict" 409 "An entry of an import points at no single user it could be merged into."
    USER_NOT_FOUND "user/not-found" 404 "No user of the environment has this id or address."

    FILE_INVALID_NAME "file/invalid-name" 400 "A file name has 1–255 characters, none of them a slash, a backslash or a control character."
    FILE_ORIGINAL_NAME_TOO_LONG "file/original-name-too-long" 400 "The file name is longer than 255 characters."
    FILE_MIME_TYPE_TOO_LONG "file/mime-type-too-long" 400 "The content type is longer than 100 characters."
    FILE_INVALID_FORMAT "file/invalid-format" 400 "The content type is malformed, blocked, not allowed here, or not that of the stored bytes."
    FILE_SIZE_NEGATIVE "file/size-negative" 400 "The size is below zero."
    FILE_S3_KEY_TOO_LONG "file/s3-key-too-long" 400 "The key is longer than 500 characters."
    FILE_TOO_LARGE "file/file-too-large" 400 "The file is larger than was stated, or than its kind may be."
    FILE_TOO_SMALL "file/file-too-small" 400 "The file is smaller than the environment takes."
    FILE_INVALID_PATH "file/invalid-path" 400 "The key was never issued to this environment, or its file was deleted."
    FILE_SIZE_MISMATCH "file/size-mismatch" 400 "The stated size is not that of the stored bytes."
    FILE_CHECKSUM_MISMATCH "file/checksum-mismatch" 400 "The bytes do not have the checksum that was sent with them."
    FILE_INVALID_PART_NUMBER_RANGE "file/invalid-part-number-range" 400 "A part number is an integer of 1 to 10000."
    FILE_INVALID_PARTS_ARRAY "file/invalid-parts-array" 400 "The list of parts is not ascending, or names one that is not stored like that; details name each."
    FILE_INVALID_TRANSFORM "file/invalid-transform" 400 "The size or filter of a picture's address is not one there is."
    FILE_ACCESS_DENIED "file/access-denied" 403 "The caller has no right to this file or upload."
    FILE_URL_EXPIRED "file/url-expired" 403 "The signed URL was good for a time that is over; ask for a new one."
    FILE_SIGNATURE_INVALID "file/signature-invalid" 403 "The signed URL was altered, or used with another method or content type."
    FILE_NOT_FOUND "file/not-found" 404 "There is no such file, or it has no stored bytes."
    FILE_UPLOAD_NOT_FOUND "file/upload-not-found" 404 "The multipart upload is unknown, aborted, completed or expired."
    FILE_UPLOAD_TIMEOUT "file/upload-timeout" 408 "No byte of the upload came for 60 seconds."
    FILE_S3_KEY_ALREADY_EXISTS "file/s3-key-already-exists" 409 "The file is registered already; its bytes never change."
    FILE_UPLOAD_INCOMPLETE "file/upload-incomplete" 409 "The bytes are not there yet; upload them, then register again."
    FILE_UPLOAD_CONFLICT "file/upload-conflict" 409 "The multipart upload was completed already, with another list of parts."
    FILE_PRECONDITION_FAILED "file/precondition-failed" 412 "The object is not as If-Match or If-Unmodified-Since want it."
    FILE_INVALID_RANGE "file/invalid-range" 416 "The range begins beyond the end of the object."
    FILE_BUCKET_NOT_CONFIGURED "file/bucket-not-configured" 500 "The object directory is missing or cannot be written."
    FILE_UPLOAD_INIT_FAILED "file/upload-init-failed" 500 "The multipart upload could not be set up."
    FILE_QUOTA_EXCEEDED "file/quota-exceeded" 507 "The environment would hold more bytes than its quota."

    SCHEMA_DESTRUCTIVE "schema/destructive" 409 "The change would remove stored values; allowDestructive consents."
    SCHEMA_INCOMPATIBLE_VALUES "schema/incompatible-values" 409 "Stored values cannot be converted to the new type; nothing was changed."
    SCHEMA_PLAN_CHANGED "schema/plan-changed" 409 "The environment has changed since the plan was made."
    SCHEMA_INVALID "schema/invalid" 400 "The schema document is not valid."

    IMPORT_UNREADABLE "import/unreadable" 400 "The import can't be read in the named format."

    TENANT_EMAIL_EXISTS "tenant/email-exists" 409 "A developer account has this address already."
    TENANT_SIGNUP_CLOSED "tenant/signup-closed" 403 "Sign-up of developer accounts is closed on this server."
    TENANT_WEAK_PASSWORD "tenant/weak-password" 400 "The password needs at least 10 characters."
    TENANT_INVALID_CREDENTIALS "tenant/invalid-credentials" 401 "Address or password is wrong."
    TENANT_TOO_MANY_ATTEMPTS "tenant/too-many-attempts" 429 "Too many sign-in attempts; Retry-After tells when to come back."
    TENANT_LINK_INVALID "tenant/link-invalid" 400 "No such sign-in link."
    TENANT_LINK_USED "tenant/link-used" 400 "The sign-in link was used already."
    TENANT_LINK_EXPIRED "tenant/link-expired" 400 "The sign-in link has expired."
    TENANT_SIMULATED_DISABLED "tenant/simulated-disabled" 403 "Simulated sign-in exists only on a server that listens on loopback and may show codes in its terminal."
    TENANT_INVALID_CODE "tenant/invalid-code" 401 "The code is wrong, used or has expired, or five wrong ones were typed."
    TENANT_NOT_FOUND "tenant/not-found" 404 "No developer account has this address or id."

    ORGANIZATION_PERMISSION_DENIED "organization/permission-denied" 403 "The role in the organization is too low."
    ORGANIZATION_NOT_FOUND "organization/not-found" 404 "No such organization, or not a member of it."
    ORGANIZATION_SLUG_TAKEN "organization/slug-taken" 409 "Another organization has this slug."
    ORGANIZATION_LAST_OWNER "organization/last-owner" 409 "The last owner cannot leave, be removed or be demoted."
    MEMBER_NOT_FOUND "member/not-found" 404 "No such member of the organization."
    MEMBER_ROLE_TOO_HIGH "member/role-too-high" 403 "Only owners grant, change or remove the roles Admin and Owner."
    MEMBER_ALREADY_MEMBER "member/already-member" 409 "The address belongs to a member already."
    INVITATION_PENDING "invitation/pending" 409 "The address has been invited already and has not answered yet."
    INVITATION_NOT_FOUND "invitation/not-found" 404 "No such invitation."
    INVITATION_NOT_PENDING "invitation/not-pending" 409 "The invitation was answered or cancelled already."
    INVITATION_INVALID "invitation/invalid" 400 "No such invitation, or it was answered, cancelled or sent anew."
    INVITATION_EXPIRED "invitation/expired" 400 "The invitation has expired."
    INVITATION_EMAIL_MISMATCH "invitation/email-mismatch" 403 "The invitation is for another address than that of the account signed in."
    PROJECT_NOT_FOUND "project/not-found" 404 "No such project."
    PROJECT_ALREADY_EXISTS "project/already-exists" 409 "Another project of the organization has this slug."
    PROJECT_TOO_MANY_ORIGINS "project/too-many-origins" 400 "A project lists at most 3 origins."
    PROJECT_INVALID_ORIGIN "project/invalid-origin" 400 "An origin is scheme, host and optional port, without path or wildcard."
    ENVIRONMENT_ALREADY_EXISTS "environment/already-exists" 409 "An environment of this name exists with another type."
    ENVIRONMENT_INVALID_NAME "environment/invalid-name" 400 "An environment name is a lower-case letter followed by up to 31 of a-z, 0-9 and -."
    ENVIRONMENT_LAST "environment/last-environment" 409 "The last environment of a project cannot be deleted."
    ENVIRONMENT_PROTECTED "environment/protected" 403 "AI clients may not change environments of type prod unless that was approved."
    ENVIRONMENT_BUSY "environment/busy" 409 "A restore, reset or clone is running in the environment."
    KEY_NAME_TAKEN "key/name-taken" 409 "Another key of the environment has this name."
    KEY_VALUE_TAKEN "key/value-taken" 409 "The key value is known to this server already."
    KEY_INVALID_VALUE "key/invalid-value" 400 "A key is pk_ or sk_ and 64 lower-case hex characters."
    ACCESS_TOKEN_NOT_FOUND "access-token/not-found" 404 "No such key or token."
    CONNECTION_NOT_FOUND "connection/not-found" 404 "No such connection of an AI client."
    SESSION_NOT_FOUND "session/not-found" 404 "No such session."
    REQUEST_NOT_FOUND "request/not-found" 404 "No such entry in the request log."
    MAIL_NOT_FOUND "mail/not-found" 404 "No such mail in the mailbox."
    JOB_NOT_FOUND "job/not-found" 404 "No such job."
    JOB_FINISHED "job/finished" 409 "The job has ended already."
    SNAPSHOT_NOT_FOUND "snapshot/not-found" 404 "No such snapshot."
    SNAPSHOT_INCOMPATIBLE "snapshot/incompatible" 409 "The snapshot was made by a newer version, or holds one table only."

    SERVER_SMTP_FAILED "server/smtp-failed" 400 "The relay did not take the mail; the message holds its reply."
    DOCS_PAGE_NOT_FOUND "docs/page-not-found" 404 "The manual has no page with this id."

    MANAGEMENT_FORBIDDEN "management/forbidden" 403 "The route is for the server owner, the operator or sessions only."
    MANAGEMENT_CSRF_FAILED "management/csrf-failed" 403 "X-CSRF-Token is missing or wrong."
    MANAGEMENT_CONFIRMATION_REQUIRED "management/confirmation-required" 400 "The call needs confirm=<name>."
    MANAGEMENT_VERSION_CONFLICT "management/version-conflict" 412 "The object has changed since the version named by If-Match."
}

/// One of several things that are wrong.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Detail {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Field, parameter or path, nested with dots: `address.zip`, `lines.0.qty`, `andFilters.age.$in`.
    pub field: String,
    pub rule: String,
    #[serde(flatten, skip_serializing_if = "serde_json::Map::is_empty")]
    #[schema(value_type = Object)]
    pub more: serde_json::Map<String, Value>,
    pub message: String,
}

impl Detail {
    pub fn new(field: impl Into<String>, rule: &str, message: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.to_owned(), message: message.into(), ..Self::default() }
    }

    /// Adds a further member, such as `index`, `value`, `count` or `ids`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.more.insert(key.to_owned(), value.into());
        self
    }
}

/// What a domain operation answers when it does not do what was asked. Boxed inside, so that results stay small.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: &'static Code,
    message: String,
    details: Vec<Detail>,
    /// Further members of the `error` object, such as `count`.
    more: serde_json::Map<String, Value>,
    retry_after: Option<u32>,
    rate_limit: Option<(u32, u32)>,
    /// What went wrong inside; logged, never shown.
    cause: Option<String>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            details: Vec::new(),
            more: serde_json::Map::new(),
            retry_after: (code.status == 503).then_some(1),
            rate_limit: None,
            cause: None,
        }))
    }

    /// An error whose message is that of its first detail.
    pub fn with_details(code: &'static Code, details: Vec<Detail>) -> Self {
        let message = details.first().map_or_else(|| code.meaning.to_owned(), |d| d.message.clone());
        let mut error = Self::new(code, message);
        error.0.details = details;
        error
    }

    /// `data/validation-error` with one detail.
    pub fn validation(field: impl Into<String>, rule: &str, message: impl Into<String>) -> Self {
        Self::with_details(Code::VALIDATION_ERROR, vec![Detail::new(field, rule, message)])
    }

    /// `common/invalid-parameters` naming the parameter.
    pub fn invalid_parameter(name: &str, message: impl Into<String>) -> Self {
        Self::with_details(Code::INVALID_PARAMETERS, vec![Detail::new(name, "parameter", message)])
    }

    /// `common/internal-error`: a bug. The cause goes to the log only.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let mut error = Self::new(Code::INTERNAL_ERROR, "Something went wrong inside the server; its log has the details under this requestId");
        error.0.cause = Some(cause.to_string());
        error
    }

    /// `common/unavailable` with `Retry-After`.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Code::UNAVAILABLE, message)
    }

    /// A 429: `limit` and `remaining` become `X-RateLimit-*`, `retry_after` is in seconds.
    pub fn rate_limited(code: &'static Code, message: impl Into<String>, limit: u32, retry_after: u32) -> Self {
        let mut error = Self::new(code, message);
        error.0.retry_after = Some(retry_after.max(1));
        error.0.rate_limit = Some((limit, 0));
        error
    }

    #[must_use]
    pub fn details(mut self, details: Vec<Detail>) -> Self {
        self.0.details = details;
        self
    }

    /// Adds a member to the `error` object, beside `code` and `message`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.more.insert(key.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Marks every detail with the place of the failing operation in a bulk call.
    #[must_use]
    pub fn at_position(mut self, position: usize, table: Option<&str>) -> Self {
        if self.0.details.is_empty() {
            let message = self.0.message.clone();
            self.0.details.push(Detail::new("", "operation", message));
        }
        for detail in &mut self.0.details {
            detail.position = Some(position);
            detail.table = table.map(str::to_owned);
        }
        self
    }

    pub fn code(&self) -> &'static Code {
        self.0.code
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn detail_list(&self) -> &[Detail] {
        &self.0.details
    }

    pub fn more(&self) -> &serde_json::Map<String, Value> {
        &self.0.more
    }

    /// Seconds for `Retry-After`.
    pub fn retry_after(&self) -> Option<u32> {
        self.0.retry_after
    }

    /// Limit and remaining for `X-RateLimit-*`.
    pub fn rate_limit(&self) -> Option<(u32, u32)> {
        self.0.rate_limit
    }

    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.code.name, self.0.message)
    }
}

impl std::error::Error for Error {}

/// At most 80 characters of what a caller sent, for messages.
pub fn clip(text: &str) -> String {
    let mut out: String = text.chars().take(80).filter(|c| !c.is_control()).collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_domain_slash_slug_and_stands_once() {
        let mut names: Vec<_> = Code::ALL.iter().map(|c| c.name).collect();
        assert!(names.iter().all(|n| n.split('/').count() == 2 && n.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'/' | b'-'))));
        names.sort_unstable();
        assert!(names.windows(2).all(|w| w[0] != w[1]));
    }
}
