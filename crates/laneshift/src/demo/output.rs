//! The demo for machines: amounts as exact text.

use laneshift_report::comparison::{Comparison, Wait};
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
    json!({
        "company": one.name,
        "seed": one.seed,
        "days": one.days,
        "sampling_factor": one.factor,
        "requests_run": one.requests,
        "tokens": one.tokens,
        "lanes": lanes,
        "before_usd": one.before.to_exact_string(),
        "after_usd": one.after.to_exact_string(),
        "saved_usd": one.saved().to_exact_string(),
        "deadlines": { "promised": one.accepted, "kept": one.kept },
        "wait_before": wait(one.wait_before),
        "wait_after": wait(one.wait_after),
        "predicted": {
            "floor_usd": one.predicted.floor.to_exact_string(),
            "likely_usd": one.predicted.likely.to_exact_string(),
            "ceiling_usd": one.predicted.ceiling.to_exact_string(),
            "holds": one.is_as_predicted(),
        },
        "booked_usd": one.booked.to_exact_string(),
        "booked_at_most_usd": one.booked_at_most.to_exact_string(),
    })
}
