//! Which names this server answers to, and the base of the URLs it hands out (`00-conventions.md`).

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header;

use super::server::Settings;

/// `host` and `host:port` of a `Host` header, lower-case; IPv6 literals keep their brackets.
fn split_host(host: &str) -> (&str, Option<&str>) {
    match host.rfind(':') {
        Some(colon) if !host.ends_with(']') => (&host[..colon], Some(&host[colon + 1..])),
        _ => (host, None),
    }
}

/// Whether a `Host` header names this server: loopback names, IP literals (they cannot be rebound), the public URL's
/// host and the allowed names.
pub fn is_known_host(settings: &Settings, host: &str) -> bool {
    let (name, port) = split_host(host);
    if name.is_empty() || port.is_some_and(|p| p.parse::<u16>().is_err()) {
        return false;
    }
    if name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return true;
    }
    let public = settings.public_url.as_deref().and_then(|u| url::Url::parse(u).ok()).and_then(|u| u.host_str().map(str::to_owned));
    public.is_some_and(|p| p.eq_ignore_ascii_case(&name)) || settings.allow_hosts.iter().any(|h| split_host(h).0.eq_ignore_ascii_case(&name))
}

/// Whether an origin is on this machine: `http://localhost:*`, `http://127.0.0.1:*`, `http://[::1]:*`.
pub fn is_loopback_origin(origin: &str) -> bool {
    let Some(rest) = origin.strip_prefix("http://") else { return false };
    let (name, port) = split_host(rest);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") && port.is_none_or(|p| p.parse::<u16>().is_ok())
}

/// The address the request came from: the peer, or what a trusted proxy says of it.
pub fn client_ip(request: &HttpRequest, settings: &Settings) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    if !is_trusted(settings, peer) {
        return Some(peer);
    }
    let forwarded = request.headers().get("x-forwarded-for").and_then(|v| v.to_str().ok());
    let mut hops = forwarded.into_iter().flat_map(|list| list.rsplit(',')).filter_map(|hop| hop.trim().parse::<IpAddr>().ok());
    // The last hop that is not itself a trusted proxy is the client.
    Some(hops.find(|hop| !is_trusted(settings, *hop)).unwrap_or(peer))
}

fn is_trusted(settings: &Settings, ip: IpAddr) -> bool {
    settings.trust_proxy.iter().any(|net| net.contains(&ip))
}

/// Scheme and host of handed-out URLs, without a trailing slash: `--public-url`, else the request's own.
pub fn base_url(request: &HttpRequest, settings: &Settings) -> String {
    if let Some(url) = &settings.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    requested_url(request, settings)
}

/// The base of links in mail, and the origin that tokens may be sent to: as [`base_url`], but only a host that is surely this
/// server's. Whoever asks for a link chooses the `Host` of the request, and an address of its own there would get the token
/// of whoever opens the mail.
pub fn mail_base_url(request: &HttpRequest, settings: &Settings) -> String {
    let base = base_url(request, settings);
    let host = url::Url::parse(&base).ok().and_then(|url| url.host().map(|h| h.to_owned()));
    let own = match host {
        _ if settings.public_url.is_some() => true,
        Some(url::Host::Ipv4(ip)) => is_of_this_machine(ip.into()),
        Some(url::Host::Ipv6(ip)) => is_of_this_machine(ip.into()),
        // Names are loopback names or allowed ones: others do not get this far.
        Some(url::Host::Domain(_)) => true,
        None => false,
    };
    if own { base } else { settings.local_address() }
}

/// Whether an address is one of this machine's: only those can be bound.
fn is_of_this_machine(ip: IpAddr) -> bool {
    let one = !ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
    ip.is_loopback() || (one && std::net::UdpSocket::bind((ip, 0)).is_ok())
}

/// Scheme and host the request itself came to.
fn requested_url(request: &HttpRequest, settings: &Settings) -> String {
    let trusted = request.peer_addr().is_some_and(|peer| is_trusted(settings, peer.ip()));
    let forwarded = |name: &str| request.headers().get(name).filter(|_| trusted).and_then(|v| v.to_str().ok());
    let scheme = forwarded("x-forwarded-proto").filter(|s| matches!(*s, "http" | "https")).unwrap_or("http");
    let host = forwarded("x-forwarded-host").or_else(|| request.headers().get(header::HOST).and_then(|v| v.to_str().ok()));
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}

/// Whether an origin is this server's own: the scheme and host the request came to, or the public URL.
pub fn is_own_origin(request: &HttpRequest, settings: &Settings, origin: &str) -> bool {
    let bases = [Some(requested_url(request, settings)), settings.public_url.clone()];
    let mut own = bases.iter().flatten().filter_map(|url| url::Url::parse(url).ok()).map(|url| url.origin().ascii_serialization());
    own.any(|own| own.eq_ignore_ascii_case(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_must_be_one_the_server_knows() {
        let settings = Settings { public_url: Some("https://dev.example.com".into()), allow_hosts: vec!["my-laptop.local".into()], ..Settings::default() };
        for host in [
            "localhost",
            "localhost:4300",
            "LOCALHOST:1",
            "127.0.0.1:4300",
            "[::1]:4300",
            "192.168.1.5",
            "dev.example.com",
            "my-laptop.local:4300",
            "app.localhost",
        ] {
            assert!(is_known_host(&settings, host), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example", "localhost:port", "127.0.0.1.evil.example", "[::1"] {
            assert!(!is_known_host(&settings, host), "{host}");
        }
    }

    #[test]
    fn only_addresses_of_this_machine_count_as_its_own() {
        assert!(is_of_this_machine("127.0.0.1".parse().unwrap()) && is_of_this_machine("::1".parse().unwrap()));
        // Set aside for documentation (RFC 5737).
        assert!(!is_of_this_machine("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn loopback_origins_are_recognised_exactly() {
        assert!(["http://localhost", "http://localhost:5173", "http://127.0.0.1:1", "http://[::1]:8080"].iter().all(|o| is_loopback_origin(o)));
        assert!(
            !["https://localhost", "http://localhost.evil.test", "http://localhost:x", "null", "http://127.0.0.1.evil.test"]
                .iter()
                .any(|o| is_loopback_origin(o))
        );
    }
}
