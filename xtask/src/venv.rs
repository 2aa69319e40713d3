//! A Python environment under cargo's target folder with what `tests/python/requirements.txt` asks for.
//!
//! Promises: it is made once; it is made again when the requirements change. Nothing is installed elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::{self, Workspace};

const REQUIREMENTS: &str = "tests/python/requirements.txt";
/// Written last: an environment without it is not finished.
const STAMP: &str = "laneshift-requirements.txt";

/// The interpreter of the environment, which is made if it is missing or stale.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let venv = workspace.target("venv");
    let python = venv.join("bin/python");
    let requirements = workspace.root().join(REQUIREMENTS);
    let wanted = fs::read_to_string(&requirements).with_context(|| format!("failed to read {REQUIREMENTS}"))?;
    let stamp = venv.join(STAMP);
    if python.exists() && fs::read_to_string(&stamp).is_ok_and(|had| had == wanted) {
        return Ok(python);
    }
    install(&venv, &python, &requirements)
        .context("failed to prepare the Python environment; it needs python3 with its venv module, and a package index")?;
    fs::write(&stamp, wanted).with_context(|| format!("failed to write {}", stamp.display()))?;
    Ok(python)
}

fn install(venv: &Path, python: &Path, requirements: &Path) -> Result<()> {
    cargo::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(requirements);
    cargo::run(&mut pip)
}
