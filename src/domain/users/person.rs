//! A user as others, itself and admins see it (`04-users.md` §2).

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::image;
use super::me::LinkedAccount;
use super::profile::Profile;
use super::settings::{Notifications, OnboardingView, Preferences, PublicSettings};
use crate::domain::auth::{mfa, tokens};
use crate::domain::environment::Environment;
use crate::domain::error::Result;
use crate::domain::time;
use crate::store::Reader;
use crate::store::data::{AccountRow, UserRow};

/// A user with everything that stands elsewhere.
#[derive(Clone)]
pub struct Person {
    pub row: UserRow,
    pub profile: Profile,
    pub accounts: Vec<AccountRow>,
    mfa_enabled: bool,
    environment: Arc<Environment>,
    /// Of the URLs handed out.
    base: String,
}

/// What everybody may see.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicUser {
    pub id: String,
    pub name: Option<String>,
    pub nickname: Option<String>,
    pub image: Option<String>,
    pub created_at: String,
    #[serde(flatten)]
    pub open: Option<OpenProfile>,
}

/// What everybody may see of users whose profile is public.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenProfile {
    pub bio: Option<String>,
    #[schema(value_type = Object)]
    pub social_links: Map<String, Value>,
    pub slug: Option<String>,
}

/// A user as it sees itself, and as admins do.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub id: String,
    pub name: Option<String>,
    pub nickname: Option<String>,
    pub image: Option<String>,
    pub created_at: String,
    pub bio: Option<String>,
    /// `github`, `twitter`, `linkedin`, as far as they are set.
    #[schema(value_type = Object)]
    pub social_links: Map<String, Value>,
    pub slug: Option<String>,
    pub is_public: bool,
    pub email: Option<String>,
    /// When the address was verified.
    pub email_verified: Option<String>,
    /// `admin`, `user`, `guest` or one of the environment's `customRoles`.
    pub role: String,
    /// In international form (E.164).
    pub mobile: Option<String>,
    /// `none`, `male`, `female`, `etc`.
    pub gender: Option<String>,
    pub preferences: Preferences,
    pub onboarding_status: String,
    pub mfa_enabled: bool,
    pub is_anonymous: bool,
    pub last_login_at: Option<String>,
    pub updated_at: String,
    /// In lists only with `includeAccounts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<LinkedAccount>>,
    #[serde(flatten)]
    pub standing: Option<Standing>,
}

/// What only admins see.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    pub banned: bool,
    pub banned_until: Option<String>,
    pub ban_reason: Option<String>,
    pub deleted_at: Option<String>,
}

/// A user, as much of it as the caller may see.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum UserAnswer {
    Whole(Box<User>),
    Public(Box<PublicUser>),
}

/// What a user tells of itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileView {
    pub id: String,
    pub name: Option<String>,
    pub nickname: Option<String>,
    pub email: Option<String>,
    pub mobile: Option<String>,
    pub gender: Option<String>,
    pub bio: Option<String>,
    #[schema(value_type = Object)]
    pub social_links: Map<String, Value>,
    pub image: Option<String>,
}

impl Person {
    /// `base`: scheme and host of the URLs handed out.
    pub fn read(r: &Reader<'_>, environment: &Arc<Environment>, row: UserRow, base: &str) -> Result<Self> {
        let profile = Profile::parse(&row.profile)?;
        let (accounts, mfa_enabled) = (r.accounts_of(&row.id)?, mfa::is_enabled(r, &row.id)?);
        Ok(Self { row, profile, accounts, mfa_enabled, environment: Arc::clone(environment), base: base.to_owned() })
    }

    /// The role that counts.
    pub fn role(&self) -> String {
        self.environment.effective_role(&self.row.role)
    }

    /// Whether a ban holds now.
    pub fn is_banned(&self) -> bool {
        tokens::is_banned(self.row.banned, self.row.banned_until, self.environment.now())
    }

    /// As admins see it now: a ban whose time has passed is none.
    pub fn standing(&self) -> Standing {
        let holds = self.is_banned();
        Standing {
            banned: holds,
            banned_until: self.row.banned_until.filter(|_| holds).map(time::iso),
            ban_reason: self.row.ban_reason.clone().filter(|_| holds),
            deleted_at: self.row.deleted_at.map(time::iso),
        }
    }

    pub fn public(&self) -> PublicUser {
        PublicUser {
            id: self.row.id.clone(),
            name: self.row.name.clone(),
            nickname: self.profile.nickname.clone(),
            image: image::shown(&self.profile, &self.base),
            created_at: time::iso(self.row.created_at),
            open: self.row.is_public.then(|| OpenProfile {
                bio: self.profile.bio.clone(),
                social_links: self.profile.social_links.clone(),
                slug: self.row.slug.clone(),
            }),
        }
    }

    /// Every field; those of admins only for them.
    pub fn whole(&self, for_admin: bool) -> User {
        let (row, profile) = (&self.row, &self.profile);
        User {
            id: row.id.clone(),
            name: row.name.clone(),
            nickname: profile.nickname.clone(),
            image: image::shown(profile, &self.base),
            created_at: time::iso(row.created_at),
            bio: profile.bio.clone(),
            social_links: profile.social_links.clone(),
            slug: row.slug.clone(),
            is_public: row.is_public,
            email: row.email.clone(),
            email_verified: row.email_verified.map(time::iso),
            role: self.role(),
            mobile: profile.mobile.clone(),
            gender: profile.gender.clone(),
            preferences: profile.preferences.clone().unwrap_or_default(),
            onboarding_status: profile.onboarding.clone().unwrap_or_default().status,
            mfa_enabled: self.mfa_enabled,
            is_anonymous: row.is_anonymous,
            last_login_at: row.last_login_at.map(time::iso),
            updated_at: time::iso(row.updated_at),
            accounts: Some(self.linked_accounts()),
            standing: for_admin.then(|| self.standing()),
        }
    }

    fn linked_accounts(&self) -> Vec<LinkedAccount> {
        let each = |a: &AccountRow| LinkedAccount { provider: a.provider.clone(), provider_account_id: a.provider_account_id.clone() };
        self.accounts.iter().map(each).collect()
    }

    /// What it tells of itself; others see what is public of that.
    pub fn profile(&self, for_others: bool) -> ProfileView {
        let (row, profile) = (&self.row, &self.profile);
        let (own, open) = (!for_others, !for_others || row.is_public);
        ProfileView {
            id: row.id.clone(),
            name: row.name.clone(),
            nickname: profile.nickname.clone(),
            email: row.email.clone().filter(|_| own),
            mobile: profile.mobile.clone().filter(|_| own),
            gender: profile.gender.clone().filter(|_| own),
            bio: profile.bio.clone().filter(|_| open),
            social_links: if open { profile.social_links.clone() } else { Map::new() },
            image: image::shown(profile, &self.base),
        }
    }

    pub fn preferences(&self) -> Preferences {
        self.profile.preferences.clone().unwrap_or_default()
    }

    pub fn notifications(&self) -> Notifications {
        self.profile.notifications.clone().unwrap_or_default()
    }

    pub fn onboarding(&self) -> OnboardingView {
        self.profile.onboarding.clone().unwrap_or_default().into()
    }

    pub fn public_settings(&self) -> PublicSettings {
        PublicSettings { slug: self.row.slug.clone(), is_public: self.row.is_public }
    }
}
