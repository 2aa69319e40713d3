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

/// No answer came.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no answer came: {what}")]
pub struct TransportError {
    /// Why.
    pub what: String,
    /// Whether anything was sent: then the call may have been carried out.
    pub sent: bool,
}

/// HTTPS and HTTP over one pool of connections.
pub fn over_network() -> Transport {
    let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
        let client = client.clone();
        async move {
            let failed = |e: &dyn std::fmt::Display| TransportError { what: e.to_string(), sent: true };
            let connect = |e: hyper_util::client::legacy::Error| TransportError { what: told(&e), sent: !e.is_connect() };
            let answered = tokio::time::timeout(CALL_TIME_MAX, client.request(request.map(Full::new))).await;
            let response = answered.map_err(|_| failed(&format!("after {} s", CALL_TIME_MAX.as_secs())))?;
            let (parts, body) = response.map_err(connect)?.into_parts();
            let body = tokio::time::timeout(CALL_TIME_MAX, Limited::new(body, ANSWER_BYTES_MAX).collect()).await;
            let body = body.map_err(|_| failed(&"the answer did not end"))?;
            Ok(Response::from_parts(parts, body.map_err(|e| failed(&e))?.to_bytes()))
        }
    }))
}

/// Answers nothing: for what only looks at what is here.
pub fn nowhere() -> Transport {
    BoxCloneSyncService::new(tower::service_fn(|_: Request<Bytes>| async {
        Err(TransportError { what: "this does not talk to AWS".to_owned(), sent: false })
    }))
}

/// An error with what caused it.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text += &format!(": {inner}");
        source = inner.source();
    }
    text
}
