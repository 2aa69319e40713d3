//! A plan's saving, at the tokens of the month that followed.

use laneshift_units::Money;

use super::exact::share;
use crate::plan::Savings;

/// What a plan predicted.
#[derive(Clone, Debug, Default)]
pub struct Predicted {
    /// Tokens that the plan was made from.
    pub tokens: u64,
    /// Its bounds, for a change of lane.
    pub savings: Savings,
    /// Its levers by name.
    pub levers: Vec<(String, Money)>,
}

/// Where a saving stands to what was predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Under the floor.
    BelowFloor,
    /// From the floor to the ceiling.
    Within,
    /// Over the ceiling.
    AboveCeiling,
}

impl Standing {
    /// The name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BelowFloor => "below_floor",
            Self::Within => "within",
            Self::AboveCeiling => "above_ceiling",
        }
    }
}

impl Predicted {
    /// The same for another number of tokens; `None` where the plan has none.
    #[must_use]
    pub fn at(&self, tokens: u64) -> Option<Self> {
        let scaled = |money| share(money, tokens.into(), self.tokens.into());
        let Savings { floor, likely, ceiling } = self.savings;
        (self.tokens > 0).then(|| Self {
            tokens,
            savings: Savings { floor: scaled(floor), likely: scaled(likely), ceiling: scaled(ceiling) },
            levers: self.levers.iter().map(|(name, saves)| (name.clone(), scaled(*saves))).collect(),
        })
    }

    /// Where a saving by lane stands. A difference that prints as the same cent is none.
    pub fn standing(&self, saved: Money) -> Standing {
        const CENT: Money = Money::from_pico(10_000_000_000);
        if saved + CENT <= self.savings.floor {
            Standing::BelowFloor
        } else if saved >= self.savings.ceiling + CENT {
            Standing::AboveCeiling
        } else {
            Standing::Within
        }
    }
}
