//! The plan as one HTML file: a page to decide on, and under every number a way down to its evidence.
//!
//! A section is a file here, which computes, and a file in `templates/`, which shows. The file loads nothing, runs
//! nothing and prints.

mod decision;
pub(crate) mod filters;
mod links;
mod method;
mod query;
mod renewal;
mod section;
mod spend;
mod split;
mod trust;
mod workloads;

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use laneshift_core::plan::Plan;
use laneshift_core::route::LaneId;
use laneshift_core::verdict::Class;
use laneshift_units::{Money, Tokens};

use crate::error::ReportError;
use crate::text::{decimals, period};

/// Our own style sheet, put into the page as it is.
pub(crate) struct Style;

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(include_str!("../../templates/style.css"))
    }
}

impl HtmlSafe for Style {}

/// The whole page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    plan: &'a Plan,
    style: Style,
    decimals: usize,
    period: String,
    sections: Vec<section::Section>,
    decision: decision::Decision<'a>,
    trust: trust::Trust,
    spend: spend::Spend,
    inventory: workloads::Inventory<'a>,
    split: split::Split,
    mistakes: Vec<links::MistakeView<'a>>,
    renewal: renewal::Renewal<'a>,
    confusion: Vec<method::ConfusionRow<'a>>,
}

impl Page<'_> {
    /// Whether any day has spend in a lane.
    fn has_lane(&self, lane: &LaneId) -> bool {
        LaneId::ALL
            .iter()
            .zip(0..)
            .any(|(l, at): (_, usize)| l == lane && self.plan.daily.iter().any(|d| d.by_lane[at] != Money::ZERO))
    }
}

/// The plan as one HTML file.
///
/// # Errors
/// [`ReportError`] when the template cannot be filled.
pub fn html(plan: &Plan) -> Result<String, ReportError> {
    let decimals = decimals(plan.today);
    let page = Page {
        plan,
        style: Style,
        decimals,
        period: period(&plan.scope),
        sections: section::of(plan),
        decision: decision::Decision::new(plan, decimals),
        trust: trust::Trust::new(plan),
        spend: spend::Spend::new(plan, decimals),
        inventory: workloads::Inventory::new(plan, decimals),
        split: split::Split::new(plan, decimals),
        mistakes: links::mistakes(plan),
        renewal: renewal::Renewal::new(plan),
        confusion: method::confusion(plan),
    };
    Ok(page.render()?)
}
