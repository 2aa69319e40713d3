//! When the invariants are checked: cheap ones after each step, the others as often as a month can bear it.

use laneshift_units::{Money, Timestamp};
use serde_json::Value;

use super::{Books, Planned};
use crate::aws::gateway_principal;
use crate::error::SimError;
use crate::invariants::{self, Broken, Found, Invariant};
use crate::month::by_principal;

/// How often the books are held against the bill when nothing goes wrong: both have to be added up for it.
const BOOKS_MS: i64 = 6 * 3_600_000;
/// How long what a gateway has sent counts.
const MINUTE_MS: i64 = 60_000;

impl Planned<'_> {
    pub(super) fn broken(&self, invariant: Invariant, seen: String) -> SimError {
        let (seed, at, events) = (self.company.seed, self.aws.clock.now(), self.watch.events());
        SimError::Broken(Box::new(Broken { invariant, seen, seed, at, events }))
    }

    fn found(&self, found: Found) -> Result<(), SimError> {
        found.map_err(|(invariant, seen)| self.broken(invariant, seen))
    }

    /// After a turn of the batch engine.
    pub(super) async fn check_turn(&mut self) -> Result<(), SimError> {
        let open = self.ground.store.open_attempts().await.map_err(queue)?;
        self.found(invariants::exclusion(&open))?;
        if std::mem::take(&mut self.watch.seen().created) {
            let (jobs, store) = (self.aws.emulator.jobs(), &*self.ground.store);
            let found = invariants::jobs(&jobs, store, &self.conditions.settings).await.map_err(queue)?;
            self.found(found)?;
            // Where a fault says that there is no slot, there may be one.
            let by_a_fault = self.conditions.faults.iter().any(|rule| matches!(&*rule.fault, "quota_exceeded" | "F02"));
            let no_slot = self.watch.seen().no_slot.take();
            if let Some(seen) = no_slot.filter(|_| !by_a_fault) {
                return Err(self.broken(Invariant::JobSlots, seen));
            }
        }
        if !self.accepted.is_empty() {
            self.again = (self.again + 1) % self.accepted.len();
            self.ask(self.again).await?;
        }
        let (now, events) = (self.aws.clock.now(), self.watch.seen().count);
        let again = self.conditions.troubled && events != self.checked;
        if again || now >= self.next_books {
            self.checked = events;
            self.next_books = Timestamp(now.0 + BOOKS_MS);
            self.check_books().await?;
        }
        Ok(())
    }

    /// After a call.
    pub(super) async fn check_call(&mut self) -> Result<(), SimError> {
        let (throttled, decided) = {
            let mut seen = self.watch.seen();
            (seen.throttled.take(), seen.decided.take())
        };
        let decision: Value = decided.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        self.found(invariants::in_time(&decision))?;
        if let Some(model) = throttled.filter(|model| invariants::can_wait(&decision) && self.has_counted(model)) {
            let seen = format!("a call of {model} could wait, was sent, and was throttled: {decision}");
            return Err(self.broken(Invariant::OnDemandQuota, seen));
        }
        if self.conditions.troubled && self.month.requests.is_multiple_of(8) {
            self.check_books().await?;
        }
        Ok(())
    }

    /// Whether the gateway knows all that was sent to a model in the last minute, and how much may be.
    fn has_counted(&self, model: &str) -> bool {
        let (now, seen) = (self.aws.clock.now(), self.watch.seen());
        let is_past = |at: Timestamp| now.0 - at.0 > MINUTE_MS;
        seen.quotas_read.is_some_and(is_past) && seen.aside.get(model).is_none_or(|at| is_past(*at))
    }

    /// Holds the books against the bill.
    pub(super) async fn check_books(&mut self) -> Result<Books, SimError> {
        let mut booked = self.booked().await?;
        let (jobs, catalog) = (self.aws.emulator.jobs(), self.ground.catalog.clone());
        let price = |job: &_, tier, usage: &_| invariants::job_price(&catalog, job, tier, usage);
        let unbooked = invariants::unbooked(&jobs, &*self.ground.store, &price).await.map_err(queue)?;
        let billed = by_principal(&self.aws.emulator.bill())?;
        booked.billed = billed.get(&gateway_principal(self.company)).copied().unwrap_or_default();
        self.found(invariants::books(booked, unbooked))?;
        Ok(booked)
    }

    /// What gateway and batch lane say of all owners.
    async fn booked(&mut self) -> Result<Books, SimError> {
        let mut books = Books::default();
        self.month.by_role.clear();
        let money = |row: &Value, name: &str| {
            let usd = row[name].as_str().unwrap_or_default();
            Money::parse_usd(usd).map_err(|e| SimError::Refused(format!("savings: {name}: {usd:?}: {e}")))
        };
        let owners: Vec<String> = self.ground.keys.keys().cloned().collect();
        for owner in owners {
            for row in self.get(&owner, "/savings").await?["rows"].as_array().into_iter().flatten() {
                let paid = money(row, "paid_usd")?;
                books.paid += paid;
                *self.month.by_role.entry(owner.clone()).or_default() += paid;
                books.bound += money(row, "bound_usd")?;
            }
        }
        Ok(books)
    }

    /// Requests that were accepted and have no result yet.
    pub(super) async fn waiting(&self) -> Result<u64, SimError> {
        let live = self.ground.store.live().await.map_err(queue)?;
        Ok(live.iter().map(|chunk| u64::from(chunk.new.records) - chunk.done.count()).sum())
    }

    /// Nothing is under way.
    pub(super) async fn is_idle(&self) -> Result<bool, SimError> {
        let store = &self.ground.store;
        Ok(store.live().await.map_err(queue)?.is_empty() && store.open_attempts().await.map_err(queue)?.is_empty())
    }
}

fn queue(error: laneshift_store::StoreError) -> SimError {
    SimError::Refused(format!("read the queue: {error}"))
}
