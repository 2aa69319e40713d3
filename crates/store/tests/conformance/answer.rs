//! What a store answers to a verb.

use laneshift_store::*;

use crate::aim::Aimed;
use crate::fixture::*;
use crate::verb::Verb;

/// What a store answers. Errors are compared by kind; the database itself must not fail.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Nothing,
    Slots(Bitmap),
    Count(u64),
    Objects(Vec<String>),
    Conflict,
    Other,
    Missing,
}

fn answer<T>(result: Result<T, StoreError>, show: impl Fn(T) -> Answer) -> Answer {
    match result {
        Ok(value) => show(value),
        Err(StoreError::Conflict(_)) => Answer::Conflict,
        Err(StoreError::Other(_)) => Answer::Other,
        Err(StoreError::Missing(_)) => Answer::Missing,
        Err(StoreError::Database(why)) => panic!("{why}"),
    }
}

const SUBMISSION: [SubmissionState; 3] = [SubmissionState::Open, SubmissionState::Cancelled, SubmissionState::Delivered];

pub(crate) async fn run(store: &dyn Store, aimed: &Aimed) -> Answer {
    match aimed {
        Aimed::Accept(accept) => answer(store.accept(accept).await, |()| Answer::Nothing),
        Aimed::Intend(intent) => answer(store.intend(intent).await, |()| Answer::Nothing),
        Aimed::Move(id, from, to, change) => answer(store.move_attempt(*id, *from, *to, change).await, |()| Answer::Nothing),
        Aimed::AsIs(verb) => run_as_is(store, verb).await,
    }
}

async fn run_as_is(store: &dyn Store, verb: &Verb) -> Answer {
    let nothing = |()| Answer::Nothing;
    let map = |&(from, to): &(usize, usize)| slots(from..to);
    match verb {
        Verb::Seal(chunk) => {
            let records = store.chunk(ChunkId(*chunk)).await.map_or(0, |known| known.new.records);
            answer(store.seal(ChunkId(*chunk), records, &format!("spool/{chunk}"), 50).await, nothing)
        }
        Verb::Forget(day) => answer(store.forget_keys(*day).await, Answer::Count),
        Verb::MoveSubmission(s, from, to) => {
            answer(store.move_submission(&format!("s{s}"), SUBMISSION[*from], SUBMISSION[*to]).await, nothing)
        }
        Verb::Settle { attempt, chunk, ok, failed } => {
            answer(store.settle(&settle(*attempt, *chunk, map(ok), map(failed))).await, Answer::Slots)
        }
        Verb::End(chunk, part, expired) => {
            let how = if *expired { Ending::Expired } else { Ending::Cancelled };
            answer(store.end(ChunkId(*chunk), &map(part), how).await, Answer::Slots)
        }
        Verb::Cancel(s) => answer(store.cancel(&format!("s{s}")).await, Answer::Count),
        Verb::Redact(chunk, part) => answer(store.redact(ChunkId(*chunk), &map(part)).await, nothing),
        Verb::Book(attempt, pico) => answer(store.book(AttemptId(*attempt), &entries(*pico)).await, nothing),
        Verb::Amend(attempt, pico) => answer(store.amend(AttemptId(*attempt), &entries(*pico)).await, nothing),
        Verb::Purge(s) => answer(store.purge(&format!("s{s}")).await, |purged| {
            let mut objects = purged.objects;
            objects.sort();
            Answer::Objects(objects)
        }),
        Verb::Replace(chunk) => answer(store.replace(ChunkId(*chunk), "spool/new").await, nothing),
        Verb::ReplaceResult(chunk, attempt) => {
            answer(store.replace_result(ChunkId(*chunk), AttemptId(*attempt), "results/new").await, nothing)
        }
        Verb::Pool(n) => answer(store.pool(&format!("p{n}")).await, |id| Answer::Count(id.0)),
        Verb::Reopen => Answer::Nothing,
        Verb::Bulk { .. } | Verb::Flush { .. } | Verb::Intend { .. } | Verb::Move { .. } => unreachable!("aimed"),
    }
}
