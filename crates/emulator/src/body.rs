//! Bodies of requests and answers, and a connection that is closed instead.

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use laneshift_provider::refusal::{Kind, Refusal};

/// The largest body that is read whole. Objects of S3 are streamed.
// The largest valid one is CountTokens' over an InvokeModel body of 25,000,000 bytes, which base64 makes a third longer.
const BODY_BYTES_MAX: usize = 35_000_000;

/// The body of requests and answers.
pub type Body = s3s::Body;

/// The connection is closed without an answer, as a fault wants it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub struct Hangup;

/// Reads a body up to the limit.
pub(crate) async fn read_body(body: Body) -> Result<Bytes, Refusal> {
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Refusal::validation(format!("The request body is larger than {BODY_BYTES_MAX} bytes.")))
        }
        Err(_) => Err(Refusal::new(Kind::Serialization, "The request body could not be read.")),
    }
}
