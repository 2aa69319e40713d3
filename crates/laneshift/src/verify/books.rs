//! The books of a gateway and its batch lanes as an account.

use std::collections::BTreeMap;
use std::path::Path;

use laneshift_catalog::prices::{Catalog, Tariff};
use laneshift_catalog::profiles::Profiles;
use laneshift_core::verify::{Amount, Cell, share};
use laneshift_gateway::books::{BadLine, Certainty, used};
use laneshift_report::verified::Kind;
use laneshift_store::{Attempts, Costed, Lane};
use laneshift_units::{Money, PriceMode, Profile, ProfiledModel, Region, Timestamp, TokenClass, Tokens, Usage};

use super::account::{Account, model_named};
use crate::cli::batch::open::Opened;
use crate::cli::later::look;
use crate::error::Error;

/// Reads the folder of a gateway.
pub(super) fn read(folder: &Path, factor: u64, catalog: &Catalog, profiles: &Profiles) -> Result<Account, Error> {
    let mut books = Books {
        account: Account::new(Kind::Books, &folder.display().to_string()),
        factor,
        catalog,
        profiles,
        aside: Aside::default(),
        models: BTreeMap::new(),
    };
    let failed = |e: &dyn std::fmt::Display| Error::Gateway(format!("read {}: {e}", folder.display()));
    let take = &mut |call: laneshift_gateway::books::Used| {
        // bedrock-mantle is AWS's, and in a region.
        if call.upstream.is_some() && call.region.is_empty() {
            books.aside.elsewhere += call.usage.total().0;
        } else if call.is_committed {
            books.aside.committed += call.usage.total().0;
        } else {
            let is_priced = call.certainty != Certainty::Unpriced;
            books.aside.bound += call.bound;
            books.add(Part {
                at: call.at,
                account: call.account,
                region: call.region,
                model: &call.model,
                mode: call.mode,
                usage: call.usage,
                paid: is_priced.then_some(call.paid),
                is_mantle: call.upstream.is_some(),
            });
        }
    };
    let bad = used(folder, take).map_err(|e| failed(&e))?;
    for BadLine { file, line, why } in bad {
        if !why.is_eof() {
            return Err(Error::Data(format!("{}, line {line}: {why}", file.display())));
        }
        books.account.notes.push(format!("{}, line {line} was cut off and counts as none", file.display()));
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|e| failed(&e))?;
    runtime.block_on(async {
        for opened in look(folder).await? {
            books.batch_lane(&opened).await?;
        }
        Ok::<_, Error>(())
    })?;
    Ok(books.finish())
}

/// What is in no amount.
#[derive(Default)]
struct Aside {
    elsewhere: u64,
    committed: u64,
    unpriced: u64,
    bound: Money,
    open: usize,
}

struct Books<'a> {
    account: Account,
    /// By model as it was called, region, and whether through bedrock-mantle.
    models: BTreeMap<(String, String, bool), Called>,
    factor: u64,
    catalog: &'a Catalog,
    profiles: &'a Profiles,
    aside: Aside,
}

/// What a call's model is, and its prices.
struct Called {
    name: String,
    global: bool,
    tariff: Tariff,
}

/// A call, or an attempt of the batch lane.
struct Part<'a> {
    at: Timestamp,
    account: String,
    region: String,
    model: &'a str,
    mode: PriceMode,
    usage: Usage,
    /// `None` where a price is not known.
    paid: Option<Money>,
    /// Through bedrock-mantle, which has prices of its own.
    is_mantle: bool,
}

impl Books<'_> {
    fn add(&mut self, part: Part<'_>) {
        let (catalog, profiles) = (self.catalog, self.profiles);
        let key = (part.model.to_owned(), part.region.clone(), part.is_mantle);
        let Called { name, global, tariff } = self.models.entry(key).or_insert_with(|| {
            let named = profiles.get(part.model).map(|found| found.model.clone());
            let model = named.unwrap_or_else(|| ProfiledModel::parse_id(part.model));
            let region = Region::new(&part.region);
            let tariff = if part.is_mantle {
                Tariff::of_mantle(catalog, &model.model, &region)
            } else {
                Tariff::of(catalog, &model, &region)
            };
            Called { name: model_named(catalog, model.model.as_str()), global: model.profile == Profile::Global, tariff }
        });
        let input = part.usage.total_input();
        let is_call = part.mode != PriceMode::Batch;
        let weights = TokenClass::ALL.map(|class| {
            let rate = tariff.rates(part.mode, if is_call { input } else { Tokens(0) }).get(class);
            rate.map(|rate| rate.cost(part.usage.get(class)))
        });
        let costs = part.paid.map(|paid| split(paid, &part.usage, weights));
        for class in TokenClass::ALL {
            let tokens = part.usage.get(class).0 * self.factor;
            if tokens == 0 {
                continue;
            }
            let cell = Cell {
                account: part.account.clone(),
                region: part.region.clone(),
                model: name.clone(),
                long_context: is_call && tariff.tier(input).0 > 0,
                class,
                mode: part.mode,
                global: *global,
            };
            let day = part.at.day_index();
            if let Some(costs) = &costs {
                let cost = costs[class as usize].times(self.factor);
                self.account.add(day, cell, Amount { tokens, cost });
            } else {
                self.aside.unpriced += tokens;
                self.account.add_unpriced(day, &cell, tokens);
            }
        }
    }

    /// Adds what the calls that could wait came to.
    async fn batch_lane(&mut self, opened: &Opened) -> Result<(), Error> {
        let failed = |e: &dyn std::fmt::Display| Error::Batch(e.to_string());
        for one in opened.engine.booked().await.map_err(|e| failed(&e))? {
            let mode = match one.lane {
                Lane::Batch => PriceMode::Batch,
                Lane::Flex => PriceMode::Flex,
                Lane::OnDemand => PriceMode::OnDemand,
                Lane::Provisioned => {
                    self.aside.committed += one.cost.usage.total().0;
                    continue;
                }
            };
            let paid = (one.cost.costed == Costed::Exact).then_some(one.cost.paid);
            self.aside.bound += one.cost.bound;
            let (account, region, usage) = (String::new(), one.region, one.cost.usage);
            self.add(Part { at: one.at, account, region, model: &one.model, mode, usage, paid, is_mantle: false });
        }
        self.aside.open += opened.store.open_attempts().await.map_err(|e| failed(&e))?.len();
        Ok(())
    }

    fn finish(mut self) -> Account {
        let Aside { elsewhere, committed, unpriced, bound, open } = self.aside;
        let mut note = |holds: bool, text: String| {
            if holds {
                self.account.notes.push(text)
            }
        };
        note(
            elsewhere > 0,
            format!("{elsewhere} tokens were answered by servers beside Bedrock: they are on no bill of AWS, and in no figure"),
        );
        note(
            committed > 0,
            format!(
                "{committed} tokens ran on paid capacity, whose fee the books do not have: they are in no figure, and claim nothing"
            ),
        );
        note(unpriced > 0, format!("{unpriced} tokens have no known price: they are in no amount"));
        note(
            bound > Money::ZERO,
            format!("up to {} more may have been paid for calls whose outcome is not known", bound.times(self.factor)),
        );
        note(open > 0, format!("{open} jobs or groups of calls of the batch lane have not ended: they are in no figure"));
        note(self.factor > 1, format!("each call of the books stands for {}", self.factor));
        self.account
    }
}

/// What a call paid, by class: by its rates where they are known and come to the same, in proportion otherwise.
fn split(paid: Money, usage: &Usage, weights: [Option<Money>; TokenClass::ALL.len()]) -> [Money; TokenClass::ALL.len()] {
    let known = TokenClass::ALL.iter().all(|class| usage.get(*class).0 == 0 || weights[*class as usize].is_some());
    let weight = |class: TokenClass| match weights[class as usize] {
        Some(money) if known => money.pico().unsigned_abs(),
        Some(_) | None => u128::from(usage.get(class).0),
    };
    let (mut left, mut whole) = (paid, TokenClass::ALL.into_iter().map(weight).sum::<u128>());
    TokenClass::ALL.map(|class| {
        let part = share(left, weight(class), whole);
        left -= part;
        whole -= weight(class);
        part
    })
}
