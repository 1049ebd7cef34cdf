//! What the authorization server says no with: the error names of OAuth, which are not those of the REST API.

use crate::domain::error::Error;
use crate::store::StoreError;

/// An `error` of RFC 6749 §4.1.2.1 and §5.2, RFC 7591 §3.2.2 or RFC 8707 §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    InvalidTarget,
    InvalidRedirectUri,
    InvalidClientMetadata,
    UnsupportedGrantType,
    UnsupportedResponseType,
    AccessDenied,
    TemporarilyUnavailable,
    ServerError,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::AccessDenied => "access_denied",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}

/// A request that is answered with an OAuth error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub kind: Kind,
    pub description: String,
}

impl Refusal {
    pub fn new(kind: Kind, description: impl Into<String>) -> Self {
        Self { kind, description: description.into() }
    }
}

/// Why an operation of the authorization server did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The request is at fault.
    Refused(Refusal),
    /// The server is, or it asks for patience.
    Failed(Error),
}

impl Failure {
    pub fn refused(kind: Kind, description: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(kind, description))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
