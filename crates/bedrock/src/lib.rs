//! placeholder

pub mod usage_type;
