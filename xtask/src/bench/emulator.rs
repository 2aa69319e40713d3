//! How many calls the emulator serves on one core, by kind of call, beside the same server answering next to nothing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use http::Request;
use laneshift_aws::sigv4::{authorization, sha256_hex};
use serde_json::{Value, json};

use super::{load, machine};
use crate::cargo::{self, Workspace};
use crate::clock;

const CONNECTIONS: usize = 16;
const MODEL: &str = "us.anthropic.claude-haiku-4-5-20251001-v1%3A0";
const EMBEDDER: &str = "amazon.titan-embed-text-v2%3A0";
const QUESTION: &str = "Which of these two invoices was paid twice, and when was it noticed by the people in accounting?";

#[derive(Args)]
pub(crate) struct EmulatorArgs {
    /// Calls of each kind in a round
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    /// Rounds; the table has medians
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// A kind of call.
struct Kind {
    name: &'static str,
    method: &'static str,
    path: String,
    body: Value,
    signed: bool,
}

fn kinds() -> Vec<Kind> {
    let converse = |text: String| json!({ "messages": [{ "role": "user", "content": [{ "text": text }] }], "inferenceConfig": { "maxTokens": 64 } });
    let call = |name, path: String, body, signed| Kind { name, method: "POST", path, body, signed };
    let path = |operation: &str| format!("/model/{MODEL}/{operation}");
    vec![
        Kind { name: "nothing (health)", method: "GET", path: "/_laneshift/health".to_owned(), body: Value::Null, signed: false },
        call("Converse, with an API key", path("converse"), converse(QUESTION.to_owned()), false),
        call("Converse, signed", path("converse"), converse(QUESTION.to_owned()), true),
        call("Converse, signed, 64 KB", path("converse"), converse(QUESTION.repeat(64_000 / QUESTION.len())), true),
        call("ConverseStream, signed", path("converse-stream"), converse(QUESTION.to_owned()), true),
        call(
            "InvokeModel Claude, signed",
            path("invoke"),
            json!({ "anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "messages": [{ "role": "user", "content": QUESTION }] }),
            true,
        ),
        call("InvokeModel Titan embedding, signed", format!("/model/{EMBEDDER}/invoke"), json!({ "inputText": QUESTION }), true),
    ]
}

/// Measures and prints the table.
pub(crate) fn run(args: &EmulatorArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    cargo::run(&mut workspace.cargo(&["build", "--release", "--bin", "laneshift"]))?;
    let about = machine::line();
    let folder = workspace.target("bench-emulator");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    let server = Server::start(&workspace.target("release/laneshift"), &folder)?;
    let kinds = kinds();
    let mut rounds: Vec<Vec<Round>> = kinds.iter().map(|_| Vec::new()).collect();
    for _ in 0..args.rounds {
        for (kind, seen) in kinds.iter().zip(&mut rounds) {
            seen.push(server.round(kind, args.calls)?);
        }
    }
    println!("{about}; {} calls a round, {CONNECTIONS} connections, {} rounds.\n", args.calls, args.rounds);
    println!("| call | CPU us a call | calls a CPU-second | calls/s | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|--:|");
    for (kind, seen) in kinds.iter().zip(&rounds) {
        let median = |of: fn(&Round) -> f64| {
            let mut values: Vec<f64> = seen.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let cpu_us = median(|r| r.cpu_us);
        println!(
            "| {} | {cpu_us:.0} | {:.0} | {:.0} | {:.2} | {:.2} |",
            kind.name,
            1e6 / cpu_us,
            median(|r| r.per_s),
            median(|r| r.p50_ms),
            median(|r| r.p99_ms)
        );
    }
    println!("\nResident set at the end: {} MB.", server.rss_bytes()? / 1_000_000);
    Ok(())
}

struct Round {
    cpu_us: f64,
    per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// The emulator on one core.
struct Server {
    child: Child,
    address: SocketAddr,
    info: Value,
}

impl Server {
    fn start(binary: &Path, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let settings = folder.join("settings.toml");
        fs::write(&settings, "[on_demand]\ntokens_per_minute = 1e15\nrequests_per_minute = 1e9\n")?;
        let mut child = Command::new("taskset")
            .args(["-c", "0"])
            .arg(binary)
            .args(["emulate", "--listen", "127.0.0.1:0", "--format", "json", "--data"])
            .arg(folder)
            .arg("--settings")
            .arg(settings)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("failed to start the emulator; taskset of util-linux is needed to keep it on one core")?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("failed to read what the emulator prints")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let info: Value = serde_json::from_str(&line).context("failed to read where the emulator listens")?;
        let address = info["url"].as_str().unwrap_or_default().trim_start_matches("http://").parse()?;
        Ok(Self { child, address, info })
    }

    fn text(&self, name: &str) -> &str {
        self.info[name].as_str().unwrap_or_default()
    }

    fn request(&self, kind: &Kind) -> Result<Vec<u8>> {
        let body = if kind.body.is_null() { String::new() } else { kind.body.to_string() };
        let host = self.address.to_string();
        let mut request = Request::builder().method(kind.method).uri(&kind.path).header("host", &host);
        request = request.header("content-type", "application/json");
        if kind.signed {
            request = request.header("x-amz-date", clock::amz_now());
        }
        let mut parts = request.body(())?.into_parts().0;
        let authorization = if kind.signed {
            let keys = (self.text("access_key_id"), self.text("secret_access_key"));
            authorization(&parts, &sha256_hex(body.as_bytes()), keys.0, keys.1, self.text("region"), "bedrock")?
        } else {
            format!("Bearer {}", self.text("bearer_key"))
        };
        parts.headers.insert("authorization", authorization.parse()?);
        parts.headers.insert("content-length", body.len().into());
        let mut text = format!("{} {} HTTP/1.1\r\n", parts.method, parts.uri);
        for (name, value) in &parts.headers {
            text += &format!("{name}: {}\r\n", value.to_str()?);
        }
        Ok(format!("{text}\r\n{body}").into_bytes())
    }

    fn round(&self, kind: &Kind, calls: usize) -> Result<Round> {
        let request = self.request(kind)?;
        load::run(self.address, &request, CONNECTIONS, CONNECTIONS * 8)?;
        let before_s = self.cpu_s()?;
        let load = load::run(self.address, &request, CONNECTIONS, calls)?;
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
            _ => bail!("/proc has no CPU time of the emulator"),
        }
    }

    fn rss_bytes(&self) -> Result<u64> {
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
