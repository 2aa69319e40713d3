//! The steps from one month to the other.

use std::ops::{Index, IndexMut};

use laneshift_units::Money;

use crate::plan::LeverStep;

/// Why one month costs less than the other, or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// More or fewer tokens, of input and of output.
    Tokens,
    /// The tokens ran in other accounts and regions, or on other models.
    Mix,
    /// Other shares of input were written to and read from the prompt cache.
    Cache,
    /// Tokens came into the global profile, or left it.
    Profile,
    /// Tokens came into batch.
    Batch,
    /// Tokens came into the flex tier.
    Flex,
    /// Tokens came into the standard, the priority or the latency-optimised tier.
    Tier,
    /// The fees of paid capacity changed. What its tokens cost otherwise is on no bill, so a fee alone is no saving.
    Committed,
    /// The same cost another price.
    Prices,
    /// Other usage of Bedrock changed.
    Other,
    /// Discounts, credits, refunds and taxes changed.
    Adjustments,
    /// Corrections without tokens, and what rounding to a picodollar leaves.
    Rest,
}

impl Step {
    /// Every step, in the order in which they are taken.
    pub const ALL: [Self; 12] = [
        Self::Tokens,
        Self::Mix,
        Self::Cache,
        Self::Profile,
        Self::Batch,
        Self::Flex,
        Self::Tier,
        Self::Committed,
        Self::Prices,
        Self::Other,
        Self::Adjustments,
        Self::Rest,
    ];

    /// The name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Mix => "mix",
            Self::Cache => "cache",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Tier => "tier",
            Self::Committed => "committed",
            Self::Profile => "profile",
            Self::Prices => "prices",
            Self::Other => "other",
            Self::Adjustments => "adjustments",
            Self::Rest => "rest",
        }
    }

    /// As shown; a lever that a plan knows has the plan's words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Tokens => "more or fewer tokens",
            Self::Mix => "another mix of accounts, regions and models",
            Self::Cache => "prompt cache",
            Self::Batch => LeverStep::BATCH,
            Self::Flex => LeverStep::FLEX,
            Self::Tier => "move to another tier",
            Self::Committed => LeverStep::COMMITTED,
            Self::Profile => LeverStep::PROFILE,
            Self::Prices => "AWS's prices",
            Self::Other => "other usage of Bedrock",
            Self::Adjustments => "discounts, credits and taxes",
            Self::Rest => "corrections without tokens, and rounding",
        }
    }

    /// Whether it is a lever: something that somebody did to pay less for the same tokens.
    pub const fn is_lever(self) -> bool {
        matches!(self, Self::Cache | Self::Batch | Self::Flex | Self::Tier | Self::Profile)
    }
}

/// What each step saved; below zero, what it cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps([Money; Step::ALL.len()]);

impl Index<Step> for Steps {
    type Output = Money;
    fn index(&self, step: Step) -> &Money {
        &self.0[step as usize]
    }
}

impl IndexMut<Step> for Steps {
    fn index_mut(&mut self, step: Step) -> &mut Money {
        &mut self.0[step as usize]
    }
}

impl Steps {
    /// Those of a kind, added up.
    pub fn sum(&self, of: impl Fn(Step) -> bool) -> Money {
        Step::ALL.into_iter().filter(|step| of(*step)).map(|step| self[step]).sum()
    }
}
