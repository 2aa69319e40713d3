//! Everything that can be read of a store, and what must hold of it at any time.

use std::collections::BTreeMap;

use laneshift_store::*;

/// Ids that the suite uses are below these.
pub(crate) const CHUNKS: u64 = 40;
pub(crate) const ATTEMPTS: u64 = 10;

#[derive(Debug, PartialEq)]
pub(crate) struct Picture {
    pools: Vec<(PoolId, String)>,
    submissions: Vec<OneSubmission>,
    by_key: Vec<Option<Submission>>,
    keyed: Vec<Option<Keyed>>,
    pub(crate) chunks: BTreeMap<ChunkId, OneChunk>,
    live: Vec<Chunk>,
    redacted: Vec<Chunk>,
    pub(crate) attempts: BTreeMap<AttemptId, Attempt>,
    open: Vec<Attempt>,
    past: Vec<Attempt>,
    pub(crate) costs: BTreeMap<AttemptId, Vec<Entry>>,
    pub(crate) charged: Vec<Charged>,
    workloads: BTreeMap<ChunkId, String>,
}

/// What is booked; the sums are those of the entries.
async fn costs(store: &dyn Store) -> BTreeMap<AttemptId, Vec<Entry>> {
    let mut all = BTreeMap::new();
    for (id, sum) in store.costs().await.expect("there") {
        let entries = store.entries(id).await.expect("there");
        assert_eq!(Entry::sum(&entries), Some(sum));
        all.insert(id, entries);
    }
    all
}

type OneSubmission = (Submission, Vec<Span>, Vec<Chunk>, Vec<Attempt>);

#[derive(Debug, PartialEq)]
pub(crate) struct OneChunk {
    pub(crate) chunk: Chunk,
    tails: Vec<Tail>,
    results: Vec<ResultObject>,
    tries: Vec<Try>,
}

fn found<T>(result: Result<T, StoreError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(StoreError::Missing(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

impl Picture {
    pub(crate) async fn of(store: &dyn Store) -> Self {
        let mut submissions = Vec::new();
        for s in store.submissions().await.expect("there") {
            let id = &s.new.id;
            let (spans, chunks) = (store.spans(id).await.expect("there"), store.chunks(id).await.expect("there"));
            let attempts = store.attempts(id).await.expect("there");
            assert_eq!(store.submission(id).await.expect("there"), s);
            submissions.push((s, spans, chunks, attempts));
        }
        let (mut by_key, mut keyed) = (Vec::new(), Vec::new());
        for key in 0..4 {
            by_key.push(store.submission_keyed("o", &format!("k{key}")).await.expect("readable"));
            keyed.push(store.keyed("o", &[key; 16]).await.expect("readable"));
        }
        let mut chunks = BTreeMap::new();
        for id in (0..CHUNKS).map(ChunkId) {
            if let Some(chunk) = found(store.chunk(id).await) {
                let (tails, results) = (store.tails(id).await.expect("there"), store.results(id).await.expect("there"));
                chunks.insert(id, OneChunk { chunk, tails, results, tries: store.tries(id).await.expect("there") });
            }
        }
        let mut attempts = BTreeMap::new();
        for id in (0..ATTEMPTS).map(AttemptId) {
            attempts.extend(found(store.attempt(id).await).map(|attempt| (id, attempt)));
        }
        Self {
            pools: store.pools().await.expect("there"),
            submissions,
            by_key,
            keyed,
            chunks,
            live: store.live().await.expect("there"),
            redacted: store.redacted().await.expect("there"),
            attempts,
            open: store.open_attempts().await.expect("there"),
            past: store.past_jobs(3).await.expect("there"),
            costs: costs(store).await,
            charged: store.charged().await.expect("there"),
            workloads: store.workloads().await.expect("there"),
        }
    }

    /// What holds of any state, whatever came before.
    pub(crate) fn check(&self) {
        self.chunks.values().for_each(OneChunk::check);
        let unsettled = |c: &&OneChunk| c.chunk.done != c.chunk.all();
        assert_eq!(self.live.len(), self.chunks.values().filter(unsettled).count());
        for (at, later) in self.open.iter().enumerate() {
            for earlier in &self.open[..at] {
                assert!(later.intent.hedge || !share(&earlier.intent, &later.intent), "{earlier:?} and {later:?}");
            }
        }
        let is_open = |a: &&Attempt| a.state.is_open();
        assert_eq!(self.open.len(), self.attempts.values().filter(is_open).count());
    }

    /// What holds from a state to the next one.
    pub(crate) fn check_after(&self, before: &Self) {
        for (id, OneChunk { chunk: now, .. }) in &self.chunks {
            let Some(OneChunk { chunk: was, .. }) = before.chunks.get(id) else { continue };
            let kept = |a: &Bitmap, b: &Bitmap| a.without(b).is_empty();
            assert!(kept(&was.done, &now.done) && kept(&was.redacted, &now.redacted), "{was:?} to {now:?}");
            let new = |a: &Bitmap, b: &Bitmap| kept(a, b) && b.and(&was.done) == *a;
            let same = new(&was.ok, &now.ok) && new(&was.cancelled, &now.cancelled) && new(&was.expired, &now.expired);
            assert!(same, "a result changed: {was:?} to {now:?}");
        }
        assert!(before.costs.keys().all(|id| self.costs.contains_key(id)), "a cost went");
        let never_changes = |a: &Attempt| Intent { members: Vec::new(), ..a.intent.clone() };
        for (id, was) in &before.attempts {
            assert_eq!(self.attempts.get(id).map(never_changes), Some(never_changes(was)));
        }
    }
}

impl OneChunk {
    fn check(&self) {
        let chunk = &self.chunk;
        let ends = [&chunk.ok, &chunk.cancelled, &chunk.expired];
        for (at, end) in ends.iter().enumerate() {
            assert!(end.without(&chunk.done).is_empty(), "ended and not done: {chunk:?}");
            assert!(ends[..at].iter().all(|other| other.and(end).is_empty()), "two ends: {chunk:?}");
        }
        assert!(chunk.done.without(&chunk.all()).is_empty(), "done beyond its records: {chunk:?}");
        let won: u64 = self.results.iter().map(|r| r.winners.count()).sum();
        let union = self.results.iter().fold(Bitmap::default(), |all, r| all.or(&r.winners));
        assert_eq!(won, union.count(), "a record has two results");
        assert_eq!(union.or(&chunk.cancelled).or(&chunk.expired), chunk.done);
        assert!(chunk.ok.without(&union).is_empty(), "an answer without an object");
        let open = self.tries.iter().filter(|t| t.state.is_open()).fold(Bitmap::default(), |all, t| all.or(&t.slots));
        assert_eq!(open, chunk.open);
        if chunk.new.object.is_none() {
            assert_eq!(self.tails.iter().map(|t| t.records).sum::<u32>(), chunk.new.records, "records without bytes");
        } else {
            assert_eq!(self.tails, []);
        }
    }
}

fn share(a: &Intent, b: &Intent) -> bool {
    a.members.iter().any(|m| b.members.iter().any(|n| m.chunk == n.chunk && !m.slots.and(&n.slots).is_empty()))
}
