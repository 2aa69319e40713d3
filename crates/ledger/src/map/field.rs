//! The fields that a table can fill, and how their cells are read.

use laneshift_units::{ServiceTier, Timestamp};

use crate::convert::request_id_bytes;
use crate::row::{Row, TOKENS_MAX};

/// A number of this size or more counts milliseconds since 1970, a smaller one seconds.
const MILLISECONDS_MIN: f64 = 1e11;

/// A field of a row that a table can fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    At,
    Account,
    Region,
    ModelId,
    Operation,
    Role,
    Session,
    Workload,
    Declared,
    Tier,
    ErrorCode,
    RequestId,
    Streamed,
    Input,
    Output,
    CacheRead,
    CacheWrite5m,
    CacheWrite1h,
    LatencyMs,
}

impl Field {
    pub(crate) const ALL: [Self; 19] = [
        Self::At,
        Self::Account,
        Self::Region,
        Self::ModelId,
        Self::Operation,
        Self::Role,
        Self::Session,
        Self::Workload,
        Self::Declared,
        Self::Tier,
        Self::ErrorCode,
        Self::RequestId,
        Self::Streamed,
        Self::Input,
        Self::Output,
        Self::CacheRead,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::LatencyMs,
    ];

    /// The name in a mapping.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::At => "at",
            Self::Account => "account",
            Self::Region => "region",
            Self::ModelId => "model_id",
            Self::Operation => "operation",
            Self::Role => "role",
            Self::Session => "session",
            Self::Workload => "workload",
            Self::Declared => "declared",
            Self::Tier => "tier",
            Self::ErrorCode => "error_code",
            Self::RequestId => "request_id",
            Self::Streamed => "streamed",
            Self::Input => "input",
            Self::Output => "output",
            Self::CacheRead => "cache_read",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::LatencyMs => "latency_ms",
        }
    }

    /// Reads a cell into its field; `None` when the cell cannot be that.
    pub(super) fn fill<'a>(self, row: &mut Row<'a>, cell: &'a str) -> Option<()> {
        let cell = cell.trim();
        match self {
            Self::At => row.at = moment(cell)?,
            Self::Account => row.account = cell,
            Self::Region => row.region = cell,
            Self::ModelId if cell.is_empty() => return None,
            Self::ModelId => row.model_id = cell,
            Self::Operation => row.operation = cell,
            Self::Role => row.role = cell,
            Self::Session => row.session = cell,
            Self::Workload => row.workload = cell,
            Self::Declared => row.declared = cell,
            Self::Tier => row.tier = ServiceTier::parse(cell),
            Self::ErrorCode => row.error_code = cell,
            Self::RequestId => row.request_id = request_id_bytes(cell),
            Self::Streamed => row.streamed = flag(cell)?,
            Self::Input => row.input = count(cell)?,
            Self::Output => row.output = count(cell)?,
            Self::CacheRead => row.cache_read = count(cell)?.unwrap_or(0),
            Self::CacheWrite5m => row.cache_write_5m = count(cell)?.unwrap_or(0),
            Self::CacheWrite1h => row.cache_write_1h = count(cell)?.unwrap_or(0),
            Self::LatencyMs => row.latency_ms = count(cell)?.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX)),
        }
        Some(())
    }
}

fn moment(cell: &str) -> Option<Timestamp> {
    if let Ok(at) = Timestamp::parse(cell) {
        return Some(at);
    }
    let number = cell.parse::<f64>().ok().filter(|n| n.is_finite() && (0.0..1e14).contains(n))?;
    let ms = if number >= MILLISECONDS_MIN { number } else { number * 1000.0 };
    Some(Timestamp(ms as i64))
}

fn flag(cell: &str) -> Option<bool> {
    match cell.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" => Some(true),
        "false" | "f" | "no" | "0" | "" => Some(false),
        _ => None,
    }
}

/// A count; nothing for an empty cell. Tables from other tools write whole numbers as `12.0` too.
fn count(cell: &str) -> Option<Option<u64>> {
    if matches!(cell, "" | "null" | "NULL" | "None" | "NaN" | "nan") {
        return Some(None);
    }
    let whole = cell.split_once('.').map_or(Some(cell), |(whole, rest)| rest.bytes().all(|b| b == b'0').then_some(whole));
    whole?.parse().ok().filter(|n| *n <= TOKENS_MAX).map(Some)
}
