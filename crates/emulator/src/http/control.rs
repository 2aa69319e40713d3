//! The control plane and CountTokens: one line an operation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Response;
use laneshift_provider::ask;
use laneshift_provider::jobs::ListQuery;
use laneshift_provider::refusal::{Kind, Refusal};
use laneshift_provider::world::{Outcome, World};
use laneshift_units::Timestamp;
use serde_json::json;

use super::{Struck, reply};
use crate::body::Body;
use crate::call::Call;
use crate::emulator::Emulator;
use crate::s3;

/// Decides, journals, answers. All of it happens under one lock, the moment included, so two calls cannot decide on the same
/// state, and none on a state that the driver has changed for a later moment.
pub(super) fn run(emulator: &Emulator, call: &Call, struck: &Struck) -> Result<Response<Body>, Refusal> {
    let inner = &emulator.inner;
    if call.operation == "PutModelInvocationLoggingConfiguration" {
        check_log_target(emulator, call)?;
    }
    let outcome = {
        let mut state = inner.state();
        let outcome = decide(&state.world, call, struck, inner.clock.now())?;
        let committed = state.commit(&outcome.events);
        committed.map_err(|e| Refusal::new(Kind::InternalServer, format!("The journal could not be written: {e}")))?;
        outcome
    };
    if !outcome.events.is_empty() {
        inner.wake.notify_one();
    }
    Ok(reply::json(outcome.status, &outcome.body))
}

fn decide(world: &World, call: &Call, struck: &Struck, now: Timestamp) -> Result<Outcome, Refusal> {
    let (caller, body) = (&call.caller, &call.params.body);
    let query = |name: &str| call.query(name);
    match call.operation.as_str() {
        "CreateModelInvocationJob" => world.create_job(caller, body, &struck.strikes, now),
        "GetModelInvocationJob" => world.get_job(caller, call.uri("jobIdentifier"), now),
        "ListModelInvocationJobs" => world.list_jobs(caller, &list_query(call), now),
        "StopModelInvocationJob" => world.stop_job(caller, call.uri("jobIdentifier"), now),
        "ListTagsForResource" => world.list_tags(caller, body),
        "TagResource" => world.tag(caller, body),
        "UntagResource" => world.untag(caller, body),
        "ListFoundationModels" => world.list_models(caller, &query),
        "GetFoundationModel" => world.get_model(caller, call.uri("modelIdentifier")),
        "ListInferenceProfiles" => world.list_profiles(caller, &query),
        "GetInferenceProfile" => world.get_profile(caller, call.uri("inferenceProfileIdentifier")),
        "CreateInferenceProfile" => world.create_profile(caller, body, now),
        "DeleteInferenceProfile" => world.delete_profile(caller, call.uri("inferenceProfileIdentifier")),
        "GetProvisionedModelThroughput" => world.get_provisioned(caller, call.uri("provisionedModelId")),
        "ListProvisionedModelThroughputs" => world.list_provisioned(caller),
        "GetModelInvocationLoggingConfiguration" => world.get_logging(caller),
        "PutModelInvocationLoggingConfiguration" => world.put_logging(caller, body),
        "DeleteModelInvocationLoggingConfiguration" => world.delete_logging(caller),
        "CountTokens" => count_tokens(world, call),
        other => Err(Refusal::new(Kind::UnknownOperation, format!("{other} is not emulated."))),
    }
}

fn list_query(call: &Call) -> ListQuery {
    let moment = |name: &str| call.query(name).and_then(|text| Timestamp::parse(&text).ok());
    ListQuery {
        submit_time_after: moment("submitTimeAfter"),
        submit_time_before: moment("submitTimeBefore"),
        status_equals: call.query("statusEquals"),
        name_contains: call.query("nameContains"),
        max_results: call.query("maxResults").and_then(|n| n.parse().ok()),
        next_token: call.query("nextToken"),
        ascending: call.query("sortOrder").as_deref() == Some("Ascending"),
    }
}

/// Counts what a call would read; free, and not held against a quota.
fn count_tokens(world: &World, call: &Call) -> Result<Outcome, Refusal> {
    let model = world.directory().resolve(call.uri("modelId"), &call.caller.account, &call.caller.region)?.model;
    let input = &call.params.body["input"];
    let ask = if let Some(body) = input["invokeModel"]["body"].as_str() {
        let bytes =
            STANDARD.decode(body).map_err(|_| Refusal::new(Kind::Serialization, "input.invokeModel.body: expected base64"))?;
        ask::read_invoke(model, &bytes)
    } else {
        ask::read_converse(model, &input["converse"])
    };
    let ask = ask.map_err(|refused| Refusal::validation(refused.message))?;
    Ok(Outcome { status: 200, body: json!({ "inputTokens": ask.input_tokens() }), events: Vec::new() })
}

/// AWS writes an object where logs are to go. Here the bucket must be there, and the prefix must not lead out of it.
fn check_log_target(emulator: &Emulator, call: &Call) -> Result<(), Refusal> {
    let s3 = &call.params.body["loggingConfig"]["s3Config"];
    let Some(bucket) = s3["bucketName"].as_str() else { return Ok(()) };
    let prefix = s3["keyPrefix"].as_str().unwrap_or_default().trim_end_matches('/');
    let folder = s3::bucket_path(&emulator.inner.folder, bucket);
    if folder.is_none_or(|folder| !prefix.is_empty() && s3::object_path(&folder, prefix).is_none()) {
        let text = format!("Failed to validate permissions for log bucket: {bucket}, with prefix: {prefix}");
        return Err(Refusal::validation(text));
    }
    Ok(())
}
