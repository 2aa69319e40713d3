//! placeholder

pub mod bill;
