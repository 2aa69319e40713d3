//! A configuration with everything that it names opened: it is read at the start, and again when somebody changed it.

use std::io;
use std::sync::Arc;

use laneshift_catalog::DataError;
use laneshift_catalog::commitments::Commitments;
use laneshift_catalog::policy::Policy;
use laneshift_catalog::prices::Catalog;
use laneshift_catalog::signals::Signals;
use laneshift_core::route::LaneId;
use laneshift_units::ServiceTier;

use crate::config::{Config, Upstream};
use crate::lanes::Rules;
use crate::market::{Market, Spot};
use crate::quotas::Quotas;
use crate::server::{Api, Served, Server};
use crate::upstream::Target;

/// Why a gateway cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Keys, journal or ledger.
    #[error("{0}")]
    Folder(#[from] io::Error),
    /// An upstream.
    #[error("{0}")]
    Upstream(String),
    /// What was asked about cannot be.
    #[error("{0}")]
    Question(String),
    /// A commitment that no upstream can call.
    #[error("{0}")]
    Commitment(String),
    /// The policy, or a file that was built in.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// What a configuration says, and what it names, opened.
pub(crate) struct Live {
    pub(crate) config: Config,
    /// Bedrock by account and region.
    pub(crate) targets: Vec<Target>,
    pub(crate) servers: Vec<Server>,
    pub(crate) rules: Rules,
    pub(crate) market: Market,
    pub(crate) commitments: Commitments,
}

impl Live {
    pub(crate) fn open(config: Config, env: &dyn Fn(&str) -> Option<String>, quotas: Arc<Quotas>) -> Result<Self, OpenError> {
        let targets: Result<Vec<Target>, String> =
            config.upstreams.iter().filter_map(Upstream::bedrock).map(|upstream| Target::new(upstream, env)).collect();
        let targets = targets.map_err(OpenError::Upstream)?;
        let servers =
            config.upstreams.iter().filter_map(Upstream::server).map(|server| Server::new(server, quotas.catalog(), env));
        let servers = servers.collect::<Result<Vec<Server>, String>>().map_err(OpenError::Upstream)?;
        let policy = config.policy.as_deref().map(Policy::open).transpose()?;
        let rules = Rules { policy, signals: Signals::shipped()?, waits: config.waits };
        let commitments = config.commitments.as_deref().map(Commitments::open).transpose()?.unwrap_or_default();
        let market = Market::new(commitments.clone(), &targets, quotas).map_err(OpenError::Commitment)?;
        market.quotas.state(&config.quotas);
        Ok(Self { config, targets, servers, rules, market, commitments })
    }

    /// The model of Bedrock's runtime that a name means: by the configuration, or by itself. What `bedrock-mantle` serves is called
    /// there, though it is spelled like the runtime's.
    pub(crate) fn bedrock_named<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let means = self.config.models.get(name).map(String::as_str);
        let mantles = || self.servers.iter().filter(|server| server.is_awss()).flat_map(|server| &server.models);
        let is_bedrocks = |name: &&str| laneshift_dialect::is_bedrocks(name) && !mantles().any(|served| served.name == *name);
        means.or_else(|| Some(name).filter(is_bedrocks))
    }

    /// The region that a call stays in: the one that it was signed for, where this gateway calls anything of AWS's there.
    pub(crate) fn stays_in<'a>(&self, region: Option<&'a str>) -> Option<&'a str> {
        let targets = self.targets.iter().map(|target| &target.region);
        let servers = self.servers.iter().filter(|server| server.is_awss()).map(|server| &server.region);
        region.filter(|region| targets.chain(servers).any(|called| called == region))
    }

    /// Bedrock's runtime for a call that was signed for a region: there, or the first one where it need not stay there.
    pub(crate) fn target(&self, region: Option<&str>) -> Option<&Target> {
        let stays = self.stays_in(region);
        self.targets.iter().find(|target| stays.is_none_or(|region| target.region == region))
    }

    /// What serves a name beside Bedrock to a call that was signed for a region: what is AWS's own only where the call stays.
    pub(crate) fn served_in(&self, region: Option<&str>, name: &str) -> Vec<Spot> {
        let (mut spots, stays) = (self.served(name), self.stays_in(region));
        spots.retain(|spot| match self.server(spot) {
            Some((server, _)) if server.is_awss() => stays.is_none_or(|region| server.region == region),
            _ => true,
        });
        spots
    }

    /// What serves a name beside Bedrock.
    pub(crate) fn served(&self, name: &str) -> Vec<Spot> {
        let all = self.servers.iter().enumerate().flat_map(|(ix, server)| server.models.iter().map(move |served| (ix, served)));
        let named = all.filter(|(_, served)| served.name == name);
        let lanes = |(ix, served): (usize, &Arc<Served>)| {
            let flex = served.sells(ServiceTier::Flex).then_some(LaneId::Flex);
            let served = served.clone();
            let upstream = self.targets.len() + ix;
            let room = self.market.quotas.mantle_room(&self.servers[ix].pool, &served.model);
            let spot = move |lane| Spot { room: room.clone(), ..Spot::served(upstream, lane, served.clone()) };
            [LaneId::Standard].into_iter().chain(flex).map(spot)
        };
        named.flat_map(lanes).collect()
    }

    /// Whether a name is served by Anthropic's API, which takes calls of Bedrock's runtime too.
    pub(crate) fn is_claude(&self, name: &str) -> bool {
        self.served(name).iter().filter_map(|spot| spot.served.as_ref()).any(|served| served.api == Api::Anthropic)
    }

    /// The server of a spot.
    pub(crate) fn server(&self, spot: &Spot) -> Option<(&Server, Arc<Served>)> {
        Some((self.servers.get(spot.upstream.checked_sub(self.targets.len())?)?, spot.served.clone()?))
    }
}

/// Opens everything that a configuration names, and nothing else.
///
/// # Errors
/// [`OpenError`].
pub fn check(config: Config, catalog: Arc<Catalog>, env: &dyn Fn(&str) -> Option<String>) -> Result<(), OpenError> {
    Live::open(config, env, Arc::new(Quotas::new(catalog)?)).map(drop)
}
