//! Records of calls that have ended, in the shape of Bedrock's invocation logs with what they cost beside it, in files by hour, so
//! that the audit reads them as it reads AWS's.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use laneshift_core::route::LaneId;
use laneshift_units::{Money, PriceMode, ServiceTier, Timestamp, Tokens, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lines::Lines;
use super::{Call, End, Used, mode_of};

const HOUR_MS: i64 = 3_600_000;

/// How certain a cost is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// By the tokens that were metered.
    Exact,
    /// Nothing says whether it was carried out: at most its bound was paid.
    Bound,
    /// A price is not known.
    Unpriced,
}

/// What the gateway adds to AWS's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// The gateway's id of the call.
    pub attempt: String,
    /// The key.
    pub key: String,
    /// Whose.
    pub owner: String,
    /// What for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// The lane that served it.
    pub lane: String,
    /// The server beside Bedrock that it was sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// What is paid, in dollars.
    #[serde(with = "usd")]
    pub paid_usd: Money,
    /// What the same tokens cost in the standard tier.
    #[serde(with = "usd")]
    pub on_demand_usd: Money,
    /// What may have been paid beyond that.
    #[serde(with = "usd")]
    pub bound_usd: Money,
    /// How certain that is.
    pub certainty: Certainty,
    /// From its coming to its end, in milliseconds.
    pub took_ms: i64,
}

/// Money as exact text.
mod usd {
    use laneshift_units::Money;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(money: &Money, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&money.to_exact_string())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Money, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Money::parse_usd(&text).map_err(D::Error::custom)
    }
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    schema_type: Cow<'static, str>,
    schema_version: Cow<'static, str>,
    /// When it came.
    pub timestamp: String,
    account_id: String,
    region: String,
    pub(crate) request_id: String,
    pub(crate) operation: String,
    /// As it was called.
    pub model_id: String,
    identity: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    request_metadata: Map<String, Value>,
    /// AWS's name of an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_tier: Option<String>,
    #[serde(default)]
    input: Input,
    #[serde(default)]
    output: Output,
    /// What it cost.
    pub laneshift: Booked,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    input_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read_input_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_input_token_count: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    output_token_count: Option<u64>,
}

/// What a call came to.
struct Cost {
    usage: Option<Usage>,
    tier: ServiceTier,
    paid: Money,
    on_demand: Money,
    bound: Money,
    certainty: Certainty,
    error: Option<String>,
}

impl Cost {
    fn of(call: &Call, end: End<'_>) -> Self {
        let asked = ServiceTier::parse(&call.tier).unwrap_or_default();
        let nothing = Self {
            usage: None,
            tier: asked,
            paid: Money::ZERO,
            on_demand: Money::ZERO,
            bound: Money::ZERO,
            certainty: Certainty::Exact,
            error: None,
        };
        match end {
            End::Refused(name) => Self { error: Some(name), ..nothing },
            End::Lost => match call.bound() {
                Some(bound) => Self { bound, certainty: Certainty::Bound, error: Some("unknown".to_owned()), ..nothing },
                None => Self { certainty: Certainty::Unpriced, error: Some("unknown".to_owned()), ..nothing },
            },
            End::Answered(meter, prices, error) => {
                let tariff = &prices.here;
                let usage = meter.usage.unwrap_or_default();
                // The tier that served wins over the one that was asked for.
                let tier = meter.tier.unwrap_or(asked);
                let list = tariff.of_request(PriceMode::OnDemand, &usage);
                // What is paid for by the hour or the month costs no call anything.
                let committed = call.is_provisioned() || tier == ServiceTier::Reserved;
                let paid = if committed { list.map(|_| Money::ZERO) } else { tariff.of_request(mode_of(tier), &usage) };
                // Where Bedrock has no price for it either, nothing is saved against it.
                let instead = prices.instead.as_ref().and_then(|tariff| tariff.of_request(PriceMode::OnDemand, &usage));
                let list = instead.or(list);
                let known = Self { usage: Some(usage), tier, error, ..nothing };
                match (paid, list) {
                    (Some(paid), Some(on_demand)) => Self { paid, on_demand, ..known },
                    // What it cost is not known, and at most its bound where there is one: a budget may not take it for nothing.
                    _ => Self { bound: call.bound().unwrap_or(Money::ZERO), certainty: Certainty::Unpriced, ..known },
                }
            }
        }
    }
}

impl Record {
    pub(super) fn of(id: String, call: Call, end: End<'_>, now: Timestamp) -> Self {
        let cost = Cost::of(&call, end);
        let lane = match cost.tier {
            ServiceTier::Default if call.is_provisioned() => LaneId::Provisioned.name(),
            ServiceTier::Default => "standard",
            other => other.name(),
        };
        let arn = ["arn:aws:sts::", &call.account, ":assumed-role/laneshift-gateway/", &call.owner].concat();
        let usage = cost.usage;
        Self {
            schema_type: "ModelInvocationLog".into(),
            schema_version: "1.0".into(),
            timestamp: call.at().to_string(),
            operation: call.operation().map_or(call.operation, |operation| operation.name().to_owned()),
            account_id: call.account,
            region: call.region,
            request_id: id.clone(),
            model_id: call.model,
            identity: Map::from_iter([("arn".to_owned(), Value::from(arn))]),
            request_metadata: call.metadata,
            error_code: cost.error,
            service_tier: (cost.tier != ServiceTier::Default).then(|| cost.tier.name().to_owned()),
            input: Input {
                input_token_count: usage.map(|usage| usage.input.0),
                cache_read_input_token_count: usage.map(|usage| usage.cache_read.0),
                cache_write_input_token_count: usage.map(|usage| usage.cache_write_5m.0 + usage.cache_write_1h.0),
            },
            output: Output { output_token_count: usage.map(|usage| usage.output.0) },
            laneshift: Booked {
                attempt: id,
                key: call.key,
                owner: call.owner,
                workload: call.workload,
                lane: lane.to_owned(),
                upstream: call.upstream,
                paid_usd: cost.paid,
                on_demand_usd: cost.on_demand,
                bound_usd: cost.bound,
                certainty: cost.certainty,
                took_ms: (now.0 - call.at_ms).max(0),
            },
        }
    }

    /// The lane, and the server where it was not Bedrock's.
    pub fn lane(&self) -> String {
        match &self.laneshift.upstream {
            Some(upstream) => format!("{} of {upstream}", self.laneshift.lane),
            None => self.laneshift.lane.clone(),
        }
    }

    /// All input tokens, and output tokens.
    pub fn tokens(&self) -> (u64, u64) {
        let Input { input_token_count, cache_read_input_token_count, cache_write_input_token_count } = &self.input;
        let parts = [input_token_count, cache_read_input_token_count, cache_write_input_token_count];
        (parts.into_iter().flatten().sum(), self.output.output_token_count.unwrap_or(0))
    }

    /// What it used of Bedrock and what that cost; `None` where it used nothing.
    pub(super) fn used(self) -> Option<Used> {
        let at = self.at();
        let tier = self.service_tier.as_deref().and_then(ServiceTier::parse).unwrap_or_default();
        let count = |tokens: Option<u64>| Tokens(tokens.unwrap_or(0));
        let usage = Usage {
            input: count(self.input.input_token_count),
            output: count(self.output.output_token_count),
            cache_read: count(self.input.cache_read_input_token_count),
            cache_write_5m: count(self.input.cache_write_input_token_count),
            ..Usage::default()
        };
        let Booked { lane, upstream, paid_usd: paid, bound_usd: bound, certainty, .. } = self.laneshift;
        let is_committed = tier == ServiceTier::Reserved || lane == LaneId::Provisioned.name();
        let used = Used {
            at,
            account: self.account_id,
            region: self.region,
            model: self.model_id,
            mode: mode_of(tier),
            is_committed,
            upstream,
            usage,
            paid,
            bound,
            certainty,
        };
        (usage.total().0 > 0 || certainty != Certainty::Exact).then_some(used)
    }

    /// When it came.
    pub(super) fn at(&self) -> Timestamp {
        Timestamp::parse(&self.timestamp).unwrap_or(Timestamp(0))
    }

    /// What was paid, and what may have been.
    pub(super) fn paid_at_most(&self) -> Money {
        self.laneshift.paid_usd + self.laneshift.bound_usd
    }

    fn hour(&self) -> i64 {
        self.at().0.div_euclid(HOUR_MS)
    }
}

/// The files that records are appended to.
pub(super) struct Ledger {
    folder: PathBuf,
    run: u64,
    /// One for each account and region, and for each other server.
    open: Vec<Hour>,
    line: Vec<u8>,
}

/// The file of an hour.
struct Hour {
    upstream: Option<String>,
    account: String,
    region: String,
    hour: i64,
    file: Lines,
}

/// Calls of Bedrock, which the audit reads, and calls of other servers.
fn folders_of(folder: &Path) -> [PathBuf; 2] {
    [folder.join("ledger"), folder.join("servers")]
}

impl Ledger {
    pub(super) fn new(folder: &Path, run: u64) -> Self {
        Self { folder: folder.to_owned(), run, open: Vec::new(), line: Vec::new() }
    }

    pub(super) fn write(&mut self, record: &Record) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, record)?;
        self.line.push(b'\n');
        let hour = record.hour();
        let upstream = &record.laneshift.upstream;
        let here =
            |open: &&mut Hour| open.account == record.account_id && open.region == record.region && open.upstream == *upstream;
        if let Some(open) = self.open.iter_mut().find(here) {
            if open.hour != hour {
                (open.hour, open.file) = (hour, file(&self.folder, self.run, record)?);
            }
            return open.file.write(&self.line);
        }
        let (account, region) = (record.account_id.clone(), record.region.clone());
        let mut open = Hour { upstream: upstream.clone(), account, region, hour, file: file(&self.folder, self.run, record)? };
        let written = open.file.write(&self.line);
        self.open.push(open);
        written
    }
}

fn file(folder: &Path, run: u64, record: &Record) -> io::Result<Lines> {
    let [bedrock, servers] = folders_of(folder);
    let place = match &record.laneshift.upstream {
        Some(upstream) => servers.join(upstream),
        None => {
            let account = if record.account_id.is_empty() { "laneshift" } else { &record.account_id };
            bedrock.join("AWSLogs").join(account).join("BedrockModelInvocationLogs").join(&record.region)
        }
    };
    // 2026-11-25T18:… as 2026/11/25/18.
    let folder = place.join(record.timestamp.get(..13).unwrap_or_default().replace(['-', 'T'], "/"));
    fs::create_dir_all(&folder)?;
    Lines::open(&folder.join(format!("{run:012x}.json")))
}

/// Every record of a folder's ledger.
pub(super) fn each(folder: &Path, take: &mut dyn FnMut(Record)) -> io::Result<()> {
    // A line that was cut by a power failure, or is AWS's own, is none.
    each_line(folder, &mut |_, _, line| line.into_iter().for_each(&mut *take))
}

/// Every line of a folder's ledger, with its file and its number.
pub(super) fn each_line(folder: &Path, take: &mut dyn FnMut(&Path, u64, serde_json::Result<Record>)) -> io::Result<()> {
    let mut waiting = Vec::from(folders_of(folder));
    while let Some(path) = waiting.pop() {
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                waiting.push(entry.path());
                continue;
            }
            let path = entry.path();
            for (line, number) in BufReader::new(File::open(&path)?).split(b'\n').zip(1..) {
                take(&path, number, serde_json::from_slice(&line?));
            }
        }
    }
    Ok(())
}

/// The ids of calls that came since then and have ended.
pub(super) fn ids_since(folder: &Path, begin_ms: i64) -> io::Result<HashSet<String>> {
    let mut ids = HashSet::new();
    each(folder, &mut |record| {
        if record.hour() >= begin_ms.div_euclid(HOUR_MS) {
            ids.insert(record.laneshift.attempt);
        }
    })?;
    Ok(ids)
}
