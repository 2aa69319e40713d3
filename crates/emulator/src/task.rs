//! Work that goes on when nobody waits for it any more: a call whose client hung up, a step that an endpoint had begun.

use std::panic;

/// Does work in a task of its own and waits for it. Who stops waiting does not stop the work; only the end of the runtime does.
#[expect(clippy::disallowed_methods, reason = "it is to outlive its caller, who hears of its panic while he waits")]
pub(crate) async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(reason) => panic::resume_unwind(reason),
            // The runtime ends, and its tasks with it: the caller is one of them.
            Err(_) => std::future::pending().await,
        },
    }
}
