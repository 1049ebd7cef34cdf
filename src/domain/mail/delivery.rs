//! Handing queued mail in to the environment's mail server, again and again until it is taken or given up.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;

use crate::domain::auth::config::{SmtpSecurity, SmtpSettings};
use crate::domain::backend::Backend;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::smtp::{Letter, Relay, Security};
use crate::store::data::MailRow;

/// Milliseconds until the next try after the first, second and third failure.
const RETRIES: [i64; 3] = [60_000, 5 * 60_000, 25 * 60_000];
/// How long the sender sleeps at most.
const NAP: Duration = Duration::from_secs(60);
/// Mails handed in at a time.
const AT_ONCE: u32 = 4;

impl Backend {
    /// Opens the environments that an earlier run left with mail to send; opening starts their senders.
    pub async fn resume_mail(self: &Arc<Self>) {
        let rows = match self.control().read::<_, Error, _>(|r| Ok(r.all_environments()?)).await {
            Ok(rows) => rows,
            Err(error) => return tracing::warn!(%error, "mail left by an earlier run cannot be looked for"),
        };
        for row in rows.into_iter().filter(|row| row.status == "active") {
            let (this, id) = (Arc::clone(self), row.id.clone());
            let has_mail = tokio::task::spawn_blocking(move || this.directory().has_queued_mail(&id)).await;
            if matches!(has_mail, Ok(true))
                && let Err(error) = self.environment(&row.id).await
            {
                tracing::warn!(%error, "mail left by an earlier run cannot be sent");
            }
        }
    }
}

/// Sends what is due in an environment for as long as it is open; starts with what an earlier run left.
pub async fn run(environment: Weak<Environment>) {
    loop {
        let Some(this) = environment.upgrade() else { return };
        let (post, rest) = (Arc::clone(this.post()), send_due(&this).await);
        if this.data().is_closed() {
            return;
        }
        drop(this);
        let nap = rest.unwrap_or_else(|error| {
            tracing::warn!(%error, cause = error.cause(), "queued mail could not be sent");
            NAP
        });
        // Whichever comes first; neither can fail.
        let _ = tokio::time::timeout(nap, post.queued.notified()).await;
    }
}

/// Sends what is due; answers how long to wait for the next.
async fn send_due(environment: &Arc<Environment>) -> Result<Duration> {
    loop {
        let queued = environment.data().read::<_, Error, _>(|r| Ok(r.queued_mails(AT_ONCE)?)).await?;
        let now = environment.now();
        let Some(first) = queued.first() else { return Ok(NAP) };
        let early = first.due_at.unwrap_or_default() - now;
        if early > 0 {
            return Ok(NAP.min(Duration::from_millis(early.unsigned_abs())));
        }
        let smtp = environment.auth_config().mail.smtp.clone();
        let due = queued.into_iter().filter(|mail| mail.due_at.unwrap_or_default() <= now);
        let claimed: Vec<MailRow> = due.map(|mail| claimed(mail, smtp.is_some(), now)).collect();
        // An attempt counts before it is made: a store that no longer takes writes cannot make the server mail for ever.
        note(environment, claimed.clone()).await?;
        let Some(smtp) = smtp else { continue };
        let attempts = claimed.into_iter().filter(|mail| mail.delivery == "queued").map(|mail| attempt(mail, &smtp));
        let outcomes = join_all(attempts).await;
        let now = environment.now();
        note(environment, outcomes.into_iter().map(|(mail, outcome)| settled(mail, outcome, now)).collect()).await?;
    }
}

async fn note(environment: &Environment, mails: Vec<MailRow>) -> Result<()> {
    environment.data().write::<_, Error, _>(move |tx| mails.iter().try_for_each(|mail| tx.set_mail_delivery(mail)).map_err(Into::into)).await
}

async fn attempt(mail: MailRow, smtp: &SmtpSettings) -> (MailRow, std::result::Result<(), String>) {
    let MailRow { id, sender: from, recipient: to, subject, text, html, .. } = mail.clone();
    let letter = Letter { id, from, to, subject, text, html };
    let outcome = relay(smtp).send(&letter).await.map_err(|error| without_password(error, smtp));
    (mail, outcome)
}

fn relay(smtp: &SmtpSettings) -> Relay {
    Relay {
        host: smtp.host.trim_matches(['[', ']']).to_owned(),
        port: smtp.port,
        security: match smtp.security {
            SmtpSecurity::Starttls => Security::StartTls,
            SmtpSecurity::Tls => Security::Tls,
            SmtpSecurity::None => Security::None,
        },
        username: smtp.username.clone(),
        password: smtp.password.as_ref().map(|password| password.reveal().to_owned()),
    }
}

/// What a mail server says may quote what it was told.
fn without_password(error: String, smtp: &SmtpSettings) -> String {
    match smtp.password.as_ref().map(|password| password.reveal()).filter(|password| !password.is_empty()) {
        Some(password) => error.replace(password, "•••"),
        None => error,
    }
}

/// A mail whose next attempt begins: counted, and due again should the server not live to see how it ends. Without a mail
/// server it stays here; after the last attempt it is given up.
fn claimed(mut mail: MailRow, can_send: bool, now: i64) -> MailRow {
    if !can_send {
        (mail.delivery, mail.due_at) = ("local".to_owned(), None);
    } else if mail.attempts as usize > RETRIES.len() {
        (mail.delivery, mail.due_at) = ("failed".to_owned(), None);
        mail.error = Some("The server stopped while it tried for the last time".to_owned());
    } else {
        mail.attempts += 1;
        mail.due_at = Some(now + pause(&mail).unwrap_or(RETRIES[0]));
    }
    mail
}

/// Three more attempts are made, after 1, 5 and 25 minutes.
fn settled(mut mail: MailRow, outcome: std::result::Result<(), String>, now: i64) -> MailRow {
    mail.due_at = None;
    match outcome {
        Ok(()) => (mail.delivery, mail.error) = ("sent".to_owned(), None),
        Err(error) => {
            tracing::warn!(mail = mail.id, attempt = mail.attempts, "mail could not be sent: {error}");
            mail.error = Some(error);
            mail.due_at = pause(&mail).map(|pause| now + pause);
            if mail.due_at.is_none() {
                mail.delivery = "failed".to_owned();
            }
        }
    }
    mail
}

/// Milliseconds until the attempt after this one; none after the last.
fn pause(mail: &MailRow) -> Option<i64> {
    RETRIES.get((mail.attempts as usize).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::auth::Secret;

    #[test]
    fn a_mail_is_tried_again_after_1_5_and_25_minutes_and_then_given_up() {
        let mut mail = MailRow { delivery: "queued".to_owned(), due_at: Some(0), ..MailRow::default() };
        for minutes in [1, 5, 25] {
            mail = settled(claimed(mail, true, 0), Err("451 later".to_owned()), 7);
            assert_eq!((mail.delivery.as_str(), mail.due_at), ("queued", Some(7 + minutes * 60_000)));
        }
        let last = claimed(mail, true, 0);
        let failed = settled(last.clone(), Err("451 later".to_owned()), 7);
        assert_eq!((failed.delivery.as_str(), failed.due_at, failed.error.as_deref()), ("failed", None, Some("451 later")));
        let sent = settled(last, Ok(()), 7);
        assert_eq!((sent.delivery.as_str(), sent.due_at, sent.error), ("sent", None, None));
    }

    #[test]
    fn a_server_that_dies_while_sending_makes_no_attempt_more_than_the_four() {
        let mut mail = MailRow { delivery: "queued".to_owned(), due_at: Some(0), ..MailRow::default() };
        for minutes in [1, 5, 25, 1] {
            mail = claimed(mail, true, 7);
            assert_eq!((mail.delivery.as_str(), mail.due_at), ("queued", Some(7 + minutes * 60_000)));
        }
        let given_up = claimed(mail.clone(), true, 7);
        assert_eq!((given_up.delivery.as_str(), given_up.due_at, given_up.attempts), ("failed", None, 4));
        let kept = claimed(mail, false, 7);
        assert_eq!((kept.delivery.as_str(), kept.due_at), ("local", None));
    }

    #[test]
    fn a_reply_that_quotes_the_password_is_not_passed_on() {
        let smtp = SmtpSettings { password: Some(Secret::new("open sesame")), ..SmtpSettings::default() };
        assert_eq!(without_password("535 open sesame is wrong".to_owned(), &smtp), "535 ••• is wrong");
        assert_eq!(without_password("535 wrong".to_owned(), &SmtpSettings::default()), "535 wrong");
    }
}
