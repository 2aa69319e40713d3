//! Single requests: many callers, one commit.
//!
//! A request waits in memory until the commit before it has ended; whoever comes first then commits for all who wait. The commit
//! is the acceptance: an id leaves the process only after it. Small requests do not become objects one by one: they lie in tails
//! until their chunk is written.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use laneshift_store::{Accept, Charge, ChunkId, Keyed, NewChunk, PoolId, SLOTS, Store, StoreError, Tail};
use laneshift_units::{Money, Timestamp, Usage};
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64;

use crate::accept::{Place, hash16, pool_of, usage_of_input};
use crate::chunk::BYTES_MAX;
use crate::engine::Tools;
use crate::error::EngineError;
use crate::id::{Chance, PublicIds, address, fresh_chunk, record_id};
use crate::pool::PoolSpec;
use crate::tail::{self, About};
use laneshift_dialect::Dialect;

/// Requests and bytes that wait for a commit, at most: callers beyond are told to come again.
const WAITING_MAX: usize = 20_000;
const WAITING_BYTES_MAX: usize = 256_000_000;
/// Commits of one batch that are tried: each is for a reason that is gone in the next.
const TRIES_MAX: usize = 4;
/// Deadlines are rounded down to this at most.
const DEADLINE_STEP_MS_MAX: i64 = 15 * 60_000;
const DAY_MS: i64 = 86_400_000;

/// One request of a caller who waits only for its id.
#[derive(Clone, Debug)]
pub struct Single {
    pool: PoolSpec,
    dialect: Dialect,
    id: Option<String>,
    input: String,
    /// The caller's idempotency key.
    key: Option<String>,
    deadline: Timestamp,
    /// Who pays for it, and at most how much.
    payer: Option<(String, Money)>,
    /// What it is for.
    workload: Option<String>,
}

impl Single {
    /// Reads a request as a line of a batch file has it, in any dialect.
    ///
    /// # Errors
    /// What is wrong and what to do, without the content.
    pub fn read(
        line: &[u8],
        model: Option<&str>,
        place: &Place,
        owner: &str,
        key: Option<&str>,
        deadline: Timestamp,
    ) -> Result<Self, String> {
        let request = laneshift_dialect::read(line, model)?;
        Ok(Self {
            pool: pool_of(&request, place, owner),
            dialect: request.dialect,
            id: request.id.map(|id| id.into_owned()),
            input: request.input.into_owned(),
            key: key.map(str::to_owned),
            deadline,
            payer: None,
            workload: None,
        })
    }

    /// Says who pays for it, and the most that it can cost.
    #[must_use]
    pub fn paid_by(self, payer: &str, most: Money) -> Self {
        Self { payer: Some((payer.to_owned(), most)), ..self }
    }

    /// Says what it is for, which its cost is told by.
    #[must_use]
    pub fn of_workload(self, workload: Option<&str>) -> Self {
        Self { workload: workload.map(str::to_owned), ..self }
    }

    /// Its model, as AWS takes it.
    pub fn model(&self) -> &str {
        &self.pool.model
    }

    /// Whether its body is Converse's.
    pub fn is_converse(&self) -> bool {
        self.pool.is_converse()
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> u64 {
        self.input.len() as u64
    }

    fn body_hash(&self) -> u64 {
        let Self { pool, dialect, id, input, .. } = self;
        let id = id.as_deref().unwrap_or_default();
        xxh3_64([&pool.model, &pool.shape, dialect.name(), id, input].join("\0").as_bytes())
    }
}

/// A single request that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its public id.
    pub id: String,
    /// When it must be answered, if it is by this call; `None` if one before brought the same under the same key.
    pub new: Option<Timestamp>,
}

/// Why a single request was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// Its key came before with another request.
    #[error("the idempotency key was used for another request")]
    Other,
    /// Too much waits already.
    #[error("too many requests wait to be accepted; come again in a moment")]
    Busy,
    /// Whether it was accepted is not known: only with an idempotency key is it safe to send it again.
    #[error("whether the request was accepted is not known: {0}")]
    Unknown(String),
    /// It was not.
    #[error("the request was not accepted: {0}")]
    Refused(String),
    /// It was not.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for NotAccepted {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

/// A request that waits for its commit.
struct Pending {
    single: Single,
    answer: oneshot::Sender<Result<Taken, NotAccepted>>,
}

/// Requests that wait.
#[derive(Default)]
struct Waiting {
    requests: Vec<Pending>,
    bytes: usize,
}

/// A chunk that grows.
#[derive(Clone)]
struct Growing {
    id: ChunkId,
    records: u32,
    bytes: u64,
}

/// What the requests of a chunk that grows have in common: one deadline, so that none of them expires before its own, one who
/// pays for them, by the day, and one workload.
type Common = (PoolId, Timestamp, Option<(String, i64)>, Option<String>);

/// Chunks that grow.
type Growings = HashMap<Common, Growing>;

/// What only the one who commits touches.
#[derive(Default)]
struct Desk {
    pools: HashMap<PoolSpec, PoolId>,
    growing: Growings,
}

/// Takes single requests in.
pub(crate) struct Singles {
    store: Arc<dyn Store>,
    ids: Arc<PublicIds>,
    waiting: Mutex<Waiting>,
    desk: tokio::sync::Mutex<Desk>,
    step: Arc<dyn Fn(&str) + Send + Sync>,
    chance: Chance,
}

impl Singles {
    pub(crate) fn new(store: Arc<dyn Store>, ids: Arc<PublicIds>, tools: &Tools) -> Arc<Self> {
        let (step, chance) = (tools.step.clone(), tools.chance.clone());
        Arc::new(Self { store, ids, waiting: Mutex::default(), desk: tokio::sync::Mutex::default(), step, chance })
    }

    /// Accepts a request; gives its public id.
    pub(crate) async fn accept(self: &Arc<Self>, single: Single, now: Timestamp) -> Result<Taken, NotAccepted> {
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let bytes = waiting.bytes + single.input.len();
            if waiting.requests.len() >= WAITING_MAX || bytes > WAITING_BYTES_MAX {
                return Err(NotAccepted::Busy);
            }
            waiting.bytes = bytes;
            waiting.requests.push(Pending { single, answer });
        }
        let desk = self.clone();
        // A caller who hangs up takes nobody else's commit with him. A panic in it is heard as a lost answer.
        let mut task = tokio::task::JoinSet::new();
        task.spawn(async move { desk.commit_all(now).await });
        task.detach_all();
        let lost = |_| NotAccepted::Unknown("the commit was cut short".to_owned());
        answered.await.map_err(lost)?
    }

    /// Commits everything that waits, unless somebody else has.
    async fn commit_all(&self, now: Timestamp) {
        let mut desk = self.desk.lock().await;
        let batch = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if !batch.requests.is_empty() {
            self.commit(&mut desk, batch.requests, now).await;
        }
    }

    async fn commit(&self, desk: &mut Desk, mut batch: Vec<Pending>, now: Timestamp) {
        for _ in 0..TRIES_MAX {
            batch = self.known(batch).await;
            if batch.is_empty() {
                return;
            }
            let (accept, taken, after) = match self.lay_out(desk, &batch, now).await {
                Ok(laid_out) => laid_out,
                Err(error) => return refuse(batch, || NotAccepted::Refused(error.to_string())),
            };
            (self.step)("singles laid out");
            let outcome = match self.store.accept(&accept).await {
                Err(StoreError::Database(why)) => self.settle_doubt(&accept, why).await,
                other => other,
            };
            match outcome {
                Ok(()) => {
                    desk.growing = after;
                    (self.step)("singles accepted");
                    for (pending, taken) in batch.into_iter().zip(taken) {
                        let _ = pending.answer.send(Ok(taken));
                    }
                    return;
                }
                // A chunk was written meanwhile, or a key came in beside: the next try sees it.
                Err(StoreError::Conflict(_) | StoreError::Other(_)) => desk.growing.clear(),
                Err(StoreError::Missing(why)) => {
                    desk.growing.clear();
                    return refuse(batch, || NotAccepted::Refused(why.clone()));
                }
                Err(StoreError::Database(why)) => {
                    desk.growing.clear();
                    return refuse(batch, || NotAccepted::Unknown(why.clone()));
                }
            }
        }
        refuse(batch, || NotAccepted::Refused("the queue kept changing".to_owned()));
    }

    /// The database did not say whether it has committed: what it holds does.
    async fn settle_doubt(&self, accept: &Accept, why: String) -> Result<(), StoreError> {
        let Some(first) = accept.tails.first() else { return Err(StoreError::Database(why)) };
        match self.store.tails(first.chunk).await {
            Ok(tails) if tails.iter().any(|tail| tail.first_slot == first.first_slot && tail.blob == first.blob) => Ok(()),
            // It can be read, and does not hold this: it was not committed.
            Ok(_) => Err(StoreError::Missing(why)),
            Err(_) => Err(StoreError::Database(why)),
        }
    }

    /// Answers those whose key was seen before, in the queue or in this batch; gives the others.
    async fn known(&self, batch: Vec<Pending>) -> Vec<Pending> {
        let (mut fresh, mut seen) = (Vec::new(), HashSet::new());
        for pending in batch {
            let Single { key, pool, .. } = &pending.single;
            match self.before(&pending.single).await {
                Ok(None) if key.as_ref().is_none_or(|key| seen.insert((pool.owner.clone(), key.clone()))) => fresh.push(pending),
                // Twice in one batch: the second is answered with the first, once that is committed.
                Ok(None) => self.push_back(pending),
                Ok(Some(id)) => {
                    let _ = pending.answer.send(Ok(Taken { id, new: None }));
                }
                Err(error) => {
                    let _ = pending.answer.send(Err(error));
                }
            }
        }
        fresh
    }

    /// The public id under which a request's key came before.
    pub(crate) async fn before(&self, single: &Single) -> Result<Option<String>, NotAccepted> {
        let (Some(key), owner) = (&single.key, &single.pool.owner) else { return Ok(None) };
        let Some(known) = self.store.keyed(owner, &hash16(key)).await? else { return Ok(None) };
        let id = address(&known.record).map(|(chunk, slot)| self.ids.public(chunk, slot, owner));
        id.filter(|_| known.body_hash == single.body_hash()).ok_or(NotAccepted::Other).map(Some)
    }

    /// Back to those who wait; the task that came with it commits it.
    fn push_back(&self, pending: Pending) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.bytes += pending.single.input.len();
        waiting.requests.push(pending);
    }

    /// Gives every request its slot: what is to be committed, what that makes of each, and what grows afterwards.
    async fn lay_out(
        &self,
        desk: &mut Desk,
        batch: &[Pending],
        now: Timestamp,
    ) -> Result<(Accept, Vec<Taken>, Growings), EngineError> {
        let (mut accept, mut taken, mut growing) = (Accept::default(), Vec::new(), desk.growing.clone());
        let mut tails: HashMap<ChunkId, Tail> = HashMap::new();
        let mut charges: HashMap<ChunkId, Charge> = HashMap::new();
        for Pending { single, .. } in batch {
            let pool = match desk.pools.get(&single.pool) {
                Some(pool) => *pool,
                None => {
                    let pool = self.store.pool(&serde_json::to_string(&single.pool)?).await?;
                    desk.pools.insert(single.pool.clone(), pool);
                    pool
                }
            };
            let deadline = shared_deadline(now, single.deadline);
            let payer = single.payer.as_ref().map(|(payer, _)| (payer.clone(), now.0.div_euclid(DAY_MS)));
            let common = (pool, deadline, payer, single.workload.clone());
            let chunk = match growing.entry(common.clone()) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    let id = fresh_chunk(&self.chance).map_err(EngineError::Spool)?;
                    accept.chunks.push(NewChunk {
                        id,
                        pool,
                        records: 0,
                        bytes: 0,
                        usage: Usage::default(),
                        object: None,
                        deadline,
                        created: now,
                    });
                    accept.workloads.extend(single.workload.clone().map(|name| (id, name)));
                    entry.insert(Growing { id, records: 0, bytes: 0 })
                }
            };
            let (id, slot) = (chunk.id, chunk.records);
            let tail = tails.entry(id).or_insert_with(|| Tail {
                chunk: id,
                first_slot: slot,
                records: 0,
                deadline,
                usage: Usage::default(),
                blob: Vec::new(),
            });
            let about = About { id: single.id.clone(), line: 0, dialect: single.dialect };
            tail::push(&mut tail.blob, &about, &single.input)?;
            tail.records += 1;
            tail.usage += usage_of_input(&single.input);
            chunk.records += 1;
            chunk.bytes += single.input.len() as u64;
            if chunk.records as usize == SLOTS || chunk.bytes >= BYTES_MAX {
                growing.remove(&common);
            }
            if let Some((payer, most)) = &single.payer {
                let charge = Charge { chunk: id, payer: payer.clone(), at: now, most: Money::ZERO };
                charges.entry(id).or_insert(charge).most += *most;
            }
            let owner = &single.pool.owner;
            taken.push(Taken { id: self.ids.public(id, slot as usize, owner), new: Some(deadline) });
            if let Some(key) = &single.key {
                accept.keyed.push(Keyed {
                    day: now.0.div_euclid(DAY_MS),
                    owner: owner.clone(),
                    key_hash: hash16(key),
                    body_hash: single.body_hash(),
                    record: record_id(id, slot as usize),
                });
            }
        }
        accept.tails = tails.into_values().collect();
        accept.tails.sort_by_key(|tail| tail.chunk);
        accept.charges = charges.into_values().collect();
        Ok((accept, taken, growing))
    }

    /// A chunk is about to be written: nothing more goes into it.
    pub(crate) async fn leave(&self, chunk: ChunkId) {
        self.desk.lock().await.growing.retain(|_, growing| growing.id != chunk);
    }
}

/// A deadline that requests of the same time share: earlier than what was asked for, by a 64th of what is left at most. The steps
/// are few, so that those who leave nearly the same time have the same.
fn shared_deadline(now: Timestamp, asked: Timestamp) -> Timestamp {
    let (left, mut step) = (asked.0 - now.0, DEADLINE_STEP_MS_MAX);
    while step > 1 && step > left / 64 {
        step /= 2;
    }
    Timestamp(asked.0.div_euclid(step) * step)
}

fn refuse(batch: Vec<Pending>, why: impl Fn() -> NotAccepted) {
    for pending in batch {
        let _ = pending.answer.send(Err(why()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_deadline_is_never_past_and_never_early_by_more_than_a_64th_of_what_is_left() {
        let now = 1_796_041_261_357;
        for left in [1, 63, 999, 50_000, 300_000, 3_600_000, 86_400_000, 30 * 86_400_000] {
            for later in [0, 1, 17, 4_321] {
                let asked = Timestamp(now + left + later);
                let early = asked.0 - shared_deadline(Timestamp(now), asked).0;
                assert!((0..=(left + later) / 64).contains(&early), "{left} ms: {early} ms early");
            }
        }
        let day = |at: i64| shared_deadline(Timestamp(now + at), Timestamp(now + at + 86_400_000)).0;
        let kept: HashSet<i64> = (0..600).map(|at| day(at * 100)).collect();
        assert!(kept.len() <= 2, "a minute's requests share one, or two at a border");
        assert_eq!(shared_deadline(Timestamp(now), Timestamp(now - 5)), Timestamp(now - 5), "what has passed stays as it is");
    }
}
