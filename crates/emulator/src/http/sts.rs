//! STS: AssumeRole and GetCallerIdentity over the query protocol.
//!
//! Any role of an account of the settings can be assumed, as if it trusted whoever asks.
// Names, limits and codes: service model of sts in botocore 1.44.5, and AWS STS API Reference, "AssumeRole" and "Common error
// types", read 2026-11-30.

use http::{Request, Response, StatusCode};
use laneshift_provider::chance;
use laneshift_provider::refusal::{Kind, Refusal};
use laneshift_provider::world::Caller;
use laneshift_units::Timestamp;
use percent_encoding::percent_decode_str;

use super::{auth, reply};
use crate::body::{Body, read_body};
use crate::emulator::Emulator;
use crate::session::Session;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// Seconds of a session: the shortest, the longest, and those of a request that does not say.
const DURATION_S: [i64; 3] = [900, 43_200, 3_600];
const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=64;

/// An error as STS names it.
struct StsError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl StsError {
    fn invalid(field: &str, value: &str, rule: &str) -> Self {
        let message =
            format!("1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: Member must {rule}");
        Self { status: StatusCode::BAD_REQUEST, code: "ValidationError", message }
    }
}

/// Services of the query protocol have names of their own for who may not call.
impl From<Refusal> for StsError {
    fn from(Refusal { kind, message }: Refusal) -> Self {
        let (status, code) = match kind {
            Kind::AccessDenied => (StatusCode::FORBIDDEN, "AccessDenied"),
            Kind::InvalidSignature => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
            Kind::IncompleteSignature => (StatusCode::BAD_REQUEST, "IncompleteSignature"),
            Kind::ExpiredToken => (StatusCode::FORBIDDEN, "ExpiredToken"),
            Kind::MissingAuthenticationToken => (StatusCode::FORBIDDEN, "MissingAuthenticationToken"),
            _ => (StatusCode::FORBIDDEN, "InvalidClientTokenId"),
        };
        Self { status, code, message }
    }
}

/// Answers a request for STS.
pub(crate) async fn answer(emulator: &Emulator, request: Request<Body>) -> Response<Body> {
    let request_id = emulator.inner.request_id();
    let (parts, body) = request.into_parts();
    let answered = async {
        let bytes = read_body(body).await?;
        let caller = auth::caller(&emulator.inner, &parts, &bytes)?;
        respond(emulator, &caller, &bytes, &request_id)
    };
    xml(answered.await, &request_id)
}

fn respond(emulator: &Emulator, caller: &Caller, form: &[u8], request_id: &str) -> Result<String, StsError> {
    let form = String::from_utf8_lossy(form).replace('+', " ");
    let field = |name: &str| {
        let pair = form.split('&').find_map(|pair| pair.split_once('=').filter(|(n, _)| *n == name));
        pair.map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned()).unwrap_or_default()
    };
    match &*field("Action") {
        "AssumeRole" => {
            assume(emulator, caller, &[field("RoleArn"), field("RoleSessionName"), field("DurationSeconds")], request_id)
        }
        "GetCallerIdentity" => {
            let (arn, account) = (escaped(&caller.principal), &caller.account);
            let user = chance::id12(0, &caller.principal).to_uppercase();
            Ok(format!(
                "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\"><GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AIDA{user}</UserId>\
                 <Account>{account}</Account></GetCallerIdentityResult>{}</GetCallerIdentityResponse>",
                metadata(request_id)
            ))
        }
        other => {
            let message = format!("Could not find operation {other} for version 2011-06-15");
            Err(StsError { status: StatusCode::BAD_REQUEST, code: "InvalidAction", message })
        }
    }
}

fn assume(
    emulator: &Emulator,
    caller: &Caller,
    [role, name, duration]: &[String; 3],
    request_id: &str,
) -> Result<String, StsError> {
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    let path = match parts[..] {
        ["arn", _, "iam", "", account, path] => {
            path.strip_prefix("role/").filter(|path| !path.is_empty()).map(|path| (account, path))
        }
        _ => None,
    };
    let (account, path) = path.ok_or_else(|| StsError::invalid("roleArn", role, "be the ARN of a role"))?;
    let name_char = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !NAME_CHARS.contains(&name.len()) {
        return Err(StsError::invalid("roleSessionName", name, "have length between 2 and 64"));
    }
    if !name.chars().all(name_char) {
        return Err(StsError::invalid("roleSessionName", name, r"satisfy regular expression pattern: [\w+=,.@-]*"));
    }
    let [least, most, default] = DURATION_S;
    let duration_s = if duration.is_empty() { Some(default) } else { duration.parse().ok() };
    let duration_s = duration_s.filter(|s| (least..=most).contains(s));
    let duration_s = duration_s.ok_or_else(|| StsError::invalid("durationSeconds", duration, "be between 900 and 43200"))?;
    if !emulator.inner.accounts().iter().any(|a| a.id == account) {
        let who = &caller.principal;
        let text = format!("User: {who} is not authorized to perform: sts:AssumeRole on resource: {role}");
        return Err(Refusal::new(Kind::AccessDenied, text).into());
    }
    // The path of a role is not in the ARN of its sessions.
    let short = path.rsplit('/').next().unwrap_or(path);
    let arn = format!("arn:aws:sts::{account}:assumed-role/{short}/{name}");
    let until = Timestamp(emulator.inner.clock.now().0 + duration_s * 1_000);
    let session = Session::new(account, arn.clone(), until, request_id.to_owned());
    let keys = session.keys(emulator.inner.seed());
    let role_id = chance::id12(0, role).to_uppercase();
    Ok(format!(
        "<AssumeRoleResponse xmlns=\"{NAMESPACE}\"><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROA{role_id}:{name}</AssumedRoleId>\
         <Arn>{}</Arn></AssumedRoleUser><Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
         <SessionToken>{}</SessionToken><Expiration>{}</Expiration></Credentials></AssumeRoleResult>{}</AssumeRoleResponse>",
        escaped(&arn),
        keys.access_key,
        keys.secret_key,
        keys.token,
        session.until(),
        metadata(request_id)
    ))
}

fn metadata(request_id: &str) -> String {
    format!("<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn xml(answered: Result<String, StsError>, request_id: &str) -> Response<Body> {
    let (status, text) = match answered {
        Ok(text) => (StatusCode::OK, text),
        Err(StsError { status, code, message }) => {
            let message = escaped(&message);
            let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
            let id = format!("<RequestId>{request_id}</RequestId>");
            (status, format!("<ErrorResponse xmlns=\"{NAMESPACE}\">{error}{id}</ErrorResponse>"))
        }
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    reply::set(&mut response, "content-type", "text/xml");
    reply::with_request_id(response, request_id)
}
