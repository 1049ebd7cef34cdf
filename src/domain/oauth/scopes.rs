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
    fn a_set_covers_what_is_narrower() {
        assert!(Scopes::everything().cover(&Scopes::default_set()) && Scopes::default_set().cover(&Scopes::everything()));
        assert!(Scopes::known("project:*").cover(&Scopes::known("project:read project:delete")));
        assert!(!Scopes::known("project:read").cover(&Scopes::known("project:*")));
    }
}
