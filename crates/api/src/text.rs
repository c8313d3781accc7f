//! Free texts of requests: bounded, without control characters.

use scrip_core::amount::Credits;
use scrip_core::hold::OnExcess;

use crate::number::AmountAsked;
use crate::unfit::{InvalidField, Unfit};

/// The longest name, reference or member, in characters.
const LABEL_LEN_MAX: usize = 256;
/// The longest reason, in characters.
const REASON_LEN_MAX: usize = 1_000;
/// The furthest a hold's deadline may lie ahead, in seconds: 24 h (R18).
const EXPIRES_IN_MAX: u32 = 86_400;

/// A name, reference or member: 1 to 256 characters.
pub fn label(field: &str, text: String) -> Result<Box<str>, InvalidField> {
    bounded(field, text, LABEL_LEN_MAX)
}

/// A name, reference or member that may be absent.
pub(crate) fn label_if_any(field: &str, text: Option<String>) -> Result<Option<Box<str>>, InvalidField> {
    text.map(|text| label(field, text)).transpose()
}

/// A reference that must be there: 1 to 256 characters.
pub(crate) fn reference(text: String) -> Result<Box<str>, InvalidField> {
    bounded("reference", text, LABEL_LEN_MAX)
}

/// A reason: 1 to 1,000 characters.
pub fn reason(text: String) -> Result<Box<str>, InvalidField> {
    bounded("reason", text, REASON_LEN_MAX)
}

/// A reason that may be absent.
pub(crate) fn reason_if_any(text: Option<String>) -> Result<Option<Box<str>>, InvalidField> {
    text.map(reason).transpose()
}

fn bounded(field: &str, text: String, len_max: usize) -> Result<Box<str>, InvalidField> {
    let fits = text.len() <= len_max || text.chars().count() <= len_max;
    if fits && !text.trim().is_empty() && !text.chars().any(char::is_control) {
        return Ok(text.into_boxed_str());
    }
    Err(InvalidField::new(
        field,
        format!("1 to {len_max} characters that are not all blank, none of them a control character"),
    ))
}

/// An amount that is to be more than zero.
pub(crate) fn positive(field: &str, amount: AmountAsked) -> Result<Credits, Unfit> {
    if amount.is_positive() {
        Ok(amount.credits()?)
    } else {
        Err(InvalidField::new(field, "more than 0 credits").into())
    }
}

/// An amount that is to be zero or more.
pub(crate) fn not_negative(field: &str, amount: AmountAsked) -> Result<Credits, Unfit> {
    if amount.is_negative() { Err(InvalidField::new(field, "0 credits or more").into()) } else { Ok(amount.credits()?) }
}

/// Seconds to a hold's deadline.
pub(crate) fn expires_in(seconds: u32) -> Result<u32, InvalidField> {
    if (1..=EXPIRES_IN_MAX).contains(&seconds) {
        return Ok(seconds);
    }
    Err(InvalidField::new("expires_in", format!("1 to {EXPIRES_IN_MAX} seconds")))
}

/// A policy for a price above the hold.
pub(crate) fn on_excess(word: &str) -> Result<OnExcess, InvalidField> {
    OnExcess::from_word(word).ok_or_else(|| InvalidField::new("on_excess", "cap, extend or debt"))
}
