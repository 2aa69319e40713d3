//! `laneshift route`: where the gateway would send a call, and why not elsewhere, without sending one.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use laneshift_bedrock::Operation;
use laneshift_catalog::prices::Catalog;
use laneshift_gateway::config::{Config, Upstream};
use laneshift_gateway::{OpenError, Question, explain};
use laneshift_units::ServiceTier;

use super::serve::unusable;
use super::{Format, print};
use crate::clock;
use crate::error::Error;

const EXAMPLES: &str = "Examples:
  laneshift route --model us.amazon.nova-pro-v1:0 --deadline 6h
  laneshift route --config gateway.toml --model us.anthropic.claude-haiku-4-5-20251001-v1:0 --workload tagging

What has just refused, and how much room quotas and committed capacity have left, is known to a running gateway only:
the header laneshift-explain: true asks it.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RouteArgs {
    /// Configuration of the gateway (TOML); one upstream and no policy when left out
    #[arg(long, env = "LANESHIFT_GATEWAY_CONFIG")]
    config: Option<PathBuf>,
    /// The model, as a client would name it
    #[arg(long)]
    model: String,
    /// Region that the call is signed for
    #[arg(long, env = "AWS_REGION")]
    region: Option<String>,
    /// How long it may wait, as the header laneshift-deadline says it
    #[arg(long)]
    deadline: Option<String>,
    /// What it is for, as its metadata or its key says
    #[arg(long)]
    workload: Option<String>,
    /// Tier that the client names: default, flex, priority or reserved
    #[arg(long)]
    tier: Option<String>,
    /// The answer is a stream
    #[arg(long)]
    stream: bool,
    /// Size of its body
    #[arg(long, default_value_t = 2_000, value_name = "BYTES")]
    body: usize,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &RouteArgs, out: &mut dyn Write) -> Result<(), Error> {
    let config = match (&args.config, &args.region) {
        (Some(path), _) => Config::read(path).map_err(|e| Error::Data(e.to_string()))?,
        (None, region) => Config::of(Upstream::of(region.as_deref().unwrap_or("us-east-1"), None)).map_err(Error::Data)?,
    };
    let wrong = |what: &str, reason: String| Error::Argument { what: what.to_owned(), reason };
    let tier = args.tier.as_deref().map(|name| {
        ServiceTier::parse(name).ok_or_else(|| wrong("--tier", format!("{name:?} is not default, flex, priority or reserved")))
    });
    let asked = Question {
        model: args.model.clone(),
        region: args.region.clone(),
        operation: if args.stream { Operation::ConverseStream } else { Operation::Converse },
        workload: args.workload.clone(),
        deadline: args.deadline.clone(),
        tier: tier.transpose()?,
        body_bytes: args.body,
    };
    let catalog = Catalog::shipped().map(Arc::new).map_err(|e| Error::Catalog(e.to_string()))?;
    let decision = explain(config, catalog, &asked, clock::now()).map_err(|error| match error {
        OpenError::Question(why) => wrong("the call", why),
        error => unusable(error),
    })?;
    let text = |name: &str| decision[name].as_str().unwrap_or_default().to_owned();
    print(
        out,
        &match args.format {
            Format::Json => format!("{decision}\n"),
            Format::Text => {
                let due = decision["due"].as_str().map_or_else(|| "at once".to_owned(), |due| format!("at {due}"));
                let mut said = format!("{}: due {due}, by {}\n", text("lane"), text("by"));
                for (lane, why) in decision["refused"].as_object().into_iter().flatten() {
                    said += &format!("not {lane}: {}\n", why.as_str().unwrap_or_default());
                }
                said
            }
        },
    )
}
