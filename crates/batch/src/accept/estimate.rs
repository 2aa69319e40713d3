//! What a submission would cost, lane by lane, before anything is spent.

use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::Catalog;
use laneshift_units::{Money, PriceMode, Region, Usage};

use crate::cost::Prices;
use crate::pool::PoolSpec;

/// What is known of one pool's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolEstimate {
    /// The pool.
    pub spec: PoolSpec,
    /// Records.
    pub records: u64,
    /// Tokens: input by bytes, output by what the records ask for.
    pub usage: Usage,
    /// In batch; `None` when a price is not known.
    pub batch: Option<Money>,
    /// In flex, where the model has it.
    pub flex: Option<Money>,
    /// On demand.
    pub on_demand: Option<Money>,
    /// Why it cannot run in batch, where the capability table says so.
    pub no_batch: Option<String>,
}

impl PoolEstimate {
    pub(crate) fn of(spec: &PoolSpec, records: u64, usage: Usage, catalog: &Catalog, capabilities: &Capabilities) -> Self {
        let model = spec.profiled();
        let prices = Prices::new(catalog, &model, &spec.region);
        let cost = |mode| prices.estimate(mode, &usage, records);
        let runs = catalog.model_key(&model.model).and_then(|key| {
            capabilities.batch_in(key, &model.profile, &Region::new(&spec.region)).filter(|runs| !runs).map(|_| key)
        });
        let no_batch = runs
            .map(|key| format!("{} has no batch inference in {} when called like this", catalog.display_name(key), spec.region));
        Self {
            spec: spec.clone(),
            records,
            usage,
            batch: cost(PriceMode::Batch),
            flex: cost(PriceMode::Flex),
            on_demand: cost(PriceMode::OnDemand),
            no_batch,
        }
    }
}
