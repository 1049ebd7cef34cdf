//! Invitations to an organization: 7 days, once, for one address (`06-console.md` A6, A7, B3).

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;
use utoipa::ToSchema;

use super::guard::{self, Need, OrganizationAccess, Role};
use super::organizations::Organization;
use super::post::{Mail, variables};
use super::{input, members};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::{Tenant, Via};
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::id::new_id;
use crate::domain::keys::sha256;
use crate::domain::time::{self, Millis};
use crate::store::control::{InvitationRow, OrganizationRow};
use crate::store::{Reader, Tx};

const LIFETIME: Millis = 7 * 24 * 60 * 60 * 1000;
const STATES: [&str; 5] = ["pending", "accepted", "rejected", "expired", "revoked"];

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    pub id: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    /// `pending`, `accepted`, `rejected`, `expired` or `revoked`.
    pub status: String,
    /// What to give to the invited person; while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    pub expires_at: String,
    /// `{ type, id, name }`.
    #[schema(value_type = Object)]
    pub invited_by: Value,
    pub created_at: String,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct NewInvitation {
    pub email: String,
    /// 1–64 characters; absent: what stands before the `@`.
    pub name: Option<String>,
    pub role: Role,
}

/// What the invited person sees before it answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationSummary {
    pub organization: InvitedTo,
    /// Who has invited.
    pub inviter: String,
    pub role: Role,
    pub email: String,
    pub name: String,
    pub expires_at: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InvitedTo {
    pub id: String,
    pub slug: String,
    pub name: String,
}

impl Backend {
    /// The invitations of an organization, newest first.
    ///
    /// # Errors
    /// As [`guard::organization`]; `common/invalid-parameters` for an unknown status.
    pub async fn invitations(self: &Arc<Self>, tenant: &Tenant, organization: &str, status: Option<&str>, base: &str) -> Result<Vec<Invitation>> {
        let status = status.map(|s| input::one_of("status", s, &STATES)).transpose()?;
        let (caller, id) = (tenant.clone(), organization.to_owned());
        let rows = self
            .control()
            .read::<_, Error, _>(move |r| {
                let access = guard::organization(r, &caller, &id, Need::read(Role::Admin))?;
                Ok(r.invitations(&access.row.id)?)
            })
            .await?;
        let all = rows.into_iter().map(|row| self.view(row, may_see_links(tenant).then_some(base))).collect::<Result<Vec<_>>>()?;
        Ok(all.into_iter().filter(|i| status.is_none_or(|s| s == i.status)).collect())
    }

    /// Invites an address; the mail goes out, and `link` is in the answer.
    ///
    /// # Errors
    /// As [`guard::organization`]; `member/role-too-high`, `member/already-member`, `invitation/pending`;
    /// `common/invalid-parameters`.
    pub async fn invite(self: &Arc<Self>, tenant: &Tenant, organization: &str, new: NewInvitation, base: &str) -> Result<Invitation> {
        let email = input::email(&new.email)?;
        let name = input::optional_name("name", new.name.as_deref())?.unwrap_or_else(|| super::signup::name_of(&email));
        let (this, caller, id, base) = (Arc::clone(self), tenant.clone(), organization.to_owned(), base.to_owned());
        self.control()
            .write::<_, Error, _>(move |tx| {
                let access = guard::organization(&tx.reader(), &caller, &id, Need::write(Role::Admin))?;
                members::may_touch(&access, new.role)?;
                tx.expire_invitations(&access.row.id, time::now())?;
                free(&tx.reader(), &access.row, &email)?;
                let row = this.invitation_row(&access.row, &caller, email, name, new.role)?;
                tx.insert_invitation(&row)?;
                guard::audit(tx, &caller, change(&row, "created"))?;
                this.send(tx, &access.row, &row, &base)?;
                this.view(row, Some(&base))
            })
            .await
    }

    /// Makes a new link in place of the old one, valid for another 7 days, and mails it.
    ///
    /// # Errors
    /// As [`guard::organization`]; `invitation/not-found`, `invitation/not-pending`, `member/role-too-high`.
    pub async fn resend_invitation(self: &Arc<Self>, tenant: &Tenant, organization: &str, id: &str, base: &str) -> Result<Invitation> {
        let (this, caller, base) = (Arc::clone(self), tenant.clone(), base.to_owned());
        let (organization, id) = (organization.to_owned(), id.to_owned());
        self.control()
            .write::<_, Error, _>(move |tx| {
                let (access, mut row) = open(tx, &caller, &organization, &id)?;
                row.generation += 1;
                row.hash = sha256(&this.invitation_token(&row)?);
                row.updated_at = time::now();
                row.expires_at = row.updated_at + LIFETIME;
                row.status = "pending".to_owned();
                // One that has expired makes room for a newer one to the same address.
                tx.expire_invitations(&access.row.id, row.updated_at)?;
                let another = |i: &InvitationRow| i.id != row.id && i.email == row.email && i.status == "pending";
                if tx.reader().invitations(&access.row.id)?.iter().any(another) {
                    return Err(pending(&row.email));
                }
                tx.update_invitation(&row)?;
                guard::audit(tx, &caller, change(&row, "updated"))?;
                this.send(tx, &access.row, &row, &base)?;
                this.view(row, Some(&base))
            })
            .await
    }

    /// Cancels an invitation.
    ///
    /// # Errors
    /// As [`Backend::resend_invitation`].
    pub async fn cancel_invitation(self: &Arc<Self>, tenant: &Tenant, organization: &str, id: &str) -> Result<()> {
        let (caller, organization, id) = (tenant.clone(), organization.to_owned(), id.to_owned());
        self.control()
            .write::<_, Error, _>(move |tx| {
                let (_, mut row) = open(tx, &caller, &organization, &id)?;
                answer(tx, &mut row, "revoked")?;
                guard::audit(tx, &caller, change(&row, "revoked"))
            })
            .await
    }

    /// What an invitation is about, for whoever holds its link.
    ///
    /// # Errors
    /// 400 `invitation/invalid`, `invitation/expired`; 429 `tenant/too-many-attempts`.
    pub async fn look_up_invitation(self: &Arc<Self>, token: &str, address: &str) -> Result<InvitationSummary> {
        let attempt = self.attempts().guess(address)?;
        let token = token.to_owned();
        let result = self
            .control()
            .read::<_, Error, _>(move |r| {
                let row = look_up(r, &token)?;
                let organization = r.organization(&row.organization_id)?.ok_or_else(invalid)?;
                Ok((row, organization))
            })
            .await;
        let (row, organization) = attempt.judge(result, |error| error.code().status == 400)?;
        let inviter: Value = serde_json::from_str(&row.invited_by).map_err(Error::internal)?;
        Ok(InvitationSummary {
            organization: InvitedTo { id: organization.id, slug: organization.slug, name: organization.name },
            inviter: inviter["name"].as_str().unwrap_or_default().to_owned(),
            role: role_of(&row)?,
            email: row.email,
            name: row.name,
            expires_at: time::iso(row.expires_at),
        })
    }

    /// Joins the organization.
    ///
    /// # Errors
    /// `invitation/invalid`, `invitation/expired`, `invitation/email-mismatch`, `member/already-member`;
    /// `auth/insufficient-scope`; 429 `tenant/too-many-attempts`.
    pub async fn accept_invitation(self: &Arc<Self>, tenant: &Tenant, token: &str, address: &str) -> Result<Organization> {
        guard::own_account(tenant, true)?;
        let attempt = self.attempts().guess(address)?;
        let (caller, token) = (tenant.clone(), token.to_owned());
        let result = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let mut row = own(&tx.reader(), &caller, &token)?;
                let organization = tx.reader().organization(&row.organization_id)?.ok_or_else(invalid)?;
                if tx.reader().role_of(&organization.id, &caller.id)?.is_some() {
                    return Err(already_member(&row.email));
                }
                tx.set_member(&organization.id, &caller.id, &row.role, time::now())?;
                answer(tx, &mut row, "accepted")?;
                guard::audit(tx, &caller, change(&row, "accepted"))?;
                Ok(Organization::new(organization, role_of(&row)?))
            })
            .await;
        attempt.judge(result, |error| error.code().status == 400)
    }

    /// Turns an invitation down.
    ///
    /// # Errors
    /// As [`Backend::accept_invitation`].
    pub async fn reject_invitation(self: &Arc<Self>, tenant: &Tenant, token: &str, address: &str) -> Result<()> {
        guard::own_account(tenant, true)?;
        let attempt = self.attempts().guess(address)?;
        let (caller, token) = (tenant.clone(), token.to_owned());
        let result = self
            .control()
            .write::<_, Error, _>(move |tx| {
                let mut row = own(&tx.reader(), &caller, &token)?;
                answer(tx, &mut row, "rejected")?;
                let mut change = change(&row, "revoked");
                change.metadata.insert("rejected".to_owned(), true.into());
                guard::audit(tx, &caller, change)
            })
            .await;
        attempt.judge(result, |error| error.code().status == 400)
    }

    fn invitation_row(&self, organization: &OrganizationRow, by: &Tenant, email: String, name: String, role: Role) -> Result<InvitationRow> {
        let now = time::now();
        let mut row = InvitationRow {
            id: new_id(),
            organization_id: organization.id.clone(),
            email,
            name,
            role: role.name().to_owned(),
            hash: [0; 32],
            generation: 1,
            status: "pending".to_owned(),
            invited_by: by.actor().to_string(),
            expires_at: now + LIFETIME,
            created_at: now,
            updated_at: now,
        };
        row.hash = sha256(&self.invitation_token(&row)?);
        Ok(row)
    }

    /// Derived from the id, so that an admin can copy the link again while only its hash is stored.
    fn invitation_token(&self, row: &InvitationRow) -> Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret()).map_err(Error::internal)?;
        mac.update(format!("invitation\0{}\0{}", row.id, row.generation).as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }

    fn link(&self, row: &InvitationRow, base: &str) -> Result<String> {
        Ok(format!("{base}/console/invite#{}", self.invitation_token(row)?))
    }

    fn send(&self, tx: &mut Tx<'_>, organization: &OrganizationRow, row: &InvitationRow, base: &str) -> Result<()> {
        let inviter: Value = serde_json::from_str(&row.invited_by).map_err(Error::internal)?;
        let (inviter, link) = (inviter["name"].as_str().unwrap_or_default(), self.link(row, base)?);
        let invitation = format!("{inviter} invites you to the organization {} on bkend-local, with the role {}.", organization.name, row.role);
        self.post().put(
            tx,
            Mail {
                template: "invitation",
                to: &row.email,
                subject: format!("{inviter} invites you to {}", organization.name),
                above: vec![format!("Hello {},", row.name), invitation],
                action: "Look at the invitation",
                variables: variables([
                    ("userName", &row.name),
                    ("userEmail", &row.email),
                    ("inviterName", inviter),
                    ("resourceName", &organization.name),
                    ("inviteLink", &link),
                    ("expiresIn", "7 days"),
                ]),
                link,
                below: vec!["The invitation is open for 7 days.".to_owned()],
            },
        )
    }

    fn view(&self, row: InvitationRow, base: Option<&str>) -> Result<Invitation> {
        let over = row.status == "pending" && row.expires_at <= time::now();
        let link = match base.filter(|_| row.status == "pending" && !over) {
            Some(base) => Some(self.link(&row, base)?),
            None => None,
        };
        Ok(Invitation {
            role: role_of(&row)?,
            status: if over { "expired".to_owned() } else { row.status },
            id: row.id,
            email: row.email,
            name: row.name,
            link,
            expires_at: time::iso(row.expires_at),
            invited_by: serde_json::from_str(&row.invited_by).map_err(Error::internal)?,
            created_at: time::iso(row.created_at),
        })
    }
}

/// Whoever may invite may also see what was sent; a token that only reads may not.
fn may_see_links(tenant: &Tenant) -> bool {
    !matches!(tenant.via, Via::Token { write: false, .. })
}

/// An invitation that waits for its answer, or has expired without one.
fn open(tx: &mut Tx<'_>, caller: &Tenant, organization: &str, id: &str) -> Result<(OrganizationAccess, InvitationRow)> {
    let access = guard::organization(&tx.reader(), caller, organization, Need::write(Role::Admin))?;
    let row = tx.reader().invitation(&access.row.id, id)?;
    let row = row.ok_or_else(|| Error::new(Code::INVITATION_NOT_FOUND, "The organization has no invitation with this id"))?;
    members::may_touch(&access, role_of(&row)?)?;
    if !matches!(row.status.as_str(), "pending" | "expired") {
        return Err(Error::new(Code::INVITATION_NOT_PENDING, format!("The invitation is {} already; invite the address again", clip(&row.status))));
    }
    Ok((access, row))
}

/// Whether the address is neither a member nor invited.
fn free(r: &Reader<'_>, organization: &OrganizationRow, email: &str) -> Result<()> {
    if r.members(&organization.id)?.iter().any(|m| m.email == email) {
        return Err(already_member(email));
    }
    if r.invitations(&organization.id)?.iter().any(|i| i.email == email && i.status == "pending") {
        return Err(pending(email));
    }
    Ok(())
}

/// The invitation a token opens.
pub(super) fn look_up(r: &Reader<'_>, token: &str) -> Result<InvitationRow> {
    let row = r.invitation_by_hash(&sha256(token.trim()))?.ok_or_else(invalid)?;
    if row.status == "expired" || (row.status == "pending" && row.expires_at <= time::now()) {
        return Err(Error::new(Code::INVITATION_EXPIRED, "This invitation has expired; ask for a new one"));
    }
    if row.status == "pending" { Ok(row) } else { Err(invalid()) }
}

/// The same, if it is for the caller's address.
fn own(r: &Reader<'_>, caller: &Tenant, token: &str) -> Result<InvitationRow> {
    let row = look_up(r, token)?;
    let email = r.tenant(&caller.id)?.map(|t| t.email).unwrap_or_default();
    if row.email == email {
        return Ok(row);
    }
    let message = format!("This invitation is for {}; you are signed in as {email}", row.email);
    Err(Error::new(Code::INVITATION_EMAIL_MISMATCH, message))
}

fn answer(tx: &mut Tx<'_>, row: &mut InvitationRow, status: &str) -> Result<()> {
    (row.status, row.updated_at) = (status.to_owned(), time::now());
    Ok(tx.update_invitation(row)?)
}

fn role_of(row: &InvitationRow) -> Result<Role> {
    Role::parse(&row.role).ok_or_else(|| Error::internal("unknown role"))
}

fn change<'a>(row: &'a InvitationRow, action: &'a str) -> Change<'a> {
    let mut change =
        Change { organization_id: Some(&row.organization_id), entity: "invitation", action, entity_id: &row.id, entity_name: &row.email, ..Change::default() };
    change.metadata.insert("role".to_owned(), row.role.clone().into());
    change
}

fn invalid() -> Error {
    Error::new(Code::INVITATION_INVALID, "This invitation is unknown, was answered or cancelled, or a newer one took its place; ask for a new one")
}

fn already_member(email: &str) -> Error {
    Error::new(Code::MEMBER_ALREADY_MEMBER, format!("{email} is a member of the organization already"))
}

fn pending(email: &str) -> Error {
    Error::new(Code::INVITATION_PENDING, format!("{email} is invited already; send that invitation again, or cancel it first"))
}
