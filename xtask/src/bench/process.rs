//! A server under load: one process on one core, and what it took.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::load;

/// Connections of a round.
pub(super) const CONNECTIONS: usize = 16;

/// A round of calls.
pub(super) struct Round {
    pub(super) cpu_us: f64,
    pub(super) per_s: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// The medians of rounds, one figure at a time.
pub(super) fn median(rounds: &[Round], of: fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A server on the first core.
pub(super) struct Server {
    child: Child,
}

impl Server {
    /// Starts it; gives the first line that it prints, where that is wanted.
    pub(super) fn start(command: &Command, wants_line: bool) -> Result<(Self, String)> {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", "0"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            pinned.env(name, value.unwrap_or_default());
        }
        let stdout = if wants_line { Stdio::piped() } else { Stdio::null() };
        let child = pinned.stdout(stdout).stderr(Stdio::null()).spawn();
        let mut child = child.context("failed to start a server; taskset of util-linux is needed to keep it on one core")?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        Ok((Self { child }, line))
    }

    /// Sends a request so often, after a few that do not count.
    pub(super) fn round(&self, address: SocketAddr, request: &[u8], calls: usize) -> Result<Round> {
        load::run(address, request, CONNECTIONS, CONNECTIONS * 8)?;
        let before_s = self.cpu_s()?;
        let load = load::run(address, request, CONNECTIONS, calls)?;
        let cpu_s = self.cpu_s()? - before_s;
        let n = load.latencies_us.len();
        let at = |share: f64| f64::from(load.latencies_us[((n as f64 * share) as usize).min(n - 1)]) / 1e3;
        Ok(Round { cpu_us: cpu_s * 1e6 / n as f64, per_s: n as f64 / load.wall_s, p50_ms: at(0.5), p99_ms: at(0.99) })
    }

    /// User and system seconds so far. The kernel counts in hundredths on every Linux that cargo runs on.
    fn cpu_s(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        match (fields.get(11), fields.get(12)) {
            (Some(user), Some(system)) => Ok((user.parse::<f64>()? + system.parse::<f64>()?) / 100.0),
            _ => bail!("/proc has no CPU time of the server"),
        }
    }

    /// The largest resident set so far.
    pub(super) fn rss_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is lost: the folder is thrown away at the next start.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
