//! Ids as callers write them.
//!
//! Each is read in two steps: a text of the wrong alphabet is no id at all (400, naming the field);
//! one of the right alphabet that scrip never gives out is an id that nothing has (404, in its place
//! in the order of refusals).

use scrip_core::id::{AccountId, ChargeId, HoldRef, LotId, OrderId};
use scrip_core::rejection::Rejection;

use crate::unfit::InvalidField;

/// Reads the id of a hold. The outer error is a text of the wrong alphabet, the inner one an id that no hold has.
pub fn hold_ref(text: &str) -> Result<Result<HoldRef, Rejection>, InvalidField> {
    match HoldRef::parse(text) {
        Ok(hold) => Ok(Ok(hold)),
        Err(_) if AccountId::parse(text).is_ok() => Ok(Err(Rejection::HoldNotFound)),
        Err(error) => Err(InvalidField::new("hold", error.expected)),
    }
}

/// Reads the id of a charge, as [`hold_ref`] does.
pub fn charge_id(text: &str) -> Result<Result<ChargeId, Rejection>, InvalidField> {
    match ChargeId::parse(text) {
        Some(charge) => Ok(Ok(charge)),
        None => derived("charge", text, Rejection::ChargeNotFound),
    }
}

/// Reads the id of a lot, as [`hold_ref`] does.
pub fn lot_id(text: &str) -> Result<Result<LotId, Rejection>, InvalidField> {
    match LotId::parse(text) {
        Some(lot) => Ok(Ok(lot)),
        None => derived("lot", text, Rejection::LotNotFound),
    }
}

/// Reads the id of an order, as [`hold_ref`] does.
pub fn order_id(text: &str) -> Result<Result<OrderId, Rejection>, InvalidField> {
    match OrderId::parse(text) {
        Some(order) => Ok(Ok(order)),
        None => derived("order", text, Rejection::OrderNotFound),
    }
}

/// A text that is no id of ours: of the right alphabet, nothing has it; otherwise it is no id at all.
fn derived<T>(field: &str, text: &str, missing: Rejection) -> Result<Result<T, Rejection>, InvalidField> {
    match AccountId::parse(text) {
        Ok(_) => Ok(Err(missing)),
        Err(error) => Err(InvalidField::new(field, error.expected)),
    }
}
