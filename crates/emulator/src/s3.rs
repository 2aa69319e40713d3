//! S3 in a folder: s3s over its file system, with what that leaves out.
//!
//! Besides the library: a bucket that is not there is an error for every operation, and conditional writes are one after
//! another, so that of two writers with `If-None-Match` one wins.

use std::path::{Component, Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use laneshift_provider::settings::Account;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::path::S3Path;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Result, s3_error};
use s3s_fs::FileSystem;

/// The part of the emulator's folder that holds buckets as folders and objects as files.
pub(crate) const FOLDER: &str = "s3";

/// The service over `folder`.
pub(crate) fn service(folder: &Path, auth: bool, accounts: &[Account]) -> Result<S3Service, String> {
    let root = folder.join(FOLDER);
    let files = FileSystem::new(&root).map_err(|e| format!("{e:?}"))?;
    let mut builder = S3ServiceBuilder::new(files);
    if auth {
        let mut keys = SimpleAuth::new();
        for account in accounts {
            keys.register(account.access_key.clone(), account.secret_key.clone().into());
        }
        builder.set_auth(keys);
    }
    builder.set_access(Access { root, auth });
    Ok(builder.build())
}

/// Whether a signed caller may go on: any may, to any bucket that exists.
struct Access {
    root: PathBuf,
    auth: bool,
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        if self.auth && cx.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        }
        let creates = cx.s3_op().name() == "CreateBucket";
        let bucket = match cx.s3_path() {
            S3Path::Root => return Ok(()),
            S3Path::Bucket { bucket } | S3Path::Object { bucket, .. } => bucket,
        };
        if !creates && !self.root.join(&**bucket).is_dir() {
            return Err(s3_error!(NoSuchBucket, "The specified bucket does not exist"));
        }
        Ok(())
    }
}

/// The folder of a bucket, if the bucket exists.
pub(crate) fn bucket_path(folder: &Path, bucket: &str) -> Option<PathBuf> {
    let plain = !bucket.starts_with('.') && !bucket.contains(['/', '\\']);
    let path = folder.join(FOLDER).join(bucket);
    (plain && path.is_dir()).then_some(path)
}

/// The file of an object. A key that would leave its bucket has none.
pub(crate) fn object_path(bucket: &Path, key: &str) -> Option<PathBuf> {
    let relative = Path::new(key);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    inside.then(|| bucket.join(relative))
}

/// Removes what the library remembers beside an object that is replaced behind its back: checksums and headers.
pub(crate) fn forget_object(folder: &Path, bucket: &str, key: &str) {
    let name = format!(".bucket-{}.object-{}", URL_SAFE_NO_PAD.encode(bucket), URL_SAFE_NO_PAD.encode(key));
    for kind in ["internal", "metadata"] {
        // Mostly there is none; the object is right without it.
        let _ = std::fs::remove_file(folder.join(FOLDER).join(format!("{name}.{kind}.json")));
    }
}
