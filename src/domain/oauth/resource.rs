//! Whether a resource indicator (RFC 8707) or an audience means this server: by any of the names it answers to.

use url::{Host, Url};

use crate::domain::backend::Options;

/// The audience of tokens for a resource, `http://localhost:4300/mcp`, if it is this server's endpoint or its whole
/// origin; query and trailing slash do not count. `base` is the address the request itself came to.
pub fn own_audience(options: &Options, base: &str, resource: &str) -> Option<String> {
    let url = Url::parse(resource).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if !plain || !matches!(url.path().trim_end_matches('/'), "" | "/mcp") {
        return None;
    }
    let base = Url::parse(base).ok();
    let public = options.public_url.as_deref().and_then(|url| Url::parse(url).ok());
    let own = [base.as_ref(), public.as_ref()];
    let known_port = own.iter().flatten().any(|own| own.port() == url.port()) || url.port_or_known_default() == Some(options.port);
    let known_host = own.iter().flatten().any(|own| own.host() == url.host()) || is_name_of(options, url.host()?);
    (known_port && known_host).then(|| format!("{}/mcp", url.origin().ascii_serialization()))
}

fn is_name_of(options: &Options, host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost") || options.allow_hosts.iter().any(|allowed| without_port(allowed).eq_ignore_ascii_case(name))
        }
        // Bound to more than loopback, it answers to whatever address reaches it.
        Host::Ipv4(ip) => ip.is_loopback() || !options.loopback_only,
        Host::Ipv6(ip) => ip.is_loopback() || !options.loopback_only,
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "http://localhost:4300";

    fn options() -> Options {
        Options { port: 4300, loopback_only: true, allow_hosts: vec!["laptop.test:4300".into()], ..Options::default() }
    }

    #[test]
    fn any_name_of_this_server_with_its_port_is_its_own_resource() {
        for own in [
            "http://localhost:4300/mcp",
            "http://localhost:4300",
            "http://LOCALHOST:4300/",
            "http://localhost:4300/mcp/",
            "http://127.0.0.1:4300/mcp",
            "http://[::1]:4300/mcp",
            "http://app.localhost:4300/mcp",
            "http://laptop.test:4300/mcp",
            "http://localhost:4300/mcp?tools=core&readOnly=true",
        ] {
            assert!(own_audience(&options(), HERE, own).is_some(), "{own}");
        }
        assert_eq!(own_audience(&options(), HERE, "http://Localhost:4300").as_deref(), Some("http://localhost:4300/mcp"));
    }

    #[test]
    fn another_host_port_path_or_a_fragment_is_not() {
        for foreign in [
            "",
            "mcp",
            "http://localhost:4301/mcp",
            "http://localhost/mcp",
            "http://evil.test:4300/mcp",
            "http://localhost.evil.test:4300/mcp",
            "http://192.168.1.5:4300/mcp",
            "http://localhost:4300/v1",
            "http://localhost:4300/mcp#x",
            "http://localhost:4300@evil.test/mcp",
            "http://user@localhost:4300/mcp",
            "ftp://localhost:4300/mcp",
        ] {
            assert_eq!(own_audience(&options(), HERE, foreign), None, "{foreign}");
        }
    }

    #[test]
    fn the_address_of_the_request_and_the_public_url_count_with_their_own_ports() {
        assert!(own_audience(&options(), "http://localhost:5000", "http://localhost:5000/mcp").is_some());
        assert!(own_audience(&options(), HERE, "http://localhost:5000/mcp").is_none());
        let public = Options { public_url: Some("https://dev.harbor.test".into()), ..options() };
        assert!(own_audience(&public, HERE, "https://dev.harbor.test/mcp").is_some());
        let open = Options { loopback_only: false, ..options() };
        assert!(own_audience(&open, HERE, "http://192.168.1.5:4300/mcp").is_some());
    }
}
