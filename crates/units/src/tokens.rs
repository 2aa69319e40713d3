//! Tokens, the classes they are billed in, and sizes.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// A number of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tokens(pub u64);

/// Tokens as an admission quota counts them: input plus `max_tokens`, with the model's output burn-down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuotaTokens(pub u64);

/// A size in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

impl Add for Tokens {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self(self.0 + rhs.0)
    }
}
impl AddAssign for Tokens {
    fn add_assign(&mut self, rhs: Self) {
        self.0 += rhs.0;
    }
}
impl Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self(0), Add::add)
    }
}

/// How a token is billed. The classes are never folded into each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenClass {
    /// Input that was neither read from nor written to a cache.
    Input,
    /// Generated tokens.
    Output,
    /// Input read from the prompt cache.
    CacheRead,
    /// Input written to the prompt cache with the five-minute (or the model's default) time to live.
    CacheWrite5m,
    /// Input written to the prompt cache for one hour.
    CacheWrite1h,
}

impl TokenClass {
    /// Every class, in the order they are shown.
    pub const ALL: [Self; 5] = [Self::Input, Self::Output, Self::CacheRead, Self::CacheWrite5m, Self::CacheWrite1h];

    /// The name used in files and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::CacheRead => "cache_read",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
        }
    }
}

/// Tokens by class. A sum over requests; a single request with a missing count is held elsewhere as missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Usage {
    /// Uncached input.
    pub input: Tokens,
    /// Output.
    pub output: Tokens,
    /// Cache reads.
    pub cache_read: Tokens,
    /// Cache writes, five minutes.
    pub cache_write_5m: Tokens,
    /// Cache writes, one hour.
    pub cache_write_1h: Tokens,
}

impl Usage {
    /// The tokens of one class.
    pub const fn get(&self, class: TokenClass) -> Tokens {
        match class {
            TokenClass::Input => self.input,
            TokenClass::Output => self.output,
            TokenClass::CacheRead => self.cache_read,
            TokenClass::CacheWrite5m => self.cache_write_5m,
            TokenClass::CacheWrite1h => self.cache_write_1h,
        }
    }

    /// The tokens of one class, to change.
    pub const fn get_mut(&mut self, class: TokenClass) -> &mut Tokens {
        match class {
            TokenClass::Input => &mut self.input,
            TokenClass::Output => &mut self.output,
            TokenClass::CacheRead => &mut self.cache_read,
            TokenClass::CacheWrite5m => &mut self.cache_write_5m,
            TokenClass::CacheWrite1h => &mut self.cache_write_1h,
        }
    }

    /// All input a model saw: uncached, read and written.
    pub const fn total_input(&self) -> Tokens {
        Tokens(self.input.0 + self.cache_read.0 + self.cache_write_5m.0 + self.cache_write_1h.0)
    }

    /// All tokens of all classes.
    pub const fn total(&self) -> Tokens {
        Tokens(self.total_input().0 + self.output.0)
    }

    /// The same work without a prompt cache: every input token is uncached input. Batch jobs run like this.
    pub const fn uncached(&self) -> Self {
        Self {
            input: self.total_input(),
            output: self.output,
            cache_read: Tokens(0),
            cache_write_5m: Tokens(0),
            cache_write_1h: Tokens(0),
        }
    }

    /// Every class times a whole number, for sampled evidence.
    pub fn times(mut self, n: u64) -> Self {
        for class in TokenClass::ALL {
            self.get_mut(class).0 *= n;
        }
        self
    }
}

impl Add for Usage {
    type Output = Self;
    fn add(mut self, rhs: Self) -> Self {
        self += rhs;
        self
    }
}
impl AddAssign for Usage {
    fn add_assign(&mut self, rhs: Self) {
        for class in TokenClass::ALL {
            *self.get_mut(class) += rhs.get(class);
        }
    }
}
impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), Add::add)
    }
}
