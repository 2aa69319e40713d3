//! Files of batches: what clients bring, and what the batch lane writes for them.
//!
//! A file is two: its content, and beside it what is known of it. Ids are random and are their owner's only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use http::Response;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::BodyExt;
use laneshift_units::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::body::{Body, Coming};
use crate::gateway::{Gateway, json_response};
use crate::keys::Key;
use crate::refusal::Refusal;
use crate::shelf::fresh;

/// The largest file.
// OpenAI, "Batch API", read 2026-11-30: 200 MB.
const FILE_BYTES_MAX: u64 = 200_000_000;
/// Files of one owner.
const FILES_MAX: usize = 2_000;
/// How ids of files begin.
const PREFIX: &str = "file-";

/// What is known of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) id: String,
    owner: String,
    filename: String,
    purpose: String,
    bytes: u64,
    created_ms: i64,
}

impl File {
    fn told(&self) -> Value {
        json!({
            "id": self.id,
            "object": "file",
            "bytes": self.bytes,
            "created_at": self.created_ms.div_euclid(1_000),
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
        })
    }
}

fn unknown(id: &str) -> Refusal {
    Refusal::not_found(format!("There is no file {id}."))
}

impl Gateway {
    /// A file of a key's owner.
    pub(super) fn file(&self, id: &str, key: &Key) -> Result<(File, PathBuf), Refusal> {
        let shelf = self.shelf("files");
        let file = shelf.read::<File>(id).filter(|file| file.owner == key.owner).ok_or_else(|| unknown(id))?;
        Ok((file, shelf.content(id)))
    }

    fn files_of(&self, key: &Key) -> Vec<File> {
        let mut files = self.shelf("files").all(|file: &File| file.created_ms);
        files.retain(|file| file.owner == key.owner);
        files
    }

    /// Where a file is that does not exist yet.
    pub(super) fn path_of(&self, id: &str) -> PathBuf {
        self.shelf("files").content(id)
    }

    /// A file that is written: from here on clients see it.
    pub(super) fn shelve(&self, id: &str, (filename, purpose): (&str, &str), owner: &str, path: &Path) -> io::Result<()> {
        let shelf = self.shelf("files");
        if path != shelf.content(id) {
            fs::rename(path, shelf.content(id))?;
        }
        let file = File {
            id: id.to_owned(),
            owner: owner.to_owned(),
            filename: filename.to_owned(),
            purpose: purpose.to_owned(),
            bytes: fs::metadata(shelf.content(id))?.len(),
            created_ms: self.now().0,
        };
        shelf.note(id, &file)
    }

    pub(super) fn list_files(&self, key: &Key) -> Response<Body> {
        let files: Vec<Value> = self.files_of(key).iter().map(File::told).collect();
        json_response(&json!({ "object": "list", "data": files, "has_more": false }))
    }

    pub(super) fn tell_file(&self, id: &str, key: &Key) -> Result<Response<Body>, Refusal> {
        Ok(json_response(&self.file(id, key)?.0.told()))
    }

    pub(super) async fn file_content(&self, id: &str, key: &Key) -> Result<Response<Body>, Refusal> {
        let (file, path) = self.file(id, key)?;
        let content = tokio::fs::File::open(path).await.map_err(Refusal::failed)?;
        let mut response = Response::new(Body::file(content, file.bytes));
        response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/jsonl"));
        Ok(response)
    }

    pub(super) fn delete_file(&self, id: &str, key: &Key) -> Result<Response<Body>, Refusal> {
        let (_, path) = self.file(id, key)?;
        fs::remove_file(self.shelf("files").about(id)).map_err(Refusal::failed)?;
        // A batch that was made of it has read it.
        let _ = fs::remove_file(path);
        Ok(json_response(&json!({ "id": id, "object": "file", "deleted": true })))
    }

    /// Takes a file, on its way from the socket to the disk.
    pub(super) async fn take_file(&self, key: &Key, parts: &Parts, body: Coming) -> Result<Response<Body>, Refusal> {
        if self.files_of(key).len() >= FILES_MAX {
            return Err(Refusal::validation(format!("You have {FILES_MAX} files; delete some first.")));
        }
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(kind);
        let boundary = boundary.map_err(|_| Refusal::validation("A file is sent as multipart/form-data."))?;
        let limits = multer::SizeLimit::new().whole_stream(FILE_BYTES_MAX + 100_000).for_field("purpose", 100);
        let constraints = multer::Constraints::new().size_limit(limits);
        let mut form = multer::Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
        let id = fresh(PREFIX)?;
        let path = self.path_of(&id).with_extension("part");
        fs::create_dir_all(self.config().data.join("files")).map_err(Refusal::failed)?;
        let taken = tokio::time::timeout(self.request_max(), take_form(&mut form, &path)).await;
        let taken = taken.unwrap_or_else(|_| Err(Refusal::too_slow())).and_then(|(name, purpose)| {
            if purpose.as_deref() != Some("batch") {
                return Err(Refusal::validation("purpose is not batch: files of other purposes have no use here"));
            }
            let name = name.ok_or_else(|| Refusal::validation("The form has no file."))?;
            self.shelve(&id, (&name, "batch"), &key.owner, &path).map_err(Refusal::failed)
        });
        if let Err(refusal) = taken {
            let _ = fs::remove_file(&path);
            return Err(refusal);
        }
        self.tell_file(&id, key)
    }
}

/// The form's file, written to a path: its name; and the form's purpose.
async fn take_form(form: &mut multer::Multipart<'_>, path: &Path) -> Result<(Option<String>, Option<String>), Refusal> {
    let broken = |e: multer::Error| Refusal::validation(format!("The form: {e}"));
    let (mut name, mut purpose) = (None, None);
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("purpose") => purpose = Some(field.text().await.map_err(broken)?),
            Some("file") if name.is_none() => {
                name = Some(field.file_name().unwrap_or("file.jsonl").to_owned());
                let mut to = tokio::fs::File::create(path).await.map_err(Refusal::failed)?;
                while let Some(chunk) = field.chunk().await.map_err(broken)? {
                    to.write_all(&chunk).await.map_err(Refusal::failed)?;
                }
                to.flush().await.map_err(Refusal::failed)?;
                to.sync_all().await.map_err(Refusal::failed)?;
            }
            Some("file") => return Err(Refusal::validation("The form has two files.")),
            // Settings of how long OpenAI keeps it.
            Some(other) if other.starts_with("expires_after") => {}
            _ => return Err(Refusal::validation("The form has a field that is neither file nor purpose.")),
        }
    }
    Ok((name, purpose))
}

/// When a file's time is given as seconds.
pub(super) const fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000)
}
