//! Which services a bill line can be about: Bedrock, another AI service, or neither.

use super::adjust::BillScope;
use super::row::{Field, RawRow};

/// Product and service codes of Bedrock.
// AWS Price List offers and public CUR queries, read 2026-11-23.
const BEDROCK: [&str; 4] = ["amazonbedrock", "amazonbedrockservice", "amazonbedrockfoundationmodels", "amazonbedrockagentcore"];

/// Codes of AWS's other AI and machine learning services, in lower case.
// Service codes of the AWS Price List and of CUR rows quoted in public; from memory for the rarer ones. 2026-11-23.
const OTHER_AI_ML: [&str; 27] = [
    "amazonaugmentedai",
    "amazoncodeguru",
    "amazoncodewhisperer",
    "amazondevopsguru",
    "amazonforecast",
    "amazonfrauddetector",
    "amazonkendra",
    "amazonlex",
    "amazonlookoutequipment",
    "amazonlookoutmetrics",
    "amazonlookoutvision",
    "amazonmonitron",
    "amazonpersonalize",
    "amazonpolly",
    "amazonq",
    "amazonqbusiness",
    "amazonqdeveloper",
    "amazonrekognition",
    "amazonsagemaker",
    "amazontextract",
    "amazontranscribe",
    "amazontranslate",
    "codewhisperer",
    "comprehend",
    "comprehendmedical",
    "transcribe",
    "translate",
];

/// Bedrock's product family on every row since 2026-07, whoever sells the model.
// AWS, "AWS Data Exports adds Amazon Bedrock product metadata" (2026-07-20), read 2026-11-23.
const BEDROCK_FAMILY: &str = "Amazon Bedrock";

/// The mark of a model sold through Marketplace.
const EDITION: &str = "(amazon bedrock edition)";

/// What a row is about; `None` when it is neither Bedrock nor another AI service.
pub(super) fn scope(row: &RawRow<'_>) -> Option<BillScope> {
    let code = row.get(Field::ProductCode).to_ascii_lowercase();
    let service = row.get(Field::ServiceCode).to_ascii_lowercase();
    if [&code, &service].into_iter().any(|c| BEDROCK.contains(&c.as_str()))
        || row.get(Field::Family).eq_ignore_ascii_case(BEDROCK_FAMILY)
        || is_sold_model(row)
    {
        Some(BillScope::Bedrock)
    } else if OTHER_AI_ML.contains(&code.as_str()) {
        Some(BillScope::OtherAiMl)
    } else {
        None
    }
}

/// Whether a Marketplace row is about a model of Bedrock. Its product code is opaque, so the name or the operation
/// says it; other sellers' products have neither.
fn is_sold_model(row: &RawRow<'_>) -> bool {
    is_marketplace(row)
        && (row.get(Field::Operation).starts_with("InvokeModel")
            || product_name(row).is_some_and(|name| name.to_ascii_lowercase().ends_with(EDITION)))
}

/// Whether a row is sold through AWS Marketplace.
pub(super) fn is_marketplace(row: &RawRow<'_>) -> bool {
    row.get(Field::Entity).eq_ignore_ascii_case("AWS Marketplace") || row.get(Field::UsageType).contains("MP:")
}

/// The name of the product, from whichever column or key has it.
pub(super) fn product_name(row: &RawRow<'_>) -> Option<String> {
    row.first(&[Field::ProductName, Field::ServiceName], &["product_name", "servicename", "model"])
}
