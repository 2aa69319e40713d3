//! The signals that end a server.

use tokio::signal::unix::{SignalKind, signal};

/// Ends at Ctrl-C or SIGTERM.
pub(super) fn stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
