//! The token endpoint: codes and refresh tokens become tokens (`01-mcp.md` §3.4). Each exchange is one transaction of the
//! one writer, so of two redemptions exactly one wins.

use std::sync::Arc;

use super::clients;
use super::redirects;
use super::refusal::{Failure, Kind, Refusal};
use super::resource::own_audience;
use super::revocation;
use super::scopes::Scopes;
use super::tokens::{ACCESS_SECONDS, REFRESH_LIFETIME, new_refresh_token, verifies};
use crate::domain::backend::Backend;
use crate::domain::error::Result;
use crate::domain::keys::sha256;
use crate::domain::time::{self, Millis};
use crate::store::Tx;
use crate::store::control::{OauthGrantRow, OauthRefreshTokenRow};

/// A rotated refresh token still works for this long: several processes of one tool share it and race.
const GRACE: Millis = 60_000;
/// Wrong verifiers that burn a code.
const ATTEMPTS: u32 = 5;

#[derive(Debug, Clone)]
pub struct CodeExchange {
    pub client_id: String,
    pub code: String,
    pub redirect_uri: Option<String>,
    pub verifier: String,
    pub resource: Option<String>,
}

#[derive(Debug, Clone)]
pub struct RefreshExchange {
    pub client_id: String,
    pub refresh_token: String,
    pub scope: Option<String>,
    pub resource: Option<String>,
}

/// A pair of tokens; their values exist nowhere else.
#[derive(Debug, Clone)]
pub struct Issued {
    pub access_token: String,
    /// Seconds.
    pub expires_in: i64,
    pub refresh_token: String,
    pub scope: String,
}

/// What an exchange came to. A refusal may have changed something that has to be kept: an attempt counted, a grant revoked.
type Outcome = std::result::Result<Exchanged, Refusal>;

struct Exchanged {
    grant: OauthGrantRow,
    refresh_token: String,
    scope: String,
}

impl Backend {
    /// Redeems an authorization code.
    ///
    /// # Errors
    /// `invalid_client`, `invalid_grant`, `invalid_target`.
    pub async fn redeem_code(self: &Arc<Self>, exchange: CodeExchange, base: &str) -> std::result::Result<Issued, Failure> {
        let foreign = self.is_foreign(exchange.resource.as_deref(), base);
        let outcome = self.control().write::<Outcome, Failure, _>(move |tx| redeem(tx, &exchange, foreign)).await??;
        self.issued(outcome, base)
    }

    /// Exchanges a refresh token for the next one.
    ///
    /// # Errors
    /// `invalid_client`, `invalid_grant`, `invalid_scope`, `invalid_target`.
    pub async fn refresh_tokens(self: &Arc<Self>, exchange: RefreshExchange, base: &str) -> std::result::Result<Issued, Failure> {
        let foreign = self.is_foreign(exchange.resource.as_deref(), base);
        let outcome = self.control().write::<Outcome, Failure, _>(move |tx| refresh(tx, &exchange, foreign)).await??;
        self.issued(outcome, base)
    }

    fn is_foreign(&self, resource: Option<&str>, base: &str) -> bool {
        resource.is_some_and(|resource| own_audience(self.options(), base, resource).is_none())
    }

    fn issued(&self, exchanged: Exchanged, base: &str) -> std::result::Result<Issued, Failure> {
        let access_token = self.oauth().keys.sign(&exchanged.grant, &exchanged.scope, base)?;
        Ok(Issued { access_token, expires_in: ACCESS_SECONDS, refresh_token: exchanged.refresh_token, scope: exchanged.scope })
    }
}

fn redeem(tx: &mut Tx<'_>, exchange: &CodeExchange, foreign: bool) -> std::result::Result<Outcome, Failure> {
    let refuse = |why: &str| Ok(Err(Refusal::new(Kind::InvalidGrant, why)));
    let (r, now, hash) = (tx.reader(), time::now(), sha256(&exchange.code));
    if clients::known(&r, &exchange.client_id)?.is_none() {
        return Ok(Err(unknown_client()));
    }
    let Some(code) = r.oauth_code(&hash)? else { return refuse("This code is not one of this server, or long gone") };
    let Some(grant) = r.oauth_grant(&code.grant_id)? else { return refuse("What this code stood for is gone") };
    if code.used_at.is_some() {
        revocation::end(tx, &grant, "its code was used again")?;
        return refuse("This code was used before; everything issued from it is revoked");
    }
    if grant.client_id != exchange.client_id {
        return refuse("This code was issued to another client");
    }
    if code.expires_at <= now || code.attempts >= ATTEMPTS || grant.revoked_at.is_some() {
        return refuse("This code has expired; ask for a new one");
    }
    if exchange.redirect_uri.as_ref().is_some_and(|uri| !same_address(uri, &grant.redirect_uri)) {
        return refuse("redirect_uri is not the one the code was sent to");
    }
    if foreign {
        return Ok(Err(foreign_resource()));
    }
    if !verifies(&exchange.verifier, &code.challenge) {
        tx.fail_oauth_code(&hash)?;
        return refuse("code_verifier does not belong to the code_challenge of the request");
    }
    if !is_member(tx, &grant)? {
        return refuse("Whoever approved this is no longer a member of the organization");
    }
    tx.use_oauth_code(&hash, now)?;
    let scope = grant.scope.clone();
    issue(tx, grant, scope, now)
}

fn refresh(tx: &mut Tx<'_>, exchange: &RefreshExchange, foreign: bool) -> std::result::Result<Outcome, Failure> {
    let refuse = |why: &str| Ok(Err(Refusal::new(Kind::InvalidGrant, why)));
    let (r, now, hash) = (tx.reader(), time::now(), sha256(&exchange.refresh_token));
    if clients::known(&r, &exchange.client_id)?.is_none() {
        return Ok(Err(unknown_client()));
    }
    let Some(token) = r.oauth_refresh_token(&hash)?.filter(|token| token.expires_at > now) else {
        return refuse("This refresh token is unknown or has expired; connect again");
    };
    let grant = r.oauth_grant(&token.grant_id)?.filter(|grant| grant.client_id == exchange.client_id);
    let Some(grant) = grant else { return refuse("This refresh token was issued to another client") };
    if grant.revoked_at.is_some() {
        return refuse("This connection was revoked; connect again");
    }
    if token.rotated_at.is_some_and(|at| now - at > GRACE) {
        revocation::end(tx, &grant, "an exchanged refresh token was used again")?;
        return refuse("This refresh token was exchanged before; the whole connection is revoked");
    }
    if foreign {
        return Ok(Err(foreign_resource()));
    }
    let Some(scope) = narrowed(&grant.scope, exchange.scope.as_deref()) else {
        return Ok(Err(Refusal::new(Kind::InvalidScope, format!("scope may only narrow what was granted: {}", grant.scope))));
    };
    if !is_member(tx, &grant)? {
        return refuse("Whoever approved this is no longer a member of the organization");
    }
    tx.rotate_oauth_refresh_token(&hash, now)?;
    issue(tx, grant, scope, now)
}

fn issue(tx: &mut Tx<'_>, grant: OauthGrantRow, scope: String, now: Millis) -> std::result::Result<Outcome, Failure> {
    let (refresh_token, expires_at) = (new_refresh_token(), now + REFRESH_LIFETIME);
    tx.purge_oauth_refresh_tokens(now)?;
    tx.insert_oauth_refresh_token(&OauthRefreshTokenRow { hash: sha256(&refresh_token), grant_id: grant.id.clone(), expires_at, rotated_at: None })?;
    tx.issue_from_oauth_grant(&grant.id, now, expires_at)?;
    Ok(Ok(Exchanged { grant, refresh_token, scope }))
}

/// The scope of the next access token; unknown scopes are dropped, and none known means everything granted. `None` when more
/// is asked for than was granted.
fn narrowed(granted: &str, asked: Option<&str>) -> Option<String> {
    let asked = Scopes::known(asked.unwrap_or_default());
    if asked.is_empty() {
        return Some(granted.to_owned());
    }
    Scopes::known(granted).cover(&asked).then(|| asked.to_string())
}

/// The same redirect URI, except that an empty path equals `/`.
fn same_address(given: &str, own: &str) -> bool {
    given == own || (redirects::matches(own, given) && redirects::display_host(own) == redirects::display_host(given))
}

fn is_member(tx: &Tx<'_>, grant: &OauthGrantRow) -> Result<bool> {
    Ok(tx.reader().role_of(&grant.organization_id, &grant.tenant_id)?.is_some())
}

fn unknown_client() -> Refusal {
    Refusal::new(Kind::InvalidClient, "This server knows no such client; register again")
}

fn foreign_resource() -> Refusal {
    Refusal::new(Kind::InvalidTarget, "resource names another server")
}
