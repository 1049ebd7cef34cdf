//! Dynamic registration of AI clients (`01-mcp.md` §3.2, RFC 7591). Everybody may register; all clients are public.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;

use super::redirects;
use super::refusal::{Failure, Kind, Refusal};
use super::scopes::Scopes;
use crate::domain::backend::Backend;
use crate::domain::error::{Error, clip};
use crate::domain::id::random_hex;
use crate::domain::time::{self, Millis};
use crate::store::Reader;
use crate::store::control::OauthClientRow;

pub const DEFAULT_NAME: &str = "MCP Client";
const PREFIX: &str = "dyn-";
const NAME: usize = 100;
const REDIRECTS: usize = 10;
/// Registrations from one address in a minute.
const PER_MINUTE: u32 = 60;
/// A registration nobody ever approved lives this long.
const UNUSED: Millis = 30 * 24 * 60 * 60 * 1000;
const GRANT_TYPES: &[&str] = &["authorization_code", "refresh_token"];

/// What a client says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClient {
    pub name: String,
    pub redirect_uris: Vec<String>,
    /// The supported ones of those asked for.
    pub grant_types: Vec<&'static str>,
    pub scopes: Scopes,
}

/// A client just registered.
#[derive(Debug, Clone)]
pub struct RegisteredClient {
    pub id: String,
    /// Seconds since the epoch.
    pub issued_at: i64,
    pub client: NewClient,
}

impl NewClient {
    /// Reads the metadata of a client; members nobody here needs are accepted.
    ///
    /// # Errors
    /// `invalid_redirect_uri` naming the one that is refused; `invalid_client_metadata`.
    pub fn parse(body: &Value) -> Result<Self, Refusal> {
        let invalid = |why: &str| Refusal::new(Kind::InvalidClientMetadata, why);
        let body = body.as_object().ok_or_else(|| invalid("The body must be a JSON object with redirect_uris"))?;
        let uris = body.get("redirect_uris").filter(|v| !v.is_null()).ok_or_else(|| invalid("redirect_uris is required"))?;
        let uris = uris.as_array().ok_or_else(|| invalid("redirect_uris must be a list of URIs"))?;
        if !(1..=REDIRECTS).contains(&uris.len()) {
            return Err(invalid("redirect_uris must hold 1 to 10 URIs"));
        }
        let redirect_uris = uris.iter().map(|uri| uri.as_str().map(str::to_owned).ok_or_else(|| invalid("redirect_uris must be a list of strings")));
        let redirect_uris = redirect_uris.collect::<Result<Vec<_>, _>>()?;
        if let Some((uri, objection)) = redirect_uris.iter().find_map(|uri| redirects::objection(uri).map(|o| (uri, o))) {
            return Err(Refusal::new(Kind::InvalidRedirectUri, format!("The redirect URI {} {objection}", clip(uri))));
        }
        let name = match body.get("client_name") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(name)) => clean_name(name),
            Some(_) => return Err(invalid("client_name must be a string")),
        };
        let wanted: Vec<&str> = body.get("grant_types").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let grant_types: Vec<&str> = GRANT_TYPES.iter().copied().filter(|grant| wanted.contains(grant)).collect();
        Ok(Self {
            name: if name.is_empty() { DEFAULT_NAME.to_owned() } else { name },
            redirect_uris,
            grant_types: if grant_types.is_empty() { GRANT_TYPES.to_vec() } else { grant_types },
            scopes: Scopes::requested(body.get("scope").and_then(Value::as_str)),
        })
    }
}

/// A name as it can be shown: one line, nothing invisible that reorders or hides what stands around it.
fn clean_name(name: &str) -> String {
    let invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let visible: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !invisible(*c)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(NAME).collect()
}

/// Whether an id has the shape this server gives: `dyn-` and 32 hex characters.
pub fn has_own_shape(client_id: &str) -> bool {
    client_id.strip_prefix(PREFIX).is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// A registered client, unless its registration has run out unused.
pub fn known(r: &Reader<'_>, client_id: &str) -> Result<Option<OauthClientRow>, Error> {
    let oldest = time::now() - UNUSED;
    Ok(r.oauth_client(client_id)?.filter(|client| client.used_at.is_some() || client.created_at >= oldest))
}

impl Backend {
    /// Counts a registration from an address.
    ///
    /// # Errors
    /// 429 after 60 within a minute.
    pub fn count_registration(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let who = address.map_or_else(String::new, |address| address.to_string());
        self.oauth().registrations.count_for(&who, PER_MINUTE, "registrations from this address").map(drop)
    }

    /// Registers a client; unused registrations that are too old go.
    pub async fn register_client(self: &Arc<Self>, client: NewClient) -> Result<RegisteredClient, Failure> {
        let now = time::now();
        let row = OauthClientRow {
            id: format!("{PREFIX}{}", random_hex(16)),
            name: client.name.clone(),
            redirect_uris: client.redirect_uris.clone(),
            created_at: now,
            used_at: None,
        };
        let id = row.id.clone();
        self.control()
            .write::<_, Error, _>(move |tx| {
                tx.purge_oauth_clients(now - UNUSED)?;
                Ok(tx.insert_oauth_client(&row)?)
            })
            .await?;
        Ok(RegisteredClient { id, issued_at: now.div_euclid(1000), client })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_visible_line() {
        assert_eq!(clean_name("  Claude\u{202e}\n Code\u{200b} "), "Claude Code");
        assert_eq!(clean_name(&"x".repeat(300)).len(), NAME);
    }

    #[test]
    fn only_ids_of_the_own_shape_are_adopted() {
        assert!(has_own_shape("dyn-0123456789abcdef0123456789abcdef"));
        for other in ["", "dyn-", "dyn-0123456789ABCDEF0123456789abcdef", "dyn-0123456789abcdef0123456789abcdef0", "claude"] {
            assert!(!has_own_shape(other), "{other}");
        }
    }
}
