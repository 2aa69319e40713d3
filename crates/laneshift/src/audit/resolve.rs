//! Grains with their model resolved and their market attached.

use std::cell::RefCell;
use std::collections::BTreeMap;

use laneshift_bedrock::arn::{ModelRef, model_ref};
use laneshift_catalog::commitments::Commitments;
use laneshift_catalog::owners::Owners;
use laneshift_catalog::prices::Doubt;
use laneshift_catalog::profiles::Profiles;
use laneshift_core::plan::Grain;
use laneshift_core::price::Rates;
use laneshift_core::route::{Features, LaneId, Place, Target, Wait};
use laneshift_ledger::partial::GrainKey;
use laneshift_ledger::workload::Market;
use laneshift_units::{Bytes, ModelId, Profile, ProfiledModel, QuotaTokens, Region, ServiceTier, Tokens, Usage};

use crate::market::{Book, features};

/// Doubts about prices in use, by model, profile and lane.
pub(super) type Doubts = BTreeMap<(ModelId, Profile, &'static str), Vec<Doubt>>;

/// Resolves model ids and builds markets; remembers doubtful prices for the report.
pub(super) struct Resolver<'a> {
    pub(super) book: Book<'a>,
    pub(super) profiles: &'a Profiles,
    pub(super) commitments: &'a Commitments,
    pub(super) owners: &'a Owners,
    pub(super) factor: u64,
    pub(super) doubts: RefCell<Doubts>,
}

/// What a model id resolves to: the model, its profile, and the lane if the id fixes it.
struct Resolved {
    model: ProfiledModel,
    committed: bool,
}

impl Resolver<'_> {
    fn resolve(&self, model_id: &str) -> Option<Resolved> {
        let known = |model: ProfiledModel| {
            self.book.catalog.model_key(&model.model).is_some().then_some(Resolved { model, committed: false })
        };
        match model_ref(model_id) {
            ModelRef::Id(id) => known(ProfiledModel::parse_id(id)),
            ModelRef::ApplicationProfile(_) | ModelRef::Prompt(_) | ModelRef::Other(_) => {
                self.profiles.get(model_id).and_then(|p| known(p.model.clone()))
            }
            ModelRef::Provisioned(_) => {
                let found = self.commitments.provisioned.iter().find(|p| p.arn.as_deref() == Some(model_id))?;
                Some(Resolved { model: ProfiledModel::parse_id(found.model.as_str()), committed: true })
            }
        }
    }

    /// The market of one model at one place; the global profile joins where the owner allows it.
    pub(super) fn market(&self, model: &ProfiledModel, region: &Region, context: Tokens, allow_global: bool) -> Vec<Target> {
        let mut profiles = vec![model.profile.clone()];
        if allow_global && model.profile != Profile::Global {
            profiles.push(Profile::Global);
        }
        let mut targets = Vec::new();
        for profile in profiles {
            for listed in self.book.listings(&model.model, region, &profile, context) {
                if !listed.quote.doubts.is_empty() {
                    let key = (model.model.clone(), profile.clone(), listed.target.lane.name());
                    self.doubts.borrow_mut().entry(key).or_insert(listed.quote.doubts);
                }
                targets.push(listed.target);
            }
        }
        targets
    }

    fn allows_global(&self, workload: &str, account: &str) -> bool {
        self.owners.find(workload, account).is_some_and(|o| o.allow_global)
    }
}

/// The lane of a tier. Reserved capacity without a stated commitment is priced as what it spills to.
pub(super) fn lane_of(tier: ServiceTier) -> LaneId {
    match tier {
        ServiceTier::Priority => LaneId::Priority,
        ServiceTier::Flex => LaneId::Flex,
        ServiceTier::Default | ServiceTier::Reserved => LaneId::Standard,
    }
}

/// A grain before its sums are known.
pub(super) fn empty_grain(
    model: ProfiledModel,
    region: Region,
    lane: LaneId,
    needs: Features,
    context: Tokens,
    market: Vec<Target>,
) -> Grain {
    let served = market.iter().position(|t| t.lane == lane && t.place.profile == model.profile);
    Grain {
        model: model.model,
        region,
        profile: model.profile,
        lane,
        context,
        needs,
        requests: 0,
        requests_per_day: 0,
        usage: Usage::default(),
        largest: Bytes(0),
        market,
        served,
        pool_too_small: false,
    }
}

impl Market for Resolver<'_> {
    fn grain(&self, key: &GrainKey, context: Tokens) -> Option<Grain> {
        let Resolved { model, committed } = self.resolve(&key.model_id)?;
        let region = Region::new(&key.region);
        let mut market = self.market(&model, &region, context, self.allows_global(&key.workload, &key.account));
        let mut lane = lane_of(key.tier);
        if committed {
            lane = LaneId::Provisioned;
            market.push(Target {
                lane,
                place: Place { region: region.clone(), profile: model.profile.clone() },
                rates: Rates::default(),
                supports: self.book.capabilities.supports(LaneId::Standard),
                headroom: Some(QuotaTokens(u64::MAX)),
                wait: Wait { promise_ms: 0 },
                body_max: self.book.capabilities.body_max(LaneId::Standard),
            });
        }
        Some(empty_grain(model, region, lane, features(key), context, market))
    }

    fn factor(&self) -> u64 {
        self.factor
    }

    fn batch_records_min(&self) -> u64 {
        self.book.capabilities.batch_records_min()
    }
}
