//! Scopes of AI clients: `resource:action` with wildcards on either side (`01-mcp.md` §3.6).

use std::fmt;

/// Every scope, in the order metadata and approval page list them; also the default set.
pub const ALL: &[&str] = &[
    "organization:read",
    "project:read",
    "project:create",
    "project:update",
    "project:delete",
    "environment:read",
    "environment:create",
    "environment:delete",
    "table:read",
    "table:create",
    "table:update",
    "table:delete",
    "table:data:read",
    "table:data:create",
    "table:data:update",
    "table:data:delete",
    "access-token:read",
    "access-token:create",
    "user:read",
    "mail:read",
    "log:read",
];

/// Scopes that people approve together: what stands before the last colon, and its heading.
pub const GROUPS: &[(&str, &str)] = &[
    ("organization", "Organization"),
    ("project", "Project"),
    ("environment", "Environment"),
    ("table", "Table Schema"),
    ("table:data", "Table Data"),
    ("access-token", "Access Token"),
    ("user", "Users"),
    ("mail", "Mail"),
    ("log", "Request Log"),
];

/// What was granted: scopes of [`ALL`], or patterns over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// `*:*`: what whoever may read the data directory has.
    pub fn everything() -> Self {
        Self(vec!["*:*".to_owned()])
    }

    /// `*:read`: what a personal access token of scope `read` has.
    pub fn reading() -> Self {
        Self(vec!["*:read".to_owned()])
    }

    /// Every scope by name.
    pub fn default_set() -> Self {
        Self(ALL.iter().map(|&scope| scope.to_owned()).collect())
    }

    /// The known scopes of a space-separated list, each once, as given; unknown ones are dropped.
    pub fn known(text: &str) -> Self {
        let mut known = Vec::new();
        for scope in text.split_ascii_whitespace().filter(|scope| is_known(scope)) {
            if !known.iter().any(|have| have == scope) {
                known.push(scope.to_owned());
            }
        }
        Self(known)
    }

    /// The known scopes of a request; none, or none known, means the default set.
    pub fn requested(text: Option<&str>) -> Self {
        let known = Self::known(text.unwrap_or_default());
        if known.is_empty() { Self::default_set() } else { known }
    }

    /// What remains when only some of [`GROUPS`] are approved. A pattern that is approved as a whole stays as it is.
    #[must_use]
    pub fn within(&self, groups: &[String]) -> Self {
        let approved = |scope: &str| split(scope).is_some_and(|(resource, _)| groups.iter().any(|group| group == resource));
        let mut kept: Vec<String> = Vec::new();
        for pattern in &self.0 {
            let meant: Vec<&str> = ALL.iter().copied().filter(|scope| matches(pattern, scope)).collect();
            let left: Vec<&str> = meant.iter().copied().filter(|scope| approved(scope)).collect();
            let whole = left.len() == meant.len();
            let next = if whole { vec![pattern.as_str()] } else { left };
            for scope in next {
                if !kept.iter().any(|have| have == scope) {
                    kept.push(scope.to_owned());
                }
            }
        }
        Self(kept)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one scope of [`ALL`] is granted.
    pub fn allow(&self, scope: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, scope))
    }

    /// Whether everything that `narrower` grants is granted here.
    pub fn cover(&self, narrower: &Self) -> bool {
        ALL.iter().all(|scope| !narrower.allow(scope) || self.allow(scope))
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// The last colon separates resource from action.
fn split(scope: &str) -> Option<(&str, &str)> {
    scope.rsplit_once(':')
}

fn is_known(pattern: &str) -> bool {
    ALL.iter().any(|scope| matches(pattern, scope))
}

/// `table:*` does not reach `table:data`.
fn matches(pattern: &str, scope: &str) -> bool {
    let (Some((resource, action)), Some((wanted_resource, wanted_action))) = (split(pattern), split(scope)) else { return false };
    (resource == "*" || resource == wanted_resource) && (action == "*" || action == wanted_action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_colon_separates_resource_from_action_and_either_side_may_be_a_star() {
        for pattern in ["*:*", "table:data:*", "*:read", "table:data:read"] {
            assert!(Scopes::known(pattern).allow("table:data:read"), "{pattern}");
        }
        assert!(!Scopes::known("table:*").allow("table:data:read"), "table:* does not reach table:data");
        assert!(!Scopes::known("*:read").allow("table:data:update"));
    }

    #[test]
    fn unknown_scopes_are_dropped_and_none_known_means_the_default_set() {
        assert_eq!(Scopes::requested(Some("openid email profile")), Scopes::default_set());
        assert_eq!(Scopes::requested(None), Scopes::default_set());
        assert_eq!(Scopes::requested(Some("openid project:read project:read nothing:read")).to_string(), "project:read");
    }

    #[test]
    fn only_approved_groups_remain_and_a_pattern_stays_if_it_remains_whole() {
        let groups = ["project".to_owned(), "table:data".to_owned()];
        let within = |text: &str| Scopes::known(text).within(&groups).to_string();
        assert_eq!(within("project:* table:read"), "project:*");
        assert_eq!(within("*:read project:read"), "project:read table:data:read");
        assert_eq!(within("mail:read"), "");
        let all: Vec<String> = GROUPS.iter().map(|(group, _)| (*group).to_owned()).collect();
        assert_eq!(Scopes::everything().within(&all), Scopes::everything(), "every scope belongs to a group");
    }

    #[test]
    fn a_set_covers_what_is_narrower() {
        assert!(Scopes::everything().cover(&Scopes::default_set()) && Scopes::default_set().cover(&Scopes::everything()));
        assert!(Scopes::known("project:*").cover(&Scopes::known("project:read project:delete")));
        assert!(!Scopes::known("project:read").cover(&Scopes::known("project:*")));
    }
}
