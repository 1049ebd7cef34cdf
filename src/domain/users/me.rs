//! A user as it sees itself (`03-auth.md` §2, "Me").

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::image;
use super::profile::Profile;
use super::settings::{Onboarding, Preferences};
use crate::domain::auth::mfa;
use crate::domain::environment::Environment;
use crate::domain::error::Result;
use crate::domain::time;
use crate::store::Reader;
use crate::store::data::UserRow;

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    pub id: String,
    pub role: String,
    pub name: Option<String>,
    pub nickname: Option<String>,
    pub email: Option<String>,
    /// When the address was verified.
    pub email_verified: Option<String>,
    pub image: Option<String>,
    pub mobile: Option<String>,
    pub gender: Option<String>,
    pub bio: Option<String>,
    /// `github`, `twitter`, `linkedin`, as far as they are set.
    #[schema(value_type = Object)]
    pub social_links: Map<String, Value>,
    pub preferences: Preferences,
    pub onboarding_status: String,
    pub mfa_enabled: bool,
    pub is_anonymous: bool,
    pub accounts: Vec<LinkedAccount>,
    pub last_login_at: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// A way a user can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkedAccount {
    /// `email`, `google` or `github`.
    pub provider: String,
    pub provider_account_id: String,
}

impl Me {
    /// The user of a row, with what stands elsewhere.
    /// `base`: scheme and host of the URLs handed out.
    pub fn read(r: &Reader<'_>, environment: &Environment, user: &UserRow, base: &str) -> Result<Self> {
        let profile = Profile::parse(&user.profile)?;
        let accounts = r.accounts_of(&user.id)?.into_iter();
        Ok(Self {
            id: user.id.clone(),
            role: environment.effective_role(&user.role),
            name: user.name.clone(),
            image: image::shown(&profile, base),
            nickname: profile.nickname,
            email: user.email.clone(),
            email_verified: user.email_verified.map(time::iso),
            mobile: profile.mobile,
            gender: profile.gender,
            bio: profile.bio,
            social_links: profile.social_links,
            preferences: profile.preferences.unwrap_or_default(),
            onboarding_status: profile.onboarding.unwrap_or_else(Onboarding::default).status,
            mfa_enabled: mfa::is_enabled(r, &user.id)?,
            is_anonymous: user.is_anonymous,
            accounts: accounts.map(|a| LinkedAccount { provider: a.provider, provider_account_id: a.provider_account_id }).collect(),
            last_login_at: user.last_login_at.map(time::iso),
            created_at: time::iso(user.created_at),
            updated_at: time::iso(user.updated_at),
        })
    }
}
