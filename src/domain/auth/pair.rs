//! What signing up or in answers (`03-auth.md` §2).

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::users::Me;

/// Tokens of a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenPair {
    pub access_token: String,
    /// Absent for impersonation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds the access token lives.
    pub expires_in: i64,
    /// Absent from `refresh` and `switch-organization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Me>,
    /// Of callbacks and `mfa/verify`: whether this made the user.
    #[serde(rename = "is_new_user", skip_serializing_if = "Option::is_none")]
    pub is_new_user: Option<bool>,
}
