//! The books: tokens and model-unit hours by everything that a bill tells apart, and their cost.
//!
//! Promises: the order of adds does not matter; tokens are kept and money is computed, so nothing is rounded; an
//! unknown price is listed and never zero. Leaves out: what AWS does not charge (failed and throttled calls, tokens
//! inside a reservation), which is never added.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use laneshift_units::{
    AccountId, ModelId, Money, PriceMode, Profile, ProfiledModel, Rate, Region, ServiceTier, Timestamp, TokenClass, Tokens, Usage,
};

use super::price_list::{Commitment, PriceList, Quote};

/// What a bill tells apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The account that called.
    pub account: AccountId,
    /// The region that was called; it prices the call wherever it is computed.
    pub region: Region,
    /// [`Timestamp::hour_index`] of the call.
    pub hour: i64,
    /// The model and profile.
    pub model: ProfiledModel,
    /// The column of the price list.
    pub mode: PriceMode,
    /// The tier that served.
    pub tier: ServiceTier,
    /// Whether the answer was streamed; `None` for batch.
    pub streaming: Option<bool>,
    /// ARN of the caller.
    pub principal: String,
    /// ARN of the application inference profile; empty without one.
    pub resource: String,
    /// The request's [`PriceList::context_tier`].
    pub context: Tokens,
}

/// Whose model units ran in which hour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitKey {
    /// The account that bought them.
    pub account: AccountId,
    /// Their region.
    pub region: Region,
    /// [`Timestamp::hour_index`].
    pub hour: i64,
    /// The base model; may end in a context size.
    pub model: ModelId,
    /// For how long they were bought.
    pub commitment: Commitment,
    /// ARN of the provisioned model.
    pub resource: String,
}

/// Everything that was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    tokens: BTreeMap<Key, Usage>,
    unit_hours: BTreeMap<UnitKey, u64>,
}

/// What lines are told apart by, beyond account, region, model, profile, mode, tier, context and class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Nothing more.
    Model,
    /// The hour.
    Hour,
    /// The day in UTC.
    Day,
    /// The caller.
    Principal,
}

/// What the tokens of a line have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// The base model.
    pub model: ModelId,
    /// The profile.
    pub profile: Profile,
    /// The column of the price list.
    pub mode: PriceMode,
    /// The tier.
    pub tier: ServiceTier,
    /// The context tier.
    pub context: Tokens,
    /// Start of the hour or day, where lines are by time.
    pub start: Option<Timestamp>,
    /// The caller, where lines are by caller.
    pub principal: Option<String>,
}

/// Tokens of one class at one price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose tokens they are.
    pub group: Group,
    /// Their class.
    pub class: TokenClass,
    /// How many.
    pub tokens: Tokens,
    /// The price, when it is known.
    pub price: Option<Quote>,
}

/// Hours of model units at one price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitLine {
    /// Whose units they are; without hour where lines are not by time.
    pub key: UnitKey,
    /// Start of the hour or day, where lines are by time.
    pub start: Option<Timestamp>,
    /// Unit hours.
    pub hours: u64,
    /// The price of one, when it is known.
    pub price: Option<Money>,
}

/// What all costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// The cost of what has a price.
    pub known: Money,
    /// What has none; it is not in `known`.
    pub unpriced: Vec<Unpriced>,
}

/// Something used whose price is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unpriced {
    /// Tokens of a class.
    Tokens(ProfiledModel, TokenClass, Tokens),
    /// Hours of model units.
    UnitHours(ModelId, Commitment, u64),
}

impl Line {
    /// The price of a token.
    pub fn rate(&self) -> Option<Rate> {
        self.price.as_ref().map(|price| price.rate)
    }

    /// The exact cost.
    pub fn cost(&self) -> Option<Money> {
        self.rate().map(|rate| rate.cost(self.tokens))
    }
}

impl UnitLine {
    /// The exact cost.
    pub fn cost(&self) -> Option<Money> {
        self.price.map(|price| price.times(self.hours))
    }
}

impl Bill {
    /// Books the tokens of a call, or of several with one key.
    pub fn add(&mut self, key: Key, usage: &Usage) {
        *self.tokens.entry(key).or_default() += *usage;
    }

    /// Books hours of model units.
    pub fn add_unit_hours(&mut self, key: UnitKey, unit_hours: u64) {
        *self.unit_hours.entry(key).or_default() += unit_hours;
    }

    /// Everything so many times.
    #[must_use]
    pub fn times(&self, factor: u64) -> Self {
        let tokens = self.tokens.iter().map(|(key, usage)| (key.clone(), usage.times(factor)));
        let unit_hours = self.unit_hours.iter().map(|(key, hours)| (key.clone(), hours * factor));
        Self { tokens: tokens.collect(), unit_hours: unit_hours.collect() }
    }

    /// Everything booked, in the order of the keys.
    pub fn entries(&self) -> impl Iterator<Item = (&Key, &Usage)> {
        self.tokens.iter()
    }

    /// Every model-unit hour booked, in the order of the keys.
    pub fn unit_entries(&self) -> impl Iterator<Item = (&UnitKey, u64)> {
        self.unit_hours.iter().map(|(key, hours)| (key, *hours))
    }

    /// The tokens as lines. A class without tokens has no line.
    pub fn lines(&self, list: &PriceList, by: By) -> Vec<Line> {
        let mut groups = BTreeMap::<Group, Usage>::new();
        for (key, usage) in &self.tokens {
            *groups.entry(group(key, by)).or_default() += *usage;
        }
        let lines = groups.into_iter().flat_map(|(group, usage)| {
            TokenClass::ALL.map(|class| Line {
                price: quote(list, &group, class),
                group: group.clone(),
                class,
                tokens: usage.get(class),
            })
        });
        lines.filter(|line| line.tokens.0 > 0).collect()
    }

    /// The model-unit hours as lines.
    pub fn unit_lines(&self, list: &PriceList, by: By) -> Vec<UnitLine> {
        let mut lines = BTreeMap::<UnitKey, UnitLine>::new();
        for (key, hours) in &self.unit_hours {
            let start = start(key.hour, by);
            let key = UnitKey { hour: start.map_or(0, Timestamp::hour_index), ..key.clone() };
            match lines.entry(key) {
                Entry::Occupied(mut line) => line.get_mut().hours += hours,
                Entry::Vacant(free) => {
                    let key = free.key().clone();
                    let price = list.model_unit_hour(&key.model, &key.region, key.commitment);
                    free.insert(UnitLine { key, start, hours: *hours, price });
                }
            }
        }
        lines.into_values().filter(|line| line.hours > 0).collect()
    }

    /// What all costs, and what has no price.
    pub fn total(&self, list: &PriceList) -> Total {
        let mut total = Total::default();
        for line in self.lines(list, By::Model) {
            match line.cost() {
                Some(cost) => total.known += cost,
                None => {
                    let model = ProfiledModel { model: line.group.model, profile: line.group.profile };
                    total.unpriced.push(Unpriced::Tokens(model, line.class, line.tokens));
                }
            }
        }
        for line in self.unit_lines(list, By::Model) {
            match line.cost() {
                Some(cost) => total.known += cost,
                None => total.unpriced.push(Unpriced::UnitHours(line.key.model, line.key.commitment, line.hours)),
            }
        }
        total
    }
}

fn group(key: &Key, by: By) -> Group {
    Group {
        account: key.account.clone(),
        region: key.region.clone(),
        model: key.model.model.clone(),
        profile: key.model.profile.clone(),
        mode: key.mode,
        tier: key.tier,
        context: key.context,
        start: start(key.hour, by),
        principal: (by == By::Principal).then(|| key.principal.clone()),
    }
}

fn quote(list: &PriceList, group: &Group, class: TokenClass) -> Option<Quote> {
    list.quote(&group.model, &group.profile, &group.region, group.mode, class, group.context).cloned()
}

fn start(hour: i64, by: By) -> Option<Timestamp> {
    match by {
        By::Hour => Some(start_of_hour(hour)),
        By::Day => Some(Timestamp::from_day_index(start_of_hour(hour).day_index())),
        By::Model | By::Principal => None,
    }
}

/// The moment at which an hour of [`Timestamp::hour_index`] begins.
pub(super) const fn start_of_hour(hour: i64) -> Timestamp {
    Timestamp(hour * 3_600_000)
}

#[cfg(test)]
mod tests;
