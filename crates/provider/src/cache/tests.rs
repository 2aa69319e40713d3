//! What a request finds in the cache, and when it is gone.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ask::read_converse;
use crate::models::Models;

const SCOPE: &str = "123456789012|us-east-1|anthropic.claude-sonnet-4-6";
const START: Timestamp = Timestamp(1_000_000);

fn model() -> &'static Model {
    Models::shipped().get("anthropic.claude-sonnet-4-6").expect("a shipped model")
}

/// A block of so many tokens whose text begins with a letter.
fn block(letter: char, tokens: usize) -> Value {
    json!({"text": letter.to_string().repeat(tokens * 4)})
}

fn point(ttl: &str) -> Value {
    json!({"cachePoint": {"type": "default", "ttl": ttl}})
}

fn ask(blocks: &[Value]) -> Ask {
    read_converse(model(), &json!({"messages": [{"role": "user", "content": blocks}]})).expect("a sound body")
}

fn after(ms: i64) -> Timestamp {
    Timestamp(START.0 + ms)
}

/// A lookup whose call is booked.
fn used(cache: &mut PromptCache, scope: &str, model: &Model, ask: &Ask, now: Timestamp) -> Cached {
    let found = cache.lookup(scope, model, ask, now);
    found.writes.iter().cloned().for_each(|entry| cache.keep(entry));
    found
}

#[test]
fn a_call_that_is_not_booked_leaves_nothing_behind() {
    let mut cache = PromptCache::default();
    let ask = ask(&[block('a', 2000), point("5m"), block('q', 10)]);
    assert_eq!(cache.lookup(SCOPE, model(), &ask, START).write_5m, 2000);
    assert_eq!(cache.lookup(SCOPE, model(), &ask, after(1)).write_5m, 2000);
}

#[test]
fn a_prefix_is_written_once_and_read_until_it_expires() {
    let mut cache = PromptCache::default();
    let ask = ask(&[block('a', 2000), point("5m"), block('q', 10)]);
    let first = used(&mut cache, SCOPE, model(), &ask, START);
    assert_eq!((first.read, first.write_5m, first.write_1h, first.writes.len()), (0, 2000, 0, 1));
    let second = used(&mut cache, SCOPE, model(), &ask, after(200_000));
    assert_eq!((second.read, second.write_5m), (2000, 0));
    // The second use refreshed it.
    assert_eq!(used(&mut cache, SCOPE, model(), &ask, after(499_999)).read, 2000);
    assert_eq!(used(&mut cache, SCOPE, model(), &ask, after(800_000)).read, 0);
    assert_eq!(used(&mut cache, "another account", model(), &ask, after(800_001)).read, 0);
}

#[test]
fn a_later_checkpoint_is_written_from_where_the_reading_ended() {
    let mut cache = PromptCache::default();
    used(&mut cache, SCOPE, model(), &ask(&[block('a', 2000), point("1h")]), START);
    let both = ask(&[block('a', 2000), point("1h"), block('b', 500), point("5m"), block('q', 10)]);
    let found = used(&mut cache, SCOPE, model(), &both, after(1_800_000));
    assert_eq!((found.read, found.write_5m, found.write_1h), (2000, 500, 0));
}

#[test]
fn a_prefix_below_the_minimum_of_the_model_is_not_cached() {
    let mut cache = PromptCache::default();
    let short = ask(&[block('a', 1000), point("5m"), block('b', 24), point("5m")]);
    let found = used(&mut cache, SCOPE, model(), &short, START);
    // The first checkpoint is too early, the second lies at exactly 1024.
    assert_eq!((found.write_5m, found.writes.len()), (1024, 1));
}

#[test]
fn a_conversation_that_grows_reads_what_the_turn_before_wrote() {
    let mut cache = PromptCache::default();
    used(&mut cache, SCOPE, model(), &ask(&[block('a', 2000), point("5m")]), START);
    let grown = ask(&[block('a', 2000), block('b', 300), point("5m")]);
    let found = used(&mut cache, SCOPE, model(), &grown, after(1000));
    assert_eq!((found.read, found.write_5m), (2000, 300));
}

#[test]
fn a_journal_brings_the_cache_back() {
    let mut cache = PromptCache::default();
    let ask = ask(&[block('a', 2000), point("1h")]);
    let written = used(&mut cache, SCOPE, model(), &ask, START).writes;
    let mut again = PromptCache::default();
    for entry in written {
        let line = serde_json::to_string(&entry).expect("plain data");
        again.keep(serde_json::from_str(&line).expect("plain data"));
    }
    again.keep(Entry { hash: "no hash".to_owned(), ttl: "5m".to_owned(), expires_ms: 0 });
    assert_eq!((again.len(), again.lookup(SCOPE, model(), &ask, after(3_000_000)).read), (1, 2000));
}

#[test]
fn the_entry_that_expires_first_goes_first_when_there_are_too_many() {
    let mut cache = PromptCache::default();
    for n in 0..=ENTRIES_MAX as i64 {
        cache.keep(Entry { hash: format!("{n:x}"), ttl: "5m".to_owned(), expires_ms: START.0 + 1 + n });
    }
    assert_eq!((cache.len(), cache.by_expiry.len()), (ENTRIES_MAX, ENTRIES_MAX));
    assert!(!cache.alive.contains_key(&0) && cache.alive.contains_key(&1));
}

proptest! {
    #[test]
    fn read_and_written_never_exceed_the_input_and_a_repeat_only_reads(
        sizes in prop::collection::vec(1_usize..900, 1..4),
        wait in 0_i64..300_000,
    ) {
        let mut cache = PromptCache::default();
        let mut blocks = Vec::new();
        for size in &sizes {
            blocks.extend([block('a', *size), point("5m")]);
        }
        let ask = ask(&blocks);
        let first = used(&mut cache, SCOPE, model(), &ask, START);
        let rest = ask.input_tokens().checked_sub(first.read + first.write_5m + first.write_1h);
        prop_assert!(rest.is_some() && first.read == 0);
        let second = used(&mut cache, SCOPE, model(), &ask, after(wait));
        prop_assert_eq!((second.read, second.write_5m), (first.write_5m, 0));
    }
}
