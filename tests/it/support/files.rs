//! Uploads through the control plane: ask, PUT, register.

use bkend_local::domain::files::FileSettings;
use serde_json::{Value, json};

use super::storage::put;
use super::{Client, TestApp};

pub const HELLO: &[u8] = b"hello bkend\n";

impl TestApp {
    /// Changes the settings of storage.
    pub async fn storage(&self, change: impl FnOnce(&mut FileSettings)) {
        let mut settings = FileSettings::clone(&self.environment.file_settings());
        change(&mut settings);
        self.environment.set_file_settings(settings).await.unwrap();
    }

    /// Path and query of a URL that was handed out.
    #[track_caller]
    pub fn path_of(&self, url: &Value) -> String {
        let url = url.as_str().unwrap();
        url.strip_prefix(&self.url).unwrap_or_else(|| panic!("{url} is not of {}", self.url)).to_owned()
    }

    /// PUTs bytes to a URL that was handed out.
    pub async fn put_to(&self, url: &Value, bytes: &[u8]) -> super::Answer {
        put(&self.client(), &self.path_of(url), bytes.to_vec(), &[]).await
    }

    /// Presigns and PUTs; answers the presign.
    pub async fn stored(&self, client: &Client, body: Value, bytes: &[u8]) -> Value {
        let upload = client.post("/v1/files/presigned-url", body).await.assert(200);
        self.put_to(&upload["url"], bytes).await.assert(200);
        upload
    }

    /// The whole way for `hello.txt`, with more said at registration.
    pub async fn hello(&self, client: &Client, more: Value) -> Value {
        let upload = self.stored(client, json!({ "filename": "hello.txt", "contentType": "text/plain", "fileSize": 12 }), HELLO).await;
        client.post("/v1/files", registration(&upload, more)).await.assert(201)
    }

    /// A multipart upload of `text/plain` with these parts; answers `init` and the etags.
    pub async fn in_parts(&self, client: &Client, size: u64, parts: &[(u32, &[u8])]) -> (Value, Vec<Value>) {
        let body = json!({ "filename": "two.txt", "contentType": "text/plain", "fileSize": size });
        let upload = client.post("/v1/files/multipart/init", body).await.assert(200);
        let mut list = Vec::new();
        for (number, bytes) in parts {
            list.push(self.part(client, &upload, *number, bytes).await);
        }
        (upload, list)
    }

    /// PUTs one part; answers its entry for `complete`.
    pub async fn part(&self, client: &Client, upload: &Value, number: u32, bytes: &[u8]) -> Value {
        let body = json!({ "key": upload["key"], "uploadId": upload["uploadId"], "partNumber": number });
        let url = client.post("/v1/files/multipart/presigned-url", body).await.assert(200);
        let answer = self.put_to(&url["url"], bytes).await;
        let etag = answer.header("etag").unwrap_or_default().to_owned();
        answer.assert(200);
        json!({ "partNumber": number, "etag": etag })
    }
}

/// The body that registers `hello.txt` under an upload, with more members or other values.
pub fn registration(upload: &Value, more: Value) -> Value {
    let mut body = json!({ "s3Key": upload["key"], "originalName": "hello.txt", "mimeType": "text/plain", "size": 12 });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

/// What `complete` and `abort` name an upload by.
pub fn named(upload: &Value, more: Value) -> Value {
    let mut body = json!({ "key": upload["key"], "uploadId": upload["uploadId"] });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}
