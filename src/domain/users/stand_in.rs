//! Seeing records as somebody else would (`06-console.md` A8, "View as").

use std::sync::Arc;

use crate::domain::caller::{Caller, EndUser};
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};

/// A guest, or the user with this id as it is now.
///
/// # Errors
/// 404 `user/not-found`.
pub async fn caller(environment: &Environment, who: &str) -> Result<Caller> {
    if who == "guest" {
        return Ok(Caller::Guest { key: None });
    }
    let id = who.to_owned();
    let role = environment.data().read::<_, Error, _>(move |r| Ok(r.role_of_user(&id)?)).await?;
    let role = role.ok_or_else(|| Error::new(Code::USER_NOT_FOUND, format!("No user of this environment has the id {}", clip(who))))?;
    Ok(user(who, environment.effective_role(&role)))
}

/// A guest, the user with this id, or somebody with a role and no records of its own.
///
/// # Errors
/// `common/invalid-parameters` for what is neither.
pub async fn caller_or_role(environment: &Environment, who: &str) -> Result<Caller> {
    match caller(environment, who).await {
        Err(error) if error.code() == Code::USER_NOT_FOUND && environment.knows_role(who) => Ok(user("", who.to_owned())),
        Err(error) if error.code() == Code::USER_NOT_FOUND => {
            Err(Error::invalid_parameter("as", format!("as must be guest, a role or the id of a user, not \"{}\"", clip(who))))
        }
        other => other,
    }
}

fn user(id: &str, role: String) -> Caller {
    let user = EndUser { id: id.to_owned(), role, session_id: String::new(), token_expires_at: i64::MAX };
    Caller::User { key: None, user: Arc::new(user) }
}
