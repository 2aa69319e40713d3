//! The bill as the JSON of an HTTP answer.
//!
//! Promises: money is text, once as exact US dollars and once as picodollars; an unknown price is `null` and appears
//! under `total.unpriced`; each line names the source of its price.

use laneshift_units::{Money, Rate, Timestamp};
use serde_json::{Value, json};

use super::books::{Bill, By, Line, UnitLine, Unpriced};
use super::price_list::PriceList;

impl Bill {
    /// `lines`, `modelUnits` and `total`.
    pub fn to_json(&self, list: &PriceList, by: By) -> Value {
        let total = self.total(list);
        json!({
            "lines": self.lines(list, by).iter().map(line).collect::<Vec<_>>(),
            "modelUnits": self.unit_lines(list, by).iter().map(unit_line).collect::<Vec<_>>(),
            "total": {
                "knownUsd": total.known.to_exact_string(),
                "knownPico": total.known.pico().to_string(),
                "unpriced": total.unpriced.iter().map(unpriced).collect::<Vec<_>>(),
            },
        })
    }
}

fn line(line: &Line) -> Value {
    let group = &line.group;
    let mut value = json!({
        "account": group.account.as_str(),
        "region": group.region.as_str(),
        "model": group.model.as_str(),
        "profile": group.profile.name(),
        "mode": group.mode.name(),
        "tier": group.tier.name(),
        "contextFromTokens": group.context.0,
        "class": line.class.name(),
        "tokens": line.tokens.0,
        "usdPerMillion": line.rate().map(Rate::usd_per_million),
        "costUsd": line.cost().map(Money::to_exact_string),
        "costPico": line.cost().map(|cost| cost.pico().to_string()),
        "source": line.price.as_ref().map(|price| format!("{} of {}", price.source, price.as_of)),
    });
    add_start(&mut value, group.start);
    if let Some(principal) = &group.principal {
        value["principal"] = json!(principal);
    }
    value
}

fn unit_line(line: &UnitLine) -> Value {
    let mut value = json!({
        "account": line.key.account.as_str(),
        "region": line.key.region.as_str(),
        "model": line.key.model.as_str(),
        "commitment": line.key.commitment.name(),
        "resource": line.key.resource,
        "unitHours": line.hours,
        "usdPerUnitHour": line.price.map(Money::to_exact_string),
        "costUsd": line.cost().map(Money::to_exact_string),
        "costPico": line.cost().map(|cost| cost.pico().to_string()),
    });
    add_start(&mut value, line.start);
    value
}

fn add_start(value: &mut Value, start: Option<Timestamp>) {
    if let Some(start) = start {
        value["start"] = json!(start.to_string());
    }
}

fn unpriced(what: &Unpriced) -> Value {
    match what {
        Unpriced::Tokens(model, class, tokens) => json!({
            "model": model.model.as_str(),
            "profile": model.profile.name(),
            "class": class.name(),
            "tokens": tokens.0,
        }),
        Unpriced::UnitHours(model, commitment, hours) => json!({
            "model": model.as_str(),
            "commitment": commitment.name(),
            "unitHours": hours,
        }),
    }
}

#[cfg(test)]
mod tests {
    use laneshift_units::{AccountId, PriceMode, ProfiledModel, Region, ServiceTier, Tokens, Usage};

    use super::super::books::Key;
    use super::*;

    #[test]
    fn money_is_text_and_an_unknown_price_is_null() {
        let mut bill = Bill::default();
        for id in ["global.anthropic.claude-sonnet-4-6", "vendor.without-a-price"] {
            let key = Key {
                account: AccountId::new("111122223333"),
                region: Region::new("us-east-1"),
                hour: 490_000,
                model: ProfiledModel::parse_id(id),
                mode: PriceMode::OnDemand,
                tier: ServiceTier::Default,
                streaming: Some(false),
                principal: "p".to_owned(),
                resource: String::new(),
                context: Tokens(0),
            };
            bill.add(key, &Usage { input: Tokens(7), ..Usage::default() });
        }
        let json = bill.to_json(PriceList::shipped(), By::Day);
        let [known, unknown] = [&json["lines"][0], &json["lines"][1]];
        assert_eq!((&known["costUsd"], &known["costPico"]), (&json!("0.000021"), &json!("21000000")));
        assert_eq!((&known["start"], &known["tokens"]), (&json!("2025-11-24T00:00:00Z"), &json!(7)));
        assert_eq!(known["source"], json!("aws-pricelist-bulk(aToy0m0 transform) of 2026-08-20"));
        assert!(unknown["costUsd"].is_null() && unknown["source"].is_null());
        assert_eq!(json["total"]["unpriced"][0]["tokens"], json!(7));
        assert_eq!(json["total"]["knownUsd"], json!("0.000021"));
    }
}
