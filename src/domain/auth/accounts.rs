//! The ways a user can sign in: linking, listing and unlinking them (`03-auth.md` §8).

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::events::{self, Event};
use super::social::callback::{Brought, with_state};
use super::social::{Identity, Provider, prove};
use super::throttle::Rule;
use super::{Email, Visit, one_time, sign_up};
use crate::domain::caller::EndUser;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::id::new_id;
use crate::domain::page::{List, Page};
use crate::domain::time;
use crate::domain::users::Profile;
use crate::store::data::{AccountRow, UserRow};
use crate::store::{StoreError, Tx};

/// A way of signing in.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub id: String,
    pub user_id: String,
    /// `credentials` for `email`, else `oauth`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `email`, `google` or `github`.
    pub provider: String,
    /// The address, for `email`; else the id of the account at the provider.
    pub provider_account_id: String,
    pub email: Option<String>,
    pub connected_at: String,
}

impl Account {
    pub(in crate::domain) fn of(row: AccountRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            kind: if row.provider == "email" { "credentials" } else { "oauth" },
            provider: row.provider,
            provider_account_id: row.provider_account_id,
            email: row.email,
            connected_at: time::iso(row.connected_at),
        }
    }
}

/// Gives a user an identity that nobody has.
///
/// # Errors
/// 409 `auth/account-already-linked`.
pub(super) fn insert(tx: &mut Tx<'_>, environment: &Environment, user_id: &str, identity: &Identity) -> Result<AccountRow> {
    let row = AccountRow {
        id: new_id(),
        user_id: user_id.to_owned(),
        provider: identity.provider.name().to_owned(),
        provider_account_id: identity.account_id.clone(),
        email: identity.email.as_ref().map(|email| email.as_str().to_owned()),
        connected_at: environment.now(),
    };
    tx.insert_account(&row).map_err(|error| match error {
        StoreError::Unique(_) => already_linked("This identity belongs to a user already"),
        other => other.into(),
    })?;
    Ok(row)
}

fn already_linked(message: &str) -> Error {
    Error::new(Code::ACCOUNT_ALREADY_LINKED, format!("{message}; unlink it there first"))
}

/// Links what a signed-in user brought from a provider. An anonymous user becomes a real one by it, with the id and data it has.
///
/// # Errors
/// 409 `auth/account-already-linked`; those of [`super::social::prove`]; 403 `auth/signup-disabled` for an anonymous user.
pub async fn link(environment: &Arc<Environment>, visit: &Visit, user: &EndUser, provider: Provider, brought: Brought) -> Result<Account> {
    environment.count_peer(Rule::Probe, visit)?;
    provider.mode(environment, visit.loopback_only)?;
    let proof = with_state(environment, provider, brought).await?;
    let identity = prove(environment, visit, provider, proof).await?;
    let (this, visit, id) = (Arc::clone(environment), visit.clone(), user.id.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let user = living(tx, &id)?;
            if tx.reader().accounts_of(&id)?.iter().any(|account| account.provider == provider.name()) {
                return Err(already_linked(&format!("You have linked {} already", provider.title())));
            }
            let row = insert(tx, &this, &id, &identity)?;
            events::record(tx, &this, Event::of("account_linked", &id, &visit))?;
            if user.is_anonymous {
                upgrade(tx, &this, user, &identity, &visit)?;
            }
            Ok(Account::of(row))
        })
        .await
}

fn living(tx: &mut Tx<'_>, user_id: &str) -> Result<UserRow> {
    tx.reader().user(user_id)?.ok_or_else(|| Error::new(Code::SESSION_EXPIRED, "The session of this token has ended; sign in again"))
}

/// Makes an anonymous user a real one. Linking gives no address; name and picture come along where there are none.
fn upgrade(tx: &mut Tx<'_>, environment: &Environment, mut user: UserRow, identity: &Identity, visit: &Visit) -> Result<()> {
    sign_up::check_open(environment)?;
    let mut profile = Profile::parse(&user.profile)?;
    profile.image = profile.image.or_else(|| identity.image.clone());
    user.profile = profile.to_json()?;
    user.name = user.name.or_else(|| identity.name_or_local_part());
    if user.role == "guest" {
        user.role = "user".to_owned();
    }
    user.is_anonymous = false;
    user.updated_at = environment.now();
    tx.update_user(&user)?;
    events::record(tx, environment, Event::of("signup", &user.id, visit))
}

/// The caller's ways of signing in, oldest first.
pub async fn list(environment: &Environment, user: &EndUser, page: Page) -> Result<List<Account>> {
    let id = user.id.clone();
    let rows = environment.data().read::<_, Error, _>(move |r| Ok(r.accounts_of(&id)?)).await?;
    Ok(List::slice(rows.into_iter().map(Account::of).collect(), page))
}

/// Takes a way of signing in away from the caller; `email` takes the password along and leaves the address.
///
/// # Errors
/// 400 `auth/unsupported-provider`, `auth/cannot-unlink-last-account`; 404 `auth/account-not-found`.
pub async fn unlink(environment: &Arc<Environment>, visit: &Visit, user: &EndUser, provider: &str) -> Result<()> {
    let provider = method(provider)?;
    let (this, visit, id) = (Arc::clone(environment), visit.clone(), user.id.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let user = living(tx, &id)?;
            let accounts = tx.reader().accounts_of(&id)?;
            if !accounts.iter().any(|account| account.provider == provider) {
                return Err(Error::new(Code::ACCOUNT_NOT_FOUND, format!("You do not sign in with {provider}; GET /v1/auth/accounts lists your accounts")));
            }
            if accounts.iter().all(|account| account.provider == provider) {
                let message = format!("{provider} is your only way of signing in; link another one first");
                return Err(Error::new(Code::CANNOT_UNLINK_LAST_ACCOUNT, message));
            }
            tx.delete_account(&id, provider)?;
            if provider == "email" {
                tx.remove_password(&id)?;
                one_time::void_doors(tx, &id, user.email.as_deref())?;
            }
            events::record(tx, &this, Event::of("account_unlinked", &id, &visit))
        })
        .await
}

fn method(name: &str) -> Result<&'static str> {
    if name == "email" { Ok("email") } else { known(name).map(Provider::name) }
}

fn known(name: &str) -> Result<Provider> {
    Provider::parse(name).map_err(|error| Error::new(error.code(), format!("The provider must be email, google or github, not \"{}\"", clip(name))))
}

/// Whether somebody signs in this way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Existence {
    pub exists: bool,
    /// As asked.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub provider: &'static str,
}

/// The two kinds that can be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Credentials,
    OAuth,
}

impl Kind {
    /// # Errors
    /// 400 `common/invalid-parameters`.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "credentials" => Ok(Self::Credentials),
            "oauth" => Ok(Self::OAuth),
            other => Err(Error::invalid_parameter("type", format!("type must be credentials or oauth, not \"{}\"", clip(other)))),
        }
    }
}

/// Tells whether an account exists.
///
/// # Errors
/// 403 `auth/forbidden` while accounts are not disclosed; 400 `auth/unsupported-provider`; 429 `auth/too-many-requests`.
pub async fn check(environment: &Environment, visit: &Visit, kind: Kind, provider: &str, account_id: &str) -> Result<Existence> {
    if !environment.auth_config().email.disclose_accounts {
        return Err(Error::new(Code::FORBIDDEN, "This environment does not tell who has an account (discloseAccounts)"));
    }
    environment.count_peer(Rule::Probe, visit)?;
    let provider = method(provider)?;
    let fits = (kind == Kind::Credentials) == (provider == "email");
    if !fits {
        return Err(Error::new(Code::UNSUPPORTED_PROVIDER, "type credentials goes with the provider email, type oauth with google or github"));
    }
    // What is no address nobody has.
    let wanted = if kind == Kind::Credentials { Email::parse(account_id).ok().map(Email::into_string) } else { Some(account_id.to_owned()) };
    let exists = match wanted {
        Some(id) => environment.data().read::<_, Error, _>(move |r| Ok(r.account(provider, &id)?.is_some())).await?,
        None => false,
    };
    Ok(Existence { exists, kind: if kind == Kind::Credentials { "credentials" } else { "oauth" }, provider })
}
