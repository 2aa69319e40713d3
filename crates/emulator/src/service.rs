//! One request in, one answer out: which service it is for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request, Response, Version};

use crate::body::{Body, Hangup};
use crate::emulator::Emulator;
use crate::{admin, http as bedrock, s3};

/// Which service a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Admin,
    Bedrock,
    Quotas,
    S3,
    Sts,
}

impl Emulator {
    /// Answers a request.
    ///
    /// # Errors
    /// [`Hangup`] where a fault closes the connection.
    pub async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, Hangup> {
        match service(&request) {
            Service::Admin => Ok(admin::answer(self, request).await),
            Service::Bedrock => bedrock::answer(self, request).await,
            Service::Quotas => bedrock::service_quotas(self, request).await,
            Service::Sts => Ok(bedrock::sts(self, request).await),
            Service::S3 => self.object(request).await,
        }
    }

    async fn object(&self, request: Request<Body>) -> Result<Response<Body>, Hangup> {
        let request = if self.inner.auth { request } else { s3::without_signature(request) };
        let conditional = request.headers().contains_key("if-none-match") || request.headers().contains_key("if-match");
        let reads = request.method() == http::Method::GET || request.method() == http::Method::HEAD;
        let _one_at_a_time = if conditional && !reads { Some(self.inner.conditional.lock().await) } else { None };
        let brings_body = request.version() == Version::HTTP_11 && request.headers().contains_key(EXPECT);
        let mut response = self.inner.s3.call(request).await.map_err(|_| Hangup)?;
        // The server closes the connection behind a body that nobody asked for; a client must not send its next request there.
        if brings_body && !response.status().is_success() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }
}

/// By the scope of the signature; without one by what the request looks like.
fn service(request: &Request<Body>) -> Service {
    let path = request.uri().path();
    if path.starts_with("/_laneshift/") {
        return Service::Admin;
    }
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let authorization = header("authorization");
    if let Some((_, scope)) = authorization.split_once("Credential=") {
        let scope = scope.split(',').next().unwrap_or_default();
        return match scope.split('/').nth(3) {
            Some("s3") => Service::S3,
            Some("sts") => Service::Sts,
            Some("servicequotas") => Service::Quotas,
            _ => Service::Bedrock,
        };
    }
    if header("x-amz-target").starts_with("ServiceQuotas") {
        return Service::Quotas;
    }
    let presigned = request.uri().query().is_some_and(|q| q.contains("X-Amz-Signature") || q.contains("AWSAccessKeyId"));
    if !presigned && (authorization.starts_with("Bearer ") || bedrock::is_bedrock_path(request.method(), path)) {
        return Service::Bedrock;
    }
    Service::S3
}

impl tower::Service<Request<Body>> for Emulator {
    type Response = Response<Body>;
    type Error = Hangup;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Hangup>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Hangup>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let emulator = self.clone();
        Box::pin(async move { emulator.answer(request).await })
    }
}
