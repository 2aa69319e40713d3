//! The decision, without input or output: prices, route, lanes, verdicts, plans, and what came of them.
//!
//! Promises: reads no clock, socket, file or random source; the same input gives the same output.

pub mod lanes;
pub mod plan;
pub mod price;
pub mod route;
pub mod verdict;
pub mod verify;
