//! Prices of one target and the exact cost of tokens at them.

use laneshift_units::{Money, Rate, TokenClass, Usage};

/// The price of each token class in one mode at one place. A class without a price is unknown, never free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    by_class: [Option<Rate>; 5],
}

/// Tokens of this class have no known price here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPrice(pub TokenClass);

impl Rates {
    /// The price of a class, if known.
    pub const fn get(&self, class: TokenClass) -> Option<Rate> {
        self.by_class[class as usize]
    }

    /// Sets the price of a class.
    pub const fn set(&mut self, class: TokenClass, rate: Rate) {
        self.by_class[class as usize] = Some(rate);
    }

    /// Whether no class has a price.
    pub fn is_empty(&self) -> bool {
        self.by_class.iter().all(Option::is_none)
    }

    /// What this usage costs, exactly.
    ///
    /// # Errors
    /// [`UnknownPrice`] names the first class that has tokens and no price.
    pub fn cost(&self, usage: &Usage) -> Result<Money, UnknownPrice> {
        let mut sum = Money::ZERO;
        for class in TokenClass::ALL {
            let tokens = usage.get(class);
            if tokens.0 > 0 {
                sum += self.get(class).ok_or(UnknownPrice(class))?.cost(tokens);
            }
        }
        Ok(sum)
    }
}
