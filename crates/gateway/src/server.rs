//! A server that speaks OpenAI's API, as an upstream: its address, its key or signature, its models and what they cost.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use laneshift_catalog::prices::{Catalog, Tariff};
use laneshift_units::{ModelId, Region, ServiceTier, Tokens};

use crate::body::Coming;
use crate::books::mode_of;
use crate::config;
use crate::meter::Meter;
use crate::upstream::{Lost, Target, Wire};

/// See the module.
pub(crate) struct Server {
    pub(crate) name: String,
    base: String,
    access: Access,
    /// Its account and region, where it is AWS's; otherwise both are empty.
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) models: Vec<Arc<Served>>,
}

/// What authorizes calls.
enum Access {
    /// Nothing, or a key.
    Key(Option<HeaderValue>),
    /// A signature.
    Signed(Box<Target>),
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
    /// Reads the keys from the environment that is handed in.
    pub(crate) fn new(config: &config::Server, catalog: &Catalog, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let name = &config.name;
        let access = match (&config.api_key_env, &config.mantle) {
            (None, None) => Access::Key(None),
            (None, Some(mantle)) => Access::Signed(Box::new(Target::mantle(mantle, &config.endpoint_url, env)?)),
            (Some(variable), _) => {
                let key = env(variable).filter(|key| !key.is_empty());
                let key = key.ok_or_else(|| format!("{variable} is not set, and {name} is called with the key in it"))?;
                let bearer = HeaderValue::from_str(&format!("Bearer {key}"));
                let mut bearer = bearer.map_err(|_| format!("the key in {variable} has characters that no header holds"))?;
                bearer.set_sensitive(true);
                Access::Key(Some(bearer))
            }
        };
        let (account, region) = match &config.mantle {
            None => Default::default(),
            Some(mantle) => (mantle.at.account.clone(), mantle.at.region.clone()),
        };
        let tariff = |model: &config::Model| {
            if model.rates.is_empty() && config.mantle.is_some() {
                return Tariff::of_mantle(catalog, &ModelId::new(&model.model), &Region::new(&region));
            }
            Tariff::flat(model.rates)
        };
        let served = |model: &config::Model| {
            Arc::new(Served {
                name: model.name.clone(),
                model: model.model.clone(),
                on: name.clone(),
                tariff: Arc::new(tariff(model)),
                wait_s: config.wait_s,
            })
        };
        let base = config.endpoint_url.trim_end_matches('/').to_owned();
        let models = config.models.iter().map(served).collect();
        Ok(Self { name: name.clone(), base, access, account, region, models })
    }

    /// Whether it is AWS's own.
    pub(crate) const fn is_awss(&self) -> bool {
        !self.region.is_empty()
    }

    /// Where calls are signed for, when they are.
    pub(crate) const fn signed(&self) -> Option<&Target> {
        match &self.access {
            Access::Key(_) => None,
            Access::Signed(target) => Some(target),
        }
    }

    /// Sends a body to a path below the server's address, once, without a signature.
    pub(crate) async fn send(&self, wire: &Wire, path: &str, body: Bytes) -> Result<Response<Coming>, Lost> {
        let unusable = |e: &dyn std::fmt::Display| Lost { why: format!("the call cannot be sent on: {e}"), sent: false };
        let uri: Uri = format!("{}{path}", self.base).parse().map_err(|e| unusable(&e))?;
        let mut request = Request::post(uri).body(body).map_err(|e| unusable(&e))?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Access::Key(Some(bearer)) = &self.access {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        wire.request(request).await
    }
}

impl Served {
    /// Whether it has a price in a tier. A price that is stated is of the standard one.
    pub(crate) fn sells(&self, tier: ServiceTier) -> bool {
        tier != ServiceTier::Reserved && !self.tariff.rates(mode_of(tier), Tokens(0)).is_empty()
    }

    /// What an answer says of itself. What a server calls its tiers says nothing where they have no prices.
    pub(crate) fn told(&self, said: Meter) -> Meter {
        Meter { tier: said.tier.filter(|tier| self.sells(*tier)), ..said }
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
