//! A plan, two months side by side, and what was saved between two bills, as text for a terminal and as one HTML file to forward.
//!
//! Promises: the same plan gives the same bytes; money is rounded here and nowhere before; every text of a plan
//! may be hostile and is escaped or stripped of control characters; the HTML file loads nothing and runs nothing.
//! Leaves out: machine-readable output (`catalog` writes plan.json and policy.toml).

mod choices;
pub mod comparison;
mod doubts;
mod error;
mod levels;
mod page;
pub mod simulation;
mod svg;
mod terminal;
mod text;
pub mod verified;

pub use error::ReportError;
pub use page::html;
pub use terminal::summary;
pub use text::count;
