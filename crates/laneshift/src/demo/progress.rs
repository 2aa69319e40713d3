//! How far a month is, on standard error. Silent when nobody looks.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use laneshift_sim::Progress;

/// A bar over the requests of a month.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
        let template = "{msg} {bar:30} {pos}/{len} requests, {eta} left";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what.to_owned());
        Self(bar)
    }

    pub(crate) fn at(&self, progress: Progress) {
        self.0.set_length(progress.of);
        self.0.set_position(progress.done);
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
