//! What a run would cost and when it would be done, and whether to go ahead.

use std::io::IsTerminal;

use laneshift_batch::{Accepted, Outlook, PoolEstimate, Way};
use laneshift_store::{Lane, Promise};
use laneshift_units::{Money, Timestamp};

use super::progress::length;
use super::receipt::usd;
use crate::error::Error;

/// The estimate for people.
pub(crate) fn text(accepted: &Accepted, estimate: &[PoolEstimate], outlook: &Outlook, now: Timestamp) -> String {
    let mut out = String::new();
    for (pool, way) in estimate.iter().zip(&outlook.ways) {
        out += &pool_text(pool, way);
    }
    if let Some((half, most)) = outlook.expected {
        let rests = match outlook.own_jobs {
            0 => "published experience".to_owned(),
            n => format!("{n} jobs of this queue"),
        };
        out += &format!(
            "expected within {}, nearly certainly within {} ({rests})\n",
            length(half.0 - now.0),
            length(most.0 - now.0)
        );
    }
    let deadline = accepted.submission.deadline;
    out += &match (outlook.promise, outlook.earliest) {
        (Promise::Guaranteed, _) if outlook.expected.is_none() => format!("guaranteed by {deadline}\n"),
        (Promise::Guaranteed, _) => format!("guaranteed by {deadline}: what batch does not answer in time is called on demand\n"),
        (Promise::BestEffort, Some(earliest)) => {
            format!("best effort by {deadline}: at the on-demand rate that may be used, {earliest} could be guaranteed\n")
        }
        (Promise::BestEffort, None) => {
            format!("best effort by {deadline}: no on-demand lane may be used, so what batch does not answer in time expires\n")
        }
    };
    out
}

fn pool_text(pool: &PoolEstimate, way: &Way) -> String {
    let money = |m: Option<Money>| m.map_or_else(|| "no price known".to_owned(), |m| format!("about {}", usd(m)));
    let mut out = format!(
        "{} records ({}) for {}, about {} input and {} output tokens\n  all in batch: {}; in flex: {}; on demand: {}\n",
        pool.records,
        pool.spec.shape,
        pool.spec.model,
        pool.usage.input.0,
        pool.usage.output.0,
        money(pool.batch),
        money(pool.flex),
        money(pool.on_demand)
    );
    out += &format!("  this run: {}\n", money(way.cost));
    if way.jobs > 0 {
        let fillers = match way.fillers {
            0 => String::new(),
            n => format!(", filled up by {n} to the {} that a job needs", way.records_min),
        };
        let jobs = if way.jobs == 1 { "a batch job".to_owned() } else { format!("{} batch jobs", way.jobs) };
        out += &format!("    {} in {jobs}{fillers}\n", way.in_jobs);
    }
    if let Some((lane, called)) = way.called {
        let lane = if lane == Lane::Flex { "in the flex tier" } else { "on demand" };
        let why = match &pool.no_batch {
            Some(why) => why.clone(),
            None if pool.records < way.records_min => {
                format!("they are fewer than the {} of a job, and this is the cheapest way", way.records_min)
            }
            None => "the deadline is too near for a job".to_owned(),
        };
        out += &format!("    {called} called one by one {lane}: {why}\n");
    }
    if way.waiting > 0 {
        let why = match &pool.no_batch {
            Some(why) => format!("{why}, and no on-demand lane may be used"),
            None => format!(
                "they are fewer than the {} of a job, and neither filling up (--no-pad) nor an on-demand lane (--rescue) is open",
                way.records_min
            ),
        };
        out += &format!("    {} wait for others until the deadline, and expire then: {why}\n", way.waiting);
    }
    out
}

/// Asks whether to spend.
pub(crate) fn go_ahead() -> Result<(), Error> {
    if !std::io::stdin().is_terminal() {
        let reason = "there is no terminal to ask on; --yes goes ahead without asking".to_owned();
        return Err(Error::Argument { what: "whether to spend".to_owned(), reason });
    }
    eprint!("Run it? [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    match (read, answer.trim()) {
        (Ok(_), "y" | "Y" | "yes") => Ok(()),
        _ => Err(Error::Declined),
    }
}
