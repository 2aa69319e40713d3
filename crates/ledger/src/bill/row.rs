//! One row of a bill as texts, whatever file it came from.

use std::borrow::Cow;

use super::columnar::MapCell;

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $needed:literal;)*) => {
        /// A value that is read from a bill.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field {
            $($(#[$doc])* $variant,)*
        }

        impl Field {
            pub(super) const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// CUR 2.0's name of the column.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether a bill without the column cannot be read.
            pub(super) const fn is_needed(self) -> bool {
                match self { $(Self::$variant => $needed,)* }
            }
        }
    };
}

// AWS, "Data Exports table dictionary: CUR 2.0", read 2026-11-23.
fields! {
    Start = "line_item_usage_start_date", true;
    Account = "line_item_usage_account_id", true;
    LineType = "line_item_line_item_type", true;
    ProductCode = "line_item_product_code", true;
    UsageType = "line_item_usage_type", true;
    Amount = "line_item_usage_amount", true;
    Cost = "line_item_unblended_cost", true;
    NetCost = "line_item_net_unblended_cost", false;
    Operation = "line_item_operation", false;
    Description = "line_item_line_item_description", false;
    Currency = "line_item_currency_code", false;
    Principal = "line_item_iam_principal", false;
    ListCost = "pricing_public_on_demand_cost", false;
    PricingUnit = "pricing_unit", false;
    ServiceCode = "product_servicecode", false;
    ServiceName = "product_servicename", false;
    ProductName = "product_product_name", false;
    Family = "product_product_family", false;
    RegionCode = "product_region_code", false;
    Region = "product_region", false;
    Entity = "bill_billing_entity", false;
    Invoice = "bill_invoice_id", false;
}

/// A map in a cell.
pub(super) enum Pairs<'a> {
    /// A JSON object, as CSV exports print maps.
    Json(&'a str),
    /// A map of a Parquet file.
    Map(MapCell<'a>),
    /// One pair, from a column of its own.
    One(&'a str, Cow<'a, str>),
}

impl Pairs<'_> {
    /// The pairs with a value. A text that is no JSON object has none.
    fn to_vec(&self) -> Vec<(String, String)> {
        let mut pairs = match self {
            Self::Json(text) => json_pairs(text),
            Self::Map(cell) => cell.pairs(),
            Self::One(key, value) => vec![((*key).to_owned(), value.clone().into_owned())],
        };
        pairs.retain(|(key, value)| !key.is_empty() && !value.is_empty());
        pairs
    }
}

fn json_pairs(text: &str) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(object)) = serde_json::from_str(text) else { return Vec::new() };
    let text_of = |value| match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    object.into_iter().map(|(key, value)| (key, text_of(value))).collect()
}

/// A row: texts by field, and the maps.
#[derive(Default)]
pub(super) struct RawRow<'a> {
    cells: [Option<Cow<'a, str>>; Field::ALL.len()],
    product: Option<Pairs<'a>>,
    tags: Vec<Pairs<'a>>,
}

impl<'a> RawRow<'a> {
    pub(super) fn set(&mut self, field: Field, text: Cow<'a, str>) {
        self.cells[field as usize] = Some(text);
    }

    pub(super) fn set_product(&mut self, pairs: Pairs<'a>) {
        self.product = Some(pairs);
    }

    pub(super) fn add_tags(&mut self, pairs: Pairs<'a>) {
        self.tags.push(pairs);
    }

    /// The text without surrounding spaces; empty when there is none.
    pub(super) fn get(&self, field: Field) -> &str {
        self.cells[field as usize].as_deref().unwrap_or("").trim()
    }

    /// Whether the bill has the column, and nothing in it.
    pub(super) fn is_blank(&self, field: Field) -> bool {
        self.cells[field as usize].is_some() && self.get(field).is_empty()
    }

    /// Whether the bill has the column.
    pub(super) fn has(&self, field: Field) -> bool {
        self.cells[field as usize].is_some()
    }

    /// The first of these columns, then of these keys of the product map, that has a text.
    pub(super) fn first(&self, fields: &[Field], product_keys: &[&str]) -> Option<String> {
        if let Some(text) = fields.iter().map(|f| self.get(*f)).find(|t| !t.is_empty()) {
            return Some(text.to_owned());
        }
        let pairs = self.product.as_ref()?.to_vec();
        product_keys.iter().find_map(|key| pairs.iter().find(|(k, _)| k == key)).map(|(_, value)| value.clone())
    }

    /// All tags, sorted by key, each once.
    pub(super) fn tags(&self) -> Vec<(String, String)> {
        let mut tags: Vec<_> = self.tags.iter().flat_map(Pairs::to_vec).collect();
        tags.sort();
        tags.dedup();
        tags
    }
}
