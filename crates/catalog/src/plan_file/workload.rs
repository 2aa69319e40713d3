//! Workloads, their slices, and what moves or stays, with the reasons.

use laneshift_core::plan::{Blocker, BlockerKind, Move, SlicePlan, WorkloadPlan};
use laneshift_core::verdict::{Term, Verdict};
use serde::{Deserialize, Serialize};

use super::{UsageFile, Usd, each};

/// One workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadFile {
    /// Its key.
    pub key: String,
    /// Its account.
    pub account: String,
    /// Its owner, if one is named.
    pub owner: Option<String>,
    /// Models, largest first.
    pub models: Vec<String>,
    /// Roles, largest first.
    pub roles: Vec<String>,
    /// Class of the whole.
    pub class: String,
    /// Patience of its most patient fitting slice.
    pub deadline: String,
    /// Score in thousandths.
    pub score: u16,
    /// Requests (times the factor).
    pub requests: u64,
    /// Tokens.
    pub usage: UsageFile,
    /// Tokens without a known price.
    pub unpriced_tokens: u64,
    /// Median of output tokens a request.
    pub output_p50: u64,
    /// 95th percentile of output tokens a request.
    pub output_p95: u64,
    /// Spend now.
    pub today_usd: Usd,
    /// Spend after the recommended moves.
    pub planned_usd: Usd,
    /// Saving if all slices can wait a day, whatever the verdicts say.
    pub potential_usd: Usd,
    /// Slices, largest first.
    pub slices: Vec<SliceFile>,
    /// Requests by hour of the week in UTC, Monday 00:00 first; 168 numbers.
    pub heat: Vec<u64>,
}

/// One slice with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SliceFile {
    /// What makes it a slice.
    pub name: String,
    /// The class.
    pub class: String,
    /// The deadline bucket.
    pub deadline: String,
    /// Score in thousandths, after ceilings.
    pub score: u16,
    /// Whether the owner's answer decided it.
    pub confirmed: bool,
    /// The best evidence that the slice has.
    pub evidence: String,
    /// The evidence that the verdict rests on.
    pub verdict_evidence: String,
    /// Requests (times the factor).
    pub requests: u64,
    /// Spend now.
    pub today_usd: Usd,
    /// Spend after the recommended moves.
    pub planned_usd: Usd,
    /// Saving if it can wait a day, whatever the verdict says.
    pub potential_usd: Usd,
    /// Terms of the score, strongest first.
    pub terms: Vec<TermFile>,
    /// Why the class is not what the sum alone says.
    pub limits: Vec<String>,
    /// What moves where.
    pub moves: Vec<MoveFile>,
    /// What keeps a part of it where it is.
    pub blockers: Vec<BlockerFile>,
}

/// One signal's part in a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermFile {
    /// The signal.
    pub signal: String,
    /// The group whose cap it shares.
    pub group: String,
    /// Its contribution in nats, before its group's cap.
    pub nats: f64,
    /// The evidence in words.
    pub text: String,
    /// What would change it.
    pub change: String,
}

/// A part of a slice that changes lane or profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveFile {
    /// The base model id.
    pub model: String,
    /// The region called.
    pub region: String,
    /// From this lane.
    pub from: String,
    /// To this lane.
    pub to: String,
    /// Profile before.
    pub profile_from: String,
    /// Profile after.
    pub profile_to: String,
    /// Requests (times the factor).
    pub requests: u64,
    /// Tokens.
    pub usage: UsageFile,
    /// Cost before.
    pub before_usd: Usd,
    /// Cost after.
    pub after_usd: Usd,
    /// Of the saving, what the change of lane alone gives.
    pub saves_by_lane_usd: Usd,
}

/// Why part of a slice does not move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockerFile {
    /// What kind: `no_price`, `feature`, `cache_wins`, `too_few`, `aws_service`, `unknown_price`, `too_slow` or
    /// `already_cheapest`.
    pub kind: String,
    /// In words.
    pub text: String,
    /// Spend that it holds.
    pub today_usd: Usd,
}

impl From<&WorkloadPlan> for WorkloadFile {
    fn from(workload: &WorkloadPlan) -> Self {
        let WorkloadPlan {
            key,
            account,
            owner,
            models,
            roles,
            requests,
            usage,
            today,
            planned,
            class,
            deadline,
            score,
            slices,
            heat,
            unpriced_tokens,
            output_p50,
            output_p95,
        } = workload;
        Self {
            key: key.clone(),
            account: account.clone(),
            owner: owner.clone(),
            models: models.clone(),
            roles: roles.clone(),
            class: class.name().to_owned(),
            deadline: deadline.to_string(),
            score: score.0,
            requests: *requests,
            usage: usage.into(),
            unpriced_tokens: *unpriced_tokens,
            output_p50: *output_p50,
            output_p95: *output_p95,
            today_usd: Usd(*today),
            planned_usd: Usd(*planned),
            potential_usd: Usd(slices.iter().map(|s| s.potential).sum()),
            slices: each(slices),
            heat: heat.to_vec(),
        }
    }
}

impl From<&SlicePlan> for SliceFile {
    fn from(slice: &SlicePlan) -> Self {
        let SlicePlan { name, verdict, evidence, requests, today, planned, potential, moves, blockers } = slice;
        let Verdict { class, deadline, score, confirmed, terms, limits, evidence: verdict_evidence } = verdict;
        Self {
            name: name.clone(),
            class: class.name().to_owned(),
            deadline: deadline.to_string(),
            score: score.0,
            confirmed: *confirmed,
            evidence: evidence.name().to_owned(),
            verdict_evidence: verdict_evidence.name().to_owned(),
            requests: *requests,
            today_usd: Usd(*today),
            planned_usd: Usd(*planned),
            potential_usd: Usd(*potential),
            terms: each(terms),
            limits: limits.clone(),
            moves: each(moves),
            blockers: each(blockers),
        }
    }
}

impl From<&Term> for TermFile {
    fn from(term: &Term) -> Self {
        let Term { signal, nats, text, change } = term;
        Self {
            signal: signal.name().to_owned(),
            group: signal.group().name().to_owned(),
            nats: *nats,
            text: text.clone(),
            change: (*change).to_owned(),
        }
    }
}

impl From<&Move> for MoveFile {
    fn from(one: &Move) -> Self {
        let Move { model, region, from, to, profile_from, profile_to, requests, usage, before, after, saves_by_lane } = one;
        Self {
            model: model.to_string(),
            region: region.to_string(),
            from: from.name().to_owned(),
            to: to.name().to_owned(),
            profile_from: profile_from.to_string(),
            profile_to: profile_to.to_string(),
            requests: *requests,
            usage: usage.into(),
            before_usd: Usd(*before),
            after_usd: Usd(*after),
            saves_by_lane_usd: Usd(*saves_by_lane),
        }
    }
}

impl From<&Blocker> for BlockerFile {
    fn from(blocker: &Blocker) -> Self {
        let Blocker { kind, text, today } = blocker;
        Self { kind: blocker_name(*kind).to_owned(), text: text.clone(), today_usd: Usd(*today) }
    }
}

const fn blocker_name(kind: BlockerKind) -> &'static str {
    match kind {
        BlockerKind::NoPrice => "no_price",
        BlockerKind::Feature => "feature",
        BlockerKind::CacheWins => "cache_wins",
        BlockerKind::TooFew => "too_few",
        BlockerKind::AwsService => "aws_service",
        BlockerKind::UnknownPrice => "unknown_price",
        BlockerKind::TooSlow => "too_slow",
        BlockerKind::AlreadyCheapest => "already_cheapest",
    }
}
