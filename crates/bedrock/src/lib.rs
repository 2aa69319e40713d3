//! What AWS spells: invocation logs, ARNs, usage types. Wire names are AWS's; conversions stand beside them.

pub mod arn;
pub mod invocation_log;
mod operation;
pub mod usage_type;

pub use operation::Operation;
