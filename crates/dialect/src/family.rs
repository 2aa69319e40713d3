//! Which body a model takes.

use laneshift_units::ProfiledModel;

/// Who makes models that Bedrock serves, as the first part of a model id says.
// AWS, "Supported foundation models in Amazon Bedrock", read 2026-11-23.
const PROVIDERS: [&str; 19] = [
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "moonshotai",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "twelvelabs",
    "writer",
    "zai",
];

/// Models that take the same body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Anthropic's messages.
    Claude,
    /// Amazon Nova: Converse, or its own body where there are tools.
    Nova,
    /// OpenAI's chat completions.
    OpenAi,
    /// Titan Text Embeddings.
    TitanEmbed,
    /// Cohere's embeddings; whether the model takes a size.
    CohereEmbed { sized: bool },
    /// Everything that Converse speaks to.
    Other,
}

impl Family {
    pub(crate) fn of(model: &str) -> Self {
        let model = ProfiledModel::parse_id(model).model;
        let begins = |name: &str| model.as_str().starts_with(name);
        if begins("anthropic.") {
            Self::Claude
        } else if begins("amazon.nova") {
            Self::Nova
        } else if begins("openai.") {
            Self::OpenAi
        } else if begins("amazon.titan-embed-text") {
            Self::TitanEmbed
        } else if begins("cohere.embed") {
            Self::CohereEmbed { sized: begins("cohere.embed-v4") }
        } else {
            Self::Other
        }
    }
}

/// Whether a name is one of Bedrock's: a model id, a profile id, an ARN.
pub fn is_bedrocks(name: &str) -> bool {
    let model = ProfiledModel::parse_id(name).model;
    let provider = model.as_str().split('.').next().unwrap_or_default();
    name.starts_with("arn:") || (model.as_str().contains('.') && PROVIDERS.contains(&provider))
}
