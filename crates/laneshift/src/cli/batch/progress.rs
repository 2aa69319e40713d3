//! Live progress on standard error: a bar on a terminal, a line a phase elsewhere.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use laneshift_batch::{Phase, Progress};

use super::receipt::usd;
use crate::clock;

/// What shows progress.
pub(crate) fn shown() -> Arc<dyn Fn(&Progress) + Send + Sync> {
    if std::io::stderr().is_terminal() { bar() } else { lines() }
}

fn bar() -> Arc<dyn Fn(&Progress) + Send + Sync> {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    Arc::new(move |progress| {
        bar.set_length(progress.records);
        bar.set_position(progress.settled + progress.processed);
        bar.set_message(told(progress));
    })
}

fn lines() -> Arc<dyn Fn(&Progress) + Send + Sync> {
    let last = Mutex::new(None);
    Arc::new(move |progress| {
        let state = (progress.phase, progress.settled, progress.jobs.clone(), progress.trouble.clone());
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() != Some(&state) {
            eprintln!("{}/{} {}", progress.settled + progress.processed, progress.records, told(progress));
            *last = Some(state);
        }
    })
}

fn told(progress: &Progress) -> String {
    let what = match progress.phase {
        Phase::Waiting => "waiting",
        Phase::Uploading => "uploading",
        Phase::WaitingForSlot => "waiting for a free job slot at AWS",
        Phase::Running => "running at AWS",
        Phase::Harvesting => "reading results",
        Phase::Calling => "calling on demand",
    };
    let jobs = match &progress.jobs[..] {
        [] => String::new(),
        jobs => format!(" [{}]", jobs.join(", ")),
    };
    let left = progress.expected.map(|at| (at.0 - clock::now().0).max(0)).filter(|ms| *ms > 60_000);
    let left = left.map_or_else(String::new, |ms| format!(", about {} left", length(ms)));
    let trouble = progress.trouble.as_ref().map_or_else(String::new, |why| format!("; trying again: {why}"));
    format!("{what}{jobs}, paid {}{left}{trouble}", usd(progress.paid))
}

/// `5 min`, `3.5 h`, `2.1 d`.
pub(crate) fn length(ms: i64) -> String {
    let minutes = ms as f64 / 60_000.0;
    if minutes < 90.0 {
        format!("{minutes:.0} min")
    } else if minutes < 36.0 * 60.0 {
        format!("{:.1} h", minutes / 60.0)
    } else {
        format!("{:.1} d", minutes / (24.0 * 60.0))
    }
}
