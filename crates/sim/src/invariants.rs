//! What must be true after each step of a planned month. The first that is not stops it, with the seed and the last events.
//!
//! What gateway and batch lane know is read from outside: through the gateway's own surface, from the queue, and from Bedrock.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use laneshift_catalog::prices::Tariff;
use laneshift_provider::jobs::{Job, Status, arn};
use laneshift_provider::quotas;
use laneshift_provider::settings::Settings;
use laneshift_store::{Attempt, AttemptId, AttemptState, Bitmap, ChunkId, Lane, Store, StoreError};
use laneshift_units::{Deadline, Money, PriceMode, Region, Timestamp, Tokens, Usage};
use serde_json::Value;

use crate::gated::Books;

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// What is booked as paid is billed, and what is billed is booked, up to open bounds.
    Books,
    /// What was accepted has ended when it is due.
    Answered,
    /// What was accepted can be asked for, and an answer stays what it is, byte for byte.
    SameBytes,
    /// An answer is its own request's.
    OwnAnswer,
    /// Bedrock has one job at most for an intent, and none without.
    OneJob,
    /// No record is in two open attempts, but for hedges.
    Exclusion,
    /// A job is as large as its model's quotas let it be.
    JobSize,
    /// No job is created without a slot for it.
    JobSlots,
    /// A call that can wait is not sent where what this gateway has sent leaves no room.
    OnDemandQuota,
    /// The lane that was chosen answers in time, by what it promises.
    InTime,
}

impl Invariant {
    /// The name that an error carries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Books => "the books hold the bill",
            Self::Answered => "what was accepted has ended when it is due",
            Self::SameBytes => "an answer stays what it is",
            Self::OwnAnswer => "an answer is its own request's",
            Self::OneJob => "one job for an intent",
            Self::Exclusion => "a record is in one open attempt",
            Self::JobSize => "a job is within its quotas",
            Self::JobSlots => "a job has a slot",
            Self::OnDemandQuota => "what can wait is sent within the quota",
            Self::InTime => "a lane was chosen that is in time",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// What was seen instead.
    pub seen: String,
    /// The company's seed.
    pub seed: u64,
    /// When.
    pub at: Timestamp,
    /// The last events before it, oldest first.
    pub events: Vec<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invariant, seen, seed, at, events } = self;
        write!(f, "seed {seed}, {at}: it does not hold that {invariant}: {seen}; the last events:")?;
        events.iter().try_for_each(|event| write!(f, "\n  {event}"))
    }
}

/// What is wrong, before it is known where.
pub(crate) type Found = Result<(), (Invariant, String)>;

/// Members of open attempts that are no hedges do not meet.
pub(crate) fn exclusion(open: &[Attempt]) -> Found {
    let mut taken: BTreeMap<ChunkId, Bitmap> = BTreeMap::new();
    for attempt in open.iter().filter(|attempt| attempt.state.is_open() && !attempt.intent.hedge) {
        for members in &attempt.intent.members {
            let before = taken.entry(members.chunk).or_default();
            let twice = before.and(&members.slots);
            if !twice.is_empty() {
                let seen =
                    format!("{} records of chunk {} are also in attempt {}", twice.count(), members.chunk, attempt.intent.id);
                return Err((Invariant::Exclusion, seen));
            }
            *before = before.or(&members.slots);
        }
    }
    Ok(())
}

/// The attempt that a job was made for.
fn attempt_of(job: &Job) -> Option<AttemptId> {
    let id = job.request.job_name.strip_prefix("laneshift-")?;
    u64::from_str_radix(id, 16).ok().map(AttemptId)
}

/// Each job is one intent's, no intent has two, and what was taken back does not run.
pub(crate) async fn jobs(jobs: &[Job], store: &dyn Store, settings: &Settings) -> Result<Found, StoreError> {
    let mut of: BTreeMap<AttemptId, &Job> = BTreeMap::new();
    let wrong = |job: &Job, what: String| Ok(Err((Invariant::OneJob, format!("job {} {what}", job.request.job_name))));
    for job in jobs {
        let Some(id) = attempt_of(job) else { return wrong(job, "is nobody's".to_owned()) };
        if let Some(first) = of.insert(id, job) {
            return wrong(job, format!("is there twice, as {} and {}", first.id, job.id));
        }
        let attempt = match store.attempt(id).await {
            Ok(attempt) => attempt,
            Err(StoreError::Missing(_)) => return wrong(job, "has no intent".to_owned()),
            Err(error) => return Err(error),
        };
        if attempt.arn.as_ref().is_some_and(|known| *known != arn(job)) {
            return wrong(job, format!("is {}, and the queue knows {:?}", arn(job), attempt.arn));
        }
        let ran = matches!(job.status, Status::Completed | Status::PartiallyCompleted);
        if attempt.state == AttemptState::Revoked && attempt.arn.is_none() && ran {
            return wrong(job, "ran although it was taken back".to_owned());
        }
        if let size @ Err(_) = job_size(job, &attempt, settings) {
            return Ok(size);
        }
    }
    Ok(Ok(()))
}

/// The files of a job against the quotas that Bedrock holds them against.
fn job_size(job: &Job, attempt: &Attempt, settings: &Settings) -> Found {
    let (Some(model), Some(intent)) = (job.base_model(), &attempt.intent.job) else { return Ok(()) };
    let limits = quotas::job_limits(settings, model);
    let manifest: Value = serde_json::from_str(&intent.manifest).unwrap_or_default();
    let parts = manifest["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |name: &str| parts.iter().filter_map(|part| part[name].as_u64()).collect::<Vec<_>>();
    let (records, bytes) = (of("records"), of("bytes"));
    let (all, all_bytes) = (records.iter().sum::<u64>(), bytes.iter().sum::<u64>());
    let fits = (limits.records_min..=limits.records_max).contains(&all)
        && all_bytes <= limits.job_bytes_max
        && records.iter().all(|records| *records <= limits.file_records_max)
        && bytes.iter().all(|bytes| *bytes <= limits.file_bytes_max);
    let seen = || {
        let name = &job.request.job_name;
        format!("job {name} has files of {records:?} records and {bytes:?} bytes, and the quotas are {limits:?}")
    };
    fits.then_some(()).ok_or_else(|| (Invariant::JobSize, seen()))
}

/// What is booked, what may be, and the bill. Jobs that have ended and are not booked yet are known to the token.
pub(crate) fn books(booked: Books, unbooked: Books) -> Found {
    let Books { paid, bound, billed } = booked;
    let least = paid + unbooked.paid;
    let most = least + bound + unbooked.bound;
    let seen = || {
        let [billed, paid, bound, job, call] = [billed, paid, bound, unbooked.paid, unbooked.bound].map(Money::to_exact_string);
        format!(
            "${billed} is billed; ${paid} is booked, and ${bound} more may be; of jobs ${job} and of calls at most ${call} is not booked yet"
        )
    };
    (least <= billed && billed <= most).then_some(()).ok_or_else(|| (Invariant::Books, seen()))
}

/// What is billed, or may be, of attempts that are not booked.
pub(crate) async fn unbooked(
    jobs: &[Job],
    store: &dyn Store,
    price: &dyn Fn(&Job, Tokens, &Usage) -> Money,
) -> Result<Books, StoreError> {
    let mut sum = Books::default();
    let costs = store.costs().await?;
    for job in jobs {
        let booked = attempt_of(job).is_some_and(|id| costs.contains_key(&id));
        let Some(cut) = job.cut.as_ref().filter(|_| !booked && job.status.is_terminal()) else { continue };
        for (tier, input, output) in &cut.usage {
            let usage = Usage { input: Tokens(*input), output: Tokens(*output), ..Usage::default() };
            sum.paid += price(job, Tokens(*tier), &usage);
        }
    }
    for attempt in store.open_attempts().await? {
        if attempt.intent.lane != Lane::Batch && !costs.contains_key(&attempt.intent.id) {
            sum.bound += attempt.intent.bound.unwrap_or(Money::ZERO);
        }
    }
    Ok(sum)
}

/// What a job's tokens cost, by the catalogue that the batch lane books by.
pub(crate) fn job_price(catalog: &laneshift_catalog::prices::Catalog, job: &Job, tier: Tokens, usage: &Usage) -> Money {
    let tariff = Tariff::of(catalog, &job.model, &Region::new(&job.region));
    tariff.cost(PriceMode::Batch, tier, usage).unwrap_or(Money::ZERO)
}

/// The flex lane promises an answer within four minutes, and takes only what can wait so long.
pub(crate) fn in_time(decision: &Value) -> Found {
    const FLEX_S: u64 = 240;
    let (lane, deadline) = (decision["lane"].as_str().unwrap_or_default(), decision["deadline"].as_str().unwrap_or_default());
    let wait_s = Deadline::parse(deadline).map_or(0, |deadline| deadline.wait().as_secs());
    let late = lane.starts_with("flex") && wait_s < FLEX_S && decision["by"] != "tier";
    if late { Err((Invariant::InTime, format!("{decision} is chosen, and flex takes up to {FLEX_S} s"))) } else { Ok(()) }
}

/// Whether a call that was decided about like this may be held back.
pub(crate) fn can_wait(decision: &Value) -> bool {
    Deadline::parse(decision["deadline"].as_str().unwrap_or_default()).is_ok_and(|deadline| deadline > Deadline::Seconds)
}

/// What an answer is told apart by.
pub(crate) fn mark_of(answer: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    answer.to_string().hash(&mut hasher);
    hasher.finish()
}

/// The input tokens that an answer names, cached ones too, as the model's family spells them.
pub(crate) fn input_of(response: &Value) -> Option<u64> {
    const NAMES: [&str; 5] = ["inputTokens", "input_tokens", "prompt_tokens", "prompt_token_count", "inputTextTokenCount"];
    const CACHED: [&str; 4] =
        ["cacheReadInputTokens", "cacheWriteInputTokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
    let usage = response.get("usage").unwrap_or(response);
    let count = |name: &&str| usage.get(*name)?.as_u64();
    Some(NAMES.iter().find_map(count)? + CACHED.iter().filter_map(count).sum::<u64>())
}

#[cfg(test)]
mod tests {
    use laneshift_store::{Intent, Members, PoolId};

    use super::*;

    fn attempt(id: u64, slots: std::ops::Range<usize>, hedge: bool) -> Attempt {
        let members = vec![Members { chunk: ChunkId(7), slots: Bitmap::range(slots.clone()) }];
        let (pool, created, records) = (PoolId(1), Timestamp(0), slots.len() as u64);
        let intent =
            Intent { id: AttemptId(id), pool, lane: Lane::Batch, job: None, records, bound: None, hedge, created, members };
        let (state, arn, provider_state, message, started, ended) = (AttemptState::Created, None, None, None, None, None);
        Attempt { intent, state, arn, provider_state, message, started, ended }
    }

    #[test]
    fn a_record_in_two_open_attempts_is_found_unless_one_is_a_hedge() {
        assert_eq!(exclusion(&[attempt(1, 0..5, false), attempt(2, 5..9, false), attempt(3, 0..9, true)]), Ok(()));
        let (invariant, seen) = exclusion(&[attempt(1, 0..5, false), attempt(2, 4..9, false)]).expect_err("slot 4 is in both");
        assert_eq!((invariant, seen.starts_with("1 records")), (Invariant::Exclusion, true), "{seen}");
    }

    #[test]
    fn the_flex_lane_is_in_time_for_what_can_wait_minutes() {
        let chosen =
            |lane: &str, deadline: &str| in_time(&serde_json::json!({ "lane": lane, "deadline": deadline, "by": "header" }));
        assert_eq!((chosen("flex", "hour"), chosen("standard", "seconds")), (Ok(()), Ok(())));
        assert!(chosen("flex of upstream 2", "seconds").is_err());
    }
}
