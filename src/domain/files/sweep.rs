//! Forgetting uploads whose time is over (`05-storage.md` §8): once an environment is opened, and hourly.

use std::sync::Arc;

use super::remove_after_commit;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::time::Millis;
use crate::store::data::Stale;

const DAY: Millis = 24 * 60 * 60 * 1000;
/// Uploads in one transaction.
const BATCH: u32 = 200;

/// Removes uploads that were never PUT, objects that nobody registered or fetched, and multipart uploads that stand still.
/// Answers how many there were.
pub async fn sweep(environment: &Arc<Environment>) -> Result<u64> {
    let mut swept = 0;
    loop {
        let this = Arc::clone(environment);
        let batch = environment.data().write::<_, Error, _>(move |tx| {
            let (now, settings) = (this.now(), this.file_settings());
            let before = Stale { now, issued: now - DAY, stored: now - settings.orphans_kept(), active: now - settings.stale_uploads_kept() };
            let ids = tx.reader().stale_uploads(&before, BATCH)?;
            let mut names = Vec::new();
            for id in &ids {
                names.extend(tx.delete_upload(id)?);
            }
            remove_after_commit(tx, &this, names);
            Ok(ids.len() as u32)
        });
        let batch = batch.await?;
        swept += u64::from(batch);
        if batch < BATCH {
            return Ok(swept);
        }
    }
}
