//! What a user tells of itself, as it is stored beside its row.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::settings::{Notifications, Onboarding, Preferences};
use crate::domain::error::{Error, Result};

/// Every member is absent until it is set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// `github`, `twitter`, `linkedin`, as far as they are set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub social_links: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferences: Option<Preferences>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifications: Option<Notifications>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onboarding: Option<Onboarding>,
    /// Whatever else is kept here.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Profile {
    pub fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(Error::internal)
    }

    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(Error::internal)
    }

    /// The language of mails, if the user has chosen one.
    pub fn locale(&self) -> Option<&str> {
        self.preferences.as_ref()?.locale.as_deref()
    }
}
