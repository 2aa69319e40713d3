//! How many calls the emulator serves on one core, by kind of call, beside the same server answering next to nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use http::Request;
use laneshift_aws::sigv4::{authorization, sha256_hex};
use serde_json::{Value, json};

use super::machine;
use super::process::{self, CONNECTIONS, Round};
use crate::cargo::{self, Workspace};
use crate::clock;

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
            seen.push(server.process.round(server.address, &server.request(kind)?, args.calls)?);
        }
    }
    println!("{about}; {} calls a round, {CONNECTIONS} connections, {} rounds.\n", args.calls, args.rounds);
    println!("| call | CPU us a call | calls a CPU-second | calls/s | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|--:|");
    for (kind, seen) in kinds.iter().zip(&rounds) {
        let median = |of| process::median(seen, of);
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
    println!("\nResident set at the end: {} MB.", server.process.rss_bytes()? / 1_000_000);
    Ok(())
}

/// The emulator on one core.
struct Server {
    process: process::Server,
    address: SocketAddr,
    info: Value,
}

impl Server {
    fn start(binary: &Path, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let settings = folder.join("settings.toml");
        fs::write(&settings, "[on_demand]\ntokens_per_minute = 1e15\nrequests_per_minute = 1e9\n")?;
        let mut command = Command::new(binary);
        command
            .args(["emulate", "--listen", "127.0.0.1:0", "--format", "json", "--data"])
            .arg(folder)
            .arg("--settings")
            .arg(settings);
        let (process, line) = process::Server::start(&command, true)?;
        let info: Value = serde_json::from_str(&line).context("failed to read where the emulator listens")?;
        let address = info["url"].as_str().unwrap_or_default().trim_start_matches("http://").parse()?;
        Ok(Self { process, address, info })
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
}
