//! The relay for mail to developers (`06-console.md` B3, `/server/smtp`): what the server owner has set, or what
//! `BKEND_SMTP_URL` says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::post::TenantPost;
use super::{guard, input};
use crate::domain::activities::Change;
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::id::new_id;
use crate::domain::sealed;
use crate::domain::smtp::{self, Letter, Relay};
use crate::store::Reader;

/// Who mail comes from that never leaves the server.
pub(super) const NOBODY: &str = "no-reply@bkend.local";
const SETTING: &str = "smtp";
const PURPOSE: &str = "tenant smtp";

/// A relay and who its mail comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub relay: Relay,
    pub from: String,
}

/// As it is stored; the password is sealed.
#[derive(Serialize, Deserialize)]
struct Stored {
    url: String,
    from: String,
    password: Option<String>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct NewRelay {
    /// `smtp://user@host:587`, or `smtps://` for TLS from the start.
    pub url: String,
    /// Who mail comes from.
    pub from: String,
    /// Absent: the stored one stays if address and user do.
    pub password: Option<String>,
}

/// The relay without its password.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RelayView {
    /// Null: mail stays in the server's mailbox.
    pub url: Option<String>,
    pub from: Option<String>,
    pub password_set: bool,
    /// `stored`, `environment` (`BKEND_SMTP_URL`, which overrides what is stored) or null.
    pub source: Option<&'static str>,
}

impl Outgoing {
    /// Reads the value of `BKEND_SMTP_URL`; mail comes from `?from=`, else from the user when it is an address.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let relay = Relay::parse(text)?;
        let given = url::Url::parse(text).ok().and_then(|url| url.query_pairs().find(|(name, _)| name == "from").map(|(_, value)| value.into_owned()));
        let from = given.or_else(|| relay.username.clone().filter(|u| smtp::is_sender(u))).unwrap_or_else(|| NOBODY.to_owned());
        if smtp::is_sender(&from) { Ok(Self { relay, from }) } else { Err("from must be an address such as no-reply@harbor.test".to_owned()) }
    }
}

impl Backend {
    /// # Errors
    /// `management/forbidden` for everybody but the server owner.
    pub async fn relay_settings(self: &Arc<Self>, tenant: &Tenant) -> Result<RelayView> {
        guard::server_owner(tenant)?;
        if let Some(fixed) = &self.post().fixed_relay {
            return Ok(view(fixed, "environment"));
        }
        let stored = self.control().read::<_, Error, _>(stored).await?;
        let outgoing = stored.map(|s| self.opened(&s)).transpose()?;
        Ok(outgoing.map_or(RelayView { url: None, from: None, password_set: false, source: None }, |o| view(&o, "stored")))
    }

    /// # Errors
    /// `management/forbidden` for everybody but the server owner, and for its tokens: whoever chooses the relay reads the
    /// links in the mail; `common/invalid-parameters`.
    pub async fn set_relay(self: &Arc<Self>, tenant: &Tenant, new: NewRelay) -> Result<RelayView> {
        guard::server_owner_in_person(tenant)?;
        let mut relay = Relay::parse(new.url.trim()).map_err(|why| Error::invalid_parameter("url", format!("url {why}")))?;
        let from = new.from.trim().to_owned();
        if !smtp::is_sender(&from) {
            return Err(Error::invalid_parameter("from", format!("from must be an address such as no-reply@harbor.test, not \"{}\"", clip(&from))));
        }
        if let Some(before) = self.control().read::<_, Error, _>(stored).await? {
            let before = self.opened(&before)?;
            if before.relay.url() == relay.url() {
                relay.password = relay.password.or(before.relay.password);
            }
        }
        relay.password = new.password.filter(|p| !p.is_empty()).or(relay.password);
        if relay.password.is_some() && relay.username.is_none() {
            return Err(Error::invalid_parameter("url", "url must name the user whose password it is: smtp://user@host:587"));
        }
        let password = relay.password.as_ref().map(|p| sealed::seal(self.secret(), PURPOSE, p)).transpose()?;
        let setting = serde_json::to_string(&Stored { url: relay.url(), from: from.clone(), password }).map_err(Error::internal)?;
        let actor = tenant.clone();
        self.control()
            .write::<_, Error, _>(move |tx| {
                tx.set_setting(SETTING, &setting)?;
                guard::audit(tx, &actor, change("updated"))
            })
            .await?;
        self.relay_settings(tenant).await
    }

    /// # Errors
    /// `management/forbidden` for everybody but the server owner.
    pub async fn remove_relay(self: &Arc<Self>, tenant: &Tenant) -> Result<()> {
        guard::server_owner_in_person(tenant)?;
        let actor = tenant.clone();
        self.control()
            .write::<_, Error, _>(move |tx| {
                tx.delete_setting(SETTING)?;
                guard::audit(tx, &actor, change("deleted"))
            })
            .await
    }

    /// Sends a mail through the relay, now.
    ///
    /// # Errors
    /// `management/forbidden` for everybody but the server owner; `server/smtp-failed` with the relay's reply.
    pub async fn test_relay(self: &Arc<Self>, tenant: &Tenant, to: &str) -> Result<RelayView> {
        guard::server_owner_in_person(tenant)?;
        let to = input::email(to).map_err(|_| Error::invalid_parameter("to", "to must be an address such as mina@harbor.test"))?;
        let failed = |why: String| Error::new(Code::SERVER_SMTP_FAILED, why);
        let outgoing = self.relay().await?.ok_or_else(|| failed("No relay is set; PUT /management/v1/server/smtp sets one".to_owned()))?;
        let text = "This mail came through the relay that bkend-local has been given. It works.";
        let letter = Letter {
            id: new_id(),
            from: outgoing.from,
            to,
            subject: "Test of the relay of bkend-local".to_owned(),
            text: format!("{text}\n"),
            html: format!("<!doctype html>\n<html lang=\"en\">\n<body>\n<p>{text}</p>\n</body>\n</html>\n"),
        };
        outgoing.relay.send(&letter).await.map_err(|reply| failed(format!("The relay did not take the mail: {reply}")))?;
        self.relay_settings(tenant).await
    }

    /// The relay in force.
    pub(super) async fn relay(self: &Arc<Self>) -> Result<Option<Outgoing>> {
        if let Some(fixed) = &self.post().fixed_relay {
            return Ok(Some(fixed.clone()));
        }
        let stored = self.control().read::<_, Error, _>(stored).await?;
        stored.map(|s| self.opened(&s)).transpose()
    }

    fn opened(&self, stored: &Stored) -> Result<Outgoing> {
        let mut relay = Relay::parse(&stored.url).map_err(Error::internal)?;
        // A password sealed by another server's secret is as good as none: the relay will say so.
        relay.password = stored.password.as_ref().and_then(|p| sealed::open(self.secret(), PURPOSE, p));
        Ok(Outgoing { relay, from: stored.from.clone() })
    }
}

/// Who mail comes from that is to be sent; `None` when it stays here.
pub(super) fn sender_of(r: &Reader<'_>, post: &TenantPost) -> Result<Option<String>> {
    match &post.fixed_relay {
        Some(fixed) => Ok(Some(fixed.from.clone())),
        None => Ok(stored(r)?.map(|s| s.from)),
    }
}

fn stored(r: &Reader<'_>) -> Result<Option<Stored>> {
    r.setting(SETTING)?.map(|text| serde_json::from_str(&text).map_err(Error::internal)).transpose()
}

fn change(action: &str) -> Change<'_> {
    Change { entity: "provider", action, entity_id: SETTING, entity_name: SETTING, ..Change::default() }
}

fn view(outgoing: &Outgoing, source: &'static str) -> RelayView {
    RelayView { url: Some(outgoing.relay.url()), from: Some(outgoing.from.clone()), password_set: outgoing.relay.password.is_some(), source: Some(source) }
}
