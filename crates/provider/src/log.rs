//! The model invocation log that AWS writes to S3 and CloudWatch.
//!
//! Promises: the project's own reader reads back the tokens of every class. Leaves out: delivery; the caller gathers
//! lines into objects, compresses and stores them.
//! Source: AWS, "Monitor model invocation using CloudWatch Logs and Amazon S3", read 2026-11-23.

mod key;
mod record;

pub use key::{body_key, key};
pub use record::{Call, Delivery, LargeBodies, Modality, MovedBody, Record, record};
