//! `laneshift simulate`: recorded traffic under a policy, and what would be if something were otherwise.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Format, print};
use crate::error::Error;
use crate::simulate;

const EXAMPLES: &str = "Examples:
  laneshift audit logs/ --out october
  laneshift simulate --ledger october
  laneshift simulate --ledger october --what-if outage=us-east-1:3h
  laneshift simulate --ledger gateway-data --policy policy.toml --what-if tolerant+10%,deadline=6h,turnaround=x3

What would be otherwise, with commas between:
  tolerant+10%            of the calls that the policy keeps live, one in ten waits too, up to a day
  deadline=6h             what waits is due after six hours, whatever the policy says
  turnaround=x3           batch jobs queue and run three times as long
  outage=us-east-1:3h     Bedrock in that region answers nothing for three hours, from the hour with
                          most calls on, or from a moment: outage=us-east-1:3h@2026-10-14T14:00:00Z

Gateway, batch engine and an emulated Bedrock run the traffic in a time of their own. The ledger is an
audit's --out folder, a gateway's data folder, or any evidence that the audit reads. It holds no
prompts: texts are as long as they were. docs/simulate.md says what is left out.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SimulateArgs {
    /// Traffic: an audit's --out folder, a gateway's data folder (its live calls), invocation logs
    #[arg(long, required = true)]
    pub(crate) ledger: PathBuf,
    /// Which requests may take which lanes; policy.toml in the ledger's folder when left out
    #[arg(long)]
    pub(crate) policy: Option<PathBuf>,
    /// What would be otherwise
    #[arg(long, value_delimiter = ',')]
    pub(crate) what_if: Vec<String>,
    /// How often chance is drawn anew: figures are medians, with the least and the most
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(crate) seeds: u64,
    /// The most calls that are run; of a larger ledger a sample stands for all
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=50_000))]
    pub(crate) calls: u64,
    /// Each record stands for so many, where the ledger is a sample; what plan.json beside it says when left out
    #[arg(long)]
    pub(crate) sampling_factor: Option<u64>,
    /// Table that resolves application inference profile ARNs, as for the audit
    #[arg(long)]
    pub(crate) profiles: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

pub(crate) fn run(args: &SimulateArgs, out: &mut dyn Write) -> Result<(), Error> {
    let done = simulate::run(args)?;
    match args.format {
        Format::Text => print(out, &done.summary),
        Format::Json => print(out, &done.json),
    }
}
