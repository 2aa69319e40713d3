//! A negative control: a real chat service's hour as invocation logs. Its publisher calls it conversation; nothing in it can wait.
//!
//! Source: Azure/AzurePublicDataset, "Azure LLM inference trace 2023", conversation, CC-BY-4.0; see `data/README.md`.
//! The hour is repeated and thinned; identity, model and bodies are not in the trace and are made up or left out.

use std::io::{self, Read};
use std::path::Path;
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use laneshift_units::{AccountId, Region, Timestamp};
use serde::Serialize;

use crate::chance::Chance;
use crate::logs::{file_name, hour_folder, write_gz};
use crate::written::Written;

/// How the trace is replayed.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// Decides which requests are kept.
    pub seed: u64,
    /// The first moment, at a full hour.
    pub start: Timestamp,
    /// Days to fill with the hour.
    pub days: u32,
    /// Of so many requests at the busiest hour one is kept.
    pub keep_one_in: u64,
    /// Whether hours follow a day of an app (busy from noon to midnight UTC) or are all alike.
    pub diurnal: bool,
    /// The role that calls: `chat-api` tells what it is, `role-7f3a` does not.
    pub role: String,
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// What is written as `modelId`.
    pub model_id: String,
}

impl Default for ReplayOptions {
    /// Fourteen days, about 50,000 requests, a role that tells nothing.
    fn default() -> Self {
        Self {
            seed: 1,
            start: Timestamp::from_civil(2026, 10, 1, 0, 0, 0),
            days: 14,
            keep_one_in: 68,
            diurnal: true,
            role: "role-7f3a".to_owned(),
            account: AccountId::new("111122223333"),
            region: Region::new("us-east-1"),
            model_id: "us.anthropic.claude-sonnet-4-6".to_owned(),
        }
    }
}

/// Share of the requests of each UTC hour that a diurnal replay keeps, in per mille of the busiest hour.
const DAY_PER_MILLE: [u64; 24] =
    [600, 450, 330, 230, 160, 120, 100, 100, 120, 180, 280, 420, 600, 760, 880, 940, 980, 1000, 1000, 980, 940, 880, 800, 720];

struct Request {
    offset_ms: i64,
    context_tokens: u64,
    generated_tokens: u64,
}

fn trace() -> &'static [Request] {
    static TRACE: OnceLock<Vec<Request>> = OnceLock::new();
    TRACE.get_or_init(|| {
        let mut text = String::new();
        let packed: &[u8] = include_bytes!("../data/azure-conversation.csv.gz");
        GzDecoder::new(packed).read_to_string(&mut text).expect("the data file is gzip of ASCII");
        let number =
            |cell: Option<&str>| cell.and_then(|c| c.parse().ok()).expect("the data file holds three whole numbers a line");
        let rows = text.lines().skip(1).map(|line| {
            let mut cells = line.split(',');
            Request {
                offset_ms: i64::try_from(number(cells.next())).expect("an hour fits"),
                context_tokens: number(cells.next()),
                generated_tokens: number(cells.next()),
            }
        });
        rows.collect()
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    schema_type: &'static str,
    schema_version: &'static str,
    timestamp: String,
    account_id: &'a str,
    region: &'a str,
    request_id: String,
    operation: &'static str,
    model_id: &'a str,
    identity: Identity,
    input: Input,
    output: Output,
}

#[derive(Serialize)]
struct Identity {
    arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    input_content_type: &'static str,
    input_token_count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    output_content_type: &'static str,
    output_token_count: u64,
}

/// Writes the replay under `out` as non-streaming Converse records without bodies, a file an hour.
///
/// # Errors
/// What the file system says.
pub fn replay_conversation(out: &Path, options: &ReplayOptions) -> io::Result<Written> {
    let mut written = Written::default();
    for hour in 0..u64::from(options.days) * 24 {
        let mut chance = Chance::of(options.seed, &[hour]);
        let at_hour = Timestamp(options.start.0 + hour as i64 * 3_600_000);
        let share = if options.diurnal { DAY_PER_MILLE[at_hour.hour_index().rem_euclid(24) as usize] } else { 1000 };
        let mut text = String::new();
        let mut first_ms = None;
        for request in trace() {
            if chance.below(1000 * options.keep_one_in.max(1)) >= share {
                continue;
            }
            let at_ms = at_hour.0 + request.offset_ms;
            first_ms.get_or_insert(at_ms);
            let record = record(options, request, at_ms, &mut chance);
            text.push_str(&serde_json::to_string(&record).expect("records hold only strings and numbers"));
            text.push('\n');
            written.records += 1;
        }
        let Some(first_ms) = first_ms else { continue };
        let folder = out.join(hour_folder(&options.account, &options.region, at_hour.hour_index()));
        std::fs::create_dir_all(&folder)?;
        written.files += 1;
        written.raw_bytes += text.len() as u64;
        written.gz_bytes += write_gz(&folder.join(file_name(first_ms, chance.next())), text.as_bytes(), 6)?;
    }
    Ok(written)
}

/// Tasks of the service that are alive at once.
const TASKS: u64 = 6;

fn record<'a>(options: &'a ReplayOptions, request: &Request, at_ms: i64, chance: &mut Chance) -> Record<'a> {
    let task = Chance::of(options.seed, &[0x7A5C, chance.below(TASKS)]).hex(32);
    let hex = chance.hex(32);
    Record {
        schema_type: "ModelInvocationLog",
        schema_version: "1.0",
        timestamp: Timestamp(at_ms).to_string(),
        account_id: options.account.as_str(),
        region: options.region.as_str(),
        request_id: format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..]),
        operation: "Converse",
        model_id: &options.model_id,
        identity: Identity { arn: format!("arn:aws:sts::{}:assumed-role/{}/{task}", options.account, options.role) },
        input: Input { input_content_type: "application/json", input_token_count: request.context_tokens },
        output: Output { output_content_type: "application/json", output_token_count: request.generated_tokens },
    }
}
