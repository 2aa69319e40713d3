//! What the gateway adds to a call, beside nginx, and where they speak OpenAI's API beside onwards and LiteLLM's proxy, in front of
//! the same upstream.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use clap::Args;
use serde_json::{Value, json};

use super::process::{CONNECTIONS, Round, Server, median};
use super::{load, machine, mock};
use crate::cargo::{self, Workspace};

const MODEL: &str = "us.amazon.nova-lite-v1%3A0";
const QUESTION: &str = "In one sentence, what does a gateway do, and why would a team run one in front of several accounts? ";
/// Its stream comes frame by frame, with a pause before each.
const PACED: &str = "us.amazon.nova-pro-v1%3A0";
/// Events of a stream with text.
const DELTAS: usize = 17;
/// Paced streams on each connection in a round.
const PACED_STREAMS: usize = 5;
/// Calls a second, and for how many seconds, where it is asked what a server adds to a call.
const STEADY_PER_S: f64 = 1_000.0;
const STEADY_S: usize = 3;

#[derive(Args)]
pub(crate) struct GatewayArgs {
    /// Calls of each kind in a round
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    /// Rounds; the table has medians
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Servers beside nginx
    #[arg(long, value_delimiter = ',', default_values = ["laneshift", "onwards", "LiteLLM"])]
    servers: Vec<String>,
}

/// The name by which OpenAI's clients call the model.
const NAMED: &str = "gpt-4o-mini";
const KEY: &str = "sk-local-benchmark-key-not-a-secret-0123456789";
const ONWARDS: &str = "1.2.0";
const LITELLM: &str = "1.106.2";
/// How many calls the slowest makes for one of the others.
const SLOW: usize = 40;

/// A kind of call.
struct Kind {
    name: &'static str,
    path: String,
    body: Value,
    /// Whether those who only speak OpenAI's API take part.
    chat: bool,
    /// A call of a few hundred bytes with a whole answer.
    small: bool,
}

fn kinds() -> [Kind; 5] {
    let converse = |text: String| json!({ "messages": [{ "role": "user", "content": [{ "text": text }] }], "inferenceConfig": { "maxTokens": 64 } });
    let chat = |text: String| json!({ "model": NAMED, "messages": [{ "role": "user", "content": text }], "max_tokens": 64 });
    let large = || QUESTION.repeat(84_000 / QUESTION.len());
    let bedrock = |operation: &str| format!("/model/{MODEL}/{operation}");
    let completions = || "/v1/chat/completions".to_owned();
    [
        Kind {
            name: "Converse, 240 bytes",
            path: bedrock("converse"),
            body: converse(QUESTION.to_owned()),
            chat: false,
            small: true,
        },
        Kind { name: "Converse, 82 KiB", path: bedrock("converse"), body: converse(large()), chat: false, small: false },
        Kind {
            name: "ConverseStream, 20 frames",
            path: bedrock("converse-stream"),
            body: converse(QUESTION.to_owned()),
            chat: false,
            small: false,
        },
        Kind { name: "Chat, 240 bytes", path: completions(), body: chat(QUESTION.to_owned()), chat: true, small: true },
        Kind { name: "Chat, 82 KiB", path: completions(), body: chat(large()), chat: true, small: false },
    ]
}

/// A server with the addresses of its calls.
struct Contestant {
    name: &'static str,
    server: Server,
    address: SocketAddr,
    authorization: String,
    /// Speaks OpenAI's API only.
    chat_only: bool,
    /// Of how many calls it makes one.
    one_of: usize,
    /// Resident set before the first call.
    idle_bytes: u64,
    rounds: Vec<Vec<Round>>,
}

impl Contestant {
    /// A server that has just started, takes every kind of call, and makes them all.
    fn new(name: &'static str, server: Server, address: SocketAddr, authorization: String) -> Result<Self> {
        let (idle_bytes, rounds) = (server.rss_bytes()?, Vec::new());
        Ok(Self { name, server, address, authorization, chat_only: false, one_of: 1, idle_bytes, rounds })
    }
}

/// Measures and prints the table.
pub(crate) fn run(args: &GatewayArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    cargo::run(&mut workspace.cargo(&["build", "--release", "--bin", "laneshift"]))?;
    install_nginx()?;
    let about = machine::line();
    let folder = workspace.target("bench-gateway");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let upstream = mock::serve(answers()?)?;
    let kinds = kinds();
    let mut contestants = vec![nginx(&folder, upstream)?];
    for server in &args.servers {
        contestants.push(match &**server {
            "laneshift" => laneshift(&workspace.target("release/laneshift"), &folder, upstream)?,
            "onwards" => onwards(&workspace, &folder, upstream)?,
            "LiteLLM" => litellm(&workspace, &folder, upstream)?,
            other => bail!("there is no server {other:?}; write laneshift, onwards, LiteLLM"),
        });
    }
    let mut direct: Vec<Vec<f64>> = kinds.iter().map(|_| Vec::new()).collect();
    for contestant in &mut contestants {
        contestant.rounds = kinds.iter().map(|_| Vec::new()).collect();
    }
    for _ in 0..args.rounds {
        for (at, kind) in kinds.iter().enumerate() {
            let load = load::run(upstream, &request(upstream, "", kind), CONNECTIONS, args.calls)?;
            direct[at].push(f64::from(load.latencies_us[load.latencies_us.len() / 2]) / 1e3);
            for contestant in contestants.iter_mut().filter(|contestant| kind.chat || !contestant.chat_only) {
                let request = request(contestant.address, &contestant.authorization, kind);
                let calls = (args.calls / contestant.one_of).max(CONNECTIONS);
                let round = contestant.server.round(contestant.address, &request, calls)?;
                contestant.rounds[at].push(round);
            }
        }
    }
    println!("{about}; {} calls a round, {CONNECTIONS} connections, {} rounds.\n", args.calls, args.rounds);
    println!("| call | server | CPU us a call | of nginx | calls/s | p50 ms | p99 ms |\n|---|---|--:|--:|--:|--:|--:|");
    for (at, Kind { name, .. }) in kinds.iter().enumerate() {
        direct[at].sort_by(f64::total_cmp);
        println!("| {name} | none | - | - | - | {:.2} | - |", direct[at][direct[at].len() / 2]);
        let base = median(&contestants[0].rounds[at], |r| r.cpu_us);
        for contestant in contestants.iter().filter(|contestant| !contestant.rounds[at].is_empty()) {
            let median = |of| median(&contestant.rounds[at], of);
            let cpu_us = median(|r| r.cpu_us);
            println!(
                "| {name} | {} | {cpu_us:.0} | {:.2} | {:.0} | {:.2} | {:.2} |",
                contestant.name,
                cpu_us / base,
                median(|r| r.per_s),
                median(|r| r.p50_ms),
                median(|r| r.p99_ms)
            );
        }
    }
    println!("\n| frames with {} ms between them | p50 ms | p99 ms | max ms |\n|---|--:|--:|--:|", mock::PAUSE.as_millis());
    print_gaps("none", upstream, "", args.rounds)?;
    for contestant in contestants.iter().filter(|contestant| !contestant.chat_only) {
        print_gaps(contestant.name, contestant.address, &contestant.authorization, args.rounds)?;
    }
    print_added(&contestants, upstream, &kinds, args.rounds)?;
    println!("\n| server | resident set idle, MB | at most, MB |\n|---|--:|--:|");
    for contestant in &contestants {
        let most = contestant.server.rss_bytes()?;
        println!("| {} | {} | {} |", contestant.name, contestant.idle_bytes / 1_000_000, most / 1_000_000);
    }
    Ok(())
}

/// What a server adds to small calls that come steadily: its quantiles less those of the upstream alone, medians of rounds.
fn print_added(contestants: &[Contestant], upstream: SocketAddr, kinds: &[Kind], rounds: usize) -> Result<()> {
    println!("\n| added at {STEADY_PER_S} calls/s | server | p50 ms | p99 ms |\n|---|---|--:|--:|");
    let steady = |address: SocketAddr, authorization: &str, kind: &Kind| -> Result<[f64; 2]> {
        let calls = STEADY_PER_S as usize * STEADY_S;
        let load = load::paced(address, &request(address, authorization, kind), CONNECTIONS, calls, STEADY_PER_S)?;
        let n = load.latencies_us.len();
        Ok([0.5, 0.99].map(|share| f64::from(load.latencies_us[(n as f64 * share) as usize]) / 1e3))
    };
    let take_part = |contestant: &&Contestant| contestant.one_of == 1;
    for kind in kinds.iter().filter(|kind| kind.small) {
        let others = contestants.iter().filter(take_part).filter(|contestant| kind.chat || !contestant.chat_only);
        for contestant in others {
            let (mut p50, mut p99) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                let [none, through] = [steady(upstream, "", kind)?, steady(contestant.address, &contestant.authorization, kind)?];
                p50.push(through[0] - none[0]);
                p99.push(through[1] - none[1]);
            }
            let median = |values: &mut Vec<f64>| {
                values.sort_by(f64::total_cmp);
                values[values.len() / 2]
            };
            println!("| {} | {} | {:.2} | {:.2} |", kind.name, contestant.name, median(&mut p50), median(&mut p99));
        }
    }
    Ok(())
}

/// How evenly the frames of a stream come through: one that waits for a full packet would be late by 40 ms.
fn print_gaps(name: &str, address: SocketAddr, authorization: &str, rounds: usize) -> Result<()> {
    let [_, _, stream, ..] = kinds();
    let paced = Kind { path: format!("/model/{PACED}/converse-stream"), ..stream };
    let request = request(address, authorization, &paced);
    let gaps_us = load::gaps(address, &request, CONNECTIONS, PACED_STREAMS * rounds)?;
    let at = |share: f64| f64::from(gaps_us[((gaps_us.len() as f64 * share) as usize).min(gaps_us.len() - 1)]) / 1e3;
    println!("| {name} | {:.1} | {:.1} | {:.1} |", at(0.5), at(0.99), at(1.0));
    Ok(())
}

fn request(address: SocketAddr, authorization: &str, Kind { path, body, .. }: &Kind) -> Vec<u8> {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         authorization: {authorization}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// What the upstream answers: an answer of half a kilobyte, and a stream of twenty frames, at once or one by one.
fn answers() -> Result<mock::Answers> {
    let usage = json!({ "inputTokens": 40, "outputTokens": 90, "totalTokens": 130 });
    let text =
        "A gateway takes the calls that programs make today and sends each of them where it is cheapest in time. ".repeat(4);
    let body = json!({
        "output": { "message": { "role": "assistant", "content": [{ "text": text }] } },
        "stopReason": "end_turn", "usage": usage, "metrics": { "latencyMs": 1 },
    })
    .to_string();
    let whole = |kind: &str, body: &[u8]| {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nx-amzn-requestid: r\r\ncontent-length: {}\r\n\r\n", body.len());
        vec![[head.as_bytes(), body].concat()]
    };
    let mut frames: Vec<Vec<u8>> = Vec::new();
    let mut event = |name: &str, payload: Value| {
        let header = |name: &str, value: &str| Header::new(name.to_owned(), HeaderValue::String(value.to_owned().into()));
        let message = Message::new(payload.to_string())
            .add_header(header(":event-type", name))
            .add_header(header(":content-type", "application/json"))
            .add_header(header(":message-type", "event"));
        let mut frame = Vec::new();
        write_message_to(&message, &mut frame).context("failed to write a frame")?;
        frames.push(frame);
        anyhow::Ok(())
    };
    event("messageStart", json!({ "role": "assistant" }))?;
    for _ in 0..DELTAS {
        event("contentBlockDelta", json!({ "delta": { "text": "some words of it " }, "contentBlockIndex": 0 }))?;
    }
    event("messageStop", json!({ "stopReason": "end_turn" }))?;
    event("metadata", json!({ "usage": usage, "metrics": { "latencyMs": 1 } }))?;
    let completion = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_800_000_000, "model": NAMED,
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 40, "completion_tokens": 90, "total_tokens": 130 },
    })
    .to_string();
    let stream = "application/vnd.amazon.eventstream";
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {stream}\r\ntransfer-encoding: chunked\r\n\r\n").into_bytes();
    let mut paced = vec![head];
    paced.extend(frames.iter().map(|frame| [format!("{:x}\r\n", frame.len()).as_bytes(), frame, b"\r\n"].concat()));
    paced.push(b"0\r\n\r\n".to_vec());
    Ok(vec![
        ("/chat/completions", whole("application/json", completion.as_bytes())),
        ("/converse", whole("application/json", body.as_bytes())),
        ("nova-pro-v1%3A0/converse-stream", paced),
        ("/converse-stream", whole(stream, &frames.concat())),
    ])
}

fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Debian's package, where there is no nginx yet.
fn install_nginx() -> Result<()> {
    let there = || Command::new("nginx").arg("-v").output().is_ok();
    if !there() {
        cargo::run(Command::new("apt-get").args(["install", "--yes", "--quiet", "nginx-light"]))?;
    }
    if there() { Ok(()) } else { bail!("nginx is needed to compare with") }
}

/// One worker that forwards over kept connections, and does nothing else.
fn nginx(folder: &Path, upstream: SocketAddr) -> Result<Contestant> {
    let address = free_port()?;
    let place = folder.display();
    let text = format!(
        "daemon off; master_process off; pid {place}/nginx.pid; error_log {place}/nginx.err warn;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n  access_log off; client_body_buffer_size 1m; client_max_body_size 64m; keepalive_requests 10000000;\n  \
         client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;\n  \
         upstream mock {{ server {upstream}; keepalive 256; keepalive_requests 10000000; }}\n  \
         server {{ listen {address}; location / {{ proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off; }} }}\n}}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, text)?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(file);
    let (server, _) = Server::start(&command, false)?;
    wait_for(address)?;
    Contestant::new("nginx", server, address, String::new())
}

/// With everything on that it has: an API key, prices, journal and ledger, and the call signed again.
fn laneshift(binary: &Path, folder: &Path, upstream: SocketAddr) -> Result<Contestant> {
    let data = folder.join("gateway");
    let made =
        Command::new(binary).args(["keys", "create", "--owner", "bench", "--format", "json", "--data"]).arg(&data).output()?;
    let key: Value = serde_json::from_slice(&made.stdout).context("failed to make a key")?;
    let config = folder.join("gateway.toml");
    let named = MODEL.replace("%3A", ":");
    let text = format!(
        "[[upstream]]\nregion = \"us-east-1\"\nendpoint_url = \"http://{upstream}\"\n[models]\n\"{NAMED}\" = \"{named}\"\n"
    );
    fs::write(&config, text)?;
    let mut command = Command::new(binary);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--format", "json", "--config"])
        .arg(&config)
        .arg("--data")
        .arg(&data)
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let (server, line) = Server::start(&command, true)?;
    let info: Value = serde_json::from_str(&line).context("failed to read where the gateway listens")?;
    let address = info["url"].as_str().unwrap_or_default().trim_start_matches("http://").parse()?;
    let authorization = format!("Bearer {}", key["api_key"].as_str().unwrap_or_default());
    Contestant::new("laneshift", server, address, authorization)
}

/// Doubleword's gateway, which forwards OpenAI's API; without a key of its own to check.
fn onwards(workspace: &Workspace, folder: &Path, upstream: SocketAddr) -> Result<Contestant> {
    let root = workspace.target("onwards");
    let binary = root.join("bin/onwards");
    if !binary.exists() {
        let mut install = Command::new("cargo");
        install.args(["install", "onwards", "--locked", "--version", ONWARDS, "--root"]).arg(&root);
        cargo::run(&mut install)?;
    }
    let address = free_port()?;
    let file = folder.join("onwards.json");
    let target = json!({ "url": format!("http://{upstream}"), "onwards_key": "sk-x", "onwards_model": NAMED });
    let text = json!({ "targets": { (NAMED): target }, "http_pool": { "max_idle_per_host": 256, "idle_timeout_secs": 90 } });
    fs::write(&file, text.to_string())?;
    let mut command = Command::new(binary);
    let (port, metrics) = (address.port().to_string(), free_port()?.port().to_string());
    command.arg("--targets").arg(file).args(["--port", &port, "--metrics-port", &metrics]).env("RUST_LOG", "error");
    let (server, _) = Server::start(&command, false)?;
    wait_for(address)?;
    Ok(Contestant { chat_only: true, ..Contestant::new("onwards", server, address, String::new())? })
}

/// LiteLLM's proxy with a master key, one worker.
fn litellm(workspace: &Workspace, folder: &Path, upstream: SocketAddr) -> Result<Contestant> {
    let venv = workspace.target("venv-litellm");
    let binary = venv.join("bin/litellm");
    if !binary.exists() {
        cargo::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        let mut pip = Command::new(venv.join("bin/python"));
        cargo::run(pip.args(["-m", "pip", "install", "--quiet", &format!("litellm[proxy]=={LITELLM}")]))?;
    }
    let address = free_port()?;
    let file = folder.join("litellm.yaml");
    let text = format!(
        "model_list:\n  - model_name: {NAMED}\n    litellm_params: {{model: openai/{NAMED}, api_base: \"http://{upstream}/v1\", api_key: sk-x}}\n\
         litellm_settings: {{telemetry: false, set_verbose: false, drop_params: true}}\ngeneral_settings: {{master_key: {KEY}}}\n"
    );
    fs::write(&file, text)?;
    let mut command = Command::new(binary);
    command.arg("--config").arg(file).args(["--host", "127.0.0.1", "--num_workers", "1", "--port", &address.port().to_string()]);
    command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("LITELLM_LOG", "ERROR");
    let (server, _) = Server::start(&command, false)?;
    wait_for(address)?;
    let server = Contestant::new("LiteLLM", server, address, format!("Bearer {KEY}"))?;
    Ok(Contestant { chat_only: true, one_of: SLOW, ..server })
}

/// Asks until somebody listens, for a minute at most.
#[expect(clippy::disallowed_methods, reason = "another program's socket has no event to wait for")]
fn wait_for(address: SocketAddr) -> Result<()> {
    for _ in 0..1_200 {
        if std::net::TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    bail!("nobody listens on {address}")
}
