//! Taking credits in spend order (R11).
//!
//! It is apart so that holds, charges, late settles and debts all take alike. It changes nothing:
//! it says what would be taken.

use crate::amount::Credits;
use crate::hold::LotPart;
use crate::lot::Lot;

/// Which lots give `credits`, in spend order; less than asked when less is available.
///
/// `lots` are in spend order already, as [`crate::account::Account::lots`] are.
pub(crate) fn take(lots: &[Lot], credits: Credits) -> Vec<LotPart> {
    let mut left = credits;
    let mut parts = Vec::with_capacity(1);
    for lot in lots {
        if left.is_zero() {
            break;
        }
        let part = lot.available().min(left);
        if part.is_positive() {
            parts.push(LotPart { lot: lot.id, class: lot.class, credits: part });
            left -= part;
        }
    }
    parts
}

/// The sum of parts.
pub(crate) fn sum(parts: &[LotPart]) -> Credits {
    parts.iter().map(|part| part.credits).sum()
}
