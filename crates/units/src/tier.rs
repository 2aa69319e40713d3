//! The tiers a request can ask for and the modes a token can be priced in.

/// The service tier of an on-demand request, in AWS's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceTier {
    /// Processed before the others, at a premium.
    Priority,
    /// The standard tier (`default` on the wire).
    #[default]
    Default,
    /// Cheaper, slower, best effort.
    Flex,
    /// Reserved tokens per minute; spills to standard.
    Reserved,
}

impl ServiceTier {
    /// Every tier.
    pub const ALL: [Self; 4] = [Self::Priority, Self::Default, Self::Flex, Self::Reserved];

    /// AWS's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Default => "default",
            Self::Flex => "flex",
            Self::Reserved => "reserved",
        }
    }

    /// Reads AWS's spelling (and `standard`).
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "priority" => Self::Priority,
            "default" | "standard" => Self::Default,
            "flex" => Self::Flex,
            "reserved" => Self::Reserved,
            _ => return None,
        })
    }
}

/// A column of the price list: the way a token is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PriceMode {
    /// On-demand, standard tier.
    OnDemand,
    /// On-demand, priority tier.
    Priority,
    /// On-demand, flex tier.
    Flex,
    /// Batch inference jobs.
    Batch,
    /// Latency-optimised inference.
    LatencyOptimized,
}

impl PriceMode {
    /// Every mode that is priced by the token.
    pub const ALL: [Self; 5] = [Self::OnDemand, Self::Priority, Self::Flex, Self::Batch, Self::LatencyOptimized];

    /// The name used in the catalogue and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnDemand => "on_demand",
            Self::Priority => "priority",
            Self::Flex => "flex",
            Self::Batch => "batch",
            Self::LatencyOptimized => "latency_optimized",
        }
    }

    /// Reads [`PriceMode::name`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == text)
    }
}
