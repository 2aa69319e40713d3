//! A signed call with retries.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use laneshift_units::Timestamp;
use serde_json::Value;
use tower::{Service, ServiceExt};

use crate::sigv4::{authorization, sha256_hex};
use crate::transport::{Transport, TransportError};

/// Attempts of one call, the first included: AWS's standard retry mode.
// AWS SDKs and Tools Reference, "Retry behavior", read 2026-11-23.
const ATTEMPTS_MAX: u32 = 3;
/// The longest pause before the second attempt; it doubles.
const PAUSE_MS: u64 = 500;

/// The service that is in no region, and the region of its signatures.
const GLOBAL: &str = "iam";
const GLOBAL_REGION: &str = "us-east-1";

/// Reads the machine's clock.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Keys to sign with.
#[derive(Clone)]
pub struct Credentials {
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
    /// Session token of temporary keys.
    pub session_token: Option<String>,
}

/// Never shows the secret.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.access_key)
    }
}

/// Where services are: one address for all (an emulator, a gateway), or AWS's own for a region.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// An address without a path, such as `http://127.0.0.1:4577`.
    pub custom: Option<String>,
}

impl Endpoints {
    fn of(&self, host: &str, region: &str) -> String {
        let own = || match host {
            GLOBAL => format!("https://{host}.amazonaws.com"),
            _ => format!("https://{host}.{region}.amazonaws.com"),
        };
        self.custom.clone().unwrap_or_else(own)
    }
}

/// Why a call brought no success.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AwsError {
    /// AWS answered with an error.
    #[error("{code}: {message}")]
    Service {
        /// AWS's name of it.
        code: String,
        /// AWS's text.
        message: String,
        /// The HTTP status.
        status: u16,
    },
    /// No answer came.
    #[error(transparent)]
    Unknown(#[from] TransportError),
    /// The request could not be made, or the answer not be read.
    #[error("{0}")]
    Unusable(String),
}

impl AwsError {
    /// Whether AWS says this.
    pub fn is(&self, name: &str) -> bool {
        matches!(self, Self::Service { code, .. } if code == name)
    }

    /// Worth another try: throttled, or the service's own failure, or no answer.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Service { status, code, .. } => *status == 429 || *status >= 500 || code == "ThrottlingException",
            Self::Unknown(_) => true,
            Self::Unusable(_) => false,
        }
    }
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Operation<'a> {
    /// The first label of AWS's host name.
    pub(crate) host: &'a str,
    /// The name in the signature.
    pub(crate) service: &'a str,
    pub(crate) method: Method,
    /// Percent-encoded, with its query.
    pub(crate) path: String,
    pub(crate) body: Bytes,
    /// `X-Amz-Target` of JSON 1.1.
    pub(crate) target: Option<&'a str>,
    /// Other headers; names in small letters.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// A client of one account in one region.
#[derive(Clone)]
pub struct Client {
    transport: Transport,
    credentials: Credentials,
    region: String,
    endpoints: Endpoints,
    wall: WallClock,
    calls: Arc<AtomicU64>,
}

impl Client {
    /// A client over a transport.
    pub fn new(transport: Transport, credentials: Credentials, region: &str, endpoints: Endpoints, wall: WallClock) -> Self {
        Self { transport, credentials, region: region.to_owned(), endpoints, wall, calls: Arc::default() }
    }

    /// The region that is called.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The id of the key that calls are signed with.
    pub fn access_key(&self) -> &str {
        &self.credentials.access_key
    }

    /// Calls, and calls again where that is worth it. Every call made here is idempotent: reads, and writes with a token.
    pub(crate) async fn call(&self, operation: &Operation<'_>) -> Result<Value, AwsError> {
        let mut attempt = 1;
        loop {
            match self.once(operation).await {
                Err(error) if error.is_transient() && attempt < ATTEMPTS_MAX => {
                    self.pause(attempt).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    /// Full jitter: anything between nothing and the doubled pause.
    #[expect(clippy::disallowed_methods, reason = "the pause between two attempts")]
    async fn pause(&self, attempt: u32) {
        let n = self.calls.fetch_add(1, Ordering::Relaxed);
        let spread = ((self.wall)().0.cast_unsigned() ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) % 1_000;
        let most = PAUSE_MS << (attempt - 1);
        tokio::time::sleep(Duration::from_millis(most * spread / 1_000)).await;
    }

    /// Sends once; gives the answer as it came.
    pub(crate) async fn send(&self, operation: &Operation<'_>) -> Result<http::Response<Bytes>, AwsError> {
        let request = self.sign(operation)?;
        let mut transport = self.transport.clone();
        Ok(transport.ready().await?.call(request).await?)
    }

    async fn once(&self, operation: &Operation<'_>) -> Result<Value, AwsError> {
        let response = self.send(operation).await?;
        let body: Value = match response.body() {
            empty if empty.is_empty() => Value::Null,
            bytes => match serde_json::from_slice(bytes) {
                Ok(body) => body,
                // Something between AWS and here answered: read as an empty answer, it would say that nothing is there.
                Err(_) if response.status().is_success() => {
                    let what = format!("an answer of {} bytes is no JSON", bytes.len());
                    return Err(TransportError { what, sent: true }.into());
                }
                Err(_) => Value::Null,
            },
        };
        if response.status().is_success() {
            return Ok(body);
        }
        let header = response.headers().get("x-amzn-errortype").and_then(|v| v.to_str().ok());
        Err(service_error(response.status(), header, &body))
    }

    fn sign(&self, operation: &Operation<'_>) -> Result<Request<Bytes>, AwsError> {
        let unusable = |e: &dyn std::fmt::Display| AwsError::Unusable(format!("the request cannot be made: {e}"));
        let endpoint = self.endpoints.of(operation.host, &self.region);
        let uri: http::Uri = format!("{}{}", endpoint.trim_end_matches('/'), operation.path).parse().map_err(|e| unusable(&e))?;
        let host = uri.authority().map(|a| a.as_str().to_owned()).unwrap_or_default();
        let at = (self.wall)().to_string().replace(['-', ':'], "");
        let mut request =
            Request::builder().method(operation.method.clone()).uri(uri).header("host", host).header("x-amz-date", at);
        request = match operation.target {
            Some(target) => request.header("content-type", "application/x-amz-json-1.1").header("x-amz-target", target),
            None if operation.headers.iter().any(|(name, _)| *name == "content-type") => request,
            None => request.header("content-type", "application/json"),
        };
        for (name, value) in &operation.headers {
            request = request.header(*name, value);
        }
        if let Some(token) = &self.credentials.session_token {
            request = request.header("x-amz-security-token", token);
        }
        let (mut parts, ()) = request.body(()).map_err(|e| unusable(&e))?.into_parts();
        let Credentials { access_key, secret_key, .. } = &self.credentials;
        let hash = sha256_hex(&operation.body);
        let region = if operation.host == GLOBAL { GLOBAL_REGION } else { &self.region };
        let header = authorization(&parts, &hash, access_key, secret_key, region, operation.service);
        let header = header.map_err(|e| unusable(&e))?;
        parts.headers.insert("authorization", HeaderValue::from_str(&header).map_err(|e| unusable(&e))?);
        Ok(Request::from_parts(parts, operation.body.clone()))
    }
}

/// AWS names an error in a header or in the body, with or without a namespace.
pub(crate) fn service_error(status: StatusCode, header: Option<&str>, body: &Value) -> AwsError {
    let text = |names: &[&str]| names.iter().find_map(|name| body[*name].as_str());
    let code = header.or_else(|| text(&["__type", "code", "Code"])).unwrap_or("UnknownError");
    let code = code.split(':').next().unwrap_or(code);
    let code = code.rsplit('#').next().unwrap_or(code);
    let message = text(&["message", "Message"]).unwrap_or("AWS gave no text");
    AwsError::Service { code: code.to_owned(), message: message.to_owned(), status: status.as_u16() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_named_by_header_or_body_without_their_namespace() {
        let name = |header: Option<&str>, body: &str| {
            let body = serde_json::from_str(body).expect("JSON");
            service_error(StatusCode::BAD_REQUEST, header, &body).to_string()
        };
        let header = "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/";
        assert_eq!(name(Some(header), r#"{"message":"no"}"#), "ValidationException: no");
        assert_eq!(
            name(None, r#"{"__type":"com.amazon#NoSuchResourceException","Message":"no"}"#),
            "NoSuchResourceException: no"
        );
        assert_eq!(name(None, "{}"), "UnknownError: AWS gave no text");
    }

    #[test]
    fn the_secret_is_never_shown() {
        let keys = Credentials { access_key: "AK".into(), secret_key: "hidden".into(), session_token: Some("hidden".into()) };
        assert_eq!(format!("{keys:?}"), "Credentials(AK)");
    }
}
