//! ARNs of callers and models, as far as an audit needs them.

/// Who called, taken from `identity.arn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal<'a> {
    /// The role or user name.
    pub name: &'a str,
    /// The session name of an assumed role.
    pub session: Option<&'a str>,
}

/// Splits `arn:aws:sts::111122223333:assumed-role/Role/session`, `…:user/name`, `…:root`; other text is a name.
pub fn principal(arn: &str) -> Principal<'_> {
    let resource = resource_of(arn).unwrap_or(arn);
    if let Some(rest) = resource.strip_prefix("assumed-role/") {
        let (name, session) = rest.split_once('/').map_or((rest, None), |(n, s)| (n, Some(s)));
        return Principal { name, session };
    }
    let name = resource.rsplit('/').next().unwrap_or(resource);
    Principal { name, session: None }
}

/// What a `modelId` of a log names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelRef<'a> {
    /// A base model or system inference profile id, as [`laneshift_units::ProfiledModel::parse_id`] reads it.
    Id(&'a str),
    /// An application inference profile; opaque without a table. Holds its id.
    ApplicationProfile(&'a str),
    /// A provisioned model; holds its id.
    Provisioned(&'a str),
    /// A prompt ARN of Prompt management; the model is not named.
    Prompt(&'a str),
    /// Another ARN (custom, imported, router, endpoint); holds the whole ARN.
    Other(&'a str),
}

/// Reads a `modelId`.
pub fn model_ref(model_id: &str) -> ModelRef<'_> {
    let Some(resource) = resource_of(model_id) else { return ModelRef::Id(model_id) };
    let (kind, id) = resource.split_once('/').unwrap_or((resource, ""));
    match kind {
        "foundation-model" | "inference-profile" => ModelRef::Id(id),
        "application-inference-profile" => ModelRef::ApplicationProfile(id),
        "provisioned-model" => ModelRef::Provisioned(id),
        "prompt" => ModelRef::Prompt(id),
        _ => ModelRef::Other(model_id),
    }
}

/// The sixth part of an ARN.
fn resource_of(arn: &str) -> Option<&str> {
    arn.starts_with("arn:").then(|| arn.splitn(6, ':').nth(5)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_split() {
        let p = principal("arn:aws:sts::123456789012:assumed-role/CaseNotesRole/batch-worker-3");
        assert_eq!((p.name, p.session), ("CaseNotesRole", Some("batch-worker-3")));
        assert_eq!(principal("arn:aws:iam::1:user/path/alice").name, "alice");
        assert_eq!(principal("").name, "");
    }

    #[test]
    fn model_ids_and_arns_are_told_apart() {
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0";
        assert_eq!(model_ref(arn), ModelRef::Id("us.amazon.nova-pro-v1:0"));
        assert_eq!(model_ref("arn:aws:bedrock:us-east-1::foundation-model/a.b"), ModelRef::Id("a.b"));
        assert_eq!(model_ref("arn:aws:bedrock:us-east-1:1:application-inference-profile/x1"), ModelRef::ApplicationProfile("x1"));
        assert_eq!(
            model_ref("arn:aws:sagemaker:us-east-1:1:endpoint/e"),
            ModelRef::Other("arn:aws:sagemaker:us-east-1:1:endpoint/e")
        );
    }
}
