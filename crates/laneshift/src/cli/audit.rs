//! `laneshift audit`: from evidence to a plan one can act on.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Format, print};
use crate::audit;
use crate::error::Error;

const EXAMPLES: &str = "Examples:
  laneshift audit examples/acme
  laneshift audit 'logs/2026/10/*' cur/ --owners owners.csv --out october
  laneshift audit s3://my-logs/AWSLogs --profiles profiles.csv
  laneshift audit s3://logs/acme --s3-endpoint http://127.0.0.1:9000

Evidence is recognised by content: Bedrock model invocation logs (.json, .json.gz, from S3 or
CloudWatch) and CUR 2.0 exports (CSV, CSV.gz, Parquet). Everything else is counted and left aside.

--out receives report.html, plan.json, policy.toml, workloads.csv, owners.csv (fill it in and
give it back with --owners), rejected.ndjson and ledger/ (Parquet, for your own queries).
Prompts and answers are hashed while they are read and never written anywhere.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AuditArgs {
    /// Files, folders, globs, s3:// prefixes
    #[arg(required = true)]
    pub(crate) evidence: Vec<String>,
    /// Folder for the plan; a second run with the same evidence continues there
    #[arg(long, default_value = "laneshift-out", env = "LANESHIFT_OUT")]
    pub(crate) out: PathBuf,
    /// Owners' answers, as in the owners.csv of an earlier run
    #[arg(long)]
    pub(crate) owners: Option<PathBuf>,
    /// Table that resolves application inference profile ARNs: CSV arn,model_id,name, or the JSON of
    /// `aws bedrock list-inference-profiles`
    #[arg(long)]
    pub(crate) profiles: Option<PathBuf>,
    /// Provisioned Throughput that you pay for; entries for the Reserved tier are read and not used yet
    #[arg(long)]
    pub(crate) commitments: Option<PathBuf>,
    /// Weights of the signals instead of the shipped ones
    #[arg(long)]
    pub(crate) signals: Option<PathBuf>,
    /// Price catalogue instead of the shipped one
    #[arg(long, env = "LANESHIFT_CATALOG")]
    pub(crate) catalog: Option<PathBuf>,
    /// Each record stands for so many requests, where the evidence is a sample
    #[arg(long)]
    pub(crate) sampling_factor: Option<u64>,
    /// Read any other CSV: which column is which, as at=created,model_id=model,input=tokens_in,output=tokens_out;
    /// 'quoted' values are constants
    #[arg(long)]
    pub(crate) map: Option<String>,
    /// Replace role and session names by keyed hashes (key from LANESHIFT_PSEUDONYM_KEY)
    #[arg(long)]
    pub(crate) pseudonymise: bool,
    /// Endpoint of an S3-compatible store
    #[arg(long, env = "AWS_ENDPOINT_URL_S3")]
    pub(crate) s3_endpoint: Option<String>,
    /// Reader threads
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(8))]
    pub(crate) threads: usize,
    /// How to print: the summary, or plan.json
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

impl AuditArgs {
    /// Everything as it is when nobody says otherwise, into a folder.
    pub(crate) fn into(out: PathBuf) -> Self {
        Self {
            evidence: Vec::new(),
            out,
            owners: None,
            profiles: None,
            commitments: None,
            signals: None,
            catalog: None,
            sampling_factor: None,
            map: None,
            pseudonymise: false,
            s3_endpoint: None,
            threads: std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(8),
            format: Format::Text,
        }
    }
}

pub(crate) fn run(args: &AuditArgs, out: &mut dyn Write) -> Result<(), Error> {
    let result = audit::run(args)?;
    match args.format {
        Format::Text => print(out, &result.summary),
        Format::Json => print(out, &result.json),
    }
}
