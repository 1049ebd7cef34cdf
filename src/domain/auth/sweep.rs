//! Forgetting what has had its time: ended sessions, used links, old events, deleted and idle users.

use std::sync::Arc;

use super::events::{self, Event};
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::files::avatars;
use crate::domain::time::Millis;
use crate::domain::users::image::avatar_key;

const DAY: Millis = 24 * 60 * 60 * 1000;
/// Ended links and codes are remembered for this long, so that the right code can be answered.
const ONE_TIME_KEPT: Millis = 7 * DAY;
const EVENTS_KEPT: Millis = 30 * DAY;
const MOST_EVENTS: u64 = 100_000;
const ANONYMOUS_IDLE: Millis = 30 * DAY;

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    pub sessions: u64,
    pub one_time: u64,
    pub events: u64,
    pub users: u64,
}

/// Forgets what has had its time by now.
pub async fn sweep(environment: &Arc<Environment>) -> Result<Swept> {
    let this = Arc::clone(environment);
    let (now, retention) = (environment.now(), Millis::from(environment.auth_config().users.deleted_user_retention_days) * DAY);
    environment
        .data()
        .write::<_, Error, _>(move |tx| {
            for id in tx.lift_bans(now)? {
                let event = Event { kind: "user_unbanned", user_id: Some(&id), session_id: None, visit: None, success: true, code: None };
                events::record(tx, &this, event)?;
            }
            for (user, image) in tx.avatars_of_erasable(now - retention, now - ANONYMOUS_IDLE)? {
                if let Some(key) = avatar_key(&image) {
                    avatars::release(tx, &this, &user, key)?;
                }
            }
            // Idle users first: how long they were idle shows in their sessions.
            let users = tx.erase_users(now - retention, now - ANONYMOUS_IDLE)?;
            Ok(Swept {
                users,
                sessions: tx.purge_sessions(now - ANONYMOUS_IDLE)?,
                one_time: tx.purge_one_time(now - ONE_TIME_KEPT)?,
                events: tx.purge_auth_events(now - EVENTS_KEPT, MOST_EVENTS)?,
            })
        })
        .await
}
