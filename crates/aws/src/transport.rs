//! Bytes out, bytes in: over the network, or whatever else answers HTTP requests.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::util::BoxCloneSyncService;

/// The largest answer that is read whole; objects go through the object store.
const ANSWER_BYTES_MAX: usize = 32_000_000;
/// How long a call may take.
const CALL_TIME_MAX: Duration = Duration::from_secs(60);

/// Answers requests. A test or a simulation gives another one than [`over_network`].
pub type Transport = BoxCloneSyncService<Request<Bytes>, Response<Bytes>, TransportError>;

/// No answer came. Whether the call was carried out is not known.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no answer came: {0}")]
pub struct TransportError(pub String);

/// HTTPS and HTTP over one pool of connections.
pub fn over_network() -> Transport {
    let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
        let client = client.clone();
        async move {
            let failed = |e: &dyn std::fmt::Display| TransportError(e.to_string());
            let answered = tokio::time::timeout(CALL_TIME_MAX, client.request(request.map(Full::new))).await;
            let response = answered.map_err(|_| TransportError(format!("after {} s", CALL_TIME_MAX.as_secs())))?;
            let (parts, body) = response.map_err(|e| failed(&e))?.into_parts();
            let body = tokio::time::timeout(CALL_TIME_MAX, Limited::new(body, ANSWER_BYTES_MAX).collect()).await;
            let body = body.map_err(|_| TransportError("the answer did not end".to_owned()))?;
            Ok(Response::from_parts(parts, body.map_err(|e| failed(&e))?.to_bytes()))
        }
    }))
}
