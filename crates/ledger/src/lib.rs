//! Evidence into rows, rows into a Parquet ledger, and rows into mergeable partials.

pub mod bill;
pub mod partial;
pub mod row;
pub mod waits;
pub mod workload;
