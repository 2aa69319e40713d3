//! A Node.js package under cargo's target folder with what `tests/node/package.json` asks for, and the scripts beside it.
//!
//! Promises: it is installed once, and again when what is asked for changes. Nothing is installed elsewhere.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::{self, Workspace};

const SCRIPTS: &str = "tests/node";
/// Written last: a folder without it is not finished.
const STAMP: &str = "laneshift-package.json";

/// The folder in which the scripts run.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let (from, to) = (workspace.root().join(SCRIPTS), workspace.target("node"));
    fs::create_dir_all(&to).with_context(|| format!("failed to make {}", to.display()))?;
    for entry in fs::read_dir(&from).with_context(|| format!("failed to read {SCRIPTS}"))? {
        let path = entry?.path();
        fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
    }
    let wanted = fs::read_to_string(from.join("package.json"))?;
    let stamp = to.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|had| had == wanted) {
        return Ok(to);
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]).current_dir(&to);
    cargo::run(&mut npm).context("failed to install the Node.js clients; it needs Node.js with npm, and a package index")?;
    fs::write(&stamp, wanted).with_context(|| format!("failed to write {}", stamp.display()))?;
    Ok(to)
}
