//! What the server asks other servers: Google and GitHub, while somebody signs in through them.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{ACCEPT, CACHE_CONTROL};
use reqwest::{Client, redirect};

use crate::domain::auth::social::outside::{Answer, Answering, Request, Web};

/// Bytes of an answer; sound ones have a few thousand.
const LIMIT: usize = 1024 * 1024;
/// However long the domain waits, no request goes on for longer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Carries requests; set up when the first one is sent.
#[derive(Debug, Default)]
pub struct Outside {
    client: OnceLock<Client>,
    /// For what speaks no TLS: a stand-in on this machine, never a real provider.
    plain: OnceLock<Client>,
}

impl Outside {
    fn client(&self, url: &str) -> Result<Client, String> {
        let is_plain = url.starts_with("http://");
        let slot = if is_plain { &self.plain } else { &self.client };
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        // Whoever is first installs it; it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder().user_agent(concat!("bkend-local/", env!("CARGO_PKG_VERSION"))).redirect(redirect::Policy::none()).timeout(TIMEOUT);
        if is_plain {
            builder = builder.tls_certs_only([]).no_proxy();
        }
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(slot.get_or_init(|| client).clone())
    }

    async fn answer(&self, request: Request) -> Result<Answer, String> {
        // Errors of the client name the address, which holds no secret here: those are in the form or the header.
        let text = |error: reqwest::Error| error.to_string();
        let client = self.client(&request.url)?;
        let mut sending = match &request.form {
            Some(form) => {
                let pairs = form.iter().map(|(name, value)| (*name, value.reveal()));
                let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                client.post(&request.url).header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
            }
            None => client.get(&request.url),
        };
        if let Some(token) = &request.bearer {
            sending = sending.bearer_auth(token.reveal());
        }
        let mut response = sending.header(ACCEPT, "application/json").send().await.map_err(text)?;
        let max_age = response.headers().get(CACHE_CONTROL).and_then(|value| max_age(value.to_str().ok()?));
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(text)? {
            if body.len() + chunk.len() > LIMIT {
                return Err(format!("the answer is larger than {LIMIT} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body, max_age })
    }
}

impl Web for Outside {
    fn send(&self, request: Request) -> Answering<'_> {
        Box::pin(self.answer(request))
    }
}

/// `max-age` of a `Cache-Control`, in seconds (RFC 9111 §5.2.2.1).
fn max_age(value: &str) -> Option<u64> {
    value.split(',').find_map(|directive| directive.trim().to_ascii_lowercase().strip_prefix("max-age=")?.trim_matches('"').parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_an_answer_is_read_from_its_directives() {
        for (value, age) in [("public, max-age=300", Some(300)), ("Max-Age=\"7\"", Some(7)), ("no-store", None), ("max-age=x", None), ("s-maxage=5", None)] {
            assert_eq!(max_age(value), age, "{value}");
        }
    }
}
