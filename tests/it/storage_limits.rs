//! What happens at the ends of the disk and of the sizes there are (`05-storage.md` §6.3).

use std::path::Path;
use std::process::{Command, Stdio};

use futures_util::stream;
use reqwest::{Body, Method};
use serde_json::{Value, json};

use crate::support::process::{DataDirectory, Process};
use crate::support::storage::{objects, put};
use crate::support::{Answer, Client};

const MIB: usize = 1024 * 1024;

/// Path and query of an absolute URL.
fn path_of(url: &Value) -> String {
    let url = url.as_str().unwrap();
    url[url.find("/storage/").unwrap()..].to_owned()
}

async fn presign(client: &Client, size: usize) -> (Value, String) {
    let kind = if size > 50 * MIB { "video/mp4" } else { "application/zip" };
    let begun = client.post("/v1/files/presigned-url", json!({ "filename": "a.bin", "contentType": kind, "fileSize": size })).await.assert(200);
    let url = path_of(&begun["url"]);
    (begun, url)
}

async fn full(answer: Answer) {
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.assert_error(503, "common/unavailable")["error"]["s3Code"], "ServiceUnavailable");
}

fn environment(directory: &DataDirectory) -> std::path::PathBuf {
    directory.database().parent().unwrap().to_owned()
}

/// A disk that is full: no file of the process may grow beyond 16 MiB.
fn limited(data_dir: &Path, ready_file: &Path) -> std::process::Child {
    Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 32768; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_bkend-local"), "--data-dir"])
        .arg(data_dir)
        .args(["serve", "--port", "0", "--no-log-requests", "--no-secrets", "--ready-file"])
        .arg(ready_file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[cfg(unix)]
#[actix_web::test]
async fn a_write_that_the_disk_refuses_is_503_and_leaves_everything_as_it_was() {
    let directory = DataDirectory::with_tables(&[]).await;
    let server = Process::start_by(&directory.path(), limited).await;
    let client = server.client(&directory.secret_key);
    let (kept, url) = presign(&client, 12).await;
    put(&client, &url, b"hello bkend\n".to_vec(), &[]).await.assert(200);
    let (_, large) = presign(&client, 40 * MIB).await;
    full(put(&client, &large, vec![7; 40 * MIB], &[]).await).await;
    let begun =
        client.post("/v1/files/multipart/init", json!({ "filename": "a.bin", "contentType": "application/zip", "fileSize": 40 * MIB })).await.assert(200);
    let ask = json!({ "key": begun["key"], "uploadId": begun["uploadId"], "partNumbers": [1, 2] });
    let urls = client.post("/v1/files/multipart/presigned-url", ask).await.assert(200);
    full(put(&client, &path_of(&urls["items"][0]["url"]), vec![7; 20 * MIB], &[]).await).await;
    assert_eq!(objects(&environment(&directory)).len(), 1, "nothing of it is left");
    let file = json!({ "s3Key": kept["key"], "originalName": "a.bin", "mimeType": "application/zip", "size": 12 });
    client.post("/v1/files", file).await.assert(201);
    put(&client, &large, vec![7; MIB], &[]).await.assert(200);
}

#[cfg(target_os = "linux")]
#[actix_web::test]
async fn a_quarter_of_a_gibibyte_of_the_disk_stays_free() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=300m", "tmpfs"]).arg(folder.path()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("only root can mount a small disk; the reserve is tested in src/domain/files/put.rs");
        return;
    }
    let _unmount = Unmount(folder.path());
    let directory = DataDirectory::with_tables_in(folder.path(), &[]).await;
    let server = Process::start(&directory.path()).await;
    let client = server.client(&directory.secret_key);
    let (_, small) = presign(&client, MIB).await;
    put(&client, &small, vec![7; MIB], &[]).await.assert(200);
    // Told by the length before a byte was sent, and by the bytes when there is no length.
    let (_, large) = presign(&client, 60 * MIB).await;
    full(put(&client, &large, vec![7; 60 * MIB], &[]).await).await;
    let pieces = stream::iter((0..60).map(|_| Ok::<_, std::io::Error>(vec![7u8; MIB])));
    let answer = client.request(Method::PUT, &large).body(Body::wrap_stream(pieces)).send().await.unwrap();
    full(Answer::of(answer).await).await;
    assert_eq!(objects(&environment(&directory)).len(), 1);
    put(&client, &small, vec![8; MIB], &[]).await.assert(200);
}

struct Unmount<'f>(&'f Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        // Lazily: the server and the data directory go a moment later.
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[actix_web::test]
#[ignore = "sends 5 GiB; run with --run-ignored and 11 GiB of disk to spare, figures are printed"]
async fn five_gibibytes_by_multipart_take_no_more_memory_than_a_few() {
    const PART: usize = 512 * MIB;
    const PARTS: usize = 10;
    let directory = DataDirectory::with_tables(&[]).await;
    let server = Process::start(&directory.path()).await;
    let client = server.client(&directory.secret_key);
    let begun =
        client.post("/v1/files/multipart/init", json!({ "filename": "a.bin", "contentType": "application/zip", "fileSize": PART * PARTS })).await.assert(200);
    let (mut parts, mut memory, clock) = (Vec::new(), vec![server.resident_mib()], std::time::Instant::now());
    for number in 1..=PARTS {
        let ask = json!({ "key": begun["key"], "uploadId": begun["uploadId"], "partNumber": number });
        let url = path_of(&client.post("/v1/files/multipart/presigned-url", ask).await.assert(200)["url"]);
        let zeros = bytes::Bytes::from_static(&[0; MIB]);
        let pieces = stream::iter((0..PART / MIB).map(move |_| Ok::<_, std::io::Error>(zeros.clone())));
        let sending = client.request(Method::PUT, &url).header("Content-Length", PART).body(Body::wrap_stream(pieces)).send();
        let answer = Answer::of(sending.await.unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        parts.push(json!({ "partNumber": number, "etag": answer.header("etag") }));
        memory.push(server.resident_mib());
    }
    let body = json!({ "key": begun["key"], "uploadId": begun["uploadId"], "parts": parts });
    let done = client.post("/v1/files/multipart/complete", body).await.assert(200);
    memory.push(server.resident_mib());
    assert_eq!(done["size"], PART * PARTS);
    let mut answer = client.request(Method::GET, &format!("/storage/{}", begun["key"].as_str().unwrap())).send().await.unwrap();
    let mut sum = 0;
    while let Some(chunk) = answer.chunk().await.unwrap() {
        sum += chunk.len();
    }
    memory.push(server.resident_mib());
    println!("5 GiB up and down in {:.0} s; memory in MiB after each part: {memory:?}", clock.elapsed().as_secs_f64());
    assert_eq!(sum, PART * PARTS);
    assert!(memory.iter().max().unwrap() - memory[1] < 32, "memory grew with what was sent");
}
