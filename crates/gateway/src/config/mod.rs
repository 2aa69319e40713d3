//! `gateway.toml`.

mod batch;
mod upstream;

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use laneshift_units::ProfiledModel;
use serde::Deserialize;

use crate::lanes::Waits;
use crate::roles::{account_of, region_of};
pub use batch::Batch;
pub use upstream::{AwsKeys, Bedrock, Mantle, Model, Server, Upstream};

/// What the gateway is told at its start.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address and port.
    #[serde(default = "listen")]
    pub listen: SocketAddr,
    /// Where Prometheus reads `/metrics`, without a key; nowhere when left out.
    pub metrics_listen: Option<SocketAddr>,
    /// The folder of keys, journal and ledger.
    #[serde(default = "data")]
    pub data: PathBuf,
    /// Where calls go; a call goes to the first Bedrock of the region that it was signed for, or else to the first.
    #[serde(rename = "upstream")]
    pub upstreams: Vec<Upstream>,
    /// A certificate and its key; a development authority of its own when left out.
    pub tls: Option<Tls>,
    /// A policy, as the audit writes it: which workloads may wait, and how long.
    pub policy: Option<PathBuf>,
    /// Capacity that is paid for by the hour or the month, as the audit reads it.
    pub commitments: Option<PathBuf>,
    /// On-demand quotas; those that are not here are asked of Service Quotas.
    #[serde(rename = "quota", default)]
    pub quotas: Vec<Quota>,
    /// Whom AWS knows owners as, by owner; the gateway itself when left out.
    #[serde(default)]
    pub owners: BTreeMap<String, Owner>,
    /// The batch lanes, for calls that can wait: one a region.
    #[serde(rename = "batch", default, deserialize_with = "batch::one_or_more")]
    pub batches: Vec<Batch>,
    /// Names of models for OpenAI's clients, and the models of Bedrock that they mean.
    #[serde(default)]
    pub models: BTreeMap<String, String>,
    /// How long answers take by tier.
    #[serde(default)]
    pub waits: Waits,
    /// What a client may ask of the gateway.
    #[serde(default)]
    pub limits: Limits,
}

/// Whom AWS knows an owner as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Owner {
    /// ARNs of the roles that are assumed for the owner's calls, one for each account. With any, its calls go to these accounts only.
    pub roles: Vec<String>,
    /// What is called for the owner instead of models.
    #[serde(rename = "profile")]
    pub profiles: Vec<OwnProfile>,
}

impl Owner {
    /// Whether AWS's logs show the owner's calls under a role of this name.
    pub(crate) fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role.rsplit('/').next() == Some(name))
    }

    /// Whether a profile of this id is called for a model.
    pub(crate) fn has_profile(&self, id: &str, model: &str) -> bool {
        let model = ProfiledModel::parse_id(model);
        let is_it = |own: &OwnProfile| own.arn.rsplit('/').next() == Some(id) && ProfiledModel::parse_id(&own.model) == model;
        self.profiles.iter().any(is_it)
    }

    /// Profiles are called on Bedrock itself, roles are assumed for `bedrock-mantle` too.
    fn check(&self, owner: &str, (bedrocks, of_aws): (&[&Bedrock], &[&Bedrock])) -> Result<(), String> {
        for role in &self.roles {
            let parts: Vec<&str> = role.splitn(6, ':').collect();
            if !matches!(parts[..], ["arn", _, "iam", "", account, path] if !account.is_empty() && path.starts_with("role/")) {
                return Err(format!("owners.{owner}.roles: {role:?} is no role; write arn:aws:iam::111122223333:role/NAME"));
            }
            if !of_aws.iter().any(|upstream| upstream.account == account_of(role)) {
                return Err(format!("owners.{owner}.roles: no [[upstream]] says that it is in the account of {role:?}"));
            }
        }
        for OwnProfile { model, arn } in &self.profiles {
            if !laneshift_dialect::is_bedrocks(model) {
                return Err(format!("owners.{owner}.profile.model: {model:?} is no model of Bedrock's"));
            }
            if !arn.contains(":application-inference-profile/") {
                return Err(format!("owners.{owner}.profile.arn: {arn:?} is no application inference profile"));
            }
            let is_there = |upstream: &&Bedrock| upstream.account == account_of(arn) && upstream.region == region_of(arn);
            if !bedrocks.iter().any(is_there) {
                return Err(format!(
                    "owners.{owner}.profile.arn: no [[upstream]] says that it is in the account and region of {arn:?}"
                ));
            }
        }
        Ok(())
    }
}

/// An application inference profile of an owner.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnProfile {
    /// The model or profile that it was made from, as clients name it.
    pub model: String,
    /// Its ARN.
    pub arn: String,
}

/// What AWS admits of a model in a minute, on demand.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// The model, with its profile, as clients name it: `us.amazon.nova-pro-v1:0`.
    pub model: String,
    /// The region that is called.
    pub region: String,
    /// The account; each when left out.
    pub account: Option<String>,
    /// Tokens, as admission counts them.
    pub tokens_per_minute: Option<u64>,
    /// Calls.
    pub requests_per_minute: Option<u64>,
    /// Tokens in, of a model of `bedrock-mantle` as it is called there.
    pub input_tokens_per_minute: Option<u64>,
    /// Tokens out of it.
    pub output_tokens_per_minute: Option<u64>,
}

impl Quota {
    /// Whether it is one of `bedrock-mantle`, which counts each direction for itself.
    // AWS, Bedrock User Guide, "Endpoints", read 2026-11-23.
    pub(crate) const fn is_mantles(&self) -> bool {
        self.input_tokens_per_minute.is_some() || self.output_tokens_per_minute.is_some()
    }

    /// Whether it would let no call through.
    fn is_nothing(&self) -> bool {
        let Self { tokens_per_minute, requests_per_minute, input_tokens_per_minute, output_tokens_per_minute, .. } = self;
        [tokens_per_minute, requests_per_minute, input_tokens_per_minute, output_tokens_per_minute].contains(&&Some(0))
    }
}

/// PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain, the server's certificate first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Room for the largest request that is taken.
const BODIES_MB_MIN: usize = 35;

/// See [`Config::limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at one time.
    pub connections: usize,
    /// Megabytes that large request bodies may take together.
    pub bodies_mb: usize,
    /// Seconds in which the head of a request has to come.
    pub head_s: u64,
    /// Seconds in which a whole request has to come.
    pub request_s: u64,
    /// Seconds in which an answer has to begin.
    pub answer_s: u64,
    /// Seconds that a call which can wait is held back while the quotas have no room for it.
    pub held_s: u64,
    /// Seconds that a stream may say nothing.
    pub idle_s: u64,
    /// Seconds that open requests have after the signal to stop.
    pub drain_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            bodies_mb: 2_048,
            head_s: 30,
            request_s: 120,
            answer_s: 600,
            idle_s: 300,
            held_s: 30,
            drain_s: 30,
        }
    }
}

fn listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4580))
}

fn data() -> PathBuf {
    PathBuf::from("laneshift-gateway")
}

/// Why a configuration cannot be used; names the file, and the line where TOML has one.
#[derive(Debug, thiserror::Error)]
#[error("{0}: {1}")]
pub struct ConfigError(PathBuf, String);

impl Config {
    /// Reads a file. Relative paths in it are relative to the working directory.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let failed = |why: String| ConfigError(path.to_owned(), why);
        let text = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
        let config: Self = toml::from_str(&text).map_err(|e| failed(e.to_string()))?;
        config.check().map_err(failed)?;
        Ok(config)
    }

    /// Everything by default, over one upstream.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(upstream: Upstream) -> Result<Self, String> {
        let (tls, policy, commitments, models) = (None, None, None, BTreeMap::new());
        let (waits, limits, upstreams, metrics_listen) = (Waits::default(), Limits::default(), vec![upstream], None);
        let config = Self {
            listen: listen(),
            metrics_listen,
            data: data(),
            upstreams,
            tls,
            policy,
            commitments,
            quotas: Vec::new(),
            owners: BTreeMap::new(),
            batches: Vec::new(),
            models,
            waits,
            limits,
        };
        config.check().map(|()| config)
    }

    fn check(&self) -> Result<(), String> {
        if self.upstreams.is_empty() {
            return Err("no [[upstream]] says where calls go".to_owned());
        }
        let bedrocks: Vec<&Bedrock> = self.upstreams.iter().filter_map(Upstream::bedrock).collect();
        let mantles = self.upstreams.iter().filter_map(|upstream| upstream.server()?.mantle.as_ref());
        let of_aws: Vec<&Bedrock> = bedrocks.iter().copied().chain(mantles.map(|mantle| &mantle.at)).collect();
        self.owners.iter().try_for_each(|(name, owner)| owner.check(name, (&bedrocks, &of_aws)))?;
        let servers = || self.upstreams.iter().filter_map(Upstream::server);
        for quota in &self.quotas {
            let Quota { model, region, .. } = quota;
            let is_runtimes = quota.tokens_per_minute.or(quota.requests_per_minute).is_some();
            if is_runtimes == quota.is_mantles() {
                return Err(format!(
                    "the quota of {model:?}: write tokens_per_minute, requests_per_minute, or both; of a model of bedrock-mantle \
                     input_tokens_per_minute, output_tokens_per_minute, or both"
                ));
            }
            if quota.is_mantles() {
                let is_there = |server: &Server| server.mantle.as_ref().is_some_and(|mantle| mantle.at.region == *region);
                let serves = |server: &Server| is_there(server) && server.models.iter().any(|served| served.model == *model);
                if !servers().any(serves) {
                    return Err(format!("quota.model: no [[upstream]] of kind \"bedrock-mantle\" in {region:?} has {model:?}"));
                }
                continue;
            }
            if !laneshift_dialect::is_bedrocks(model) {
                return Err(format!("quota.model: {model:?} is no model of Bedrock's"));
            }
            if !bedrocks.iter().any(|upstream| upstream.region == *region) {
                return Err(format!("quota.region: no [[upstream]] is in {region:?}"));
            }
        }
        if let Some(quota) = self.quotas.iter().find(|quota| quota.is_nothing()) {
            return Err(format!("the quota of {:?}: 0 admits nothing; write what AWS admits in a minute", quota.model));
        }
        if self.metrics_listen.is_some_and(|address| address == self.listen && address.port() != 0) {
            return Err(format!("metrics_listen: {} is where calls come in; name another port", self.listen));
        }
        let mut names = HashSet::new();
        if let Some(twice) = servers().find(|server| !names.insert(&server.name)) {
            return Err(format!("upstream.name: {:?} is there twice; give each server a name of its own", twice.name));
        }
        for server in servers() {
            let mut names = HashSet::new();
            if let Some(twice) = server.models.iter().find(|model| !names.insert(&model.name)) {
                return Err(format!("upstream.model.name: {} has {:?} twice", server.name, twice.name));
            }
        }
        self.check_batches()?;
        if let Some((name, model)) = self.models.iter().find(|(_, model)| !laneshift_dialect::is_bedrocks(model)) {
            return Err(format!("models.{name:?}: {model:?} is no model of Bedrock's"));
        }
        let limits = &self.limits;
        if [limits.head_s, limits.request_s, limits.answer_s, limits.idle_s].contains(&0) || limits.connections == 0 {
            return Err("limits: connections, head_s, request_s, answer_s and idle_s are above 0".to_owned());
        }
        if limits.bodies_mb < BODIES_MB_MIN {
            return Err(format!("limits.bodies_mb: the largest request needs {BODIES_MB_MIN}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        toml::from_str::<Config>(text).map_err(|e| e.to_string()).and_then(|config| config.check())
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(check("[[upstream]]\nregion = \"us-east-1\""), Ok(()));
        for (text, word) in [
            ("", "upstream"),
            ("upstream = []", "no [[upstream]]"),
            ("[[upstream]]\nregion = \"\"", "region is empty"),
            ("[[upstream]]\nregion = \"r\"\nendpoint_url = \"ftp://h\"", "endpoint_url"),
            ("[[upstream]]\nregion = \"r\"\nendpoint_url = \"http://h/path\"", "endpoint_url"),
            ("[[upstream]]\nregion = \"r\"\ncolour = 1", "colour"),
            ("[[upstream]]\nregion = \"r\"\nsts_endpoint_url = \"sts\"", "sts_endpoint_url"),
            ("[[upstream]]\nregion = \"r\"\n[owners.a]\nroles = [\"X\"]", "is no role"),
            ("[[upstream]]\nregion = \"r\"\n[owners.a]\nroles = [\"arn:aws:iam::1:role/X\"]", "no [[upstream]]"),
            (
                "[[upstream]]\nregion = \"r\"\n[[owners.a.profile]]\nmodel = \"amazon.nova-lite-v1:0\"\narn = \"X\"",
                "no application",
            ),
            (
                "[[upstream]]\nregion = \"r\"\n[[quota]]\nmodel = \"gpt\"\nregion = \"r\"\nrequests_per_minute = 1",
                "no model of Bedrock's",
            ),
            (
                "[[upstream]]\nregion = \"r\"\n[[quota]]\nmodel = \"amazon.nova-lite-v1:0\"\nregion = \"s\"\ntokens_per_minute = 1",
                "quota.region",
            ),
            (
                "[[upstream]]\nregion = \"r\"\n[[quota]]\nmodel = \"openai.x\"\nregion = \"r\"\noutput_tokens_per_minute = 1",
                "kind \"bedrock-mantle\" in \"r\"",
            ),
            ("[[upstream]]\nregion = \"r\"\n[[quota]]\nmodel = \"amazon.nova-lite-v1:0\"\nregion = \"r\"", "tokens_per_minute"),
            (
                "[[upstream]]\nregion = \"r\"\n[batch]\nrole = \"arn:aws:iam::1:role/R\"\ns3 = \"s3://b\"\nclient_s3 = [\"s3://b\"]",
                "expected a map",
            ),
            (
                "[[upstream]]\nregion = \"r\"\n[batch]\nrole = \"arn:aws:iam::1:role/R\"\ns3 = \"s3://b\"\nclient_s3.a = [\"b/x\"]",
                "client_s3.\"a\"",
            ),
            (
                "[[upstream]]\nregion = \"r\"\n[batch]\nrole = \"arn:aws:iam::1:role/R\"\ns3 = \"s3://b\"\nregion = \"s\"",
                "no [[upstream]] is in \"s\"",
            ),
            (
                "[[upstream]]\nregion = \"r\"\n[[batch]]\nrole = \"arn:aws:iam::1:role/R\"\ns3 = \"s3://b\"\n[[batch]]\nrole = \"arn:aws:iam::1:role/R\"\ns3 = \"s3://b\"\nregion = \"r\"",
                "two tables are for \"r\"",
            ),
            ("batch = 1\n[[upstream]]\nregion = \"r\"", "a [[batch]] for each region"),
            ("[[upstream]]\nregion = \"r\"\n[limits]\nhead_s = 0", "head_s"),
        ] {
            let why = check(text).expect_err(text);
            assert!(why.contains(word), "{text}: {why}");
        }
    }
}
