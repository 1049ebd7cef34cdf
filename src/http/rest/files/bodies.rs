//! What bodies of `/v1/files` may hold, for the API document: they are read under every name their fields ever had.
#![allow(dead_code)] // only the schemas are used

use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresignBody {
    /// 1–255 characters.
    pub filename: String,
    /// Empty: not known; the extension decides.
    pub content_type: String,
    /// Bytes.
    pub file_size: Option<u64>,
    /// `public`, `private`, `protected` or `shared`.
    pub visibility: Option<String>,
    /// `avatars`, `images`, `documents`, `media`, `files`, `attachments`, `exports`, `backups` or `temp`.
    pub category: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisterBody {
    /// As `POST /v1/files/presigned-url` answered it.
    pub s3_key: String,
    pub original_name: String,
    /// Empty: that of the stored object.
    pub mime_type: String,
    /// Bytes of the stored object.
    pub size: u64,
    /// 1–65535.
    pub width: Option<u32>,
    /// 1–65535.
    pub height: Option<u32>,
    pub visibility: Option<String>,
    pub bucket: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Value>,
    /// Ids of users.
    pub shared_with: Option<Vec<String>>,
    /// From admins only: `user`, `session`, `service` or `public`.
    pub owner_type: Option<String>,
    /// From admins only.
    pub owner_id: Option<String>,
}

/// What is not said comes from the upload and its object.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompleteFileBody {
    pub original_name: Option<String>,
    pub mime_type: Option<String>,
    pub size: Option<u64>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub visibility: Option<String>,
    pub bucket: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Value>,
    pub shared_with: Option<Vec<String>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilePatch {
    pub original_name: Option<String>,
    pub visibility: Option<String>,
    /// Merged one level deep; `null` removes a member.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Value>,
    pub bucket: Option<String>,
    /// Replaces the list.
    pub shared_with: Option<Vec<String>>,
}

#[derive(Deserialize, ToSchema)]
pub struct VisibilityBody {
    pub visibility: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadUrlBody {
    /// Seconds, 60–604800.
    pub expires_in: Option<u64>,
    /// `attachment` or `inline`.
    pub disposition: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MultipartInitBody {
    pub filename: String,
    pub content_type: String,
    /// Bytes of the whole file, from 1.
    pub file_size: u64,
    pub visibility: Option<String>,
    pub category: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartUrlBody {
    /// Optional where the upload stands in the path.
    pub key: Option<String>,
    /// Optional where it stands in the path.
    pub upload_id: Option<String>,
    /// 1–10000.
    pub part_number: Option<u32>,
    /// Instead of `partNumber`: up to 100 of them.
    pub part_numbers: Option<Vec<u32>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompleteUploadBody {
    pub key: Option<String>,
    pub upload_id: Option<String>,
    /// Strictly ascending.
    pub parts: Vec<PartBody>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartBody {
    pub part_number: u32,
    pub etag: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AbortBody {
    pub key: Option<String>,
    pub upload_id: Option<String>,
}
