//! AWS's on-demand quotas, and what calls have taken of them: by account, region, model and profile, those of `bedrock-mantle` by model.
//! The standard, priority and flex tiers share one.
//!
//! What the configuration states wins over what Service Quotas tells; what neither says is without a limit, and AWS tells of it by
//! throttling. Counts are of this gateway's calls only, so they are an estimate: a call that cannot wait is never refused by them.
//! One that can wait, and finds no room, is held back for a while, and then sent away as AWS would.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures::future::join_all;
use laneshift_batch::decide::Limits;
use laneshift_catalog::DataError;
use laneshift_catalog::capabilities::Capabilities;
use laneshift_catalog::prices::{Catalog, Tariff};
use laneshift_units::{ModelId, Profile, ProfiledModel};
use tokio::sync::{Notify, Semaphore};

use crate::config::Quota;
use crate::gateway::Gateway;
use crate::lanes::{Ask, Choice, Chosen, Terms};
use crate::market::Spot;
use crate::refusal::Refusal;
use crate::room::{Counts, Measure, Room};

/// Calls that are held back at one time.
const HELD_MAX: usize = 1_000;
/// How often a call that is held back looks for room, when none is given back meanwhile.
const LOOK: Duration = Duration::from_millis(250);

/// Whose quota: an account in a region. Where the account is not known, upstreams with other keys are other accounts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pool {
    pub(crate) account: String,
    pub(crate) region: String,
}

/// What calls are counted together as: a model, however it is spelled, through a profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name {
    model: Model,
    profile: Profile,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Model {
    /// The catalogue's name of it.
    Known(String),
    /// An id that the catalogue does not know.
    Other(ModelId),
}

#[derive(Default)]
struct State {
    /// As the configuration states them.
    stated: Vec<Quota>,
    /// As Service Quotas told them, by their names.
    told: HashMap<Pool, Vec<(String, f64)>>,
    /// Of models that the catalogue knows or that a quota is stated for: names that are made up take no memory.
    rooms: HashMap<Pool, HashMap<Name, Arc<Room>>>,
    /// Of models of `bedrock-mantle`, as they are called there.
    mantle: HashMap<Pool, HashMap<String, Arc<Room>>>,
}

/// Of the quotas that are stated, the one of a pool and a model. One that names the account is about it, whatever is said of all.
fn stated_of<'a>(state: &'a State, pool: &Pool, is_of: impl Fn(&Quota) -> bool) -> Option<&'a Quota> {
    let is_pools = |quota: &&Quota| {
        quota.region == pool.region && quota.account.as_ref().is_none_or(|of| *of == pool.account) && is_of(quota)
    };
    state.stated.iter().filter(is_pools).max_by_key(|quota| quota.account.is_some())
}

/// Tokens of a minute in each direction, of a model of `bedrock-mantle`; `None` where nothing is stated.
fn mantle_per_minute(state: &State, pool: &Pool, model: &str) -> Option<Counts> {
    let quota = stated_of(state, pool, |quota| quota.is_mantles() && quota.model == model)?;
    let [all_input, all_output] = Counts::UNKNOWN.0;
    Some(Counts([quota.input_tokens_per_minute.unwrap_or(all_input), quota.output_tokens_per_minute.unwrap_or(all_output)]))
}

/// See the module.
pub(crate) struct Quotas {
    catalog: Arc<Catalog>,
    capabilities: Capabilities,
    state: RwLock<State>,
    freed: Arc<Notify>,
    held: Semaphore,
}

impl Quotas {
    pub(crate) fn new(catalog: Arc<Catalog>) -> Result<Self, DataError> {
        let (capabilities, state) = (Capabilities::shipped()?, RwLock::default());
        Ok(Self { catalog, capabilities, state, freed: Arc::default(), held: Semaphore::new(HELD_MAX) })
    }

    #[cfg(test)]
    pub(crate) fn shipped() -> Arc<Self> {
        Arc::new(Self::new(Arc::new(Catalog::shipped().expect("the catalogue"))).expect("the capabilities"))
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Told when room is given back.
    pub(crate) fn freed(&self) -> Arc<Notify> {
        self.freed.clone()
    }

    /// Takes what a configuration states, instead of what one before did.
    pub(crate) fn state(&self, stated: &[Quota]) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.stated = stated.to_vec();
        self.resize(&state);
    }

    /// Takes what Service Quotas tells of an account in a region.
    fn tell(&self, pool: &Pool, told: Vec<(String, f64)>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.told.insert(pool.clone(), told);
        self.resize(&state);
    }

    fn resize(&self, state: &State) {
        let rooms = state.rooms.iter().flat_map(|(pool, rooms)| rooms.iter().map(move |(name, room)| (pool, name, room)));
        rooms.for_each(|(pool, name, room)| room.resize(self.per_minute(state, pool, name)));
        let rooms = state.mantle.iter().flat_map(|(pool, rooms)| rooms.iter().map(move |(model, room)| (pool, model, room)));
        rooms.for_each(|(pool, model, room)| room.resize(mantle_per_minute(state, pool, model).unwrap_or(Counts::UNKNOWN)));
    }

    /// Where the calls of a model of `bedrock-mantle` are counted; nowhere when nobody states how much there is.
    pub(crate) fn mantle_room(&self, pool: &Pool, model: &str) -> Option<Arc<Room>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let per_minute = mantle_per_minute(&state, pool, model)?;
        if let Some(room) = state.mantle.get(pool).and_then(|rooms| rooms.get(model)) {
            return Some(room.clone());
        }
        drop(state);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Room::new(Measure::MantleQuota, per_minute, self.freed.clone()));
        Some(state.mantle.entry(pool.clone()).or_default().entry(model.to_owned()).or_insert_with(made).clone())
    }

    fn name(&self, model: &ProfiledModel) -> Name {
        let known = self.catalog.model_key(&model.model).map(|key| Model::Known(key.to_owned()));
        Name { model: known.unwrap_or_else(|| Model::Other(model.model.clone())), profile: model.profile.clone() }
    }

    /// Where the calls of a model are counted; nowhere when nobody knows it.
    pub(crate) fn room(&self, pool: &Pool, model: &ProfiledModel) -> Option<Arc<Room>> {
        let name = self.name(model);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = state.rooms.get(pool).and_then(|rooms| rooms.get(&name)) {
            return Some(room.clone());
        }
        if matches!(name.model, Model::Other(_)) && !state.stated.iter().any(|quota| self.is_of(quota, &name)) {
            return None;
        }
        drop(state);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let output_burndown = match &name.model {
            Model::Known(key) => self.capabilities.output_burndown(key).into(),
            Model::Other(_) => 1,
        };
        let per_minute = self.per_minute(&state, pool, &name);
        let made = || Arc::new(Room::new(Measure::Quota { output_burndown }, per_minute, self.freed.clone()));
        Some(state.rooms.entry(pool.clone()).or_default().entry(name).or_insert_with(made).clone())
    }

    fn is_of(&self, quota: &Quota, name: &Name) -> bool {
        !quota.is_mantles() && self.name(&ProfiledModel::parse_id(&quota.model)) == *name
    }

    /// Tokens and calls of a minute.
    fn per_minute(&self, state: &State, pool: &Pool, name: &Name) -> Counts {
        let stated = stated_of(state, pool, |quota| self.is_of(quota, name));
        let (mut tokens, mut requests) = stated.map_or((None, None), |q| (q.tokens_per_minute, q.requests_per_minute));
        if let (Some(told), Model::Known(key)) = (state.told.get(pool), &name.model) {
            let is_it = |told: &str| self.catalog.model_key(&ModelId::new(told)) == Some(key);
            let limits = Limits::of(&is_it, &name.profile, told, &self.capabilities);
            (tokens, requests) = (tokens.or(limits.tokens_per_minute), requests.or(limits.requests_per_minute));
        }
        let [all_tokens, all_requests] = Counts::UNKNOWN.0;
        Counts([tokens.unwrap_or(all_tokens), requests.unwrap_or(all_requests)])
    }
}

impl Gateway {
    /// Asks Service Quotas of every account and region; what cannot be read stays as it was.
    pub async fn read_quotas(&self) {
        let gateway = self.current();
        let quotas = &gateway.market().quotas;
        let mut pools = HashSet::new();
        let once = gateway.targets().iter().filter(|target| pools.insert(&target.pool));
        let reading = once.map(async |target| {
            let (account, region) = (&target.account, &target.region);
            match gateway.aws(target, target.endpoint.clone()).quotas().await {
                Ok(told) => {
                    tracing::info!(account, region, quotas = told.len(), "Service Quotas was read");
                    quotas.tell(&target.pool, told);
                }
                Err(error) => {
                    let hint = "allow servicequotas:ListServiceQuotas, or state them as [[quota]]";
                    tracing::warn!(account, region, %error, hint, "Service Quotas cannot be read, so quotas that are not stated are not counted");
                }
            }
        });
        join_all(reading).await;
    }

    /// Chooses among the spots that were not tried; `None` when none of them may take the call.
    pub(crate) async fn choose(
        &self,
        (ask, terms): (&Ask<'_>, &Terms<'_>),
        tariff: &Tariff,
        (spots, tried): (&[Spot], &[usize]),
    ) -> Result<Option<Choice>, Refusal> {
        let (market, began) = (self.market(), self.now());
        let mut held = None;
        loop {
            let now = self.now();
            match self.rules().choose((ask, terms), tariff, (market, spots, tried), now) {
                Chosen::Here(choice) => return Ok(Some(choice)),
                Chosen::Nowhere => return Ok(None),
                Chosen::Later(_) if !tried.is_empty() => return Ok(None),
                Chosen::Later(why) => {
                    let enough = now.0 - began.0 >= self.held_max_ms();
                    let permit = held.take().or_else(|| market.quotas.held.try_acquire().ok());
                    if enough || permit.is_none() {
                        return Err(Refusal::throttled(format!("This call can wait, and there is no room for it: {why}.")));
                    }
                    held = permit;
                }
            }
            // Room comes back when a call ends, and as the minute passes.
            let _ = tokio::time::timeout(LOOK, market.quotas.freed.notified()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use laneshift_units::Timestamp;

    use super::*;

    fn quota(model: &str, account: Option<&str>, tokens: u64) -> Quota {
        let (region, account) = ("us-east-1".to_owned(), account.map(str::to_owned));
        let (input_tokens_per_minute, output_tokens_per_minute) = (None, None);
        let (tokens_per_minute, requests_per_minute) = (Some(tokens), None);
        let model = model.to_owned();
        Quota {
            model,
            region,
            account,
            tokens_per_minute,
            requests_per_minute,
            input_tokens_per_minute,
            output_tokens_per_minute,
        }
    }

    #[test]
    fn what_is_stated_wins_over_what_aws_tells_and_the_account_over_all() {
        let quotas = Quotas::shipped();
        let pool = |account: &str| Pool { account: account.to_owned(), region: "us-east-1".to_owned() };
        let model = ProfiledModel::parse_id("us.amazon.nova-lite-v1:0");
        let most = |account: &str| {
            let room = quotas.room(&pool(account), &model).expect("a room");
            let fits = |n: u64, calls| room.has_room(Counts([n, calls]), false, Timestamp(0));
            [7, 70, 700, 7_000].into_iter().rev().find(|n| fits(*n, 0)).map(|n| (n, fits(0, 51)))
        };
        assert_eq!(most("1"), Some((7_000, true)), "nobody has said anything");
        let told = [("On-demand", "tokens", 70.0), ("Cross-region", "tokens", 700.0), ("Cross-region", "requests", 50.0)];
        let told = told.map(|(scope, what, n)| (format!("{scope} model inference {what} per minute for Amazon Nova Lite"), n));
        quotas.tell(&pool("1"), told.into());
        assert_eq!((most("1"), most("2")), (Some((700, false)), Some((7_000, true))));
        quotas.state(&[quota("us.amazon.nova-lite-v1:0", Some("1"), 7), quota("us.amazon.nova-lite-v1:0", None, 70)]);
        assert_eq!((most("1"), most("2")), (Some((7, false)), Some((70, true))), "calls are still those that AWS tells");
        quotas.state(&[quota("amazon.nova-lite-v1:0", None, 7)]);
        assert_eq!(most("1"), Some((700, false)), "another profile is another quota");
    }

    #[test]
    fn a_quota_of_mantle_is_of_each_direction_and_none_of_the_runtime() {
        let (quotas, model) = (Quotas::shipped(), "anthropic.claude-opus-5");
        let pool = Pool { account: "1".to_owned(), region: "us-east-1".to_owned() };
        assert!(quotas.mantle_room(&pool, model).is_none());
        let mantles = |output| Quota { tokens_per_minute: None, output_tokens_per_minute: Some(output), ..quota(model, None, 0) };
        quotas.state(&[mantles(100)]);
        let room = quotas.mantle_room(&pool, model).expect("a room");
        let fits = |output| room.has_room(Counts([1_000_000, output]), false, Timestamp(0));
        assert!(fits(100) && !fits(101));
        let runtimes = quotas.room(&pool, &ProfiledModel::parse_id(model)).expect("a room");
        assert!(runtimes.has_room(Counts([1_000_000, 1]), false, Timestamp(0)));
        quotas.state(&[mantles(10)]);
        assert!(fits(10) && !fits(11), "calls that are open count on");
        quotas.state(&[]);
        assert!(fits(1_000_000) && quotas.mantle_room(&pool, model).is_none());
    }

    #[test]
    fn names_that_are_made_up_take_no_memory_and_spellings_of_one_model_one_room() {
        let quotas = Quotas::shipped();
        let pool = Pool { account: "1".to_owned(), region: "us-east-1".to_owned() };
        let room = |id: &str| quotas.room(&pool, &ProfiledModel::parse_id(id));
        assert!((0..20_000).all(|n| room(&format!("made.up-{n}")).is_none()));
        let (bare, versioned) =
            (room("us.amazon.nova-lite-v1").expect("a room"), room("us.amazon.nova-lite-v1:0").expect("a room"));
        assert!(Arc::ptr_eq(&bare, &versioned));
        quotas.state(&[quota("my.own-model", None, 7)]);
        assert!(room("my.own-model").is_some_and(|room| !room.has_room(Counts([8, 0]), false, Timestamp(0))));
        assert!(room("my.other-model").is_none());
    }
}
