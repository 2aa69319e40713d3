//! Rows of a bill that no invocation log explains: batch jobs, the mantle endpoint, other services, tax.

use laneshift_units::{AccountId, ModelId, Money, PriceMode, Profile, ProfiledModel, Rate, Region, TokenClass, Tokens};

use super::names::{name, region_prefix};
use super::row::{Row, Unit};
use crate::company::{CalledAs, Company, Truth, Workload};
use crate::prices;

/// Tokens of the weekly job that already runs as batch: input and output.
const BATCH_JOB: [(TokenClass, u64); 2] = [(TokenClass::Input, 9_600_000), (TokenClass::Output, 1_900_000)];
/// Tokens a day through the mantle endpoint.
const MANTLE: [(TokenClass, u64, &str); 2] = [(TokenClass::Input, 2_400_000, "0.15"), (TokenClass::Output, 310_000, "0.6")];
/// Per mille of the logged cost that is taxed, on one row.
const TAX_PER_MILLE: u16 = 40;

/// The rows, in order of time within each kind.
pub(crate) fn rows(company: &Company, logged: Money) -> Vec<Row> {
    let prod = &AccountId::new("111122223333");
    let data = &AccountId::new("444455556666");
    let region = &Region::new("us-east-1");
    let first = company.start.day_index();
    let mut rows = Vec::new();
    for day in first..first + i64::from(company.days) {
        if (day - first) % 7 == 2 {
            rows.extend(batch_job(day, data, region));
        }
        rows.extend(MANTLE.map(|(class, tokens, usd)| mantle(day, data, region, class, tokens, usd)));
        rows.push(plain(day, data, region, "AmazonSageMaker", "USE1-Host:ml.g5.2xlarge", "RunInstance", "24", "Hrs", "36.36"));
        rows.push(plain(day, prod, region, "AmazonEC2", "USE1-BoxUsage:m7i.xlarge", "RunInstances:0002", "48", "Hrs", "9.6768"));
        if (day - first) % 3 == 0 {
            rows.push(plain(
                day,
                data,
                region,
                "AmazonSageMaker",
                "USE1-Train:ml.g5.xlarge",
                "RunInstance",
                "3.5",
                "Hrs",
                "4.935",
            ));
            rows.push(plain(
                day,
                data,
                region,
                "comprehend",
                "USE1-DetectEntities-Unit",
                "DetectEntities",
                "42000",
                "Unit",
                "4.2",
            ));
        }
    }
    let mut hours = plain(
        first + 11,
        prod,
        region,
        "AmazonBedrock",
        "USE1-Nova2.0Lite-ProvisionedThroughput-NoCommit-ModelUnits",
        "InvokeModelInference",
        "6",
        "hour",
        "363",
    );
    hours.description = "$60.50 per model unit hour without commitment for Nova 2 Lite".to_owned();
    rows.push(hours);
    let mut tax = plain(first, prod, region, "AmazonBedrock", "", "", "1", "", "0");
    tax.line_type = "Tax";
    tax.cost = logged.per_mille(TAX_PER_MILLE);
    tax.list_cost = Money::ZERO;
    tax.description = "Tax for product code AmazonBedrock".to_owned();
    rows.push(tax);
    rows
}

/// Product descriptions that are in batch already, every Saturday.
fn batch_job(day: i64, account: &AccountId, region: &Region) -> Vec<Row> {
    let workload = Workload {
        name: "product-descriptions".to_owned(),
        account: account.clone(),
        region: region.clone(),
        role: "BedrockBatchRole".to_owned(),
        metadata: Vec::new(),
        model: ProfiledModel { model: ModelId::new("anthropic.claude-sonnet-4-6"), profile: Profile::Global },
        called_as: CalledAs::Id,
        bodies_logged: false,
        truth: Truth::Batch,
        tolerance: "24h".to_owned(),
        note: String::new(),
        parts: Vec::new(),
    };
    let rows = BATCH_JOB.map(|(class, tokens)| {
        let mut row = Row::tokens(day, account, region);
        name(&mut row, &workload, PriceMode::Batch, class);
        let rate =
            prices::rate(&workload.model, region, PriceMode::Batch, class).expect("the price file prices this model in batch");
        row.price(rate, Tokens(tokens));
        row.operation = "InvokeModelInference".to_owned();
        row.principal = format!("arn:aws:sts::{account}:assumed-role/{}/product-descriptions", workload.role);
        row
    });
    rows.into()
}

/// An open-weights model behind the mantle endpoint, which invocation logs do not cover.
fn mantle(day: i64, account: &AccountId, region: &Region, class: TokenClass, tokens: u64, usd: &str) -> Row {
    let mut row = Row::tokens(day, account, region);
    let direction = if class == TokenClass::Output { "output" } else { "input" };
    row.usage_type = format!("{}-qwen.qwen3-32b-mantle-{direction}-tokens-standard", region_prefix(region));
    row.product_code = "AmazonBedrock".to_owned();
    row.service_code = "AmazonBedrock".to_owned();
    row.product_name = "Amazon Bedrock".to_owned();
    row.family = "Amazon Bedrock".to_owned();
    row.unit = "1K tokens".to_owned();
    row.counts = Unit::Thousand;
    row.operation = "InvokeModelInference".to_owned();
    row.principal = format!("arn:aws:sts::{account}:assumed-role/experiments/notebook");
    row.price(Rate::parse_usd_per_million(usd).expect("a decimal price"), Tokens(tokens));
    row
}

#[expect(clippy::too_many_arguments, reason = "one argument a column, in the order of the file")]
fn plain(
    day: i64,
    account: &AccountId,
    region: &Region,
    code: &str,
    usage_type: &str,
    operation: &str,
    amount: &str,
    unit: &str,
    usd: &str,
) -> Row {
    let mut row = Row::tokens(day, account, region);
    row.product_code = code.to_owned();
    row.service_code = code.to_owned();
    row.product_name = code.to_owned();
    row.usage_type = usage_type.to_owned();
    row.operation = operation.to_owned();
    row.amount = amount.to_owned();
    row.unit = unit.to_owned();
    row.cost = Money::parse_usd(usd).expect("a decimal amount");
    row.list_cost = row.cost;
    row.description = format!("{usage_type} in {region}");
    row
}
