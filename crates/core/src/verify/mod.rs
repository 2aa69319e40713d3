//! Two months held against each other: what changed by itself, what each lever saved, and whether an invoice says the same.
//!
//! Promises: every difference is an exact sum of named steps, to the picodollar; no saving is claimed from fewer tokens, from another
//! mix of models, or from a price that AWS changed; what has nothing to be compared with claims nothing. Leaves out: where months and
//! plans come from, and how they are shown.

mod exact;
mod month;
mod predicted;
mod reconcile;
mod steps;
mod waterfall;
mod work;

pub use exact::share;
pub use month::{Amount, Cell, Month};
pub use predicted::{Predicted, Standing};
pub use reconcile::{Reconciled, Row, Tolerance, reconcile};
pub use steps::{Step, Steps};
pub use waterfall::{Waterfall, waterfall};
