//! Spend by day, stacked by lane. Days without evidence are gaps.

use laneshift_core::plan::DailySpend;
use laneshift_core::route::LaneId;
use laneshift_units::Money;

use super::canvas::{Anchor, Canvas, Svg};
use super::lanes::class;
use crate::text::{day, day_and_month, usd};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 22.0;
const TOP: f64 = 10.0;
/// Days shown at most; the last ones.
const DAYS_MAX: i64 = 400;
/// Labels on the axis of days.
const LABELS: i64 = 8;

/// The chart; `None` without days.
pub(crate) fn daily(days: &[DailySpend], decimals: usize) -> Option<Svg> {
    let last = days.iter().map(|d| d.day).max()?;
    let first = days.iter().map(|d| d.day).min()?.max(last - DAYS_MAX + 1);
    let total = |d: &DailySpend| -> Money { d.by_lane.iter().copied().sum() };
    let dearest = days.iter().max_by_key(|d| total(d))?;
    let most = total(dearest).to_f64_for_charts();
    let top = nice_ceiling(most);
    let description = format!("{} days; the dearest is {} with {}", days.len(), day(dearest.day), usd(total(dearest), decimals));
    let mut canvas = Canvas::new("daily", "Spend by day and lane", &description, (WIDTH, HEIGHT));
    let plot = HEIGHT - BOTTOM - TOP;
    let y = |usd: f64| HEIGHT - BOTTOM - usd / top * plot;
    for part in [0.0, 0.5, 1.0] {
        let level = top * part;
        canvas.line("c-grid", (LEFT, y(level)), (WIDTH, y(level)));
        let label = usd_label(level);
        canvas.text("t small", Anchor::End, (LEFT - 6.0, y(level) + 4.0), &label);
    }
    let slot = (WIDTH - LEFT) / (last - first + 1) as f64;
    let every = ((last - first) / LABELS + 1).max(1);
    for spend in days.iter().filter(|d| d.day >= first) {
        let x = LEFT + (spend.day - first) as f64 * slot;
        let mut base = 0.0;
        for (lane, amount) in LaneId::ALL.iter().zip(spend.by_lane).filter(|(_, amount)| *amount > Money::ZERO) {
            let height = amount.to_f64_for_charts();
            let tip = format!("{}, {}: {}", day(spend.day), lane.name(), usd(amount, decimals));
            canvas.rect(class(*lane), (x + slot * 0.1, y(base + height)), (slot * 0.8, y(base) - y(base + height)), &tip);
            base += height;
        }
    }
    for index in (first..=last).filter(|d| (d - first) % every == 0) {
        let x = LEFT + ((index - first) as f64 + 0.5) * slot;
        canvas.text("t small", Anchor::Middle, (x, HEIGHT - 6.0), &day_and_month(index));
    }
    Some(canvas.finish())
}

/// The next round number at or above.
fn nice_ceiling(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().map(|m| m * power).find(|v| *v >= value).unwrap_or(value)
}

fn usd_label(level: f64) -> String {
    let decimals = if level > 0.0 && level < 10.0 { 2 } else { 0 };
    usd(Money::from_pico((level * 1e12) as i128), decimals)
}
