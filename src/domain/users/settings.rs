//! What a user sets for itself: preferences, notifications, how far it came in getting started (`04-users.md` §5).

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::fields::{self, Problems};
use crate::domain::error::{Error, Result};
use crate::domain::time::{self, Millis};

/// Characters of a locale.
const LOCALE: usize = 35;
/// Characters of the name of a step.
const STEP: usize = 100;
/// Bytes of an app's own data about getting started, as JSON text.
const DATA: usize = 16 * 1024;
/// Levels of it: what is stored has to be read again, some levels deeper.
const DEPTH: usize = 64;
const THEMES: &[&str] = &["light", "dark", "system"];
const STATES: &[&str] = &["pending", "in_progress", "completed", "skipped"];

/// The shape of a language tag (BCP 47 §2.1): subtags of letters and digits, the first of letters only.
static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new("^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$").expect("the pattern is sound"));

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Preferences {
    /// BCP 47, such as `ko` or `pt-BR`; also picks the language of mails.
    pub locale: Option<String>,
    /// IANA name, such as `Asia/Seoul`.
    pub timezone: Option<String>,
    /// `light`, `dark` or `system`.
    pub theme: Option<String>,
}

/// What the app may send its user; stored for the app to honour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Notifications {
    pub service: bool,
    pub marketing: bool,
    pub push: bool,
    pub email: bool,
    pub sms: bool,
    /// Between 22:00 and 08:00 in the user's `timezone`.
    pub night_time: bool,
    pub security_alerts: bool,
}

impl Default for Notifications {
    fn default() -> Self {
        Self { service: true, marketing: false, push: true, email: true, sms: false, night_time: false, security_alerts: true }
    }
}

/// As it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Onboarding {
    /// `pending`, `in_progress`, `completed` or `skipped`.
    pub status: String,
    pub step: Option<String>,
    /// The app's own.
    pub data: Map<String, Value>,
    pub completed_at: Option<Millis>,
    pub updated_at: Option<Millis>,
}

impl Default for Onboarding {
    fn default() -> Self {
        Self { status: "pending".to_owned(), step: None, data: Map::new(), completed_at: None, updated_at: None }
    }
}

/// As it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnboardingView {
    /// `pending`, `in_progress`, `completed` or `skipped`.
    pub status: String,
    /// Same as `status`.
    pub onboarding_status: String,
    pub step: Option<String>,
    #[schema(value_type = Object)]
    pub data: Map<String, Value>,
    /// When `completed` was reached.
    pub completed_at: Option<String>,
    pub updated_at: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicSettings {
    /// Unique in the environment; finds the user only while `isPublic`.
    pub slug: Option<String>,
    /// Whether bio, links and slug are for everybody.
    pub is_public: bool,
}

impl From<Onboarding> for OnboardingView {
    fn from(o: Onboarding) -> Self {
        let iso = |at: Option<Millis>| at.map(time::iso);
        Self {
            onboarding_status: o.status.clone(),
            status: o.status,
            step: o.step,
            data: o.data,
            completed_at: iso(o.completed_at),
            updated_at: iso(o.updated_at),
        }
    }
}

/// New preferences; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct PreferencesPatch {
    locale: Option<Option<String>>,
    timezone: Option<Option<String>>,
    theme: Option<Option<String>>,
}

impl PreferencesPatch {
    /// Reads the members of an object; `at` is what its fields are called in errors, such as `preferences.`.
    pub fn parse(object: &Map<String, Value>, at: &str, problems: &mut Problems) -> Self {
        let mut field = |name: &str, check: fn(&str, &Value) -> Result<Option<String>>| {
            let value = object.get(name)?;
            problems.take(check(&format!("{at}{name}"), value))
        };
        Self { locale: field("locale", locale), timezone: field("timezone", timezone), theme: field("theme", theme) }
    }

    pub fn apply(self, preferences: &mut Preferences) {
        set(&mut preferences.locale, self.locale);
        set(&mut preferences.timezone, self.timezone);
        set(&mut preferences.theme, self.theme);
    }
}

fn set<T>(slot: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *slot = new;
    }
}

fn locale(field: &str, value: &Value) -> Result<Option<String>> {
    let rule = "a language tag such as ko or pt-BR";
    fields::text_where(field, value, rule, |text| (text.len() <= LOCALE && TAG.is_match(text)).then(|| text.to_owned()))
}

fn timezone(field: &str, value: &Value) -> Result<Option<String>> {
    fields::text_where(field, value, "an IANA time zone such as Asia/Seoul", |text| {
        // The list inside the program, so that every machine knows the same names.
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(text).ok()?;
        zone.iana_name().map(str::to_owned)
    })
}

fn theme(field: &str, value: &Value) -> Result<Option<String>> {
    one_of(field, value, THEMES)
}

fn one_of(field: &str, value: &Value, words: &[&str]) -> Result<Option<String>> {
    fields::text_where(field, value, &format!("one of {}", words.join(", ")), |text| words.contains(&text).then(|| text.to_owned()))
}

/// New notification settings; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct NotificationsPatch(Vec<(&'static str, bool)>);

impl NotificationsPatch {
    const NAMES: [&'static str; 7] = ["service", "marketing", "push", "email", "sms", "nightTime", "securityAlerts"];

    /// As [`PreferencesPatch::parse`].
    pub fn parse(object: &Map<String, Value>, at: &str, problems: &mut Problems) -> Self {
        let given = Self::NAMES.into_iter().filter_map(|name| Some((name, object.get(name)?)));
        Self(given.filter_map(|(name, value)| Some((name, problems.take(fields::boolean(&format!("{at}{name}"), value))?))).collect())
    }

    pub fn apply(self, n: &mut Notifications) {
        for (name, value) in self.0 {
            let slot = match name {
                "service" => &mut n.service,
                "marketing" => &mut n.marketing,
                "push" => &mut n.push,
                "email" => &mut n.email,
                "sms" => &mut n.sms,
                "nightTime" => &mut n.night_time,
                _ => &mut n.security_alerts,
            };
            *slot = value;
        }
    }
}

/// How far somebody came; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct OnboardingPatch {
    status: Option<String>,
    step: Option<Option<String>>,
    data: Option<Map<String, Value>>,
}

impl OnboardingPatch {
    /// As [`PreferencesPatch::parse`].
    pub fn parse(object: &Map<String, Value>, at: &str, problems: &mut Problems) -> Self {
        let status = object.get_key_value("status").or_else(|| object.get_key_value("onboardingStatus"));
        let status = status.and_then(|(name, value)| problems.take(Self::state(&format!("{at}{name}"), value)));
        let step = object.get("step").and_then(|value| problems.take(fields::line(&format!("{at}step"), value, STEP)));
        let data = object.get("data").and_then(|value| problems.take(own_data(&format!("{at}data"), value)));
        Self { status, step, data }
    }

    /// The status alone.
    pub fn of_status(field: &str, value: &Value) -> Result<Self> {
        Ok(Self { status: Some(Self::state(field, value)?), ..Self::default() })
    }

    fn state(field: &str, value: &Value) -> Result<String> {
        one_of(field, value, STATES)?.ok_or_else(|| Error::invalid_parameter(field, format!("{field} must be one of {}", STATES.join(", "))))
    }

    pub fn apply(self, onboarding: &mut Onboarding, now: Millis) {
        let before = onboarding.clone();
        set(&mut onboarding.status, self.status);
        set(&mut onboarding.step, self.step);
        set(&mut onboarding.data, self.data);
        if onboarding.status != "completed" {
            onboarding.completed_at = None;
        } else if before.status != "completed" {
            onboarding.completed_at = Some(now);
        }
        if *onboarding != before {
            onboarding.updated_at = Some(now);
        }
    }
}

fn own_data(field: &str, value: &Value) -> Result<Map<String, Value>> {
    let object = value.as_object().ok_or_else(|| Error::invalid_parameter(field, format!("{field} must be an object")))?;
    if !is_within(value, DEPTH) {
        return Err(Error::invalid_parameter(field, format!("{field} must be nested at most {DEPTH} levels deep")));
    }
    if value.to_string().len() > DATA {
        return Err(Error::invalid_parameter(field, format!("{field} must be at most {} KiB of JSON", DATA / 1024)));
    }
    Ok(object.clone())
}

/// Whether a value has at most so many levels of objects and lists.
fn is_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Object(members) => levels > 0 && members.values().all(|member| is_within(member, levels - 1)),
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_within(item, levels - 1)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn locales_and_time_zones_are_those_there_are() {
        for good in ["ko", "pt-BR", "zh-Hant-TW", "de-CH-1901"] {
            assert_eq!(locale("locale", &json!(good)).unwrap().as_deref(), Some(good));
        }
        for bad in ["", "k", "ko_KR", "ko-", "-ko", "1a", "한국어", "ko-KR\n", "a123456789", &"ko-abcdefgh".repeat(4)] {
            assert!(locale("locale", &json!(bad)).is_err(), "{bad:?}");
        }
        for (given, name) in
            [("Asia/Seoul", "Asia/Seoul"), ("asia/seoul", "Asia/Seoul"), ("UTC", "UTC"), ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires")]
        {
            assert_eq!(timezone("timezone", &json!(given)).unwrap().as_deref(), Some(name));
        }
        for bad in ["", "Seoul", "Asia/Nowhere", "+09:00", "../etc/passwd", "posix/Asia/Seoul", "Asia/Seoul\0"] {
            assert!(timezone("timezone", &json!(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(locale("locale", &Value::Null).unwrap(), None);
    }

    #[test]
    fn completion_is_noted_once_and_forgotten_on_leaving() {
        let mut onboarding = Onboarding::default();
        let status = |name: &str| OnboardingPatch::of_status("status", &json!(name)).unwrap();
        status("completed").apply(&mut onboarding, 10);
        status("completed").apply(&mut onboarding, 20);
        assert_eq!((onboarding.completed_at, onboarding.updated_at), (Some(10), Some(10)));
        status("in_progress").apply(&mut onboarding, 30);
        assert_eq!((onboarding.completed_at, onboarding.updated_at), (None, Some(30)));
    }
}
