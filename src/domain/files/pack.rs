//! Files packed into one archive for download.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::sync::Arc;

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::put;
use crate::domain::backend::Backend;
use crate::domain::environment::Environment;
use crate::domain::error::{Error, Result};
use crate::domain::jobs::Task;
use crate::store::Objects;
use crate::store::data::{FileRow, ObjectRow};

impl Backend {
    /// Writes the archive beside the job and answers what it holds.
    pub(super) async fn pack_files(self: &Arc<Self>, task: &Task, environment: &Arc<Environment>, ids: Vec<String>) -> Result<Value> {
        let found = environment
            .data()
            .read::<_, Error, _>(move |r| {
                let (mut files, mut missing) = (Vec::new(), Vec::new());
                for id in &ids {
                    match (r.file(id)?, r.upload(id)?.and_then(|upload| upload.object)) {
                        (Some(file), Some(object)) => files.push((file, object)),
                        _ => missing.push(id.clone()),
                    }
                }
                Ok((files, missing))
            })
            .await?;
        let (files, mut missing) = found;
        let found = files.len();
        let (path, objects, task) = (self.directory().artifact(&task.id()), environment.objects().clone(), task.clone());
        let work = move || {
            let half = path.with_extension("part");
            std::fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(failed)?;
            let written = write(&half, &objects, &files, &task).and_then(|written| std::fs::rename(&half, &path).map_err(failed).map(|()| written));
            // Half an archive is of no use to anybody.
            written.inspect_err(|_| drop(std::fs::remove_file(&half)))
        };
        let (size, gone) = tokio::task::spawn_blocking(work).await.map_err(Error::internal)??;
        let count = found - gone.len();
        missing.extend(gone);
        let filename = format!("{}-files.zip", environment.name());
        Ok(json!({ "files": count, "missing": missing, "filename": filename, "sizeBytes": size }))
    }
}

/// Answers the size of the archive, and the ids of files that were deleted before they could be packed.
fn write(path: &std::path::Path, objects: &Objects, files: &[(FileRow, ObjectRow)], task: &Task) -> Result<(u64, Vec<String>)> {
    let mut archive = ZipWriter::new(io::BufWriter::new(File::create(path).map_err(failed)?));
    let (mut names, mut gone) = (HashSet::new(), Vec::new());
    for (at, (file, object)) in files.iter().enumerate() {
        task.step(at as u64, files.len() as u64, "packing")?;
        let mut source = match objects.open(&object.name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                gone.push(file.id.clone());
                continue;
            }
            opened => opened.map_err(failed)?.into_file(),
        };
        put::check_disk(objects.free_space(), object.size)?;
        let options = SimpleFileOptions::default().compression_method(method(&file.mime_type)).large_file(object.size >= u64::from(u32::MAX));
        archive.start_file(free_name(&mut names, &file.original_name), options).map_err(|error| failed(error.into()))?;
        io::copy(&mut source, &mut archive).map_err(failed)?;
    }
    let out = archive.finish().map_err(|error| failed(error.into()))?;
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok((file.metadata().map_err(failed)?.len(), gone))
}

/// What is compressed already stays as it is.
fn method(mime_type: &str) -> CompressionMethod {
    let packed = ["image/", "video/", "audio/", "application/zip", "application/gzip"].iter().any(|kind| mime_type.starts_with(kind));
    if packed && !mime_type.starts_with("image/svg") { CompressionMethod::Stored } else { CompressionMethod::Deflated }
}

/// A name that no other file of the archive has, and that leads nowhere else when it is unpacked.
fn free_name(taken: &mut HashSet<String>, name: &str) -> String {
    let name: String = name.chars().map(|c| if matches!(c, '/' | '\\' | ':') || c.is_control() { '_' } else { c }).collect();
    let name = if name.trim_matches('.').is_empty() { "file".to_owned() } else { name };
    let (stem, extension) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or((name.as_str(), String::new()), |(s, e)| (s, format!(".{e}")));
    let mut free = name.clone();
    let mut number = 2;
    while !taken.insert(free.to_lowercase()) {
        free = format!("{stem} ({number}){extension}");
        number += 1;
    }
    free
}

fn failed(error: io::Error) -> Error {
    Error::unavailable("The archive could not be written; see that the disk has room and try again").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_an_archive_are_unique_and_lead_nowhere() {
        let mut taken = HashSet::new();
        let names = ["a.txt", "A.txt", "a.txt", "../../etc/passwd", "..", "C:\\x", "회의.txt", ".env", ".env"].map(|name| free_name(&mut taken, name));
        assert_eq!(names, ["a.txt", "A (2).txt", "a (3).txt", ".._.._etc_passwd", "file", "C__x", "회의.txt", ".env", ".env (2)"]);
    }
}
