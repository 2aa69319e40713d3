//! The prompt cache: which beginnings of prompts are known, until when.
//!
//! Promises: what is read, written and left adds up to the input; a beginning below the model's minimum is never cached;
//! a use refreshes the time to live at no charge; a call that is not booked leaves nothing behind; at most [`ENTRIES_MAX`] entries are kept, and the one that would
//! expire first goes first. Leaves out: Nova's implicit caching, which AWS calls best effort, and batch, which has none.

use std::collections::{BTreeSet, HashMap};

use laneshift_units::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::ask::{Ask, Checkpoint, Ttl};
use crate::models::{Family, Model};

/// The most entries kept.
pub const ENTRIES_MAX: usize = 100_000;
/// How many blocks before a checkpoint Claude looks for an earlier entry.
// Amazon Bedrock User Guide, "Prompt caching", simplified cache management: about 20 blocks. Read 2026-11-23.
const LOOKBACK_BLOCKS: usize = 20;

/// The prompt cache.
#[derive(Clone, Debug)]
pub struct PromptCache {
    /// Entries live so many times longer than AWS keeps them.
    ttl_factor: f64,
    alive: HashMap<u128, Kept>,
    /// Invariant: exactly the entries of `alive`.
    by_expiry: BTreeSet<(Timestamp, u128)>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    expires: Timestamp,
    ttl: Ttl,
}

/// What a request found in the cache and leaves there once it is booked. Its uncached input is the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cached {
    /// Tokens read.
    pub read: u64,
    /// Tokens written for five minutes.
    pub write_5m: u64,
    /// Tokens written for an hour.
    pub write_1h: u64,
    /// The entries to keep, written or refreshed.
    pub writes: Vec<Entry>,
}

/// An entry of the cache as plain data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The hash of scope and prefix, in hexadecimal.
    pub hash: String,
    /// The time to live, `5m` or `1h`.
    pub ttl: String,
    /// When it expires, in milliseconds since 1970.
    pub expires_ms: i64,
}

impl Default for PromptCache {
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl PromptCache {
    /// An empty one.
    pub fn new(ttl_factor: f64) -> Self {
        Self { ttl_factor, alive: HashMap::new(), by_expiry: BTreeSet::new() }
    }

    /// Reads the longest known beginning of the prompt, and says what is to be written from there to each later
    /// checkpoint; [`PromptCache::keep`] does that.
    ///
    /// `scope` is what shares a cache: account, region and model.
    pub fn lookup(&mut self, scope: &str, model: &Model, ask: &Ask, now: Timestamp) -> Cached {
        self.forget_expired(now);
        let Some(least) = model.cache_min_tokens else { return Cached::default() };
        let mut found = Cached::default();
        let prompt = Prompt::of(scope, ask);
        let points: Vec<Checkpoint> =
            ask.checkpoints.iter().copied().filter(|point| point.upto > 0 && prompt.tokens(point.upto) >= least).collect();
        let hit = self.longest(&prompt, &points, model.family == Family::ClaudeMessages);
        let mut done = hit.unwrap_or(0);
        found.read = prompt.tokens(done);
        if let Some(upto) = hit {
            let passed = points.iter().map(|point| point.upto).filter(|passed| *passed < upto);
            found.writes.extend(passed.chain([upto]).filter_map(|upto| self.refreshed(prompt.key(upto), now)));
        }
        for point in points {
            if point.upto <= done {
                continue;
            }
            let tokens = prompt.tokens(point.upto) - prompt.tokens(done);
            match point.ttl {
                Ttl::FiveMinutes => found.write_5m += tokens,
                Ttl::Hour => found.write_1h += tokens,
            }
            found.writes.push(self.entry(prompt.key(point.upto), point.ttl, now));
            done = point.upto;
        }
        found
    }

    /// Keeps an entry of a call that is booked; one that cannot be read is left out.
    pub fn keep(&mut self, entry: Entry) {
        let Ok(key) = u128::from_str_radix(&entry.hash, 16) else { return };
        let Some(ttl) = Ttl::parse(&entry.ttl) else { return };
        self.put(key, Kept { expires: Timestamp(entry.expires_ms), ttl });
    }

    /// How many entries are kept.
    pub fn len(&self) -> usize {
        self.alive.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.alive.is_empty()
    }

    /// The end of the longest known beginning.
    fn longest(&self, prompt: &Prompt<'_>, points: &[Checkpoint], looks_back: bool) -> Option<usize> {
        let blocks = if looks_back { LOOKBACK_BLOCKS } else { 0 };
        let ends = points.iter().rev().flat_map(|point| (point.upto.saturating_sub(blocks).max(1)..=point.upto).rev());
        ends.filter(|upto| self.alive.contains_key(&prompt.key(*upto))).max()
    }

    /// Lets an entry live on by the time to live it was written with, as a use is not charged.
    fn refreshed(&self, key: u128, now: Timestamp) -> Option<Entry> {
        Some(self.entry(key, self.alive.get(&key)?.ttl, now))
    }

    fn entry(&self, key: u128, ttl: Ttl, now: Timestamp) -> Entry {
        let lives_ms = (ttl.ms() as f64 * self.ttl_factor) as i64;
        Entry { hash: format!("{key:032x}"), ttl: ttl.name().to_owned(), expires_ms: now.0.saturating_add(lives_ms) }
    }

    fn put(&mut self, key: u128, kept: Kept) {
        if let Some(old) = self.alive.insert(key, kept) {
            self.by_expiry.remove(&(old.expires, key));
        }
        self.by_expiry.insert((kept.expires, key));
        while self.alive.len() > ENTRIES_MAX {
            self.drop_first();
        }
    }

    fn forget_expired(&mut self, now: Timestamp) {
        while self.by_expiry.first().is_some_and(|(expires, _)| *expires <= now) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some((_, key)) = self.by_expiry.pop_first() {
            self.alive.remove(&key);
        }
    }
}

/// The prompt of a request, as keys of the cache and tokens up to each block.
struct Prompt<'a> {
    scope: &'a str,
    ask: &'a Ask,
    /// `sums[n]` are the tokens of the first `n` blocks.
    sums: Vec<u64>,
}

impl<'a> Prompt<'a> {
    fn of(scope: &'a str, ask: &'a Ask) -> Self {
        let mut sums = vec![0];
        let mut sum = 0;
        for segment in &ask.segments {
            sum += segment.tokens;
            sums.push(sum);
        }
        Self { scope, ask, sums }
    }

    fn tokens(&self, upto: usize) -> u64 {
        self.sums.get(upto).copied().unwrap_or(0)
    }

    fn key(&self, upto: usize) -> u128 {
        let prefix = upto.checked_sub(1).and_then(|last| self.ask.segments.get(last)).map_or(0, |segment| segment.hash);
        let mut hash = Xxh3::new();
        hash.update(self.scope.as_bytes());
        hash.update(&prefix.to_le_bytes());
        hash.digest128()
    }
}

#[cfg(test)]
mod tests;
