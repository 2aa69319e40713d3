//! The demo for machines: amounts as exact text.

use laneshift_report::comparison::{Comparison, Measured, Slice, Wait, WorkloadPair};
use serde_json::{Value, json};

pub(super) fn json(compared: &[Comparison]) -> String {
    let companies: Vec<Value> = compared.iter().map(company).collect();
    format!("{:#}\n", json!({ "companies": companies }))
}

fn company(one: &Comparison) -> Value {
    let wait = |wait: Option<Wait>| wait.map(|wait| json!({ "p50_ms": wait.p50_ms, "p99_ms": wait.p99_ms }));
    let lanes = one.lanes.iter().map(|pair| {
        let (before, after) = (pair.before.to_exact_string(), pair.after.to_exact_string());
        (pair.lane.name().to_owned(), json!({ "before_usd": before, "after_usd": after }))
    });
    let lanes: serde_json::Map<String, Value> = lanes.collect();
    let workloads: Vec<Value> = one.workloads.iter().map(workload).collect();
    json!({
        "company": one.name,
        "seed": one.seed,
        "days": one.days,
        "sampling_factor": one.factor,
        "requests_run": one.requests,
        "tokens": one.tokens,
        "lanes": lanes,
        "workloads": workloads,
        "before_usd": one.before.to_exact_string(),
        "after_usd": one.after.to_exact_string(),
        "saved_usd": one.saved().to_exact_string(),
        "deadlines": { "promised": one.accepted, "kept": one.kept },
        "wait_before": wait(one.wait_before),
        "wait_after": wait(one.wait_after),
        "real_time": real_time(&one.real_time),
        "predicted": {
            "floor_usd": one.predicted.floor.to_exact_string(),
            "likely_usd": one.predicted.likely.to_exact_string(),
            "ceiling_usd": one.predicted.ceiling.to_exact_string(),
            "holds": one.is_as_predicted(),
        },
        "beside_usd": one.beside.to_exact_string(),
        "booked_usd": one.booked.to_exact_string(),
        "booked_at_most_usd": one.booked_at_most.to_exact_string(),
    })
}

/// Other figures each time: nothing else here is.
fn real_time(slice: &Slice) -> Value {
    let measured = match slice {
        Slice::Missing(why) => return json!({ "missing": why }),
        Slice::Measured(measured) => measured,
    };
    let way = |way: Measured| {
        json!({
            "p50_us": way.whole.p50_us,
            "p99_us": way.whole.p99_us,
            "first_byte": { "p50_us": way.first_byte.p50_us, "p99_us": way.first_byte.p99_us },
        })
    };
    json!({
        "calls": measured.calls,
        "streams": measured.streams,
        "straight": way(measured.straight),
        "through": way(measured.through),
        "added_p50_us": measured.added_p50_us(),
        "measures": "what the gateway adds: the emulated model answers at once",
    })
}

fn workload(one: &WorkloadPair) -> Value {
    json!({
        "workload": one.name,
        "before_usd": one.before.to_exact_string(),
        "after_usd": one.after.to_exact_string(),
        "saved_usd": one.saved().to_exact_string(),
        "predicted_usd": one.predicted.to_exact_string(),
    })
}
