//! `laneshift verify`: predicted against metered against invoiced, at equal tokens.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Format, print};
use crate::error::Error;
use crate::verify;

const EXAMPLES: &str = "Examples:
  laneshift verify --before cur/2026-09 --after cur/2026-10
  laneshift verify --before cur/2026-09 --after laneshift-gateway --plan laneshift-out
  laneshift verify --before cur/2026-09 --after laneshift-gateway --plan laneshift-out \\
    --cur cur/2026-10 --tolerance 0.5%

A BILL is a CUR 2.0 or legacy CUR export (CSV, CSV.gz, Parquet): a file, a folder, a pattern or an
s3:// prefix. Or it is the folder of a gateway, whose books and batch lane are read.

The difference of the two bills is told apart to the last picodollar: fewer tokens, another mix of
models, fees of paid capacity and prices that AWS changed are no saving; prompt cache, batch, flex,
other tiers and the global profile are, each at the tokens of the month after. Where one side is a
gateway's, fees and all that is no tokens are left out of both.

--cur holds the gateway's books (--after) against AWS's bill of the same month: tokens by usage type
and day, money by model, lane and day. Proven is said only when every line is within the tolerance,
both bills are final and of other days, their fees are the same, and no price before is unknown; then
the exit code is 0, and otherwise 5. docs/verify.md says how.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The month before
    #[arg(long, value_name = "BILL")]
    pub(crate) before: String,
    /// The month after; with --cur the folder of the gateway
    #[arg(long, value_name = "BILL")]
    pub(crate) after: String,
    /// The audit's folder, or its plan.json: what it predicted stands beside what was metered
    #[arg(long)]
    pub(crate) plan: Option<PathBuf>,
    /// AWS's bill of the month after
    #[arg(long, value_name = "CUR")]
    pub(crate) cur: Option<String>,
    /// By how much a line of the books may differ from the bill's, in percent of the bill's
    #[arg(long, default_value = "1%", value_name = "PERCENT", allow_hyphen_values = true)]
    pub(crate) tolerance: String,
    /// Each call in the books of a gateway stands for so many
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) sampling_factor: u64,
    /// Table that resolves application inference profile ARNs in the books, as the audit takes it
    #[arg(long)]
    pub(crate) profiles: Option<PathBuf>,
    /// Price catalogue instead of the shipped one
    #[arg(long, env = "LANESHIFT_CATALOG")]
    pub(crate) catalog: Option<PathBuf>,
    /// Endpoint of an S3-compatible store
    #[arg(long, env = "AWS_ENDPOINT_URL_S3")]
    pub(crate) s3_endpoint: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

pub(crate) fn run(args: &VerifyArgs, out: &mut dyn Write) -> Result<(), Error> {
    let done = verify::run(args)?;
    match args.format {
        Format::Text => print(out, &done.summary)?,
        Format::Json => print(out, &done.json)?,
    }
    if done.reasons.is_empty() { Ok(()) } else { Err(Error::Unproven(done.reasons)) }
}
