//! The simulation for machines: amounts as exact text, each figure as its median, least and most.

use laneshift_core::route::LaneId;
use laneshift_report::simulation::{Column, Run, Simulation};
use laneshift_units::Money;
use serde_json::{Map, Value, json};

pub(super) fn json(told: &Simulation) -> String {
    let columns: Map<String, Value> =
        told.columns.iter().map(|column| (column.name.replace(' ', "_"), self::column(column))).collect();
    let told = json!({
        "ledger": told.ledger,
        "calls_run": told.calls,
        "sampling_factor": told.factor,
        "days": told.days,
        "seeds": told.seeds,
        "only_live": told.only_live,
        "left_out": told.left_out,
        "columns": columns,
    });
    format!("{told:#}\n")
}

fn column(column: &Column) -> Value {
    let lanes = LaneId::ALL.into_iter().filter(|lane| column.runs.iter().any(|run| run.lanes.contains_key(lane)));
    let lanes: Map<String, Value> = lanes
        .map(|lane| (lane.name().to_owned(), money(column, |run| run.lanes.get(&lane).copied().unwrap_or_default())))
        .collect();
    json!({
        "lanes_usd": lanes,
        "bill_usd": money(column, Run::bill),
        "accepted": number(column, |run| run.accepted),
        "missed": number(column, |run| run.missed),
        "queue_max": number(column, |run| run.queue_max),
        "failed": number(column, |run| run.failed),
        "unanswered_usd": match column.runs.iter().all(|run| run.unanswered.is_some()) {
            true => money(column, |run| run.unanswered.unwrap_or_default()),
            false => Value::Null,
        },
        "throttled": number(column, |run| run.throttled),
        "wait_p50_ms": number(column, |run| run.wait.map(|wait| wait.p50_ms)),
        "wait_p99_ms": number(column, |run| run.wait.map(|wait| wait.p99_ms)),
    })
}

fn money(column: &Column, figure: impl Fn(&Run) -> Money) -> Value {
    column.spread(figure).map_or(Value::Null, |spread| {
        let [median, least, most] = [spread.median, spread.least, spread.most].map(Money::to_exact_string);
        json!({ "median": median, "least": least, "most": most })
    })
}

fn number<T: Ord + Copy + serde::Serialize>(column: &Column, figure: impl Fn(&Run) -> T) -> Value {
    column
        .spread(figure)
        .map_or(Value::Null, |spread| json!({ "median": spread.median, "least": spread.least, "most": spread.most }))
}
