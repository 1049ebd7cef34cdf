//! Mail to developers: written in the transaction of its secret, logged, and handed to the relay when there is one
//! (`06-console.md` B3, `08-cli.md` §3 "Log").

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::relay::{self, Outgoing};
use crate::domain::backend::Backend;
use crate::domain::error::{Error, Result};
use crate::domain::id::new_id;
use crate::domain::mail;
use crate::domain::smtp::Letter;
use crate::domain::time;
use crate::store::Tx;
use crate::store::control::TenantMailRow;

/// Mails that are kept.
const KEPT: u32 = 1_000;
/// Milliseconds until the next try after the first, second and third failure.
const RETRIES: [i64; 3] = [60_000, 5 * 60_000, 25 * 60_000];
/// How long the sender sleeps at most.
const NAP: Duration = Duration::from_secs(60);

/// What wakes the sender, and whether links may stand in the log.
#[derive(Debug, Clone, Default)]
pub struct TenantPost {
    queued: Arc<Notify>,
    /// Links and codes are for the terminal on loopback only.
    pub(super) reveal: bool,
    /// The relay that `BKEND_SMTP_URL` names.
    pub(super) fixed_relay: Option<Outgoing>,
}

/// A mail about to be written.
pub(super) struct Mail<'a> {
    pub template: &'static str,
    pub to: &'a str,
    pub subject: String,
    /// Paragraphs above the link, as plain text.
    pub above: Vec<String>,
    /// What the link does: the words on it.
    pub action: &'static str,
    pub link: String,
    /// Paragraphs below the link.
    pub below: Vec<String>,
    pub variables: Map<String, Value>,
}

impl TenantPost {
    pub fn new(reveal: bool, fixed_relay: Option<Outgoing>) -> Self {
        Self { queued: Arc::default(), reveal, fixed_relay }
    }

    /// Writes a mail; it is logged, and the sender woken, after the commit.
    pub(super) fn put(&self, tx: &mut Tx<'_>, mail: Mail<'_>) -> Result<()> {
        let from = relay::sender_of(&tx.reader(), self)?;
        let now = time::now();
        let row = TenantMailRow {
            id: new_id(),
            template: mail.template.to_owned(),
            recipient: mail.to.to_owned(),
            html: html(&mail),
            text: text(&mail),
            subject: mail.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
            variables: Value::Object(mail.variables).to_string(),
            link: mail.link,
            delivery: if from.is_some() { "queued" } else { "local" }.to_owned(),
            sender: from.unwrap_or_else(|| relay::NOBODY.to_owned()),
            attempts: 0,
            due_at: Some(now),
            error: None,
            created_at: now,
        };
        tx.insert_tenant_mail(&row, KEPT)?;
        let post = self.clone();
        tx.after_commit(move || {
            post.log(&row.template, &row.recipient, &row.link);
            post.queued.notify_one();
        });
        Ok(())
    }

    /// A line of the log; what opens an account stands in it on loopback only.
    pub(super) fn log(&self, template: &str, to: &str, secret: &str) {
        mail::log(template, to, Some(secret).filter(|_| self.reveal));
    }
}

impl Backend {
    /// Hands queued mail to the relay for as long as the backend lives; starts with what an earlier run left.
    pub async fn send_queued_mail(backend: Weak<Self>) {
        loop {
            let Some(this) = backend.upgrade() else { return };
            let (wake, rest) = (Arc::clone(&this.post().queued), this.send_due_mail().await);
            drop(this);
            let nap = rest.unwrap_or_else(|error| {
                tracing::warn!(%error, "queued mail could not be sent");
                NAP
            });
            // Whichever comes first; neither can fail.
            let _ = tokio::time::timeout(nap, wake.notified()).await;
        }
    }

    /// Sends what is due; answers how long to wait for the next.
    async fn send_due_mail(self: &Arc<Self>) -> Result<Duration> {
        loop {
            let Some(mail) = self.control().read::<_, Error, _>(|r| Ok(r.next_tenant_mail()?)).await? else { return Ok(NAP) };
            let early = mail.due_at.unwrap_or_default() - time::now();
            if early > 0 {
                return Ok(NAP.min(Duration::from_millis(early.unsigned_abs())));
            }
            let outcome = match self.relay().await? {
                Some(outgoing) => outgoing.relay.send(&letter(&mail)).await,
                None => Err("There is no relay any more".to_owned()),
            };
            let tried = tried(mail, outcome, time::now());
            self.control().write::<_, Error, _>(move |tx| Ok(tx.set_tenant_mail_delivery(&tried)?)).await?;
        }
    }
}

/// A mail after an attempt to send it: three more are made, after 1, 5 and 25 minutes.
fn tried(mut mail: TenantMailRow, outcome: Result<(), String>, now: i64) -> TenantMailRow {
    mail.due_at = None;
    match outcome {
        Ok(()) => (mail.delivery, mail.error) = ("sent".to_owned(), None),
        Err(error) => {
            tracing::warn!(mail = mail.id, attempt = mail.attempts + 1, "mail could not be sent: {error}");
            mail.error = Some(error);
            match RETRIES.get(mail.attempts as usize) {
                Some(pause) => mail.due_at = Some(now + pause),
                None => mail.delivery = "failed".to_owned(),
            }
        }
    }
    mail.attempts += 1;
    mail
}

fn letter(mail: &TenantMailRow) -> Letter {
    let TenantMailRow { id, sender: from, recipient: to, subject, text, html, .. } = mail.clone();
    Letter { id, from, to, subject, text, html }
}

fn text(mail: &Mail<'_>) -> String {
    let paragraphs: Vec<&str> = mail.above.iter().map(String::as_str).chain([mail.link.as_str()]).chain(mail.below.iter().map(String::as_str)).collect();
    paragraphs.join("\n\n") + "\n"
}

fn html(mail: &Mail<'_>) -> String {
    let paragraph = |text: &String| format!("<p>{}</p>\n", escaped(text));
    let (above, below): (String, String) = (mail.above.iter().map(paragraph).collect(), mail.below.iter().map(paragraph).collect());
    let link = escaped(&mail.link);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<body>\n{above}<p><a href=\"{link}\">{}</a></p>\n<p>{link}</p>\n{below}</body>\n</html>\n",
        escaped(mail.action)
    )
}

/// Text made safe for HTML: names come from strangers.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// The variables of a mail.
pub(super) fn variables<const N: usize>(pairs: [(&str, &str); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> TenantMailRow {
        TenantMailRow {
            id: "m".to_owned(),
            template: "magic_link".to_owned(),
            recipient: "mina@harbor.test".to_owned(),
            sender: "a@b.test".to_owned(),
            subject: String::new(),
            html: String::new(),
            text: String::new(),
            variables: "{}".to_owned(),
            link: String::new(),
            delivery: "queued".to_owned(),
            attempts: 0,
            due_at: Some(0),
            error: None,
            created_at: 0,
        }
    }

    #[test]
    fn a_mail_is_tried_again_after_1_5_and_25_minutes_and_then_given_up() {
        let mut mail = mail();
        for minutes in [1, 5, 25] {
            mail = tried(mail, Err("451 later".to_owned()), 0);
            assert_eq!((mail.delivery.as_str(), mail.due_at), ("queued", Some(minutes * 60_000)));
        }
        let failed = tried(mail.clone(), Err("451 later".to_owned()), 0);
        assert_eq!((failed.delivery.as_str(), failed.due_at, failed.error.as_deref()), ("failed", None, Some("451 later")));
        let sent = tried(mail, Ok(()), 0);
        assert_eq!((sent.delivery.as_str(), sent.error), ("sent", None));
    }

    #[test]
    fn names_cannot_bring_html_into_a_mail() {
        let mail = Mail {
            template: "invitation",
            to: "mina@harbor.test",
            subject: String::new(),
            above: vec!["<img src=x onerror=alert(1)> & \"Co\"".to_owned()],
            action: "Accept",
            link: "http://localhost/console/invite#1".to_owned(),
            below: Vec::new(),
            variables: Map::new(),
        };
        assert!(html(&mail).contains("<p>&lt;img src=x onerror=alert(1)&gt; &amp; &quot;Co&quot;</p>"));
        assert!(text(&mail).starts_with("<img"));
    }
}
