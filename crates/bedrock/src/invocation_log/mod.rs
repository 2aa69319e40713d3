//! Model invocation log records, as AWS writes them to S3 and CloudWatch Logs.
//!
//! Promises: text of prompts and answers is hashed while it is read and never kept; a body of an unknown shape
//! costs only what would have been learned from it.
// AWS, Bedrock user guide, "Monitor model invocation using CloudWatch Logs and Amazon S3", read 2026-11-23; the cache
// counts' key names, errorCode and inferenceRegion are seen in the wild, not documented.

mod input_body;
mod mask;
mod output_body;
mod record;
mod text;

pub use input_body::{BodyTraits, read_input_body};
pub use output_body::{Metered, metered};
pub use record::{Invocation, ParseError, parse};
