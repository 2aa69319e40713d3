//! Provisioned models: since when each is there, and the hours that are paid for it.
//!
//! Promises: what the settings said before decides what was paid before. An hour of a provisioned model is paid once, whole,
//! and as it stood when the hour began. Leaves out: a commitment that is given up early costs nothing more.

use std::collections::HashMap;

use laneshift_units::{AccountId, ModelId, Region, Timestamp};

use super::World;
use crate::bill::{Bill, UnitKey};
use crate::event::Event;
use crate::settings::ProvisionedModel;

/// A provisioned model, for as long as nothing of it changed.
#[derive(Clone, Debug)]
struct Stay {
    model: ProvisionedModel,
    since: Timestamp,
    until: Option<Timestamp>,
}

/// Everything that the journal told of provisioned models, in its order.
#[derive(Debug, Default)]
pub(super) struct Provisions {
    stays: Vec<Stay>,
    told: bool,
}

impl Provisions {
    pub(super) fn set(&mut self, models: &[ProvisionedModel], at: Timestamp) {
        let gone = |stay: &&mut Stay| stay.until.is_none() && !models.contains(&stay.model);
        self.stays.iter_mut().filter(gone).for_each(|stay| stay.until = Some(at));
        let new: Vec<_> = models.iter().filter(|model| !self.has(model)).cloned().collect();
        self.stays.extend(new.into_iter().map(|model| Stay { model, since: at, until: None }));
        self.told = true;
    }

    fn has(&self, model: &ProvisionedModel) -> bool {
        self.stays.iter().any(|stay| stay.until.is_none() && stay.model == *model)
    }

    fn are(&self, models: &[ProvisionedModel]) -> bool {
        self.stays.iter().filter(|stay| stay.until.is_none()).count() == models.len() && models.iter().all(|m| self.has(m))
    }

    /// Since when a model of this ARN is there, and since when it is as it is.
    pub(super) fn since(&self, arn: &str) -> Option<(Timestamp, Timestamp)> {
        let stays = self.stays.iter().filter(|stay| stay.model.arn() == arn);
        let (mut found, mut left) = (None, None);
        for stay in stays {
            let created = found.map_or(stay.since, |(created, _)| if left == Some(stay.since) { created } else { stay.since });
            (found, left) = (Some((created, stay.since)), stay.until);
        }
        found
    }

    fn add_hours(&self, bill: &mut Bill, now: Timestamp) {
        let mut unpaid_from = HashMap::<String, i64>::new();
        let lasted = self.stays.iter().filter(|stay| stay.until.is_none_or(|until| until > stay.since));
        for Stay { model, since, until } in lasted {
            // It is not there any more in the millisecond of its end.
            let last = until.map_or(now, |until| Timestamp(until.0 - 1)).hour_index();
            let paid = unpaid_from.entry(model.arn()).or_insert(i64::MIN);
            for hour in since.hour_index().max(*paid)..=last {
                let key = UnitKey {
                    account: AccountId::new(&model.account),
                    region: Region::new(&model.region),
                    hour,
                    model: ModelId::new(&model.model),
                    commitment: model.commitment(),
                    resource: model.arn(),
                };
                bill.add_unit_hours(key, u64::from(model.units));
            }
            *paid = (*paid).max(last + 1);
        }
    }
}

impl World {
    /// What is to be told to the journal when the settings name other provisioned models than it knows.
    ///
    /// A journal that was never told had those of its settings from its beginning.
    pub fn provisioned_set(&self, now: Timestamp) -> Option<Event> {
        let models = &self.settings.provisioned_models;
        if self.provisions.told && self.provisions.are(models) {
            return None;
        }
        let at = if self.provisions.told { now } else { self.first_opened.unwrap_or(now) };
        Some(Event::ProvisionedSet { models: models.clone(), at_ms: at.0 })
    }

    /// The bill with the hours of provisioned models up to a moment: a begun hour is paid whole.
    pub fn bill_at(&self, now: Timestamp) -> Bill {
        let mut bill = self.bill.clone();
        self.provisions.add_hours(&mut bill, now);
        bill
    }
}
