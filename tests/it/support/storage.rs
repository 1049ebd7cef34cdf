//! Uploads made behind the control plane's back, for tests of the bytes alone, and requests that carry bytes.

use std::path::{Path, PathBuf};

use bkend_local::domain::environment::Environment;
use bkend_local::domain::error::Error;
use bkend_local::domain::files::disposition::Disposition;
use bkend_local::domain::files::signature::{self, Claim};
use bkend_local::domain::id;
use bkend_local::store::data::{FileRow, UploadRow};
use reqwest::Method;

use super::{Answer, Client, TestApp};

pub const HELLO: &[u8] = b"hello bkend\n";
pub const HELLO_ETAG: &str = "\"8dcb26212e228820df83ef44784abe69\"";

/// An upload of `hello.txt`.
#[derive(Debug, Clone)]
pub struct Upload {
    pub row: UploadRow,
}

impl Upload {
    /// A single upload of text, its visibility not stated.
    pub async fn begin(app: &TestApp) -> Self {
        Self::begin_with(app, |_| {}).await
    }

    /// The same with a changed row.
    pub async fn begin_with(app: &TestApp, change: impl FnOnce(&mut UploadRow)) -> Self {
        let (id, now) = (id::new_id(), app.environment.now());
        let mut row = UploadRow {
            key: format!("{}/{id}-k3vq7xw2m5ynb4tdzr6hpcufgj/hello.txt", app.environment.id()),
            id,
            filename: "hello.txt".into(),
            content_type: Some("text/plain".into()),
            max_size: 1024 * 1024,
            created_at: now,
            expires_at: now + 900_000,
            ..UploadRow::default()
        };
        change(&mut row);
        let stored = row.clone();
        app.environment.data().write::<_, Error, _>(move |tx| Ok(tx.insert_upload(&stored)?)).await.unwrap();
        Self { row }
    }

    /// An open multipart upload.
    pub async fn begin_multipart(app: &TestApp) -> Self {
        Self::begin_with(app, |row| {
            row.multipart_id = Some(id::new_id());
            (row.state, row.state_at, row.declared_size) = (Some("open".into()), Some(row.created_at), Some(1024 * 1024));
        })
        .await
    }

    /// An upload whose bytes are there.
    pub async fn stored(app: &TestApp, bytes: &[u8], change: impl FnOnce(&mut UploadRow)) -> Self {
        let upload = Self::begin_with(app, |row| {
            row.max_size = u64::MAX >> 1;
            change(row);
        })
        .await;
        put(&app.client(), &upload.put_url(app), bytes.to_vec(), &[]).await.assert(200);
        upload
    }

    /// Makes it a file of this visibility.
    pub async fn register(&self, app: &TestApp, visibility: &str) {
        let id = self.row.id.clone();
        let upload = app.environment.data().read::<_, Error, _>(move |r| Ok(r.upload(&id)?)).await.unwrap().unwrap();
        let object = upload.object.unwrap();
        let file = FileRow {
            id: upload.id.clone(),
            original_name: upload.filename,
            mime_type: object.content_type,
            size: object.size,
            visibility: visibility.into(),
            bucket: "attachments".into(),
            owner_type: "service".into(),
            metadata: "{}".into(),
            created_at: upload.created_at,
            updated_at: upload.created_at,
            ..FileRow::default()
        };
        let write = move |tx: &mut bkend_local::store::Tx<'_>| {
            tx.insert_file(&file)?;
            Ok(tx.set_registered(&file.id)?)
        };
        app.environment.data().write::<_, Error, _>(write).await.unwrap();
    }

    /// Deletes it with its bytes.
    pub async fn delete(&self, app: &TestApp) {
        let id = self.row.id.clone();
        let names = app.environment.data().write::<_, Error, _>(move |tx| Ok(tx.delete_upload(&id)?)).await.unwrap();
        names.iter().for_each(|name| app.environment.objects().remove(name));
    }

    /// Seconds at which URLs end that are signed now.
    pub fn expires(app: &TestApp) -> i64 {
        app.environment.now() / 1000 + 900
    }

    /// Path and query to PUT to.
    pub fn put_url(&self, app: &TestApp) -> String {
        self.sign(app, &Claim::put(&self.row.key, Self::expires(app), self.row.max_size, self.row.content_type.as_deref()))
    }

    pub fn part_url(&self, app: &TestApp, number: u32) -> String {
        let id = self.row.multipart_id.as_deref().unwrap();
        self.sign(app, &Claim::part(&self.row.key, Self::expires(app), self.row.max_size, id, number))
    }

    pub fn get_url(&self, app: &TestApp, disposition: Disposition) -> String {
        self.sign(app, &Claim::get(&self.row.key, Self::expires(app), disposition))
    }

    pub fn sign(&self, app: &TestApp, claim: &Claim) -> String {
        signature::url("", &app.environment.url_secret(), claim)
    }

    /// The plain path.
    pub fn path(&self) -> String {
        signature::plain_url("", &self.row.key)
    }
}

pub async fn put(client: &Client, path: &str, bytes: Vec<u8>, headers: &[(&str, &str)]) -> Answer {
    send(client, Method::PUT, path, bytes, headers).await
}

pub async fn get(client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(client, Method::GET, path, Vec::new(), headers).await
}

pub async fn send(client: &Client, method: Method, path: &str, bytes: Vec<u8>, headers: &[(&str, &str)]) -> Answer {
    let mut request = client.request(method.clone(), path);
    if method == Method::PUT {
        request = request.body(bytes);
    }
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Answer::of(request.send().await.unwrap()).await
}

/// Files below the object directory of an environment, by their names in rows.
pub fn objects(environment: &Path) -> Vec<String> {
    let root = environment.join("objects");
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path: PathBuf = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned()),
            }
        }
    }
    found.sort();
    found
}

/// Names that rows give to objects and parts.
pub async fn named(environment: &Environment) -> Vec<String> {
    let read = |r: &bkend_local::store::Reader<'_>| {
        let mut names = Vec::new();
        r.object_names(|name| names.push(name))?;
        names.sort();
        Ok(names)
    };
    environment.data().read_blocking::<_, Error, _>(read).unwrap()
}

/// Waits until the object directory holds exactly what rows name.
pub async fn settled(app: &TestApp) -> Vec<String> {
    let folder = app.backend.directory().environment(app.environment.id());
    for _ in 0..500 {
        let names = named(&app.environment).await;
        if objects(&folder) == names {
            return names;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("files {:?}, rows {:?}", objects(&folder), named(&app.environment).await);
}
