//! The books: every call that was sent on, by what it used and what that costs.
//!
//! A call is noted in a journal before it is sent, and in the ledger when its end is known. A process that dies leaves notes without
//! an end; the next one books those with the most that they can have cost. Neither file is synced for each call: a killed process
//! loses nothing, a power failure the last seconds of both.

mod fees;
mod journal;
mod ledger;
mod lines;
mod savings;
mod spending;
mod used;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use laneshift_aws::WallClock;
use laneshift_bedrock::Operation;
use laneshift_catalog::prices::Tariff;
use laneshift_core::route::LaneId;
use laneshift_store::Charged;
use laneshift_units::{Money, PriceMode, ServiceTier, Timestamp, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::keys::Key;
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::room::Hold;
pub(crate) use fees::EVERYBODY;
use journal::Journal;
use ledger::Ledger;
pub use ledger::{Booked, Certainty, Record};
pub use savings::{Savings, Sum};
pub(crate) use spending::Held;
use spending::Spending;
pub use used::{BadLine, Used, is_gateway, used};

/// A call that is about to be sent: what its record will say, whatever becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// When it came.
    pub(crate) at_ms: i64,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) operation: String,
    /// As it was called.
    pub(crate) model: String,
    pub(crate) key: String,
    /// The id under which the key's spending is counted.
    #[serde(default)]
    pub(crate) spends_as: String,
    pub(crate) owner: String,
    pub(crate) workload: Option<String>,
    /// `requestMetadata`.
    pub(crate) metadata: Map<String, Value>,
    /// The lane that it was sent down.
    #[serde(default)]
    pub(crate) lane: String,
    /// The tier that was asked for.
    pub(crate) tier: String,
    /// The server beside Bedrock that it was sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream: Option<String>,
    /// The most that it can cost; `None` where no price is known.
    pub(crate) bound_usd: Option<String>,
}

/// How a call is noted.
#[derive(Serialize)]
struct Note<'a> {
    id: &'a str,
    #[serde(flatten)]
    call: &'a Call,
}

/// See the module.
pub struct Books {
    inner: Arc<Inner>,
}

struct Inner {
    wall: WallClock,
    /// Another one at each start.
    run: u64,
    calls: AtomicU64,
    journal: Mutex<Journal>,
    ledger: Mutex<Ledger>,
    savings: Mutex<Savings>,
    spending: Mutex<Spending>,
    metrics: Metrics,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Books {
    /// Opens the books of a folder, and books what an earlier process left open.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn open(folder: &Path, wall: WallClock) -> io::Result<Self> {
        let now = (wall)();
        let run = now.0.cast_unsigned();
        let mut ledger = Ledger::new(folder, run);
        for (id, call) in journal::left_open(folder)? {
            ledger.write(&Record::of(id, call, End::Lost, now))?;
        }
        let (mut savings, mut spending) = (Savings::default(), Spending::default());
        let keys = crate::keys::list(folder)?;
        let roots: HashMap<&str, &str> = keys.iter().map(|key| (&*key.id, key.spends_as())).collect();
        ledger::each(folder, &mut |record| {
            savings.add(&record);
            let key = &*record.laneshift.key;
            spending.spend(roots.get(key).unwrap_or(&key), record.at(), record.paid_at_most());
        })?;
        let journal = Journal::begin(folder, run)?;
        let inner = Inner {
            wall,
            run,
            calls: AtomicU64::new(0),
            journal: Mutex::new(journal),
            ledger: Mutex::new(ledger),
            savings: Mutex::new(savings),
            spending: Mutex::new(spending),
            metrics: Metrics::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Another id each time, in this process and the next.
    pub(crate) fn id(&self) -> String {
        let n = self.inner.calls.fetch_add(1, Ordering::Relaxed);
        format!("{:012x}{n:08x}", self.inner.run)
    }

    /// Whether a key's rates let a call through; then it counts.
    pub(crate) fn admit(&self, key: &Key) -> Result<(), Held> {
        lock(&self.inner.spending).admit(key, (self.inner.wall)())
    }

    /// Whether a key's budget holds a call that can cost this; then that is reserved until the call, or the work, is noted.
    pub(crate) fn reserve(&self, key: &Key, most: Option<Money>) -> Result<(), Held> {
        lock(&self.inner.spending).reserve(key, most, (self.inner.wall)())
    }

    /// The batch lane has answered for what was reserved: new work stays so until the queue says what it came to; otherwise it is
    /// free again.
    pub(crate) fn accepted(&self, key: &Key, most: Option<Money>, new: bool) {
        if new {
            lock(&self.inner.spending).queue(key, most, (self.inner.wall)());
        } else {
            self.release(key, most);
        }
    }

    /// The queue is about to be read for what its work came to.
    pub(crate) fn reading(&self) {
        lock(&self.inner.spending).reading();
    }

    /// What the queue said.
    pub(crate) fn charged(&self, all: &[Charged]) {
        lock(&self.inner.spending).charged(all);
    }

    /// What was reserved is free again: nothing came of it.
    fn release(&self, key: &Key, most: Option<Money>) {
        lock(&self.inner.spending).ended(key.spends_as(), (self.inner.wall)(), most, Money::ZERO, 0);
    }

    /// Notes a call, for which its bound was reserved. Only then may it be sent.
    pub(crate) fn begin(&self, call: Call, prices: Prices, hold: Option<Hold>) -> io::Result<Open> {
        let id = self.id();
        if let Err(error) = lock(&self.inner.journal).note(&id, &call) {
            lock(&self.inner.spending).ended(call.spends_as(), call.at(), call.bound(), Money::ZERO, 0);
            return Err(error);
        }
        self.inner.metrics.begun();
        Ok(Open { books: self.inner.clone(), call: Some((id, call)), prices, hold })
    }

    /// What was paid and saved so far, by owner, workload and lane.
    pub fn savings(&self) -> Savings {
        lock(&self.inner.savings).clone()
    }
}

/// What a call costs, and what it would have cost.
#[derive(Clone)]
pub(crate) struct Prices {
    /// Where it was sent.
    pub(crate) here: Arc<Tariff>,
    /// On Bedrock, where a call that went elsewhere could have gone.
    pub(crate) instead: Option<Arc<Tariff>>,
}

/// How a call ended.
pub(crate) enum End<'a> {
    /// With an answer: what it used, the prices, and the error in its stream, if there was one.
    Answered(Meter, &'a Prices, Option<String>),
    /// Refused: it cost nothing.
    Refused(String),
    /// It may have been carried out, and nothing says so.
    Lost,
}

/// A call that was noted and has not ended. Dropped without an end it is lost.
pub(crate) struct Open {
    books: Arc<Inner>,
    /// With its id, until it has ended.
    call: Option<(String, Call)>,
    prices: Prices,
    /// Its room on committed capacity or in a quota.
    hold: Option<Hold>,
}

impl Open {
    /// It was answered.
    pub(crate) fn answered(mut self, meter: Meter, exception: Option<String>) {
        let prices = self.prices.clone();
        if let (Some(hold), Some(usage)) = (&mut self.hold, &meter.usage) {
            hold.used(usage);
        }
        match meter.usage {
            None => self.end(End::Lost),
            Some(_) => self.end(End::Answered(meter, &prices, exception)),
        }
    }

    /// It was refused.
    pub(crate) fn refused(mut self, name: &str) {
        self.end(End::Refused(name.to_owned()));
    }

    fn end(&mut self, end: End<'_>) {
        let Some((id, mut call)) = self.call.take() else { return };
        if let (Some(hold), End::Lost) = (&mut self.hold, &end) {
            hold.lost();
        }
        let (at, bound, spends_as) = (call.at(), call.bound(), std::mem::take(&mut call.spends_as));
        let record = Record::of(id, call, end, (self.books.wall)());
        told(&record);
        let workload = lock(&self.books.savings).add(&record);
        self.books.metrics.ended(&record, workload);
        let (input, output) = record.tokens();
        lock(&self.books.spending).ended(&spends_as, at, bound, record.paid_at_most(), input + output);
        // Where the ledger cannot be written, the note stays without an end: the next start books the bound.
        match lock(&self.books.ledger).write(&record) {
            Ok(()) => lock(&self.books.journal).ended(),
            Err(error) => tracing::error!(call = record.request_id, %error, "the ledger cannot be written"),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end(End::Lost);
    }
}

/// A line of the log: what a call was, and never what it said.
fn told(record: &Record) {
    let (Booked { key, owner, workload, paid_usd, took_ms, .. }, lane) = (&record.laneshift, record.lane());
    let (call, model, operation, workload) = (&*record.request_id, &*record.model_id, &*record.operation, workload.as_deref());
    let (input, output) = record.tokens();
    match &record.error_code {
        None => {
            tracing::info!(call, owner, workload, key, operation, model, lane, input, output, paid_usd = %format_args!("{paid_usd:.12}"), took_ms, "answered")
        }
        Some(error) => tracing::warn!(call, owner, workload, key, operation, model, lane, error, took_ms, "not answered"),
    }
}

/// The price mode of a tier. The Reserved tier spills into the standard one.
pub(crate) const fn mode_of(tier: ServiceTier) -> PriceMode {
    match tier {
        ServiceTier::Priority => PriceMode::Priority,
        ServiceTier::Default | ServiceTier::Reserved => PriceMode::OnDemand,
        ServiceTier::Flex => PriceMode::Flex,
    }
}

/// The most that a request costs: a token is at least a byte.
pub(crate) fn bound(tariff: &Tariff, tier: ServiceTier, usage: &Usage) -> Option<Money> {
    tariff.of_request(mode_of(tier), usage)
}

impl Call {
    fn operation(&self) -> Option<Operation> {
        Operation::parse(&self.operation)
    }

    fn spends_as(&self) -> &str {
        if self.spends_as.is_empty() { &self.key } else { &self.spends_as }
    }

    fn bound(&self) -> Option<Money> {
        self.bound_usd.as_deref().and_then(|usd| Money::parse_usd(usd).ok())
    }

    fn is_provisioned(&self) -> bool {
        self.lane == LaneId::Provisioned.name()
    }

    fn at(&self) -> Timestamp {
        Timestamp(self.at_ms)
    }
}
