//! Sending a mail through a relay (RFC 5321), with STARTTLS (RFC 3207) or TLS from the start (RFC 8314).

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{CertificateStore, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// A relay that has not taken a mail after this long will not.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How the way to a relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    None,
    /// STARTTLS when the relay offers it.
    Opportunistic,
    StartTls,
    Tls,
}

/// Where mail is handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub username: Option<String>,
    pub password: Option<String>,
}

/// A mail with both of its parts.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The same at every attempt, so that a mail taken twice is recognised.
    pub id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Relay {
    /// `smtp://user:password@host:587?tls=required`; `smtps://` is TLS from the start. `tls` is `required`, `opportunistic`
    /// or `none`; without it the way to another machine uses STARTTLS when offered, and with a password always.
    ///
    /// # Errors
    /// What is wrong with the address, for people; never with its password.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "must look like smtp://user@host:587, or smtps:// for TLS from the start";
        let url = Url::parse(text).map_err(|_| FORM.to_owned())?;
        let host = url.host_str().filter(|h| !h.is_empty()).ok_or(FORM)?.trim_matches(['[', ']']).to_owned();
        let decoded = |part: &str| percent_decode_str(part).decode_utf8().map(|p| p.into_owned()).map_err(|_| FORM.to_owned());
        let username = Some(decoded(url.username())?).filter(|u| !u.is_empty());
        let password = url.password().map(decoded).transpose()?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() || (password.is_some() && username.is_none()) {
            return Err(FORM.to_owned());
        }
        let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let wanted = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let security = match (url.scheme(), wanted.as_deref()) {
            ("smtps", None | Some("required")) => Security::Tls,
            ("smtp", Some("required")) => Security::StartTls,
            ("smtp", Some("opportunistic")) => Security::Opportunistic,
            ("smtp", Some("none")) => Security::None,
            ("smtp", None) if local => Security::None,
            ("smtp", None) if username.is_some() => Security::StartTls,
            ("smtp", None) => Security::Opportunistic,
            _ => return Err(format!("{FORM}; tls is required, opportunistic or none")),
        };
        let usual = match security {
            Security::Tls => 465,
            _ if username.is_some() => 587,
            _ => 25,
        };
        Ok(Self { host, port: url.port().unwrap_or(usual), security, username, password })
    }

    /// The address without the password.
    pub fn url(&self) -> String {
        let (scheme, tls) = match self.security {
            Security::Tls => ("smtps", ""),
            Security::StartTls => ("smtp", "?tls=required"),
            Security::Opportunistic => ("smtp", "?tls=opportunistic"),
            Security::None => ("smtp", "?tls=none"),
        };
        let user = self.username.as_ref().map(|u| format!("{}@", utf8_percent_encode(u, NON_ALPHANUMERIC))).unwrap_or_default();
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{scheme}://{user}{host}:{}{tls}", self.port)
    }

    /// Hands a mail in.
    ///
    /// # Errors
    /// What the relay answered, or why it could not be reached.
    pub async fn send(&self, letter: &Letter) -> Result<(), String> {
        let message = letter.message()?;
        // Reading the certificates of this machine blocks.
        let relay = self.clone();
        let transport = tokio::task::spawn_blocking(move || relay.transport()).await.map_err(|error| error.to_string())??;
        let sent = tokio::time::timeout(TIMEOUT, transport.send(message)).await;
        sent.map_err(|_| format!("{} did not answer within {} seconds", self.host, TIMEOUT.as_secs()))?.map(drop).map_err(|error| told(&error))
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        let parameters = || TlsParameters::builder(self.host.clone()).certificate_store(trusted()).build().map_err(|error| told(&error));
        let tls = match self.security {
            Security::None => Tls::None,
            Security::Opportunistic => Tls::Opportunistic(parameters()?),
            Security::StartTls => Tls::Required(parameters()?),
            Security::Tls => Tls::Wrapper(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host).port(self.port).tls(tls).timeout(Some(TIMEOUT));
        if let Some(username) = &self.username {
            builder = builder.credentials(Credentials::new(username.clone(), self.password.clone().unwrap_or_default()));
        }
        Ok(builder.build())
    }
}

/// Whom this machine trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` included); a machine that trusts nobody, such as a small
/// container: the certificates Mozilla publishes.
fn trusted() -> CertificateStore {
    let none = rustls_native_certs::load_native_certs().certs.is_empty();
    if none { CertificateStore::WebpkiRoots } else { CertificateStore::Default }
}

/// Whether an address stands in mail as it is.
pub fn is_plain(text: &str) -> bool {
    text.parse::<Address>().is_ok()
}

/// An address as it stands in mail: a local part that is no row of atoms with single dots between them is quoted, so that
/// nothing in it can be taken for anything but its characters (RFC 5322 §3.4.1).
fn address(text: &str) -> Result<Address, String> {
    let refusal = match text.parse::<Address>() {
        Ok(address) => return Ok(address),
        Err(error) => format!("{text}: {error}"),
    };
    let Some((local, domain)) = text.rsplit_once('@').filter(|_| !text.chars().any(char::is_control)) else { return Err(refusal) };
    let quoted = format!("\"{}\"", local.replace('\\', "\\\\").replace('"', "\\\""));
    Address::new(quoted, domain).map_err(|_| refusal)
}

impl Letter {
    fn message(&self) -> Result<Message, String> {
        let body = MultiPart::alternative_plain_html(self.text.clone(), self.html.clone());
        let from = self.from.parse::<Mailbox>().map_err(|error| format!("{}: {error}", self.from))?;
        let (id, to) = (format!("<{}@{}>", self.id, from.email.domain()), address(&self.to)?);
        // Out of the header it would be read without its quotes.
        let envelope = Envelope::new(Some(from.email.clone()), vec![to.clone()]).map_err(|error| error.to_string())?;
        let message = Message::builder().envelope(envelope).message_id(Some(id)).from(from).to(to.into()).subject(&self.subject);
        message.multipart(body).map_err(|error| error.to_string())
    }
}

/// An address a mail may come from: `no-reply@harbor.test`, or with a name before it.
pub fn is_sender(text: &str) -> bool {
    text.len() <= 320 && text.parse::<Mailbox>().is_ok()
}

/// An error with what it came from; the relay's own words stand in the last.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_how_the_way_is_protected() {
        let cases = [
            ("smtp://localhost:2525", Security::None, 2525),
            ("smtp://127.0.0.1", Security::None, 25),
            ("smtp://mail.harbor.test", Security::Opportunistic, 25),
            ("smtp://mina@mail.harbor.test", Security::StartTls, 587),
            ("smtp://mail.harbor.test:25?tls=none", Security::None, 25),
            ("smtps://mina@mail.harbor.test", Security::Tls, 465),
        ];
        for (text, security, port) in cases {
            let relay = Relay::parse(text).unwrap();
            assert_eq!((relay.security, relay.port), (security, port), "{text}");
            assert_eq!(Relay::parse(&relay.url()).unwrap(), relay, "{text}");
        }
    }

    #[test]
    fn a_password_is_read_and_never_shown() {
        let relay = Relay::parse("smtp://mina%40harbor.test:p%3Aw@mail.harbor.test").unwrap();
        assert_eq!((relay.username.as_deref(), relay.password.as_deref()), (Some("mina@harbor.test"), Some("p:w")));
        assert_eq!(relay.url(), "smtp://mina%40harbor%2Etest@mail.harbor.test:587?tls=required");
    }

    #[test]
    fn an_address_is_quoted_where_its_local_part_would_say_something_else() {
        for (text, written) in [
            ("mina@harbor.test", "mina@harbor.test"),
            ("a,b@harbor.test", "\"a,b\"@harbor.test"),
            ("a\"b@harbor.test", "\"a\\\"b\"@harbor.test"),
            ("a\\@harbor.test", "\"a\\\\\"@harbor.test"),
            ("a..b>@harbor.test", "\"a..b>\"@harbor.test"),
            ("a(b):<c>;@harbor.test", "\"a(b):<c>;\"@harbor.test"),
        ] {
            let letter = Letter {
                id: "1".to_owned(),
                from: "Harbor <no-reply@harbor.test>".to_owned(),
                to: text.to_owned(),
                subject: "Hello".to_owned(),
                text: String::new(),
                html: String::new(),
            };
            let message = letter.message().unwrap();
            let lines = String::from_utf8(message.formatted()).unwrap();
            assert!(lines.contains(&format!("\r\nTo: {written}\r\n")), "{lines}");
            assert_eq!(message.envelope().to().iter().map(ToString::to_string).collect::<Vec<_>>(), [written]);
        }
        assert!(address("a\r\nBcc: c@d.test").is_err() && address("nobody").is_err());
    }

    #[test]
    fn what_is_no_relay_is_refused() {
        for bad in ["", "mail.harbor.test", "http://mail.harbor.test", "smtp://", "smtp://a/b", "smtp://:pw@host", "smtps://host?tls=none", "smtp://h?tls=x"] {
            assert!(Relay::parse(bad).is_err(), "{bad}");
        }
        assert!(is_sender("no-reply@harbor.test") && is_sender("Harbor <no-reply@harbor.test>"));
        assert!(!is_sender("nobody") && !is_sender("a@b.test\r\nBcc: c@d.test"));
    }
}
