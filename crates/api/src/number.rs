//! Amounts and quantities as JSON numbers: read from and written as their digits, never through a
//! double (R1).

use std::borrow::Cow;

use scrip_core::amount::{AmountError, Credits, MILLIONTHS, Total};
use scrip_core::measure::Decimal;
use scrip_core::rejection::Rejection;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// An amount that an answer states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount(pub Credits);

/// An amount that a request asks for. One beyond the limit is readable, and refused in its place in
/// the order of refusals (R1, R32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountAsked {
    /// At most 8,000,000,000 credits either way.
    Within(Credits),
    /// Beyond.
    Beyond,
}

/// A total over many accounts: wider than an amount (R1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WideAmount(pub Total);

/// A quantity of a measure that an answer states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity(pub Decimal);

/// What every misread amount is told.
const EXPECTED: &str = "a JSON number of credits with at most 6 decimals, such as 25 or 4.5";

impl AmountAsked {
    /// The amount, or `amount_limit`.
    pub fn credits(self) -> Result<Credits, Rejection> {
        match self {
            AmountAsked::Within(credits) => Ok(credits),
            AmountAsked::Beyond => Err(Rejection::AmountLimit),
        }
    }

    /// Whether it is less than nothing, or nothing.
    pub fn is_positive(self) -> bool {
        match self {
            AmountAsked::Within(credits) => credits.is_positive(),
            AmountAsked::Beyond => true,
        }
    }

    /// Whether it is less than nothing.
    pub fn is_negative(self) -> bool {
        match self {
            AmountAsked::Within(credits) => credits.is_negative(),
            AmountAsked::Beyond => false,
        }
    }
}

/// The digits of a JSON number; anything else, a string of digits too, is refused.
fn digits<'de, D: Deserializer<'de>>(deserializer: D, expected: &str) -> Result<&'de str, D::Error> {
    let raw = <&'de RawValue>::deserialize(deserializer)?.get();
    match raw.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => Ok(raw),
        _ => Err(D::Error::custom(format_args!("expected {expected}"))),
    }
}

impl<'de> Deserialize<'de> for AmountAsked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AmountAsked, D::Error> {
        let digits = digits(deserializer, EXPECTED)?;
        match Credits::parse(digits) {
            Ok(credits) => Ok(AmountAsked::Within(credits)),
            Err(AmountError::TooLarge) if digits.starts_with('-') => {
                Err(D::Error::custom(format_args!("expected {EXPECTED}, not a negative one")))
            }
            Err(AmountError::TooLarge) => Ok(AmountAsked::Beyond),
            Err(error @ (AmountError::Malformed | AmountError::TooFine)) => {
                Err(D::Error::custom(format_args!("{error}: expected {EXPECTED}")))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Amount, D::Error> {
        Credits::parse(digits(deserializer, EXPECTED)?).map(Amount).map_err(D::Error::custom)
    }
}

/// Writes a decimal text as a JSON number.
fn write_digits<S: Serializer>(text: String, serializer: S) -> Result<S::Ok, S::Error> {
    Number::from_string_unchecked(text).serialize(serializer)
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Most amounts are whole: those need no text of their own.
        match self.0.millionths() % MILLIONTHS {
            0 => serializer.serialize_i64(self.0.millionths() / MILLIONTHS),
            _ => write_digits(self.0.to_string(), serializer),
        }
    }
}

impl Serialize for AmountAsked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            AmountAsked::Within(credits) => Amount(*credits).serialize(serializer),
            AmountAsked::Beyond => Err(serde::ser::Error::custom("the amount is beyond 8,000,000,000 credits")),
        }
    }
}

impl Serialize for WideAmount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_digits(self.0.to_string(), serializer)
    }
}

impl<'de> Deserialize<'de> for WideAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WideAmount, D::Error> {
        let mut total = Total::ZERO;
        total += Credits::parse(digits(deserializer, EXPECTED)?).map_err(D::Error::custom)?;
        Ok(WideAmount(total))
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_digits(self.0.to_string(), serializer)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
        Decimal::parse(digits(deserializer, "a JSON number")?).map(Quantity).map_err(D::Error::custom)
    }
}

macro_rules! number_schema {
    ($name:ident, $shown:literal, $description:literal) => {
        impl PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::Number).description(Some($description)).build().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($shown)
            }
        }
    };
}

number_schema!(Amount, "Amount", "Credits, exact: a plain number with at most 6 decimals.");
number_schema!(WideAmount, "WideAmount", "A total of credits, exact; may exceed what one account can hold.");
number_schema!(Quantity, "Quantity", "A quantity of a measure, exact.");

impl PartialSchema for AmountAsked {
    fn schema() -> utoipa::openapi::RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .minimum(Some(0))
            .maximum(Some(8_000_000_000_i64))
            .description(Some("Credits, exact: a plain number, never a text, with at most 6 decimals."))
            .build()
            .into()
    }
}

impl ToSchema for AmountAsked {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("AmountAsked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_pass_the_wire_digit_by_digit() {
        for (text, shown) in [
            ("25", "25"),
            ("25.0", "25"),
            ("4.5", "4.5"),
            ("0.000001", "0.000001"),
            ("7999999999.999999", "7999999999.999999"),
            ("-4.5", "-4.5"),
        ] {
            let amount: Amount = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&amount).unwrap(), shown);
        }
    }

    #[test]
    fn other_json_is_no_amount() {
        for text in ["\"25\"", "null", "true", "[25]", "{}", "0.0000001", "{\"$serde_json::private::Number\":\"25\"}"] {
            assert!(serde_json::from_str::<AmountAsked>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_beyond_the_limit_are_told_from_nonsense() {
        for text in ["8000000000.000001", "1234567890123456789012345678901234567890", "1e400"] {
            assert_eq!(serde_json::from_str::<AmountAsked>(text).unwrap(), AmountAsked::Beyond, "{text}");
        }
        assert!(serde_json::from_str::<AmountAsked>("-1e400").is_err());
    }
}
