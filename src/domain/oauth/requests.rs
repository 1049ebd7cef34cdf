//! Requests for approval: what a client asks for, checked before anybody is bothered with it (`01-mcp.md` §3.3).

use std::sync::Arc;

use super::clients::{self, DEFAULT_NAME};
use super::redirects::{self, Redirect};
use super::refusal::Kind;
use super::resource::own_audience;
use super::scopes::Scopes;
use crate::domain::backend::Backend;
use crate::domain::error::{Error, Result, clip};
use crate::domain::id::random_hex;
use crate::domain::time::{self, Millis};
use crate::store::Reader;
use crate::store::control::OauthRequestRow;

/// A request that nobody approves ends after this long.
const LIFETIME: Millis = 10 * 60 * 1000;
/// Requests that may wait at once; beyond that the oldest go.
const MOST: u32 = 1_000;
/// Bytes of a state.
const STATE: usize = 4 * 1024;

/// The parameters of an authorization request; empty ones count as absent (RFC 6749 §3.1).
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub client_id: Option<String>,
    pub redirect_uri: Option<String>,
    pub response_type: Option<String>,
    pub code_challenge: Option<String>,
    pub code_challenge_method: Option<String>,
    pub scope: Option<String>,
    pub state: Option<Vec<u8>>,
    pub resource: Option<String>,
    /// Names of parameters that came more than once.
    pub repeated: Vec<&'static str>,
}

/// What becomes of an authorization request.
#[derive(Debug)]
pub enum Begun {
    /// It waits for a person.
    Waiting(Waiting),
    /// The client hears what is wrong.
    Refused(Redirect),
    /// Nobody can be redirected; the person hears what is wrong.
    Unusable(Unusable),
}

/// Why a request cannot even be answered to its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    ClientMissing,
    ClientUnknown(String),
    RedirectMissing,
    /// With the objection, as a sentence about it.
    RedirectMalformed(String, String),
    RedirectUnregistered(String),
    Repeated(&'static str),
    /// The pending request is over, or was never one of this server.
    Gone,
}

/// A request that waits for sign-in and approval.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub id: String,
    /// Unverified.
    pub client_name: String,
    pub redirect_uri: String,
    pub scopes: Scopes,
}

impl Waiting {
    pub(super) fn from_row(row: OauthRequestRow) -> Self {
        Self { scopes: Scopes::known(&row.scope), id: row.id, client_name: row.client_name, redirect_uri: row.redirect_uri }
    }
}

/// A client and where it is sent back to.
struct Sender {
    client_id: String,
    client_name: String,
    redirect_uri: String,
}

impl Backend {
    /// Checks a request and keeps it for 10 minutes. `base` is the address of the server as the client knows it.
    pub async fn begin_authorization(self: &Arc<Self>, asked: Asked, base: String) -> Result<Begun> {
        let wanted = asked.clone();
        let sender = match self.control().read::<_, Error, _>(move |r| sender(r, &wanted)).await? {
            Ok(sender) => sender,
            Err(unusable) => return Ok(Begun::Unusable(unusable)),
        };
        let (scope, challenge, resource) = match self.acceptable(&asked, &base) {
            Ok(accepted) => accepted,
            Err((kind, why)) => {
                let state = asked.state.as_deref().filter(|state| state.len() <= STATE && !asked.repeated.contains(&"state"));
                let parameters = [("error", kind.name()), ("error_description", why.as_str())];
                return Ok(Begun::Refused(Redirect::new(&sender.redirect_uri, &parameters, state, &base)));
            }
        };
        let now = time::now();
        let row = OauthRequestRow {
            id: random_hex(16),
            client_id: sender.client_id,
            client_name: sender.client_name,
            redirect_uri: sender.redirect_uri,
            state: asked.state,
            scope: scope.to_string(),
            challenge,
            resource,
            base,
            expires_at: now + LIFETIME,
            tenant_id: None,
        };
        let kept = row.clone();
        self.control()
            .write::<_, Error, _>(move |tx| {
                tx.insert_oauth_request(&kept)?;
                Ok(tx.purge_oauth_requests(now, MOST)?)
            })
            .await?;
        Ok(Begun::Waiting(Waiting::from_row(row)))
    }

    /// What a client wants, or how it is told that it cannot have it.
    fn acceptable(&self, asked: &Asked, base: &str) -> std::result::Result<(Scopes, String, String), (Kind, String)> {
        let refuse = |kind, why: &str| Err((kind, why.to_owned()));
        if let Some(name) = asked.repeated.first() {
            return Err((Kind::InvalidRequest, format!("The parameter {name} came more than once")));
        }
        if asked.state.as_ref().is_some_and(|state| state.len() > STATE) {
            return refuse(Kind::InvalidRequest, "state is longer than 4096 bytes");
        }
        match asked.response_type.as_deref() {
            Some("code") => {}
            Some(_) => return refuse(Kind::UnsupportedResponseType, "response_type must be code"),
            None => return refuse(Kind::InvalidRequest, "response_type is missing; it must be code"),
        }
        let challenge = asked.code_challenge.as_deref().filter(|c| is_challenge(c));
        let Some(challenge) = challenge else {
            return refuse(Kind::InvalidRequest, "code_challenge is required: 43 to 128 characters, from a PKCE verifier");
        };
        if asked.code_challenge_method.as_deref() != Some("S256") {
            return refuse(Kind::InvalidRequest, "code_challenge_method must be S256");
        }
        let whole = format!("{base}/mcp");
        let resource = asked.resource.as_deref().unwrap_or(&whole);
        let Some(audience) = own_audience(self.options(), base, resource) else {
            return Err((Kind::InvalidTarget, format!("resource must be {whole}")));
        };
        Ok((Scopes::requested(asked.scope.as_deref()), challenge.to_owned(), audience))
    }

    /// A request that still waits.
    pub async fn waiting_authorization(self: &Arc<Self>, request_id: &str) -> Result<Option<Waiting>> {
        let id = request_id.to_owned();
        let row = self.control().read::<_, Error, _>(move |r| living(r, &id)).await?;
        Ok(row.filter(|row| row.tenant_id.is_none()).map(Waiting::from_row))
    }

    /// Ends a request because the person said no.
    pub async fn decline_authorization(self: &Arc<Self>, request_id: &str) -> Result<Option<Redirect>> {
        let id = request_id.to_owned();
        self.control()
            .write::<_, Error, _>(move |tx| {
                let Some(row) = living(&tx.reader(), &id)?.filter(|row| row.tenant_id.is_none()) else { return Ok(None) };
                tx.delete_oauth_request(&id)?;
                let parameters = [("error", Kind::AccessDenied.name()), ("error_description", "The request was declined")];
                Ok(Some(Redirect::new(&row.redirect_uri, &parameters, row.state.as_deref(), &row.base)))
            })
            .await
    }
}

/// A request that has not expired, approved ones included.
pub(super) fn living(r: &Reader<'_>, id: &str) -> Result<Option<OauthRequestRow>> {
    Ok(r.oauth_request(id)?.filter(|row| row.expires_at > time::now()))
}

/// Who asks, and where it is answered: known clients at registered addresses only, and clients of this server's own
/// making that it has forgotten, on this machine.
fn sender(r: &Reader<'_>, asked: &Asked) -> Result<std::result::Result<Sender, Unusable>> {
    if let Some(name) = asked.repeated.iter().find(|name| matches!(**name, "client_id" | "redirect_uri")) {
        return Ok(Err(Unusable::Repeated(name)));
    }
    let Some(client_id) = asked.client_id.clone() else { return Ok(Err(Unusable::ClientMissing)) };
    let redirect = match asked.redirect_uri.as_deref().map(|uri| (uri, redirects::objection(uri))) {
        Some((uri, Some(objection))) => Err(Unusable::RedirectMalformed(clip(uri), objection)),
        Some((uri, None)) => Ok(Some(uri)),
        None => Ok(None),
    };
    let Some(client) = clients::known(r, &client_id)? else {
        let adopted = redirect.ok().flatten().filter(|uri| may_adopt(&client_id, uri)).map(str::to_owned);
        let sender = adopted.map(|redirect_uri| Sender { client_name: DEFAULT_NAME.to_owned(), client_id: client_id.clone(), redirect_uri });
        return Ok(sender.ok_or_else(|| Unusable::ClientUnknown(clip(&client_id))));
    };
    let redirect_uri = match (redirect, client.redirect_uris.as_slice()) {
        (Err(unusable), _) => return Ok(Err(unusable)),
        (Ok(None), [only]) => only.clone(),
        (Ok(None), _) => return Ok(Err(Unusable::RedirectMissing)),
        (Ok(Some(uri)), registered) if registered.iter().any(|own| redirects::matches(own, uri)) => uri.to_owned(),
        (Ok(Some(uri)), _) => return Ok(Err(Unusable::RedirectUnregistered(clip(uri)))),
    };
    Ok(Ok(Sender { client_id, client_name: client.name, redirect_uri }))
}

/// A reset server must not lock its tools out for good: an id it could have given, redirected to this machine.
pub(super) fn may_adopt(client_id: &str, redirect_uri: &str) -> bool {
    clients::has_own_shape(client_id) && redirects::is_loopback_http(redirect_uri)
}

/// RFC 7636 §4.2: 43 to 128 unreserved characters.
fn is_challenge(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}
