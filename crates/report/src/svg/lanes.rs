//! Spend by lane as one stacked bar. Two of them under each other share a scale.

use laneshift_core::route::LaneId;
use laneshift_units::Money;

use super::canvas::{Canvas, Svg};
use crate::text::{percent, usd};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 30.0;
const SEAM: f64 = 2.0;

/// The class that colours a lane.
pub(crate) const fn class(lane: LaneId) -> &'static str {
    match lane {
        LaneId::Provisioned => "l-provisioned",
        LaneId::Reserved => "l-reserved",
        LaneId::Priority => "l-priority",
        LaneId::Standard => "l-standard",
        LaneId::Flex => "l-flex",
        LaneId::Batch => "l-batch",
    }
}

/// A bar of `parts`, as wide as `full`. It has no text, so it may be stretched.
pub(crate) fn lane_bar(id: &str, title: &str, parts: &[(LaneId, Money)], full: Money, decimals: usize) -> Svg {
    let whole: Money = parts.iter().map(|(_, amount)| *amount).sum();
    let shown = parts.iter().filter(|(_, amount)| *amount > Money::ZERO);
    let name = |lane: LaneId, amount| format!("{} {} ({})", lane.name(), usd(amount, decimals), percent(amount, whole));
    let description: Vec<String> = shown.clone().map(|(lane, amount)| name(*lane, *amount)).collect();
    let mut canvas = Canvas::stretched(id, title, &description.join(", "), (WIDTH, HEIGHT));
    let mut x = 0.0;
    for (lane, amount) in shown {
        let width = amount.share_of(full).unwrap_or(0.0) * WIDTH;
        canvas.rect(class(*lane), (x, 0.0), ((width - SEAM).max(width / 2.0), HEIGHT), &name(*lane, *amount));
        x += width;
    }
    canvas.finish()
}
