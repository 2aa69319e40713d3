//! Starts the threads of an ingest and puts together what they bring.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::thread;

use super::options::{Options, RowSink};
use super::outcome::Outcome;
use super::worker::{Done, Shared, Worker};
use crate::convert::Conversion;
use crate::error::LedgerError;
use crate::inputs::Input;
use crate::journal::{Journal, Past};
use crate::reject::write_rejects;

/// Reads the inputs into the ledger of the folder `out` and gives every row, those of earlier runs included, to sinks
/// that `make_sink` makes, one for each thread.
///
/// # Errors
/// [`LedgerError::Mismatch`] when the ledger was made from other evidence or with other options, others when the ledger
/// cannot be written or read. What is wrong with an input is no error but a reject.
pub fn ingest<S: RowSink>(
    inputs: &[Input],
    out: &Path,
    options: &Options<'_>,
    make_sink: &dyn Fn() -> S,
) -> Result<Outcome<S>, LedgerError> {
    let (journal, past) = Journal::open(out, &options.recorded())?;
    check_evidence(inputs, out, &past)?;
    let shared = Shared {
        options: *options,
        conversion: Conversion {
            metadata_keys: options.metadata_keys,
            deadline_keys: options.deadline_keys,
            pseudonyms: options.pseudonyms,
        },
        inputs,
        journal: &journal,
        past: &past,
        next: AtomicUsize::new(0),
        next_segment: AtomicU64::new(past.next_segment),
        failed: AtomicBool::new(false),
    };
    let threads = options.threads.get().min(inputs.len() + past.segments.len()).max(1);
    let workers: Vec<_> = (0..threads).map(|n| Worker::new(n, &shared, make_sink())).collect();
    let results: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = workers.into_iter().map(|worker| scope.spawn(|| worker.run())).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let done = results.into_iter().collect::<Result<Vec<_>, _>>()?;
    let outcome = put_together(past, done);
    write_rejects(out, &outcome.rejects)?;
    Ok(outcome)
}

/// Refuses to mix evidence: what was taken must still be there, unchanged, or rows would be missing or count twice.
fn check_evidence(inputs: &[Input], out: &Path, past: &Past) -> Result<(), LedgerError> {
    let by_uri: HashMap<&str, &Input> = inputs.iter().map(|input| (input.uri.as_str(), input)).collect();
    let mut taken: Vec<_> = past.inputs.values().filter(|p| p.done || p.upto.is_some()).collect();
    taken.sort_by(|a, b| a.uri.cmp(&b.uri));
    for progress in taken {
        let reason = match by_uri.get(progress.uri.as_str()) {
            None => "is in it but not among the evidence",
            Some(input) if input.size != progress.size || input.stamp != progress.stamp => "has changed since it was read",
            Some(_) => continue,
        };
        let reason = format!("{} {reason}", progress.uri);
        return Err(LedgerError::Mismatch { ledger: out.join("ledger").display().to_string(), reason });
    }
    Ok(())
}

fn put_together<S>(past: Past, done: Vec<Done<S>>) -> Outcome<S> {
    let Past { mut inputs, segments, mut rejects, mut more_rejects, mut counts, .. } = past;
    let mut rows: u64 = segments.iter().map(|(_, rows)| rows).sum();
    let (mut sinks, mut bills) = (Vec::new(), Vec::new());
    let (mut stored_bytes, mut rows_of_earlier_runs, mut interrupted) = (0, 0, false);
    for worker in done {
        for checkpoint in worker.checkpoints {
            rows += checkpoint.rows;
            rejects.extend(checkpoint.rejects);
            counts += checkpoint.counts;
            inputs.extend(checkpoint.inputs.into_iter().map(|input| (input.uri.clone(), input)));
            for (kind, n) in checkpoint.more_rejects {
                *more_rejects.entry(kind).or_default() += n;
            }
        }
        sinks.push(worker.sink);
        bills.extend(worker.bills);
        stored_bytes += worker.stored_bytes;
        rows_of_earlier_runs += worker.rows_of_earlier_runs;
        interrupted |= worker.interrupted;
    }
    bills.sort_by(|a, b| a.uri.cmp(&b.uri));
    let mut rejects_by_kind = more_rejects;
    for reject in &rejects {
        *rejects_by_kind.entry(reject.kind().to_owned()).or_default() += 1;
    }
    let files = inputs.values().filter(|input| input.done).count() as u64;
    Outcome { sinks, rows, rows_of_earlier_runs, files, stored_bytes, counts, rejects, rejects_by_kind, bills, interrupted }
}
