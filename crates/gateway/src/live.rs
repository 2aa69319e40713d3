//! A configuration with everything that it names opened: it is read at the start, and again when somebody changed it.

use std::io;
use std::sync::Arc;

use laneshift_catalog::DataError;
use laneshift_catalog::commitments::Commitments;
use laneshift_catalog::policy::Policy;
use laneshift_catalog::prices::Catalog;
use laneshift_catalog::signals::Signals;

use crate::config::Config;
use crate::lanes::Rules;
use crate::market::Market;
use crate::quotas::Quotas;
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
    pub(crate) targets: Vec<Target>,
    pub(crate) rules: Rules,
    pub(crate) market: Market,
    pub(crate) commitments: Commitments,
}

impl Live {
    pub(crate) fn open(config: Config, env: &dyn Fn(&str) -> Option<String>, quotas: Arc<Quotas>) -> Result<Self, OpenError> {
        let targets: Result<Vec<Target>, String> = config.upstreams.iter().map(|upstream| Target::new(upstream, env)).collect();
        let targets = targets.map_err(OpenError::Upstream)?;
        let policy = config.policy.as_deref().map(Policy::open).transpose()?;
        let rules = Rules { policy, signals: Signals::shipped()?, waits: config.waits };
        let commitments = config.commitments.as_deref().map(Commitments::open).transpose()?.unwrap_or_default();
        let market = Market::new(commitments.clone(), &targets, quotas).map_err(OpenError::Commitment)?;
        market.quotas.state(&config.quotas);
        Ok(Self { config, targets, rules, market, commitments })
    }
}

/// Opens everything that a configuration names, and nothing else.
///
/// # Errors
/// [`OpenError`].
pub fn check(config: Config, catalog: Arc<Catalog>, env: &dyn Fn(&str) -> Option<String>) -> Result<(), OpenError> {
    Live::open(config, env, Arc::new(Quotas::new(catalog)?)).map(drop)
}
