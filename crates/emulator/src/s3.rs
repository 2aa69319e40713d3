//! S3 in a folder: s3s over its file system, with what that leaves out.
//!
//! Besides the library: a bucket that is not there is an error for every operation, conditional writes are one after
//! another, so that of two writers with `If-None-Match` one wins, no key leaves its bucket, and keys are listed as they are.
//!
//! Left out: keys of more than about 150 bytes, which do not fit into the name of a file that the library keeps beside the
//! objects, in base64; conditions on reads; and a body with a wrong checksum is refused after it was written.

use std::path::{Component, Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use laneshift_provider::settings::Account;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;

use crate::body::Body;

mod access;

use access::{Access, Keys};

/// The part of the emulator's folder that holds buckets as folders and objects as files.
pub(crate) const FOLDER: &str = "s3";

/// What a presigned URL carries, by Signature Version 4 and 2.
const SIGNING_PARAMETERS: [&str; 10] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "AWSAccessKeyId",
    "Signature",
    "Expires",
];

/// The service over `folder`.
pub(crate) fn service(folder: &Path, auth: bool, accounts: &[Account]) -> Result<S3Service, String> {
    let root = folder.join(FOLDER);
    let files = FileSystem::new(&root).map_err(|e| format!("{e:?}"))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(Keys(accounts.iter().map(|a| (a.access_key.clone(), a.secret_key.clone().into())).collect()));
    builder.set_access(Access { root, auth });
    Ok(builder.build())
}

/// Takes the signature off a request, where nobody is to check it.
///
/// A body in chunks keeps it, and must be signed with a known key: the library takes chunks apart only where it checks.
pub(crate) fn without_signature(mut request: Request<Body>) -> Request<Body> {
    let hash = request.headers().get("x-amz-content-sha256");
    if hash.is_some_and(|value| value.as_bytes().starts_with(b"STREAMING-")) {
        return request;
    }
    request.headers_mut().remove(http::header::AUTHORIZATION);
    let Some(query) = request.uri().query() else { return request };
    let signs = |pair: &&str| SIGNING_PARAMETERS.contains(&pair.split('=').next().unwrap_or_default());
    let kept: Vec<&str> = query.split('&').filter(|pair| !signs(pair)).collect();
    let target = format!("{}?{}", request.uri().path(), kept.join("&"));
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = target.parse().ok();
    if let Ok(uri) = http::Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
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
