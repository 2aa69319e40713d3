//! The model invocation log that AWS writes to S3 and CloudWatch.
//!
//! Promises: the project's own reader reads back the tokens of every class. Leaves out: delivery; the caller gathers
//! lines into objects, compresses and stores them.
//! Source: `facts/bedrock.md` 7.1 of 2026-11-23 (AWS, "Monitor model invocation using CloudWatch Logs and Amazon S3").

mod key;
mod record;

pub use key::{body_key, key};
pub use record::{Call, Delivery, LargeBodies, Modality, MovedBody, Operation, Record, record};
