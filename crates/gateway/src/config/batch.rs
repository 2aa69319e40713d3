//! `[batch]`, once or for several regions: where jobs of calls that can wait run, and how.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Bedrock, Config, Upstream};
use crate::books::EVERYBODY;
use crate::roles::account_of;

/// Where jobs of calls that can wait run, and how: in one region.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The role that Bedrock assumes to read and write S3.
    pub role: String,
    /// Bucket and prefix for the jobs' files.
    pub s3: String,
    /// By owner: buckets, or prefixes in them, from which its keys may have jobs read and to which they may have them written. The
    /// owner `*` is everybody.
    #[serde(default)]
    pub client_s3: BTreeMap<String, Vec<String>>,
    /// The region; that of the first upstream when left out.
    pub region: Option<String>,
    /// Seconds that calls wait for others before a job is made of them.
    #[serde(default = "linger_s")]
    pub linger_s: u32,
    /// Quota tokens a minute for late and few calls on the on-demand lanes; half the account's quota when left out.
    pub rescue_tpm: Option<u64>,
    /// Seconds between two looks at a job.
    #[serde(default = "poll_s")]
    pub poll_s: u32,
}

const fn linger_s() -> u32 {
    600
}

const fn poll_s() -> u32 {
    30
}

impl Batch {
    /// The places of an owner.
    pub(crate) fn places_of(&self, owner: &str) -> impl Iterator<Item = &String> {
        [owner, EVERYBODY].into_iter().filter_map(|owner| self.client_s3.get(owner)).flatten()
    }
}

impl Config {
    /// The region of a batch table.
    pub fn region_of<'a>(&'a self, batch: &'a Batch) -> &'a str {
        let first = || self.bedrocks().next().map_or("", |upstream| &upstream.region);
        batch.region.as_deref().unwrap_or_else(first)
    }

    /// The batch table of a region.
    pub(crate) fn batch_in(&self, region: &str) -> Option<&Batch> {
        self.batches.iter().find(|batch| self.region_of(batch) == region)
    }

    /// Whose keys a batch table's jobs are made with: of the upstreams in its region the one in its role's account, or else the first.
    pub fn upstream_of(&self, batch: &Batch) -> Option<&Bedrock> {
        let here = || self.bedrocks().filter(|upstream| upstream.region == self.region_of(batch));
        here().find(|upstream| !upstream.account.is_empty() && upstream.account == account_of(&batch.role)).or(here().next())
    }

    fn bedrocks(&self) -> impl Iterator<Item = &Bedrock> {
        self.upstreams.iter().filter_map(Upstream::bedrock)
    }

    pub(super) fn check_batches(&self) -> Result<(), String> {
        if !self.batches.is_empty() && self.bedrocks().next().is_none() {
            return Err("batch: jobs run on Bedrock, and no [[upstream]] is one".to_owned());
        }
        let mut regions = HashSet::new();
        for batch in &self.batches {
            let region = self.region_of(batch);
            if self.upstream_of(batch).is_none() {
                return Err(format!("batch.region: no [[upstream]] is in {region:?}; add one, with the keys for its jobs"));
            }
            if !regions.insert(region) {
                return Err(format!(
                    "batch.region: two tables are for {region:?}; write one [[batch]] for each region, and its region in it"
                ));
            }
            if account_of(&batch.role).is_empty() || !batch.role.contains(":role/") {
                let role = &batch.role;
                return Err(format!("batch.role: {role:?} is no role; write arn:aws:iam::111122223333:role/NAME"));
            }
            if !has_bucket(&batch.s3) {
                return Err(format!("batch.s3: write s3://bucket/prefix, and not {:?}", batch.s3));
            }
            for (owner, place) in batch.client_s3.iter().flat_map(|(owner, all)| all.iter().map(move |place| (owner, place))) {
                if !has_bucket(place) {
                    return Err(format!("batch.client_s3.{owner:?}: write s3://bucket or s3://bucket/prefix, and not {place:?}"));
                }
            }
        }
        Ok(())
    }
}

fn has_bucket(place: &str) -> bool {
    place.strip_prefix("s3://").and_then(|place| place.split('/').next()).is_some_and(|bucket| !bucket.is_empty())
}

/// Reads one table, or several.
pub(super) fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Batch>, D::Error> {
    struct Tables;
    impl<'de> Visitor<'de> for Tables {
        type Value = Vec<Batch>;

        fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
            to.write_str("a [batch] table, or a [[batch]] for each region")
        }

        fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Vec<Batch>, A::Error> {
            Batch::deserialize(MapAccessDeserializer::new(table)).map(|batch| vec![batch])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, tables: A) -> Result<Vec<Batch>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(tables))
        }
    }
    from.deserialize_any(Tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_made_with_the_keys_of_their_region_and_of_the_account_of_their_role() {
        let upstream = |region: &str, account: &str| format!("[[upstream]]\nregion = {region:?}\naccount = {account:?}\n");
        let batch = |account: &str, region: &str| {
            format!("[[batch]]\nrole = \"arn:aws:iam::{account}:role/R\"\ns3 = \"s3://b\"\nregion = {region:?}\n")
        };
        let upstreams = [("r", "1"), ("s", "1"), ("s", "2")].map(|(region, account)| upstream(region, account)).concat();
        let text = upstreams + &[("2", "s"), ("1", "r")].map(|(account, region)| batch(account, region)).concat();
        let config: Config = toml::from_str(&text).expect("in order");
        assert_eq!(config.check(), Ok(()));
        let places: Vec<_> = config.batches.iter().filter_map(|batch| config.upstream_of(batch)).collect();
        assert_eq!(places.iter().map(|at| (&*at.region, &*at.account)).collect::<Vec<_>>(), [("s", "2"), ("r", "1")]);
        let strange: Config = toml::from_str(&(upstream("r", "1") + &batch("9", "r"))).expect("in order");
        assert_eq!(strange.upstream_of(&strange.batches[0]).map(|at| &*at.account), Some("1"));
    }
}
