//! What was read, and how much of the bill it explains.

use laneshift_core::plan::{Coverage, CoverageRow, RejectedReason, Scope, Source};
use laneshift_units::Timestamp;
use serde::{Deserialize, Serialize};

use super::{UsageFile, Usd, each};

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeFile {
    /// First moment of evidence.
    pub from: String,
    /// Last moment of evidence.
    pub to: String,
    /// Calendar days, both ends included.
    pub days: u32,
    /// Accounts.
    pub accounts: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// Each observed request stands for so many.
    pub sampling_factor: u64,
    /// Evidence files by kind.
    pub sources: Vec<SourceFile>,
    /// Invocation records kept.
    pub records: u64,
    /// Of those, answered.
    pub answered: u64,
    /// Of those, failed.
    pub failed: u64,
    /// Of those, throttled.
    pub throttled: u64,
    /// Of those, stopped by a guardrail.
    pub blocked: u64,
    /// Of those, answered but without token counts.
    pub uncounted: u64,
    /// Lines set aside, by reason.
    pub rejected: Vec<RejectedFile>,
    /// Tokens (times the factor).
    pub usage: UsageFile,
    /// Hours east of UTC of the zone that fits the account's people.
    pub zone_offset_h: i8,
    /// The price catalogue's version and date.
    pub catalogue: String,
    /// What the evidence cannot tell.
    pub unknowns: Vec<String>,
}

/// Evidence files of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Kind.
    pub kind: String,
    /// Files.
    pub files: u64,
    /// Bytes as stored.
    pub bytes: u64,
    /// Rows kept.
    pub rows: u64,
}

/// Lines set aside for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectedFile {
    /// The reason.
    pub reason: String,
    /// How many.
    pub lines: u64,
}

/// The bill against the logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageFile {
    /// Tokens on the bill.
    pub bill: UsageFile,
    /// Tokens in the logs (times the factor).
    pub logs: UsageFile,
    /// Money on the bill for tokens.
    pub bill_usd: Usd,
    /// Of it, what the logs reach.
    pub explained_usd: Usd,
    /// By model and token class.
    pub rows: Vec<CoverageRowFile>,
    /// By day.
    pub days: Vec<CoverageDayFile>,
    /// Reasons for differences.
    pub reasons: Vec<String>,
}

/// One model and token class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageRowFile {
    /// The model, as shown.
    pub model: String,
    /// The token class.
    pub class: String,
    /// Tokens on the bill.
    pub bill: u64,
    /// Tokens in the logs.
    pub logs: u64,
    /// Money on the bill.
    pub bill_usd: Usd,
}

/// One day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageDayFile {
    /// `YYYY-MM-DD` in UTC.
    pub day: String,
    /// Tokens on the bill.
    pub bill: u64,
    /// Tokens in the logs.
    pub logs: u64,
}

/// The date of a day index.
pub(super) fn date(day: i64) -> String {
    let (year, month, day) = Timestamp::from_day_index(day).civil_date();
    format!("{year:04}-{month:02}-{day:02}")
}

impl From<&Scope> for ScopeFile {
    fn from(scope: &Scope) -> Self {
        let Scope {
            from,
            to,
            days,
            accounts,
            regions,
            sampling_factor,
            sources,
            records,
            answered,
            failed,
            throttled,
            blocked,
            uncounted,
            rejected,
            usage,
            zone_offset_h,
            catalogue,
            unknowns,
        } = scope;
        Self {
            from: from.to_string(),
            to: to.to_string(),
            days: *days,
            accounts: accounts.clone(),
            regions: regions.clone(),
            sampling_factor: *sampling_factor,
            sources: each(sources),
            records: *records,
            answered: *answered,
            failed: *failed,
            throttled: *throttled,
            blocked: *blocked,
            uncounted: *uncounted,
            rejected: each(rejected),
            usage: usage.into(),
            zone_offset_h: *zone_offset_h,
            catalogue: catalogue.clone(),
            unknowns: unknowns.clone(),
        }
    }
}

impl From<&Source> for SourceFile {
    fn from(source: &Source) -> Self {
        let Source { kind, files, bytes, rows } = source;
        Self { kind: kind.clone(), files: *files, bytes: *bytes, rows: *rows }
    }
}

impl From<&RejectedReason> for RejectedFile {
    fn from(rejected: &RejectedReason) -> Self {
        let RejectedReason { reason, lines } = rejected;
        Self { reason: reason.clone(), lines: *lines }
    }
}

impl From<&Coverage> for CoverageFile {
    fn from(coverage: &Coverage) -> Self {
        let Coverage { bill, logs, bill_money, explained_money, rows, days, reasons } = coverage;
        Self {
            bill: bill.into(),
            logs: logs.into(),
            bill_usd: Usd(*bill_money),
            explained_usd: Usd(*explained_money),
            rows: each(rows),
            days: days.iter().map(|&(day, bill, logs)| CoverageDayFile { day: date(day), bill, logs }).collect(),
            reasons: reasons.clone(),
        }
    }
}

impl From<&CoverageRow> for CoverageRowFile {
    fn from(row: &CoverageRow) -> Self {
        let CoverageRow { model, class, bill, logs, bill_money } = row;
        Self { model: model.clone(), class: class.name().to_owned(), bill: *bill, logs: *logs, bill_usd: Usd(*bill_money) }
    }
}
