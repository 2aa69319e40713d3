//! Verbs aimed at what a store holds.

use laneshift_store::*;
use laneshift_units::Timestamp;

use crate::fixture::*;
use crate::picture::{ATTEMPTS, CHUNKS};
use crate::verb::{PICKS, Verb};

/// The verb as it is run on every store; `model` tells what it is aimed at, `step` when it is run.
pub(crate) async fn aim(verb: &Verb, model: &dyn Store, step: i64) -> Aimed {
    match verb {
        Verb::Bulk { submission: s, body, key } => {
            let mut accept = bulk(&format!("s{s}"), &[10 * (s + 1), 10 * (s + 1) + 1]);
            let new = &mut accept.submissions[0].0;
            (new.body_hash, new.key) = (*body, key.map(|key| format!("k{key}")));
            accept.charges = accept.chunks.iter().map(|chunk| charge(chunk.id.0, 10)).collect();
            accept.workloads = accept.chunks.iter().map(|chunk| (chunk.id, "w".to_owned())).collect();
            Aimed::Accept(accept)
        }
        Verb::Flush { chunk, records, submission: of, key, body, behind } => {
            let filled = model.chunk(ChunkId(*chunk)).await.map_or(0, |c| c.new.records);
            let first_slot = if *behind { 0 } else { filled };
            let of = of.map(|s| (submission(&format!("s{s}"), *body), vec![span(*chunk, first_slot, *records)]));
            Aimed::Accept(Accept {
                submissions: of.into_iter().collect(),
                chunks: vec![growing(*chunk)],
                tails: vec![tail(*chunk, first_slot, *records)],
                keyed: key.map(|key| keyed(key, i64::from(key), *body)).into_iter().collect(),
                charges: if *behind { Vec::new() } else { vec![charge(*chunk, i128::from(*records))] },
                workloads: vec![(ChunkId(*chunk), "other".to_owned())],
            })
        }
        Verb::Intend { again, free, parts, lane, hedge } => {
            let known = attempts(model).await;
            let id = again.and_then(|pick| picked(&known, pick)).unwrap_or(known.len() as u64).min(ATTEMPTS - 2);
            let mut aimed = Vec::new();
            for (chunk, (from, to)) in parts {
                let mut part = members(picked(&chunks(model).await, *chunk).unwrap_or(NONE), *from..*to);
                if *free && let Ok(chunk) = model.chunk(part.chunk).await {
                    part.slots = part.slots.and(&chunk.free());
                }
                aimed.push(part);
            }
            let intent = match lane {
                Lane::Batch => intent(id, aimed),
                lane => Intent { lane: *lane, ..calls(id, aimed) },
            };
            Aimed::Intend(Intent { hedge: *hedge, created: Timestamp(step), ..intent })
        }
        Verb::Move { attempt, from, to, note } => {
            let id = AttemptId(picked(&attempts(model).await, *attempt).unwrap_or(ATTEMPTS - 1));
            let now = model.attempt(id).await.map_or(AttemptState::Intent, |a| a.state);
            let text = note.then(|| format!("at {step}"));
            let (message, arn) = (text.clone().filter(|_| to % 2 == 0), text);
            let change = AttemptChange { arn, message, ended: note.then_some(Timestamp(step)), ..AttemptChange::default() };
            let from = from.map_or(now, |from| AttemptState::ALL[from]);
            Aimed::Move(id, from, AttemptState::ALL[*to], change)
        }
        other => Aimed::AsIs(pick(other, model).await),
    }
}

/// See [`aim`].
pub(crate) enum Aimed {
    Accept(Accept),
    Intend(Intent),
    Move(AttemptId, AttemptState, AttemptState, AttemptChange),
    AsIs(Verb),
}

/// An id that no chunk and no submission has.
const NONE: u64 = CHUNKS - 1;

/// What of the ids a pick means.
fn picked(ids: &[u64], pick: u64) -> Option<u64> {
    let ids = if pick == PICKS - 1 { &[] } else { ids };
    ids.get(pick as usize % ids.len().max(1)).copied()
}

async fn attempts(model: &dyn Store) -> Vec<u64> {
    let mut known = Vec::new();
    for id in 0..ATTEMPTS {
        known.extend(model.attempt(AttemptId(id)).await.is_ok().then_some(id));
    }
    known
}

async fn chunks(model: &dyn Store) -> Vec<u64> {
    let mut known = Vec::new();
    for id in 0..CHUNKS {
        known.extend(model.chunk(ChunkId(id)).await.is_ok().then_some(id));
    }
    known
}

/// The verb with ids in place of picks.
async fn pick(verb: &Verb, model: &dyn Store) -> Verb {
    let (chunks, attempts) = (chunks(model).await, attempts(model).await);
    let submissions = model.submissions().await.expect("there");
    let submissions: Vec<u64> = submissions.iter().map(|s| s.new.id[1..].parse().expect("a number")).collect();
    let mut aimed = verb.clone();
    let aim = |pick: &mut u64, ids: &[u64], none| *pick = picked(ids, *pick).unwrap_or(none);
    match &mut aimed {
        Verb::Seal(c) | Verb::End(c, ..) | Verb::Redact(c, _) | Verb::Replace(c) => aim(c, &chunks, NONE),
        Verb::Settle { attempt, chunk, .. } | Verb::ReplaceResult(chunk, attempt) => {
            aim(attempt, &attempts, ATTEMPTS - 1);
            aim(chunk, &chunks, NONE);
        }
        Verb::Book(a, _) | Verb::Amend(a, _) => aim(a, &attempts, ATTEMPTS - 1),
        Verb::Cancel(s) | Verb::Purge(s) | Verb::MoveSubmission(s, ..) => aim(s, &submissions, NONE),
        Verb::Bulk { .. } | Verb::Flush { .. } | Verb::Intend { .. } | Verb::Move { .. } => {}
        Verb::Forget(_) | Verb::Pool(_) | Verb::Reopen => {}
    }
    aimed
}
