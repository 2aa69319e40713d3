//! Spend by day and lane, from the partials at today's prices. Sums exactly to the spend of the plan.

use std::collections::BTreeMap;

use laneshift_core::plan::DailySpend;
use laneshift_core::route::LaneId;
use laneshift_ledger::partial::{CONTEXT_TIERS, Grain};
use laneshift_ledger::workload::Market;
use laneshift_units::{Money, Tokens, Usage};

/// Spend by day. Grains without a known price are left out here, as they are from the plan's total.
pub(super) fn daily(grains: &[Grain], market: &dyn Market) -> Vec<DailySpend> {
    let mut days: BTreeMap<i64, [Money; 6]> = BTreeMap::new();
    for grain in grains {
        let Some(priced) = market.grain(&grain.key, Tokens(CONTEXT_TIERS[usize::from(grain.key.context)])) else { continue };
        let Some(target) = priced.served.map(|ix| &priced.market[ix]) else { continue };
        let committed = priced.lane == LaneId::Provisioned;
        let mut by_day: BTreeMap<i64, Usage> = BTreeMap::new();
        for (hour, cell) in &grain.hours {
            *by_day.entry(hour.div_euclid(24)).or_default() += cell.usage;
        }
        let total: Usage = by_day.values().copied().sum();
        if !committed && target.rates.cost(&total).is_err() {
            continue;
        }
        for (day, usage) in by_day {
            let cost =
                if committed { Money::ZERO } else { target.rates.cost(&usage.times(market.factor())).unwrap_or(Money::ZERO) };
            days.entry(day).or_insert([Money::ZERO; 6])[priced.lane as usize] += cost;
        }
    }
    days.into_iter().map(|(day, by_lane)| DailySpend { day, by_lane }).collect()
}
