//! The plan: what should change, what it saves, how sure that is, and what remains unknown.
//!
//! All money in a plan is for the observed period, multiplied by the evidence's sampling factor; it is exact.
//! Everything is priced through [`crate::route::route`].

mod build;
mod mistakes;
mod slice;
mod types;

pub use build::{Inputs, WorkloadInput, build};
pub use slice::{Grain, SliceInput};
pub use types::{
    Adjustment, Blocker, BlockerKind, Commitment, Confusion, Coverage, CoverageRow, DailySpend, LaneSpend, LeverStep, Mistake,
    MistakeKind, ModelSpend, Move, OtherService, Plan, PriceNote, RejectedReason, RenewalLine, Savings, Scope, SlicePlan, Source,
    Unresolved, WalkAway, WorkloadPlan,
};
