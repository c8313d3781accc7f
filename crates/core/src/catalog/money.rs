//! Prices in money, read exactly: "19.99 EUR".
//!
//! Apart because only here the decimals of currencies are known. Nothing is rounded: an amount
//! that the currency cannot express is refused.

use crate::catalog::document::{Item, Source};
use crate::catalog::{CatalogError, Price, fields};
use crate::measure::Decimal;

/// The currencies of ISO 4217 with two decimals.
const TWO_DECIMALS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN \
    BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL \
    HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR \
    MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE \
    SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG";
/// Those without.
const NO_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
/// Those with three.
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";

/// How many decimals a currency has; `None` when there is no such currency.
pub fn currency_decimals(currency: &str) -> Option<u8> {
    let among = |list: &str| list.split_whitespace().any(|known| known == currency);
    match () {
        () if among(TWO_DECIMALS) => Some(2),
        () if among(NO_DECIMALS) => Some(0),
        () if among(THREE_DECIMALS) => Some(3),
        () => None,
    }
}

/// Reads a price.
pub(super) fn read(source: Source<'_>, item: &Item) -> Result<Price, CatalogError> {
    let text = fields::text(source, item, "price, as in \"19.99 EUR\"")?;
    parse(text).map_err(|message| source.error(item.at.start, message))
}

fn parse(text: &str) -> Result<Price, String> {
    let expected = || format!("expected a price such as \"19.99 EUR\", found {text:?}");
    let (amount, currency) = text.split_once(' ').ok_or_else(expected)?;
    let amount = Decimal::parse(amount).map_err(|_| expected())?;
    let decimals = currency_decimals(currency).ok_or_else(|| format!("{currency:?} is not a currency of ISO 4217"))?;
    if amount.scale() > decimals {
        return Err(format!("{currency} has {decimals} decimals, found {amount}"));
    }
    let minor = amount.mantissa().checked_mul(crate::rate::ratio::power_of_ten(decimals - amount.scale()));
    match minor.and_then(|minor| i64::try_from(minor).ok()) {
        Some(amount) if (0..=1_000_000_000_000).contains(&amount) => Ok(Price { amount, currency: currency.into() }),
        Some(_) | None => Err(expected()),
    }
}

impl std::fmt::Display for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let decimals = currency_decimals(&self.currency).unwrap_or(0);
        let width = usize::from(decimals);
        let digits = format!("{:0>width$}", self.amount, width = width + 1);
        let (whole, fraction) = digits.split_at(digits.len() - width);
        let point = if width == 0 { "" } else { "." };
        write!(f, "{whole}{point}{fraction} {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact_in_the_minor_unit() {
        for (text, amount, shown) in [
            ("19.99 EUR", 1_999, "19.99 EUR"),
            ("19 USD", 1_900, "19.00 USD"),
            ("0.5 USD", 50, "0.50 USD"),
            ("500 JPY", 500, "500 JPY"),
            ("1.25 KWD", 1_250, "1.250 KWD"),
        ] {
            let price = parse(text).unwrap();
            assert_eq!((price.amount, price.to_string().as_str()), (amount, shown), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_prices() {
        for (text, message) in [
            ("19.999 EUR", "EUR has 2 decimals, found 19.999"),
            ("1.5 JPY", "JPY has 0 decimals, found 1.5"),
            ("5 usd", "\"usd\" is not a currency of ISO 4217"),
            ("5", "expected a price such as \"19.99 EUR\", found \"5\""),
            ("-5 EUR", "expected a price such as \"19.99 EUR\", found \"-5 EUR\""),
        ] {
            assert_eq!(parse(text), Err(message.to_owned()), "{text}");
        }
    }
}
