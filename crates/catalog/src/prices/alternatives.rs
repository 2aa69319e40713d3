//! The same model elsewhere: what other providers ask for it.

use std::sync::Arc;

use laneshift_core::price::Rates;
use laneshift_units::{ModelId, PriceMode, TokenClass};

use super::rules::Doubt;
use super::{Catalog, PriceRow, Provider, RowMode, Scope};

/// The same model at another provider. Short requests only: rates of the lowest context tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// Who sells it.
    pub provider: Provider,
    /// Its id there.
    pub model_id: ModelId,
    /// Where the price holds.
    pub scope: Scope,
    /// On-demand rates.
    pub on_demand: Rates,
    /// Batch rates; empty when it has no batch price there.
    pub batch: Rates,
    /// Who says so.
    pub source: Arc<str>,
    /// The month or day for which the source says it.
    pub as_of: Arc<str>,
    /// What speaks against relying on it.
    pub doubts: Vec<Doubt>,
}

/// The providers that are compared, and the scope of theirs that is: the widest.
const COMPARED: [(Provider, Scope); 5] = [
    (Provider::Anthropic, Scope::Any),
    (Provider::ClaudePlatformOnAws, Scope::Any),
    (Provider::Vertex, Scope::Any),
    (Provider::Openai, Scope::Any),
    (Provider::AzureOpenai, Scope::Global),
];

impl Catalog {
    /// What the other providers ask for the model.
    pub fn alternatives(&self, model_key: &str) -> Vec<Alternative> {
        COMPARED.iter().filter_map(|(provider, scope)| self.alternative(*provider, scope, model_key)).collect()
    }

    fn alternative(&self, provider: Provider, scope: &Scope, key: &str) -> Option<Alternative> {
        // Providers name some retired models only by an alias that ends so.
        let alias = format!("{key}latest");
        let rows = [key, &alias].into_iter().flat_map(|key| self.model_rows(provider, key)).copied();
        let rows: Vec<usize> = rows.filter(|at| self.rows()[*at].scope == *scope && self.rows()[*at].ctx_min.0 == 0).collect();
        let (on_demand, used) = self.rates(&rows, PriceMode::OnDemand);
        let (batch, used_by_batch) = self.rates(&rows, PriceMode::Batch);
        let first: &PriceRow = &self.rows()[*used.first()?];
        let doubts = used.iter().chain(&used_by_batch).flat_map(|row| self.doubts(*row)).cloned();
        Some(Alternative {
            provider,
            model_id: first.model_id.clone(),
            scope: first.scope.clone(),
            on_demand,
            batch,
            source: first.source.clone(),
            as_of: first.as_of.clone(),
            doubts: doubts.collect(),
        })
    }

    fn rates(&self, rows: &[usize], mode: PriceMode) -> (Rates, Vec<usize>) {
        let mut rates = Rates::default();
        let mut used = Vec::new();
        for class in TokenClass::ALL {
            let row = rows.iter().copied().find(|at| {
                let row = &self.rows()[*at];
                row.mode == RowMode::Token(mode) && row.dimension.token_class() == Some(class)
            });
            if let Some((at, rate)) = row.and_then(|at| self.rows()[at].price.rate().map(|rate| (at, rate))) {
                rates.set(class, rate);
                used.push(at);
            }
        }
        (rates, used)
    }
}
