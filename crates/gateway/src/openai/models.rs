//! The models that a key may call: names of the configuration, and what has a price on demand.

use std::collections::BTreeSet;

use http::Response;
use laneshift_units::{PriceMode, Tokens};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::unknown_model;
use crate::body::Body;
use crate::gateway::{Gateway, json_response};
use crate::keys::Key;
use crate::refusal::Refusal;

impl Gateway {
    pub(super) fn models(&self, key: &Key) -> Response<Body> {
        let named = self.config().models.iter().filter(|(_, model)| key.allows(model)).map(|(name, _)| name.clone());
        let catalog = self.catalog();
        let keys: BTreeSet<&str> = catalog.rows().iter().map(|row| &*row.model_key).collect();
        let priced = keys.into_iter().filter_map(|model| catalog.model_id_of(model)).map(|id| id.as_str().to_owned());
        let priced = priced.filter(|id| laneshift_dialect::is_bedrocks(id) && self.is_priced(id));
        let served = self.live().servers.iter().flat_map(|server| &server.models).map(|served| served.name.clone());
        let named = named.chain(served.filter(|name| key.allows(name)));
        let names: BTreeSet<String> = named.chain(priced.filter(|model| key.allows(model))).collect();
        json_response(&json!({ "object": "list", "data": names.iter().map(|name| told(name)).collect::<Vec<_>>() }))
    }

    /// Whether a region that this gateway calls has a price for it.
    fn is_priced(&self, model: &str) -> bool {
        let mut regions = self.targets().iter().map(|target| &target.region);
        regions.any(|region| !self.tariff(model, region).rates(PriceMode::OnDemand, Tokens(0)).is_empty())
    }

    pub(super) fn model(&self, id: &str, key: &Key) -> Result<Response<Body>, Refusal> {
        let id = percent_decode_str(id).decode_utf8().map_err(|_| unknown_model())?;
        if key.allows(&id) && !self.live().served(&id).is_empty() {
            return Ok(json_response(&told(&id)));
        }
        let model = self.model_named(&id)?;
        if key.allows(&model) { Ok(json_response(&told(&id))) } else { Err(unknown_model()) }
    }
}

fn told(name: &str) -> Value {
    // OpenAI's clients want a time; nobody says when a model came to Bedrock.
    json!({ "id": name, "object": "model", "created": 0, "owned_by": name.split('.').next().unwrap_or("bedrock") })
}
