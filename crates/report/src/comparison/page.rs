//! Both months as a page.

use askama::Template;
use laneshift_core::route::LaneId;
use laneshift_units::Money;

use super::{Comparison, terminal};
use crate::error::ReportError;
use crate::page::{Style, filters};
use crate::svg::{Svg, lane_bar};

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    style: Style,
    decimals: usize,
    companies: Vec<Drawn<'a>>,
}

/// A company with its charts.
struct Drawn<'a> {
    told: &'a Comparison,
    saved: Money,
    change: Money,
    before: Svg,
    after: Svg,
    facts: Vec<String>,
}

/// The page. It loads nothing and runs nothing; its links lead to files beside it.
///
/// # Errors
/// [`ReportError`].
pub fn html(compared: &[Comparison]) -> Result<String, ReportError> {
    let companies = compared.iter().enumerate().map(|(n, told)| {
        let bar = |which: &str, cost: &dyn Fn(&super::LanePair) -> Money| {
            let parts: Vec<(LaneId, Money)> = told.lanes.iter().map(|pair| (pair.lane, cost(pair))).collect();
            lane_bar(&format!("{which}{n}"), &format!("{}, {which}", told.name), &parts, told.before.max(told.after), 2)
        };
        let mut facts: Vec<String> = terminal::stayed(told).into_iter().collect();
        let at = facts.len() + 1;
        facts.extend([terminal::promised(told), terminal::predicted(told), terminal::booked(told)]);
        if let (Some(before), Some(after)) = (told.wait_before, told.wait_after) {
            let text = format!("who waits, as it was: {}; as planned: {}", terminal::waited(before), terminal::waited(after));
            facts.insert(at, text);
        }
        facts.push(told.real_time.told());
        let (saved, change) = (told.saved(), told.after - told.before);
        Drawn { told, saved, change, before: bar("before", &|pair| pair.before), after: bar("after", &|pair| pair.after), facts }
    });
    let page = Page { style: Style, decimals: 2, companies: companies.collect() };
    Ok(page.render()?)
}
