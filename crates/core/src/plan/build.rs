//! From judged slices to a plan: totals, bounds, waterfall, lanes, workloads.

use std::collections::BTreeMap;

use laneshift_units::{Deadline, Money, Usage};

use super::slice::{Priced, SliceInput, add_blocker, price};
use super::types::{LaneSpend, LeverStep, ModelSpend, Move, Plan, Savings, Scope, SlicePlan, Unresolved, WorkloadPlan};
use crate::route::{Features, LaneId};
use crate::verdict::{Answer, Class, Score, Weights, judge};

/// One workload as found in the evidence.
#[derive(Clone, Debug)]
pub struct WorkloadInput {
    /// Its key.
    pub key: String,
    /// Its account.
    pub account: String,
    /// Its owner, if known.
    pub owner: Option<String>,
    /// The owner's answer, if given.
    pub answer: Option<Answer>,
    /// Models, largest first.
    pub models: Vec<String>,
    /// Roles, largest first.
    pub roles: Vec<String>,
    /// Its slices.
    pub slices: Vec<SliceInput>,
    /// Requests by hour of the week in UTC.
    pub heat: Box<[u64; 168]>,
    /// Median of output tokens.
    pub output_p50: u64,
    /// 95th percentile of output tokens.
    pub output_p95: u64,
}

/// What a plan is built from.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// What was read.
    pub scope: Scope,
    /// Workloads in any order.
    pub workloads: Vec<WorkloadInput>,
    /// The weights of the score.
    pub weights: &'a Weights,
    /// Ids that resolve to no model.
    pub unresolved: Vec<Unresolved>,
}

/// Sums that are kept while workloads are priced.
#[derive(Default)]
struct Totals {
    today: Money,
    planned: Money,
    has_batch_price: Money,
    savings: Savings,
    undetermined: Money,
    not_movable: Money,
    by_batch: Money,
    by_flex: Money,
    by_other_lane: Money,
    by_profile: Money,
    lanes: BTreeMap<LaneId, (Money, Money)>,
    models: BTreeMap<String, ModelSpend>,
}

/// Builds a plan. Sections that need a price catalogue or a bill are filled by the caller.
pub fn build(inputs: Inputs<'_>) -> Plan {
    let mut totals = Totals::default();
    let mut workloads: Vec<WorkloadPlan> =
        inputs.workloads.into_iter().map(|w| plan_workload(w, inputs.weights, &mut totals)).collect();
    workloads.sort_by(|a, b| b.today.cmp(&a.today).then_with(|| a.key.cmp(&b.key)).then_with(|| a.account.cmp(&b.account)));
    let mut models: Vec<ModelSpend> = totals.models.into_values().collect();
    models.sort_by(|a, b| b.today.cmp(&a.today).then_with(|| a.model.cmp(&b.model)));
    let waterfall = [
        (LeverStep::BATCH, totals.by_batch),
        (LeverStep::FLEX, totals.by_flex),
        (LeverStep::COMMITTED, totals.by_other_lane),
        (LeverStep::PROFILE, totals.by_profile),
    ]
    .into_iter()
    .filter(|(_, saves)| *saves != Money::ZERO)
    .map(|(name, saves)| LeverStep { name: name.to_owned(), saves })
    .collect();
    let mut plan = Plan {
        scope: inputs.scope,
        coverage: None,
        today: totals.today,
        planned: totals.planned,
        lanes: totals.lanes.into_iter().map(|(lane, (today, planned))| LaneSpend { lane, today, planned }).collect(),
        models,
        daily: Vec::new(),
        has_batch_price: totals.has_batch_price,
        savings: totals.savings,
        undetermined: totals.undetermined,
        not_movable: totals.not_movable,
        waterfall,
        workloads,
        mistakes: Vec::new(),
        renewal: Vec::new(),
        other_services: Vec::new(),
        adjustments: Vec::new(),
        price_notes: Vec::new(),
        unresolved: inputs.unresolved,
        commitments: Vec::new(),
        confusion: Vec::new(),
    };
    plan.mistakes = super::mistakes::find(&plan);
    plan
}

fn plan_workload(input: WorkloadInput, weights: &Weights, totals: &mut Totals) -> WorkloadPlan {
    let mut slices: Vec<SlicePlan> = Vec::new();
    let mut usage = Usage::default();
    let mut unpriced_tokens = 0;
    for slice in &input.slices {
        usage += slice.grains.iter().map(|g| g.usage).sum();
        let (plan, unpriced) = plan_slice(slice, weights, input.answer, totals);
        unpriced_tokens += unpriced;
        slices.push(plan);
    }
    slices.sort_by(|a, b| b.today.cmp(&a.today).then_with(|| a.name.cmp(&b.name)));
    let today: Money = slices.iter().map(|s| s.today).sum();
    let planned = slices.iter().map(|s| s.planned).sum();
    let class = class_of(&slices, today, weights);
    let deciding = slices.iter().filter(|s| class != Class::Hybrid || s.verdict.class == Class::BatchFit).max_by_key(|s| s.today);
    WorkloadPlan {
        key: input.key,
        account: input.account,
        owner: input.owner,
        models: input.models,
        roles: input.roles,
        requests: slices.iter().map(|s| s.requests).sum(),
        usage,
        today,
        planned,
        class,
        deadline: deciding.map_or(Deadline::Seconds, |s| s.verdict.deadline),
        score: deciding.map_or(Score(0), |s| s.verdict.score),
        heat: input.heat,
        slices,
        unpriced_tokens,
        output_p50: input.output_p50,
        output_p95: input.output_p95,
    }
}

/// Hybrid needs two slices on different sides with enough money each; otherwise the slice with most money speaks.
fn class_of(slices: &[SlicePlan], today: Money, weights: &Weights) -> Class {
    let of = |class: Class| -> Money { slices.iter().filter(|s| s.verdict.class == class).map(|s| s.today).sum() };
    let least = today.per_mille(weights.hybrid_min);
    let (fit, stays) = (of(Class::BatchFit), of(Class::Stays));
    if fit > Money::ZERO && stays > Money::ZERO && fit >= least && stays >= least {
        return Class::Hybrid;
    }
    slices.iter().max_by_key(|s| s.today).map_or(Class::Undetermined, |s| s.verdict.class)
}

fn plan_slice(slice: &SliceInput, weights: &Weights, answer: Option<Answer>, totals: &mut Totals) -> (SlicePlan, u64) {
    let verdict = judge(&slice.evidence, weights, answer);
    let moves_now = verdict.class == Class::BatchFit;
    let mut out = SlicePlan {
        name: slice.name.clone(),
        evidence: slice.evidence.kind,
        requests: slice.grains.iter().map(|g| g.requests).sum(),
        today: Money::ZERO,
        planned: Money::ZERO,
        potential: Money::ZERO,
        moves: Vec::new(),
        blockers: Vec::new(),
        verdict,
    };
    let mut unpriced = 0;
    for grain in &slice.grains {
        // What it could save if it can wait a day, or as long as its owner or the verdict says.
        let patient = if moves_now { out.verdict.deadline } else { Deadline::Day };
        let priced = price(grain, patient);
        let model = totals.models.entry(format!("{}", grain.model)).or_insert_with(|| ModelSpend {
            model: grain.model.clone(),
            name: grain.model.to_string(),
            requests: 0,
            usage: Usage::default(),
            today: Some(Money::ZERO),
            batch_price: false,
            flex_price: false,
        });
        let sold = |lane| grain.market.iter().any(|t| t.lane == lane && t.place.profile == grain.profile && !t.rates.is_empty());
        model.requests += grain.requests;
        model.usage += grain.usage;
        model.batch_price |= sold(LaneId::Batch);
        model.flex_price |= sold(LaneId::Flex);
        model.today = model.today.zip(priced.today).map(|(a, b)| a + b);
        let Priced { today: Some(today), planned: Some(best), moved, blocker } = priced else {
            unpriced += grain.usage.total().0;
            continue;
        };
        out.today += today;
        let streamed = grain.needs.has(Features::STREAMING);
        let potential = if streamed { Money::ZERO } else { today - best };
        // A change of profile widens where data is computed: it stays out of the bounds.
        let by_lane = moved.as_ref().map_or(Money::ZERO, |m| m.saves_by_lane).min(potential);
        out.potential += by_lane;
        totals.savings.ceiling += by_lane;
        totals.savings.likely += by_lane.per_mille(out.verdict.score.0);
        if moves_now && (out.verdict.confirmed || out.verdict.score.0 >= weights.floor_min) {
            // AWS tells nobody how long its jobs take, and what they answer too late is asked for on demand.
            let late = moved.as_ref().is_some_and(|moved| moved.to == LaneId::Batch);
            totals.savings.floor += by_lane - if late { by_lane.per_mille(weights.late_share) } else { Money::ZERO };
        }
        if sold(LaneId::Batch) {
            totals.has_batch_price += today;
        }
        if grain.needs.has(Features::AWS_SERVICE) {
            totals.not_movable += today;
        }
        let taken = moved.filter(|_| moves_now);
        let planned = taken.as_ref().map_or(today, |m| m.after);
        out.planned += planned;
        totals.lanes.entry(grain.lane).or_default().0 += today;
        totals.lanes.entry(taken.as_ref().map_or(grain.lane, |m| m.to)).or_default().1 += planned;
        if let Some(moved) = taken {
            count_levers(&moved, totals);
            add_move(&mut out.moves, moved);
        } else if let Some((kind, text)) = blocker {
            add_blocker(&mut out.blockers, kind, text, today);
        }
    }
    totals.today += out.today;
    totals.planned += out.planned;
    if out.verdict.class == Class::Undetermined {
        totals.undetermined += out.today;
    }
    out.blockers.sort_by(|a, b| b.today.cmp(&a.today).then(a.kind.cmp(&b.kind)));
    out.moves.sort_by(|a, b| (b.before - b.after).cmp(&(a.before - a.after)).then_with(|| a.model.cmp(&b.model)));
    (out, unpriced)
}

fn count_levers(moved: &Move, totals: &mut Totals) {
    let saved = moved.before - moved.after;
    let by_lane = moved.saves_by_lane.min(saved);
    match moved.to {
        LaneId::Batch => totals.by_batch += by_lane,
        LaneId::Flex => totals.by_flex += by_lane,
        LaneId::Provisioned | LaneId::Reserved | LaneId::Priority | LaneId::Standard => totals.by_other_lane += by_lane,
    }
    totals.by_profile += saved - by_lane;
}

/// Moves that differ only in price tier or features are shown as one.
fn add_move(moves: &mut Vec<Move>, new: Move) {
    let same = |m: &Move| {
        (&m.model, &m.region, m.from, m.to, &m.profile_from, &m.profile_to)
            == (&new.model, &new.region, new.from, new.to, &new.profile_from, &new.profile_to)
    };
    match moves.iter_mut().find(|m| same(m)) {
        Some(found) => {
            found.requests += new.requests;
            found.usage += new.usage;
            found.before += new.before;
            found.after += new.after;
            found.saves_by_lane += new.saves_by_lane;
        }
        None => moves.push(new),
    }
}
