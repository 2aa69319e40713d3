//! The bill as a CUR 2.0 export.
//!
//! Promises: amounts are exact decimals; what has no price has an empty rate and cost. As AWS's, a row tells apart
//! usage type, product, operation, resource and principal within an hour or a day, and no request.
//! Leaves out: tags, discounts, taxes and the columns that Bedrock rows leave empty.
//! Source: AWS, "Data Exports user guide", CUR 2.0 line item columns, read 2026-11-23.

use std::collections::BTreeMap;

use laneshift_units::{AccountId, ModelId, Money, Profile, Rate, Region, Timestamp, TokenClass, Tokens};
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use super::books::{Bill, Key, UnitKey, start_of_hour};
use super::names::{Meter, Seller};
use super::price_list::PriceList;

/// The columns, a part of those that AWS offers.
const COLUMNS: [&str; 27] = [
    "bill_invoice_id",
    "bill_billing_period_start_date",
    "bill_billing_entity",
    "bill_payer_account_id",
    "line_item_usage_start_date",
    "line_item_usage_end_date",
    "line_item_usage_account_id",
    "line_item_line_item_type",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_operation",
    "line_item_resource_id",
    "line_item_usage_amount",
    "line_item_currency_code",
    "line_item_unblended_rate",
    "line_item_unblended_cost",
    "line_item_legal_entity",
    "line_item_line_item_description",
    "line_item_iam_principal",
    "pricing_unit",
    "pricing_public_on_demand_cost",
    "product",
    "product_servicecode",
    "product_region_code",
    "product_product_family",
    "resource_tags",
    "tags",
];

// AWS, "What's new", January 2026: granular usage visibility. What AWS writes for batch is not known.
const INVOKE: &str = "InvokeModelInference";
const INVOKE_STREAMING: &str = "InvokeModelStreamingInference";

/// The time that a row covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// An hour.
    Hour,
    /// A day in UTC.
    Day,
}

/// What rows are told apart by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    start: Timestamp,
    account: AccountId,
    region: Region,
    seller: Seller,
    model: ModelId,
    usage_type: String,
    operation: &'static str,
    resource: String,
    principal: String,
    price: Price,
}

/// The price of a row with its unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Price {
    Token(Option<Rate>),
    UnitHour(Option<Money>),
}

/// Writes the bill as CSV, header first. `seller` says what a model is called; one that it does not know is sold by AWS
/// under its id. `invoice` is empty until the bill is final.
pub fn cur_csv(
    bill: &Bill,
    list: &PriceList,
    seller: &dyn Fn(&ModelId) -> Option<Seller>,
    granularity: Granularity,
    payer: &AccountId,
    invoice: &str,
) -> String {
    let mut rows = BTreeMap::<Row, u64>::new();
    let named = |model: &ModelId| seller(model).unwrap_or_else(|| Seller::unnamed(model));
    for (key, usage) in bill.entries() {
        let seller = named(&key.model.model);
        for class in TokenClass::ALL.into_iter().filter(|class| usage.get(*class).0 > 0) {
            *rows.entry(token_row(list, &seller, granularity, key, class)).or_default() += usage.get(class).0;
        }
    }
    for (key, hours) in bill.unit_entries().filter(|(_, hours)| *hours > 0) {
        *rows.entry(unit_row(list, named(&key.model), granularity, key)).or_default() += hours;
    }
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(COLUMNS).expect("a Vec takes every write");
    for (row, quantity) in &rows {
        csv.write_record(row.cells(*quantity, granularity, payer, invoice)).expect("a Vec takes every write");
    }
    let bytes = csv.into_inner().expect("a Vec takes every write");
    String::from_utf8(bytes).expect("the cells are text")
}

fn token_row(list: &PriceList, seller: &Seller, granularity: Granularity, key: &Key, class: TokenClass) -> Row {
    let profile = &key.model.profile;
    let (global, long_context) = (*profile == Profile::Global, key.context > Tokens(0));
    let meter = Meter { class, mode: key.mode, global, long_context };
    Row {
        start: granularity.start(key.hour),
        account: key.account.clone(),
        region: key.region.clone(),
        usage_type: seller.usage_type(&key.region, meter),
        seller: seller.clone(),
        model: key.model.model.clone(),
        operation: if key.streaming == Some(true) { INVOKE_STREAMING } else { INVOKE },
        resource: key.resource.clone(),
        principal: key.principal.clone(),
        price: Price::Token(list.price(&key.model.model, profile, &key.region, key.mode, class, key.context)),
    }
}

fn unit_row(list: &PriceList, seller: Seller, granularity: Granularity, key: &UnitKey) -> Row {
    Row {
        start: granularity.start(key.hour),
        account: key.account.clone(),
        region: key.region.clone(),
        usage_type: seller.unit_usage_type(&key.region, key.commitment),
        seller,
        model: key.model.clone(),
        operation: INVOKE,
        resource: key.resource.clone(),
        principal: String::new(),
        price: Price::UnitHour(list.model_unit_hour(&key.model, &key.region, key.commitment)),
    }
}

impl Granularity {
    fn start(self, hour: i64) -> Timestamp {
        match self {
            Self::Hour => start_of_hour(hour),
            Self::Day => Timestamp::from_day_index(start_of_hour(hour).day_index()),
        }
    }

    const fn end(self, start: Timestamp) -> Timestamp {
        match self {
            Self::Hour => start_of_hour(start.hour_index() + 1),
            Self::Day => Timestamp::from_day_index(start.day_index() + 1),
        }
    }
}

impl Row {
    /// The cells, in the order of [`COLUMNS`].
    fn cells(&self, quantity: u64, granularity: Granularity, payer: &AccountId, invoice: &str) -> [String; COLUMNS.len()] {
        let marketplace = self.seller.is_marketplace();
        let (year, month, _) = self.start.civil_date();
        let amounts = self.amounts(quantity);
        let product = self.seller.product();
        let service = if marketplace { String::new() } else { "AmazonBedrock".to_owned() };
        [
            invoice.to_owned(),
            instant(Timestamp::from_civil(year, i64::from(month), 1, 0, 0, 0)),
            if marketplace { "AWS Marketplace" } else { "AWS" }.to_owned(),
            payer.to_string(),
            instant(self.start),
            instant(granularity.end(self.start)),
            self.account.to_string(),
            "Usage".to_owned(),
            if marketplace { product_code(product) } else { "AmazonBedrock".to_owned() },
            self.usage_type.clone(),
            self.operation.to_owned(),
            self.resource.clone(),
            amounts.quantity,
            "USD".to_owned(),
            amounts.rate,
            amounts.cost.clone(),
            self.legal_entity(),
            amounts.description,
            self.principal.clone(),
            amounts.unit.to_owned(),
            // Marketplace rows carry no public price.
            if marketplace { "0".to_owned() } else { amounts.cost },
            json!({ "product_name": product, "servicename": product, "region_code": self.region.as_str() }).to_string(),
            service,
            self.region.to_string(),
            if marketplace { "" } else { "Amazon Bedrock" }.to_owned(),
            "{}".to_owned(),
            "{}".to_owned(),
        ]
    }

    fn amounts(&self, quantity: u64) -> Amounts {
        let text = |money: Option<Money>| money.map(Money::to_exact_string).unwrap_or_default();
        let marketplace = self.seller.is_marketplace();
        let (decimals, unit, said) = match (self.price, marketplace) {
            (Price::Token(_), false) => (3, "1K tokens", "1K tokens"),
            (Price::Token(_), true) => (6, "Units", "Million Tokens"),
            (Price::UnitHour(_), false) => (0, "hour", "model unit hour"),
            (Price::UnitHour(_), true) => (0, "Units", "model unit hour"),
        };
        let (rate, cost) = match self.price {
            Price::Token(rate) => (rate.map(|r| r.cost(Tokens(10_u64.pow(decimals)))), rate.map(|r| r.cost(Tokens(quantity)))),
            Price::UnitHour(price) => (price, price.map(|p| p.times(quantity))),
        };
        let rate = text(rate);
        let price = if rate.is_empty() { format!("unknown price per {said}") } else { format!("${rate} per {said}") };
        let description = if marketplace {
            format!("AWS Marketplace software usage|{}|{price}", self.region)
        } else {
            format!("{price} for {}", self.usage_type)
        };
        Amounts { quantity: decimal(quantity, decimals), unit, rate, cost: text(cost), description }
    }

    /// The seller of record. Of Marketplace vendors only Anthropic's full name is known here.
    fn legal_entity(&self) -> String {
        match (self.seller.is_marketplace(), self.model.as_str().split('.').next()) {
            (true, Some("anthropic")) => "Anthropic, PBC".to_owned(),
            (true, vendor) => vendor.unwrap_or_default().to_owned(),
            (false, _) => "Amazon Web Services, Inc.".to_owned(),
        }
    }
}

/// The cells that depend on unit and price.
struct Amounts {
    quantity: String,
    unit: &'static str,
    rate: String,
    cost: String,
    description: String,
}

/// An opaque product code as the Marketplace has them, the same for the same product.
fn product_code(product: &str) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let hash = xxh3_64(product.as_bytes());
    let code: String = (0..13).map(|i| char::from(ALPHABET[(hash >> (5 * i)) as usize % ALPHABET.len()])).collect();
    format!("prod-{code}")
}

/// `2026-10-01T00:00:00.000Z`.
fn instant(at: Timestamp) -> String {
    at.to_string().replace('Z', ".000Z")
}

/// A whole number with its point moved left, exactly.
fn decimal(number: u64, decimals: u32) -> String {
    let one = 10_u64.pow(decimals);
    let (whole, rest) = (number / one, number % one);
    if rest == 0 {
        return whole.to_string();
    }
    let fraction = format!("{rest:0width$}", width = decimals as usize);
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests;
