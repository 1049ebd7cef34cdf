//! Invitations that users of an app send to addresses: making, listing and taking them back (`03-auth.md` §9).

use std::sync::Arc;

use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

use super::config::Inviters;
use super::events::{self, Event};
use super::redirects::with_parameters;
use super::{Email, Visit, one_time};
use crate::domain::caller::Caller;
use crate::domain::environment::Environment;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::id::{new_id, random_hex};
use crate::domain::mail::{Outgoing, Template};
use crate::domain::page::{List, Page};
use crate::domain::time::{self, Millis};
use crate::domain::users::Profile;
use crate::store::Tx;
use crate::store::data::{InvitationFilter, InvitationRow};

const DAY: Millis = 24 * 60 * 60 * 1000;
/// Bytes of the token in the mail.
const TOKEN_BYTES: usize = 32;
const STATUSES: [&str; 5] = ["pending", "accepted", "rejected", "revoked", "expired"];

/// What somebody is invited to. Only roles in the project itself are given by the server; the rest is the app's to interpret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceType {
    Organization,
    Project,
    User,
}

impl ResourceType {
    pub fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Project => "project",
            Self::User => "user",
        }
    }

    /// # Errors
    /// `common/invalid-parameters`.
    pub fn parse(name: &str) -> Result<Self> {
        let found = [Self::Organization, Self::Project, Self::User].into_iter().find(|kind| kind.name() == name);
        let message = || format!("resourceType must be organization, project or user, not \"{}\"", clip(name));
        found.ok_or_else(|| Error::invalid_parameter("resourceType", message()))
    }
}

/// An invitation as it is shown; its token stands in the mail only.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserInvitation {
    pub id: String,
    /// `organization`, `project` or `user`.
    pub resource_type: String,
    pub resource_id: String,
    pub resource_name: Option<String>,
    pub resource_role: String,
    pub email: String,
    pub name: Option<String>,
    /// `pending`, `accepted`, `rejected`, `revoked` or `expired`.
    pub status: String,
    pub expires_at: String,
    /// Null when a secret key has sent it.
    pub invited_by: Option<String>,
    pub inviter_name: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

impl UserInvitation {
    pub(super) fn of(row: InvitationRow, now: Millis) -> Self {
        Self {
            status: if is_over(&row, now) { "expired".to_owned() } else { row.status },
            id: row.id,
            resource_type: row.resource_type,
            resource_id: row.resource_id,
            resource_name: row.resource_name,
            resource_role: row.resource_role,
            email: row.email,
            name: row.name,
            expires_at: time::iso(row.expires_at),
            invited_by: row.inviter_id,
            inviter_name: row.inviter_name,
            created_at: time::iso(row.created_at),
            updated_at: time::iso(row.updated_at),
        }
    }
}

/// Pending, but past its time.
pub(super) fn is_over(row: &InvitationRow, now: Millis) -> bool {
    row.status == "pending" && row.expires_at <= now
}

/// An invitation about to be sent, checked.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    pub resource_type: ResourceType,
    pub resource_id: String,
    pub resource_name: Option<String>,
    pub resource_role: String,
    pub email: Email,
    pub name: Option<String>,
    pub inviter_name: Option<String>,
    /// Where the link in the mail leads.
    pub callback: Option<Url>,
}

/// Invites an address; a pending invitation of it to the same thing is revoked.
///
/// # Errors
/// 401 `common/authentication-required`; 403 `auth/forbidden`; 400 `user/invalid-role`; 429 `auth/too-many-requests`,
/// `auth/too-many-code-requests`.
pub async fn create(environment: &Arc<Environment>, visit: &Visit, caller: &Caller, new: NewInvitation) -> Result<UserInvitation> {
    require_somebody(caller)?;
    check_rights(environment, caller, &new)?;
    let inviter = caller.own_id().map(str::to_owned);
    environment.count_invitation(inviter.as_deref().filter(|_| !matches!(caller, Caller::SecretKey { .. })), new.email.as_str(), visit)?;
    let configured = environment.auth_config().urls.invitation_url.clone();
    let target = match (&new.callback, configured) {
        (Some(url), _) => url.clone(),
        (None, Some(url)) => Url::parse(&url).map_err(Error::internal)?,
        (None, None) => Url::parse(&format!("{}/v1/auth/pages/invitation", visit.own_url)).map_err(Error::internal)?,
    };
    let (this, visit) = (Arc::clone(environment), visit.clone());
    environment.data().write::<_, Error, _>(move |tx| create_in(tx, &this, &visit, inviter.as_deref(), new, &target)).await
}

fn check_rights(environment: &Environment, caller: &Caller, new: &NewInvitation) -> Result<()> {
    let forbidden = |message: &str| Err(Error::new(Code::FORBIDDEN, message));
    if environment.auth_config().invitations.inviters == Inviters::Admins && !caller.is_admin() {
        return forbidden("Only admins and secret keys may invite in this environment");
    }
    if new.resource_type != ResourceType::Project || new.resource_id != environment.project().id {
        return Ok(());
    }
    let role = &new.resource_role;
    if !environment.knows_role(role) {
        return Err(Error::new(Code::INVALID_ROLE, format!("resourceRole must be a role of this environment, not \"{}\"", clip(role))));
    }
    if !caller.is_admin() && !matches!(role.as_str(), "user" | "guest") {
        return forbidden("Only admins give roles other than user and guest");
    }
    Ok(())
}

fn create_in(tx: &mut Tx<'_>, environment: &Environment, visit: &Visit, inviter: Option<&str>, new: NewInvitation, target: &Url) -> Result<UserInvitation> {
    let now = environment.now();
    let sender = match inviter {
        Some(id) => Some(tx.reader().user(id)?.ok_or_else(|| Error::new(Code::SESSION_EXPIRED, "The session of this token has ended; sign in again"))?),
        None => None,
    };
    let (email, kind) = (new.email.as_str(), new.resource_type.name());
    for earlier in tx.reader().pending_app_invitations(None, Some((email, kind, &new.resource_id)), now)? {
        end(tx, environment, &earlier, "revoked", inviter, Some(visit))?;
    }
    let token = random_hex(TOKEN_BYTES);
    let days = environment.auth_config().invitations.invitation_expiration_days;
    let row = InvitationRow {
        id: new_id(),
        resource_type: kind.to_owned(),
        resource_id: new.resource_id,
        resource_name: new.resource_name,
        resource_role: new.resource_role,
        email: email.to_owned(),
        name: new.name,
        inviter_id: inviter.map(str::to_owned),
        inviter_name: new.inviter_name.or(sender.and_then(|user| user.name)),
        token_hash: one_time::token_hash(&token).map(Vec::from).ok_or_else(|| Error::internal("a new token has no hash"))?,
        status: "pending".to_owned(),
        granted_at: None,
        expires_at: now + Millis::from(days) * DAY,
        created_at: now,
        updated_at: now,
    };
    tx.insert_app_invitation(&row)?;
    let link = with_parameters(target, &[("token", &token), ("email", email)]);
    send(tx, environment, &row, link, token, i64::from(days) * DAY / 1000)?;
    note(tx, environment, "invitation_created", inviter, Some(visit))?;
    Ok(UserInvitation::of(row, now))
}

/// Writes the mail, in the language of the account that has the address.
fn send(tx: &mut Tx<'_>, environment: &Environment, row: &InvitationRow, link: Url, token: String, lifetime: i64) -> Result<()> {
    let invitee = tx.reader().user_by_email(&row.email)?;
    let profile = invitee.as_ref().map(|user| Profile::parse(&user.profile)).transpose()?.unwrap_or_default();
    let app = || environment.project().state().name.clone();
    let mail = Outgoing::link(Template::Invitation, row.email.as_str(), link, token, lifetime)
        .with("inviterName", row.inviter_name.clone().unwrap_or_else(app))
        .with("resourceName", row.resource_name.clone().unwrap_or_else(app))
        .user(row.name.as_deref().or(invitee.as_ref().and_then(|user| user.name.as_deref())), profile.locale());
    environment.put_mail(tx, &mail).map(drop)
}

/// Which invitations are wanted, as text from a query.
#[derive(Debug, Clone, Default)]
pub struct InvitationQuery {
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
    pub status: Option<String>,
}

/// The invitations the caller has sent, newest first; all of them for admins.
///
/// # Errors
/// 401 `common/authentication-required`; `common/invalid-parameters`.
pub async fn list(environment: &Environment, caller: &Caller, query: InvitationQuery, page: Page) -> Result<List<UserInvitation>> {
    require_somebody(caller)?;
    if let Some(kind) = &query.resource_type {
        ResourceType::parse(kind)?;
    }
    if let Some(status) = query.status.as_deref().filter(|status| !STATUSES.contains(status)) {
        let message = format!("status must be one of {}, not \"{}\"", STATUSES.join(", "), clip(status));
        return Err(Error::invalid_parameter("status", message));
    }
    let now = environment.now();
    let inviter_id = caller.own_id().filter(|_| !caller.is_admin()).map(str::to_owned);
    let filter = InvitationFilter { inviter_id, resource_type: query.resource_type, resource_id: query.resource_id, status: query.status, now };
    let (rows, total) = environment.data().read::<_, Error, _>(move |r| Ok(r.app_invitations(&filter, page.limit, page.offset)?)).await?;
    Ok(List::new(rows.into_iter().map(|row| UserInvitation::of(row, now)).collect(), page, total))
}

/// One invitation, for who sent it, whom it is for, and admins.
///
/// # Errors
/// 401 `common/authentication-required`; 404 `auth/invitation-not-found`.
pub async fn get(environment: &Environment, caller: &Caller, id: &str) -> Result<UserInvitation> {
    require_somebody(caller)?;
    let (own, is_admin, id, now) = (caller.own_id().map(str::to_owned), caller.is_admin(), id.to_owned(), environment.now());
    environment
        .data()
        .read::<_, Error, _>(move |r| {
            let row = r.app_invitation(&id)?.ok_or_else(not_found)?;
            let own_email = own.as_deref().map(|id| r.user(id)).transpose()?.flatten().and_then(|user| user.email);
            let may = is_admin || (own.is_some() && own == row.inviter_id) || own_email.is_some_and(|email| email == row.email);
            if may { Ok(UserInvitation::of(row, now)) } else { Err(not_found()) }
        })
        .await
}

/// Takes an invitation back.
///
/// # Errors
/// 401 `common/authentication-required`; 404 `auth/invitation-not-found`, also for other people's; 400
/// `auth/invitation-already-accepted`, `auth/invitation-expired`.
pub async fn revoke(environment: &Arc<Environment>, visit: &Visit, caller: &Caller, id: &str) -> Result<()> {
    require_somebody(caller)?;
    let (own, is_admin, id) = (caller.own_id().map(str::to_owned), caller.is_admin(), id.to_owned());
    let (this, visit) = (Arc::clone(environment), visit.clone());
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            let row = tx.reader().app_invitation(&id)?.ok_or_else(not_found)?;
            if !is_admin && (own.is_none() || own != row.inviter_id) {
                return Err(not_found());
            }
            check_open(&row, this.now())?;
            end(tx, &this, &row, "revoked", own.as_deref(), Some(&visit))
        })
        .await
}

/// Revokes what a user who leaves has sent and nobody has answered.
pub fn revoke_all_of(tx: &mut Tx<'_>, environment: &Environment, user_id: &str, visit: Option<&Visit>) -> Result<()> {
    let open = tx.reader().pending_app_invitations(Some(user_id), None, environment.now())?;
    open.iter().try_for_each(|row| end(tx, environment, row, "revoked", Some(user_id), visit))
}

/// Ends a pending invitation and notes who did it.
pub(super) fn end(tx: &mut Tx<'_>, environment: &Environment, row: &InvitationRow, status: &str, by: Option<&str>, visit: Option<&Visit>) -> Result<()> {
    tx.set_app_invitation_status(&row.id, status, None, environment.now())?;
    note(tx, environment, if status == "rejected" { "invitation_rejected" } else { "invitation_revoked" }, by, visit)
}

pub(super) fn note(tx: &mut Tx<'_>, environment: &Environment, kind: &str, user_id: Option<&str>, visit: Option<&Visit>) -> Result<()> {
    events::record(tx, environment, Event { kind, user_id, session_id: None, visit, success: true, code: None })
}

/// Whether an invitation still waits for an answer.
///
/// # Errors
/// 400 `auth/invitation-already-accepted`, `auth/invitation-expired`; 404 `auth/invitation-not-found` once it was declined or
/// revoked.
pub(super) fn check_open(row: &InvitationRow, now: Millis) -> Result<()> {
    match row.status.as_str() {
        "accepted" => Err(Error::new(Code::AUTH_INVITATION_ALREADY_ACCEPTED, "This invitation was accepted already")),
        "pending" if is_over(row, now) => Err(Error::new(Code::AUTH_INVITATION_EXPIRED, "This invitation has expired; ask for a new one")),
        "pending" => Ok(()),
        _ => Err(Error::new(Code::AUTH_INVITATION_NOT_FOUND, "This invitation was declined or taken back; ask for a new one")),
    }
}

fn require_somebody(caller: &Caller) -> Result<()> {
    match caller {
        Caller::Guest { .. } => {
            Err(Error::new(Code::AUTHENTICATION_REQUIRED, "Sign in and send the access token as Authorization: Bearer, or use a secret key"))
        }
        _ => Ok(()),
    }
}

fn not_found() -> Error {
    Error::new(Code::AUTH_INVITATION_NOT_FOUND, "You have sent or received no invitation with this id")
}
