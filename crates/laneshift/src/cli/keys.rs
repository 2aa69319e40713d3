//! `laneshift keys`: the gateway's keys.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use laneshift_gateway::keys;
use laneshift_units::Timestamp;
use serde_json::json;

use super::{Format, print};
use crate::clock;
use crate::error::Error;

#[derive(Args)]
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
    /// Whose it is
    #[arg(long)]
    owner: String,
    /// What for, where the key is for one purpose
    #[arg(long)]
    workload: Option<String>,
    /// A model that it may call, whole or with * at its end; all when left out
    #[arg(long = "model", value_name = "ID")]
    models: Vec<String>,
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
    let CreateArgs { owner, workload, models, folder, format } = args;
    let made = keys::create(&folder.data, owner, workload.clone(), models.clone(), clock::now()).map_err(failed(folder))?;
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
    let all = keys::list(&args.folder.data).map_err(failed(&args.folder))?;
    let at = |ms: i64| Timestamp(ms).to_string();
    let rows: Vec<serde_json::Value> = all
        .iter()
        .map(|key| {
            json!({
                "access_key_id": key.id,
                "owner": key.owner,
                "workload": key.workload,
                "models": key.models,
                "created": at(key.created_ms),
                "revoked": key.revoked_ms.map(at),
            })
        })
        .collect();
    match args.format {
        Format::Json => print(out, &format!("{}\n", serde_json::Value::Array(rows))),
        Format::Text => {
            const COLUMNS: [&str; 5] = ["access_key_id", "owner", "workload", "created", "revoked"];
            let mut table = comfy_table::Table::new();
            table.set_header(COLUMNS);
            for row in &rows {
                table.add_row(COLUMNS.map(|name| row[name].as_str().unwrap_or("")));
            }
            print(out, &format!("{table}\n"))
        }
    }
}

fn revoke(args: &RevokeArgs, out: &mut dyn Write) -> Result<(), Error> {
    for id in &args.ids {
        if !keys::revoke(&args.folder.data, id, clock::now()).map_err(failed(&args.folder))? {
            return Err(Error::NoKey(id.clone()));
        }
        print(out, &format!("{id} is revoked; a gateway that runs takes it back within a second or two\n"))?;
    }
    Ok(())
}
