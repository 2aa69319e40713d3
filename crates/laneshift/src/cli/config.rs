//! `laneshift config check`: whether the gateway would start with a configuration.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use laneshift_catalog::prices::Catalog;
use laneshift_gateway::check;
use laneshift_gateway::config::Config;
use laneshift_listen::tls;

use super::print;
use super::serve::unusable;
use crate::error::Error;

const EXAMPLES: &str = "Example:
  laneshift config check gateway.toml && pkill -HUP -f 'laneshift serve'";

#[derive(Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read a configuration and everything that it names, as the gateway would, and change nothing
    #[command(after_help = EXAMPLES)]
    Check(CheckArgs),
}

#[derive(Args)]
struct CheckArgs {
    /// Configuration (TOML)
    config: PathBuf,
}

pub(crate) fn run(args: &ConfigArgs, out: &mut dyn Write) -> Result<(), Error> {
    let Command::Check(CheckArgs { config: path }) = &args.command;
    let config = Config::read(path).map_err(|e| Error::Data(e.to_string()))?;
    if let Some(files) = &config.tls {
        tls::from_files(&files.certificate, &files.key).map_err(|e| Error::Data(format!("{}: tls: {e}", path.display())))?;
    }
    let told =
        format!("{}: in order, with {} upstreams, listening on {}\n", path.display(), config.upstreams.len(), config.listen);
    let catalog = Catalog::shipped().map(Arc::new).map_err(|e| Error::Catalog(e.to_string()))?;
    check(config, catalog, &|name| std::env::var(name).ok()).map_err(unusable)?;
    print(out, &told)
}
