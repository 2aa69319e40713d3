//! The market of one model at one place, from the price catalogue and the capability table.

use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::{Catalog, Quote};
use laneshift_core::route::{Features, LaneId, Place, Target};
use laneshift_units::{ModelId, PriceMode, Profile, Region, Tokens};

/// Prices and capabilities together.
pub(crate) struct Book<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) capabilities: &'a Capabilities,
}

/// A target with the quote it was made from.
pub(crate) struct Listed {
    pub(crate) target: Target,
    pub(crate) quote: Quote,
}

/// The lanes that are priced by the token.
const TOKEN_LANES: [(LaneId, PriceMode); 4] = [
    (LaneId::Standard, PriceMode::OnDemand),
    (LaneId::Priority, PriceMode::Priority),
    (LaneId::Flex, PriceMode::Flex),
    (LaneId::Batch, PriceMode::Batch),
];

impl Book<'_> {
    /// Everything on sale for a model through one profile. A lane without any price is not listed.
    pub(crate) fn listings(&self, model: &ModelId, region: &Region, profile: &Profile, context: Tokens) -> Vec<Listed> {
        let offered = |lane| lane != LaneId::Batch || self.sells_batch(model, profile, region);
        TOKEN_LANES
            .into_iter()
            .filter(|(lane, _)| offered(*lane))
            .filter_map(|(lane, mode)| {
                let quote = self.catalog.quote(model, profile, region, mode, context);
                if quote.rates.is_empty() {
                    return None;
                }
                let target = Target {
                    lane,
                    place: Place { region: region.clone(), profile: profile.clone() },
                    rates: quote.rates,
                    supports: self.capabilities.supports(lane),
                    headroom: None,
                    wait: self.capabilities.wait(lane),
                    body_max: self.capabilities.body_max(lane),
                };
                Some(Listed { target, quote })
            })
            .collect()
    }

    /// A model that the capability table lists without batch has none; one that it does not list is taken by its price.
    fn sells_batch(&self, model: &ModelId, profile: &Profile, region: &Region) -> bool {
        let Some(key) = self.catalog.model_key(model) else { return false };
        self.capabilities.batch_in(key, profile, region) != Some(false)
    }

    /// The model's name as shown.
    pub(crate) fn name(&self, model: &ModelId) -> String {
        self.catalog.model_key(model).map_or_else(|| model.to_string(), |key| self.catalog.display_name(key))
    }
}

/// Feature bits of a grain, from the ledger's flags and its key.
pub(crate) fn features(key: &laneshift_ledger::partial::GrainKey) -> Features {
    use laneshift_core::verdict::PrincipalKind;
    use laneshift_ledger::row::{GUARDRAIL, PROMPT_ARN, STRUCTURED, TOOLS};
    let tools = if key.converse { Features::TOOLS_CONVERSE } else { Features::TOOLS_INVOKE };
    [
        (key.streamed, Features::STREAMING),
        (key.flags & TOOLS != 0, tools),
        (key.flags & GUARDRAIL != 0, Features::GUARDRAIL),
        (key.flags & PROMPT_ARN != 0, Features::PROMPT_ARN),
        (key.flags & STRUCTURED != 0, Features::STRUCTURED_OUTPUT),
        (key.principal == PrincipalKind::AwsService, Features::AWS_SERVICE),
    ]
    .into_iter()
    .filter(|(has, _)| *has)
    .fold(Features::NONE, |all, (_, feature)| all.with(feature))
}
