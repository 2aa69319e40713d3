//! A month as planned: the same requests through the gateway, under a policy. What the policy lets wait is sent as its owner would send
//! it then, with `Prefer: respond-async`; its clients ask for the decision, and nothing else about a request changes but where things go wrong on purpose.

mod check;
mod clients;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;

use futures::FutureExt;
use laneshift_catalog::policy::Policy;
use laneshift_example::Company;
use laneshift_units::{Money, Timestamp};

use crate::aws::{Aws, gateway_principal, role_of};
use crate::error::SimError;
use crate::month::{Month, Progress, by_principal};
use crate::node::{Ground, Node, TURN_MS};
use crate::seams::{Conditions, Dead};
use crate::traffic::{Patience, Traffic};
use crate::watch::Watch;
use clients::Accepted;

/// What is late is answered by then.
const AFTERMATH_MS: i64 = 3 * 24 * HOUR_MS;
const HOUR_MS: i64 = 3_600_000;
/// A process that died begins again after so long.
const RESTART_MS: i64 = 5_000;
/// Processes that may die one after the other before one takes a turn.
const DEATHS_MAX: usize = 100;

/// What gateway and batch lane have booked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Paid.
    pub paid: Money,
    /// What may have been paid beyond that.
    pub bound: Money,
    /// What was billed for calls that passed the gateway; those that AWS makes itself do not.
    pub billed: Money,
}

/// Everything that stands between the clients and Bedrock, and what its clients know.
struct Planned<'a> {
    company: &'a Company,
    conditions: Conditions,
    aws: Aws,
    watch: Watch,
    ground: Ground,
    node: Node,
    next_turn: Timestamp,
    /// When the books are held against the bill.
    next_books: Timestamp,
    /// Events when they last were.
    checked: u64,
    /// What was accepted, by its place here; when each is due.
    accepted: Vec<Accepted>,
    due: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// What is asked for again next.
    again: usize,
    month: Month,
}

/// Runs a company's month through a gateway under a policy. After each step the invariants are checked, among them that the books
/// are what was billed.
///
/// # Errors
/// [`SimError`]; [`SimError::Broken`] with the first invariant that does not hold.
pub async fn as_planned(
    traffic: &Traffic,
    conditions: impl Into<Conditions>,
    policy: &Path,
    folder: &Path,
    progress: &dyn Fn(Progress),
) -> Result<(Month, Books), SimError> {
    let patience = Patience::new(&traffic.company, &Policy::open(policy)?.rules);
    let calls = &traffic.calls;
    let mut planned = Planned::open(traffic, conditions.into(), policy, folder).await?;
    for (n, call) in calls.iter().enumerate() {
        planned.until(call.at).await?;
        let waits_too = planned.conditions.what_if.wait_too.contains(&n);
        planned.call(call, (patience.may_wait(call), waits_too)).await?;
        planned.month.requests += 1;
        if planned.month.requests.is_multiple_of(64) {
            progress(Progress { done: planned.month.requests, of: calls.len() as u64 });
        }
    }
    while let Some(Reverse((due, _))) = planned.due.peek() {
        let due = *due;
        planned.until(due).await?;
    }
    planned.close().await
}

impl<'a> Planned<'a> {
    async fn open(traffic: &'a Traffic, conditions: Conditions, policy: &Path, folder: &Path) -> Result<Self, SimError> {
        let company = &traffic.company;
        let outage = conditions.what_if.outage.clone();
        let aws = Aws::open(&folder.join("aws"), traffic, conditions.settings.clone(), outage)?;
        let watch = Watch::new(aws.clock.clone());
        let data = folder.join("gateway");
        std::fs::create_dir_all(&data)?;
        let ground = Ground::new(traffic, data, policy, conditions.seams.clone())?;
        let node = begun(&ground, &aws, &watch).await?;
        aws.emulator.set_faults(conditions.faults.clone(), false).map_err(SimError::Refused)?;
        Ok(Self {
            company,
            conditions,
            aws,
            watch,
            ground,
            node,
            next_turn: company.start,
            next_books: company.start,
            checked: 0,
            accepted: Vec::new(),
            due: BinaryHeap::new(),
            again: 0,
            month: Month::default(),
        })
    }

    /// Lets the process do something. When it dies meanwhile, it begins again, and nobody has heard of anything.
    async fn alive<T>(&mut self, work: impl AsyncFnOnce(Node) -> T) -> Result<Option<T>, SimError> {
        let done = AssertUnwindSafe(work(self.node.clone())).catch_unwind().await;
        let died = self.ground.seams.death.came();
        match done {
            Ok(done) if !died => return Ok(Some(done)),
            Err(panic) if !panic.is::<Dead>() => resume_unwind(panic),
            Ok(_) | Err(_) => {}
        }
        self.watch.note(|| "the process died".to_owned());
        self.aws.until(Timestamp(self.aws.clock.now().0 + RESTART_MS)).await;
        self.node = begun(&self.ground, &self.aws, &self.watch).await?;
        Ok(None)
    }

    /// Time goes on to a moment: Bedrock's jobs move, the batch lane takes its turns, and what is due is asked for.
    async fn until(&mut self, moment: Timestamp) -> Result<(), SimError> {
        loop {
            let due = self.due.peek().map(|Reverse((due, _))| *due).filter(|due| *due <= self.next_turn);
            let next = due.unwrap_or(self.next_turn);
            if next > moment {
                break;
            }
            self.aws.until(next).await;
            if due.is_some() {
                self.ask_for_what_is_due().await?;
                continue;
            }
            self.turn().await?;
            self.next_turn = Timestamp(next.0 + TURN_MS);
        }
        self.aws.clock.set(moment);
        Ok(())
    }

    async fn turn(&mut self) -> Result<(), SimError> {
        let turning = async |node: Node| {
            node.later.engine.turn().await?;
            node.gateway.end_jobs(&node.later).await
        };
        match self.alive(turning).await? {
            // It is told, and tried again at the next turn.
            Some(Err(error)) if self.conditions.troubled || self.aws.is_out(&self.ground.place.region) => {
                self.watch.note(|| format!("a turn failed: {error}"))
            }
            Some(turned) => turned?,
            None => {}
        }
        let waiting = self.waiting().await?;
        self.month.queue_max = self.month.queue_max.max(waiting);
        self.check_turn().await
    }

    /// The end of the month: nothing is under way any more, and the books are held against the bill.
    async fn close(mut self) -> Result<(Month, Books), SimError> {
        // What was never answered was never billed either: that would be no saving.
        let last = Timestamp(self.aws.clock.now().0 + AFTERMATH_MS);
        while self.next_turn <= last && !self.is_idle().await? {
            self.until(self.next_turn).await?;
        }
        self.ask_for_everything().await?;
        let books = self.check_books().await?;
        self.ground.keep_books()?;
        self.month.waited_ms.sort_unstable();
        self.month.bill = self.aws.emulator.bill();
        for (principal, cost) in by_principal(&self.month.bill)? {
            if principal != gateway_principal(self.company) {
                *self.month.by_role.entry(role_of(&principal).to_owned()).or_default() += cost;
            }
        }
        Ok((self.month, books))
    }
}

/// The process begins, and again when it dies while it does.
async fn begun(ground: &Ground, aws: &Aws, watch: &Watch) -> Result<Node, SimError> {
    for _ in 0..DEATHS_MAX {
        watch.begins();
        let opened = AssertUnwindSafe(ground.open(aws, watch)).catch_unwind().await;
        let died = ground.seams.death.came();
        match opened {
            Ok(opened) if !died => return opened,
            Err(panic) if !panic.is::<Dead>() => resume_unwind(panic),
            Ok(_) | Err(_) => {}
        }
        watch.note(|| "the process died".to_owned());
        aws.until(Timestamp(aws.clock.now().0 + RESTART_MS)).await;
    }
    Err(SimError::Refused(format!("the process died {DEATHS_MAX} times in a row")))
}
