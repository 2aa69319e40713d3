//! Where a simulation may put something of its own: around the queue, around what is sent to Bedrock, and at each durable step.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use laneshift_aws::Transport;
use laneshift_gateway::InProcess;
use laneshift_provider::faults::Rule;
use laneshift_provider::settings::Settings;
use laneshift_store::Store;
use laneshift_units::Timestamp;

/// Stands between two parts.
pub type Between<T> = Arc<dyn Fn(T) -> T + Send + Sync>;

/// Where the parts of a process meet. Each is asked again whenever the process begins.
#[derive(Clone)]
pub struct Seams {
    /// Around the queue.
    pub store: Between<Arc<dyn Store>>,
    /// Around what the batch engine sends.
    pub transport: Between<Transport>,
    /// Around what the gateway sends.
    pub wire: Between<InProcess>,
    /// Told of every durable step, by name.
    pub step: Arc<dyn Fn(&str) + Send + Sync>,
    /// How the process dies at one of them.
    pub death: Death,
}

impl Default for Seams {
    fn default() -> Self {
        Self {
            store: Arc::new(|store| store),
            transport: Arc::new(|transport| transport),
            wire: Arc::new(|wire| wire),
            step: Arc::new(|_| {}),
            death: Death::default(),
        }
    }
}

/// What a planned month runs under.
#[derive(Clone, Default)]
pub struct Conditions {
    /// What the emulated Bedrock is told.
    pub settings: Settings,
    /// What goes wrong with it.
    pub faults: Vec<Rule>,
    /// What stands between the parts.
    pub seams: Seams,
    /// Things go wrong: clients send with an idempotency key, a call may stay without an answer, and what was accepted may end
    /// without one. Books are held against the bill after each step.
    pub troubled: bool,
    /// What is other than it was.
    pub what_if: WhatIf,
}

impl Conditions {
    /// Whether what was accepted may end without an answer.
    pub(crate) const fn may_miss(&self) -> bool {
        self.troubled || self.what_if.outage.is_some() || self.what_if.deadline_ms.is_some()
    }
}

/// What is other than it was.
#[derive(Clone, Debug, Default)]
pub struct WhatIf {
    /// Calls, by their place in the traffic, that wait up to a day too, whatever the policy says.
    pub wait_too: HashSet<usize>,
    /// What waits is due after so long, whatever the policy says.
    pub deadline_ms: Option<i64>,
    /// A region does not answer.
    pub outage: Option<Outage>,
}

/// A region whose Bedrock does not answer. Its jobs go on, and its S3 answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Which.
    pub region: String,
    /// From then ...
    pub from: Timestamp,
    /// ... to then.
    pub to: Timestamp,
}

impl Outage {
    /// Whether it strikes a region at a moment.
    pub(crate) fn strikes(&self, region: &str, now: Timestamp) -> bool {
        self.region == region && self.from <= now && now < self.to
    }
}

impl From<Settings> for Conditions {
    fn from(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }
}

/// How gateway and batch engine die at a seam: both are dropped in the middle of what they do, and opened again over the same folder
/// and queue. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Death(Arc<AtomicBool>);

/// What is unwound with.
pub(crate) struct Dead;

impl Death {
    /// Here they die.
    pub fn here(&self) -> ! {
        // Work that they do beside what they are waited for is another task, whose end they would survive.
        self.0.store(true, Ordering::Relaxed);
        std::panic::resume_unwind(Box::new(Dead))
    }

    /// Whether they have died since somebody asked.
    pub(crate) fn came(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}
