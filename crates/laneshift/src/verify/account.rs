//! An account of a month's usage: AWS's invoice, or the books of a gateway.

use std::collections::{BTreeMap, BTreeSet};

use laneshift_catalog::prices::Catalog;
use laneshift_core::verify::{Amount, Cell, Month};
use laneshift_report::verified::{Kind, Side};
use laneshift_units::{ModelId, Money, PriceMode, Timestamp, TokenClass};

/// What tokens are told apart by when two accounts are held against each other. A gateway's books do not tell writes to the cache
/// apart, nor an account that its configuration does not name, nor long prompts in batch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub(super) day: i64,
    pub(super) region: String,
    pub(super) model: String,
    pub(super) mode: PriceMode,
    pub(super) global: bool,
    /// `None` for the money of all classes: the books price a call, and no class of its tokens.
    pub(super) class: Option<TokenClass>,
}

impl Line {
    pub(super) fn of(day: i64, cell: &Cell) -> Self {
        let class = if cell.class == TokenClass::CacheWrite1h { TokenClass::CacheWrite5m } else { cell.class };
        let (region, model) = (cell.region.clone(), cell.model.clone());
        Self { day, region, model, mode: cell.mode, global: cell.global, class: Some(class) }
    }

    pub(super) fn money(&self) -> Self {
        Self { class: None, ..self.clone() }
    }
}

/// See the module.
pub(super) struct Account {
    pub(super) kind: Kind,
    source: String,
    pub(super) month: Month,
    /// Tokens by day.
    pub(super) tokens: BTreeMap<Line, i128>,
    /// Picodollars by day.
    pub(super) money: BTreeMap<Line, i128>,
    /// Money that is not known, by day.
    pub(super) unpriced: BTreeSet<Line>,
    /// How an invoice spells it.
    pub(super) usage_types: BTreeMap<Line, BTreeSet<String>>,
    /// Spent on calls that AWS's services make themselves, which can pass no gateway.
    pub(super) by_aws: Money,
    /// What is worth knowing.
    pub(super) notes: Vec<String>,
    /// Why an invoice is not one yet.
    pub(super) not_final: Option<String>,
}

impl Account {
    pub(super) fn new(kind: Kind, source: &str) -> Self {
        Self {
            kind,
            source: source.to_owned(),
            month: Month::default(),
            tokens: BTreeMap::new(),
            money: BTreeMap::new(),
            unpriced: BTreeSet::new(),
            usage_types: BTreeMap::new(),
            by_aws: Money::ZERO,
            notes: Vec::new(),
            not_final: None,
        }
    }

    /// Adds tokens of a day with their cost; gives the line they are in.
    pub(super) fn add(&mut self, day: i64, cell: Cell, amount: Amount) -> Line {
        let line = self.add_tokens(day, &cell, amount.tokens);
        *self.money.entry(line.money()).or_default() += amount.cost.pico();
        self.month.add(cell, amount);
        line
    }

    /// Adds tokens whose cost is not known: they are in no amount.
    pub(super) fn add_unpriced(&mut self, day: i64, cell: &Cell, tokens: u64) {
        let line = self.add_tokens(day, cell, tokens);
        self.unpriced.insert(line.money());
    }

    fn add_tokens(&mut self, day: i64, cell: &Cell, tokens: u64) -> Line {
        let line = Line::of(day, cell);
        *self.tokens.entry(line.clone()).or_default() += i128::from(tokens);
        line
    }

    /// Takes tokens back from the line that they were on.
    pub(super) fn take_back(&mut self, day: i64, cell: &Cell, amount: Amount) {
        let line = Line::of(day, cell);
        *self.money.entry(line.money()).or_default() += amount.cost.pico();
        *self.tokens.entry(line).or_default() -= i128::from(amount.tokens);
        self.month.take_back(cell, amount);
    }

    /// Leaves out what the books of a gateway do not have, so that the two can be compared.
    pub(super) fn leave_out_all_but_tokens(&mut self) {
        let tokens = self.month.of_tokens();
        let beside = self.month.total() - tokens.total();
        if tokens != self.month {
            self.notes.push(format!(
                "{beside} of fees of paid capacity, other usage of Bedrock, discounts, credits and taxes are left out: the books of a \
                 gateway have none of these"
            ));
        }
        self.month = tokens;
    }

    /// The days that it has.
    pub(super) fn days(&self) -> BTreeSet<i64> {
        self.tokens.iter().filter(|(_, tokens)| **tokens > 0).map(|(line, _)| line.day).collect()
    }

    pub(super) fn side(&self) -> Side {
        let days = self.days();
        let dates = days.first().zip(days.last()).map(|(first, last)| (date(*first), date(*last)));
        Side { source: self.source.clone(), kind: self.kind, dates, tokens: self.month.tokens(), total: self.month.total() }
    }
}

/// `YYYY-MM-DD`.
pub(super) fn date(day: i64) -> String {
    let (year, month, day) = Timestamp::from_day_index(day).civil_date();
    format!("{year:04}-{month:02}-{day:02}")
}

/// A model by the catalogue's id, so that it is the same however it is spelled; by its own spelling where the catalogue has none.
pub(super) fn model_named(catalog: &Catalog, spelled: &str) -> String {
    let known = catalog.model_key(&ModelId::new(spelled)).and_then(|key| catalog.model_id_of(key));
    known.map_or_else(|| spelled.to_owned(), |id| id.to_string())
}
