//! The process dies at seams: before and after what it sends, before and after what it commits, and at durable steps.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use laneshift_provider::chance;
use laneshift_sim::{Between, Death, Seams};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use crate::bent::{Bend, Bent};

/// Passings of a seam, counted over all lives of a process, at which it dies.
#[derive(Clone, Default)]
pub(crate) struct Deaths {
    passed: Arc<Mutex<Passed>>,
    death: Death,
}

/// How far it is.
#[derive(Default)]
struct Passed {
    seams: u64,
    left: BTreeSet<u64>,
    came: u64,
}

impl Deaths {
    /// Up to four; the later, the rarer.
    pub(crate) fn drawn(seed: u64) -> Self {
        let at = |n: u64| {
            let share = chance::share(seed, &format!("death {n}"));
            1 + (share * share * 700.0) as u64
        };
        let left = (0..chance::draw(seed, "deaths") % 5).map(at).collect();
        Self { passed: Arc::new(Mutex::new(Passed { left, ..Passed::default() })), death: Death::default() }
    }

    /// How many have come.
    pub(crate) fn came(&self) -> u64 {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).came
    }

    pub(crate) fn pass(&self) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.seams += 1;
        let n = passed.seams;
        if passed.left.remove(&n) {
            passed.came += 1;
            drop(passed);
            self.death.here();
        }
    }

    /// Around what is sent: before it, and after its answer.
    fn around<Q, A, E>(self) -> Between<BoxCloneSyncService<Q, A, E>>
    where
        Q: Send + 'static,
        A: Send + 'static,
        E: Send + 'static,
    {
        Arc::new(move |inner| {
            let deaths = self.clone();
            BoxCloneSyncService::new(tower::service_fn(move |request| {
                let (deaths, inner) = (deaths.clone(), inner.clone());
                async move {
                    deaths.pass();
                    let answer = inner.oneshot(request).await;
                    deaths.pass();
                    answer
                }
            }))
        })
    }

    /// Seams that lead over here.
    pub(crate) fn seams(&self) -> Seams {
        let (store, sent, passed, step) = (self.clone(), self.clone(), self.clone(), self.clone());
        Seams {
            store: Arc::new(move |inner| {
                let deaths = store.clone();
                Arc::new(Bent::over(inner, Bend::Nothing, Arc::new(move || deaths.pass())))
            }),
            transport: sent.around(),
            wire: passed.around(),
            step: Arc::new(move |_| step.pass()),
            death: self.death.clone(),
        }
    }
}
