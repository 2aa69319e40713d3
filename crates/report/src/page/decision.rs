//! The first page: what is spent, what can be saved, what to approve, whom to ask, what can go wrong.

use laneshift_core::plan::Plan;
use laneshift_core::route::LaneId;
use laneshift_units::Money;

use super::links::{anchor, slice_anchor};
use crate::choices::{self, Choice};
use crate::doubts;
use crate::svg::{self, Svg};
use crate::text::{deadline, percent, plural, run_rate, tokens, usd};

/// Rows of each list on the page; the inventory has all.
const ROWS_MAX: usize = 12;

/// A bound of the saving.
pub(super) struct Bound {
    pub(super) class: &'static str,
    pub(super) name: &'static str,
    pub(super) saves: Money,
    pub(super) pace: Option<Money>,
    pub(super) meaning: &'static str,
}

/// A row of what to approve or to ask.
pub(super) struct Ask<'a> {
    pub(super) choice: Choice<'a>,
    /// The workload's card.
    pub(super) link: Option<String>,
    /// The slice on the card.
    pub(super) slice_link: Option<String>,
    pub(super) what: String,
}

/// A list with its sum; `more` rows are not shown.
pub(super) struct Asks<'a> {
    pub(super) rows: Vec<Ask<'a>>,
    pub(super) total: Money,
    pub(super) more: usize,
}

/// What the template needs.
pub(super) struct Decision<'a> {
    pub(super) saved: Money,
    pub(super) pace: Option<Money>,
    pub(super) saved_pace: Option<Money>,
    pub(super) bar: Option<Svg>,
    pub(super) bounds: Vec<Bound>,
    pub(super) approve: Asks<'a>,
    pub(super) confirm: Asks<'a>,
    pub(super) risks: Vec<String>,
}

impl<'a> Decision<'a> {
    pub(super) fn new(plan: &'a Plan, decimals: usize) -> Self {
        let saved = plan.today - plan.planned;
        Self {
            saved,
            pace: run_rate(plan.today, &plan.scope),
            saved_pace: run_rate(saved, &plan.scope),
            bar: (plan.today > Money::ZERO).then(|| svg::range(plan, decimals)),
            bounds: bounds(plan),
            approve: asks(choices::to_approve(plan), |c| choices::destinations(c.slice).join("; ")),
            confirm: asks(choices::to_confirm(plan), question),
            risks: risks(plan, decimals),
        }
    }
}

fn bounds(plan: &Plan) -> Vec<Bound> {
    let savings = &plan.savings;
    [
        ("c-floor", "floor", savings.floor, "eligible, and confirmed by the owner or scored .900 and more"),
        ("c-likely", "likely", savings.likely, "every eligible saving, weighted by its score"),
        ("c-ceiling", "ceiling", savings.ceiling, "everything eligible that is not streamed"),
        ("c-mark", "recommended", plan.today - plan.planned, "the moves of this plan"),
    ]
    .map(|(class, name, saves, meaning)| Bound { class, name, saves, pace: run_rate(saves, &plan.scope), meaning })
    .into()
}

fn asks<'a>(choices: Vec<Choice<'a>>, what: impl Fn(&Choice<'a>) -> String) -> Asks<'a> {
    let total = choices::total(&choices);
    let more = choices.len().saturating_sub(ROWS_MAX);
    let rows = choices
        .into_iter()
        .take(ROWS_MAX)
        .map(|choice| Ask {
            link: anchor(choice.rank),
            slice_link: slice_anchor(choice.rank, choice.at),
            what: what(&choice),
            choice,
        })
        .collect();
    Asks { rows, total, more }
}

fn question(choice: &Choice<'_>) -> String {
    match choice.slice.verdict.deadline {
        laneshift_units::Deadline::Seconds => "How long may an answer take?".to_owned(),
        wait => format!("May an answer take {}?", deadline(wait)),
    }
}

fn risks(plan: &Plan, decimals: usize) -> Vec<String> {
    let money = |amount| usd(amount, decimals);
    let mut risks = Vec::new();
    let slices = || plan.workloads.iter().flat_map(|w| &w.slices);
    let unconfirmed: Money = slices().filter(|s| !s.verdict.confirmed).map(|s| s.today - s.planned).sum();
    if unconfirmed > Money::ZERO {
        let saved = plan.today - plan.planned;
        risks.push(format!(
            "{} of the recommended saving ({}) rests on scores; no owner has confirmed it. If somebody does wait for these answers, they will notice.",
            money(unconfirmed),
            percent(unconfirmed, saved)
        ));
    }
    let to =
        |lane| -> Money { slices().flat_map(|s| &s.moves).filter(|m| m.to == lane && m.from != lane).map(|m| m.before).sum() };
    for (lane, text) in [
        (LaneId::Batch, "goes to batch: an answer may take a day, and a job does not use the prompt cache."),
        (LaneId::Flex, "goes to flex: it answers at once, but shares the on-demand quota and has no service level."),
    ] {
        let amount = to(lane);
        if amount > Money::ZERO {
            risks.push(format!("{} of today's spend {text}", money(amount)));
        }
    }
    if let Some((n, most)) = doubts::doubtful_prices(plan) {
        risks.push(format!(
            "{} used with a doubt; {} of today's spend hangs on the dearest.",
            plural(n, "price was", "prices were"),
            money(most)
        ));
    }
    let unpriced: u64 = plan.price_notes.iter().filter(|n| n.spend.is_none()).map(|n| n.tokens).sum();
    if unpriced > 0 {
        risks.push(format!("{} tokens have no known price and are in no sum.", tokens(unpriced)));
    }
    if let Some(coverage) = plan.coverage.as_ref().filter(|c| c.explained_money < c.bill_money) {
        risks.push(format!(
            "The logs explain {} of the bill's token money; what they do not show is not judged.",
            percent(coverage.explained_money, coverage.bill_money)
        ));
    }
    if plan.today > plan.planned {
        risks.push(format!(
            "Spend at list price falls by {} in the period. A commitment to a volume of spend is drawn down that much more slowly.",
            money(plan.today - plan.planned)
        ));
    }
    risks
}
