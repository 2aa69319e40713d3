//! The split over the lanes, today and planned, and the way from one to the other.

use laneshift_core::plan::Plan;
use laneshift_core::route::LaneId;
use laneshift_units::Money;

use crate::levels;
use crate::svg::{self, Svg};
use crate::text::percent;

/// A row of a table, now and planned. Amounts are rounded so that columns add up.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) today: Money,
    pub(super) today_share: String,
    pub(super) planned: Money,
    pub(super) planned_share: String,
}

/// What the template needs.
pub(super) struct Split {
    pub(super) bars: Vec<(&'static str, Svg)>,
    pub(super) lanes: Vec<Row>,
    pub(super) ways: Vec<Row>,
    pub(super) today: Money,
    pub(super) planned: Money,
    pub(super) waterfall: Option<Svg>,
}

impl Split {
    pub(super) fn new(plan: &Plan, decimals: usize) -> Self {
        let today: Vec<(LaneId, Money)> = plan.lanes.iter().map(|l| (l.lane, l.today)).collect();
        let planned: Vec<(LaneId, Money)> = plan.lanes.iter().map(|l| (l.lane, l.planned)).collect();
        let full = sum(&today).max(sum(&planned));
        let bar = |id, name, title, parts: &[(LaneId, Money)]| (name, svg::lane_bar(id, title, parts, full, decimals));
        let bars = if full > Money::ZERO {
            vec![
                bar("lanes-now", "now", "Spend by lane today", &today),
                bar("lanes-planned", "planned", "Spend by lane as planned", &planned),
            ]
        } else {
            Vec::new()
        };
        Self {
            bars,
            lanes: rows(plan.lanes.iter().map(|l| (l.lane.name(), l.today, l.planned)).collect(), decimals),
            ways: rows(ways(plan), decimals),
            today: levels::round(sum(&today), decimals),
            planned: levels::round(sum(&planned), decimals),
            waterfall: svg::waterfall(&levels::waterfall(plan, decimals), decimals),
        }
    }
}

fn sum(parts: &[(LaneId, Money)]) -> Money {
    parts.iter().map(|(_, amount)| *amount).sum()
}

/// The three ways to buy: on demand, what can wait, committed.
fn ways(plan: &Plan) -> Vec<(&'static str, Money, Money)> {
    [
        ("stays on demand (standard, priority)", [LaneId::Standard, LaneId::Priority]),
        ("can wait (flex, batch)", [LaneId::Flex, LaneId::Batch]),
        ("committed (provisioned, reserved)", [LaneId::Provisioned, LaneId::Reserved]),
    ]
    .map(|(name, of)| {
        let lanes = || plan.lanes.iter().filter(|l| of.contains(&l.lane));
        (name, lanes().map(|l| l.today).sum(), lanes().map(|l| l.planned).sum())
    })
    .into_iter()
    .filter(|(_, today, planned)| *today != Money::ZERO || *planned != Money::ZERO)
    .collect()
}

fn rows(exact: Vec<(&'static str, Money, Money)>, decimals: usize) -> Vec<Row> {
    let today_sum: Money = exact.iter().map(|r| r.1).sum();
    let planned_sum: Money = exact.iter().map(|r| r.2).sum();
    let today = levels::parts(exact.iter().map(|r| r.1), decimals);
    let planned = levels::parts(exact.iter().map(|r| r.2), decimals);
    exact
        .into_iter()
        .zip(today.into_iter().zip(planned))
        .map(|((name, exact_today, exact_planned), (today, planned))| Row {
            name,
            today,
            today_share: percent(exact_today, today_sum),
            planned,
            planned_share: percent(exact_planned, planned_sum),
        })
        .collect()
}
