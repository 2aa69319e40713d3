//! The one constructor of S3 clients: AWS's environment variables or stated keys, an optional endpoint of one's own.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::{ClientOptions, ObjectStore, RetryConfig};

use crate::Credentials;

/// Longest wait for one request, and for all tries together.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES_MAX: usize = 3;

/// Opens a bucket with the credentials of the environment (`AWS_ACCESS_KEY_ID`, …, or the machine's role).
///
/// # Errors
/// What the library says of the settings.
pub fn open(bucket: &str, endpoint: Option<&str>) -> Result<Arc<dyn ObjectStore>, Box<dyn Error + Send + Sync>> {
    build(AmazonS3Builder::from_env(), bucket, endpoint)
}

/// Opens a bucket of a region with these keys, whatever the environment says.
///
/// # Errors
/// What the library says of the settings.
pub fn open_in(
    region: &str,
    keys: &Credentials,
    bucket: &str,
    endpoint: Option<&str>,
) -> Result<Arc<dyn ObjectStore>, Box<dyn Error + Send + Sync>> {
    let Credentials { access_key, secret_key, session_token } = keys;
    let builder = AmazonS3Builder::new().with_region(region).with_access_key_id(access_key).with_secret_access_key(secret_key);
    let builder = match session_token {
        Some(token) => builder.with_token(token),
        None => builder,
    };
    build(builder, bucket, endpoint)
}

fn build(
    builder: AmazonS3Builder,
    bucket: &str,
    endpoint: Option<&str>,
) -> Result<Arc<dyn ObjectStore>, Box<dyn Error + Send + Sync>> {
    let options = ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_connect_timeout(Duration::from_secs(10));
    let retry = RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    let mut builder = builder.with_bucket_name(bucket).with_retry(retry);
    match endpoint {
        Some(endpoint) => {
            let plain = endpoint.starts_with("http://");
            let options = if plain { options.with_allow_http(true) } else { options };
            builder = builder.with_client_options(options).with_endpoint(endpoint).with_virtual_hosted_style_request(false);
        }
        None => builder = builder.with_client_options(options),
    }
    Ok(Arc::new(builder.build()?))
}
