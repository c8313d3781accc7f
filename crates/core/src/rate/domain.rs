//! Declared measures: what a rate accepts, and what its formula then sees (R4, R8).
//!
//! Apart because it is the only door to a rate: past it every value lies on the measure's grid and
//! within its bounds, which is what the proof at publication stands on. It never guesses.

use crate::id::MeasureId;
use crate::measure::{Decimal, MeasureValue};
use crate::rate::ratio::{Ratio, power_of_ten};
use crate::rate::rounding::Rounding;
use crate::rate::unit::Unit;
use crate::rejection::Rejection;

/// A measure as a rate declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub id: MeasureId,
    /// What it counts, where the catalog says.
    pub unit: Option<Unit>,
    /// What it is when it is not given; `None`: it must be given.
    pub default: Option<MeasureValue>,
    /// What it may be.
    pub values: Values,
}

/// What a measure may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Any number of a grid within bounds.
    Quantity(Quantity),
    /// One of these numbers, smallest first.
    Numbers(Vec<Decimal>),
    /// One of these words.
    Words(Vec<Box<str>>),
}

/// Bounds and grid of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// The least that is accepted.
    pub min: Decimal,
    /// The most that is accepted; on the grid.
    pub max: Decimal,
    /// How many decimals it has. A finer value is rounded up with a step and refused without one.
    pub decimals: u8,
    /// Rounded up to a multiple of this.
    pub step: Option<Decimal>,
    /// Raised to this, after the step; on the grid.
    pub min_quantity: Option<Decimal>,
}

/// The largest bound of a measure, either side of zero: leaves room for the digits of any formula.
pub(crate) const BOUND_MAX: i64 = 1_000_000_000_000;

impl Quantity {
    /// The distance between two neighbouring values that a formula can see.
    pub fn grid(&self) -> Decimal {
        self.step.unwrap_or(Decimal::new(1, self.decimals))
    }

    /// The first and last multiple of the grid that a formula can see; empty when the first is the larger.
    pub(crate) fn grid_bounds(&self) -> (i128, i128) {
        let grid = Ratio::from(self.grid());
        let least = match self.min_quantity {
            Some(quantity) => Ratio::from(quantity).max(Ratio::from(self.min)),
            None => Ratio::from(self.min),
        };
        // Bounds are at most 10^12 with 6 decimals, so these divisions always fit.
        let multiple = |value: Ratio, rounding| {
            value.div(grid).and_then(|quotient| quotient.rounded_to_whole(rounding)).expect("bounds are small")
        };
        (multiple(least, Rounding::Ceil), multiple(Ratio::from(self.max), Rounding::Floor))
    }

    /// What the formula sees of an accepted value: `step`, then `min_quantity` (R4).
    fn seen(&self, given: Decimal) -> Ratio {
        let value = Ratio::from(given);
        let stepped = match self.step {
            // An accepted value is at most 10^12 with 18 decimals; the product with the step's 6 decimals fits.
            Some(step) if !is_multiple(given, step) => {
                let step = Ratio::from(step);
                let times = value.div(step).and_then(|times| times.rounded_to_whole(Rounding::Ceil));
                let stepped = times.and_then(|times| Ratio::new(times, 1)).and_then(|times| times.mul(step));
                stepped.expect("bounds are small")
            }
            Some(_) | None => value,
        };
        match self.min_quantity {
            Some(least) => stepped.max(Ratio::from(least)),
            None => stepped,
        }
    }

    /// Whether a number is a multiple of the grid.
    pub(crate) fn on_grid(&self, value: Decimal) -> bool {
        is_multiple(value, self.grid())
    }

    /// Whether a number is more than the most that is accepted.
    pub(crate) fn beyond_max(&self, value: Decimal) -> bool {
        Ratio::from(value) > Ratio::from(self.max)
    }

    fn accepts(&self, given: Decimal) -> bool {
        let fine_enough = self.step.is_some() || given.scale() <= self.decimals;
        fine_enough && Ratio::from(given) >= Ratio::from(self.min) && Ratio::from(given) <= Ratio::from(self.max)
    }
}

/// Whether `value` is a whole multiple of `step`; quick for whole numbers, which most are.
fn is_multiple(value: Decimal, step: Decimal) -> bool {
    value.scale() <= step.scale() && {
        let scaled = value.mantissa().checked_mul(power_of_ten(step.scale() - value.scale()));
        match scaled.map(|scaled| (i64::try_from(scaled), i64::try_from(step.mantissa()))) {
            Some((Ok(scaled), Ok(step))) => scaled % step == 0,
            Some((Ok(_) | Err(_), _)) => scaled.is_some_and(|scaled| scaled % step.mantissa() == 0),
            None => false,
        }
    }
}

impl Declared {
    /// What the formula sees of a given value: a number, or the place of a word among the allowed ones.
    pub(crate) fn seen(&self, given: Option<&MeasureValue>) -> Result<Ratio, Rejection> {
        let Some(value) = given.or(self.default.as_ref()) else { return Err(self.refusal()) };
        match (&self.values, value) {
            (Values::Quantity(quantity), MeasureValue::Number(number)) if quantity.accepts(*number) => {
                Ok(quantity.seen(*number))
            }
            (Values::Numbers(allowed), MeasureValue::Number(number)) if allowed.contains(number) => {
                Ok(Ratio::from(*number))
            }
            (Values::Words(allowed), MeasureValue::Word(word)) => {
                let place = allowed.iter().position(|other| **other == **word).and_then(|at| i64::try_from(at).ok());
                place.map(Ratio::whole).ok_or_else(|| self.refusal())
            }
            (Values::Quantity(_) | Values::Numbers(_), MeasureValue::Number(_))
            | (Values::Quantity(_) | Values::Numbers(_), MeasureValue::Word(_))
            | (Values::Words(_), MeasureValue::Number(_)) => Err(self.refusal()),
        }
    }

    fn refusal(&self) -> Rejection {
        Rejection::InvalidMeasure { measure: self.id.as_str().into(), expected: self.expected().into() }
    }

    /// What is accepted, in words: "a number from 0 to 86400", "one of 1, 2, 4".
    pub fn expected(&self) -> String {
        match &self.values {
            Values::Quantity(Quantity { min, max, decimals, step, .. }) => {
                let kind = match (decimals, step) {
                    (_, Some(_)) => "a number",
                    (0, None) => "a whole number",
                    (_, None) => "a number",
                };
                let finest = match (decimals, step) {
                    (0, None) | (_, Some(_)) => String::new(),
                    (1, None) => ", with at most 1 decimal".to_owned(),
                    (decimals, None) => format!(", with at most {decimals} decimals"),
                };
                format!("{kind} from {min} to {max}{finest}")
            }
            Values::Numbers(allowed) => one_of(allowed.iter().map(Decimal::to_string)),
            Values::Words(allowed) => one_of(allowed.iter().map(|word| format!("{word:?}"))),
        }
    }

    /// How many values a formula can see, less one, counted from the first.
    pub(crate) fn range(&self) -> (i128, i128) {
        let places = |count: usize| (0, i128::try_from(count).unwrap_or(i128::MAX) - 1);
        match &self.values {
            Values::Quantity(quantity) => quantity.grid_bounds(),
            Values::Numbers(allowed) => places(allowed.len()),
            Values::Words(allowed) => places(allowed.len()),
        }
    }

    /// The value at a place of [`Declared::range`].
    pub(crate) fn at(&self, place: i128) -> Option<Ratio> {
        match &self.values {
            Values::Quantity(quantity) => Ratio::from(quantity.grid()).mul(Ratio::new(place, 1)?),
            Values::Numbers(allowed) => allowed.get(usize::try_from(place).ok()?).map(|value| Ratio::from(*value)),
            Values::Words(_) => Ratio::new(place, 1),
        }
    }

    /// Whether it is a number rather than a word.
    pub(crate) fn is_number(&self) -> bool {
        match self.values {
            Values::Quantity(_) | Values::Numbers(_) => true,
            Values::Words(_) => false,
        }
    }

    /// The place of its default in [`Declared::range`], as a range of one.
    pub(crate) fn default_place(&self) -> Option<(i128, i128)> {
        self.default.as_ref()?;
        let seen = self.seen(None).ok()?;
        let place = match &self.values {
            Values::Quantity(quantity) => seen.div(Ratio::from(quantity.grid()))?.rounded_to_whole(Rounding::Ceil)?,
            Values::Numbers(allowed) => {
                let place = allowed.iter().position(|value| Ratio::from(*value) == seen)?;
                i128::try_from(place).ok()?
            }
            Values::Words(_) => seen.numerator(),
        };
        Some((place, place))
    }

    /// A value as people read it, with its unit.
    pub(crate) fn shown(&self, seen: Ratio) -> String {
        match (&self.values, &self.unit) {
            (Values::Words(allowed), _) => {
                let place = usize::try_from(seen.numerator()).ok().and_then(|place| allowed.get(place));
                place.map_or_else(String::new, |word| word.to_string())
            }
            (Values::Quantity(_) | Values::Numbers(_), Some(unit)) => unit.shown(seen),
            (Values::Quantity(_) | Values::Numbers(_), None) => seen.to_string(),
        }
    }
}

fn one_of(values: impl Iterator<Item = String>) -> String {
    format!("one of {}", values.collect::<Vec<_>>().join(", "))
}
