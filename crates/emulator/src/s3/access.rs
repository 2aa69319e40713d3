//! What is checked of a request for an object before the library sees it.

use std::collections::HashMap;
use std::path::PathBuf;

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::{
    AbortMultipartUploadInput, CompleteMultipartUploadInput, CopyObjectInput, CopySource, DeleteBucketInput, DeleteObjectsInput,
    ListObjectsInput, ListObjectsV2Input, ListPartsInput, PostObjectInput, UploadPartCopyInput, UploadPartInput,
};
use s3s::path::S3Path;
use s3s::{S3Request, S3Result, s3_error};

use super::object_path;

/// The accounts' secrets by their access keys.
pub(super) struct Keys(pub(super) HashMap<String, SecretKey>);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let unknown = || s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records.");
        self.0.get(access_key).cloned().ok_or_else(unknown)
    }
}

/// Whether a signed caller may go on: any may, to any bucket that exists.
pub(super) struct Access {
    pub(super) root: PathBuf,
    pub(super) auth: bool,
}

impl Access {
    fn source(source: &CopySource) -> S3Result<()> {
        match source {
            CopySource::Bucket { bucket, key, .. } => inside(bucket).and_then(|()| inside(key)),
            CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => {
                Err(s3_error!(NotImplemented, "Only objects of buckets are copied"))
            }
        }
    }

    /// The library answers AccessDenied for an upload that it does not know.
    fn upload(&self, id: &str) -> S3Result<()> {
        if inside(id).is_ok() && self.root.join(format!(".upload-{id}.json")).is_file() {
            return Ok(());
        }
        Err(s3_error!(NoSuchUpload, "The specified multipart upload does not exist."))
    }
}

/// Refuses a key that would leave its bucket.
fn inside(key: &str) -> S3Result<()> {
    let here = PathBuf::new();
    object_path(&here, key).map(drop).ok_or_else(|| s3_error!(InvalidArgument, "The key leads out of its bucket"))
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
            S3Path::Bucket { bucket } => bucket,
            S3Path::Object { bucket, key } => {
                inside(key)?;
                bucket
            }
        };
        if !creates && !self.root.join(&**bucket).is_dir() {
            return Err(s3_error!(NoSuchBucket, "The specified bucket does not exist"));
        }
        Ok(())
    }

    /// The library deletes whatever is in it.
    async fn delete_bucket(&self, request: &mut S3Request<DeleteBucketInput>) -> S3Result<()> {
        let empty = std::fs::read_dir(self.root.join(&request.input.bucket)).is_ok_and(|mut entries| entries.next().is_none());
        if empty { Ok(()) } else { Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty")) }
    }

    /// Its key is in the form, not in the path.
    async fn post_object(&self, request: &mut S3Request<PostObjectInput>) -> S3Result<()> {
        inside(&request.input.key)
    }

    /// The library echoes the encoding and does not encode, so that a client would decode what was never encoded.
    async fn list_objects(&self, request: &mut S3Request<ListObjectsInput>) -> S3Result<()> {
        request.input.encoding_type = None;
        Ok(())
    }

    /// See [`Self::list_objects`].
    async fn list_objects_v2(&self, request: &mut S3Request<ListObjectsV2Input>) -> S3Result<()> {
        request.input.encoding_type = None;
        Ok(())
    }

    async fn copy_object(&self, request: &mut S3Request<CopyObjectInput>) -> S3Result<()> {
        Self::source(&request.input.copy_source)
    }

    async fn delete_objects(&self, request: &mut S3Request<DeleteObjectsInput>) -> S3Result<()> {
        request.input.delete.objects.iter().try_for_each(|object| inside(&object.key))
    }

    async fn upload_part(&self, request: &mut S3Request<UploadPartInput>) -> S3Result<()> {
        self.upload(&request.input.upload_id)
    }

    async fn upload_part_copy(&self, request: &mut S3Request<UploadPartCopyInput>) -> S3Result<()> {
        Self::source(&request.input.copy_source)?;
        self.upload(&request.input.upload_id)
    }

    async fn list_parts(&self, request: &mut S3Request<ListPartsInput>) -> S3Result<()> {
        self.upload(&request.input.upload_id)
    }

    async fn complete_multipart_upload(&self, request: &mut S3Request<CompleteMultipartUploadInput>) -> S3Result<()> {
        self.upload(&request.input.upload_id)
    }

    async fn abort_multipart_upload(&self, request: &mut S3Request<AbortMultipartUploadInput>) -> S3Result<()> {
        self.upload(&request.input.upload_id)
    }
}
