//! Progress of a long read on standard error: bytes, rate, time left. Silent when nobody looks.

use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use laneshift_ledger::ingest::Progress;

/// A bar over the bytes of all inputs.
pub(super) struct Bar {
    bar: ProgressBar,
    rows: AtomicU64,
}

impl Bar {
    pub(super) fn new(total_bytes: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::stderr_with_hz(4));
        let template = "reading {bar:30} {bytes}/{total_bytes} at {bytes_per_sec}, {eta} left, {msg} records";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message("0");
        Self { bar, rows: AtomicU64::new(0) }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn bytes(&self, n: u64) {
        self.bar.inc(n);
    }

    fn rows(&self, n: u64) {
        let seen = self.rows.fetch_add(n, Ordering::Relaxed) + n;
        self.bar.set_message(seen.to_string());
    }

    fn file_done(&self) {}
}
