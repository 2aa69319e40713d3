//! Whom AWS knows an owner as: a role that is assumed for its calls, an application inference profile that is called for its models;
//! so that AWS's own bill and logs tell owners apart.
//!
//! Promises: an owner that has roles is served under one of them or not at all; a session is asked for once for many calls, ahead of
//! its end, by one call at a time; a profile that turns out to be of another model is not called. Keys of sessions are in memory only.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use laneshift_aws::sigv4::sha256_hex;
use laneshift_aws::{AwsError, Client, Credentials, Endpoints};
use laneshift_units::{Profile, ProfiledModel, Timestamp};

use crate::body::Coming;
use crate::config::Owner;
use crate::gateway::{Caller, Gateway};
use crate::keys::Key;
use crate::market::Spot;
use crate::refusal::Refusal;
use crate::runtime::ANSWER_BYTES_MAX;
use crate::upstream::{Lost, Target};

/// How long a session lasts: what every role allows.
// AWS, STS API Reference, "AssumeRole", read 2026-11-30: an hour unless the role says otherwise.
const DURATION_S: u32 = 3_600;
/// So long before its end another one is asked for.
const AHEAD_MS: i64 = 300_000;
/// How long a failure is believed.
const FAILED_MS: i64 = 1_000;
/// Sessions that are kept.
const SESSIONS_MAX: usize = 10_000;
/// Characters of a session's name.
const NAME_MAX: usize = 64;

/// A role, and the name that its session has.
type Name = (String, String);

#[derive(Debug, Default)]
struct State {
    keys: Option<(Arc<Credentials>, Timestamp)>,
    /// Why there are no others, and when that turned out.
    failed: Option<(AwsError, Timestamp)>,
}

/// A session, and those that follow it.
#[derive(Debug, Default)]
struct Session {
    state: Mutex<State>,
    /// Held while another one is asked for.
    renewing: tokio::sync::Mutex<()>,
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keys that hold now, but for those that AWS says have ended; and whether they hold for a while.
    fn held(&self, spent: Option<&Arc<Credentials>>, now: Timestamp) -> Option<(Arc<Credentials>, bool)> {
        let state = self.state();
        let (keys, until) = state.keys.as_ref().filter(|(_, until)| *until > now)?;
        let is_spent = spent.is_some_and(|spent| Arc::ptr_eq(spent, keys));
        (!is_spent).then(|| (keys.clone(), until.0 - now.0 > AHEAD_MS))
    }

    /// Keys of the session: those that it has, or others where its end is near. What holds is used while they are asked for.
    async fn keys(
        &self,
        spent: Option<&Arc<Credentials>>,
        now: Timestamp,
        assume: impl AsyncFnOnce() -> Result<Credentials, AwsError>,
    ) -> Result<Arc<Credentials>, AwsError> {
        let held = match self.held(spent, now) {
            Some((keys, true)) => return Ok(keys),
            Some((keys, false)) => Some(keys),
            None => None,
        };
        let _renewing = match (self.renewing.try_lock(), &held) {
            (Ok(guard), _) => guard,
            (Err(_), Some(keys)) => return Ok(keys.clone()),
            (Err(_), None) => self.renewing.lock().await,
        };
        // Somebody else may have been here meanwhile.
        if let Some((keys, true)) = self.held(spent, now) {
            return Ok(keys);
        }
        let failed = self.state().failed.clone().filter(|(_, at)| now.0 - at.0 < FAILED_MS);
        let error = match failed {
            Some((error, _)) => error,
            None => match assume().await {
                Ok(keys) => {
                    let keys = Arc::new(keys);
                    let until = Timestamp(now.0 + i64::from(DURATION_S) * 1_000);
                    *self.state() = State { keys: Some((keys.clone(), until)), failed: None };
                    return Ok(keys);
                }
                Err(error) => {
                    self.state().failed = Some((error.clone(), now));
                    error
                }
            },
        };
        held.ok_or(error)
    }
}

/// The sessions of all roles, and the profiles that are not what they are said to be.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    sessions: Mutex<HashMap<Name, Arc<Session>>>,
    refuted: RwLock<HashSet<String>>,
}

impl Roles {
    fn session(&self, name: &Name) -> Arc<Session> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_MAX && !sessions.contains_key(name) {
            // Those that are in use are asked for again.
            sessions.clear();
        }
        sessions.entry(name.clone()).or_default().clone()
    }
}

/// Keys to sign a call with, and the session that they are of.
pub(crate) struct Keys {
    credentials: Arc<Credentials>,
    session: Option<Name>,
}

impl Keys {
    /// Whether they are of an owner's session, and not the gateway's own.
    pub(crate) const fn are_of_session(&self) -> bool {
        self.session.is_some()
    }
}

/// The name of an owner's session: as the owner is called, as far as AWS takes that.
// AWS, STS API Reference, "AssumeRole", read 2026-11-30: `[\w+=,.@-]{2,64}`.
fn session_name(owner: &str) -> String {
    let name: String =
        owner.chars().map(|c| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' }).take(NAME_MAX).collect();
    if name == owner && name.len() > 1 {
        return name;
    }
    // Owners stay apart whose names only differ in what AWS does not take.
    let mark = &sha256_hex(owner.as_bytes())[..8];
    format!("{}-{mark}", &name[..name.len().min(NAME_MAX - 9)])
}

/// Whether an application inference profile is of a model, by the models that AWS tells of it: of a model in one region its ARN,
/// of a geographic profile one in each region, of the global profile one without a region too.
// AWS, "Create an application inference profile" and GetInferenceProfile's answers for global profiles, read 2026-11-30.
fn is_of(told: &[String], model: &ProfiledModel) -> bool {
    let is_global = told.iter().any(|arn| region_of(arn).is_empty());
    let fits = match model.profile {
        Profile::InRegion => told.len() == 1 && !is_global,
        Profile::Geo(_) => !told.is_empty() && !is_global,
        Profile::Global => is_global,
    };
    fits && told.iter().all(|arn| ProfiledModel::parse_id(arn).model == model.model)
}

/// Whether a refusal says that the session has ended: by the name of the error, in Bedrock's header or in a body of OpenAI's shape, or in
/// AWS's words for it.
// AWS, "Common errors", read 2026-11-30: ExpiredTokenException, "The security token included in the request is expired".
fn is_ended(headers: &HeaderMap, said: &[u8]) -> bool {
    let named = headers.get("x-amzn-errortype").is_some_and(|name| name.as_bytes().starts_with(b"ExpiredToken"));
    let said = String::from_utf8_lossy(said);
    named || said.contains("ExpiredToken") || said.contains("security token included in the request is expired")
}

/// The account of an ARN.
pub(crate) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// The region of an ARN.
pub(crate) fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

impl Gateway {
    fn owner(&self, owner: &str) -> Option<&Owner> {
        self.config().owners.get(owner)
    }

    /// The role that an owner's calls have at an upstream.
    fn role(&self, owner: &str, target: &Target) -> Option<&str> {
        let roles = self.owner(owner)?.roles.iter();
        roles.map(String::as_str).find(|role| account_of(role) == target.account)
    }

    /// Whether an owner's calls may go to an upstream: with its role, where it has any.
    pub(crate) fn serves(&self, owner: &str, target: &Target) -> bool {
        self.owner(owner).is_none_or(|of| of.roles.is_empty()) || self.role(owner, target).is_some()
    }

    /// What beside Bedrock serves a name to a caller: what is AWS's own in the region that the call stays in, and with the owner's role,
    /// where it has any. Nobody else is told of a role.
    pub(crate) fn served_to(&self, Caller { key, region }: &Caller<'_>, name: &str) -> Vec<Spot> {
        let (owner, mut spots) = (&*key.owner, self.live().served_in(*region, name));
        spots.retain(|spot| match self.live().server(spot) {
            Some((server, _)) if server.is_awss() => match server.signed() {
                Some(target) => self.serves(owner, target),
                // An API key is of a user of its own.
                None => self.owner(owner).is_none_or(|of| of.roles.is_empty()),
            },
            _ => true,
        });
        spots
    }

    /// What is called instead of a model, so that an owner's tags are on the bill.
    pub(crate) fn profile(&self, owner: &str, target: &Target, model: &str) -> Option<&str> {
        let profiles = &self.owner(owner)?.profiles;
        let model = ProfiledModel::parse_id(model);
        let is_here = |arn: &str| region_of(arn) == target.region && account_of(arn) == target.account;
        let found = profiles.iter().find(|profile| is_here(&profile.arn) && ProfiledModel::parse_id(&profile.model) == model)?;
        let refuted = self.roles().refuted.read().unwrap_or_else(PoisonError::into_inner);
        (!refuted.contains(&found.arn)).then_some(&*found.arn)
    }

    /// The model of an owner's profile that a client names by its ARN, as it does at AWS.
    pub(crate) fn model_of_profile(&self, owner: &str, target: &Target, arn: &str) -> Option<&str> {
        let model = self.owner(owner)?.profiles.iter().find(|profile| profile.arn == arn)?.model.as_str();
        (self.profile(owner, target, model) == Some(arn)).then_some(model)
    }

    /// Whether a key may call a model as it is named; not by a profile that is another owner's, on whose bill it would be.
    pub(crate) fn may_call(&self, key: &Key, named: &str) -> Result<(), Refusal> {
        let has_it = |of: &Owner| of.profiles.iter().any(|profile| profile.arn == named);
        if named.starts_with("arn:") && !self.owner(&key.owner).is_some_and(has_it) && self.config().owners.values().any(has_it) {
            return Err(Refusal::denied(format!("{named} is the profile of another owner.")));
        }
        if key.allows(named) { Ok(()) } else { Err(Refusal::may_not_call(named)) }
    }

    /// The keys that an owner's calls to an upstream are signed with.
    pub(crate) async fn keys_of(&self, owner: &str, target: &Target) -> Result<Keys, Refusal> {
        let Some(role) = self.role(owner, target) else {
            return Ok(Keys { credentials: target.credentials.clone(), session: None });
        };
        let name = (role.to_owned(), session_name(owner));
        let assumed = self.assume(&name, target, None).await;
        let credentials = assumed.map_err(|error| {
            let message = format!("The role {role} cannot be assumed for {owner}: {error}");
            if error.is_transient() { Refusal::unreachable(message) } else { Refusal::denied(message) }
        })?;
        Ok(Keys { credentials, session: Some(name) })
    }

    /// Sends a call on; and once more when AWS says that its session has ended, which it says before it reads the call.
    pub(crate) async fn send(
        &self,
        target: &Target,
        keys: &Keys,
        parts: (&Parts, &str),
        (body, body_sha256): (Bytes, &str),
        now: Timestamp,
    ) -> Result<Response<Coming>, Lost> {
        let answer = target.send(self.wire(), &keys.credentials, parts, (body.clone(), body_sha256), now).await?;
        let Some(name) = &keys.session else { return Ok(answer) };
        if !matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Ok(answer);
        }
        let (head, said) = answer.into_parts();
        let broke_off = |error| Lost { why: format!("the answer broke off: {error}"), sent: true };
        let said = Limited::new(said, ANSWER_BYTES_MAX).collect().await.map_err(broke_off)?.to_bytes();
        if is_ended(&head.headers, &said)
            && let Ok(credentials) = self.assume(name, target, Some(&keys.credentials)).await
        {
            return target.send(self.wire(), &credentials, parts, (body, body_sha256), self.now()).await;
        }
        let said = Full::new(said).map_err(|never| match never {}).boxed_unsync();
        Ok(Response::from_parts(head, Coming::InProcess(said)))
    }

    async fn assume(&self, name: &Name, target: &Target, spent: Option<&Arc<Credentials>>) -> Result<Arc<Credentials>, AwsError> {
        let asking = async || {
            let (role, session) = (&*name.0, &*name.1);
            let assumed = self.aws(target, target.sts.clone()).assume_role(role, session, DURATION_S).await;
            match &assumed {
                Ok(_) => tracing::info!(role, session, "a role was assumed"),
                Err(error) => tracing::warn!(role, session, %error, "a role cannot be assumed"),
            }
            assumed
        };
        self.roles().session(name).keys(spent, self.now(), asking).await
    }

    /// AWS's other services, under the keys of an upstream.
    pub(crate) fn aws(&self, target: &Target, endpoint: Option<String>) -> Client {
        let keys = Credentials::clone(&target.credentials);
        Client::new(self.wire().transport(), keys, &target.region, Endpoints { custom: endpoint }, self.wall())
    }

    /// Asks AWS whether the owners' application inference profiles are of the models that the configuration says. One that is of
    /// another would be booked at a wrong price.
    pub async fn check_profiles(&self) {
        let gateway = self.current();
        let all = gateway.config().owners.iter().flat_map(|(owner, of)| of.profiles.iter().map(move |profile| (owner, profile)));
        for (owner, profile) in all {
            let is_here =
                |target: &&Target| region_of(&profile.arn) == target.region && account_of(&profile.arn) == target.account;
            let Some(target) = gateway.targets().iter().find(is_here) else { continue };
            let (arn, model) = (&profile.arn, &profile.model);
            match gateway.aws(target, target.endpoint.clone()).models_of_profile(arn).await {
                Ok(models) => {
                    let mut refuted = self.roles().refuted.write().unwrap_or_else(PoisonError::into_inner);
                    if is_of(&models, &ProfiledModel::parse_id(model)) {
                        refuted.remove(arn);
                    } else {
                        tracing::error!(
                            owner,
                            arn,
                            model,
                            ?models,
                            "an application inference profile is not of its model, and is not called"
                        );
                        refuted.insert(arn.clone());
                    }
                }
                Err(error) => {
                    let hint = "allow bedrock:GetInferenceProfile";
                    tracing::warn!(owner, arn, %error, hint, "an application inference profile cannot be read, so its model is believed");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::future::join_all;

    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn keys(n: u32) -> Credentials {
        Credentials { access_key: format!("ASIA{n}"), secret_key: "s".to_owned(), session_token: Some("t".to_owned()) }
    }

    #[tokio::test]
    async fn a_session_is_asked_for_once_and_again_ahead_of_its_end() {
        let (session, asked) = (Session::default(), AtomicU32::new(0));
        let at = async |now: i64, spent: Option<&Arc<Credentials>>| {
            let assume = async || {
                tokio::task::yield_now().await;
                Ok(keys(asked.fetch_add(1, Ordering::Relaxed)))
            };
            session.keys(spent, Timestamp(now), assume).await.expect("keys")
        };
        let first = join_all((0..20).map(|_| at(0, None))).await;
        assert!(first.iter().all(|keys| keys.access_key == "ASIA0"));
        assert_eq!(at(HOUR_MS - AHEAD_MS - 1, None).await.access_key, "ASIA0");
        let near = join_all((0..20).map(|_| at(HOUR_MS - 1_000, None))).await;
        let names: Vec<&str> = near.iter().map(|keys| &*keys.access_key).collect();
        assert!(
            names.contains(&"ASIA1") && names.iter().all(|name| ["ASIA0", "ASIA1"].contains(name)),
            "one asks, the others go on"
        );
        let last = at(HOUR_MS, None).await;
        assert_eq!((&*last.access_key, asked.load(Ordering::Relaxed)), ("ASIA1", 2));
        let others = join_all((0..20).map(|_| at(HOUR_MS, Some(&last)))).await;
        assert!(others.iter().all(|keys| keys.access_key == "ASIA2"), "what AWS says has ended is replaced, once");
    }

    #[tokio::test]
    async fn a_failure_is_believed_for_a_second_and_does_not_end_what_holds() {
        let (session, asked) = (Session::default(), AtomicU32::new(0));
        let fail = async || {
            asked.fetch_add(1, Ordering::Relaxed);
            Err(AwsError::Unusable("no".to_owned()))
        };
        for (now, times) in [(0, 1), (999, 1), (1_000, 2)] {
            assert!(session.keys(None, Timestamp(now), fail).await.is_err());
            assert_eq!(asked.load(Ordering::Relaxed), times);
        }
        session.keys(None, Timestamp(5_000), async || Ok(keys(7))).await.expect("keys");
        let near = Timestamp(5_000 + HOUR_MS - 1_000);
        assert_eq!(session.keys(None, near, fail).await.expect("the old keys").access_key, "ASIA7");
        assert!(session.keys(None, Timestamp(near.0 + 1_000), fail).await.is_err(), "it has ended");
    }

    #[test]
    fn names_of_sessions_are_those_of_owners_as_far_as_aws_takes_them() {
        assert_eq!(session_name("team-a@acme"), "team-a@acme");
        let (one, two) = (session_name("team a"), session_name("team/a"));
        assert!(one.starts_with("team-a-") && two.starts_with("team-a-") && one != two);
        for owner in ["x", "é", &"long".repeat(40)] {
            let name = session_name(owner);
            assert!((2..=NAME_MAX).contains(&name.len()), "{name}");
        }
    }

    #[test]
    fn a_profile_is_of_a_model_by_its_arns_and_none_say_nothing() {
        let arn = |region: &str| format!("arn:aws:bedrock:{region}::foundation-model/amazon.nova-2-lite-v1:0");
        let (one, geo) = (vec![arn("us-east-1")], vec![arn("us-east-1"), arn("us-west-2")]);
        let global = vec![arn("us-east-1"), arn("")];
        for (told, fits) in
            [(one, [true, true, false]), (geo, [false, true, false]), (global, [false, false, true]), (vec![], [false; 3])]
        {
            let of = |id: &str| is_of(&told, &ProfiledModel::parse_id(id));
            let ids = ["amazon.nova-2-lite-v1:0", "us.amazon.nova-2-lite-v1:0", "global.amazon.nova-2-lite-v1:0"];
            assert_eq!((ids.map(of), of("amazon.nova-pro-v1:0")), (fits, false), "{told:?}");
        }
    }
}
