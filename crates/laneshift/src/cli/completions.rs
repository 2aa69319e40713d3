//! `laneshift completions`: a completion script for a shell.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, print};
use crate::error::Error;

#[derive(Args)]
#[command(after_help = "Example:\n  laneshift completions bash > ~/.local/share/bash-completion/completions/laneshift")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, out: &mut dyn Write) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "laneshift", &mut script);
    print(out, &String::from_utf8_lossy(&script))
}
