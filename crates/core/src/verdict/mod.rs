//! How long a slice of a workload can wait, from evidence: additive, capped log-odds over named signals.
//!
//! The score is called a score, not a probability: nothing here is calibrated until owners have answered.
//! Weights, caps and ceilings are data (`catalog`); this module holds the arithmetic. Eligibility for a lane is
//! another question, answered by `route` and the plan.

mod evidence;
mod score;
pub mod signals;
mod weights;

pub use evidence::{EvidenceKind, PrincipalKind, RunPattern, Share, SliceEvidence, WaitAfterThrottle};
pub use score::{Answer, Class, Score, Term, Verdict, judge};
pub use weights::{Group, SignalId, Weights};
