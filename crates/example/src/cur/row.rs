//! One row of a CUR 2.0 export as cells of text.

use laneshift_units::{AccountId, Money, Rate, Region, Timestamp, Tokens};

use crate::company::Company;

/// The columns written, a part of those AWS offers.
pub(crate) const COLUMNS: [&str; 26] = [
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

/// The unit a row counts tokens in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// `1K tokens`, what AWS sells itself.
    Thousand,
    /// `Units` of a million tokens, what the Marketplace sells.
    Million,
}

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) day: i64,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) entity: &'static str,
    pub(crate) line_type: &'static str,
    pub(crate) product_code: String,
    pub(crate) usage_type: String,
    pub(crate) operation: String,
    pub(crate) resource_id: String,
    pub(crate) amount: String,
    pub(crate) rate: String,
    pub(crate) cost: Money,
    /// What the list says; zero on Marketplace rows, which carry no public price.
    pub(crate) list_cost: Money,
    pub(crate) legal_entity: &'static str,
    pub(crate) description: String,
    pub(crate) principal: String,
    pub(crate) unit: String,
    pub(crate) counts: Unit,
    pub(crate) product_name: String,
    pub(crate) service_code: String,
    pub(crate) family: String,
    pub(crate) tags: Vec<(String, String)>,
}

impl Row {
    /// A usage row for tokens, still without a name and a price.
    pub(crate) fn tokens(day: i64, account: &AccountId, region: &Region) -> Self {
        Self {
            day,
            account: account.clone(),
            region: region.clone(),
            entity: "AWS",
            line_type: "Usage",
            product_code: String::new(),
            usage_type: String::new(),
            operation: String::new(),
            resource_id: String::new(),
            amount: String::new(),
            rate: String::new(),
            cost: Money::ZERO,
            list_cost: Money::ZERO,
            legal_entity: "Amazon Web Services, Inc.",
            description: String::new(),
            principal: String::new(),
            unit: String::new(),
            counts: Unit::Thousand,
            product_name: String::new(),
            service_code: String::new(),
            family: String::new(),
            tags: Vec::new(),
        }
    }

    /// Sets amount, rate and cost of so many tokens, exactly.
    pub(crate) fn price(&mut self, rate: Rate, tokens: Tokens) {
        self.cost = rate.cost(tokens);
        (self.amount, self.rate) = match self.counts {
            Unit::Thousand => {
                self.list_cost = self.cost;
                (in_units_of(tokens, 1_000), rate.cost(Tokens(1_000)).to_exact_string())
            }
            Unit::Million => (in_units_of(tokens, 1_000_000), rate.usd_per_million()),
        };
        let money = &self.rate;
        self.description = match self.counts {
            Unit::Thousand => format!("${money} per 1K tokens for {}", self.usage_type),
            Unit::Million => format!("AWS Marketplace software usage|{}|${money} per Million Tokens", self.region),
        };
    }

    /// The cells, in the order of [`COLUMNS`].
    pub(crate) fn cells(&self, company: &Company) -> [String; COLUMNS.len()] {
        let marketplace = self.entity != "AWS";
        let product = [
            ("product_name", self.product_name.as_str()),
            ("servicename", &self.product_name),
            ("region_code", self.region.as_str()),
        ];
        let tags: Vec<(&str, &str)> = self.tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        [
            instant(company.start.day_index()),
            self.entity.to_owned(),
            "111122223333".to_owned(),
            instant(self.day),
            instant(self.day + 1),
            self.account.to_string(),
            self.line_type.to_owned(),
            self.product_code.clone(),
            self.usage_type.clone(),
            self.operation.clone(),
            self.resource_id.clone(),
            self.amount.clone(),
            "USD".to_owned(),
            self.rate.clone(),
            self.cost.to_exact_string(),
            self.legal_entity.to_owned(),
            self.description.clone(),
            self.principal.clone(),
            self.unit.clone(),
            if marketplace { "0".to_owned() } else { self.list_cost.to_exact_string() },
            json(&product),
            self.service_code.clone(),
            self.region.to_string(),
            self.family.clone(),
            json(&tags),
            "{}".to_owned(),
        ]
    }
}

/// `2026-10-01T00:00:00.000Z`.
fn instant(day: i64) -> String {
    Timestamp::from_day_index(day).to_string().replace('Z', ".000Z")
}

/// Tokens in thousands or millions as an exact decimal.
fn in_units_of(tokens: Tokens, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let fraction = format!("{:0digits$}", tokens.0 % unit);
    let fraction = fraction.trim_end_matches('0');
    let whole = tokens.0 / unit;
    if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") }
}

/// A flat JSON object; keys and values are made up here and hold nothing to escape.
fn json(pairs: &[(&str, &str)]) -> String {
    let entries: Vec<String> = pairs.iter().map(|(k, v)| format!("\"{k}\":\"{v}\"")).collect();
    format!("{{{}}}", entries.join(","))
}

#[cfg(test)]
mod tests {
    use super::{Tokens, in_units_of};

    #[test]
    fn amounts_are_exact_decimals() {
        assert_eq!(in_units_of(Tokens(1_234_500), 1_000), "1234.5");
        assert_eq!(in_units_of(Tokens(1_234_500), 1_000_000), "1.2345");
        assert_eq!(in_units_of(Tokens(2_000_000), 1_000_000), "2");
        assert_eq!(in_units_of(Tokens(7), 1_000_000), "0.000007");
    }
}
