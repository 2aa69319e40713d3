//! Chance from a seed: SplitMix64 and the few distributions the generator draws from.
//!
//! Own code rather than a crate's, so that a newer crate cannot change the bytes of a shipped example.

/// A stream of numbers that depends on its seed alone.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for a thing that is named by numbers.
    pub(crate) fn of(seed: u64, parts: &[u64]) -> Self {
        Self(parts.iter().fold(seed, |s, part| mix(s ^ part.wrapping_mul(0x9E37_79B9_7F4A_7C15))))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in 0..n; 0 for an empty range.
    pub(crate) const fn below(&mut self, n: u64) -> u64 {
        ((self.next() as u128 * n as u128) >> 64) as u64
    }

    /// Uniform in low..=high.
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal, as the sum of twelve uniforms less six: no logarithm, tails cut at six sigma.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Log-normal with this median and this sigma of the logarithm.
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }

    /// Poisson; above a mean of 30 its normal approximation.
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let (limit, mut product, mut n) = ((-mean).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            n += 1;
        }
        n
    }

    /// `digits` lower-case hexadecimal digits, at most sixteen a draw.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits);
        while text.len() < digits {
            let take = (digits - text.len()).min(16);
            text.push_str(&format!("{:016x}", self.next())[..take]);
        }
        text
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn means_are_what_they_say() {
        let mut chance = Chance::new(1);
        let n = 20_000;
        let mean = |f: &mut dyn FnMut(&mut Chance) -> f64, c: &mut Chance| (0..n).map(|_| f(c)).sum::<f64>() / f64::from(n);
        assert!((mean(&mut |c| c.unit(), &mut chance) - 0.5).abs() < 0.01);
        assert!(mean(&mut |c| c.normal(), &mut chance).abs() < 0.03);
        assert!((mean(&mut |c| c.poisson(3.0) as f64, &mut chance) - 3.0).abs() < 0.05);
        assert!((mean(&mut |c| c.poisson(90.0) as f64, &mut chance) - 90.0).abs() < 0.4);
    }
}
