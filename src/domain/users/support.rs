//! What developers do for one user: its sessions, its mail, acting as it (`06-console.md` B3).

use std::sync::Arc;

use serde_json::Map;
use url::Url;

use super::access::{Asker, Target, not_found};
use crate::domain::auth::accounts::Account;
use crate::domain::auth::events::{self, Event};
use crate::domain::auth::impersonate::{self, Whom};
use crate::domain::auth::redirects::{self, Parameter};
use crate::domain::auth::sessions::SessionInfo;
use crate::domain::auth::verification::{self, Family};
use crate::domain::auth::{Email, TokenPair, link, password_reset};
use crate::domain::error::{Code, Error, Result};
use crate::domain::mail::Template;
use crate::domain::page::{List, Page};
use crate::store::Tx;
use crate::store::data::{SessionRow, UserRow};

/// Seconds an access token for acting as somebody may live.
const IMPERSONATION: std::ops::RangeInclusive<i64> = 60..=3600;

impl Asker {
    /// The living sessions of a user, newest activity first.
    pub async fn sessions(&self, target: &Target, page: Page) -> Result<List<SessionInfo>> {
        let (id, now) = (target.person.row.id.clone(), self.environment.now());
        let rows = self.environment.data().read::<_, Error, _>(move |r| Ok(r.sessions_of(&id, now)?)).await?;
        Ok(List::slice(rows.into_iter().map(|row| SessionInfo::of(row, "")).collect(), page))
    }

    /// The ways a user signs in, oldest first.
    pub fn accounts(&self, target: &Target, page: Page) -> List<Account> {
        List::slice(target.person.accounts.iter().cloned().map(Account::of).collect(), page)
    }

    /// Ends every session of a user.
    pub async fn end_sessions(&self, target: &Target) -> Result<()> {
        self.end(target, |_| true).await.map(drop)
    }

    /// Ends one session of a user.
    ///
    /// # Errors
    /// 404 `auth/session-not-found`.
    pub async fn end_session(&self, target: &Target, id: &str) -> Result<()> {
        let id = id.to_owned();
        match self.end(target, move |session| session.id == id).await? {
            0 => Err(Error::new(Code::AUTH_SESSION_NOT_FOUND, "The user has no session with this id")),
            _ => Ok(()),
        }
    }

    async fn end(&self, target: &Target, which: impl Fn(&SessionRow) -> bool + Send + 'static) -> Result<usize> {
        let (asker, id) = (self.clone(), target.person.row.id.clone());
        self.environment
            .data()
            .write::<_, Error, _>(move |tx| {
                let user = tx.reader().user(&id)?.ok_or_else(not_found)?;
                let living = tx.reader().sessions_of(&id, asker.environment.now())?;
                let ended: Vec<SessionRow> = living.into_iter().filter(|session| which(session)).collect();
                for session in &ended {
                    tx.delete_session(&session.id)?;
                    asker.note_end(tx, &session.id, &user)?;
                }
                if let [first, ..] = &ended[..] {
                    let metadata = Map::from_iter([("userId".to_owned(), user.id.clone().into()), ("sessions".to_owned(), ended.len().into())]);
                    let name = user.email.as_deref().unwrap_or(&user.id);
                    asker.audit_as(tx, "session", "revoked", (&first.id, name), metadata)?;
                }
                Ok(ended.len())
            })
            .await
    }

    fn note_end(&self, tx: &mut Tx<'_>, session_id: &str, user: &UserRow) -> Result<()> {
        let event = Event { kind: "session_revoked", user_id: Some(&user.id), session_id: Some(session_id), visit: None, success: true, code: None };
        events::record(tx, &self.environment, event)
    }

    /// An access token of a user, for some seconds.
    ///
    /// # Errors
    /// 400 `common/invalid-parameters`; 403 `auth/account-banned`; 404 `user/not-found`.
    pub async fn act_as(&self, target: &Target, seconds: i64) -> Result<TokenPair> {
        if !IMPERSONATION.contains(&seconds) {
            return Err(Error::invalid_parameter("expiresIn", format!("expiresIn must lie between 60 and 3600, not {seconds}")));
        }
        let pair = impersonate::impersonate(&self.environment, &self.visit, Whom::Id(target.person.row.id.clone()), seconds).await?;
        self.note(target, "impersonated", Map::from_iter([("seconds".to_owned(), seconds.into())])).await?;
        Ok(pair)
    }

    /// Sends a user one of the mails it could ask for itself.
    ///
    /// # Errors
    /// 404 `auth/template-not-found`; 403 `auth/account-banned`; 400 `common/invalid-parameters`, `auth/invalid-url`, those of
    /// the mail; 429 `auth/too-many-code-requests`.
    pub async fn send_mail(&self, target: &Target, template: &str, callback: Option<&str>) -> Result<()> {
        let template = Template::parse(template)?;
        let (environment, visit) = (&self.environment, &self.visit);
        let address = target.person.row.email.as_deref().ok_or_else(|| Error::invalid_parameter("email", "The user has no email to send to"))?;
        if target.person.is_banned() {
            return Err(crate::domain::auth::tokens::banned());
        }
        let email = Email::parse(address)?;
        let check = |text| redirects::check(&environment.auth_config(), environment.project(), visit, Parameter::CallbackUrl, text);
        let callback = callback.map(check).transpose()?;
        match template {
            Template::SignupConfirmation => verification::send(environment, visit, Family::SignUp, &email, callback.as_ref(), None).await,
            Template::EmailVerification => verification::send(environment, visit, Family::Contact, &email, callback.as_ref(), None).await,
            Template::PasswordReset => password_reset::request(environment, visit, &email, callback.as_ref()).await,
            Template::MagicLink => link::request_link(environment, visit, &email, needed(callback.as_ref())?, link::Besides::default()).await,
            Template::EmailCode => link::request_code(environment, visit, &email).await,
            Template::Invitation => {
                let message = "Invitations are made for a resource, by POST /v1/auth/invitations; this user is there already";
                Err(Error::invalid_parameter("template", message))
            }
        }?;
        self.note(target, "updated", Map::from_iter([("mail".to_owned(), template.name().into())])).await
    }

    /// Writes an activity about a user by itself.
    async fn note(&self, target: &Target, action: &'static str, metadata: Map<String, serde_json::Value>) -> Result<()> {
        let (asker, row) = (self.clone(), target.person.row.clone());
        Arc::clone(self.environment.data()).write::<_, Error, _>(move |tx| asker.audit(tx, action, &row, metadata)).await
    }
}

fn needed(callback: Option<&Url>) -> Result<&Url> {
    callback.ok_or_else(|| Error::invalid_parameter("callbackUrl", "callbackUrl is required: the page of the app that the link leads to"))
}
