//! What a run would cost and when it would be done, and whether to go ahead.

use std::io::IsTerminal;

use laneshift_batch::{Accepted, Estimate, Outlook, PoolEstimate};
use laneshift_store::Promise;
use laneshift_units::{Money, Timestamp};

use super::progress::length;
use super::receipt::usd;
use crate::error::Error;

/// The estimate for people.
pub(crate) fn text(accepted: &Accepted, estimate: &Estimate, outlook: &Outlook, now: Timestamp) -> String {
    let mut out = String::new();
    for pool in &estimate.pools {
        out += &pool_text(pool, outlook);
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

fn pool_text(pool: &PoolEstimate, outlook: &Outlook) -> String {
    let money = |m: Option<Money>| m.map_or_else(|| "no price".to_owned(), usd);
    let mut out = format!(
        "{} records ({}) for {}, about {} input and {} output tokens\n  in batch about {}, in flex {}, on demand {}\n",
        pool.records,
        pool.spec.shape,
        pool.spec.model,
        pool.usage.input.0,
        pool.usage.output.0,
        money(pool.batch),
        money(pool.flex),
        money(pool.on_demand)
    );
    if let Some(why) = &pool.no_batch {
        out += &format!("  not in batch: {why}; they are called on demand\n");
    } else if pool.records < outlook.records_min {
        out += &format!(
            "  {} records are fewer than the {} of a job: filled up or called on demand, whichever is cheaper\n",
            pool.records, outlook.records_min
        );
    }
    out
}

/// Asks whether to spend.
pub(crate) fn go_ahead() -> Result<(), Error> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::Batch("ask before spending: no terminal to ask on; --yes goes ahead".to_owned()));
    }
    eprint!("Run it? [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    match (read, answer.trim()) {
        (Ok(_), "y" | "Y" | "yes") => Ok(()),
        _ => Err(Error::Batch("go ahead: you said no; nothing was accepted".to_owned())),
    }
}
