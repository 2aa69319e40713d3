//! A server beside Bedrock's runtime, as an upstream: its address, its key or signature, its models, their API and what they cost.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use laneshift_catalog::prices::{Catalog, Tariff};
use laneshift_units::{ModelId, Region, ServiceTier, Tokens};

use crate::body::Coming;
use crate::books::mode_of;
use crate::config;
use crate::meter::Meter;
use crate::quotas::Pool;
use crate::upstream::{Lost, Target, Wire};

/// How ids of models begin that `bedrock-mantle` serves by Anthropic's API, and by no other.
// AWS, Bedrock User Guide, "Endpoints" and "Inference using Anthropic Messages API"; LiteLLM, "Bedrock Mantle"; read 2026-11-30.
const CLAUDE: &str = "anthropic.";

/// See the module.
pub(crate) struct Server {
    pub(crate) name: String,
    /// Its address without a path.
    base: String,
    /// The path of OpenAI's API.
    path: String,
    access: Access,
    /// Its account and region, where it is AWS's; otherwise both are empty.
    pub(crate) account: String,
    pub(crate) region: String,
    /// Whose quotas its calls take.
    pub(crate) pool: Pool,
    pub(crate) models: Vec<Arc<Served>>,
}

/// What authorizes calls.
enum Access {
    /// Nothing, or a key.
    Key(Option<HeaderValue>),
    /// A signature.
    Signed(Box<Target>),
}

/// The API that a model is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// OpenAI's.
    OpenAi,
    /// Anthropic's.
    Anthropic,
}

/// A model of a server.
#[derive(Debug)]
pub(crate) struct Served {
    /// What clients call it.
    pub(crate) name: String,
    /// What the server calls it.
    pub(crate) model: String,
    pub(crate) api: Api,
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
        let (base, path) = split(config.endpoint_url.trim_end_matches('/'));
        let access = match (&config.api_key_env, &config.mantle) {
            (None, None) => Access::Key(None),
            (None, Some(mantle)) => Access::Signed(Box::new(Target::mantle(mantle, base, env)?)),
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
                api: if config.mantle.is_some() && model.model.starts_with(CLAUDE) { Api::Anthropic } else { Api::OpenAi },
                on: name.clone(),
                tariff: Arc::new(tariff(model)),
                wait_s: config.wait_s,
            })
        };
        let (base, path) = (base.to_owned(), path.to_owned());
        let models = config.models.iter().map(served).collect();
        let own = || Pool { account: if account.is_empty() { name.clone() } else { account.clone() }, region: region.clone() };
        let pool = if let Access::Signed(target) = &access { target.pool.clone() } else { own() };
        Ok(Self { name: name.clone(), base, path, access, account, region, pool, models })
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

    /// The path of an API, which are side by side.
    pub(crate) fn path(&self, api: Api) -> Cow<'_, str> {
        match api {
            Api::OpenAi => Cow::Borrowed(&self.path),
            Api::Anthropic => {
                let path = self.path.strip_suffix("/v1").unwrap_or(&self.path);
                Cow::Owned(format!("{}/anthropic/v1", path.strip_suffix("/openai").unwrap_or(path)))
            }
        }
    }

    /// Sends a body to a path, once, without a signature.
    pub(crate) async fn send(&self, wire: &Wire, (path, head): (&str, HeaderMap), body: Bytes) -> Result<Response<Coming>, Lost> {
        let unusable = |e: &dyn std::fmt::Display| Lost { why: format!("the call cannot be sent on: {e}"), sent: false };
        let uri: Uri = format!("{}{path}", self.base).parse().map_err(|e| unusable(&e))?;
        let mut request = Request::post(uri).body(body).map_err(|e| unusable(&e))?;
        let headers = request.headers_mut();
        *headers = head;
        if let Access::Key(Some(bearer)) = &self.access {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        wire.request(request).await
    }
}

/// An address without its path, and the path.
fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    url.split_at(url[host..].find('/').map_or(url.len(), |at| host + at))
}

impl Served {
    /// Whether it has a price in a tier. A price that is stated is of the standard one, and Anthropic's API knows no other of AWS's.
    pub(crate) fn sells(&self, tier: ServiceTier) -> bool {
        if self.api == Api::Anthropic && tier != ServiceTier::Default {
            return false;
        }
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
