//! The log of a server: JSON lines on standard error, without prompts, answers and secrets.

use tracing_subscriber::EnvFilter;

/// What is logged, when the environment does not say.
const LEVEL: &str = "warn";

/// Begins to log; `LANESHIFT_LOG=info` logs every call.
pub(super) fn begin() {
    let filter = EnvFilter::try_from_env("LANESHIFT_LOG").unwrap_or_else(|_| EnvFilter::new(LEVEL));
    let log = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).with_writer(std::io::stderr);
    // A second beginning in one process changes nothing.
    let _ = log.try_init();
}
