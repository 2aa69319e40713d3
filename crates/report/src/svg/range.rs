//! The saving as a range: floor, likely and ceiling on the width of today's spend.

use laneshift_core::plan::Plan;
use laneshift_units::Money;

use super::canvas::{Canvas, Svg};
use crate::text::{percent, usd};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 34.0;
const MARK: f64 = 3.0;

/// The bar. What it shows stands in the table beside it; the bar itself has no text, so it may be stretched.
pub(crate) fn range(plan: &Plan, decimals: usize) -> Svg {
    let named =
        |name: &str, amount: Money| format!("{name} {} ({} of spend)", usd(amount, decimals), percent(amount, plan.today));
    let savings = &plan.savings;
    let saved = plan.today - plan.planned;
    let description = format!(
        "{}, {}, {}; the recommended moves save {}",
        named("floor", savings.floor),
        named("likely", savings.likely),
        named("ceiling", savings.ceiling),
        usd(saved, decimals)
    );
    let mut canvas =
        Canvas::stretched("range", "The saving as a range, on the width of today's spend", &description, (WIDTH, HEIGHT));
    let x = |amount: Money| amount.share_of(plan.today).unwrap_or(0.0).clamp(0.0, 1.0) * WIDTH;
    let band = HEIGHT - 10.0;
    canvas.rect("c-rest", (0.0, 5.0), (WIDTH, band), &named("today", plan.today));
    // Widest first, so that each narrower one lies on top of it.
    canvas.rect("c-ceiling", (0.0, 5.0), (x(savings.ceiling), band), &named("ceiling", savings.ceiling));
    canvas.rect("c-likely", (0.0, 5.0), (x(savings.likely), band), &named("likely", savings.likely));
    canvas.rect("c-floor", (0.0, 5.0), (x(savings.floor), band), &named("floor", savings.floor));
    canvas.rect("c-mark", ((x(saved) - MARK / 2.0).max(0.0), 0.0), (MARK, HEIGHT), &named("recommended", saved));
    canvas.finish()
}
