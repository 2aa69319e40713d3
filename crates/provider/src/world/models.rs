//! Models, inference profiles and provisioned models as the control plane lists them.

use laneshift_units::{Profile, ProfiledModel, Timestamp};
use serde_json::{Value, json};

use super::control::read_tags;
use super::{Caller, Outcome, World};
use crate::chance;
use crate::event::Event;
use crate::jobs::timestamp;
use crate::models::{Modality, Model, Models};
use crate::refusal::{Kind, Refusal};
use crate::resolve::{destinations, geography};
use crate::settings::{ApplicationProfile, ProvisionedModel};

/// How many inference profiles a page has when the request does not say.
const PAGE_DEFAULT: usize = 100;

/// The filters of ListFoundationModels.
fn passes(model: &Model, query: &dyn Fn(&str) -> Option<String>) -> bool {
    let provider = query("byProvider").is_none_or(|p| model.provider.eq_ignore_ascii_case(&p));
    let output = query("byOutputModality").is_none_or(|m| model.output.iter().any(|o| o.name() == m));
    let inference = query("byInferenceType").is_none_or(|t| t == "ON_DEMAND" && model.in_region);
    // No model of the table can be customised here.
    provider && output && inference && query("byCustomizationType").is_none()
}

fn summary(model: &Model, region: &str) -> Value {
    let names = |list: &[Modality]| list.iter().map(|m| m.name()).collect::<Vec<_>>();
    let mut types = Vec::new();
    if model.in_region {
        types.push("ON_DEMAND");
    }
    if !model.profiles.is_empty() {
        types.push("INFERENCE_PROFILE");
    }
    json!({
        "modelArn": model_arn(model, region),
        "modelId": model.id,
        "modelName": model.name,
        "providerName": model.provider,
        "inputModalities": names(&model.input),
        "outputModalities": names(&model.output),
        "responseStreamingSupported": model.streaming,
        "customizationsSupported": [],
        "inferenceTypesSupported": types,
        "modelLifecycle": { "status": "ACTIVE" },
    })
}

fn model_arn(model: &Model, region: &str) -> String {
    format!("arn:aws:bedrock:{region}::foundation-model/{}", model.id)
}

/// AWS names the model in each region that may compute.
fn profile_models(model: &str, profile: &Profile, region: &str) -> Vec<Value> {
    let arn = |region| json!({ "modelArn": format!("arn:aws:bedrock:{region}::foundation-model/{model}") });
    destinations(profile, region).into_iter().map(arn).collect()
}

fn system_profile(model: &Model, profile: &Profile, caller: &Caller) -> Value {
    let id = format!("{profile}.{}", model.id);
    json!({
        "inferenceProfileName": format!("{} {}", profile.name().to_uppercase(), model.name),
        "inferenceProfileId": id,
        "inferenceProfileArn": format!("arn:aws:bedrock:{}:{}:inference-profile/{id}", caller.region, caller.account),
        "description": format!("Routes requests to {} in {profile}.", model.name),
        "models": profile_models(&model.id, profile, &caller.region),
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    })
}

fn application_profile(profile: &ApplicationProfile, region: &str) -> Value {
    let base = ProfiledModel::parse_id(&profile.model);
    let at = timestamp(Timestamp(profile.created_ms));
    json!({
        "inferenceProfileName": profile.name,
        "inferenceProfileId": profile.id,
        "inferenceProfileArn": profile.arn(),
        "description": profile.description,
        "models": profile_models(base.model.as_str(), &base.profile, region),
        "status": "ACTIVE",
        "type": "APPLICATION",
        "createdAt": at,
        "updatedAt": at,
    })
}

fn provisioned(model: &ProvisionedModel, (created, changed): (Timestamp, Timestamp)) -> Value {
    let base = format!("arn:aws:bedrock:{}::foundation-model/{}", model.region, model.model);
    let mut out = json!({
        "provisionedModelName": model.name,
        "provisionedModelArn": model.arn(),
        "modelArn": base,
        "desiredModelArn": base,
        "foundationModelArn": base,
        "modelUnits": model.units,
        "desiredModelUnits": model.units,
        "status": "InService",
        "creationTime": timestamp(created),
        "lastModifiedTime": timestamp(changed),
    });
    if model.commitment.is_some() {
        out["commitmentDuration"] = model.commitment().name().into();
    }
    out
}

impl World {
    /// ListFoundationModels.
    ///
    /// # Errors
    /// None.
    pub fn list_models(&self, caller: &Caller, query: &dyn Fn(&str) -> Option<String>) -> Result<Outcome, Refusal> {
        let found: Vec<Value> =
            Models::shipped().iter().filter(|model| passes(model, query)).map(|m| summary(m, &caller.region)).collect();
        Outcome::read(json!({ "modelSummaries": found }))
    }

    /// GetFoundationModel.
    ///
    /// # Errors
    /// ResourceNotFoundException.
    pub fn get_model(&self, caller: &Caller, identifier: &str) -> Result<Outcome, Refusal> {
        let id = identifier.rsplit('/').next().unwrap_or(identifier);
        let model = Models::shipped().get(id).ok_or_else(|| {
            Refusal::new(Kind::ResourceNotFound, "Could not resolve the foundation model from the provided model identifier.")
        })?;
        Outcome::read(json!({ "modelDetails": summary(model, &caller.region) }))
    }

    fn profiles_of(&self, caller: &Caller) -> Vec<Value> {
        let geo = geography(&caller.region);
        let here = |profile: &&Profile| match profile {
            Profile::Geo(prefix) => geo.contains(&&**prefix),
            Profile::Global => true,
            Profile::InRegion => false,
        };
        let system = Models::shipped()
            .iter()
            .flat_map(|model| model.profiles.iter().filter(here).map(move |profile| system_profile(model, profile, caller)));
        let own = self.profiles.iter().filter(|p| p.account == caller.account && p.region == caller.region);
        system.chain(own.map(|p| application_profile(p, &caller.region))).collect()
    }

    /// ListInferenceProfiles.
    ///
    /// # Errors
    /// ValidationException for a token that no list gave.
    pub fn list_profiles(&self, caller: &Caller, query: &dyn Fn(&str) -> Option<String>) -> Result<Outcome, Refusal> {
        let kind = query("type").unwrap_or_else(|| "SYSTEM_DEFINED".to_owned());
        let all: Vec<Value> = self.profiles_of(caller).into_iter().filter(|p| p["type"] == kind.as_str()).collect();
        let size = query("maxResults").and_then(|n| n.parse().ok()).unwrap_or(PAGE_DEFAULT);
        let from: usize = match query("nextToken") {
            Some(token) => {
                let given = token.parse().ok().filter(|from| *from < all.len());
                given.ok_or_else(|| Refusal::validation("The provided nextToken is invalid."))?
            }
            None => 0,
        };
        let page: Vec<&Value> = all.iter().skip(from).take(size).collect();
        let mut body = json!({ "inferenceProfileSummaries": page });
        let next = from.saturating_add(size);
        if next < all.len() {
            body["nextToken"] = next.to_string().into();
        }
        Outcome::read(body)
    }

    /// GetInferenceProfile, by id or ARN.
    ///
    /// # Errors
    /// ResourceNotFoundException.
    pub fn get_profile(&self, caller: &Caller, identifier: &str) -> Result<Outcome, Refusal> {
        let id = identifier.rsplit('/').next().unwrap_or(identifier);
        let found = self.profiles_of(caller).into_iter().find(|p| p["inferenceProfileId"] == id);
        let missing = || Refusal::new(Kind::ResourceNotFound, format!("Could not find the inference profile: {identifier}"));
        Outcome::read(found.ok_or_else(missing)?)
    }

    /// CreateInferenceProfile: an application profile over a model or a system-defined profile.
    ///
    /// # Errors
    /// ValidationException, ResourceNotFoundException.
    pub fn create_profile(&self, caller: &Caller, body: &Value, now: Timestamp) -> Result<Outcome, Refusal> {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let source = body["modelSource"]["copyFrom"].as_str().unwrap_or_default();
        let resolved = self.directory().resolve(source, &caller.account, &caller.region)?;
        if resolved.application_profile.is_some() || resolved.provisioned.is_some() {
            return Err(Refusal::validation("copyFrom must be a foundation model or a system-defined inference profile."));
        }
        let profile = ApplicationProfile {
            account: caller.account.clone(),
            region: caller.region.clone(),
            id: self.new_profile_id(now),
            name: text("inferenceProfileName"),
            model: source.rsplit('/').next().unwrap_or(source).to_owned(),
            description: text("description"),
            created_ms: now.0,
        };
        let arn = profile.arn();
        let mut outcome =
            Outcome::changed(201, json!({ "inferenceProfileArn": arn, "status": "ACTIVE" }), Event::ProfileCreated(profile))?;
        outcome.events.push(Event::Tagged { arn, tags: read_tags(&body["tags"]) });
        Ok(outcome)
    }

    /// An id that no profile has. As many tries as there are profiles, and one more, find one.
    fn new_profile_id(&self, now: Timestamp) -> String {
        let taken = |id: &String| self.profiles.iter().any(|profile| profile.id == *id);
        let id = |n: usize| chance::id12(self.settings.seed, &format!("profile {n} {}", now.0));
        let count = self.profiles.len();
        (count..=2 * count).map(id).find(|id| !taken(id)).unwrap_or_else(|| id(2 * count + 1))
    }

    /// DeleteInferenceProfile.
    ///
    /// # Errors
    /// ResourceNotFoundException, ValidationException for a system-defined one.
    pub fn delete_profile(&self, caller: &Caller, identifier: &str) -> Result<Outcome, Refusal> {
        let found = self.get_profile(caller, identifier)?.body;
        if found["type"] == "SYSTEM_DEFINED" {
            return Err(Refusal::validation("A system-defined inference profile cannot be deleted."));
        }
        let arn = found["inferenceProfileArn"].as_str().unwrap_or_default().to_owned();
        Outcome::changed(200, json!({}), Event::ProfileDeleted { arn })
    }

    fn shown(&self, model: &ProvisionedModel) -> Value {
        // The journal is told of the settings before anybody asks.
        provisioned(model, self.provisions.since(&model.arn()).unwrap_or((Timestamp(0), Timestamp(0))))
    }

    /// GetProvisionedModelThroughput, by name or ARN.
    ///
    /// # Errors
    /// ResourceNotFoundException.
    pub fn get_provisioned(&self, caller: &Caller, identifier: &str) -> Result<Outcome, Refusal> {
        let mine = |p: &&ProvisionedModel| p.account == caller.account && p.region == caller.region;
        let found = self.settings.provisioned_models.iter().filter(mine);
        let found = found.into_iter().find(|p| p.arn() == identifier || p.name == identifier || p.id == identifier);
        let missing = || Refusal::new(Kind::ResourceNotFound, format!("Could not find the provisioned model: {identifier}"));
        Outcome::read(self.shown(found.ok_or_else(missing)?))
    }

    /// ListProvisionedModelThroughputs.
    ///
    /// # Errors
    /// None.
    pub fn list_provisioned(&self, caller: &Caller) -> Result<Outcome, Refusal> {
        let mine = |p: &&ProvisionedModel| p.account == caller.account && p.region == caller.region;
        let found: Vec<Value> = self.settings.provisioned_models.iter().filter(mine).map(|p| self.shown(p)).collect();
        Outcome::read(json!({ "provisionedModelSummaries": found }))
    }
}
