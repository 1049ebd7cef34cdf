//! Handing queued mail in to the environment's mail server, again and again until it is taken or given up.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;

use crate::domain::auth::config::{SmtpSecurity, SmtpSettings};
use crate::domain::backend::Backend;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::smtp::{Letter, Relay, Security};
use crate::domain::time;
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
        let now = time::now();
        let Some(first) = queued.first() else { return Ok(NAP) };
        let early = first.due_at.unwrap_or_default() - now;
        if early > 0 {
            return Ok(NAP.min(Duration::from_millis(early.unsigned_abs())));
        }
        let smtp = environment.auth_config().mail.smtp.clone();
        let due = queued.into_iter().filter(|mail| mail.due_at.unwrap_or_default() <= now);
        let tried = join_all(due.map(|mail| attempt(mail, smtp.as_ref()))).await;
        environment.data().write::<_, Error, _>(move |tx| tried.iter().try_for_each(|mail| tx.set_mail_delivery(mail)).map_err(Into::into)).await?;
    }
}

/// A mail after an attempt to send it. Without a mail server it stays where it is.
async fn attempt(mut mail: MailRow, smtp: Option<&SmtpSettings>) -> MailRow {
    let Some(smtp) = smtp else {
        (mail.delivery, mail.due_at) = ("local".to_owned(), None);
        return mail;
    };
    let letter =
        Letter { from: mail.sender.clone(), to: mail.recipient.clone(), subject: mail.subject.clone(), text: mail.text.clone(), html: mail.html.clone() };
    let outcome = relay(smtp).send(&letter).await.map_err(|error| without_password(error, smtp));
    tried(mail, outcome, time::now())
}

fn relay(smtp: &SmtpSettings) -> Relay {
    Relay {
        host: smtp.host.clone(),
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

/// Three more attempts are made, after 1, 5 and 25 minutes.
fn tried(mut mail: MailRow, outcome: std::result::Result<(), String>, now: i64) -> MailRow {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::auth::Secret;

    #[test]
    fn a_mail_is_tried_again_after_1_5_and_25_minutes_and_then_given_up() {
        let mut mail = MailRow { delivery: "queued".to_owned(), due_at: Some(0), ..MailRow::default() };
        for minutes in [1, 5, 25] {
            mail = tried(mail, Err("451 later".to_owned()), 7);
            assert_eq!((mail.delivery.as_str(), mail.due_at), ("queued", Some(7 + minutes * 60_000)));
        }
        let failed = tried(mail.clone(), Err("451 later".to_owned()), 7);
        assert_eq!((failed.delivery.as_str(), failed.due_at, failed.error.as_deref()), ("failed", None, Some("451 later")));
        let sent = tried(mail, Ok(()), 7);
        assert_eq!((sent.delivery.as_str(), sent.due_at, sent.error), ("sent", None, None));
    }

    #[test]
    fn a_reply_that_quotes_the_password_is_not_passed_on() {
        let smtp = SmtpSettings { password: Some(Secret::new("open sesame")), ..SmtpSettings::default() };
        assert_eq!(without_password("535 open sesame is wrong".to_owned(), &smtp), "535 ••• is wrong");
        assert_eq!(without_password("535 wrong".to_owned(), &SmtpSettings::default()), "535 wrong");
    }
}
