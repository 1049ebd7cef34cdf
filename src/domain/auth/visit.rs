//! How a request came in, as far as signing in is concerned.

use std::net::IpAddr;

/// Characters of a user agent that are kept.
const AGENT: usize = 512;

#[derive(Debug, Clone, Default)]
pub struct Visit {
    pub user_agent: String,
    /// The peer, or what a trusted proxy says of it.
    pub address: Option<IpAddr>,
    /// Base of URLs handed out, without a trailing slash.
    pub base_url: String,
    /// The server listens on loopback addresses only.
    pub loopback_only: bool,
}

impl Visit {
    /// The user agent as it is stored.
    pub fn agent(&self) -> String {
        self.user_agent.chars().filter(|c| !c.is_control()).take(AGENT).collect()
    }

    /// The address as it is stored; empty when unknown.
    pub fn ip_address(&self) -> String {
        self.address.map(|a| a.to_canonical().to_string()).unwrap_or_default()
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
