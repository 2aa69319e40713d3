//! `cargo xtask test`: the check, all Rust tests, the documentation's examples, the Python suites.
//!
//! Promises: what the tests need is installed first; every part runs even if an earlier one fails, except when nothing
//! compiles; the last line has the totals; the exit code is 0 only if everything passed.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use clap::Args;

use crate::cargo::{self, EVERYTHING, Workspace};
use crate::check;
use crate::node;
use crate::totals::{self, Style, Totals};
use crate::venv;

#[derive(Args)]
pub(crate) struct TestArgs {
    /// Leave out format, lints, layers, files and error codes
    #[arg(long)]
    no_check: bool,
    /// Leave out the suites in tests/python
    #[arg(long)]
    no_python: bool,
}

/// Runs all parts and prints one line of totals.
pub(crate) fn run(args: &TestArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    let python = if args.no_python { None } else { Some(venv::ensure(&workspace)?) };
    let check = if args.no_check { Ok(()) } else { check::run() };

    let mut sum = rust(&workspace)?;
    let mut docs = workspace.cargo(&["test", "--workspace", "--all-features", "--doc", "--no-fail-fast"]);
    sum += totals::count(&mut docs, Style::Libtest)?;
    if let Some(python) = python {
        sum += self::python(&workspace, &python)?;
    }

    let outcome = if check.is_ok() { "" } else { "; the check failed" };
    println!("{} passed, {} failed{outcome}", sum.passed, sum.failed);
    check?;
    if sum.failed > 0 {
        bail!("{} of {} tests failed", sum.failed, sum.passed + sum.failed);
    }
    Ok(())
}

/// nextest where it is installed: it runs all tests of the workspace side by side.
fn rust(workspace: &Workspace) -> Result<Totals> {
    let nextest = workspace.cargo(&["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if nextest.is_ok_and(|status| status.success()) {
        let mut command = workspace.cargo(&["nextest", "run"]);
        command.args(EVERYTHING).args(["--no-fail-fast", "--status-level", "fail"]);
        totals::count(&mut command, Style::Nextest)
    } else {
        let mut command = workspace.cargo(&["test"]);
        command.args(EVERYTHING).args(["--all-targets", "--no-fail-fast"]);
        totals::count(&mut command, Style::Libtest)
    }
}

/// The suites meet the program as a user does: through the binary that the Rust tests have built.
fn python(workspace: &Workspace, python: &Path) -> Result<Totals> {
    let mut build = workspace.cargo(&["build"]);
    build.args(EVERYTHING).args(["--bin", "laneshift"]);
    cargo::run(&mut build)?;
    let mut command = Command::new(python);
    command
        .arg("tests/python/side_by_side.py")
        .current_dir(workspace.root())
        .env("LANESHIFT_BIN", workspace.target("debug/laneshift"))
        .env("LANESHIFT_NODE", node::ensure(workspace)?)
        .env("LANESHIFT_ROOT", workspace.root())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    totals::count(&mut command, Style::Unittest)
}
