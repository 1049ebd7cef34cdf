//! How a request came in, as far as signing in is concerned.

use std::net::IpAddr;

use url::{Host, Url};

/// Characters of a user agent that are kept.
const AGENT: usize = 512;

#[derive(Debug, Clone, Default)]
pub struct Visit {
    pub user_agent: String,
    /// The peer, or what a trusted proxy says of it.
    pub address: Option<IpAddr>,
    /// Base of URLs handed out, without a trailing slash.
    pub base_url: String,
    /// The same where it decides who gets a secret: in mail, and as the origin a browser may be sent to. Surely this server's,
    /// whatever `Host` the request chose.
    pub own_url: String,
    /// The server listens on loopback addresses only.
    pub loopback_only: bool,
    /// The port it listens on.
    pub port: u16,
}

impl Visit {
    /// Whether the request came from this machine.
    pub fn is_local(&self) -> bool {
        self.address.is_some_and(|address| address.to_canonical().is_loopback())
    }

    /// Whether a URL leads to this server: it has the host of this request or of the URLs that are handed out, or is a name of
    /// this machine at one of their ports.
    pub fn is_own(&self, url: &str) -> bool {
        let Some((host, port)) = place(url) else { return false };
        let known: Vec<(Host<String>, u16)> = [&self.base_url, &self.own_url].into_iter().filter_map(|own| place(own)).collect();
        let at_own_port = || port == self.port || known.iter().any(|(own, at)| is_loopback(own) && *at == port);
        known.iter().any(|own| *own == (host.clone(), port)) || (is_loopback(&host) && at_own_port())
    }

    /// The user agent as it is stored.
    pub fn agent(&self) -> String {
        self.user_agent.chars().filter(|c| !c.is_control()).take(AGENT).collect()
    }

    /// The address as it is stored; empty when unknown.
    pub fn ip_address(&self) -> String {
        self.address.map(|a| a.to_canonical().to_string()).unwrap_or_default()
    }
}

fn place(url: &str) -> Option<(Host<String>, u16)> {
    let url = Url::parse(url).ok()?;
    Some((url.host()?.to_owned(), url.port_or_known_default()?))
}

fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// What a user agent says of browser and system, for people: `Firefox on Linux`.
pub fn device_of(user_agent: &str) -> String {
    const BROWSERS: [(&str, &str); 8] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("FxiOS/", "Firefox"),
        ("Firefox/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iOS"),
        ("iPad", "iPadOS"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |list: &[(&'static str, &'static str)]| list.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    let program = user_agent.split(['/', ' ', '(']).next().filter(|p| !p.is_empty() && *p != "Mozilla");
    match (find(&BROWSERS).or(program), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_this_server_has_its_host_or_a_name_of_this_machine_at_its_port() {
        let visit = Visit { base_url: "http://localhost:8080".into(), own_url: "https://dev.harbor.test".into(), port: 4300, ..Visit::default() };
        for own in ["http://localhost:8080/a", "http://127.0.0.1:8080/a", "http://[::1]:4300/a", "https://dev.harbor.test/a", "https://DEV.harbor.test:443/a"] {
            assert!(visit.is_own(own), "{own}");
        }
        for other in ["https://evil.example/a", "http://localhost:1/a", "http://dev.harbor.test/a", "http://localhost.evil.example:4300/a", "/a", ""] {
            assert!(!visit.is_own(other), "{other}");
        }
    }

    #[test]
    fn devices_are_named_for_people() {
        for (agent, device) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15", "Safari on macOS"),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile Safari/604.1",
                "Chrome on iOS",
            ),
            ("curl/8.5.0", "curl"),
            ("Dart/3.4 (dart:io)", "Dart"),
            ("", "Unknown device"),
        ] {
            assert_eq!(device_of(agent), device, "{agent}");
        }
    }
}
