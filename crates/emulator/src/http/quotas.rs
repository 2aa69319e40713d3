//! Service Quotas: four reads of Bedrock's quotas over JSON 1.1.

use http::{Request, Response};
use laneshift_provider::quotas::Quota;
use laneshift_provider::refusal::{Kind, Refusal};
use laneshift_provider::shapes::{Params, Shapes, validation_message};
use laneshift_provider::world::Caller;
use serde_json::{Value, json};

use super::{auth, reply};
use crate::body::read_body;
use crate::body::{Body, Hangup};
use crate::emulator::Emulator;

/// Quotas of a page when the request does not say.
const PAGE_DEFAULT: usize = 100;

/// Answers a request for Service Quotas.
pub(crate) async fn service_quotas(emulator: &Emulator, request: Request<Body>) -> Result<Response<Body>, Hangup> {
    let (parts, body) = request.into_parts();
    let answered = async {
        let bytes = read_body(body).await?;
        let caller = auth::caller(&emulator.inner, &parts, &bytes)?;
        let target = parts.headers.get("x-amz-target").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body = serde_json::from_slice(&bytes).map_err(|_| Refusal::new(Kind::Serialization, "The body is not JSON."))?;
        respond(emulator, operation, body, &caller)
    };
    let mut response = match answered.await {
        Ok(body) => reply::json(200, &body),
        // JSON 1.1 names the error in the body.
        Err(refusal) => {
            let status = if refusal.kind == Kind::NoSuchResource { 400 } else { refusal.kind.status() };
            reply::json(status, &json!({ "__type": refusal.kind.name(), "Message": refusal.message }))
        }
    };
    reply::set(&mut response, "content-type", "application/x-amz-json-1.1");
    Ok(reply::with_request_id(response, &emulator.inner.request_id()))
}

fn respond(emulator: &Emulator, operation: &str, body: Value, caller: &Caller) -> Result<Value, Refusal> {
    let violations = Shapes::shipped().check(operation, &Params { body: body.clone(), ..Params::default() });
    if !violations.is_empty() {
        let text = validation_message(&violations).unwrap_or_else(|| "The request cannot be read.".to_owned());
        return Err(Refusal::new(Kind::IllegalArgument, text));
    }
    let default = operation.contains("AWSDefault");
    let show = |quota: &Quota| quota.to_json(&caller.account, &caller.region, default);
    let all = emulator.inner.quotas();
    if body["ServiceCode"] != "bedrock" {
        return Err(Refusal::new(Kind::NoSuchResource, "The service code is not known here; bedrock is."));
    }
    match operation {
        "ListServiceQuotas" | "ListAWSDefaultServiceQuotas" => {
            let wanted = body["QuotaCode"].as_str();
            let all: Vec<&Quota> = all.iter().filter(|q| wanted.is_none_or(|code| q.code() == code)).collect();
            let from: usize = match body["NextToken"].as_str() {
                Some(token) => {
                    let given = token.parse().ok().filter(|from| *from < all.len());
                    given.ok_or_else(|| Refusal::new(Kind::InvalidPaginationToken, "Invalid pagination token."))?
                }
                None => 0,
            };
            let size = body["MaxResults"].as_u64().map_or(PAGE_DEFAULT, |n| n as usize);
            let page: Vec<Value> = all.iter().skip(from).take(size).map(|q| show(q)).collect();
            let mut out = json!({ "Quotas": page });
            let next = from.saturating_add(size);
            if next < all.len() {
                out["NextToken"] = next.to_string().into();
            }
            Ok(out)
        }
        "GetServiceQuota" | "GetAWSDefaultServiceQuota" => {
            let code = body["QuotaCode"].as_str().unwrap_or_default();
            let found = all.iter().find(|quota| quota.code() == code);
            let missing = || Refusal::new(Kind::NoSuchResource, format!("The quota code {code} does not exist."));
            Ok(json!({ "Quota": show(found.ok_or_else(missing)?) }))
        }
        other => Err(Refusal::new(Kind::UnknownOperation, format!("{other} is not emulated."))),
    }
}
