//! Single requests through the engine's front door, a hundred callers at a time: how many share a commit, and what one costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use laneshift_aws::{Client, Credentials, Endpoints, nowhere};
use laneshift_batch::{Engine, Place, Settings, Single, Terms, Tools};
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::Catalog;
use laneshift_store::sqlite::Sqlite;
use laneshift_store::{Intake, Work};
use laneshift_units::Timestamp;

const CALLERS: usize = 100;
const REQUESTS: usize = 50_000;
const NOW: Timestamp = Timestamp::from_civil(2026, 11, 2, 0, 0, 0);

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]
fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    runtime.block_on(async {
        let store = Arc::new(Sqlite::open(folder.path()).await.expect("a queue"));
        let engine = Arc::new(engine(folder.path(), store.clone()));
        let (begun, cpu) = (Instant::now(), cpu_s());
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            let engine = engine.clone();
            callers.spawn(async move {
                let mut waits = Vec::new();
                for n in 0..REQUESTS / CALLERS {
                    let begun = Instant::now();
                    engine.accept_one(request(caller, n)).await.expect("accepted");
                    waits.push(begun.elapsed());
                }
                waits
            });
        }
        let mut waits: Vec<Duration> = callers.join_all().await.concat();
        let (took, cpu) = (begun.elapsed().as_secs_f64(), cpu_s() - cpu);
        waits.sort_unstable();
        let mut tails = 0;
        for chunk in store.live().await.expect("read") {
            tails += store.tails(chunk.new.id).await.expect("read").len();
        }
        let at = |share: f64| waits[(waits.len() as f64 * share) as usize].as_secs_f64() * 1e3;
        let each = cpu * 1e6 / REQUESTS as f64;
        println!("\n| {CALLERS} callers, one request each at a time | accepted/s | CPU us a request | p50 ms | p99 ms | requests a row |");
        println!("|---|--:|--:|--:|--:|--:|");
        let rows = REQUESTS as f64 / tails as f64;
        println!("| laneshift, SQLite, every commit synced | {:.0} | {each:.1} | {:.2} | {:.2} | {rows:.0} |", REQUESTS as f64 / took, at(0.5), at(0.99));
    });
}

fn request(caller: usize, n: usize) -> Single {
    let text = "Which of these two invoices was paid twice, and when was it noticed? ".repeat(6);
    let line = format!(
        "{{\"modelInput\":{{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":200,\"messages\":[{{\"role\":\"user\",\"content\":\"{caller} {n} {text}\"}}]}}}}"
    );
    let place =
        Place { region: "us-east-1".into(), role: "r".into(), bucket: "b".into(), prefix: "p".into(), terms: Terms::default() };
    let deadline = Timestamp(NOW.0 + 86_400_000);
    let model = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
    Single::read(line.as_bytes(), Some(model), &place, "me", None, deadline).expect("a good request")
}

fn engine(folder: &std::path::Path, store: Arc<Sqlite>) -> Engine {
    let none = Credentials { access_key: String::new(), secret_key: String::new(), session_token: None };
    let client = Client::new(nowhere(), none, "us-east-1", Endpoints { custom: None }, Arc::new(|| NOW));
    let tools = Tools {
        catalog: Arc::new(Catalog::shipped().expect("shipped")),
        capabilities: Arc::new(Capabilities::shipped().expect("shipped")),
        wall: Arc::new(|| NOW),
        timer: Arc::new(|_| Box::pin(std::future::pending())),
        poll: Duration::from_secs(1),
        free_bytes: Arc::new(|_| None),
        chance: laneshift_batch::machine_chance(),
        boot: String::new(),
        step: Arc::new(|_| {}),
        progress: Arc::new(|_| {}),
    };
    let buckets: laneshift_batch::Buckets = Arc::new(|_| Err("no bucket".to_owned()));
    Engine::new(folder, store, client, buckets, tools, Settings::default()).expect("a folder")
}

/// CPU seconds of this process so far. The kernel counts in hundredths on every Linux that cargo runs on.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(')').next().expect("a name");
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).map(|n| n.parse::<f64>().expect("a number")).sum();
    ticks / 100.0
}
