//! What an environment's mail needs while it runs, and the lines the log has of it (`08-cli.md` §3, "Log").

use tokio::sync::{Notify, watch};

/// Wakes whoever waits for mail of one environment.
#[derive(Debug)]
pub struct Post {
    /// Links and codes may stand in the log.
    reveal: bool,
    /// Wakes the sender.
    pub(super) queued: Notify,
    /// Counts the mails written since the environment was opened.
    written: watch::Sender<u64>,
}

impl Post {
    /// `reveal`: whether links and codes may stand in the log.
    pub fn new(reveal: bool) -> Self {
        Self { reveal, queued: Notify::new(), written: watch::Sender::new(0) }
    }

    /// Tells of a mail that is durable now.
    pub(super) fn announce(&self, template: &str, to: &str, secret: Option<&str>) {
        log(template, to, secret.filter(|_| self.reveal));
        self.queued.notify_one();
        self.written.send_modify(|count| *count += 1);
    }

    /// Makes the sender look again, for instance to find that its environment is closed.
    pub fn wake(&self) {
        self.queued.notify_one();
    }

    /// Changes with every mail that is written from now on.
    pub(super) fn arrivals(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }
}

/// The log's line of a mail: `mail  magic_link → mina@harbor.test  http://…`. Give the link or code only where the log may
/// show it: to a terminal on loopback.
pub fn log(template: &str, to: &str, secret: Option<&str>) {
    match secret {
        Some(secret) => tracing::info!(target: "mail", "{template} → {to}  {secret}"),
        None => tracing::info!(target: "mail", "{template} → {to}"),
    }
}
