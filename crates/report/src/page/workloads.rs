//! The inventory of workloads, and a card for each of the dearest.

use laneshift_core::plan::{Plan, SlicePlan, WorkloadPlan};
use laneshift_core::verdict::Term;
use laneshift_units::Money;

use super::links::{CARDS_MAX, anchor};
use super::query::query;
use crate::svg::{self, Svg};
use crate::text::{lane_and_profile, patience, times_each, unit_price};

/// Names listed on a card.
const NAMES_MAX: usize = 6;
/// Conditions listed that would change a verdict.
const CHANGES_MAX: usize = 3;

/// A slice on a card.
pub(super) struct SliceView<'a> {
    pub(super) slice: &'a SlicePlan,
    pub(super) wait: &'static str,
    pub(super) reasons_for: Vec<&'a Term>,
    pub(super) reasons_against: Vec<&'a Term>,
    pub(super) moves: Vec<MoveView<'a>>,
    pub(super) changes: Vec<&'static str>,
}

/// A move on a card.
pub(super) struct MoveView<'a> {
    pub(super) moved: &'a laneshift_core::plan::Move,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) saves: Money,
}

/// A workload's card.
pub(super) struct Card<'a> {
    pub(super) id: String,
    pub(super) w: &'a WorkloadPlan,
    pub(super) wait: &'static str,
    pub(super) confirmed: bool,
    pub(super) saves: Money,
    pub(super) per_million: String,
    pub(super) per_request: String,
    pub(super) models: Names<'a>,
    pub(super) roles: Names<'a>,
    pub(super) slices: Vec<SliceView<'a>>,
    pub(super) heat: Option<Svg>,
    pub(super) query: Option<String>,
}

/// Some names, and how many more there are.
pub(super) struct Names<'a> {
    pub(super) shown: &'a [String],
    pub(super) more: usize,
}

/// What the template needs.
pub(super) struct Inventory<'a> {
    pub(super) cards: Vec<Card<'a>>,
    pub(super) more: usize,
    pub(super) more_today: Money,
    pub(super) more_planned: Money,
    pub(super) scatter: Option<Svg>,
}

impl<'a> Inventory<'a> {
    pub(super) fn new(plan: &'a Plan, decimals: usize) -> Self {
        let rest = &plan.workloads[plan.workloads.len().min(CARDS_MAX)..];
        Self {
            cards: plan.workloads.iter().enumerate().filter_map(|(rank, w)| Some(card(plan, w, anchor(rank)?))).collect(),
            more: rest.len(),
            more_today: rest.iter().map(|w| w.today).sum(),
            more_planned: rest.iter().map(|w| w.planned).sum(),
            scatter: svg::scatter(plan, decimals, anchor),
        }
    }
}

fn card<'a>(plan: &Plan, w: &'a WorkloadPlan, id: String) -> Card<'a> {
    let priced = w.unpriced_tokens == 0;
    let dash = || "–".to_owned();
    Card {
        wait: patience(w.class, w.deadline),
        confirmed: w.slices.iter().any(|s| s.verdict.confirmed),
        saves: w.today - w.planned,
        per_million: if priced { unit_price(w.today, w.usage.total().0) } else { dash() },
        per_request: if priced { times_each(w.today, w.requests) } else { dash() },
        models: names(&w.models),
        roles: names(&w.roles),
        slices: w.slices.iter().map(slice_view).collect(),
        heat: svg::heat(&format!("{id}-heat"), &w.heat, plan.scope.zone_offset_h),
        query: query(w),
        id,
        w,
    }
}

fn names(all: &[String]) -> Names<'_> {
    Names { shown: &all[..all.len().min(NAMES_MAX)], more: all.len().saturating_sub(NAMES_MAX) }
}

fn slice_view(slice: &SlicePlan) -> SliceView<'_> {
    let verdict = &slice.verdict;
    let mut changes = Vec::new();
    for term in &verdict.terms {
        if changes.len() < CHANGES_MAX && !changes.contains(&term.change) {
            changes.push(term.change);
        }
    }
    SliceView {
        wait: patience(verdict.class, verdict.deadline),
        reasons_for: verdict.terms.iter().filter(|t| t.nats > 0.0).collect(),
        reasons_against: verdict.terms.iter().filter(|t| t.nats <= 0.0).collect(),
        moves: slice
            .moves
            .iter()
            .map(|moved| MoveView {
                from: lane_and_profile(moved.from, &moved.profile_from),
                to: lane_and_profile(moved.to, &moved.profile_to),
                saves: moved.before - moved.after,
                moved,
            })
            .collect(),
        changes,
        slice,
    }
}
