//! Where a browser may be sent: `callbackUrl`, `redirect` and `redirectUri` (`03-auth.md` §4). Compared after parsing,
//! never as text.

use url::{Origin, Url};

use super::Visit;
use super::config::AuthConfig;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::project::Project;

const MAX_LENGTH: usize = 2048;
/// Schemes that run or show what they carry instead of leading to an app.
const NEVER: [&str; 14] =
    ["javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source", "ws", "wss", "ftp", "jar", "mailto", "intent"];

/// Which parameter an address came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    CallbackUrl,
    Redirect,
    RedirectUri,
}

impl Parameter {
    fn name(self) -> &'static str {
        match self {
            Self::CallbackUrl => "callbackUrl",
            Self::Redirect => "redirect",
            Self::RedirectUri => "redirectUri",
        }
    }
}

/// An address that a browser may be sent to from this environment.
///
/// # Errors
/// 400 `auth/invalid-url`.
pub fn check(config: &AuthConfig, project: &Project, visit: &Visit, parameter: Parameter, text: &str) -> Result<Url> {
    check_in(Some((config, project)), visit, parameter, text)
}

/// The same for no environment in particular: this machine and this server only.
///
/// # Errors
/// 400 `auth/invalid-url`.
pub fn check_anywhere(visit: &Visit, parameter: Parameter, text: &str) -> Result<Url> {
    check_in(None, visit, parameter, text)
}

fn check_in(place: Option<(&AuthConfig, &Project)>, visit: &Visit, parameter: Parameter, text: &str) -> Result<Url> {
    let name = parameter.name();
    let refuse = |why: &str| Err(Error::new(Code::INVALID_URL, format!("{name} {why}, not \"{}\"", clip(text))));
    let Some(url) = parse(text) else {
        return refuse("must be an absolute URL of at most 2048 characters, without user name or password");
    };
    if parameter != Parameter::CallbackUrl && url.fragment().is_some() {
        return refuse("must have no fragment");
    }
    if is_allowed(place, visit, &url) {
        return Ok(url);
    }
    refuse("must be on localhost, on this server, on an origin of the project or in redirectAllowList")
}

fn is_allowed(place: Option<(&AuthConfig, &Project)>, visit: &Visit, url: &Url) -> bool {
    let is_web = matches!(url.scheme(), "http" | "https");
    if is_web {
        if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            return true;
        }
        let origin = url.origin();
        if Url::parse(&visit.own_url).is_ok_and(|own| own.origin() == origin)
            || place.is_some_and(|(_, project)| project.allows_origin(&origin.ascii_serialization()))
        {
            return true;
        }
    }
    place.into_iter().flat_map(|(config, _)| &config.urls.redirect_allow_list).any(|entry| match entry.as_str() {
        "*" => is_web && visit.loopback_only,
        entry => matches_entry(entry, url),
    })
}

/// Whether an entry of the list other than `*` covers an address.
fn matches_entry(entry: &str, url: &Url) -> bool {
    if let Some(scheme) = entry.strip_suffix("://*") {
        return !matches!(url.scheme(), "http" | "https") && scheme.eq_ignore_ascii_case(url.scheme());
    }
    let (entry, prefix) = entry.strip_suffix('*').map_or((entry, false), |start| (start, true));
    let Some(listed) = parse(entry) else { return false };
    let same_place = listed.scheme() == url.scheme() && listed.host_str() == url.host_str() && listed.port_or_known_default() == url.port_or_known_default();
    same_place && if prefix { url.path().starts_with(listed.path()) } else { url.path() == listed.path() }
}

/// An absolute address that is not dangerous in itself.
fn parse(text: &str) -> Option<Url> {
    // The parser forgives white space and back slashes; browsers and apps may not agree with it on what they mean.
    if text.is_empty() || text.chars().count() > MAX_LENGTH || text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && !NEVER.contains(&url.scheme());
    let is_web = matches!(url.scheme(), "http" | "https");
    let placed = if is_web { matches!(url.origin(), Origin::Tuple(..)) } else { text[url.scheme().len()..].starts_with("://") };
    (plain && placed).then_some(url)
}

/// Whether an address could be sent to at all.
pub(super) fn is_usable(text: &str) -> bool {
    parse(text).is_some()
}

/// Whether it is an `http` or `https` address.
pub(super) fn is_web_url(text: &str) -> bool {
    parse(text).is_some_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Whether a text can stand in `redirectAllowList`.
pub(super) fn is_list_entry(entry: &str) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some(scheme) = entry.strip_suffix("://*") {
        let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let lower = scheme.to_ascii_lowercase();
        return named && !NEVER.contains(&lower.as_str()) && !matches!(lower.as_str(), "http" | "https");
    }
    let start = entry.strip_suffix('*').unwrap_or(entry);
    !start.contains('*') && parse(start).is_some()
}

/// Adds parameters to the query of an address, before any fragment; same-named ones are replaced, the rest stays as it is.
#[must_use]
pub fn with_parameters(url: &Url, parameters: &[(&str, &str)]) -> Url {
    let mut url = url.clone();
    let kept = url.query().unwrap_or_default().split('&').filter(|pair| {
        let name = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.into_owned());
        name.is_some_and(|name| !parameters.iter().any(|(own, _)| *own == name))
    });
    let mut query = kept.collect::<Vec<_>>().join("&");
    let start = if query.is_empty() { 0 } else { query.len() + 1 };
    if start > 0 {
        query.push('&');
    }
    let query = url::form_urlencoded::Serializer::for_suffix(query, start).extend_pairs(parameters).finish();
    url.set_query(Some(&query));
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::control::ProjectRow;

    fn project() -> Project {
        let row = ProjectRow { cors_origins: r#"["https://shop.example"]"#.into(), settings: "{}".into(), ..ProjectRow::default() };
        Project::from_row(&row).unwrap()
    }

    fn allowed(list: &[&str], loopback_only: bool, url: &str) -> bool {
        let mut config = AuthConfig::default();
        config.urls.redirect_allow_list = list.iter().map(ToString::to_string).collect();
        let visit = Visit { own_url: "https://api.harbor.test".into(), loopback_only, ..Visit::default() };
        check(&config, &project(), &visit, Parameter::CallbackUrl, url).is_ok()
    }

    #[test]
    fn this_machine_this_server_and_the_origins_of_the_project_are_allowed() {
        for url in [
            "http://localhost:5173/in?x=1#top",
            "https://localhost/",
            "http://127.0.0.1:1/a",
            "http://[::1]:8080/",
            "https://api.harbor.test/x",
            "https://shop.example/deep/path",
        ] {
            assert!(allowed(&[], true, url), "{url}");
        }
        for url in [
            "",
            "/in",
            "localhost:5173/in",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            "http://evil.example/?localhost",
            "https://shop.example:8443/",
            "http://shop.example/",
            "https://shop.example.evil.example/",
            "javascript:alert(1)",
            "JavaScript://localhost/%0aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "http://user:pw@localhost/",
            "http:\\\\localhost\\x",
            "http://localhost/\u{0}",
            " http://localhost/",
            "myapp://cb",
            "//localhost/",
            "blob:http://localhost/x",
        ] {
            assert!(!allowed(&[], true, url), "{url}");
        }
        assert!(!allowed(&[], true, &format!("http://localhost/{}", "a".repeat(2048))));
    }

    #[test]
    fn entries_of_the_list_are_compared_after_parsing() {
        let full = ["https://app.example/cb"];
        assert!(allowed(&full, true, "https://APP.example:443/cb?any=query"));
        for other in ["https://app.example/cb/x", "https://app.example/", "http://app.example/cb", "https://app.example:8443/cb", "https://xapp.example/cb"] {
            assert!(!allowed(&full, true, other), "{other}");
        }
        let prefix = ["https://app.example/in/*"];
        assert!(allowed(&prefix, true, "https://app.example/in/a/b"));
        assert!(!allowed(&prefix, true, "https://app.example/in/../out") && !allowed(&prefix, true, "https://app.example/in/%2e%2e/out"));
        assert!(!allowed(&["https://app.example*"], true, "https://app.example.evil.example/"));
        assert!(allowed(&["myapp://*"], true, "myapp://cb?x=1") && allowed(&["myapp://*"], true, "MyApp://other/path"));
        assert!(!allowed(&["myapp://*"], true, "myapp2://cb") && !allowed(&["myapp://*"], true, "myapp:cb"));
        assert!(allowed(&["myapp://cb/done"], true, "myapp://cb/done") && !allowed(&["myapp://cb/done"], true, "myapp://cb/else"));
    }

    #[test]
    fn a_star_holds_on_loopback_only_and_never_for_dangerous_schemes() {
        assert!(allowed(&["*"], true, "https://anything.example/x") && !allowed(&["*"], false, "https://anything.example/x"));
        assert!(!allowed(&["*"], true, "javascript:alert(1)") && !allowed(&["*"], true, "other://x"));
        for bad in ["", "javascript://*", "data:*", "https://*.example/", "https://*", "http://*", "**", "/x", "https://u:p@a.example/"] {
            assert!(!is_list_entry(bad), "{bad}");
        }
    }

    #[test]
    fn parameters_join_the_query_before_the_fragment_and_replace_their_namesakes() {
        let with = |url: &str, parameters: &[(&str, &str)]| with_parameters(&Url::parse(url).unwrap(), parameters).to_string();
        assert_eq!(with("http://localhost:5173/in?x=1", &[("token", "ab")]), "http://localhost:5173/in?x=1&token=ab");
        assert_eq!(with("http://localhost/#top", &[("a", "ü &")]), "http://localhost/?a=%C3%BC+%26#top");
        assert_eq!(with("http://localhost/?token=old&y=%20&tok%65n=z", &[("token", "new")]), "http://localhost/?y=%20&token=new");
        assert_eq!(with("myapp://cb", &[("token", "t")]), "myapp://cb?token=t");
    }

    #[test]
    fn redirects_have_no_fragment() {
        let (config, project) = (AuthConfig::default(), project());
        let check = |parameter| check(&config, &project, &Visit::default(), parameter, "http://localhost/#x");
        assert!(check(Parameter::CallbackUrl).is_ok());
        assert!(check(Parameter::Redirect).is_err() && check(Parameter::RedirectUri).is_err());
    }
}
