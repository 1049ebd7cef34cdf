//! Who signs in with an identity (`03-auth.md` §6, "Who signs in").

use std::sync::Arc;

use super::Identity;
use crate::domain::auth::events::{self, Event};
use crate::domain::auth::sign_in::{Attempt, Method, complete};
use crate::domain::auth::throttle::Rule;
use crate::domain::auth::{TokenPair, Verdict, Visit, accounts, invitation_answer, sign_up, verification};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::domain::users::Profile;
use crate::store::Tx;
use crate::store::data::UserRow;

/// Signs in whoever an identity belongs to, links it to the user of its address, or makes a user.
///
/// # Errors
/// 409 `auth/account-exists-different-provider`; 403 `auth/signup-disabled` and those of every sign-in.
pub async fn enter(environment: &Arc<Environment>, visit: &Visit, identity: Identity) -> Result<TokenPair> {
    let this = Arc::clone(environment);
    let attempt = Attempt::new(Method::Social, visit);
    environment.data().write::<_, Error, _>(move |tx| admit(tx, &this, &identity, &attempt)).await?
}

fn admit(tx: &mut Tx<'_>, environment: &Environment, identity: &Identity, attempt: &Attempt) -> Verdict<TokenPair> {
    let told = |pair, is_new| TokenPair { is_new_user: Some(is_new), ..pair };
    if let Some(account) = tx.reader().account(identity.provider.name(), &identity.account_id)? {
        return Ok(complete(tx, environment, &account.user_id, attempt)?.map(|pair| told(pair, false)));
    }
    let owner = match &identity.email {
        Some(email) => tx.reader().user_by_email(email.as_str())?,
        None => None,
    };
    match owner {
        Some(user) => Ok(link_and_sign_in(tx, environment, identity, attempt, &user)?.map(|pair| told(pair, false))),
        None => {
            let user = register(tx, environment, identity, &attempt.visit)?;
            Ok(complete(tx, environment, &user, attempt)?.map(|pair| told(pair, true)))
        }
    }
}

/// Trusts an address only when both sides have verified it: anybody can claim one they do not read.
fn link_and_sign_in(tx: &mut Tx<'_>, environment: &Environment, identity: &Identity, attempt: &Attempt, user: &UserRow) -> Verdict<TokenPair> {
    let config = environment.auth_config();
    let may_link = identity.provider.settings(&config).auto_link_verified_email && identity.email_verified && user.email_verified.is_some();
    if !may_link {
        let message = format!(
            "A user with this address signs in another way; sign in that way first, then link {} through POST /v1/auth/accounts",
            identity.provider.title()
        );
        return Err(Error::new(Code::ACCOUNT_EXISTS_DIFFERENT_PROVIDER, message));
    }
    accounts::insert(tx, environment, &user.id, identity)?;
    let answer = complete(tx, environment, &user.id, attempt)?;
    match &answer {
        // Whoever may not come in gains nothing, not even another door.
        Err(error) if !error.more().contains_key("mfaToken") => {
            tx.delete_identity(identity.provider.name(), &identity.account_id)?;
        }
        _ => events::record(tx, environment, Event::of("account_linked", &user.id, &attempt.visit))?,
    }
    Ok(answer)
}

/// Makes the user of an identity that nobody has.
fn register(tx: &mut Tx<'_>, environment: &Environment, identity: &Identity, visit: &Visit) -> Result<String> {
    sign_up::check_open(environment)?;
    environment.count_peer(Rule::SignUp, visit)?;
    let now = environment.now();
    let profile = Profile { image: identity.image.clone(), ..Profile::default() };
    let user = UserRow {
        id: new_id(),
        email: identity.email.as_ref().map(|email| email.as_str().to_owned()),
        name: identity.name_or_local_part(),
        role: "user".to_owned(),
        email_verified: identity.email_verified.then_some(now),
        profile: profile.to_json()?,
        created_at: now,
        updated_at: now,
        ..UserRow::default()
    };
    tx.insert_user(&user).map_err(sign_up::taken)?;
    accounts::insert(tx, environment, &user.id, identity)?;
    events::record(tx, environment, Event::of("signup", &user.id, visit))?;
    if environment.auth_config().email.require_email_verification && user.email.is_some() && user.email_verified.is_none() {
        verification::welcome(tx, environment, &user, None, visit)?;
    }
    invitation_answer::grant_waiting(tx, environment, visit, &user.id)?;
    Ok(user.id)
}
