//! Inference profiles by ARN or id: which model an application inference profile calls, and where it may compute.
//!
//! Reads a CSV or JSON of `arn,model_id,name`, or what `aws bedrock list-inference-profiles` prints. Leaves out: calling AWS.

mod wire;

use std::collections::HashMap;
use std::path::Path;

use laneshift_bedrock::arn::{ModelRef, model_ref};
use laneshift_units::ProfiledModel;

use crate::{DataError, file};

/// The largest list that is read, in units of 1,048,576 bytes.
const LIST_MB_MAX: u64 = 64;

/// Inference profiles by ARN and by id.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    profiles: Vec<InferenceProfile>,
    /// Invariant: holds the index of every profile under its ARN, and under its id where no other has the same.
    by_name: HashMap<String, usize>,
}

/// One inference profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferenceProfile {
    /// Its ARN.
    pub arn: String,
    /// The model that it calls, and through which profile.
    pub model: ProfiledModel,
    /// Its name; the id where it has none.
    pub name: String,
}

impl InferenceProfile {
    /// The last part of the ARN, as callers also write it.
    pub fn id(&self) -> &str {
        match model_ref(&self.arn) {
            ModelRef::Id(id) | ModelRef::ApplicationProfile(id) | ModelRef::Provisioned(id) | ModelRef::Prompt(id) => id,
            ModelRef::Other(arn) => arn.rsplit('/').next().unwrap_or(arn),
        }
    }
}

impl Profiles {
    /// Reads a list, CSV or JSON.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read, has an unknown column or key, is cut off, or names one ARN twice with
    /// different models.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Self::parse(path, &file::read(path, LIST_MB_MAX)?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, DataError> {
        let mut list = Self::default();
        for (at, profile) in wire::read(path, text)? {
            if let Some(known) = list.by_name.get(&profile.arn).map(|ix| &list.profiles[*ix]) {
                if known.model != profile.model {
                    let reason = format!("{} is there twice, with different models", profile.arn);
                    return Err(DataError::field(path, at, "arn", reason, "keep one of the two"));
                }
                continue;
            }
            list.by_name.insert(profile.arn.clone(), list.profiles.len());
            list.profiles.push(profile);
        }
        let mut ids = HashMap::<&str, Option<usize>>::new();
        for (ix, profile) in list.profiles.iter().enumerate() {
            ids.entry(profile.id()).and_modify(|known| *known = None).or_insert(Some(ix));
        }
        let unique: Vec<(String, usize)> = ids.into_iter().filter_map(|(id, ix)| Some((id.to_owned(), ix?))).collect();
        for (id, ix) in unique {
            list.by_name.entry(id).or_insert(ix);
        }
        Ok(list)
    }

    /// The profile with this ARN or id. An id that two ARNs share finds none.
    pub fn get(&self, arn_or_id: &str) -> Option<&InferenceProfile> {
        self.by_name.get(arn_or_id).map(|ix| &self.profiles[*ix])
    }

    /// The model id of the profile with this ARN or id, as callers write it: `us.amazon.nova-pro-v1:0`.
    pub fn model_of(&self, arn_or_id: &str) -> Option<String> {
        self.get(arn_or_id).map(|profile| profile.model.to_string())
    }

    /// All profiles, in the order of the file.
    pub fn all(&self) -> &[InferenceProfile] {
        &self.profiles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile";

    fn parse(text: &str) -> Result<Profiles, String> {
        Profiles::parse(Path::new("profiles"), text).map_err(|e| e.to_string())
    }

    #[test]
    fn csv_and_json_say_the_same() {
        let csv = format!("arn,model_id,name\n{APP}/abc,us.amazon.nova-pro-v1:0,tagging\n");
        let json = format!(r#"[{{"arn": "{APP}/abc", "model_id": "us.amazon.nova-pro-v1:0", "name": "tagging"}}]"#);
        for text in [csv, json] {
            let list = parse(&text).expect("reads");
            let found = list.get("abc").expect("by id");
            assert_eq!(list.get(&format!("{APP}/abc")), Some(found));
            assert_eq!((found.model.to_string().as_str(), found.name.as_str()), ("us.amazon.nova-pro-v1:0", "tagging"));
            assert!(list.get("abd").is_none());
        }
    }

    #[test]
    fn what_the_aws_command_prints_is_read() {
        let model =
            |region: &str| format!(r#"{{"modelArn": "arn:aws:bedrock:{region}::foundation-model/anthropic.claude-sonnet-4-6"}}"#);
        for (regions, expected) in [
            (vec!["us-east-1"], "anthropic.claude-sonnet-4-6"),
            (vec!["us-east-1", "us-west-2"], "us.anthropic.claude-sonnet-4-6"),
            (vec!["ca-central-1", "us-east-1"], "us.anthropic.claude-sonnet-4-6"),
            (vec!["eu-west-1", "eu-north-1"], "eu.anthropic.claude-sonnet-4-6"),
            (vec!["ap-northeast-1", "ap-northeast-3"], "jp.anthropic.claude-sonnet-4-6"),
            (vec!["ap-southeast-2", "ap-southeast-4"], "au.anthropic.claude-sonnet-4-6"),
            (vec!["ap-northeast-1", "ap-south-1"], "apac.anthropic.claude-sonnet-4-6"),
            (vec!["us-gov-west-1", "us-gov-east-1"], "us-gov.anthropic.claude-sonnet-4-6"),
            (vec!["us-east-1", ""], "global.anthropic.claude-sonnet-4-6"),
        ] {
            let models: Vec<String> = regions.iter().map(|r| model(r)).collect();
            let text = format!(
                r#"{{"inferenceProfileSummaries": [{{"inferenceProfileName": "tagging", "createdAt": "2026-01-01",
                "inferenceProfileArn": "{APP}/abc", "inferenceProfileId": "abc", "models": [{}], "type": "APPLICATION"}}]}}"#,
                models.join(",")
            );
            let list = parse(&text).expect("reads");
            assert_eq!(list.get("abc").map(|p| p.model.to_string()).as_deref(), Some(expected));
        }
        let system = r#"{"inferenceProfileSummaries": [{"inferenceProfileName": "US Nova", "type": "SYSTEM_DEFINED",
            "inferenceProfileArn": "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0",
            "inferenceProfileId": "us.amazon.nova-pro-v1:0",
            "models": [{"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"}]}]}"#;
        let list = parse(system).expect("reads");
        assert_eq!(list.get("us.amazon.nova-pro-v1:0").map(|p| p.model.to_string()).as_deref(), Some("us.amazon.nova-pro-v1:0"));
    }

    #[test]
    fn an_id_of_two_arns_finds_none() {
        let text = format!("arn,model_id\n{APP}/abc,a.b\n{},a.c\n", format!("{APP}/abc").replace("us-east-1", "us-west-2"));
        let list = parse(&text).expect("reads");
        assert!(list.get("abc").is_none());
        assert_eq!(list.model_of(&format!("{APP}/abc")).as_deref(), Some("a.b"));
    }

    #[test]
    fn slips_are_refused_with_their_place() {
        for (text, expected) in [
            (format!("arn,model\n{APP}/a,a.b\n"), "line 1, field model: no column has this name"),
            ("arn,model_id\nabc,a.b\n".to_owned(), "line 2, field arn: \"abc\" is no ARN"),
            (format!("arn,model_id\n{APP}/a,\n"), "line 2, field model_id: empty"),
            (format!("arn,model_id\n{APP}/a,{APP}/b\n"), "line 2, field model_id: "),
            (format!("arn,model_id\n{APP}/a,a.b\n{APP}/a,a.c\n"), "line 3, field arn: "),
            (format!(r#"[{{"arn": "{APP}/a", "model_id": "a.b", "nam": "x"}}]"#), "unknown field `nam`"),
            (r#"{"inferenceProfileSummaries": [], "nextToken": "x"}"#.to_owned(), "field nextToken: the list is cut off"),
            (r#"{"summaries": []}"#.to_owned(), "missing field `inferenceProfileSummaries`"),
        ] {
            let error = parse(&text).expect_err(&text);
            assert!(error.contains(expected), "{error}");
        }
    }
}
