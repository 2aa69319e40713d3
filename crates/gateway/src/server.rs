//! A server that speaks OpenAI's API, as an upstream: its address, its key, its models and what they cost.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use laneshift_catalog::prices::Tariff;

use crate::body::Coming;
use crate::config;
use crate::upstream::{Lost, Wire};

/// See the module.
pub(crate) struct Server {
    pub(crate) name: String,
    base: String,
    /// What authorizes calls there, where it wants something.
    bearer: Option<HeaderValue>,
    pub(crate) models: Vec<Arc<Served>>,
}

/// A model of a server.
#[derive(Debug)]
pub(crate) struct Served {
    /// What clients call it.
    pub(crate) name: String,
    /// What the server calls it.
    pub(crate) model: String,
    /// The server.
    pub(crate) on: String,
    pub(crate) tariff: Arc<Tariff>,
    /// Seconds that its answers take, where the configuration says so.
    pub(crate) wait_s: Option<u64>,
}

impl Server {
    /// Reads the key from the environment that is handed in.
    pub(crate) fn new(config: &config::Server, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let name = &config.name;
        let bearer = match &config.api_key_env {
            None => None,
            Some(variable) => {
                let key = env(variable).filter(|key| !key.is_empty());
                let key = key.ok_or_else(|| format!("{variable} is not set, and {name} is called with the key in it"))?;
                let bearer = HeaderValue::from_str(&format!("Bearer {key}"));
                let mut bearer = bearer.map_err(|_| format!("the key in {variable} has characters that no header holds"))?;
                bearer.set_sensitive(true);
                Some(bearer)
            }
        };
        let served = |model: &config::Model| {
            Arc::new(Served {
                name: model.name.clone(),
                model: model.model.clone(),
                on: name.clone(),
                tariff: Arc::new(Tariff::flat(model.rates)),
                wait_s: config.wait_s,
            })
        };
        let base = config.endpoint_url.trim_end_matches('/').to_owned();
        Ok(Self { name: name.clone(), base, bearer, models: config.models.iter().map(served).collect() })
    }

    /// Sends a body to a path below the server's address, once.
    pub(crate) async fn send(&self, wire: &Wire, path: &str, body: Bytes) -> Result<Response<Coming>, Lost> {
        let unusable = |e: &dyn std::fmt::Display| Lost { why: format!("the call cannot be sent on: {e}"), sent: false };
        let uri: Uri = format!("{}{path}", self.base).parse().map_err(|e| unusable(&e))?;
        let mut request = Request::post(uri).body(body).map_err(|e| unusable(&e))?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(bearer) = &self.bearer {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        wire.request(request).await
    }
}

/// Headers of an answer that a client may see: what OpenAI's clients read of it.
pub(crate) fn passed_back(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        let read = matches!(name.as_str(), "content-type" | "retry-after" | "retry-after-ms" | "x-request-id")
            || name.as_str().starts_with("x-ratelimit-");
        if read {
            to.append(name.clone(), value.clone());
        }
    }
}
