//! Every dated file: prices, capabilities, signal weights, owners, policy and plan files.
//!
//! Promises: a file is read strictly, and what cannot be used is named by file, place and field. Leaves out: what the
//! numbers mean; that is `laneshift_core`.

pub mod capabilities;
mod error;
mod file;
pub mod prices;
pub mod signals;
mod wire;

pub use error::DataError;
