//! Money as the provider counts it, and as everyone else does.
//!
//! Apart because only here it is known where Stripe departs from ISO 4217: a handful of currencies have another number
//! of decimals there. Nothing is rounded: what one side cannot express is refused.

use std::fmt;

/// A currency by its code of ISO 4217, in capitals.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// An amount in the currency's minor unit of ISO 4217 (cents; whole yen).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// In minor units.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// An amount or a currency that cannot be carried over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three letters.
    #[error("a currency is three letters, as in EUR")]
    NotACurrency,
    /// The other side's unit is coarser, or the number too large.
    #[error("{minor} minor units of {currency} cannot be expressed on the other side")]
    NotExpressible {
        /// The amount.
        minor: i64,
        /// Its currency.
        currency: Currency,
    },
}

/// How a currency's unit there relates to ISO's.
enum Unit {
    Same,
    /// There, a unit is a hundredth of ISO's.
    Finer,
    /// There, a unit is a hundred of ISO's.
    Coarser,
    /// The same unit, but the last digit must be zero.
    Tens,
}

impl Currency {
    /// Reads a code in any case.
    ///
    /// # Errors
    /// [`MoneyError::NotACurrency`].
    pub fn parse(text: &str) -> Result<Currency, MoneyError> {
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| MoneyError::NotACurrency)?;
        if !letters.iter().all(u8::is_ascii_alphabetic) {
            return Err(MoneyError::NotACurrency);
        }
        Ok(Currency(letters.map(|letter| letter.to_ascii_uppercase())))
    }

    /// The code in capitals, as ISO 4217 writes it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three letters of ASCII")
    }

    fn unit(&self) -> Unit {
        match self.as_str() {
            // Without decimals in ISO 4217; with two there, for history's sake.
            "ISK" | "UGX" => Unit::Finer,
            // With two in ISO 4217; without there.
            "MGA" => Unit::Coarser,
            "BHD" | "JOD" | "KWD" | "OMR" | "TND" => Unit::Tens,
            _ => Unit::Same,
        }
    }
}

impl Money {
    /// The amount as the provider counts it.
    ///
    /// # Errors
    /// [`MoneyError::NotExpressible`].
    pub(crate) fn to_provider(&self) -> Result<i64, MoneyError> {
        let found = match self.currency.unit() {
            Unit::Same => Some(self.minor),
            Unit::Finer => self.minor.checked_mul(100),
            Unit::Coarser => (self.minor % 100 == 0).then_some(self.minor / 100),
            Unit::Tens => (self.minor % 10 == 0).then_some(self.minor),
        };
        found.ok_or_else(|| self.not_expressible())
    }

    /// An amount that the provider counted.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub(crate) fn of_provider(amount: i64, currency: &str) -> Result<Money, MoneyError> {
        let given = Money { minor: amount, currency: Currency::parse(currency)? };
        let minor = match given.currency.unit() {
            Unit::Same | Unit::Tens => Some(amount),
            Unit::Finer => (amount % 100 == 0).then_some(amount / 100),
            Unit::Coarser => amount.checked_mul(100),
        };
        match minor {
            Some(minor) => Ok(Money { minor, ..given }),
            None => Err(given.not_expressible()),
        }
    }

    fn not_expressible(&self) -> MoneyError {
        MoneyError::NotExpressible { minor: self.minor, currency: self.currency.clone() }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_differ_for_some_currencies() {
        for (minor, currency, there) in [
            (1_999, "EUR", 1_999),
            (500, "JPY", 500),
            (500, "ISK", 50_000),
            (500, "UGX", 50_000),
            (50_000, "MGA", 500),
            (1_250, "KWD", 1_250),
        ] {
            let money = Money { minor, currency: Currency::parse(currency).unwrap() };
            assert_eq!(money.to_provider(), Ok(there), "{currency}");
            assert_eq!(Money::of_provider(there, &currency.to_lowercase()), Ok(money), "{currency}");
        }
    }

    #[test]
    fn what_cannot_be_expressed_is_refused() {
        for (minor, currency) in [(1_251, "KWD"), (50_001, "MGA"), (i64::MAX, "ISK")] {
            let money = Money { minor, currency: Currency::parse(currency).unwrap() };
            assert!(money.to_provider().is_err(), "{currency}");
        }
        assert!(Money::of_provider(50_001, "isk").is_err());
        for text in ["", "eu", "euro", "E1R", "€"] {
            assert_eq!(Currency::parse(text), Err(MoneyError::NotACurrency), "{text}");
        }
    }
}
