//! What a reader is asked: which moves to approve, which workloads to ask an owner about.

use laneshift_core::plan::{Plan, SlicePlan, WorkloadPlan};
use laneshift_core::verdict::{Class, Score};
use laneshift_units::Money;

/// A move with this score or more is put up for approval without an owner's answer.
// The same threshold lets a saving into the floor: signals.toml, `floor_min`.
const APPROVE_FROM: Score = Score(900);

/// A slice of a workload that somebody has to decide about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<'a> {
    /// Position of the workload in the plan, which is its rank by spend.
    pub(crate) rank: usize,
    /// The workload.
    pub(crate) workload: &'a WorkloadPlan,
    /// Position of the slice in the workload.
    pub(crate) at: usize,
    /// The slice.
    pub(crate) slice: &'a SlicePlan,
    /// What the decision saves in the period.
    pub(crate) saves: Money,
}

impl Choice<'_> {
    /// The slice's name where the workload has more than one.
    pub(crate) fn part(&self) -> Option<&str> {
        (self.workload.slices.len() > 1).then_some(self.slice.name.as_str())
    }
}

/// Recommended moves that owners have confirmed or whose score is high enough, dearest first.
pub(crate) fn to_approve(plan: &Plan) -> Vec<Choice<'_>> {
    choices(plan, |s| (!s.moves.is_empty() && is_sure(s)).then(|| s.today - s.planned))
}

/// Where an owner's answer decides about money: recommended moves below the threshold, and undetermined slices.
pub(crate) fn to_confirm(plan: &Plan) -> Vec<Choice<'_>> {
    choices(plan, |s| {
        let open = s.verdict.class == Class::Undetermined && !s.verdict.confirmed && s.potential > Money::ZERO;
        if open { Some(s.potential) } else { (!s.moves.is_empty() && !is_sure(s)).then(|| s.today - s.planned) }
    })
}

/// Whether the slice's saving may be approved as it stands.
fn is_sure(slice: &SlicePlan) -> bool {
    slice.verdict.confirmed || slice.verdict.score >= APPROVE_FROM
}

fn choices<'a>(plan: &'a Plan, saving: impl Fn(&SlicePlan) -> Option<Money>) -> Vec<Choice<'a>> {
    let mut found: Vec<Choice<'a>> = plan
        .workloads
        .iter()
        .enumerate()
        .flat_map(|(rank, workload)| workload.slices.iter().enumerate().map(move |(at, slice)| (rank, workload, at, slice)))
        .filter_map(|(rank, workload, at, slice)| saving(slice).map(|saves| Choice { rank, workload, at, slice, saves }))
        .collect();
    found.sort_by(|a, b| b.saves.cmp(&a.saves).then(a.rank.cmp(&b.rank)));
    found
}

/// The sum of what the choices save.
pub(crate) fn total(choices: &[Choice<'_>]) -> Money {
    choices.iter().map(|c| c.saves).sum()
}

/// Where a slice goes, as `standard → batch`, without repetition.
pub(crate) fn destinations(slice: &SlicePlan) -> Vec<String> {
    let mut ways = Vec::new();
    for m in &slice.moves {
        let mut way = if m.from == m.to { m.from.name().to_owned() } else { format!("{} → {}", m.from.name(), m.to.name()) };
        if m.profile_from != m.profile_to {
            way += &format!(", {} → {}", m.profile_from, m.profile_to);
        }
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}
