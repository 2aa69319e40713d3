//! Workloads by score and money: what is worth a question stands at the top, what is clear at the sides.

use laneshift_core::plan::{Plan, WorkloadPlan};
use laneshift_core::verdict::Class;
use laneshift_units::Money;

use super::canvas::{Anchor, Canvas, Number, Svg};
use crate::text::{score, usd};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 350.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const BOTTOM: f64 = 40.0;
const TOP: f64 = 34.0;
/// Workloads drawn; the dearest.
const DOTS_MAX: usize = 400;
/// Workloads with their name beside the dot.
const NAMES_MAX: usize = 6;
/// Characters of a name.
const NAME_LENGTH: usize = 24;
/// Width of a letter of a name, roughly.
const LETTER: f64 = 6.2;
/// Names and marks closer than this, from top to bottom, would touch.
const LINE: f64 = 12.0;
/// Half of a mark's size.
const R: f64 = 5.5;

/// The chart; `link` says where a workload's card is. `None` without priced workloads.
pub(crate) fn scatter(plan: &Plan, decimals: usize, link: impl Fn(usize) -> Option<String>) -> Option<Svg> {
    let shown: Vec<(usize, &WorkloadPlan)> =
        plan.workloads.iter().enumerate().filter(|(_, w)| w.today > Money::ZERO).take(DOTS_MAX).collect();
    let most = shown.iter().map(|(_, w)| w.today).max()?.to_f64_for_charts();
    let least = shown.iter().map(|(_, w)| w.today).min()?.to_f64_for_charts();
    let (low, high) = (least.log10().floor() as i32, most.log10().ceil() as i32);
    let high = high.max(low + 1);
    let description = format!("{} workloads; the dearest stand highest, those that can wait furthest right", shown.len());
    let mut canvas = Canvas::new("scatter", "Workloads by score and spend", &description, (WIDTH, HEIGHT));
    let x = |thousandths: f64| LEFT + thousandths / 1000.0 * (WIDTH - LEFT - RIGHT);
    let y = |usd: f64| {
        let share = (usd.log10() - f64::from(low)) / f64::from(high - low);
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - BOTTOM - TOP)
    };
    let place = |w: &WorkloadPlan| (x(f64::from(w.score.0.min(1000))), y(w.today.to_f64_for_charts()));
    for power in low..=high {
        let level = 10_f64.powi(power);
        canvas.line("c-grid", (LEFT, y(level)), (WIDTH - RIGHT, y(level)));
        canvas.text("t small", Anchor::End, (LEFT - 6.0, y(level) + 4.0), &axis_label(level));
    }
    for at in [0.0, 200.0, 400.0, 600.0, 800.0, 900.0, 1000.0] {
        let class = if at == 900.0 { "c-axis" } else { "c-grid" };
        canvas.line(class, (x(at), TOP), (x(at), HEIGHT - BOTTOM));
        let label = if at == 1000.0 { "1".to_owned() } else { format!(".{}", at as u32 / 100) };
        canvas.text("t small", Anchor::Middle, (x(at), HEIGHT - BOTTOM + 16.0), &label);
    }
    canvas.text("t small", Anchor::Start, (x(0.0), HEIGHT - 6.0), "somebody waits");
    canvas.text("t small", Anchor::End, (x(1000.0), HEIGHT - 6.0), "score: can wait");
    for (n, of) in Class::ALL.into_iter().enumerate() {
        let left = LEFT + n as f64 * 120.0;
        canvas.path(class(of), &mark(of, (left + 6.0, 10.0)), "");
        canvas.text("t small", Anchor::Start, (left + 18.0, 14.0), of.name());
    }
    // The dearest last, so that it lies on top.
    for (rank, w) in shown.iter().rev() {
        let at = place(w);
        let tip = format!("{}: {}, {}, score {}", w.key, usd(w.today, decimals), w.class.name(), score(w.score));
        let dot = |c: &mut Canvas| c.path(class(w.class), &mark(w.class, at), &tip);
        match link(*rank) {
            Some(id) => canvas.link(&id, dot),
            None => dot(&mut canvas),
        }
    }
    names(&mut canvas, &shown, place);
    Some(canvas.finish())
}

/// Writes the names of the dearest, each left or right of its mark, where nothing is in the way.
fn names(canvas: &mut Canvas, shown: &[(usize, &WorkloadPlan)], place: impl Fn(&WorkloadPlan) -> (f64, f64)) {
    let mut taken: Vec<(f64, f64, f64)> = shown.iter().map(|(_, w)| place(w)).map(|(x, y)| (x - R, x + R, y)).collect();
    for (_, w) in shown.iter().take(NAMES_MAX) {
        let name = short(&w.key);
        let (x, y) = place(w);
        let width = name.chars().count() as f64 * LETTER;
        let sides = [(Anchor::End, x - 10.0, x - 10.0 - width), (Anchor::Start, x + 10.0, x + 10.0)];
        let free = sides.into_iter().find(|&(_, _, left)| {
            let inside = left >= LEFT && left + width <= WIDTH;
            inside && taken.iter().all(|&(l, r, at)| (at - y).abs() > LINE || r < left || l > left + width)
        });
        if let Some((anchor, at, left)) = free {
            taken.push((left, left + width, y));
            canvas.text("t small", anchor, (at, y + 4.0), &name);
        }
    }
}

/// A mark for each class, told apart by shape as well as by colour.
fn mark(class: Class, (x, y): (f64, f64)) -> String {
    let (n, two) = (Number, R * 2.0);
    match class {
        Class::BatchFit => {
            format!("M{} {}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 {} 0z", n(x - R), n(y), n(two), n(-two), r = n(R))
        }
        Class::Hybrid => format!("M{} {}l{r} {r}l{m} {r}l{m} {m}z", n(x), n(y - R - 1.0), r = n(R + 1.0), m = n(-R - 1.0)),
        Class::Undetermined => format!("M{} {}l{} {}h{}z", n(x), n(y - R), n(R + 0.5), n(two), n(-two - 1.0)),
        Class::Stays => format!("M{} {}h{s}v{s}h{}z", n(x - R + 1.0), n(y - R + 1.0), n(-two + 2.0), s = n(two - 2.0)),
    }
}

const fn class(class: Class) -> &'static str {
    match class {
        Class::BatchFit => "k-batch-fit",
        Class::Hybrid => "k-hybrid",
        Class::Undetermined => "k-undetermined",
        Class::Stays => "k-stays",
    }
}

fn short(key: &str) -> String {
    let name = key.split_once(['=', '/']).map_or(key, |(_, name)| name);
    if name.chars().count() <= NAME_LENGTH {
        name.to_owned()
    } else {
        name.chars().take(NAME_LENGTH - 1).chain(['…']).collect()
    }
}

fn axis_label(level: f64) -> String {
    let decimals = if level < 1.0 { 2 } else { 0 };
    usd(Money::from_pico((level * 1e12).round() as i128), decimals)
}
