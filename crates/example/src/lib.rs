//! Example companies from a seed: invocation logs, the bill of the same month, and the truth about each workload.
//!
//! Promises: the same seed gives the same bytes; no clock is read; the bill's tokens are the logs' tokens times the
//! sampling factor, exactly, by account, region, model, principal, operation and class. Every input text holds
//! [`PROMPT_CANARY`] and every output text [`ANSWER_CANARY`], so a check can show that no prompt leaves an audit.
//! Leaves out: images, audio, tools as the provider bills them, and any claim that these companies are typical.

mod acme;
mod arrivals;
mod bench;
mod bodies;
mod calls;
mod chance;
mod company;
mod cur;
mod draft;
mod events;
mod founding;
mod generated;
mod identity;
mod logs;
mod part;
mod prices;
mod rates;
mod record;
mod replay;
mod text;
mod totals;
mod truth;
mod written;

pub use acme::acme;
pub use bench::bench_company;
pub use calls::{Call, calls};
pub use company::{Bodies, CalledAs, Company, Counts, Truth, Workload};
pub use cur::{Bill, write_cur};
pub use founding::founding;
pub use generated::generated;
pub use logs::{LogOptions, with_raw_bytes, write_logs};
pub use part::{Arrival, CachedShare, Days, LatencyShape, Operation, Part, Session, Spread, TokenShape, Turns};
pub use replay::{ReplayOptions, replay_conversation};
pub use text::{ANSWER_CANARY, PROMPT_CANARY};
pub use totals::{WorkloadTotals, totals};
pub use truth::{write_evidence, write_truth};
pub use written::Written;

use std::io;
use std::path::Path;

/// Writes a whole example: `logs/`, `cur2.csv.gz`, `truth.csv`, `profiles.csv` and `evidence.toml` under `out`.
///
/// # Errors
/// What the file system says.
pub fn write_example(company: &Company, out: &Path) -> io::Result<Written> {
    let written = write_logs(company, &out.join("logs"), &LogOptions::example())?;
    write_cur(company, out)?;
    write_truth(company, out)?;
    write_evidence(company, out)?;
    Ok(written)
}
