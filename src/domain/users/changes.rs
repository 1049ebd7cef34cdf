//! What users may change of themselves, read from a body and applied to a row.

use serde_json::{Map, Value};

use super::fields::{self, Problems, SocialLinks};
use super::image;
use super::profile::Profile;
use super::settings::{NotificationsPatch, OnboardingPatch, PreferencesPatch};
use crate::domain::error::{Code, Error, Result};
use crate::domain::time::Millis;
use crate::store::data::UserRow;
use crate::store::{Reader, StoreError};

/// The part of a user that a route changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Every field of the user itself.
    Whole,
    Profile,
    Preferences,
    Notifications,
    Onboarding,
    PublicSettings,
    /// All of it, the settings with routes of their own included.
    Import,
}

const PROFILE: &[&str] = &["name", "nickname", "mobile", "gender", "bio", "socialLinks", "image"];
const PUBLIC: &[&str] = &["slug", "isPublic"];

impl Part {
    fn takes(self, field: &str) -> bool {
        match self {
            Self::Profile => PROFILE.contains(&field),
            Self::PublicSettings => PUBLIC.contains(&field),
            Self::Whole => PROFILE.contains(&field) || PUBLIC.contains(&field) || matches!(field, "preferences" | "onboardingStatus"),
            Self::Import => Self::Whole.takes(field) || matches!(field, "notifications" | "onboarding"),
            Self::Preferences | Self::Notifications | Self::Onboarding => false,
        }
    }

    /// Whether its route also takes what only admins write.
    pub fn takes_admin_fields(self) -> bool {
        self == Self::Whole
    }
}

/// Checked fields; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    name: Option<String>,
    nickname: Option<Option<String>>,
    image: Option<Option<String>>,
    bio: Option<Option<String>>,
    social_links: Option<SocialLinks>,
    mobile: Option<Option<String>>,
    gender: Option<Option<String>>,
    slug: Option<Option<String>>,
    is_public: Option<bool>,
    preferences: Option<PreferencesPatch>,
    notifications: Option<NotificationsPatch>,
    onboarding: Option<OnboardingPatch>,
}

impl Changes {
    /// Reads what a route takes from its body.
    pub fn parse(body: &Map<String, Value>, part: Part, problems: &mut Problems) -> Self {
        match part {
            Part::Preferences => return Self { preferences: Some(PreferencesPatch::parse(body, "", problems)), ..Self::default() },
            Part::Notifications => return Self { notifications: Some(NotificationsPatch::parse(body, "", problems)), ..Self::default() },
            Part::Onboarding => return Self { onboarding: Some(OnboardingPatch::parse(body, "", problems)), ..Self::default() },
            Part::Whole | Part::Profile | Part::PublicSettings | Part::Import => {}
        }
        let given = |field: &str| body.get(field).filter(|_| part.takes(field));
        let status = given("onboardingStatus").and_then(|v| problems.take(OnboardingPatch::of_status("onboardingStatus", v)));
        Self {
            name: given("name").and_then(|v| problems.take(fields::name(v))),
            nickname: given("nickname").and_then(|v| problems.take(fields::nickname(v))),
            image: given("image").and_then(|v| problems.take(image::parse(v))),
            bio: given("bio").and_then(|v| problems.take(fields::bio(v))),
            social_links: given("socialLinks").and_then(|v| SocialLinks::parse(v, problems)),
            mobile: given("mobile").and_then(|v| problems.take(fields::mobile(v))),
            gender: given("gender").and_then(|v| problems.take(fields::gender(v))),
            slug: given("slug").and_then(|v| problems.take(fields::slug(v))),
            is_public: given("isPublic").and_then(|v| problems.take(fields::boolean("isPublic", v))),
            preferences: object("preferences", given("preferences"), problems).map(|o| PreferencesPatch::parse(o, "preferences.", problems)),
            notifications: object("notifications", given("notifications"), problems).map(|o| NotificationsPatch::parse(o, "notifications.", problems)),
            onboarding: object("onboarding", given("onboarding"), problems).map(|o| OnboardingPatch::parse(o, "onboarding.", problems)).or(status),
        }
    }

    /// Takes the picture away.
    pub fn without_image() -> Self {
        Self { image: Some(None), ..Self::default() }
    }

    /// The URL that is to become the picture.
    pub fn image(&self) -> Option<&str> {
        self.image.as_ref()?.as_deref()
    }

    /// Changes the row. Parallel changes of different fields both hold, since each is applied to the newest row.
    ///
    /// # Errors
    /// 409 `user/slug-taken`.
    pub fn apply(self, r: &Reader<'_>, user: &mut UserRow, profile: &mut Profile, now: Millis) -> Result<()> {
        if let Some(name) = self.name {
            user.name = Some(name);
        }
        for (slot, new) in
            [(&mut profile.nickname, self.nickname), (&mut profile.bio, self.bio), (&mut profile.mobile, self.mobile), (&mut profile.gender, self.gender)]
        {
            if let Some(new) = new {
                *slot = new;
            }
        }
        if let Some(image) = self.image {
            image::write(profile, image);
        }
        if let Some(links) = self.social_links {
            links.apply(&mut profile.social_links);
        }
        if let Some(patch) = self.preferences {
            change(&mut profile.preferences, |preferences| patch.apply(preferences));
        }
        if let Some(patch) = self.notifications {
            change(&mut profile.notifications, |notifications| patch.apply(notifications));
        }
        if let Some(patch) = self.onboarding {
            change(&mut profile.onboarding, |onboarding| patch.apply(onboarding, now));
        }
        if let Some(is_public) = self.is_public {
            user.is_public = is_public;
        }
        if let Some(slug) = self.slug {
            claim(r, user, slug)?;
        }
        Ok(())
    }
}

/// Changes a setting. One that was never set, and is then as it is by default, stays unset: nothing has changed.
fn change<T: Default + PartialEq>(slot: &mut Option<T>, by: impl FnOnce(&mut T)) {
    let was_set = slot.is_some();
    let mut value = slot.take().unwrap_or_default();
    by(&mut value);
    *slot = Some(value).filter(|value| was_set || *value != T::default());
}

fn object<'a>(field: &str, value: Option<&'a Value>, problems: &mut Problems) -> Option<&'a Map<String, Value>> {
    let value = value?;
    let object = value.as_object();
    if object.is_none() {
        problems.note(Error::invalid_parameter(field, format!("{field} must be an object")));
    }
    object
}

fn claim(r: &Reader<'_>, user: &mut UserRow, slug: Option<String>) -> Result<()> {
    if let Some(slug) = &slug
        && r.user_by_slug(slug)?.is_some_and(|owner| owner.id != user.id)
    {
        return Err(Error::new(Code::SLUG_TAKEN, format!("The slug {slug} is taken; choose another")));
    }
    user.slug = slug;
    Ok(())
}

/// A refused row as the error it is: another user has its slug, or its address.
pub fn taken(error: StoreError) -> Error {
    match &error {
        StoreError::Unique(index) if index.contains("slug") => Error::new(Code::SLUG_TAKEN, "The slug is taken; choose another"),
        _ => crate::domain::auth::sign_up::taken(error),
    }
}
