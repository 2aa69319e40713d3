//! What a plan contains. Every field is shown somewhere and can be traced to evidence or to a price row.

use laneshift_units::{Deadline, ModelId, Money, Profile, Region, Timestamp, Usage};

use crate::route::LaneId;
use crate::verdict::{Class, EvidenceKind, Score, Verdict};

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What was read.
    pub scope: Scope,
    /// How much of the bill the logs explain; present when both were read.
    pub coverage: Option<Coverage>,
    /// Model spend in the period, at list price, of everything that could be priced.
    pub today: Money,
    /// The same after the recommended moves.
    pub planned: Money,
    /// Spend by lane, now and planned.
    pub lanes: Vec<LaneSpend>,
    /// Spend by model.
    pub models: Vec<ModelSpend>,
    /// Spend by day.
    pub daily: Vec<DailySpend>,
    /// Of today's spend: what runs on a model that has a batch price where it is called.
    pub has_batch_price: Money,
    /// Floor, likely, ceiling.
    pub savings: Savings,
    /// Of today's spend: slices of workloads on which the owner must be asked.
    pub undetermined: Money,
    /// Of today's spend: calls by AWS services on the customer's behalf.
    pub not_movable: Money,
    /// Steps from today to planned, in the order of the levers; `today` minus all savings is `planned`.
    pub waterfall: Vec<LeverStep>,
    /// Workloads by spend, largest first.
    pub workloads: Vec<WorkloadPlan>,
    /// Common mistakes found, with their money.
    pub mistakes: Vec<Mistake>,
    /// Lines for the renewal.
    pub renewal: Vec<RenewalLine>,
    /// Other AI/ML spend on the bill.
    pub other_services: Vec<OtherService>,
    /// Credits, discounts and taxes on the bill, which are not usage.
    pub adjustments: Vec<Adjustment>,
    /// Prices that were used with a doubt, or are unknown.
    pub price_notes: Vec<PriceNote>,
    /// Model ids that resolve to no model.
    pub unresolved: Vec<Unresolved>,
    /// Commitments stated by the customer.
    pub commitments: Vec<Commitment>,
    /// Generated examples only: the generator's truth beside the verdicts, by cost.
    pub confusion: Vec<Confusion>,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Scope {
    /// First moment of evidence.
    pub from: Timestamp,
    /// Last moment of evidence.
    pub to: Timestamp,
    /// Calendar days from first to last, both included.
    pub days: u32,
    /// Accounts.
    pub accounts: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// Each observed request stands for so many.
    pub sampling_factor: u64,
    /// Evidence files by kind.
    pub sources: Vec<Source>,
    /// Invocation records kept.
    pub records: u64,
    /// Of those, answered.
    pub answered: u64,
    /// Of those, failed.
    pub failed: u64,
    /// Of those, throttled.
    pub throttled: u64,
    /// Of those, stopped by a guardrail before the model.
    pub blocked: u64,
    /// Of those, answered but without token counts.
    pub uncounted: u64,
    /// Lines set aside, by reason.
    pub rejected: Vec<RejectedReason>,
    /// Tokens of all priced and unpriced requests (times the factor).
    pub usage: Usage,
    /// Hours east of UTC of the zone that fits the account's people.
    pub zone_offset_h: i8,
    /// What the price catalogue says of itself: version and date.
    pub catalogue: String,
    /// What kinds of evidence cannot tell, in sentences.
    pub unknowns: Vec<String>,
}

/// Evidence files of one kind.
#[derive(Clone, Debug)]
pub struct Source {
    /// Kind, such as `invocation log`.
    pub kind: String,
    /// Files.
    pub files: u64,
    /// Compressed bytes as stored.
    pub bytes: u64,
    /// Rows kept.
    pub rows: u64,
}

/// Lines set aside for one reason.
#[derive(Clone, Debug)]
pub struct RejectedReason {
    /// The reason.
    pub reason: String,
    /// How many.
    pub lines: u64,
}

/// The bill against the logs.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// Tokens on the bill.
    pub bill: Usage,
    /// Tokens in the logs (times the factor).
    pub logs: Usage,
    /// Money on the bill for tokens.
    pub bill_money: Money,
    /// Money on the bill for (model, class, day) cells that the logs reach to at least 95 %.
    pub explained_money: Money,
    /// By model and token class, largest difference first.
    pub rows: Vec<CoverageRow>,
    /// By day: day index, tokens on the bill, tokens in the logs.
    pub days: Vec<(i64, u64, u64)>,
    /// Largest reasons for differences, in sentences.
    pub reasons: Vec<String>,
}

/// One model and token class, bill against logs.
#[derive(Clone, Debug)]
pub struct CoverageRow {
    /// The model, as shown.
    pub model: String,
    /// The token class.
    pub class: laneshift_units::TokenClass,
    /// Tokens on the bill.
    pub bill: u64,
    /// Tokens in the logs.
    pub logs: u64,
    /// Money on the bill.
    pub bill_money: Money,
}

/// Spend of one lane.
#[derive(Clone, Debug)]
pub struct LaneSpend {
    /// The lane.
    pub lane: LaneId,
    /// Now.
    pub today: Money,
    /// After the recommended moves.
    pub planned: Money,
}

/// Spend of one model.
#[derive(Clone, Debug)]
pub struct ModelSpend {
    /// The model.
    pub model: ModelId,
    /// As shown.
    pub name: String,
    /// Requests (times the factor).
    pub requests: u64,
    /// Tokens.
    pub usage: Usage,
    /// Spend; `None` when a price is unknown.
    pub today: Option<Money>,
    /// Whether it has a batch price where it is called.
    pub batch_price: bool,
    /// Whether it has a flex price where it is called.
    pub flex_price: bool,
}

/// Spend of one day by lane.
#[derive(Clone, Debug)]
pub struct DailySpend {
    /// Days since the epoch.
    pub day: i64,
    /// Spend by lane, in the order of [`LaneId::ALL`].
    pub by_lane: [Money; 6],
}

/// The saving as a range. All three are of the same period and the same requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Savings {
    /// Eligible, and confirmed by the owner or with a score of the floor's threshold or more, less what batch jobs may answer too late.
    /// No change of region or profile.
    pub floor: Money,
    /// Every eligible saving weighted by its score.
    pub likely: Money,
    /// Every eligible request that is not streamed.
    pub ceiling: Money,
}

/// One step of the waterfall.
#[derive(Clone, Debug)]
pub struct LeverStep {
    /// The lever, as shown.
    pub name: String,
    /// What it saves on what the steps before left.
    pub saves: Money,
}

impl LeverStep {
    /// From the lane of today to batch inference jobs.
    pub const BATCH: &'static str = "move to batch";
    /// To the flex tier.
    pub const FLEX: &'static str = "move to flex";
    /// To capacity that is paid for by the hour or the month.
    pub const COMMITTED: &'static str = "use committed capacity";
    /// To the global inference profile.
    pub const PROFILE: &'static str = "global profile, where the owner allows it";
}

/// One workload.
#[derive(Clone, Debug)]
pub struct WorkloadPlan {
    /// Its key: `workload=…`, `aip/…`, `role/…`, `principal/…`.
    pub key: String,
    /// Its account.
    pub account: String,
    /// Its owner, if `owners.csv` names one.
    pub owner: Option<String>,
    /// Models, largest first.
    pub models: Vec<String>,
    /// Principals (roles), largest first.
    pub roles: Vec<String>,
    /// Requests (times the factor).
    pub requests: u64,
    /// Tokens.
    pub usage: Usage,
    /// Spend now.
    pub today: Money,
    /// Spend after the recommended moves.
    pub planned: Money,
    /// Class of the whole.
    pub class: Class,
    /// Patience of its most patient fitting slice.
    pub deadline: Deadline,
    /// Score of the slice that decides, weighted by money.
    pub score: Score,
    /// Slices, largest first.
    pub slices: Vec<SlicePlan>,
    /// Requests by hour of the week in UTC, Monday 00:00 first.
    pub heat: Box<[u64; 168]>,
    /// Tokens without a known price.
    pub unpriced_tokens: u64,
    /// Median and 95th percentile of output tokens a request.
    pub output_p50: u64,
    /// See `output_p50`.
    pub output_p95: u64,
}

/// One slice of a workload, with its verdict.
#[derive(Clone, Debug)]
pub struct SlicePlan {
    /// What makes it a slice: `all`, `streamed`, `runs at 02:00`, `the rest`.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The best evidence.
    pub evidence: EvidenceKind,
    /// Requests (times the factor).
    pub requests: u64,
    /// Spend now.
    pub today: Money,
    /// Spend after the recommended moves.
    pub planned: Money,
    /// Saving if it can wait a day, whatever the verdict says.
    pub potential: Money,
    /// What moves where.
    pub moves: Vec<Move>,
    /// What keeps a part of it where it is.
    pub blockers: Vec<Blocker>,
}

/// A part of a slice that changes lane or profile.
#[derive(Clone, Debug)]
pub struct Move {
    /// The model.
    pub model: ModelId,
    /// The region called.
    pub region: Region,
    /// From this lane.
    pub from: LaneId,
    /// To this lane.
    pub to: LaneId,
    /// Profile before.
    pub profile_from: Profile,
    /// Profile after.
    pub profile_to: Profile,
    /// Requests (times the factor).
    pub requests: u64,
    /// Tokens.
    pub usage: Usage,
    /// Cost before.
    pub before: Money,
    /// Cost after.
    pub after: Money,
    /// Of the saving, what the change of lane alone gives.
    pub saves_by_lane: Money,
}

/// Why part of a slice does not move.
#[derive(Clone, Debug)]
pub struct Blocker {
    /// What kind.
    pub kind: BlockerKind,
    /// In words.
    pub text: String,
    /// Spend that it holds.
    pub today: Money,
}

/// Kinds of blockers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockerKind {
    /// The model has no batch or flex price where it is called.
    NoPrice,
    /// A feature that the lane does not support.
    Feature,
    /// The cheaper lane costs more for this usage, because it does not cache.
    CacheWins,
    /// Fewer records a day than a job takes.
    TooFew,
    /// Called by an AWS service.
    AwsService,
    /// Its price today is unknown.
    UnknownPrice,
    /// The lane exists but is too slow for the deadline.
    TooSlow,
    /// It already runs in the cheapest lane.
    AlreadyCheapest,
}

/// A common mistake, found.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// Which.
    pub kind: MistakeKind,
    /// In one sentence, with its evidence.
    pub text: String,
    /// What it costs in the period; `None` where that cannot be said.
    pub costs: Option<Money>,
    /// What to do.
    pub advice: String,
    /// Workloads concerned.
    pub workloads: Vec<String>,
}

/// Kinds of mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MistakeKind {
    /// Tolerant work on-demand.
    TolerantOnDemand,
    /// The priority tier for work that can wait.
    PriorityForTolerant,
    /// Cache writes that are hardly read.
    CacheWrittenNotRead,
    /// A geographic profile where the global one costs less.
    DearerProfile,
    /// Spend that no workload key explains.
    Unattributed,
    /// Spend on models without a batch price.
    NoBatchPrice,
    /// A model whose price has doubled at the end of its life.
    ExtendedAccess,
    /// One blended rate hides the modes.
    OneBlendedRate,
    /// Failed or blocked calls.
    FailedCalls,
    /// No audit: logging is off for part of the bill.
    NotLogged,
}

/// One line of the renewal: volume of one model in one mode.
#[derive(Clone, Debug)]
pub struct RenewalLine {
    /// The model, as shown.
    pub model: String,
    /// The lane.
    pub lane: LaneId,
    /// The profile.
    pub profile: Profile,
    /// Tokens in the period today.
    pub usage_today: Usage,
    /// Tokens in the period as planned.
    pub usage_planned: Usage,
    /// List price of input and output, dollars a million tokens, as text; `None` when unknown.
    pub list_in: Option<String>,
    /// See `list_in`.
    pub list_out: Option<String>,
    /// Spend today.
    pub today: Money,
    /// Spend as planned.
    pub planned: Money,
    /// The same tokens elsewhere.
    pub walk_away: Vec<WalkAway>,
}

/// What planned tokens would cost at another provider.
#[derive(Clone, Debug)]
pub struct WalkAway {
    /// The provider.
    pub provider: String,
    /// The model there.
    pub model: String,
    /// The mode there.
    pub mode: String,
    /// The cost there.
    pub cost: Money,
    /// What changes for the data.
    pub boundary: String,
    /// Source and date of the price.
    pub source: String,
}

/// Another AI/ML service on the bill.
#[derive(Clone, Debug)]
pub struct OtherService {
    /// Product code.
    pub product: String,
    /// Spend.
    pub cost: Money,
}

/// A line of the bill that is not usage.
#[derive(Clone, Debug)]
pub struct Adjustment {
    /// Its line item type.
    pub kind: String,
    /// Amount.
    pub amount: Money,
}

/// A price used with a doubt, or missing.
#[derive(Clone, Debug)]
pub struct PriceNote {
    /// Model, place and mode.
    pub what: String,
    /// The doubt.
    pub text: String,
    /// Spend that depends on it; `None` when the price is unknown.
    pub spend: Option<Money>,
    /// Tokens that depend on it.
    pub tokens: u64,
}

/// A model id that resolves to no model.
#[derive(Clone, Debug)]
pub struct Unresolved {
    /// The id or ARN.
    pub id: String,
    /// Requests (times the factor).
    pub requests: u64,
    /// Tokens (times the factor).
    pub usage: Usage,
}

/// A commitment stated by the customer.
#[derive(Clone, Debug)]
pub struct Commitment {
    /// As named in the file.
    pub name: String,
    /// The lane.
    pub lane: LaneId,
    /// The model.
    pub model: ModelId,
    /// Fee in the period.
    pub fee: Money,
    /// What the tokens it served would have cost on demand.
    pub on_demand_equivalent: Money,
    /// Tokens it served.
    pub usage: Usage,
}

/// Generated truth against verdicts, by cost.
#[derive(Clone, Debug)]
pub struct Confusion {
    /// What the generator made.
    pub truth: String,
    /// What the audit said.
    pub verdict: Class,
    /// Spend.
    pub cost: Money,
}
