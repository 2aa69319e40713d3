//! Acme: a month of a company that spends about $12,000 on two billion tokens, three fifths of it on work that can wait.

mod offline;
mod online;

use laneshift_units::Timestamp;

use crate::company::{Company, Counts, Workload};

/// The account of what customers touch.
const PROD: &str = "111122223333";
/// The account of the data platform.
const DATA: &str = "444455556666";

const SONNET_GLOBAL: &str = "global.anthropic.claude-sonnet-4-6";
const SONNET_US: &str = "us.anthropic.claude-sonnet-4-6";
const HAIKU_GLOBAL: &str = "global.anthropic.claude-haiku-4-5-20251001-v1:0";
const HAIKU_US: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const OPUS_GLOBAL: &str = "global.anthropic.claude-opus-4-6-v1";
const TITAN: &str = "amazon.titan-embed-text-v2:0";

/// The sampled month of Acme: 30 days from Thursday, 1 October 2026, one request in fifty.
pub fn acme(seed: u64) -> Company {
    let workloads: Vec<Workload> = online::workloads().into_iter().chain(offline::workloads()).collect();
    Company {
        name: "Acme".to_owned(),
        seed,
        start: Timestamp::from_civil(2026, 10, 1, 0, 0, 0),
        days: 30,
        sampling_factor: 50,
        counts: Counts::Chance,
        hours_behind_utc: 4,
        workloads,
    }
}
