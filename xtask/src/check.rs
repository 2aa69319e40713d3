//! `cargo xtask check`: format, lints, layers, files, error codes. Every part runs; all findings are shown.

mod error_codes;
mod files;
mod layers;

use anyhow::{Result, bail};

use crate::cargo::{self, EVERYTHING, Workspace};

/// Runs all parts; an error when one of them found something.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let mut findings = Vec::new();
    if let Err(error) = cargo::run(&mut workspace.cargo(&["fmt", "--all", "--check"])) {
        findings.push(format!("{error:#}; `cargo fmt --all` repairs it"));
    }
    // The same packages, features and profile as the tests, so that build scripts and macros are built once.
    let mut clippy = workspace.cargo(&["clippy"]);
    clippy.args(EVERYTHING).args(["--all-targets", "--", "-D", "warnings"]);
    if let Err(error) = cargo::run(&mut clippy) {
        findings.push(format!("{error:#}"));
    }
    findings.extend(layers::findings(&workspace.metadata));
    findings.extend(files::findings(workspace.root())?);
    findings.extend(error_codes::findings(workspace.root())?);
    for finding in &findings {
        eprintln!("check: {finding}");
    }
    if !findings.is_empty() {
        bail!("check found {} problem{}", findings.len(), if findings.len() == 1 { "" } else { "s" });
    }
    eprintln!("check: format, lints, layers, files and error codes are in order");
    Ok(())
}
