//! From today's spend to the planned, a bar a step, from top to bottom.

use laneshift_units::Money;

use super::canvas::{Anchor, Canvas, Svg};
use crate::levels::Level;
use crate::text::usd;

const WIDTH: f64 = 720.0;
const ROW: f64 = 34.0;
const BAR: f64 = 22.0;
const LABEL: f64 = 236.0;
const AMOUNT: f64 = 86.0;

/// The chart. The amounts are rounded already, so what is printed adds up.
pub(crate) fn waterfall(steps: &[Level], decimals: usize) -> Option<Svg> {
    let (first, last) = (steps.first()?, steps.last()?);
    let full = first.before.max(Money::from_pico(1));
    let span = WIDTH - LABEL - AMOUNT;
    let x = |amount: Money| LABEL + amount.share_of(full).unwrap_or(0.0).clamp(0.0, 1.0) * span;
    let sum: Vec<String> = steps.iter().map(|s| format!("{} {}", s.name, usd(-s.saves(), decimals))).collect();
    let description = format!("now {}, {}, planned {}", usd(first.before, decimals), sum.join(", "), usd(last.after, decimals));
    let rows = steps.len() + 2;
    let mut canvas =
        Canvas::new("waterfall", "From today's spend to the planned spend", &description, (WIDTH, ROW * rows as f64));
    let mut row = |at: usize, name: &str, (from, to): (Money, Money), class: &str, amount: &str| {
        let top = ROW * at as f64 + (ROW - BAR) / 2.0;
        let baseline = top + BAR / 2.0 + 4.5;
        let (left, right) = (x(from.min(to)), x(from.max(to)));
        canvas.text("t", Anchor::Start, (0.0, baseline), name);
        canvas.rect(class, (left, top), ((right - left).max(1.0), BAR), &format!("{name} {amount}"));
        canvas.text("t strong", Anchor::End, (WIDTH, baseline), amount);
        if at + 1 < rows {
            canvas.line("c-axis", (x(to), top + BAR), (x(to), top + ROW));
        }
    };
    row(0, "now", (Money::ZERO, first.before), "l-standard", &usd(first.before, decimals));
    // The connector of the first bar starts at its right end.
    for (at, step) in steps.iter().enumerate() {
        let class = if step.saves() < Money::ZERO { "c-more" } else { "c-saves" };
        row(at + 1, &step.name, (step.before, step.after), class, &usd(-step.saves(), decimals));
    }
    row(rows - 1, "planned", (Money::ZERO, last.after), "c-plan", &usd(last.after, decimals));
    Some(canvas.finish())
}
