//! `laneshift emulate`: Amazon Bedrock, S3, Service Quotas and STS on one port, from one folder.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use laneshift_emulator::{Emulator, OpenError, Options, Pace, server};
use laneshift_listen::tls;
use laneshift_provider::faults::Rule;
use laneshift_provider::settings::{Settings, Upstream};
use laneshift_units::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;

use super::signals::stop;
use super::{Format, print};
use crate::clock;
use crate::error::Error;

const EXAMPLES: &str = "Examples:
  laneshift emulate
  laneshift emulate --data /tmp/aws --stepped --start 2026-11-01T00:00:00Z
  laneshift emulate --speed 600 --faults faults.toml
  laneshift emulate --upstream http://127.0.0.1:8000/v1 --upstream-model smollm2

Then, in another shell, with the keys that are printed at the start:
  export AWS_ENDPOINT_URL=http://127.0.0.1:4577 AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
  aws bedrock list-foundation-models

The emulator's own endpoints:
  GET  /_laneshift/bill          what was used and what it costs; ?by=hour|day|principal
  GET  /_laneshift/bill.csv      the same as CUR 2.0 rows; ?granularity=hour|day
  POST /_laneshift/clock         {\"advance_s\": 3600} or {\"to\": \"2026-11-02T00:00:00Z\"}
  PUT  /_laneshift/faults        a list of rules; POST adds, GET shows, DELETE clears
  GET  /_laneshift/events        state changes of jobs, as EventBridge sends them
  POST /_laneshift/flush         deliver invocation logs at once

docs/emulator.md says what is emulated, what is not, and every setting.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EmulateArgs {
    /// Folder that holds buckets, jobs, journal and certificates; it survives kill -9
    #[arg(long, default_value = "laneshift-emulator", env = "LANESHIFT_EMULATOR_DATA")]
    pub(crate) data: PathBuf,
    /// Address and port; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:4577", env = "LANESHIFT_EMULATOR_LISTEN")]
    pub(crate) listen: SocketAddr,
    /// Settings: accounts, quotas, turnaround, switches (TOML)
    #[arg(long, env = "LANESHIFT_EMULATOR_SETTINGS")]
    pub(crate) settings: Option<PathBuf>,
    /// Fault rules to begin with (TOML, [[fault]] tables); without it, rules that were set before stay
    #[arg(long, env = "LANESHIFT_EMULATOR_FAULTS")]
    pub(crate) faults: Option<PathBuf>,
    /// So many times as fast as real time, from 0.001 to 1000000
    #[arg(long, default_value_t = 1.0, conflicts_with = "stepped")]
    pub(crate) speed: f64,
    /// Time stands still until POST /_laneshift/clock moves it
    #[arg(long)]
    pub(crate) stepped: bool,
    /// When a new folder's time begins; now when left out
    #[arg(long)]
    pub(crate) start: Option<String>,
    /// Begins every decision that chance has a part in
    #[arg(long, env = "LANESHIFT_EMULATOR_SEED")]
    pub(crate) seed: Option<u64>,
    /// Do not check signatures
    #[arg(long)]
    pub(crate) no_auth: bool,
    /// Let an OpenAI-compatible server answer instead of the toy model, such as http://127.0.0.1:8000/v1
    #[arg(long, env = "LANESHIFT_EMULATOR_UPSTREAM")]
    pub(crate) upstream: Option<String>,
    /// The model to name there; the called model's id when left out
    #[arg(long, requires = "upstream")]
    pub(crate) upstream_model: Option<String>,
    /// How to say where it listens: for people on standard error, or one JSON line on standard output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

pub(crate) fn run(args: &EmulateArgs, out: &mut dyn Write) -> Result<(), Error> {
    let options = options(args)?;
    let faults = args.faults.as_deref().map(read_faults).transpose()?;
    let account = options.settings.accounts[0].clone();
    let region = options.settings.region.clone();
    let emulator = Emulator::open(options).map_err(|error| match error {
        OpenError::Settings(_) => Error::Data(error.to_string()),
        OpenError::InUse(_) | OpenError::Journal { .. } | OpenError::Folder { .. } => Error::Emulator(error.to_string()),
    })?;
    if let Some(rules) = faults {
        emulator.set_faults(rules, false).map_err(Error::Emulator)?;
    }
    let failed = |what: &str, e: &dyn std::fmt::Display| Error::Emulator(format!("{what}: {e}"));
    let tls = tls::server_config(emulator.folder()).map_err(|e| failed("prepare its certificate", &e))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| failed("start its threads", &e))?;
    runtime.block_on(async {
        let listener = TcpListener::bind(args.listen).await;
        let listener = listener.map_err(|e| failed(&format!("listen on {}", args.listen), &e))?;
        let address = listener.local_addr().map_err(|e| failed("listen", &e))?;
        let ca = fs::canonicalize(tls::ca_path(emulator.folder())).unwrap_or_else(|_| tls::ca_path(emulator.folder()));
        // Before anybody is told that it runs: from then on a signal ends it in order.
        let stop = stop().map_err(|e| failed("listen for signals", &e))?;
        let keys = Keys { account: &account, region: &region, address, ca: &ca };
        match args.format {
            Format::Json => print(out, &format!("{}\n", keys.json()))?,
            Format::Text => eprint!("{}", keys.text(&args.data)),
        }
        server::serve(emulator, listener, tls, Box::pin(stop)).await;
        Ok(())
    })?;
    eprintln!("stopped; the same command continues from {}", args.data.display());
    Ok(())
}

fn options(args: &EmulateArgs) -> Result<Options, Error> {
    let argument = |what: &str, reason: String| Error::Argument { what: what.to_owned(), reason };
    let mut settings = match &args.settings {
        Some(path) => Settings::parse(&read(path)?).map_err(|e| Error::Data(format!("{}: {e}", path.display())))?,
        None => Settings::default(),
    };
    if let Some(seed) = args.seed {
        settings.seed = seed;
    }
    if let Some(url) = &args.upstream {
        settings.upstream = Some(Upstream { url: url.clone(), model: args.upstream_model.clone(), api_key: None });
    }
    if !Pace::SPEEDS.contains(&args.speed) {
        let (least, most) = (Pace::SPEEDS.start(), Pace::SPEEDS.end());
        return Err(argument("--speed", format!("a number from {least} to {most} is needed, not {}", args.speed)));
    }
    let start = args.start.as_deref().map(Timestamp::parse).transpose();
    let start = start.map_err(|e| argument("--start", e.to_string()))?;
    Ok(Options {
        folder: args.data.clone(),
        settings,
        pace: if args.stepped { Pace::Stepped } else { Pace::Speed(args.speed) },
        start,
        auth: !args.no_auth,
        wall: Arc::new(clock::now),
        tell: Arc::new(|text| eprintln!("{text}")),
    })
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|e| Error::Data(format!("{}: {e}", path.display())))
}

fn read_faults(path: &Path) -> Result<Vec<Rule>, Error> {
    Rule::parse_file(&read(path)?).map_err(|e| Error::Data(format!("{}: {e}", path.display())))
}

/// What a client needs to know.
struct Keys<'a> {
    account: &'a laneshift_provider::settings::Account,
    region: &'a str,
    address: SocketAddr,
    ca: &'a Path,
}

impl Keys<'_> {
    fn json(&self) -> serde_json::Value {
        json!({
            "url": format!("http://{}", self.address),
            "tls_url": format!("https://localhost:{}", self.address.port()),
            "account": self.account.id,
            "region": self.region,
            "access_key_id": self.account.access_key,
            "secret_access_key": self.account.secret_key,
            "bearer_key": self.account.bearer_key,
            "ca_bundle": self.ca,
        })
    }

    fn text(&self, data: &Path) -> String {
        let Self { account, region, address, ca } = self;
        let mut text = format!(
            "Amazon Bedrock, S3, Service Quotas and STS on http://{address}, from {}. Ctrl-C stops; nothing is lost.\n\n\
             export AWS_ENDPOINT_URL=http://{address} AWS_REGION={region} AWS_DEFAULT_REGION={region}\n\
             export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}\n\n",
            data.display(),
            account.access_key,
            account.secret_key
        );
        if let Some(key) = &account.bearer_key {
            text += &format!(
                "Or with an API key, over TLS on the same port:\n\
                 export AWS_ENDPOINT_URL=https://localhost:{} AWS_CA_BUNDLE={}\n\
                 export AWS_BEARER_TOKEN_BEDROCK={key}\n\n",
                address.port(),
                ca.display()
            );
        }
        text + &format!("The bill: curl http://{address}/_laneshift/bill\n")
    }
}
