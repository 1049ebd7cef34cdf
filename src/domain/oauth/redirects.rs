//! Where codes are sent: which redirect URIs clients may register, when one is a registered one, and the address of the
//! redirect itself (`01-mcp.md` §3.2, §3.3; RFC 8252 §7).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use url::{Host, Url};

/// Characters of a redirect URI.
const LONGEST: usize = 2_048;
/// Schemes that run something, read something or lead into another program's inside.
const REFUSED: &[&str] = &["javascript", "data", "file", "blob", "about", "vbscript", "ftp", "ws", "wss", "mailto", "intent", "chrome-extension"];
/// What stays as it is in a query: the unreserved characters of RFC 3986 §2.3.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a redirect URI is refused, as a sentence about it; `None` if it is acceptable.
pub fn objection(uri: &str) -> Option<String> {
    if uri.len() > LONGEST {
        return Some(format!("is longer than {LONGEST} characters"));
    }
    if !uri.bytes().all(|b| b.is_ascii_graphic()) || uri.contains(['\\', '"', '<', '>']) {
        return Some("contains characters that have to be percent-encoded".to_owned());
    }
    if uri.contains('#') {
        return Some("has a fragment".to_owned());
    }
    if uri.contains('*') {
        return Some("has a wildcard".to_owned());
    }
    let Ok(url) = Url::parse(uri) else { return Some("is not an absolute URI".to_owned()) };
    if REFUSED.contains(&url.scheme()) {
        return Some(format!("has the scheme {}, which is never redirected to", url.scheme()));
    }
    if !uri.contains("://") {
        return Some("needs :// after its scheme".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("carries a user name".to_owned());
    }
    match url.scheme() {
        "http" if !is_loopback(&url) => Some("is http on another host than localhost, 127.0.0.1 and [::1]; use https".to_owned()),
        _ => None,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(ip)) => ip == std::net::Ipv6Addr::LOCALHOST,
        None => false,
    }
}

/// Whether it is `http` on this machine.
pub fn is_loopback_http(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| url.scheme() == "http" && is_loopback(&url))
}

/// Whether the browser hands it to a program instead of loading it.
pub fn is_private(uri: &str) -> bool {
    !Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Whether a URI is a registered one: equal character by character, except that the port of a loopback `http` URI is free
/// (RFC 8252 §7.3) and an empty path equals `/`.
pub fn matches(registered: &str, given: &str) -> bool {
    if registered == given {
        return true;
    }
    let (Some(own), Some(other)) = (Parts::of(registered), Parts::of(given)) else { return false };
    let same_host = if is_loopback_http(registered) && is_loopback_http(given) {
        without_port(own.authority) == without_port(other.authority)
    } else {
        own.authority == other.authority
    };
    own.scheme == other.scheme && same_host && own.path == other.path && own.query == other.query
}

struct Parts<'a> {
    scheme: &'a str,
    authority: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        Some(Self { scheme, authority, path: if path.is_empty() { "/" } else { path }, query })
    }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    }
}

/// What people are shown of a redirect URI: `localhost:49190`, `claude.ai`, `cursor://anysphere.cursor-mcp`.
pub fn display_host(uri: &str) -> String {
    let Ok(url) = Url::parse(uri) else { return uri.to_owned() };
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    if is_private(uri) { format!("{}://{host}{port}", url.scheme()) } else { format!("{host}{port}") }
}

/// A finished redirect to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    pub location: String,
    /// A program is to open it, not the browser.
    pub private: bool,
}

impl Redirect {
    /// A redirect with parameters, the client's `state` and `iss` (RFC 9207) added to the URI's own query.
    pub fn new(uri: &str, parameters: &[(&str, &str)], state: Option<&[u8]>, base: &str) -> Self {
        let issuer = format!("{base}/mcp");
        let own = parameters.iter().map(|(name, value)| (*name, value.as_bytes()));
        let all = own.chain(state.map(|state| ("state", state))).chain([("iss", issuer.as_bytes())]);
        let mut location = uri.to_owned();
        for (name, value) in all {
            let separator = match location.find('?') {
                None => "?",
                Some(_) if location.ends_with(['?', '&']) => "",
                Some(_) => "&",
            };
            location.push_str(&format!("{separator}{name}={}", percent_encode(value, QUERY)));
        }
        Self { location, private: is_private(uri) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_loopback_http_and_private_schemes_are_accepted() {
        for good in [
            "https://claude.ai/api/mcp/auth_callback",
            "http://localhost",
            "http://localhost:49190/callback?x=1",
            "http://127.0.0.1/",
            "http://[::1]:5/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "vscode://vscode.github-authentication/did-authenticate",
        ] {
            assert_eq!(objection(good), None, "{good}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        for (bad, why) in [
            ("http://evil.test/cb", "http on another host"),
            ("http://localhost.evil.test/", "http on another host"),
            ("http://app.localhost/", "http on another host"),
            ("http://127.0.0.2/", "http on another host"),
            ("https://a.test/#x", "fragment"),
            ("https://*.a.test/", "wildcard"),
            ("https://a.test/a b", "percent-encoded"),
            ("https://a.test/ä", "percent-encoded"),
            ("https://a.test\\@b.test/", "percent-encoded"),
            ("https://a@b.test/", "user name"),
            ("/callback", "absolute"),
            ("", "absolute"),
            ("http://localhost:99999/", "absolute"),
            ("com.example.app:/cb", "://"),
            ("JavaScript://localhost/%0Aalert(1)", "javascript"),
        ] {
            assert!(objection(bad).is_some_and(|o| o.contains(why)), "{bad}: {:?}", objection(bad));
        }
        for scheme in REFUSED {
            assert!(objection(&format!("{scheme}://x/y")).is_some_and(|o| o.contains(scheme)), "{scheme}");
        }
        assert!(objection(&format!("https://a.test/{}", "x".repeat(2_040))).is_some());
    }

    #[test]
    fn only_the_port_of_loopback_and_an_empty_path_are_free() {
        for (registered, given) in [
            ("http://localhost/callback", "http://localhost:49190/callback"),
            ("http://127.0.0.1:1/", "http://127.0.0.1:2"),
            ("http://[::1]/cb", "http://[::1]:9/cb"),
            ("https://a.test", "https://a.test/"),
            ("https://a.test?x=1", "https://a.test/?x=1"),
        ] {
            assert!(matches(registered, given), "{registered} {given}");
        }
        for (registered, given) in [
            ("http://localhost/callback", "http://127.0.0.1/callback"),
            ("http://localhost/callback", "http://localhost/callback/"),
            ("http://localhost/callback", "http://localhost/callback?x=1"),
            ("https://a.test:1/", "https://a.test:2/"),
            ("https://a.test/cb", "https://A.test/cb"),
            ("https://a.test/cb", "http://a.test/cb"),
            ("cursor://a/cb", "cursor://b/cb"),
            ("http://localhost/", "http://localhost:1@evil.test/"),
        ] {
            assert!(!matches(registered, given), "{registered} {given}");
        }
    }

    #[test]
    fn a_redirect_keeps_the_query_of_its_uri_and_the_bytes_of_the_state() {
        let redirect = Redirect::new("http://localhost:1/cb?x=1", &[("code", "c")], Some(b"a b+\xff&="), "http://localhost:4300");
        assert_eq!(redirect.location, "http://localhost:1/cb?x=1&code=c&state=a%20b%2B%FF%26%3D&iss=http%3A%2F%2Flocalhost%3A4300%2Fmcp");
        assert!(!redirect.private && Redirect::new("cursor://a/b", &[], None, "").private);
    }

    #[test]
    fn people_see_host_and_port() {
        assert_eq!(display_host("http://localhost:49190/callback"), "localhost:49190");
        assert_eq!(display_host("https://claude.ai/api/x"), "claude.ai");
        assert_eq!(display_host("cursor://anysphere.cursor-mcp/oauth"), "cursor://anysphere.cursor-mcp");
    }
}
