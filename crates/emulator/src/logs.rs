//! Model invocation logs: made with each call, written to S3 by the hour.
//!
//! A record is part of the journal's entry of its call, so a log is there exactly for what is billed. A delivery is one
//! object whose name follows from what it holds, so one that was interrupted is written again over itself.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use laneshift_bedrock::Operation;
use laneshift_provider::event::{Event, LogLine};
use laneshift_provider::log::{self, Call as LogCall, Delivery, LargeBodies, Modality};
use laneshift_provider::models::{Family, Models};
use laneshift_provider::refusal::Kind;
use laneshift_provider::world::{LogDelivery, LogTarget, Prepared};
use laneshift_units::{AccountId, ProfiledModel, Region, Timestamp, Usage};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::call::Call;
use crate::emulator::{Emulator, Inner};
use crate::s3;

/// The log record of a served call; `None` when logging is off.
pub(crate) fn served(inner: &Inner, call: &Call, prepared: &Prepared, usage: &Usage, output: &Value) -> Option<LogLine> {
    let target = target(inner, call)?;
    let modality = if prepared.ask.embedding.is_some() { Modality::Embedding } else { Modality::Text };
    let outcome = Outcome { modality, output: Some(output), usage: Some(*usage), error: None };
    Some(record(inner, &target, call, prepared.operation, prepared.metadata.as_ref(), &outcome))
}

/// The log record of a refused call; `None` when logging is off.
pub(crate) fn refused(inner: &Inner, call: &Call, operation: Operation, kind: Kind) -> Option<LogLine> {
    let target = target(inner, call)?;
    let model = ProfiledModel::parse_id(call.uri("modelId")).model;
    let embeds = Models::shipped().get(model.as_str()).is_some_and(|m| m.family == Family::TitanEmbed);
    let modality = if embeds { Modality::Embedding } else { Modality::Text };
    let metadata = call.params.body["requestMetadata"].as_object();
    let outcome = Outcome { modality, output: None, usage: None, error: Some(kind.name()) };
    Some(record(inner, &target, call, operation, metadata, &outcome))
}

fn target(inner: &Inner, call: &Call) -> Option<LogTarget> {
    // AWS, Bedrock User Guide, "Endpoints", read 2026-11-23: calls of bedrock-mantle are not logged.
    if call.mantle.is_some() {
        return None;
    }
    inner.state().world.log_target(&call.caller.account, &call.caller.region)
}

struct Outcome<'a> {
    modality: Modality,
    output: Option<&'a Value>,
    usage: Option<Usage>,
    error: Option<&'a str>,
}

fn record(
    inner: &Inner,
    target: &LogTarget,
    call: &Call,
    operation: Operation,
    metadata: Option<&Map<String, Value>>,
    outcome: &Outcome<'_>,
) -> LogLine {
    let input: Option<Box<RawValue>> = match &call.params.body {
        Value::Null => serde_json::from_slice(&call.bytes).ok(),
        body => to_raw_value(body).ok(),
    };
    let logged = LogCall {
        at: inner.clock.now(),
        account: &AccountId::new(&call.caller.account),
        region: &Region::new(&call.caller.region),
        request_id: &call.request_id,
        operation,
        model_id: call.uri("modelId"),
        identity_arn: &call.caller.principal,
        inference_region: None,
        request_metadata: metadata,
        modality: outcome.modality,
        input_body: input.as_deref(),
        output_body: outcome.output,
        usage: outcome.usage,
        error_code: outcome.error,
    };
    let delivery = Delivery { text: target.text, image: target.image, embedding: target.embedding, ..Delivery::ALL };
    let large = LargeBodies { bucket: &target.bucket, prefix: &target.prefix };
    let made = log::record(&logged, delivery, Some(large));
    LogLine { record: made.line.trim_end().to_owned(), objects: made.moved.into_iter().map(|m| (m.key, m.json)).collect() }
}

impl Emulator {
    /// Writes the records whose hour is over, or all of them. For the one driver only: a second one would count the same
    /// records as delivered again.
    ///
    /// Records that cannot be written wait for the next round, and hold up nobody else's; only what is too much to keep is given up.
    pub(crate) async fn deliver_logs(&self, all: bool) {
        let inner = &self.inner;
        let mut stuck = HashSet::new();
        loop {
            let (delivery, target) = {
                let state = inner.state();
                let takes = |account: &str, region: &str| !stuck.contains(&(account.to_owned(), region.to_owned()));
                let Some(delivery) = state.world.next_delivery(inner.clock.now(), all, takes) else { break };
                let target = state.world.log_target(&delivery.account, &delivery.region);
                (delivery, target)
            };
            let (account, region, hour) = (delivery.account.clone(), delivery.region.clone(), delivery.hour);
            let (place, records) = ((account.clone(), region.clone()), delivery.lines.len() as u64);
            let written = match target {
                Some(target) => self.write_logs(target, delivery).await,
                None => Err("logging is switched off".to_owned()),
            };
            let event = match written {
                Ok(()) => {
                    inner.undelivered().remove(&place);
                    Event::LogsDelivered { account, region, hour, records }
                }
                Err(reason) => {
                    let gives_up = {
                        let world = &inner.state().world;
                        world.logs_overflow(&account, &region) || world.log_target(&account, &region).is_none()
                    };
                    let whose = format!("invocation logs of account {account} in {region} cannot be written: {reason}");
                    if !gives_up {
                        if inner.undelivered().insert(place.clone()) {
                            (inner.tell)(&format!("{whose}; they wait"));
                        }
                        stuck.insert(place);
                        continue;
                    }
                    (inner.tell)(&format!("{whose}; {records} of them are given up"));
                    Event::LogsDropped { account, region, hour, records }
                }
            };
            if inner.commit(&[event]).is_err() {
                break;
            }
        }
    }

    async fn write_logs(&self, target: LogTarget, delivery: LogDelivery) -> Result<(), String> {
        let folder = self.inner.folder.clone();
        let written = tokio::task::spawn_blocking(move || write(&folder, &target, &delivery)).await;
        written.map_err(|e| e.to_string())?.map_err(|e| e.to_string())
    }

    /// Wakes the driver when an account's records fill an object; when they could not be written just before, when they are too
    /// many to keep.
    pub(crate) fn wake_for_logs(&self, account: &str, region: &str) {
        let stuck = self.inner.undelivered().contains(&(account.to_owned(), region.to_owned()));
        let world = &self.inner.state().world;
        let wakes = if stuck { world.logs_overflow(account, region) } else { world.logs_are_full(account, region) };
        if wakes {
            self.inner.wake.notify_one();
        }
    }
}

fn write(folder: &std::path::Path, target: &LogTarget, delivery: &LogDelivery) -> io::Result<()> {
    let bucket = s3::bucket_path(folder, &target.bucket)
        .ok_or_else(|| io::Error::other(format!("there is no bucket {}", target.bucket)))?;
    let at = Timestamp(delivery.hour * 3_600_000);
    let suffix = format!("{:08}", delivery.after);
    let key = log::key(&target.prefix, &AccountId::new(&delivery.account), &Region::new(&delivery.region), at, &suffix);
    let mut text = String::new();
    for line in &delivery.lines {
        text.push_str(&line.record);
        text.push('\n');
        for (key, json) in &line.objects {
            put(&bucket, key, json.as_bytes())?;
        }
    }
    put(&bucket, &key, text.as_bytes())
}

/// Compresses into an object, whole or not at all.
fn put(bucket: &std::path::Path, key: &str, text: &[u8]) -> io::Result<()> {
    let to = s3::object_path(bucket, key).ok_or_else(|| io::Error::other("the key leaves its bucket"))?;
    fs::create_dir_all(to.parent().unwrap_or(bucket))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(3));
    encoder.write_all(text)?;
    // Beside the buckets, where no list sees it.
    let part = bucket.with_file_name(format!(".log-{}.part", xxhash(key)));
    fs::write(&part, encoder.finish()?)?;
    fs::rename(part, to)
}

fn xxhash(text: &str) -> u64 {
    laneshift_provider::chance::draw(0, text)
}
