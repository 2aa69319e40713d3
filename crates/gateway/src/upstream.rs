//! A call, sent on under the gateway's own keys.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use laneshift_aws::{Credentials, Transport, TransportError, sigv4};
use laneshift_units::Timestamp;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use crate::body::Coming;
use crate::config::{Bedrock, Mantle};
use crate::quotas::Pool;

/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(50);
/// How long a call of another service than Bedrock's runtime may take, and how large its answer may be.
const ASIDE: Duration = Duration::from_secs(30);
const ASIDE_BYTES_MAX: usize = 8_000_000;

/// Answers requests in this process: in a simulation, whose time is not the machine's.
pub type InProcess = BoxCloneSyncService<Request<Bytes>, Response<Coming>, TransportError>;

/// What lies between the gateway and its upstreams.
#[derive(Clone)]
pub enum Wire {
    /// One pool of connections.
    Network(Box<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>),
    /// No network.
    InProcess(InProcess),
}

impl Wire {
    /// A pool of connections.
    pub fn network() -> Self {
        Self::Network(Box::new(client()))
    }

    /// The same wire for calls of AWS's other services.
    pub(crate) fn transport(&self) -> Transport {
        let wire = self.clone();
        BoxCloneSyncService::new(tower::service_fn(move |request: Request<Bytes>| {
            let wire = wire.clone();
            async move {
                let failed = |what: String| TransportError { what, sent: true };
                let answering = async {
                    let answer = wire.request(request).await.map_err(|Lost { why, sent }| TransportError { what: why, sent })?;
                    let (head, body) = answer.into_parts();
                    let whole = Limited::new(body, ASIDE_BYTES_MAX).collect().await.map_err(|e| failed(e.to_string()))?;
                    Ok(Response::from_parts(head, whole.to_bytes()))
                };
                let late = |_| Err(failed(format!("after {} s", ASIDE.as_secs())));
                tokio::time::timeout(ASIDE, answering).await.unwrap_or_else(late)
            }
        }))
    }

    /// Sends a request, once.
    pub(crate) async fn request(&self, request: Request<Bytes>) -> Result<Response<Coming>, Lost> {
        match self {
            Self::Network(client) => {
                let answered = client.request(request.map(Full::new)).await;
                answered.map(|answer| answer.map(Coming::Network)).map_err(|e| Lost { why: told(&e), sent: !e.is_connect() })
            }
            Self::InProcess(service) => {
                let answered = service.clone().oneshot(request).await;
                answered.map_err(|e| Lost { why: e.what, sent: e.sent })
            }
        }
    }
}

fn client() -> Client<HttpsConnector<HttpConnector>, Full<Bytes>> {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(Duration::from_secs(10)));
    let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().wrap_connector(tcp);
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).build(connector)
}

/// Where calls go, with the keys to sign them.
pub(crate) struct Target {
    pub(crate) region: String,
    pub(crate) account: String,
    /// Another endpoint than AWS's.
    pub(crate) endpoint: Option<String>,
    /// Another endpoint of STS than AWS's.
    pub(crate) sts: Option<String>,
    /// Whose quotas its calls take.
    pub(crate) pool: Pool,
    authority: HeaderValue,
    base: String,
    pub(crate) credentials: Arc<Credentials>,
    signer: sigv4::Signer,
}

/// Why a call brought no answer.
pub(crate) struct Lost {
    pub(crate) why: String,
    /// Whether anything was sent: then it may have been carried out.
    pub(crate) sent: bool,
}

impl Target {
    /// Bedrock's runtime. Reads the keys from the environment that is handed in.
    pub(crate) fn new(upstream: &Bedrock, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let own = || format!("https://bedrock-runtime.{}.amazonaws.com", upstream.region);
        let base = upstream.endpoint_url.clone().unwrap_or_else(own);
        let sts = upstream.sts_endpoint_url.clone().or(upstream.endpoint_url.clone());
        Self::at(upstream, (base, sts), "bedrock", env)
    }

    /// `bedrock-mantle` at an address.
    pub(crate) fn mantle(mantle: &Mantle, base: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let at = &mantle.at;
        Self::at(at, (base.to_owned(), at.sts_endpoint_url.clone()), &mantle.signing_name, env)
    }

    fn at(
        upstream: &Bedrock,
        (base, sts): (String, Option<String>),
        signing_name: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let needed = |name: &str| {
            let value = env(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| format!("{name} is not set, and calls to {} are signed with it", upstream.region))
        };
        let base = base.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|_| format!("{base:?} is no address"))?;
        let authority = uri.authority().map(|a| a.as_str().to_owned()).unwrap_or_default();
        let access_key = needed(&upstream.keys.access_key_id_env)?;
        let unknown = || format!("of {access_key} at {base}");
        let account = if upstream.account.is_empty() { unknown() } else { upstream.account.clone() };
        Ok(Self {
            region: upstream.region.clone(),
            account: upstream.account.clone(),
            endpoint: upstream.endpoint_url.clone(),
            sts,
            pool: Pool { account, region: upstream.region.clone() },
            authority: HeaderValue::from_str(&authority).map_err(|_| format!("{base:?} is no address"))?,
            base,
            credentials: Arc::new(Credentials {
                access_key,
                secret_key: needed(&upstream.keys.secret_access_key_env)?,
                session_token: env(&upstream.keys.session_token_env).filter(|value| !value.is_empty()),
            }),
            signer: sigv4::Signer::new(&upstream.region, signing_name),
        })
    }

    /// Sends a call on, once: none of the runtime's operations has a token. Its body goes as it came, and of its headers
    /// those that Bedrock reads.
    pub(crate) async fn send(
        &self,
        wire: &Wire,
        credentials: &Credentials,
        (parts, path): (&Parts, &str),
        (body, body_sha256): (Bytes, &str),
        now: Timestamp,
    ) -> Result<Response<Coming>, Lost> {
        let unusable = |e: &dyn std::fmt::Display| Lost { why: format!("the call cannot be sent on: {e}"), sent: false };
        let uri = Uri::try_from([&*self.base, path].concat()).map_err(|e| unusable(&e))?;
        let mut request = Request::builder().method(parts.method.clone()).uri(uri).body(()).map_err(|e| unusable(&e))?;
        let headers = request.headers_mut();
        for (name, value) in &parts.headers {
            if is_read_by_bedrock(name) {
                headers.append(name.clone(), value.clone());
            }
        }
        headers.insert(HOST, self.authority.clone());
        let date = now.to_string().replace(['-', ':'], "");
        headers.insert("x-amz-date", HeaderValue::try_from(date).map_err(|e| unusable(&e))?);
        let Credentials { access_key, secret_key, session_token } = credentials;
        if let Some(token) = session_token {
            headers.insert("x-amz-security-token", HeaderValue::from_str(token).map_err(|e| unusable(&e))?);
        }
        let (mut parts, ()) = request.into_parts();
        let signed = self.signer.authorization(&parts, body_sha256, access_key, secret_key).map_err(|e| unusable(&e))?;
        parts.headers.insert(AUTHORIZATION, HeaderValue::try_from(signed).map_err(|e| unusable(&e))?);
        wire.request(Request::from_parts(parts, body)).await
    }
}

/// Headers of a request that Bedrock reads, the last two on bedrock-mantle; who calls and how it came here is not its business.
fn is_read_by_bedrock(name: &HeaderName) -> bool {
    matches!(name.as_str(), "content-type" | "accept" | "anthropic-version" | "anthropic-beta")
        || name.as_str().starts_with("x-amzn-bedrock-")
}

/// Headers of an answer that a client may see.
pub(crate) fn passed_back(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        if *name == http::header::CONTENT_TYPE || name.as_str().starts_with("x-amzn-") {
            to.append(name.clone(), value.clone());
        }
    }
}

/// An error with what caused it.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text += &format!(": {inner}");
        source = inner.source();
    }
    text
}
