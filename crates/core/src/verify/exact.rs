//! Products of large whole numbers that are divided again, without overflow.

use laneshift_units::Money;

/// `money` times `part / whole`, rounded towards zero to a picodollar. A `whole` of zero gives nothing.
pub fn share(money: Money, part: u128, whole: u128) -> Money {
    let scaled = i128::try_from(mul_div(money.pico().unsigned_abs(), part, whole)).unwrap_or(i128::MAX);
    Money::from_pico(if money.pico() < 0 { -scaled } else { scaled })
}

/// `value * part / whole`, rounded down. `whole` is under 2^127; sums of money and tokens stay far below.
fn mul_div(value: u128, part: u128, whole: u128) -> u128 {
    if whole == 0 {
        return 0;
    }
    if let Some(product) = value.checked_mul(part) {
        return product / whole;
    }
    let (each, rest) = (value / whole, value % whole);
    let (mut quotient, mut remainder) = (0_u128, 0_u128);
    for bit in (0..128 - part.leading_zeros()).rev() {
        let one = u128::from(part >> bit & 1 == 1);
        // Each of the two sums is under twice `whole`.
        let (doubled, added) = (remainder * 2, rest * one);
        let carried = u128::from(doubled >= whole);
        remainder = doubled - carried * whole + added;
        let again = u128::from(remainder >= whole);
        remainder -= again * whole;
        quotient = quotient.saturating_mul(2).saturating_add(carried + again + each * one);
    }
    quotient
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_products_are_as_exact_as_small_ones() {
        assert_eq!(mul_div(7, 3, 2), 10);
        assert_eq!(mul_div(5, 3, 0), 0);
        assert_eq!(mul_div(10_u128.pow(30), 10_u128.pow(30), 10_u128.pow(30) + 1), 10_u128.pow(30) - 1);
        let (a, b) = (3_u128.pow(70), 7_u128.pow(40));
        assert_eq!(mul_div(a, b, a), b);
        assert_eq!(mul_div(b * 5, a, b), a * 5);
        assert_eq!(share(Money::from_pico(-7), 1, 2), Money::from_pico(-3));
    }
}
