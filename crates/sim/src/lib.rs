//! A month of a company against an emulated Bedrock, as it is and as a policy would have it: the real gateway, batch engine and
//! emulator in one process, joined without sockets, under a time of its own.
//!
//! Promises: the same company and policy give the same months; money is what the emulator meters and bills; after each step of a
//! planned month the invariants are checked, among them that the books hold that bill, and the first that is broken ends it with its
//! seed and the last events. Leaves out: how long answers take under load (the emulator's model answers at once, and says how long it
//! would have taken); plans and pages.

mod aws;
mod client;
mod clock;
mod error;
mod gated;
mod invariants;
mod kept;
mod month;
mod node;
mod recorded;
mod sample;
mod seams;
mod today;
mod traffic;
mod watch;

pub use aws::{GATEWAY_KEYS, callers, request_of, signed};
pub use clock::run;
pub use error::SimError;
pub use gated::{Books, as_planned};
pub use invariants::{Broken, Invariant};
pub use month::{Deadlines, LaneSum, Month, Progress};
pub use recorded::Recording;
pub use sample::settings_for;
pub use seams::{Between, Conditions, Death, Outage, Seams, WhatIf};
pub use today::as_today;
pub use traffic::{Patience, Traffic};
