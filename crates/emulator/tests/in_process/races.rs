//! Calls that come between two moments of the driver.

use std::sync::mpsc;

use futures::FutureExt;

use super::{HOUR, ask, create_job, open, status, wait};

#[test]
fn a_stop_between_the_choice_of_a_step_and_its_beginning_holds() {
    // One thread for steps, which is kept busy: so a step can be chosen and not begun.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).start_paused(true).build().expect("a runtime");
    for reached in ["Submitted", "Scheduled"] {
        let folder = tempfile::tempdir().expect("a folder");
        runtime.block_on(async {
            let mut emulator = open(folder.path());
            let path = create_job(&mut emulator).await;
            wait(&mut emulator, &path, reached).await;
            tokio::time::advance(6 * HOUR).await;
            let (release, held) = mpsc::channel::<()>();
            let busy = tokio::task::spawn_blocking(move || held.recv());
            let driver = emulator.clone();
            let mut settled = Box::pin(async move { driver.settle().await });
            for _ in 0..10 {
                assert!((&mut settled).now_or_never().is_none(), "its step waits for a thread");
                tokio::task::yield_now().await;
            }
            assert_eq!(ask(&mut emulator, "POST", &format!("{path}/stop"), "").await.0, 200);
            release.send(()).expect("the thread listens");
            busy.await.expect("it ends").expect("released");
            settled.await;
            assert_eq!(status(&mut emulator, &path).await, "Stopping", "from {reached}");
            tokio::time::advance(HOUR).await;
            emulator.settle().await;
            assert_eq!(status(&mut emulator, &path).await, "Stopped", "from {reached}");
        });
    }
}
