//! Credits: exact amounts (R1).
//!
//! An amount is an integer count of millionths of a credit. It is apart so that nothing else in
//! the workspace knows the scale. It must never meet a float.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// Millionths in one credit.
pub const MILLIONTHS: i64 = 1_000_000;

/// An exact, signed number of credits, counted in millionths (R1).
///
/// Holdings and prices lie within ±[`Credits::MAX`]; sums of a few of them cannot overflow the
/// integer beneath, so `+` and `-` are plain. Whoever makes an account's holdings grow compares
/// the result with [`Credits::MAX`] and rejects with `amount_limit`.
///
/// ```
/// use scrip_core::amount::Credits;
/// let price: Credits = "4.5".parse().unwrap();
/// assert_eq!(price.millionths(), 4_500_000);
/// assert_eq!((price + price).to_string(), "9");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credits(i64);

/// A total over many accounts: wider than any single amount (R1).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Total(i128);

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a decimal number.
    #[error("not a decimal number")]
    Malformed,
    /// Finer than a millionth.
    #[error("more than 6 decimals")]
    TooFine,
    /// Beyond ±8,000,000,000.
    #[error("beyond 8,000,000,000 credits")]
    TooLarge,
}

impl Credits {
    /// No credits.
    pub const ZERO: Credits = Credits(0);
    /// The largest amount there is: 8,000,000,000 credits, exact in a double as well (R1).
    pub const MAX: Credits = Credits(8_000_000_000 * MILLIONTHS);

    /// `credits` whole credits.
    pub const fn whole(credits: i64) -> Credits {
        Credits(credits * MILLIONTHS)
    }

    /// From a count of millionths; the count is not checked against [`Credits::MAX`].
    pub const fn from_millionths(millionths: i64) -> Credits {
        Credits(millionths)
    }

    /// The count of millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// Whether this is exactly nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether this is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether this is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether an account or an amount may be this large (R1).
    pub const fn within_limit(self) -> bool {
        self.0 <= Self::MAX.0 && self.0 >= -Self::MAX.0
    }

    /// The larger of this and nothing.
    pub fn or_zero(self) -> Credits {
        self.max(Credits::ZERO)
    }

    /// Reads an amount exactly from its text: `25`, `4.5`, `2.5e1`; at most 6 decimals (R1).
    pub fn parse(text: &str) -> Result<Credits, AmountError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let exponent = match exponent.strip_prefix('+') {
                    Some(rest) if rest.starts_with(['+', '-']) => return Err(AmountError::Malformed),
                    Some(rest) => rest,
                    None => exponent,
                };
                let parsed = exponent.parse::<i32>().map_err(|_| AmountError::Malformed)?;
                (mantissa, parsed.clamp(-1_000_000, 1_000_000))
            }
            None => (digits, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return Err(AmountError::Malformed),
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        if whole.is_empty() || !mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(AmountError::Malformed);
        }
        if fraction.contains('.') {
            return Err(AmountError::Malformed);
        }
        let digits: String = [whole, fraction].concat();
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Ok(Credits::ZERO);
        }
        // The value is `significant` followed by `shift` zeros (or that many places back), in millionths.
        let trailing =
            i64::try_from(digits.len() - digits.trim_end_matches('0').len()).map_err(|_| AmountError::TooLarge)?;
        let places = i64::try_from(fraction.len()).map_err(|_| AmountError::TooFine)?;
        let shift = trailing - places + i64::from(exponent) + 6;
        let shift = u32::try_from(shift).map_err(|_| AmountError::TooFine)?;
        if significant.len() > 16 || shift > 16 {
            return Err(AmountError::TooLarge);
        }
        let value = significant.parse::<i64>().map_err(|_| AmountError::TooLarge)?;
        let value = 10_i64
            .checked_pow(shift)
            .and_then(|scale| value.checked_mul(scale))
            .map(|value| Credits(if negative { -value } else { value }))
            .ok_or(AmountError::TooLarge)?;
        if value.within_limit() { Ok(value) } else { Err(AmountError::TooLarge) }
    }
}

impl std::str::FromStr for Credits {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Credits, AmountError> {
        Credits::parse(text)
    }
}

fn write_millionths(f: &mut fmt::Formatter<'_>, value: i128) -> fmt::Result {
    let scale = u128::from(MILLIONTHS.unsigned_abs());
    let (whole, fraction) = (value.unsigned_abs() / scale, value.unsigned_abs() % scale);
    let sign = if value < 0 { "-" } else { "" };
    if fraction == 0 {
        return write!(f, "{sign}{whole}");
    }
    let digits = format!("{fraction:06}");
    write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_millionths(f, i128::from(self.0))
    }
}

impl fmt::Debug for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Add for Credits {
    type Output = Credits;
    fn add(self, other: Credits) -> Credits {
        Credits(self.0 + other.0)
    }
}

impl Sub for Credits {
    type Output = Credits;
    fn sub(self, other: Credits) -> Credits {
        Credits(self.0 - other.0)
    }
}

impl Neg for Credits {
    type Output = Credits;
    fn neg(self) -> Credits {
        Credits(-self.0)
    }
}

impl AddAssign for Credits {
    fn add_assign(&mut self, other: Credits) {
        self.0 += other.0;
    }
}

impl SubAssign for Credits {
    fn sub_assign(&mut self, other: Credits) {
        self.0 -= other.0;
    }
}

impl Sum for Credits {
    fn sum<I: Iterator<Item = Credits>>(amounts: I) -> Credits {
        amounts.fold(Credits::ZERO, Add::add)
    }
}

impl Total {
    /// Nothing.
    pub const ZERO: Total = Total(0);

    /// The count of millionths.
    pub const fn millionths(self) -> i128 {
        self.0
    }

    /// From a count of millionths.
    pub const fn from_millionths(millionths: i128) -> Total {
        Total(millionths)
    }
}

impl From<Credits> for Total {
    fn from(amount: Credits) -> Total {
        Total(i128::from(amount.0))
    }
}

impl AddAssign<Credits> for Total {
    fn add_assign(&mut self, amount: Credits) {
        self.0 += i128::from(amount.0);
    }
}

impl AddAssign for Total {
    fn add_assign(&mut self, other: Total) {
        self.0 += other.0;
    }
}

impl Add for Total {
    type Output = Total;
    fn add(self, other: Total) -> Total {
        Total(self.0 + other.0)
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_millionths(f, self.0)
    }
}

impl fmt::Debug for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_exactly() {
        for (text, millionths, shown) in [
            ("25", 25_000_000, "25"),
            ("25.0", 25_000_000, "25"),
            ("4.5", 4_500_000, "4.5"),
            ("-4.500001", -4_500_001, "-4.500001"),
            ("0.000001", 1, "0.000001"),
            ("2.5e1", 25_000_000, "25"),
            ("25e-1", 2_500_000, "2.5"),
            ("0e999999", 0, "0"),
            ("-0", 0, "0"),
            ("8000000000", 8_000_000_000_000_000, "8000000000"),
            ("1.000000000", 1_000_000, "1"),
        ] {
            let amount = Credits::parse(text).unwrap();
            assert_eq!(amount.millionths(), millionths, "{text}");
            assert_eq!(amount.to_string(), shown, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_an_amount() {
        use AmountError::*;
        for (text, error) in [
            ("", Malformed),
            ("-", Malformed),
            (".5", Malformed),
            ("5.", Malformed),
            ("1,000", Malformed),
            ("NaN", Malformed),
            ("Infinity", Malformed),
            ("1.2.3", Malformed),
            ("+1", Malformed),
            ("0x10", Malformed),
            ("1e", Malformed),
            ("1e+-2", Malformed),
            ("1e++2", Malformed),
            ("0.0000001", TooFine),
            ("1e-7", TooFine),
            ("8000000000.000001", TooLarge),
            ("1e400", TooLarge),
            ("1234567890123456789012345678901234567890", TooLarge),
        ] {
            assert_eq!(Credits::parse(text), Err(error), "{text}");
        }
    }
}
