//! Model invocation logging: where it goes, and the records that wait for delivery.

use std::collections::BTreeMap;

use laneshift_units::Timestamp;
use serde_json::{Value, json};

use super::{Caller, Outcome, World};
use crate::event::{Event, LogLine};
use crate::refusal::Refusal;

/// Records of one delivery, at most.
const DELIVERY_RECORDS_MAX: usize = 5_000;
/// Bytes of one delivery, about: its records and the bodies beside them.
const DELIVERY_BYTES_MAX: usize = 8_000_000;
/// Bytes of one account's records in a region that wait, at most, when they cannot be delivered.
const WAITING_BYTES_MAX: usize = 32_000_000;

/// Where an account's logs of a region go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTarget {
    /// The bucket.
    pub bucket: String,
    /// The prefix in it.
    pub prefix: String,
    /// Text bodies are part of the record.
    pub text: bool,
    /// Image bodies are part of the record.
    pub image: bool,
    /// Embeddings are part of the record.
    pub embedding: bool,
}

/// What is to be written as one object.
#[derive(Clone, Debug)]
pub struct LogDelivery {
    /// Whose.
    pub account: String,
    /// Where.
    pub region: String,
    /// The hour of the records.
    pub hour: i64,
    /// How many of the hour's records left before.
    pub after: u64,
    /// The records.
    pub lines: Vec<LogLine>,
}

#[derive(Debug, Default)]
struct Hour {
    left: u64,
    waiting: Vec<LogLine>,
    /// Invariant: the bytes of `waiting`.
    bytes: usize,
}

impl Hour {
    /// There is enough for an object, before the hour is over.
    fn is_full(&self) -> bool {
        self.waiting.len() >= DELIVERY_RECORDS_MAX || self.bytes >= DELIVERY_BYTES_MAX
    }
}

/// Records by account, region and hour.
#[derive(Debug, Default)]
pub(super) struct PendingLogs {
    hours: BTreeMap<(String, String, i64), Hour>,
}

impl PendingLogs {
    pub(super) fn push(&mut self, account: &str, region: &str, at: Timestamp, line: &LogLine) {
        let key = (account.to_owned(), region.to_owned(), at.hour_index());
        let hour = self.hours.entry(key).or_default();
        hour.bytes += line.bytes();
        hour.waiting.push(line.clone());
    }

    pub(super) fn left(&mut self, account: &str, region: &str, hour: i64, records: u64) {
        let key = (account.to_owned(), region.to_owned(), hour);
        if let Some(entry) = self.hours.get_mut(&key) {
            let n = usize::try_from(records).unwrap_or(usize::MAX).min(entry.waiting.len());
            entry.bytes -= entry.waiting.drain(..n).map(|line| line.bytes()).sum::<usize>();
            entry.left += records;
        }
    }

    fn of<'a>(&'a self, account: &'a str, region: &'a str) -> impl Iterator<Item = &'a Hour> {
        self.hours.iter().filter(move |((a, r, _), _)| a == account && r == region).map(|(_, hour)| hour)
    }
}

impl World {
    /// Where the logs of an account and region go; `None` when logging is off.
    pub fn log_target(&self, account: &str, region: &str) -> Option<LogTarget> {
        let config = self.logging.get(&(account.to_owned(), region.to_owned()))?;
        let s3 = config.get("s3Config")?;
        let on = |name: &str| config.get(name).and_then(Value::as_bool).unwrap_or(true);
        Some(LogTarget {
            bucket: s3.get("bucketName")?.as_str()?.to_owned(),
            prefix: s3.get("keyPrefix").and_then(Value::as_str).unwrap_or_default().to_owned(),
            text: on("textDataDeliveryEnabled"),
            image: on("imageDataDeliveryEnabled"),
            embedding: on("embeddingDataDeliveryEnabled"),
        })
    }

    /// Whether an account has enough waiting in a region for an object, before its hour is over.
    pub fn logs_are_full(&self, account: &str, region: &str) -> bool {
        self.logs.of(account, region).any(Hour::is_full)
    }

    /// Whether more of an account's records wait in a region than may.
    pub fn logs_overflow(&self, account: &str, region: &str) -> bool {
        self.logs.of(account, region).map(|hour| hour.bytes).sum::<usize>() > WAITING_BYTES_MAX
    }

    /// The next records to deliver: a full object, or any of an hour that is over, or anything when `all` is set. `to` names
    /// the accounts and regions that can take them.
    pub fn next_delivery(&self, now: Timestamp, all: bool, to: impl Fn(&str, &str) -> bool) -> Option<LogDelivery> {
        let ((account, region, hour), entry) = self.logs.hours.iter().find(|((account, region, hour), entry)| {
            let due = all || *hour < now.hour_index() || entry.is_full();
            due && !entry.waiting.is_empty() && to(account, region)
        })?;
        let mut bytes = 0;
        let lines = entry.waiting.iter().take(DELIVERY_RECORDS_MAX).take_while(|line| {
            let first = bytes == 0;
            bytes += line.bytes();
            first || bytes <= DELIVERY_BYTES_MAX
        });
        let (account, region) = (account.clone(), region.clone());
        Some(LogDelivery { account, region, hour: *hour, after: entry.left, lines: lines.cloned().collect() })
    }

    /// GetModelInvocationLoggingConfiguration.
    ///
    /// # Errors
    /// None.
    pub fn get_logging(&self, caller: &Caller) -> Result<Outcome, Refusal> {
        match self.logging.get(&(caller.account.clone(), caller.region.clone())) {
            Some(config) => Outcome::read(json!({ "loggingConfig": config })),
            None => Outcome::read(json!({})),
        }
    }

    /// PutModelInvocationLoggingConfiguration, after the shell has seen that the bucket is there.
    ///
    /// # Errors
    /// ValidationException when it names no destination.
    pub fn put_logging(&self, caller: &Caller, body: &Value) -> Result<Outcome, Refusal> {
        let config = &body["loggingConfig"];
        if config.get("s3Config").is_none() && config.get("cloudWatchConfig").is_none() {
            return Err(Refusal::validation("At least one of s3Config and cloudWatchConfig is required."));
        }
        let (account, region) = (caller.account.clone(), caller.region.clone());
        Outcome::changed(200, json!({}), Event::LoggingSet { account, region, config: Some(config.clone()) })
    }

    /// DeleteModelInvocationLoggingConfiguration.
    ///
    /// # Errors
    /// None.
    pub fn delete_logging(&self, caller: &Caller) -> Result<Outcome, Refusal> {
        let (account, region) = (caller.account.clone(), caller.region.clone());
        Outcome::changed(200, json!({}), Event::LoggingSet { account, region, config: None })
    }
}
