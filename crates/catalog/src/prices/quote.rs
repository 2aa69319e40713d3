//! The rates of one model, profile, region and mode, each with the row it comes from.
//!
//! Promises: rows are tried in the order in which AWS applies prices; a class keeps its own row; whatever is
//! uncertain about a row is said. Leaves out: deriving a price that no row states.

use laneshift_core::price::Rates;
use laneshift_units::{ModelId, PriceMode, Profile, Region, TokenClass, Tokens};

use super::rules::{Doubt, neighbour};
use super::{Catalog, Dimension, PriceRow, Provider, RowMode, Scope};

/// What the catalogue knows about one way to buy tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// The rate of each class that has one.
    pub rates: Rates,
    /// The row of each rate, as a place in [`Catalog::rows`], in the order of [`TokenClass::ALL`], known classes only.
    pub rows: Vec<usize>,
    /// What speaks against relying on it.
    pub doubts: Vec<Doubt>,
    /// The model has no row in this mode anywhere on Bedrock: it is not sold like this, which is more than not knowing.
    pub absent: bool,
}

impl Catalog {
    /// The rates of `model` called through `profile` from `region`, for one request with this much input in total.
    ///
    /// The whole request is priced by the tier that its input reaches. A class whose price is not known at this
    /// place stays without one.
    pub fn quote(&self, model: &ModelId, profile: &Profile, region: &Region, mode: PriceMode, total_input: Tokens) -> Quote {
        let Some(key) = self.model_key(model) else {
            let doubts = vec![Doubt::about_no_row("unknown_model", format!("no row names the model {model}"))];
            return Quote { absent: true, doubts, ..Quote::default() };
        };
        if !self.model_rows(Provider::Bedrock, key).is_empty() {
            return self.quote_of((Provider::Bedrock, key), profile, region, mode, total_input);
        }
        let mut quote = self.quote_of((Provider::BedrockMantle, key), profile, region, mode, total_input);
        if !quote.absent {
            let text = "only the bedrock-mantle endpoint has a price for this model".to_owned();
            quote.doubts.insert(0, Doubt::about_no_row("mantle_only", text));
        }
        quote
    }

    /// The rates of `model` called in `region` on the bedrock-mantle endpoint: those of the other endpoint, where they are known
    /// there, because they are listed by region; or else those that are listed for this one alone.
    // AWS, Bedrock User Guide, "Endpoints", read 2026-11-23: a token costs the same on both.
    pub fn mantle_quote(&self, model: &ModelId, region: &Region, mode: PriceMode, total_input: Tokens) -> Quote {
        let quote = self.quote(model, &Profile::InRegion, region, mode, total_input);
        match self.model_key(model).filter(|_| quote.rates.is_empty()) {
            None => quote,
            Some(key) => self.quote_of((Provider::BedrockMantle, key), &Profile::InRegion, region, mode, total_input),
        }
    }

    fn quote_of(&self, of: (Provider, &str), profile: &Profile, region: &Region, mode: PriceMode, total_input: Tokens) -> Quote {
        let mut quote = Quote::default();
        let in_mode = self.rows_in_mode(of, mode);
        if in_mode.is_empty() {
            quote.absent = true;
            return quote;
        }
        let standard = self.rows_in_mode(of, PriceMode::OnDemand);
        let query = Query { catalog: self, in_mode, standard, chain: chain(profile, region), profile, total_input };
        query.fill(&mut quote);
        if let Some(row) = self.extended_access(&query, region) {
            let text =
                format!("{} also lists this region under extended access: {}", self.rows()[row].source, self.rows()[row].note);
            quote.doubts.push(Doubt { row: Some(row), rule: "extended_access", explanation: text, explained: false });
        }
        quote
    }

    fn rows_in_mode(&self, (provider, key): (Provider, &str), mode: PriceMode) -> Vec<usize> {
        let rows = self.model_rows(provider, key).iter().copied();
        rows.filter(|row| self.rows()[*row].mode == RowMode::Token(mode)).collect()
    }

    /// Whether an unscoped row holds the price of the global profile: its note says so, or it equals the global row of
    /// a model whose other rows cost something else.
    fn is_global_rate_of_bare_id(&self, at: usize) -> bool {
        let row = &self.rows()[at];
        if row.scope != Scope::Unscoped {
            return false;
        }
        let at_scope = |row: &PriceRow, scope: Scope| neighbour(self, row, |place| place.scope = scope);
        let standard = |scope: Scope| {
            neighbour(self, row, |place| {
                place.scope = scope;
                place.mode = RowMode::Token(PriceMode::OnDemand);
                place.ctx_min = Tokens(0);
            })
        };
        let equals_global = at_scope(row, Scope::Global).is_some_and(|global| global.price == row.price);
        let elsewhere = [Scope::Regional, Scope::Geo("us".into()), Scope::Region(Region::new("us-east-1"))];
        let differs = |global: &PriceRow| {
            elsewhere.into_iter().any(|scope| at_scope(global, scope).is_some_and(|other| other.price != global.price))
        };
        row.is_global_rate_of_bare_id() || equals_global && standard(Scope::Global).is_some_and(differs)
    }

    fn extended_access(&self, query: &Query<'_>, region: &Region) -> Option<usize> {
        let location = location(region)?;
        let listed = |row: &PriceRow| row.scope == Scope::ExtendedAccess && row.note.contains(location);
        query.in_mode.iter().copied().find(|row| listed(&self.rows()[*row])).filter(|_| *query.profile != Profile::Global)
    }
}

/// The scopes to try, most specific first. The unscoped rows come last and are held back from what they cannot price.
fn chain(profile: &Profile, region: &Region) -> Vec<Scope> {
    let own = Scope::Region(region.clone());
    match profile {
        Profile::Global => vec![Scope::Global, Scope::Unscoped],
        Profile::Geo(prefix) => vec![Scope::Geo(prefix.clone()), Scope::Regional, own, Scope::Unscoped],
        Profile::InRegion => vec![own, Scope::Regional, Scope::Unscoped],
    }
}

/// AWS's names of the regions where models past their end of life are sold.
// AWS, "Amazon Bedrock pricing", scraped 2026-07-24, and "AWS Regions", read 2026-11-23.
fn location(region: &Region) -> Option<&'static str> {
    Some(match region.as_str() {
        "us-east-1" => "US East (N. Virginia)",
        "us-east-2" => "US East (Ohio)",
        "us-west-2" => "US West (Oregon)",
        "eu-central-1" => "Europe (Frankfurt)",
        "eu-central-2" => "Europe (Zurich)",
        "eu-west-1" => "Europe (Ireland)",
        "eu-west-3" => "Europe (Paris)",
        "ap-northeast-1" => "Asia Pacific (Tokyo)",
        _ => return None,
    })
}

struct Query<'a> {
    catalog: &'a Catalog,
    /// The model's rows in the mode that is asked for.
    in_mode: Vec<usize>,
    /// The model's rows in the standard mode.
    standard: Vec<usize>,
    chain: Vec<Scope>,
    profile: &'a Profile,
    total_input: Tokens,
}

impl Query<'_> {
    fn fill(&self, quote: &mut Quote) {
        let tier = self.tier();
        for class in TokenClass::ALL {
            let Some(row) = self.row_for(class, tier) else { continue };
            let Some(rate) = self.row(row).price.rate() else { continue };
            quote.rates.set(class, rate);
            quote.rows.push(row);
            quote.doubts.extend(self.catalog.doubts(row).iter().cloned());
            quote.doubts.extend(self.doubts_of_use(row, tier));
        }
        if self.holds_back_global_rate() {
            let text = "the only unscoped price is the global profile's; nothing is derived from it".to_owned();
            quote.doubts.push(Doubt::about_no_row("global_rate_held_back", text));
        }
    }

    fn row(&self, row: usize) -> &PriceRow {
        &self.catalog.rows()[row]
    }

    /// The context tier that the request reaches: of all tiers on the chain, the highest that its input fills. A mode
    /// has the tiers of the standard mode, even where it has no price for one.
    fn tier(&self) -> Tokens {
        let on_chain = self.in_mode.iter().chain(&self.standard).filter(|row| self.step(**row).is_some());
        let reached = on_chain.map(|row| self.row(*row).ctx_min);
        reached.filter(|ctx_min| *ctx_min <= self.total_input).max().unwrap_or_default()
    }

    /// How far along the chain the row stands; `None` when it cannot price this call.
    fn step(&self, row: usize) -> Option<usize> {
        if *self.profile != Profile::Global && self.catalog.is_global_rate_of_bare_id(row) {
            return None;
        }
        let row = self.row(row);
        self.chain.iter().position(|scope| *scope == row.scope)
    }

    /// The best row of a class: of the tier that is reached, in good standing, early in the chain.
    fn row_for(&self, class: TokenClass, tier: Tokens) -> Option<usize> {
        let candidates = self.in_mode.iter().copied().filter(|row| {
            let row = self.row(*row);
            row.dimension.token_class() == Some(class) && row.ctx_min <= tier
        });
        candidates
            .filter_map(|row| self.step(row).map(|step| (row, step)))
            .min_by_key(|(row, step)| {
                let half_hour = self.row(*row).dimension == Dimension::CacheWrite30m;
                (tier.0 - self.row(*row).ctx_min.0, self.catalog.is_barred(*row), *step, half_hour)
            })
            .map(|(row, _)| row)
    }

    /// What is uncertain about this row only because it prices this call.
    fn doubts_of_use(&self, at: usize, tier: Tokens) -> Vec<Doubt> {
        let row = self.row(at);
        let mut doubts = Vec::new();
        let mut add = |rule, explanation| doubts.push(Doubt { row: Some(at), rule, explanation, explained: false });
        if row.scope == Scope::Unscoped {
            add("unscoped", format!("{} does not say where this price holds", row.source));
        }
        if row.ctx_min < tier {
            add(
                "tier_without_price",
                format!("no {} price from {} tokens on; the shorter tier's is used", row.dimension.name(), tier.0),
            );
        }
        if let Some(other) = self.own_region_differs(at) {
            let other = self.row(other);
            let text = format!(
                "{} has its own {} price for the source region: {}",
                other.source,
                other.dimension.name(),
                other.price.usd()
            );
            add("source_region_differs", text);
        }
        doubts
    }

    /// A row for all regions that prices a call from a region which has, for this class or another, another price.
    fn own_region_differs(&self, at: usize) -> Option<usize> {
        let row = self.row(at);
        if row.scope != Scope::Regional {
            return None;
        }
        self.in_mode.iter().copied().find(|other| {
            let own = self.row(*other);
            matches!(own.scope, Scope::Region(_))
                && self.step(*other).is_some()
                && !self.catalog.is_barred(*other)
                && neighbour(self.catalog, own, |place| place.scope = Scope::Regional).is_some_and(|all| all.price != own.price)
        })
    }

    fn holds_back_global_rate(&self) -> bool {
        let any_step = self.in_mode.iter().any(|row| self.step(*row).is_some());
        !any_step && self.in_mode.iter().any(|row| self.catalog.is_global_rate_of_bare_id(*row))
    }
}
