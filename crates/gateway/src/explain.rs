//! Where a call would go, asked without sending one.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use laneshift_bedrock::Operation;
use laneshift_catalog::prices::{Catalog, Tariff};
use laneshift_units::{ProfiledModel, Region, ServiceTier, Timestamp};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::keys::Key;
use crate::lanes::{Ask, Chosen, DEADLINE_HEADER};
use crate::live::{Live, OpenError};
use crate::quotas::Quotas;

/// A call that is asked about.
#[derive(Clone, Debug)]
pub struct Question {
    /// The model, as a client would name it.
    pub model: String,
    /// The region that it is signed for; that of the first upstream when left out.
    pub region: Option<String>,
    /// How it is called.
    pub operation: Operation,
    /// The workload that its metadata or its key names.
    pub workload: Option<String>,
    /// How long it may wait, as a client would say it.
    pub deadline: Option<String>,
    /// The tier that a client would name.
    pub tier: Option<ServiceTier>,
    /// Bytes of its body.
    pub body_bytes: usize,
}

/// Where it would go, with every refusal, when nothing has just refused, and all committed capacity and quotas have room. Nothing is sent, and
/// no key is needed.
///
/// # Errors
/// [`OpenError`] when the configuration cannot be used, or the deadline cannot be read.
pub fn explain(config: Config, catalog: Arc<Catalog>, asked: &Question, now: Timestamp) -> Result<Value, OpenError> {
    let live = Live::open(config, &|_| Some("not needed".to_owned()), Arc::new(Quotas::new(catalog.clone())?))?;
    let target = live.target(asked.region.as_deref());
    let served = live.served_in(asked.region.as_deref(), &asked.model);
    if target.is_none() && served.is_empty() {
        return Err(OpenError::Question(format!("no [[upstream]] serves {}", asked.model)));
    }
    let (region, account) = target.map_or(("", ""), |target| (&*target.region, &*target.account));
    let mut headers = HeaderMap::new();
    if let Some(value) = asked.deadline.as_ref().and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(DEADLINE_HEADER, value);
    }
    let key = Key { workload: asked.workload.clone(), ..Key::named("", "") };
    let base = live.market.base_of(&asked.model);
    let named = live.bedrock_named(&asked.model).unwrap_or(&asked.model);
    let model = base.map_or(named, |base| base.as_str());
    let (metadata, tariff) = (Map::new(), Tariff::of(&catalog, &ProfiledModel::parse_id(model), &Region::new(region)));
    let ask = Ask {
        model,
        region,
        account,
        operation: asked.operation,
        key: &key,
        owner: None,
        metadata: &metadata,
        headers: &headers,
        body_bytes: asked.body_bytes,
        output_max: Some(0),
        tier: asked.tier,
    };
    let terms = live.rules.terms(&ask, now).map_err(|refusal| OpenError::Question(refusal.to_string()))?;
    // A name that is none of Bedrock's goes to Bedrock only where nothing else serves it, to be refused there.
    let mut spots = if live.served(&asked.model).is_empty() || live.bedrock_named(&asked.model).is_some() {
        live.market.spots(&live.targets, region, &ProfiledModel::parse_id(model))
    } else {
        Vec::new()
    };
    spots.extend(served);
    if let Some(tier) = asked.tier {
        crate::runtime::keep_to(&mut spots, tier);
    }
    match live.rules.choose((&ask, &terms), &tariff, (&live.market, &spots, &[]), now) {
        Chosen::Here(choice) => Ok(choice.value(&spots, &[])),
        Chosen::Later(why) => Err(OpenError::Question(why)),
        Chosen::Nowhere => Ok(Value::Null),
    }
}
