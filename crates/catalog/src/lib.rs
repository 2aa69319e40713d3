//! Every dated file: prices, capabilities, signal weights, owners, policy and plan files.
//!
//! Promises: a file is read strictly, and what cannot be used is named by file, place and field. Leaves out: what the
//! numbers mean; that is `laneshift_core`.

pub mod capabilities;
pub mod commitments;
mod error;
pub mod evidence;
mod file;
pub mod owners;
pub mod plan_file;
pub mod policy;
pub mod prices;
pub mod profiles;
#[cfg(test)]
mod sample;
pub mod signals;
mod table;
mod wire;

pub use error::DataError;
pub use wire::usd_per_million;
