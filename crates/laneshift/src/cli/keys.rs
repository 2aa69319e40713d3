//! `laneshift keys`: the gateway's keys.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use laneshift_gateway::keys::{self, Budget, Key, Period, Secrets};
use laneshift_units::{Money, Timestamp};
use serde_json::json;

use super::duration;
use super::{Format, is_there, print};
use crate::clock;
use crate::error::Error;

const EXAMPLES: &str = "Examples:
  laneshift keys create --owner team-a --workload chat
  laneshift keys create --owner nightly --model 'amazon.*' --budget 250 --per month --rpm 600
  laneshift keys rotate LSKEY… --grace 7d
  laneshift keys revoke LSKEY…";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a key: its secrets are shown once
    Create(CreateArgs),
    /// Show all keys, without secrets
    List(ListArgs),
    /// Make a key that takes the place of another, which still holds for a while
    Rotate(RotateArgs),
    /// Take keys back: calls with them are refused from then on
    Revoke(RevokeArgs),
}

#[derive(Args)]
struct Folder {
    /// Folder of the gateway
    #[arg(long, default_value = "laneshift-gateway", env = "LANESHIFT_GATEWAY_DATA")]
    data: PathBuf,
}

#[derive(Args)]
struct CreateArgs {
    /// Whose it is; * sees what all owners paid
    #[arg(long)]
    owner: String,
    /// What for, where the key is for one purpose
    #[arg(long)]
    workload: Option<String>,
    /// A model that it may call, whole or with * at its end; all when left out
    #[arg(long = "model", value_name = "ID")]
    models: Vec<String>,
    /// Calls a minute, at most
    #[arg(long = "rpm", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests_per_minute: Option<u64>,
    /// Tokens a minute, at most
    #[arg(long = "tpm", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    tokens_per_minute: Option<u64>,
    /// Dollars that may be spent, by list price
    #[arg(long, value_name = "USD")]
    budget: Option<String>,
    /// In which time they may be spent, in UTC
    #[arg(long, value_enum, default_value_t = Per::Month, requires = "budget")]
    per: Per,
    #[command(flatten)]
    folder: Folder,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Per {
    Day,
    Month,
    Ever,
}

#[derive(Args)]
struct RotateArgs {
    /// Access key id
    id: String,
    /// How long the old key still holds, such as 30m or 7d
    #[arg(long, default_value = "1d", value_name = "LENGTH")]
    grace: String,
    #[command(flatten)]
    folder: Folder,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
struct ListArgs {
    #[command(flatten)]
    folder: Folder,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
struct RevokeArgs {
    /// Access key ids
    #[arg(required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    folder: Folder,
}

pub(crate) fn run(args: &KeysArgs, out: &mut dyn Write) -> Result<(), Error> {
    match &args.command {
        Command::Create(args) => create(args, out),
        Command::Rotate(args) => rotate(args, out),
        Command::List(args) => list(args, out),
        Command::Revoke(args) => revoke(args, out),
    }
}

fn failed(folder: &Folder) -> impl Fn(std::io::Error) -> Error {
    |e| Error::Write { path: folder.data.clone(), reason: e.to_string() }
}

fn create(args: &CreateArgs, out: &mut dyn Write) -> Result<(), Error> {
    if args.owner.is_empty() {
        return Err(Error::Argument { what: "--owner".to_owned(), reason: "the name is empty".to_owned() });
    }
    let per = match args.per {
        Per::Day => Period::Day,
        Per::Month => Period::Month,
        Per::Ever => Period::Ever,
    };
    let budget = args.budget.as_ref().map(|usd| match Money::parse_usd(usd) {
        Ok(money) if money > Money::ZERO => Ok(Budget { usd: money.to_exact_string(), per }),
        _ => Err(Error::Argument { what: "--budget".to_owned(), reason: format!("{usd:?} is no amount above 0, such as 250") }),
    });
    for model in &args.models {
        if model.is_empty() || model.trim_end_matches('*').contains('*') {
            let reason = format!("{model:?}: write a model's id, or the beginning of it and a * at the end");
            return Err(Error::Argument { what: "--model".to_owned(), reason });
        }
    }
    let like = Key {
        workload: args.workload.clone(),
        models: args.models.clone(),
        requests_per_minute: args.requests_per_minute,
        tokens_per_minute: args.tokens_per_minute,
        budget: budget.transpose()?,
        ..Key::named("", &args.owner)
    };
    let made = keys::create(&args.folder.data, &like, clock::now()).map_err(failed(&args.folder))?;
    show(&made, args.format, out)
}

fn rotate(args: &RotateArgs, out: &mut dyn Write) -> Result<(), Error> {
    let now = clock::now();
    let until = Timestamp(now.0 + duration::parse("--grace", &args.grace)?);
    let made = keys::rotate(&args.folder.data, &args.id, until, now).map_err(failed(&args.folder))?;
    let made = made.ok_or_else(|| Error::NoKey(args.id.clone()))?;
    eprintln!("{} holds until {until}", args.id);
    show(&made, args.format, out)
}

fn show(made: &Secrets, format: Format, out: &mut dyn Write) -> Result<(), Error> {
    print(
        out,
        &match format {
            Format::Json => format!(
                "{}\n",
                json!({
                    "access_key_id": made.access_key_id,
                    "secret_access_key": made.secret_access_key,
                    "api_key": made.api_key,
                })
            ),
            Format::Text => format!(
                "export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}\n\nOr, over TLS:\nexport AWS_BEARER_TOKEN_BEDROCK={}\n",
                made.access_key_id, made.secret_access_key, made.api_key
            ),
        },
    )
}

fn list(args: &ListArgs, out: &mut dyn Write) -> Result<(), Error> {
    is_there(&args.folder.data)?;
    let all = keys::list(&args.folder.data).map_err(failed(&args.folder))?;
    let at = |ms: i64| Timestamp(ms).to_string();
    let mut rows: Vec<serde_json::Value> = all
        .iter()
        .map(|key| {
            json!({
                "access_key_id": key.id,
                "owner": key.owner,
                "workload": key.workload,
                "models": key.models,
                "rpm": key.requests_per_minute,
                "tpm": key.tokens_per_minute,
                "budget": key.budget.as_ref().map(|budget| json!({ "usd": budget.usd, "per": budget.per })),
                "created": at(key.created_ms),
                "revoked": key.revoked_ms.map(at),
            })
        })
        .collect();
    match args.format {
        Format::Json => print(out, &format!("{}\n", serde_json::Value::Array(rows))),
        Format::Text => {
            const COLUMNS: [&str; 6] = ["access_key_id", "owner", "workload", "limits", "created", "revoked"];
            let mut table = comfy_table::Table::new();
            table.set_header(COLUMNS);
            for (row, key) in rows.iter_mut().zip(&all) {
                row["limits"] = limits(key).into();
                table.add_row(COLUMNS.map(|name| row[name].as_str().unwrap_or("")));
            }
            print(out, &format!("{table}\n"))
        }
    }
}

/// A key's limits in words.
fn limits(key: &Key) -> String {
    let models = (!key.models.is_empty()).then(|| key.models.join(" "));
    let calls = key.requests_per_minute.map(|n| format!("{n} calls/min"));
    let tokens = key.tokens_per_minute.map(|n| format!("{n} tokens/min"));
    let budget = key.budget.as_ref().map(|Budget { usd, per }| match per {
        Period::Day => format!("${usd} a day"),
        Period::Month => format!("${usd} a month"),
        Period::Ever => format!("${usd} in all"),
    });
    [models, calls, tokens, budget].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn revoke(args: &RevokeArgs, out: &mut dyn Write) -> Result<(), Error> {
    is_there(&args.folder.data)?;
    for id in &args.ids {
        if !keys::revoke(&args.folder.data, id, clock::now()).map_err(failed(&args.folder))? {
            return Err(Error::NoKey(id.clone()));
        }
        print(out, &format!("{id} is revoked; a gateway that runs takes it back within a second or two\n"))?;
    }
    Ok(())
}
