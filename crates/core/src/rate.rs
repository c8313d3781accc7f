//! Rates: how one tool is priced (R2–R5).
//!
//! A rate is read and proved once, when its catalog is published ([`crate::catalog::read`]); after
//! that a price is a short walk over numbers. One function, [`Rate::price`], computes every price:
//! quotes, holds, settles, what is left and the examples all come from it (R3).
//!
//! Invariants: no floats; one rounding, at the end; nothing is priced that the proof did not cover.

pub(crate) mod check;
pub mod domain;
mod interval;
mod left;
mod lexer;
mod lines;
mod parser;
pub(crate) mod program;
pub(crate) mod prove;
pub(crate) mod ratio;
pub mod rounding;
pub(crate) mod table;
pub(crate) mod terms;
pub(crate) mod tiers;
pub mod unit;

use std::ops::Range;

use crate::amount::Credits;
use crate::id::MeasureId;
use crate::measure::{Decimal, Measures};
use crate::quote::{Left, Quote};
use crate::rate::check::Let;
use crate::rate::domain::Declared;
use crate::rate::left::Counted;
use crate::rate::program::{NodeId, Program, Slots};
use crate::rate::ratio::Ratio;
use crate::rate::rounding::Rounding;
use crate::rejection::Rejection;

/// How one tool is priced: checked, proved and ready.
#[derive(Clone, Debug)]
pub struct Rate {
    measures: Vec<Declared>,
    program: Program,
    lets: Vec<Let>,
    shape: Shape,
    /// Before multipliers, bounds and rounding.
    body: NodeId,
    multipliers: Vec<Multiplier>,
    minimum: Option<Decimal>,
    maximum: Option<Decimal>,
    rounding: Option<RoundTo>,
    /// After all of them.
    price: NodeId,
    counted: Counted,
    examples: Vec<Example>,
}

/// The kinds of rates, as the document writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The same for every job.
    Flat {
        /// Per job.
        credits: Decimal,
    },
    /// So much for each unit of a measure.
    PerUnit {
        /// The measure.
        measure: MeasureId,
        /// Per unit.
        credits: Decimal,
    },
    /// A formula over measures.
    Formula {
        /// As it was written.
        text: Box<str>,
    },
}

/// The one rounding at the end (R2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTo {
    /// In which direction.
    pub rounding: Rounding,
    /// To how many decimals of a credit, 0 to 6.
    pub decimals: u8,
}

/// A factor on top of a price.
#[derive(Clone, Debug)]
struct Multiplier {
    name: Box<str>,
    /// `None`: always.
    when: Option<NodeId>,
    times: NodeId,
}

/// A price that the rate states and publication verifies (R6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The measures.
    pub given: Measures,
    /// The price.
    pub credits: Credits,
}

/// What is wrong with a formula, and where in which text of the rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Which text, counted from 0 in the order in which they were added.
    pub(crate) source: usize,
    /// In bytes of that text.
    pub(crate) at: Range<usize>,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(at: Range<usize>, message: String) -> Fault {
        Fault { source: 0, at, message }
    }
}

/// What publication proved cannot happen.
const PROVED: &str = "publication proves that every allowed input has a price";

impl Rate {
    /// The price of these measures. Allocates only to say what is wrong.
    ///
    /// # Errors
    /// [`Rejection::InvalidMeasure`] for a measure that is missing, not declared, out of range, of the wrong type or
    /// too fine (R8).
    pub fn price(&self, measures: &Measures) -> Result<Credits, Rejection> {
        let mut slots = self.seen(measures)?;
        Ok(self.price_of(&mut slots))
    }

    /// The same price with the lines that explain it (R9).
    ///
    /// # Errors
    /// As [`Rate::price`].
    pub fn quote(&self, measures: &Measures) -> Result<Quote, Rejection> {
        lines::quote(self, measures)
    }

    /// What `available` credits buy (R10): the longest quantity that, like every shorter one, [`Rate::price`] finds
    /// affordable. `None` when a measure without a default stands in the way.
    ///
    /// A rate without measures to count is counted in runs.
    pub fn left(&self, available: Credits) -> Option<Left> {
        left::left(self, available)
    }

    /// The measures that it takes, in the document's order.
    pub fn measures(&self) -> &[Declared] {
        &self.measures
    }

    /// The prices that it states.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// Which kind of rate it is.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The least that a job costs, where the rate says.
    pub fn minimum(&self) -> Option<Decimal> {
        self.minimum
    }

    /// The most that a job costs, where the rate says.
    pub fn maximum(&self) -> Option<Decimal> {
        self.maximum
    }

    /// The rounding of the price; `None`: exact as computed.
    pub fn rounding(&self) -> Option<RoundTo> {
        self.rounding
    }

    /// The price for people: "20 credits", "20 credits per second", or the formula.
    pub fn summary(&self) -> String {
        lines::summary(self)
    }

    /// What the formula sees of the measures; `let` values are not filled in yet.
    fn seen(&self, given: &Measures) -> Result<Slots, Rejection> {
        let mut slots = Slots::new();
        let mut known = 0;
        for (place, measure) in self.measures.iter().enumerate() {
            let value = given.get(measure.id.as_str());
            known += usize::from(value.is_some());
            slots.put_measure(place, measure.seen(value)?);
        }
        if known == given.len() { Ok(slots) } else { Err(self.unknown_measure(given)) }
    }

    fn unknown_measure(&self, given: &Measures) -> Rejection {
        let declared = |name: &MeasureId| self.measures.iter().any(|measure| measure.id == *name);
        let unknown = given.iter().find(|(name, _)| !declared(name)).map_or("", |(name, _)| name.as_str());
        let names: Vec<&str> = self.measures.iter().map(|measure| measure.id.as_str()).collect();
        let expected = match names.is_empty() {
            true => "no measures: the price is the same for every job".to_owned(),
            false => format!("only {}", names.join(", ")),
        };
        Rejection::InvalidMeasure { measure: unknown.into(), expected: expected.into() }
    }

    /// The price for measures in their slots; fills in the `let` values.
    fn price_of(&self, slots: &mut Slots) -> Credits {
        self.program.fill_lets(slots).expect(PROVED);
        credits(self.program.number(self.price, slots).expect(PROVED)).expect(PROVED)
    }
}

/// A number of credits that is a whole number of millionths within the limit; else `None`.
fn credits(value: Ratio) -> Option<Credits> {
    let (numerator, denominator) = (value.numerator().checked_mul(1_000_000)?, value.denominator());
    if numerator % denominator != 0 {
        return None;
    }
    let amount = Credits::from_millionths(i64::try_from(numerator / denominator).ok()?);
    amount.within_limit().then_some(amount)
}
