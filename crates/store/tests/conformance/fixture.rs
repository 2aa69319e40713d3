//! Both stores, and small things to put into them.

use laneshift_store::memory::Memory;
use laneshift_store::sqlite::Sqlite;
use laneshift_store::*;
use laneshift_units::{Money, Timestamp, Tokens, Usage};
use tempfile::TempDir;

/// The pool that is in every store.
pub(crate) const POOL: PoolId = PoolId(1);
/// Its description.
pub(crate) const SPEC: &str = "m|InvokeModel";

/// Every implementation, with [`POOL`] in it; the folder lives as long as the database in it.
pub(crate) async fn stores() -> (Vec<Box<dyn Store>>, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = Sqlite::open(folder.path()).await.expect("a new queue");
    let stores: Vec<Box<dyn Store>> = vec![Box::new(Memory::default()), Box::new(sqlite)];
    for store in &stores {
        assert_eq!(store.pool(SPEC).await.expect("a pool"), POOL);
    }
    (stores, folder)
}

pub(crate) fn slots(range: std::ops::Range<usize>) -> Bitmap {
    Bitmap::range(range)
}

pub(crate) fn usage(input: u64, output: u64) -> Usage {
    Usage { input: Tokens(input), output: Tokens(output), ..Usage::default() }
}

pub(crate) fn submission(id: &str, body_hash: u64) -> NewSubmission {
    NewSubmission {
        id: id.to_owned(),
        owner: "o".to_owned(),
        key: None,
        body_hash,
        records: 10,
        request: "{}".to_owned(),
        deadline: Timestamp(1_000),
        promise: Promise::Guaranteed,
        created: Timestamp(10),
    }
}

/// A chunk that is an object already.
pub(crate) fn sealed(id: u64, records: u32) -> NewChunk {
    NewChunk {
        id: ChunkId(id),
        pool: POOL,
        records,
        bytes: 100,
        usage: usage(50, 20),
        object: Some(format!("spool/{id}")),
        deadline: Timestamp(1_000),
        created: Timestamp(10),
    }
}

/// A chunk that grows by tails.
pub(crate) fn growing(id: u64) -> NewChunk {
    NewChunk { bytes: 0, usage: Usage::default(), object: None, ..sealed(id, 0) }
}

pub(crate) fn tail(chunk: u64, first_slot: u32, records: u32) -> Tail {
    let blob = vec![first_slot as u8; records as usize * 3];
    let usage = usage(u64::from(records) * 4, u64::from(records));
    Tail { chunk: ChunkId(chunk), first_slot, records, deadline: Timestamp(900), usage, blob }
}

pub(crate) fn span(chunk: u64, first_slot: u32, records: u32) -> Span {
    Span { chunk: ChunkId(chunk), first_slot, records }
}

pub(crate) fn keyed(key: u8, day: i64, body_hash: u64) -> Keyed {
    Keyed { day, owner: "o".to_owned(), key_hash: [key; 16], body_hash, record: format!("r{key}") }
}

pub(crate) fn charge(chunk: u64, pico: i128) -> Charge {
    Charge { chunk: ChunkId(chunk), payer: "p".to_owned(), at: Timestamp(10), most: Money::from_pico(pico) }
}

/// A submission of its own sealed chunks, ten records each.
pub(crate) fn bulk(id: &str, chunks: &[u64]) -> Accept {
    Accept {
        submissions: vec![(submission(id, 7), chunks.iter().map(|&c| span(c, 0, 10)).collect())],
        chunks: chunks.iter().map(|&c| sealed(c, 10)).collect(),
        ..Accept::default()
    }
}

pub(crate) fn members(chunk: u64, range: std::ops::Range<usize>) -> Members {
    Members { chunk: ChunkId(chunk), slots: slots(range) }
}

/// A job.
pub(crate) fn intent(id: u64, members: Vec<Members>) -> Intent {
    let job = BatchJob {
        name: format!("ls-{id}"),
        request: "{}".to_owned(),
        input: format!("s3://b/jobs/{id}/in/"),
        manifest: "[]".to_owned(),
    };
    Intent { lane: Lane::Batch, job: Some(job), bound: None, ..calls(id, members) }
}

/// Calls on demand.
pub(crate) fn calls(id: u64, members: Vec<Members>) -> Intent {
    Intent {
        id: AttemptId(id),
        pool: POOL,
        lane: Lane::OnDemand,
        job: None,
        records: members.iter().map(|m| m.slots.count()).sum(),
        bound: Some(Money::from_pico(9)),
        hedge: false,
        created: Timestamp(20 + id as i64),
        members,
    }
}

pub(crate) fn settle(attempt: u64, chunk: u64, ok: Bitmap, failed: Bitmap) -> Settle {
    Settle { attempt: AttemptId(attempt), chunk: ChunkId(chunk), ok, failed, object: format!("results/{chunk}/{attempt}") }
}

pub(crate) fn cost(pico: i128) -> Cost {
    Cost {
        usage: usage(5, 7),
        paid: Money::from_pico(pico),
        on_demand: Money::from_pico(2 * pico),
        waste: Money::from_pico(1),
        bound: Money::ZERO,
        costed: Costed::Exact,
    }
}

/// Entries of so many chunks, and of none.
pub(crate) fn entries(pico: i128) -> Vec<Entry> {
    let of = |chunk: u64| Entry { chunk: Some(ChunkId(chunk)), cost: cost(pico) };
    let mut all = vec![Entry { chunk: None, cost: cost(1) }];
    all.extend((1..=pico.min(3) as u64).map(of));
    all
}

/// Ends an attempt.
pub(crate) async fn close(store: &dyn Store, id: u64) {
    let (id, change) = (AttemptId(id), AttemptChange::default());
    let now = store.attempt(id).await.expect("an attempt").state;
    store.move_attempt(id, now, AttemptState::Closed, &change).await.expect("it is in that state");
}

macro_rules! refused {
    ($result:expr, $kind:ident) => {{
        let result = $result;
        assert!(matches!(result, Err(StoreError::$kind(_))), "{result:?}");
    }};
}
pub(crate) use refused;
