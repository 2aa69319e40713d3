//! A month of a company against an emulated Bedrock, as it is and as a policy would have it: the real gateway, batch engine and
//! emulator in one process, joined without sockets, under a time of its own.
//!
//! Promises: the same company and policy give the same months; money is what the emulator meters and bills; what the gateway and the
//! batch lane have booked is held against that bill, and a month whose books are wrong is an error. Leaves out: how long answers
//! take under load (the emulator's model answers at once, and says how long it would have taken); plans and pages.

mod aws;
mod client;
mod clock;
mod error;
mod gated;
mod month;
mod sample;
mod today;

pub use error::SimError;
pub use gated::{Books, as_planned};
pub use month::{Deadlines, LaneSum, Month, Progress};
pub use sample::settings_for;
pub use today::as_today;
