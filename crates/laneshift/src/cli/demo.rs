//! `laneshift demo`: the whole promise, from metered bills, without an account.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Format, print};
use crate::demo;
use crate::error::Error;

const EXAMPLES: &str = "Examples:
  laneshift demo
  laneshift demo --company founding --seed 3 --out demo
  laneshift demo --sample 500                    # a tenth of the requests, and of the time
  laneshift demo --company generated --seed 7    # a mix that nobody has chosen

Every company's month runs twice against the emulated Bedrock, in a time of its own: as it is, and as the
audit of that month plans it. What is compared is what was metered and billed. Then a slice of the calls that
somebody waits for is sent in real time over 127.0.0.1, straight and through the gateway, to see what it adds.
docs/demo.md says how.

--out receives demo.html, and for each company its logs and bill, the audit's report and policy, and the
books of the gateway. The same seed gives the same figures, but for those in real time.";

/// A company that the demo knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Known {
    /// The worked example: 2 billion tokens a month at $6 a million, three fifths of them can wait.
    Founding,
    /// The example company: 21 workloads, with prompt caches, hybrids, models without a batch price and a second region.
    Acme,
    /// A company of any mix, by its seed; only when it is named
    Generated,
}

impl Known {
    pub(crate) const ALL: &[Self] = &[Self::Founding, Self::Acme];
}

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Which companies; all when left out
    #[arg(long, value_enum)]
    pub(crate) company: Vec<Known>,
    /// Everything random follows from it
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Run one request in so many, and let it stand for all of them
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=5_000))]
    pub(crate) sample: u64,
    /// Folder for everything; what a demo wrote there before is replaced
    #[arg(long, default_value = "laneshift-demo", env = "LANESHIFT_DEMO_OUT")]
    pub(crate) out: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

pub(crate) fn run(args: &DemoArgs, out: &mut dyn Write) -> Result<(), Error> {
    let done = demo::run(args)?;
    match args.format {
        Format::Text => print(out, &done.summary),
        Format::Json => print(out, &done.json),
    }
}
