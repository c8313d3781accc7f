//! What credits buy: seconds left, and its like for other units (R10).
//!
//! Apart because it searches, where everything else computes. It must never show a quantity that
//! the price function would refuse, so it asks that very function.

use crate::amount::Credits;
use crate::measure::Decimal;
use crate::quote::Left;
use crate::rate::Rate;
use crate::rate::program::Slots;
use crate::rate::prove::{Piece, Rises};

/// What is counted of a rate.
#[derive(Clone, Debug)]
pub(crate) enum Counted {
    /// A measure, by its place, with the pieces of its range in which the price moves in one direction only; the
    /// others take their defaults.
    Measure { place: usize, pieces: Vec<Piece> },
    /// How often the job could be run: there is no measure to count.
    Runs,
    /// Nothing: a measure without a default stands in the way.
    Nothing,
}

pub(super) fn left(rate: &Rate, available: Credits) -> Option<Left> {
    match &rate.counted {
        Counted::Nothing => None,
        Counted::Runs => runs(rate, available),
        Counted::Measure { place, pieces } => Some(quantity(rate, *place, pieces, available)),
    }
}

/// How often a price that never changes fits; `None` when it is nothing, as there is no end to that.
fn runs(rate: &Rate, available: Credits) -> Option<Left> {
    let price = rate.price_of(&mut defaults(rate)?);
    if !price.is_positive() {
        return None;
    }
    let quantity = available.or_zero().millionths() / price.millionths();
    Some(Left { quantity: Decimal::whole(quantity), unit: "runs".into(), at_limit: false })
}

fn quantity(rate: &Rate, place: usize, pieces: &[Piece], available: Credits) -> Left {
    let measure = &rate.measures[place];
    let unit = measure.unit.as_ref().map_or(measure.id.as_str(), |unit| &unit.many).into();
    let mut best = None;
    let mut at_limit = !available.is_negative();
    for piece in pieces {
        let reached = if available.is_negative() { None } else { within(rate, place, *piece, available) };
        best = reached.or(best);
        if reached != Some(piece.last) {
            at_limit = false;
            break;
        }
    }
    let quantity = best.and_then(|at| measure.at(at)).and_then(|quantity| quantity.as_decimal(6));
    Left { quantity: quantity.unwrap_or(Decimal::whole(0)), unit, at_limit }
}

/// The last place of a piece up to which everything in it is affordable; `None` when nothing is.
fn within(rate: &Rate, place: usize, piece: Piece, available: Credits) -> Option<i128> {
    let affordable = |at: i128| price_at(rate, place, at).is_some_and(|price| price <= available);
    if !affordable(piece.first) {
        return None;
    }
    match piece.rises {
        Rises::NeverRises => Some(piece.last),
        Rises::NeverFalls if affordable(piece.last) => Some(piece.last),
        Rises::NeverFalls => {
            // `low` is affordable, `high` is not.
            let (mut low, mut high) = (piece.first, piece.last);
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if affordable(middle) { low = middle } else { high = middle }
            }
            Some(low)
        }
    }
}

fn price_at(rate: &Rate, place: usize, at: i128) -> Option<Credits> {
    let mut slots = Slots::new();
    for (other, measure) in rate.measures.iter().enumerate() {
        let value = if other == place { measure.at(at)? } else { measure.seen(None).ok()? };
        slots.put_measure(other, value);
    }
    Some(rate.price_of(&mut slots))
}

fn defaults(rate: &Rate) -> Option<Slots> {
    rate.seen(&crate::measure::Measures::none()).ok()
}
