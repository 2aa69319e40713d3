//! What comes in, and is checked before it is accepted.

mod estimate;
mod file;

pub use estimate::PoolEstimate;
pub use file::{Accepted, BadLine, Place, Refused, Request, submission_id};
pub(crate) use file::{hash16, pool_of, spool_object};

use laneshift_units::{Tokens, Usage};

/// Bytes of text a token, where nothing better is known.
const BYTES_PER_TOKEN: u64 = 4;
/// Output tokens of a record whose limit is not known.
const OUTPUT_TOKENS: u64 = 300;

/// What a record is thought to use: input by bytes, output by what it asks for.
fn usage(request: &laneshift_dialect::Request<'_>) -> Usage {
    usage_of(request.input.len(), request.output_max)
}

/// The same, from its `modelInput` alone.
pub(crate) fn usage_of_input(input: &str) -> Usage {
    usage_of(input.len(), laneshift_dialect::output_limit(input))
}

fn usage_of(bytes: usize, output_max: Option<u64>) -> Usage {
    let output = output_max.map_or(OUTPUT_TOKENS, |most| most.min(OUTPUT_TOKENS));
    Usage { input: Tokens(bytes as u64 / BYTES_PER_TOKEN), output: Tokens(output), ..Usage::default() }
}
