//! A tiny company, and what its Bedrock is like.

use laneshift_example::{
    Arrival, CachedShare, CalledAs, Company, Counts, Days, LatencyShape, Operation, Part, Session, Spread, TokenShape, Truth,
    Turns, Workload,
};
use laneshift_provider::chance;
use laneshift_provider::faults::Rule;
use laneshift_provider::settings::Settings;
use laneshift_units::{AccountId, ProfiledModel, Region, ServiceTier, Timestamp};
use serde_json::{Value, json};

const SONNET: &str = "global.anthropic.claude-sonnet-4-6";
const HAIKU: &str = "global.anthropic.claude-haiku-4-5-20251001-v1:0";
/// Has a flex tier.
const NOVA_PRO: &str = "us.amazon.nova-pro-v1:0";
const TITAN: &str = "amazon.titan-embed-text-v2:0";

/// The policy that somebody has written for it.
pub(crate) const POLICY: &str = r#"version = 1
made_from = { from = "2026-10-01T00:00:00Z", to = "2026-11-01T00:00:00Z", catalogue = "2026-11" }

[[rule]]
workload = "workload=nightly"
slice = "all"
lanes = ["batch", "standard"]
deadline = "24h"
profiles = ["global"]
output_p50 = 120
output_p95 = 300
score = 1000
confirmed = true
note = ""
match = { metadata = "nightly", models = ["anthropic.claude-sonnet-4-6"] }

[[rule]]
workload = "role/tagger"
slice = "all"
lanes = ["batch", "standard"]
deadline = "24h"
profiles = ["global"]
output_p50 = 20
output_p95 = 50
score = 1000
confirmed = true
note = ""
match = { role = "tagger", models = ["anthropic.claude-haiku-4-5-20251001-v1:0"] }

[[rule]]
workload = "workload=vectors"
slice = "all"
lanes = ["batch", "standard"]
deadline = "24h"
profiles = ["in-region"]
output_p50 = 0
output_p95 = 0
score = 1000
confirmed = true
note = ""
match = { metadata = "vectors", models = ["amazon.titan-embed-text-v2:0"] }
"#;

fn workload(name: &str, model: &str, metadata: &[(&str, &str)], part: Part) -> Workload {
    Workload {
        name: name.to_owned(),
        account: AccountId::new("111122223333"),
        region: Region::new("us-east-1"),
        role: name.to_owned(),
        metadata: metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        model: ProfiledModel::parse_id(model),
        called_as: CalledAs::Id,
        bodies_logged: false,
        truth: Truth::Batch,
        tolerance: String::new(),
        note: String::new(),
        parts: vec![part],
    }
}

fn part(arrival: Arrival, records: u32, operation: Operation, (input, output): (f64, Option<f64>)) -> Part {
    let spread = |median| Spread { median, sigma: 0.5 };
    Part {
        arrival,
        records,
        operation,
        session: Session::Fixed("session".to_owned()),
        turns: Turns::Single,
        tokens: TokenShape { input: spread(input), output: output.map(spread), cache: CachedShare::None },
        latency: LatencyShape { first_ms: 400.0, per_token_ms: 10.0 },
        tier: ServiceTier::Default,
        tolerant: operation != Operation::ConverseStream,
    }
}

/// A day of about a hundred requests, of which the last are due a day later: some can wait a day, some an hour, some not at all.
pub(crate) fn tiny(seed: u64) -> Company {
    use Operation::{Converse, ConverseStream, InvokeModel};
    let about = |name: &str, records: f64| (records * (0.5 + chance::share(seed, name))) as u32;
    let daily = |hour| Arrival::Daily { days: Days::All, hour, minute: 0, minutes: 60 };
    let bursts = Arrival::Every { hours: 4, minutes: 1 };
    let workloads = vec![
        workload(
            "chat",
            NOVA_PRO,
            &[("workload", "chat")],
            part(Arrival::Steady, about("chat", 8.0), ConverseStream, (300.0, Some(60.0))),
        ),
        workload(
            "nightly",
            SONNET,
            &[("workload", "nightly")],
            part(daily(1), about("nightly", 30.0), Converse, (300.0, Some(120.0))),
        ),
        workload("tagger", HAIKU, &[], part(Arrival::Steady, about("tagger", 20.0), InvokeModel, (200.0, Some(20.0)))),
        workload(
            "vectors",
            TITAN,
            &[("workload", "vectors"), ("deadline", "9h")],
            part(daily(20), about("vectors", 14.0), InvokeModel, (150.0, None)),
        ),
        workload(
            "patient",
            NOVA_PRO,
            &[("workload", "patient"), ("deadline", "1h")],
            part(bursts, about("patient", 24.0), Converse, (200.0, Some(60.0))),
        ),
        workload(
            "hasty",
            NOVA_PRO,
            &[("workload", "hasty"), ("deadline", "2m")],
            part(Arrival::Steady, about("hasty", 4.0), Converse, (200.0, Some(60.0))),
        ),
    ];
    Company {
        name: "Tiny".to_owned(),
        seed,
        start: Timestamp::from_civil(2026, 11, 2, 0, 0, 0),
        days: 1,
        sampling_factor: 1,
        counts: Counts::Exact,
        hours_behind_utc: 0,
        workloads,
    }
}

/// Small quotas, so that all of them matter.
pub(crate) fn settings(seed: u64) -> Settings {
    let mut settings = Settings { seed, ..Settings::default() };
    let among = |name: &str, from: u64, to: u64| (from + chance::draw(seed, name) % (to - from + 1)) as f64;
    for name in ["Claude Sonnet 4.6", "Claude Haiku 4.5", "Titan Text Embeddings V2"] {
        let mut set = |begin: &str, value: f64| settings.quotas.insert(format!("{begin} for {name}"), value);
        set("Minimum number of records per batch inference job", among("least", 2, 6));
        set("Records per batch inference job", among("most", 8, 20));
        set("Records per input file per batch inference job", among("file", 4, 20));
        set("Sum of in-progress and submitted batch inference jobs using a base model", among("slots", 1, 4));
    }
    let calls = "Cross-region model inference requests per minute for Amazon Nova Pro";
    settings.quotas.insert(calls.to_owned(), among("calls", 2, 4));
    settings
}

/// What may go wrong with Bedrock.
fn faults() -> Vec<Value> {
    vec![
        json!({ "fault": "cut_short", "share": 0.4 }),
        json!({ "fault": "never_begins" }),
        json!({ "fault": "lost_response" }),
        json!({ "fault": "lost_response", "operation": "Converse", "rate": 0.2 }),
        json!({ "fault": "lost_response", "operation": "InvokeModel", "rate": 0.3 }),
        json!({ "fault": "mangled_output", "share": 0.2 }),
        json!({ "fault": "inner_errors", "share": 0.2 }),
        json!({ "fault": "empty_answers", "share": 0.2 }),
        json!({ "fault": "records_fail", "share": 0.2 }),
        json!({ "fault": "not_found" }),
        json!({ "fault": "late_results", "minutes": 40 }),
        json!({ "fault": "truncated_output", "minutes": 20 }),
        json!({ "fault": "access_denied" }),
        json!({ "fault": "role_denied" }),
        json!({ "fault": "quota_exceeded" }),
        json!({ "fault": "slow_turnaround", "factor": 20 }),
        json!({ "fault": "slow_stop" }),
        json!({ "fault": "zero_counters" }),
        json!({ "fault": "throttled", "operation": "Converse", "rate": 0.2 }),
        json!({ "fault": "throttled", "operation": "InvokeModel", "rate": 0.3 }),
        json!({ "fault": "error", "error": "InternalServerException", "operation": "Converse", "rate": 0.2 }),
        json!({ "fault": "error", "error": "ServiceUnavailableException", "operation": "GetModelInvocationJob", "rate": 0.3 }),
        json!({ "fault": "broken_stream", "error": "InternalServerException", "rate": 0.3 }),
    ]
}

/// Up to five of them, each a few times.
pub(crate) fn drawn_faults(seed: u64) -> Vec<Rule> {
    let mut all = faults();
    let drawn: Vec<Value> = (0..chance::draw(seed, "faults") % 6)
        .map(|n| {
            let mut one = all.swap_remove((chance::draw(seed, &format!("fault {n}")) % all.len() as u64) as usize);
            one["times"] = json!(1 + chance::draw(seed, &format!("times {n}")) % 3);
            one
        })
        .collect();
    Rule::parse_list(&Value::from(drawn).to_string()).expect("the rules are written above")
}
