//! Traffic from a ledger: when, for whom, of which model and with how many tokens. Texts are not in a ledger; what is sent is as long.
//!
//! Leaves out: images, documents, tools and schemas, which are tokens here like all others; sessions; calls that failed.

use std::collections::{BTreeMap, HashMap};

use laneshift_example::{Call, CalledAs, Company, Counts, Operation, Truth, Workload};
use laneshift_ledger::row::Row;
use laneshift_provider::models::{Family, Models};
use laneshift_units::{AccountId, ProfiledModel, Region, ServiceTier, Timestamp, Tokens, Usage};
use serde_json::{Value, json};

use crate::traffic::Traffic;

/// The emulator's count of tokens.
const BYTES_PER_TOKEN: u64 = 4;
const DAY_MS: i64 = 86_400_000;
/// Begins the text of every prompt, so that who meets it knows what it is.
const TEXT: &str = "Recorded traffic. ";
/// What stays of a text that tells the toy model how long to answer.
const TEXT_MIN: usize = 16;

/// Calls of a ledger, as they are read.
#[derive(Debug)]
pub struct Recording {
    name: String,
    factor: u64,
    workloads: Vec<Workload>,
    /// Workloads by who calls what, and as what it is called.
    by_key: HashMap<Key, usize>,
    /// By workload: how many tokens its first cache point came after. It is the same text each time.
    cached: HashMap<usize, u64>,
    calls: Vec<Call>,
    left_out: BTreeMap<String, u64>,
}

/// What makes calls a workload.
type Key = (String, String, String, String, String);

impl Recording {
    /// An empty one; each call stands for so many.
    pub fn new(name: &str, factor: u64) -> Self {
        Self {
            name: name.to_owned(),
            factor,
            workloads: Vec::new(),
            by_key: HashMap::new(),
            cached: HashMap::new(),
            calls: Vec::new(),
            left_out: BTreeMap::new(),
        }
    }

    /// Takes a call. `model` is what its model id resolves to.
    pub fn add(&mut self, row: &Row<'_>, model: Option<&ProfiledModel>) {
        match self.call(row, model) {
            Ok(call) => self.calls.push(call),
            Err(why) => *self.left_out.entry(why).or_default() += 1,
        }
    }

    /// What cannot be simulated, and how many calls of it there were.
    pub const fn left_out(&self) -> &BTreeMap<String, u64> {
        &self.left_out
    }

    /// The traffic; nothing when no call can be simulated.
    pub fn traffic(mut self, seed: u64) -> Option<Traffic> {
        self.calls.sort_by_key(|call| call.at);
        let (first, last) = (self.calls.first()?.at, self.calls.last()?.at);
        let start = Timestamp(first.0.div_euclid(DAY_MS) * DAY_MS);
        let company = Company {
            name: self.name,
            seed,
            start,
            days: u32::try_from((last.0 - start.0) / DAY_MS + 1).unwrap_or(u32::MAX),
            sampling_factor: self.factor,
            counts: Counts::Exact,
            hours_behind_utc: 0,
            workloads: self.workloads,
        };
        Some(Traffic { company: company.in_one_account(), calls: self.calls })
    }

    fn call(&mut self, row: &Row<'_>, model: Option<&ProfiledModel>) -> Result<Call, String> {
        if !row.error_code.is_empty() || row.blocked {
            return Err("calls that failed".to_owned());
        }
        let unknown = || format!("calls of {}, which the emulator does not know", row.model_id);
        let model = model.ok_or_else(unknown)?;
        let known = Models::shipped().get(model.model.as_str()).ok_or_else(unknown)?;
        let (Some(input), Some(output)) = (row.input, row.output.or(Some(0))) else {
            return Err("calls without token counts".to_owned());
        };
        let usage = Usage {
            input: Tokens(input),
            output: Tokens(output),
            cache_read: Tokens(row.cache_read),
            cache_write_5m: Tokens(row.cache_write_5m),
            cache_write_1h: Tokens(row.cache_write_1h),
        };
        let embeds = known.family == Family::TitanEmbed;
        let operation = match (embeds, row.streamed) {
            (true, _) => Operation::InvokeModel,
            (false, true) => Operation::ConverseStream,
            (false, false) => Operation::Converse,
        };
        let tier = row.tier.unwrap_or_default();
        let role = if row.role.is_empty() { "unknown" } else { row.role };
        let workload = self.workload(row, model, role);
        let caches = usage.total_input().0 - usage.input.0;
        let cached = (caches > 0).then(|| *self.cached.entry(workload).or_insert(caches));
        let told = if embeds { String::new() } else { format!("[[toy: tokens={}]]", usage.output.0.max(1)) };
        let asked = text(usage.total_input().0.saturating_sub(cached.unwrap_or(0)), &told);
        let system = cached.map(|tokens| text(tokens, ""));
        let tokens = |text: &String| Tokens((text.len() as u64).div_ceil(BYTES_PER_TOKEN));
        // What is sent may be some tokens longer or shorter than what was.
        let usage = Usage {
            input: tokens(&asked),
            cache_read: system.as_ref().map_or(Tokens(0), tokens),
            output: usage.output,
            ..Usage::default()
        };
        let body = if embeds { json!({ "inputText": asked }) } else { converse(asked, system, usage.output, tier) };
        Ok(Call {
            at: row.at,
            workload,
            principal: format!("arn:aws:sts::{}:assumed-role/{role}/recorded", row.account),
            operation,
            body,
            usage,
            tolerant: false,
        })
    }

    fn workload(&mut self, row: &Row<'_>, model: &ProfiledModel, role: &str) -> usize {
        let profile = row.model_id.split_once(":application-inference-profile/").map(|(_, id)| id.to_owned());
        let called = profile.clone().unwrap_or_else(|| model.to_string());
        let key = (row.account.to_owned(), row.region.to_owned(), role.to_owned(), row.workload.to_owned(), called);
        if let Some(at) = self.by_key.get(&key) {
            return *at;
        }
        let stated = [("workload", row.workload), ("deadline", row.declared)];
        let metadata = stated.into_iter().filter(|(_, value)| !value.is_empty());
        let workload = Workload {
            name: String::new(),
            account: AccountId::new(row.account),
            region: Region::new(row.region),
            role: role.to_owned(),
            metadata: metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            model: model.clone(),
            called_as: profile.map_or(CalledAs::Id, CalledAs::Application),
            bodies_logged: false,
            truth: Truth::Interactive,
            tolerance: String::new(),
            note: String::new(),
            parts: Vec::new(),
        };
        self.workloads.push(Workload { name: workload.key(), ..workload });
        self.by_key.insert(key, self.workloads.len() - 1);
        self.workloads.len() - 1
    }
}

/// A conversation of one turn.
fn converse(asked: String, system: Option<String>, output: Tokens, tier: ServiceTier) -> Value {
    let mut body = json!({
        "messages": [{ "role": "user", "content": [{ "text": asked }] }],
        "inferenceConfig": { "maxTokens": output.0.max(1) },
    });
    if let Some(system) = system {
        body["system"] = json!([{ "text": system }, { "cachePoint": { "type": "default" } }]);
    }
    if !matches!(tier, ServiceTier::Default | ServiceTier::Reserved) {
        body["serviceTier"] = json!({ "type": tier.name() });
    }
    body
}

/// A text of so many tokens with this at its end.
fn text(tokens: u64, end: &str) -> String {
    let bytes = usize::try_from(tokens.saturating_mul(BYTES_PER_TOKEN)).unwrap_or(usize::MAX);
    let mut text = TEXT.repeat(bytes / TEXT.len() + 1);
    text.truncate(bytes.saturating_sub(end.len()).max(TEXT_MIN));
    text.push_str(end);
    text
}
