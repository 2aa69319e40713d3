//! Mistakes, lines for the renewal, and what a bill has beside model usage.

use laneshift_core::plan::{
    Adjustment, Commitment, Confusion, Mistake, MistakeKind, OtherService, PriceNote, RenewalLine, Unresolved, WalkAway,
};
use serde::{Deserialize, Serialize};

use super::{UsageFile, Usd, each};

/// A common mistake, found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MistakeFile {
    /// Which, such as `tolerant_on_demand`.
    pub kind: String,
    /// In one sentence, with its evidence.
    pub text: String,
    /// What it costs in the period; `null` where that cannot be said.
    pub costs_usd: Option<Usd>,
    /// What to do.
    pub advice: String,
    /// Workloads concerned.
    pub workloads: Vec<String>,
}

/// Volume of one model in one mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewalFile {
    /// The model, as shown.
    pub model: String,
    /// The lane.
    pub lane: String,
    /// The profile.
    pub profile: String,
    /// Tokens in the period today.
    pub usage_today: UsageFile,
    /// Tokens in the period as planned.
    pub usage_planned: UsageFile,
    /// List price of input, dollars a million tokens; `null` when unknown.
    pub list_in_usd_per_million: Option<String>,
    /// List price of output, dollars a million tokens; `null` when unknown.
    pub list_out_usd_per_million: Option<String>,
    /// Spend today.
    pub today_usd: Usd,
    /// Spend as planned.
    pub planned_usd: Usd,
    /// The same tokens elsewhere.
    pub walk_away: Vec<WalkAwayFile>,
}

/// What planned tokens would cost at another provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalkAwayFile {
    /// The provider.
    pub provider: String,
    /// The model there.
    pub model: String,
    /// The mode there.
    pub mode: String,
    /// The cost there.
    pub cost_usd: Usd,
    /// What changes for the data.
    pub boundary: String,
    /// Source and date of the price.
    pub source: String,
}

/// Another AI/ML service on the bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherServiceFile {
    /// Product code.
    pub product: String,
    /// Spend.
    pub cost_usd: Usd,
}

/// A line of the bill that is not usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentFile {
    /// Its line item type.
    pub kind: String,
    /// Amount.
    pub amount_usd: Usd,
}

/// A price used with a doubt, or missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceNoteFile {
    /// Model, place and mode.
    pub what: String,
    /// The doubt.
    pub text: String,
    /// Spend that depends on it; `null` when the price is unknown.
    pub spend_usd: Option<Usd>,
    /// Tokens that depend on it.
    pub tokens: u64,
}

/// A model id that resolves to no model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnresolvedFile {
    /// The id or ARN.
    pub id: String,
    /// Requests (times the factor).
    pub requests: u64,
    /// Tokens (times the factor).
    pub usage: UsageFile,
}

/// A commitment stated by the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitmentFile {
    /// As named in the customer's file.
    pub name: String,
    /// The lane.
    pub lane: String,
    /// The base model id.
    pub model: String,
    /// Fee in the period.
    pub fee_usd: Usd,
    /// What its tokens would have cost on demand.
    pub on_demand_equivalent_usd: Usd,
    /// Tokens it served.
    pub usage: UsageFile,
}

/// Generated truth against verdicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfusionFile {
    /// What the generator made.
    pub truth: String,
    /// What the audit said.
    pub verdict: String,
    /// Spend.
    pub cost_usd: Usd,
}

impl From<&Mistake> for MistakeFile {
    fn from(mistake: &Mistake) -> Self {
        let Mistake { kind, text, costs, advice, workloads } = mistake;
        Self {
            kind: mistake_name(*kind).to_owned(),
            text: text.clone(),
            costs_usd: costs.map(Usd),
            advice: advice.clone(),
            workloads: workloads.clone(),
        }
    }
}

const fn mistake_name(kind: MistakeKind) -> &'static str {
    match kind {
        MistakeKind::TolerantOnDemand => "tolerant_on_demand",
        MistakeKind::PriorityForTolerant => "priority_for_tolerant",
        MistakeKind::CacheWrittenNotRead => "cache_written_not_read",
        MistakeKind::DearerProfile => "dearer_profile",
        MistakeKind::Unattributed => "unattributed",
        MistakeKind::NoBatchPrice => "no_batch_price",
        MistakeKind::ExtendedAccess => "extended_access",
        MistakeKind::OneBlendedRate => "one_blended_rate",
        MistakeKind::FailedCalls => "failed_calls",
        MistakeKind::NotLogged => "not_logged",
    }
}

impl From<&RenewalLine> for RenewalFile {
    fn from(line: &RenewalLine) -> Self {
        let RenewalLine { model, lane, profile, usage_today, usage_planned, list_in, list_out, today, planned, walk_away } = line;
        Self {
            model: model.clone(),
            lane: lane.name().to_owned(),
            profile: profile.to_string(),
            usage_today: usage_today.into(),
            usage_planned: usage_planned.into(),
            list_in_usd_per_million: list_in.clone(),
            list_out_usd_per_million: list_out.clone(),
            today_usd: Usd(*today),
            planned_usd: Usd(*planned),
            walk_away: each(walk_away),
        }
    }
}

impl From<&WalkAway> for WalkAwayFile {
    fn from(walk_away: &WalkAway) -> Self {
        let WalkAway { provider, model, mode, cost, boundary, source } = walk_away;
        Self {
            provider: provider.clone(),
            model: model.clone(),
            mode: mode.clone(),
            cost_usd: Usd(*cost),
            boundary: boundary.clone(),
            source: source.clone(),
        }
    }
}

impl From<&OtherService> for OtherServiceFile {
    fn from(service: &OtherService) -> Self {
        let OtherService { product, cost } = service;
        Self { product: product.clone(), cost_usd: Usd(*cost) }
    }
}

impl From<&Adjustment> for AdjustmentFile {
    fn from(adjustment: &Adjustment) -> Self {
        let Adjustment { kind, amount } = adjustment;
        Self { kind: kind.clone(), amount_usd: Usd(*amount) }
    }
}

impl From<&PriceNote> for PriceNoteFile {
    fn from(note: &PriceNote) -> Self {
        let PriceNote { what, text, spend, tokens } = note;
        Self { what: what.clone(), text: text.clone(), spend_usd: spend.map(Usd), tokens: *tokens }
    }
}

impl From<&Unresolved> for UnresolvedFile {
    fn from(unresolved: &Unresolved) -> Self {
        let Unresolved { id, requests, usage } = unresolved;
        Self { id: id.clone(), requests: *requests, usage: usage.into() }
    }
}

impl From<&Commitment> for CommitmentFile {
    fn from(commitment: &Commitment) -> Self {
        let Commitment { name, lane, model, fee, on_demand_equivalent, usage } = commitment;
        Self {
            name: name.clone(),
            lane: lane.name().to_owned(),
            model: model.to_string(),
            fee_usd: Usd(*fee),
            on_demand_equivalent_usd: Usd(*on_demand_equivalent),
            usage: usage.into(),
        }
    }
}

impl From<&Confusion> for ConfusionFile {
    fn from(confusion: &Confusion) -> Self {
        let Confusion { truth, verdict, cost } = confusion;
        Self { truth: truth.clone(), verdict: verdict.name().to_owned(), cost_usd: Usd(*cost) }
    }
}
