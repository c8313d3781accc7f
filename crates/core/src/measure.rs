//! Measures: the typed inputs of a rate, as a caller gives them (R4, R8).

use std::fmt;
use std::sync::Arc;

use crate::id::MeasureId;

/// An exact decimal as a caller wrote it: `mantissa / 10^scale`, without trailing zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

/// Why a text is not a decimal that scrip reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not a decimal number.
    #[error("not a decimal number")]
    Malformed,
    /// More than 15 digits before the point or 18 after it.
    #[error("more digits than any measure has")]
    TooLong,
}

impl Decimal {
    /// A whole number.
    pub const fn whole(value: i64) -> Decimal {
        Decimal { mantissa: value as i128, scale: 0 }
    }

    /// `mantissa / 10^scale`, made canonical.
    pub const fn new(mantissa: i128, scale: u8) -> Decimal {
        let (mut mantissa, mut scale) = (mantissa, scale);
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Decimal { mantissa, scale }
    }

    /// The digits without the point.
    pub const fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// How many of them stand after the point.
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Reads a JSON number exactly; exponents are accepted while the value fits.
    pub fn parse(text: &str) -> Result<Decimal, DecimalError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let exponent = match exponent.strip_prefix('+') {
                    Some(rest) if rest.starts_with(['+', '-']) => return Err(DecimalError::Malformed),
                    Some(rest) => rest,
                    None => exponent,
                };
                let parsed = exponent.parse::<i32>().map_err(|_| DecimalError::Malformed)?;
                (mantissa, parsed.clamp(-100_000, 100_000))
            }
            None => (digits, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return Err(DecimalError::Malformed),
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let digits_only = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits_only(whole) || !digits_only(fraction) {
            return Err(DecimalError::Malformed);
        }
        let digits: String = [whole, fraction].concat();
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Ok(Decimal::whole(0));
        }
        let trailing =
            i64::try_from(digits.len() - digits.trim_end_matches('0').len()).map_err(|_| DecimalError::TooLong)?;
        let places = i64::try_from(fraction.len()).map_err(|_| DecimalError::TooLong)?;
        // significant × 10^shift
        let shift = trailing - places + i64::from(exponent);
        let length = i64::try_from(significant.len()).map_err(|_| DecimalError::TooLong)?;
        if shift < -18 || length + shift > 15 || length > 33 {
            return Err(DecimalError::TooLong);
        }
        let value = significant.parse::<i128>().map_err(|_| DecimalError::TooLong)?;
        let value = if negative { -value } else { value };
        let size = u32::try_from(shift.unsigned_abs()).map_err(|_| DecimalError::TooLong)?;
        if shift >= 0 {
            let scale = 10_i128.checked_pow(size).ok_or(DecimalError::TooLong)?;
            Ok(Decimal::new(value.checked_mul(scale).ok_or(DecimalError::TooLong)?, 0))
        } else {
            Ok(Decimal::new(value, u8::try_from(size).map_err(|_| DecimalError::TooLong)?))
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a caller gives for one measure.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MeasureValue {
    /// A number: seconds, actions, width…
    Number(Decimal),
    /// A word: quality, model…
    Word(Arc<str>),
}

/// The measures that a caller gives for one job: by name, sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Measures(Vec<(MeasureId, MeasureValue)>);

impl Measures {
    /// No measures.
    pub const fn none() -> Measures {
        Measures(Vec::new())
    }

    /// Adds one; `false` when the name is there already.
    #[must_use]
    pub fn insert(&mut self, name: MeasureId, value: MeasureValue) -> bool {
        match self.0.binary_search_by(|(other, _)| other.cmp(&name)) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, (name, value));
                true
            }
        }
    }

    /// The value given for a name.
    pub fn get(&self, name: &str) -> Option<&MeasureValue> {
        self.0.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok().map(|place| &self.0[place].1)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &(MeasureId, MeasureValue)> {
        self.0.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        for (text, shown) in [
            ("10.4", "10.4"),
            ("10.40", "10.4"),
            ("0", "0"),
            ("-0.05", "-0.05"),
            ("1e3", "1000"),
            ("1.5e-3", "0.0015"),
            ("0.000000000000000001", "0.000000000000000001"),
            ("999999999999999", "999999999999999"),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for text in ["1e15", "1e-19", "1234567890123456789012345678901234567890", "1e999999999"] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::TooLong), "{text}");
        }
        for text in ["", "NaN", "Infinity", ".5", "5.", "1,5", "0x1", "1e", "1e+-2", "1e++2", "--1", "1e99999999999"] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::Malformed), "{text}");
        }
    }
}
