//! Exact rational numbers: what prices are computed in (R2).
//!
//! A numerator and a denominator of 128 bits each, brought to lowest terms only when an operation
//! would not fit otherwise. It is apart so that nothing else handles overflow: every operation
//! answers `None` instead of wrapping or rounding, and publication proves for each rate that this
//! cannot happen (see `interval`). It must never lose a digit.

use std::cmp::Ordering;
use std::fmt;

use crate::measure::Decimal;
use crate::rate::rounding::Rounding;

/// An exact rational number.
#[derive(Clone, Copy)]
pub(crate) struct Ratio {
    numerator: i128,
    /// Above zero.
    denominator: i128,
}

/// The greatest common divisor; of zero and `b`, `b`.
pub(crate) const fn common_divisor(a: u128, b: u128) -> u128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        if let (0, 0) = (a >> 64, b >> 64) {
            return common_divisor_64(low_half(a), low_half(b)) as u128;
        }
        (a, b) = (b, a % b);
    }
    a
}

#[expect(clippy::cast_possible_truncation, reason = "only called when the upper half is zero")]
const fn low_half(value: u128) -> u64 {
    value as u64
}

const fn common_divisor_64(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Ratio {
    /// Nothing.
    pub(crate) const ZERO: Ratio = Ratio::whole(0);
    /// One.
    pub(crate) const ONE: Ratio = Ratio::whole(1);

    /// A whole number.
    pub(crate) const fn whole(value: i64) -> Ratio {
        Ratio { numerator: value as i128, denominator: 1 }
    }

    /// `numerator / denominator`; `None` when the denominator is zero or the sign does not fit.
    pub(crate) fn new(numerator: i128, denominator: i128) -> Option<Ratio> {
        match denominator.cmp(&0) {
            Ordering::Greater => Some(Ratio { numerator, denominator }),
            Ordering::Equal => None,
            Ordering::Less => {
                Some(Ratio { numerator: numerator.checked_neg()?, denominator: denominator.checked_neg()? })
            }
        }
    }

    /// The numerator, not necessarily in lowest terms.
    pub(crate) const fn numerator(self) -> i128 {
        self.numerator
    }

    /// The denominator, above zero, not necessarily in lowest terms.
    pub(crate) const fn denominator(self) -> i128 {
        self.denominator
    }

    /// The same number in lowest terms.
    pub(crate) fn reduced(self) -> Ratio {
        let divisor = common_divisor(self.numerator.unsigned_abs(), self.denominator.unsigned_abs());
        // The divisor is at most the denominator, so it fits; it is never zero, as the denominator is not.
        let divisor = i128::try_from(divisor).unwrap_or(1);
        Ratio { numerator: self.numerator / divisor, denominator: self.denominator / divisor }
    }

    /// −1, 0 or 1.
    pub(crate) const fn signum(self) -> i128 {
        self.numerator.signum()
    }

    /// Whether this is exactly nothing.
    pub(crate) const fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// Whether this is a whole number.
    pub(crate) const fn is_whole(self) -> bool {
        self.numerator % self.denominator == 0
    }

    /// The sum.
    pub(crate) fn add(self, other: Ratio) -> Option<Ratio> {
        self.add_plain(other).or_else(|| self.reduced().add_by_common_multiple(other.reduced()))
    }

    fn add_plain(self, other: Ratio) -> Option<Ratio> {
        if self.denominator == other.denominator {
            return Some(Ratio { numerator: self.numerator.checked_add(other.numerator)?, ..self });
        }
        let left = self.numerator.checked_mul(other.denominator)?;
        let right = other.numerator.checked_mul(self.denominator)?;
        Some(Ratio {
            numerator: left.checked_add(right)?,
            denominator: self.denominator.checked_mul(other.denominator)?,
        })
    }

    fn add_by_common_multiple(self, other: Ratio) -> Option<Ratio> {
        let shared = common_divisor(self.denominator.unsigned_abs(), other.denominator.unsigned_abs());
        let shared = i128::try_from(shared).ok()?;
        let (left_scale, right_scale) = (other.denominator / shared, self.denominator / shared);
        let left = self.numerator.checked_mul(left_scale)?;
        let right = other.numerator.checked_mul(right_scale)?;
        let denominator = self.denominator.checked_mul(left_scale)?;
        Some(Ratio { numerator: left.checked_add(right)?, denominator })
    }

    /// The same with the other sign.
    pub(crate) fn neg(self) -> Option<Ratio> {
        // The smallest number of 128 bits has no counterpart; in lowest terms it may have.
        let negated = |of: Ratio| Some(Ratio { numerator: of.numerator.checked_neg()?, ..of });
        negated(self).or_else(|| negated(self.reduced()))
    }

    /// The difference.
    pub(crate) fn sub(self, other: Ratio) -> Option<Ratio> {
        self.add(other.neg()?)
    }

    /// The product.
    pub(crate) fn mul(self, other: Ratio) -> Option<Ratio> {
        self.mul_plain(other).or_else(|| {
            // Each numerator against the other denominator, so that the product is in lowest terms.
            let (a, b) = (self.reduced(), other.reduced());
            let left = Ratio { numerator: a.numerator, denominator: b.denominator }.reduced();
            let right = Ratio { numerator: b.numerator, denominator: a.denominator }.reduced();
            left.mul_plain(right)
        })
    }

    fn mul_plain(self, other: Ratio) -> Option<Ratio> {
        Some(Ratio {
            numerator: self.numerator.checked_mul(other.numerator)?,
            denominator: self.denominator.checked_mul(other.denominator)?,
        })
    }

    /// The quotient; `None` also when `other` is zero.
    pub(crate) fn div(self, other: Ratio) -> Option<Ratio> {
        let reciprocal = |of: Ratio| Ratio::new(of.denominator, of.numerator);
        self.mul(reciprocal(other).or_else(|| reciprocal(other.reduced()))?)
    }

    /// The smaller of the two.
    pub(crate) fn min(self, other: Ratio) -> Ratio {
        if other < self { other } else { self }
    }

    /// The larger of the two.
    pub(crate) fn max(self, other: Ratio) -> Ratio {
        if other > self { other } else { self }
    }

    /// The whole number that the rounding gives.
    pub(crate) fn rounded_to_whole(self, rounding: Rounding) -> Option<i128> {
        rounding.divide(self.numerator, self.denominator)
    }

    /// This rounded to `places` decimals (at most 6).
    pub(crate) fn rounded(self, rounding: Rounding, places: u8) -> Option<Ratio> {
        let scale = power_of_ten(places);
        match self.numerator.checked_mul(scale) {
            Some(scaled) => Ratio::new(rounding.divide(scaled, self.denominator)?, scale),
            None => {
                let scaled = self.reduced().mul(Ratio { numerator: scale, denominator: 1 })?;
                Ratio::new(scaled.rounded_to_whole(rounding)?, scale)
            }
        }
    }

    /// The decimal, when it has at most `places` decimals.
    pub(crate) fn as_decimal(self, places: u8) -> Option<Decimal> {
        let scaled = self.reduced().mul(Ratio { numerator: power_of_ten(places), denominator: 1 })?;
        scaled.is_whole().then(|| Decimal::new(scaled.numerator / scaled.denominator, places))
    }
}

/// 10 to the power of `places`; at most 18 are ever asked for.
pub(crate) const fn power_of_ten(places: u8) -> i128 {
    10_i128.pow(places as u32)
}

impl From<Decimal> for Ratio {
    fn from(decimal: Decimal) -> Ratio {
        Ratio { numerator: decimal.mantissa(), denominator: power_of_ten(decimal.scale()) }
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Ratio) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Ratio) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Ratio) -> Ordering {
        if self.denominator == other.denominator {
            return self.numerator.cmp(&other.numerator);
        }
        let products = (self.numerator.checked_mul(other.denominator), other.numerator.checked_mul(self.denominator));
        match products {
            (Some(left), Some(right)) => left.cmp(&right),
            (None, _) | (_, None) => compare_by_parts(*self, *other),
        }
    }
}

/// Compares whole parts, then the reciprocals of what remains: exact, and nothing can overflow.
fn compare_by_parts(left: Ratio, right: Ratio) -> Ordering {
    let (mut a, mut b, mut c, mut d) = (left.numerator, left.denominator, right.numerator, right.denominator);
    let mut flipped = false;
    loop {
        let order = a.div_euclid(b).cmp(&c.div_euclid(d));
        let (rest_a, rest_c) = (a.rem_euclid(b), c.rem_euclid(d));
        let order = match order {
            Ordering::Equal => match (rest_a, rest_c) {
                (0, 0) => Ordering::Equal,
                (0, _) => Ordering::Less,
                (_, 0) => Ordering::Greater,
                (_, _) => {
                    // rest_a / b against rest_c / d is d / rest_c against b / rest_a.
                    (a, b, c, d) = (b, rest_a, d, rest_c);
                    flipped = !flipped;
                    continue;
                }
            },
            decided @ (Ordering::Less | Ordering::Greater) => decided,
        };
        return if flipped { order.reverse() } else { order };
    }
}

impl fmt::Display for Ratio {
    /// With up to six decimals; a finer number is written rounded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rounded(Rounding::HalfAway, 6).and_then(|rounded| rounded.as_decimal(6)) {
            Some(decimal) => fmt::Display::fmt(&decimal, f),
            None => write!(f, "{}/{}", self.numerator, self.denominator),
        }
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reduced = self.reduced();
        match reduced.denominator {
            1 => write!(f, "{}", reduced.numerator),
            denominator => write!(f, "{}/{denominator}", reduced.numerator),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(numerator: i128, denominator: i128) -> Ratio {
        Ratio::new(numerator, denominator).unwrap()
    }

    #[test]
    fn the_four_operations_are_exact() {
        let (third, quarter) = (ratio(1, 3), ratio(1, 4));
        for (result, shown) in [
            (third.add(quarter), "7/12"),
            (third.sub(quarter), "1/12"),
            (third.mul(quarter), "1/12"),
            (third.div(quarter), "4/3"),
            (third.div(ratio(-1, 4)), "-4/3"),
        ] {
            assert_eq!(format!("{:?}", result.unwrap()), shown);
        }
        assert_eq!(third.div(Ratio::ZERO), None);
    }

    #[test]
    fn operations_that_fit_only_in_lowest_terms_are_done_in_them() {
        let large = 10_i128.pow(30);
        let third = ratio(large, 3 * large);
        assert_eq!(third.add(ratio(large, 6 * large)), Some(ratio(1, 2)));
        assert_eq!(third.mul(ratio(3 * large, large)), Some(Ratio::ONE));
        assert_eq!(ratio(i128::MIN, 2).neg(), Some(ratio(1 << 126, 1)));
        assert_eq!(Ratio::ONE.div(ratio(i128::MIN, 2)), Some(ratio(-1, 1 << 126)));
        assert_eq!(ratio(i128::MAX, 1).add(Ratio::ONE), None);
        assert_eq!(ratio(i128::MAX, 1).mul(Ratio::whole(2)), None);
    }

    #[test]
    fn comparison_never_overflows() {
        let (a, b) = (ratio(i128::MAX, i128::MAX - 1), ratio(i128::MAX - 1, i128::MAX - 2));
        assert_eq!((a.cmp(&b), b.cmp(&a), a.cmp(&a)), (Ordering::Less, Ordering::Greater, Ordering::Equal));
        assert!(ratio(-i128::MAX, i128::MAX - 1) > ratio(1 - i128::MAX, i128::MAX - 2));
    }
}
