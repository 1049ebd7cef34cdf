//! How much is stored (`05-storage.md` §5).

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::labels::Bucket;
use super::{Files, rights};
use crate::domain::error::{Error, Result};
use crate::domain::page::{List, Page};

/// Registered files: all of the environment's for admins, else the caller's own.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileStats {
    pub total_files: u64,
    /// Bytes.
    pub total_size: u64,
    /// Bytes the environment may hold; 0 while there is no limit.
    pub quota_bytes: u64,
    /// `{ files, size }` by bucket.
    #[schema(value_type = Object)]
    pub by_bucket: Map<String, Value>,
}

/// The files of one bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BucketStats {
    pub name: &'static str,
    pub files: u64,
    /// Bytes.
    pub size: u64,
}

impl Files {
    /// # Errors
    /// 401 for guests.
    pub async fn stats(&self) -> Result<FileStats> {
        let buckets = self.bucket_stats().await?;
        let by_bucket = buckets.iter().map(|b| (b.name.to_owned(), json!({ "files": b.files, "size": b.size }))).collect();
        Ok(FileStats {
            total_files: buckets.iter().map(|b| b.files).sum(),
            total_size: buckets.iter().map(|b| b.size).sum(),
            quota_bytes: self.settings.quota_bytes,
            by_bucket,
        })
    }

    /// All nine, on one page.
    ///
    /// # Errors
    /// 401 for guests.
    pub async fn buckets(&self) -> Result<List<BucketStats>> {
        Ok(List::slice(self.bucket_stats().await?, Page::default()))
    }

    async fn bucket_stats(&self) -> Result<Vec<BucketStats>> {
        rights::signed_in(&self.caller)?;
        let owner = if self.caller.is_admin() { None } else { self.caller.own_id().map(str::to_owned) };
        let counted = self.environment.data().read::<_, Error, _>(move |r| Ok(r.files_by_bucket(owner.as_deref())?)).await?;
        let of = |bucket: &Bucket| {
            let found = counted.iter().find(|(name, ..)| name == bucket.as_str());
            let (files, size) = found.map_or((0, 0), |(_, files, size)| (*files, *size));
            BucketStats { name: bucket.as_str(), files, size }
        };
        Ok(Bucket::ALL.iter().map(of).collect())
    }
}
