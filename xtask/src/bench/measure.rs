//! What a child process took: CPU seconds, wall seconds, the largest resident set.
//!
//! The kernel counts a child's resident set from before its `exec`, so this process must stay smaller than what it measures.

use std::io::Read;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use wait4::Wait4;

use crate::cargo::shown;
use crate::clock::Stopwatch;

/// One run of a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// User and system, the child's own children included.
    pub(super) cpu_s: f64,
    pub(super) wall_s: f64,
    pub(super) rss_bytes: u64,
}

/// Runs a command to its end. Its output goes nowhere, or is read where `keep` asks for it.
pub(super) fn run(command: &mut Command, keep: bool) -> Result<(Run, String)> {
    let shown = shown(command);
    let stdout = if keep { Stdio::piped() } else { Stdio::null() };
    command.stdin(Stdio::null()).stdout(stdout);
    let clock = Stopwatch::start();
    let mut child = command.spawn().with_context(|| format!("failed to start {shown}"))?;
    let mut text = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut text).with_context(|| format!("failed to read what {shown} prints"))?;
    }
    let used = child.wait4().with_context(|| format!("failed to wait for {shown}"))?;
    let wall_s = clock.elapsed_s();
    if !used.status.success() {
        bail!("{shown}: {}", used.status);
    }
    let cpu_s = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    Ok((Run { cpu_s, wall_s, rss_bytes: used.rusage.maxrss }, text))
}
