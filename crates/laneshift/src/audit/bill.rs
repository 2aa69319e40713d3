//! A bill as evidence: workloads from it alone, and how much of it the logs explain.

use std::collections::BTreeMap;

use laneshift_core::plan::{Adjustment, Coverage, CoverageRow, OtherService, SliceInput, WorkloadInput};
use laneshift_core::route::{Features, LaneId};
use laneshift_core::verdict::{EvidenceKind, PrincipalKind, Share, SliceEvidence};
use laneshift_ledger::bill::{BillScope, BillSum, BillTable, Streaming, TokenKey};
use laneshift_ledger::partial::Grain as LogGrain;
use laneshift_report::count;
use laneshift_units::{ModelId, Money, PriceMode, Profile, ProfiledModel, Region, TokenClass, Tokens, Usage};

use super::resolve::{Resolver, empty_grain};

/// Cells whose tokens agree to this share, in thousandths, count as explained.
const EXPLAINED_MIN: u64 = 950;

fn lane_of(mode: PriceMode) -> LaneId {
    match mode {
        PriceMode::OnDemand | PriceMode::LatencyOptimized => LaneId::Standard,
        PriceMode::Priority => LaneId::Priority,
        PriceMode::Flex => LaneId::Flex,
        PriceMode::Batch => LaneId::Batch,
    }
}

/// The model of a bill row, as the catalogue knows it.
fn model_of(resolver: &Resolver<'_>, key: &TokenKey) -> Option<ModelId> {
    let spelled = ModelId::new(key.model.as_deref()?);
    let catalog = resolver.book.catalog;
    catalog.model_key(&spelled).and_then(|k| catalog.model_id_of(k))
}

/// A bill does not tell a geographic profile from the region; both cost the same where both exist. Models that are
/// billed through Marketplace are taken as called through the geography, where most of them are sold only.
fn profile_of(key: &TokenKey) -> Profile {
    if key.global {
        return Profile::Global;
    }
    let geography = [("us-gov-", "us-gov"), ("us-", "us"), ("eu-", "eu"), ("ap-", "apac")];
    match geography.into_iter().find(|(region, _)| key.region.starts_with(region)) {
        Some((_, prefix)) if key.marketplace => Profile::Geo(prefix.into()),
        Some(_) | None => Profile::InRegion,
    }
}

/// Model, region, profile, lane, long context: what a bill's row tells about where its tokens were bought.
type Place = (ModelId, String, Profile, LaneId, bool);

/// Tokens of rows that name no model in the catalogue, by spelling.
pub(super) type UnknownModels = BTreeMap<String, Usage>;

/// Workloads from a bill alone: one for each account and principal, sliced by streaming.
pub(super) fn workloads(
    table: &BillTable,
    resolver: &Resolver<'_>,
    classify: &dyn Fn(&str, &str) -> PrincipalKind,
    days: u32,
) -> (Vec<WorkloadInput>, UnknownModels) {
    let mut unknown = UnknownModels::new();
    let mut groups: BTreeMap<(String, String), Vec<(&TokenKey, &BillSum)>> = BTreeMap::new();
    for (key, sum) in &table.tokens {
        let principal = key.principal.clone().unwrap_or_else(|| "unknown".to_owned());
        groups.entry((principal, key.account.clone())).or_default().push((key, sum));
    }
    let workloads = groups
        .into_iter()
        .filter_map(|((principal, account), rows)| workload(&principal, &account, &rows, resolver, classify, days, &mut unknown))
        .collect();
    (workloads, unknown)
}

fn workload(
    principal: &str,
    account: &str,
    rows: &[(&TokenKey, &BillSum)],
    resolver: &Resolver<'_>,
    classify: &dyn Fn(&str, &str) -> PrincipalKind,
    days: u32,
    unknown: &mut UnknownModels,
) -> Option<WorkloadInput> {
    let key = format!("role/{principal}");
    let kind = classify(principal, "");
    let allow_global = resolver.owners.find(&key, account).is_some_and(|o| o.allow_global);
    let mut slices = Vec::new();
    let mut models: BTreeMap<String, u64> = BTreeMap::new();
    for (name, streaming) in
        [("streamed", Streaming::Yes), ("not streamed", Streaming::No), ("streaming unknown", Streaming::Unknown)]
    {
        let mut cells: BTreeMap<Place, (Usage, u64)> = BTreeMap::new();
        let mut active = std::collections::BTreeSet::new();
        for (row, sum) in rows.iter().filter(|(k, _)| k.streaming == streaming) {
            let Some(model) = model_of(resolver, row) else {
                let spelled = row.model.clone().unwrap_or_else(|| "(no model named)".to_owned());
                *unknown.entry(spelled).or_default().get_mut(row.class) += sum.tokens;
                continue;
            };
            let cell =
                cells.entry((model, row.region.clone(), profile_of(row), lane_of(row.mode), row.long_context)).or_default();
            *cell.0.get_mut(row.class) += sum.tokens;
            cell.1 += sum.lines;
            active.insert(row.day);
        }
        let mut grains = Vec::new();
        let mut evidence = SliceEvidence { days_active: active.len() as u32, ..SliceEvidence::unseen(EvidenceKind::Bill, days) };
        for ((model, region, profile, lane, long), (usage, lines)) in cells {
            let mut needs = Features::NONE;
            if streaming == Streaming::Yes {
                needs = needs.with(Features::STREAMING);
            }
            if kind == PrincipalKind::AwsService {
                needs = needs.with(Features::AWS_SERVICE);
            }
            *models.entry(model.to_string()).or_default() += usage.total().0;
            let tokens = usage.total().0;
            evidence.requests += lines;
            evidence.tokens += tokens;
            evidence.principals[kind as usize] += tokens;
            if lane == LaneId::Flex {
                evidence.flex_tokens += tokens;
            }
            if lane == LaneId::Priority {
                evidence.priority_tokens += tokens;
            }
            let profiled = ProfiledModel { model, profile };
            let region = Region::new(&region);
            let context = Tokens(if long { 272_000 } else { 0 });
            let market = resolver.market(&profiled, &region, context, allow_global);
            let mut grain = empty_grain(profiled, region, lane, needs, context, market);
            grain.requests = lines;
            grain.usage = usage;
            grains.push(grain);
        }
        if grains.is_empty() {
            continue;
        }
        evidence.streaming = match streaming {
            Streaming::Yes => Share { part: evidence.tokens, whole: evidence.tokens },
            Streaming::No => Share { part: 0, whole: evidence.tokens },
            Streaming::Unknown => Share::default(),
        };
        slices.push(SliceInput { name: name.to_owned(), grains, evidence });
    }
    let mut models: Vec<(String, u64)> = models.into_iter().collect();
    models.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    (!slices.is_empty()).then(|| WorkloadInput {
        key,
        account: account.to_owned(),
        owner: None,
        answer: None,
        models: models.into_iter().map(|(m, _)| m).collect(),
        roles: vec![principal.to_owned()],
        slices,
        heat: Box::new([0; 168]),
        output_p50: 0,
        output_p95: 0,
    })
}

/// Other AI/ML services on the bill.
pub(super) fn other_services(table: &BillTable) -> Vec<OtherService> {
    let mut sums: BTreeMap<String, Money> = BTreeMap::new();
    for (key, sum) in &table.other {
        let name = match key.scope {
            BillScope::Bedrock => format!("Bedrock: {}", key.usage_type),
            BillScope::OtherAiMl => key.product_code.clone(),
        };
        *sums.entry(name).or_default() += sum.cost;
    }
    let mut out: Vec<OtherService> = sums.into_iter().map(|(product, cost)| OtherService { product, cost }).collect();
    out.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.product.cmp(&b.product)));
    out
}

/// Credits, discounts and taxes.
pub(super) fn adjustments(table: &BillTable) -> Vec<Adjustment> {
    let mut sums: BTreeMap<&'static str, Money> = BTreeMap::new();
    for (key, sum) in &table.adjustments {
        *sums.entry(key.line_item_type.name()).or_default() += sum.cost;
    }
    sums.into_iter().map(|(kind, amount)| Adjustment { kind: kind.to_owned(), amount }).collect()
}

type Cell = (String, TokenClass, i64);

/// How much of the bill the logs explain, by model, class and day. Batch jobs and mantle are outside invocation logs.
pub(super) fn coverage(table: &BillTable, grains: &[LogGrain], resolver: &Resolver<'_>) -> Coverage {
    use laneshift_ledger::workload::Market;
    let mut bill: BTreeMap<Cell, (u64, Money)> = BTreeMap::new();
    let (mut unlogged_batch, mut unlogged_mantle) = (Money::ZERO, Money::ZERO);
    for (key, sum) in &table.tokens {
        let name = model_of(resolver, key)
            .map_or_else(|| key.model.clone().unwrap_or_else(|| "(no model named)".to_owned()), |m| resolver.book.name(&m));
        // What invocation logs never cover stands in rows of its own, so that it does not blur the rest.
        let name = match (key.mode, key.mantle) {
            (PriceMode::Batch, _) => format!("{name} (batch)"),
            (_, true) => format!("{name} (mantle)"),
            (_, false) => name,
        };
        let cell = bill.entry((name, key.class, key.day)).or_default();
        cell.0 += sum.tokens.0;
        cell.1 += sum.cost;
        if key.mode == PriceMode::Batch {
            unlogged_batch += sum.cost;
        }
        if key.mantle {
            unlogged_mantle += sum.cost;
        }
    }
    let mut logs: BTreeMap<Cell, u64> = BTreeMap::new();
    let mut unresolved = 0_u64;
    for grain in grains {
        let Some(plan) = resolver.grain(&grain.key, Tokens(0)) else {
            unresolved += grain.hours.values().map(|c| c.usage.total().0).sum::<u64>() * resolver.factor;
            continue;
        };
        let name = resolver.book.name(&plan.model);
        for (hour, cell) in &grain.hours {
            for class in TokenClass::ALL {
                let tokens = cell.usage.get(class).0 * resolver.factor;
                if tokens > 0 {
                    *logs.entry((name.clone(), class, hour.div_euclid(24))).or_default() += tokens;
                }
            }
        }
    }
    let mut out = Coverage {
        bill: Usage::default(),
        logs: Usage::default(),
        bill_money: Money::ZERO,
        explained_money: Money::ZERO,
        rows: Vec::new(),
        days: Vec::new(),
        reasons: Vec::new(),
    };
    let mut rows: BTreeMap<(String, TokenClass), CoverageRow> = BTreeMap::new();
    let mut days: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    let mut only_in_logs = 0_u64;
    let cells: std::collections::BTreeSet<Cell> = bill.keys().chain(logs.keys()).cloned().collect();
    for cell in cells {
        let (on_bill, money) = bill.get(&cell).copied().unwrap_or_default();
        let in_logs = logs.get(&cell).copied().unwrap_or(0);
        let (name, class, day) = cell;
        out.bill.get_mut(class).0 += on_bill;
        out.logs.get_mut(class).0 += in_logs;
        out.bill_money += money;
        if u128::from(in_logs) * 1000 >= u128::from(on_bill) * u128::from(EXPLAINED_MIN) {
            out.explained_money += money;
        }
        only_in_logs += in_logs.saturating_sub(on_bill);
        let sums = days.entry(day).or_default();
        sums.0 += on_bill;
        sums.1 += in_logs;
        let row = rows.entry((name.clone(), class)).or_insert(CoverageRow {
            model: name,
            class,
            bill: 0,
            logs: 0,
            bill_money: Money::ZERO,
        });
        row.bill += on_bill;
        row.logs += in_logs;
        row.bill_money += money;
    }
    out.days = days.into_iter().map(|(day, (b, l))| (day, b, l)).collect();
    out.rows = rows.into_values().collect();
    out.rows.sort_by(|a, b| {
        b.bill.abs_diff(b.logs).cmp(&a.bill.abs_diff(a.logs)).then_with(|| a.model.cmp(&b.model)).then(a.class.cmp(&b.class))
    });
    if unlogged_batch > Money::ZERO {
        out.reasons.push(format!("{unlogged_batch} on the bill is batch inference, which invocation logs do not cover"));
    }
    if unlogged_mantle > Money::ZERO {
        out.reasons.push(format!("{unlogged_mantle} went through bedrock-mantle, which invocation logs do not cover"));
    }
    if unresolved > 0 {
        out.reasons.push(format!(
            "{} logged tokens belong to ids that resolve to no model (--profiles resolves them)",
            count(unresolved)
        ));
    }
    if only_in_logs > 0 {
        out.reasons.push(format!(
            "{} logged tokens are not on the bill: another period, account, or a bill that is not final",
            count(only_in_logs)
        ));
    }
    out
}
