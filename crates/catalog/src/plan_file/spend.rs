//! Spend by lane, model and day, and what the levers save.

use std::collections::BTreeMap;

use laneshift_core::plan::{DailySpend, LaneSpend, LeverStep, ModelSpend, Savings};
use laneshift_core::route::LaneId;
use serde::{Deserialize, Serialize};

use super::scope::date;
use super::{UsageFile, Usd};

/// The saving as a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavingsFile {
    /// Eligible, and confirmed or of a high score.
    pub floor_usd: Usd,
    /// Every eligible saving weighted by its score.
    pub likely_usd: Usd,
    /// Every eligible request that is not streamed.
    pub ceiling_usd: Usd,
}

/// One step of the waterfall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeverFile {
    /// The lever.
    pub name: String,
    /// What it saves on what the steps before left.
    pub saves_usd: Usd,
}

/// Spend of one lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneFile {
    /// The lane.
    pub lane: String,
    /// Now.
    pub today_usd: Usd,
    /// After the recommended moves.
    pub planned_usd: Usd,
}

/// Spend of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// The base model id.
    pub model: String,
    /// As shown.
    pub name: String,
    /// Requests (times the factor).
    pub requests: u64,
    /// Tokens.
    pub usage: UsageFile,
    /// Spend; `null` when a price is unknown.
    pub today_usd: Option<Usd>,
    /// Whether it has a batch price where it is called.
    pub batch_price: bool,
    /// Whether it has a flex price where it is called.
    pub flex_price: bool,
}

/// Spend of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DailyFile {
    /// `YYYY-MM-DD` in UTC.
    pub day: String,
    /// Spend by lane; every lane is there.
    pub by_lane_usd: BTreeMap<String, Usd>,
}

impl From<&Savings> for SavingsFile {
    fn from(savings: &Savings) -> Self {
        let Savings { floor, likely, ceiling } = *savings;
        Self { floor_usd: Usd(floor), likely_usd: Usd(likely), ceiling_usd: Usd(ceiling) }
    }
}

impl From<&LeverStep> for LeverFile {
    fn from(step: &LeverStep) -> Self {
        let LeverStep { name, saves } = step;
        Self { name: name.clone(), saves_usd: Usd(*saves) }
    }
}

impl From<&LaneSpend> for LaneFile {
    fn from(spend: &LaneSpend) -> Self {
        let LaneSpend { lane, today, planned } = *spend;
        Self { lane: lane.name().to_owned(), today_usd: Usd(today), planned_usd: Usd(planned) }
    }
}

impl From<&ModelSpend> for ModelFile {
    fn from(spend: &ModelSpend) -> Self {
        let ModelSpend { model, name, requests, usage, today, batch_price, flex_price } = spend;
        Self {
            model: model.to_string(),
            name: name.clone(),
            requests: *requests,
            usage: usage.into(),
            today_usd: today.map(Usd),
            batch_price: *batch_price,
            flex_price: *flex_price,
        }
    }
}

impl From<&DailySpend> for DailyFile {
    fn from(spend: &DailySpend) -> Self {
        let DailySpend { day, by_lane } = spend;
        let lanes = LaneId::ALL.iter().zip(by_lane);
        Self { day: date(*day), by_lane_usd: lanes.map(|(lane, spend)| (lane.name().to_owned(), Usd(*spend))).collect() }
    }
}
