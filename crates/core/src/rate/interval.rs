//! Bounds of every number in a rate over a box of inputs (R5).
//!
//! Interval arithmetic with exact ends, and beside each interval what its denominators can be, so
//! that also the *digits* of exact arithmetic are proved to suffice; and in which direction the
//! number moves as one chosen measure grows (for R10). Apart from `prove`, which decides what to
//! look at. It may say too much, never too little.

use crate::measure::Decimal;
use crate::rate::domain::{Declared, Values};
use crate::rate::program::{Node, NodeId, Program};
use crate::rate::ratio::{Ratio, common_divisor};
use crate::rate::tiers::TierKind;

/// For each measure the first and last place of its values (see [`Declared::range`]), both included.
pub(crate) type Ranges = Vec<(i128, i128)>;

/// What is known of a number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) lo: Ratio,
    pub(crate) hi: Ratio,
    pub(crate) digits: Digits,
    pub(crate) trend: Trend,
}

/// What is known of a number's denominator in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digits {
    /// It divides this.
    Divides(u128),
    /// It is at most this.
    AtMost(u128),
}

/// How a number moves as the chosen measure grows and the others stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trend {
    Still,
    NeverFalls,
    NeverRises,
    Unknown,
}

/// What could go wrong, and at which node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) node: NodeId,
    pub(crate) kind: ProblemKind,
}

/// The ways in which it could go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// The divisor can be zero.
    DivisionByZero,
    /// More digits than exact arithmetic has here.
    TooManyDigits,
    /// Tiers of a quantity that can be negative.
    NegativeQuantity,
}

/// Numerators and denominators stay below this: two bits of room in 128.
const ROOM: u128 = 1 << 126;

/// One look at a program over a box.
pub(crate) struct Bounds<'a> {
    program: &'a Program,
    ranges: &'a Ranges,
    slots: Vec<Span>,
    lets: Vec<Span>,
}

/// Whether a condition can hold, and whether it can fail.
#[derive(Clone, Copy)]
struct Truth {
    yes: bool,
    no: bool,
}

impl<'a> Bounds<'a> {
    /// Looks at all `let` values of the program over a box. `along`: the measure that trends are about.
    pub(crate) fn new(
        program: &'a Program,
        measures: &[Declared],
        ranges: &'a Ranges,
        along: Option<usize>,
    ) -> Bounds<'a> {
        let span = |(place, (measure, (first, last))): (usize, (&Declared, &(i128, i128)))| {
            // Ends lie on the grid of bounds that were checked when the measure was declared.
            let (lo, hi) = measure.at(*first).zip(measure.at(*last)).expect("places of a declared measure");
            let digits = Digits::of_measure(measure);
            let trend = if along == Some(place) && first != last { Trend::NeverFalls } else { Trend::Still };
            Span { lo, hi, digits, trend }
        };
        let slots = measures.iter().zip(ranges).enumerate().map(span).collect();
        Bounds { program, ranges, slots, lets: Vec::new() }
    }

    /// Bounds of all `let` values; to be called once, before [`Bounds::number`].
    pub(crate) fn lets(&mut self) -> Result<(), Problem> {
        for value in self.program.lets() {
            let span = self.number(*value)?;
            self.lets.push(span);
        }
        Ok(())
    }

    /// Bounds of a number.
    pub(crate) fn number(&mut self, id: NodeId) -> Result<Span, Problem> {
        let too_many = Problem { node: id, kind: ProblemKind::TooManyDigits };
        match self.program.node(id) {
            Node::Number(value) => Ok(Span::exactly(value)),
            Node::Read(slot) => Ok(match slot.kind() {
                Ok(measure) => self.slots[measure],
                Err(place) => self.lets[place],
            }),
            Node::Add(a, b) => self.number(a)?.add(self.number(b)?).ok_or(too_many),
            Node::Subtract(a, b) => {
                let (a, b) = (self.number(a)?, self.number(b)?);
                b.negative().and_then(|b| a.add(b)).ok_or(too_many)
            }
            Node::Negative(a) => self.number(a)?.negative().ok_or(too_many),
            Node::Multiply(a, b) => self.number(a)?.multiply(self.number(b)?).ok_or(too_many),
            Node::Divide(a, b) => {
                let (a, b) = (self.number(a)?, self.number(b)?);
                if b.lo.signum() <= 0 && b.hi.signum() >= 0 {
                    return Err(Problem { node: id, kind: ProblemKind::DivisionByZero });
                }
                b.reciprocal().and_then(|b| a.multiply(b)).ok_or(too_many)
            }
            Node::Min(a, b) => Ok(self.number(a)?.joined(self.number(b)?, Ratio::min)),
            Node::Max(a, b) => Ok(self.number(a)?.joined(self.number(b)?, Ratio::max)),
            Node::Round { of, rounding, places } => {
                let of = self.number(of)?;
                let scale = 10_u128.pow(u32::from(places));
                let fits = of.size().and_then(|size| size.checked_mul(of.digits.most())?.checked_mul(scale));
                let ends = of.lo.rounded(rounding, places).zip(of.hi.rounded(rounding, places));
                match (fits.filter(|size| *size < ROOM), ends) {
                    (Some(_), Some((lo, hi))) => {
                        let trend = if lo == hi { Trend::Still } else { of.trend };
                        Ok(Span { lo, hi, digits: Digits::Divides(scale), trend })
                    }
                    (_, _) => Err(too_many),
                }
            }
            Node::If { condition, yes, no } => {
                let truth = self.truth(condition)?;
                match truth {
                    Truth { yes: true, no: false } => self.number(yes),
                    Truth { yes: false, no: _ } => self.number(no),
                    Truth { yes: true, no: true } => Ok(self.number(yes)?.either(self.number(no)?)),
                }
            }
            Node::Table(table) => {
                let ranges = self.ranges;
                let cells = self.program.tables[usize::from(table)].cells_within(|measure| ranges[measure]);
                cells.map(Span::exactly).reduce(Span::either).ok_or(too_many)
            }
            Node::Tiers { of, tiers } => {
                let quantity = self.number(of)?;
                if quantity.lo.signum() < 0 {
                    return Err(Problem { node: id, kind: ProblemKind::NegativeQuantity });
                }
                self.tiers(usize::from(tiers), quantity).ok_or(too_many)
            }
            // The checker puts no condition where a number stands.
            Node::Less(..) | Node::AtMost(..) | Node::Equal(..) | Node::And(..) | Node::Or(..) | Node::Not(_) => {
                Err(too_many)
            }
        }
    }

    /// Bounds of a price by bands: it is extreme at the ends of the quantity or at the ends of bands.
    fn tiers(&self, tiers: usize, quantity: Span) -> Option<Span> {
        let tiers = &self.program.tiers[tiers];
        let (first, last) = (tiers.band_of(quantity.lo), tiers.band_of(quantity.hi));
        let mut found = Span::exactly(tiers.price(quantity.lo)?).either(Span::exactly(tiers.price(quantity.hi)?));
        let (mut digits, mut begin) = (Digits::Divides(1), Digits::Divides(1));
        for (place, band) in tiers.bands().iter().enumerate().take(last + 1) {
            let end = band.up_to.map_or(Digits::Divides(1), Span::digits_of);
            let part = quantity.digits.common(begin)?.common(end)?.product(Span::digits_of(band.credits))?;
            begin = end;
            digits = digits.common(part)?.common(Span::digits_of(band.plus))?;
            if (first..last).contains(&place) {
                let (end, next) = (band.up_to?, tiers.bands()[place + 1]);
                found = found.either(Span::exactly(tiers.price(end)?));
                if tiers.kind == TierKind::Volume {
                    // Just above the end; the end itself belongs to the band before.
                    found = found.either(Span::exactly(end.mul(next.credits)?.add(next.plus)?));
                }
            }
        }
        let trend = if tiers.never_falls(first, last) { quantity.trend } else { quantity.trend.or_unknown() };
        let size = found.size()?.checked_mul(digits.most())?.checked_mul(4)?;
        (size < ROOM).then_some(Span { digits, trend, ..found })
    }

    fn truth(&mut self, id: NodeId) -> Result<Truth, Problem> {
        Ok(match self.program.node(id) {
            Node::Less(a, b) => {
                let (a, b) = (self.number(a)?, self.number(b)?);
                Truth { yes: a.lo < b.hi, no: a.hi >= b.lo }
            }
            Node::AtMost(a, b) => {
                let (a, b) = (self.number(a)?, self.number(b)?);
                Truth { yes: a.lo <= b.hi, no: a.hi > b.lo }
            }
            Node::Equal(a, b) => {
                let (a, b) = (self.number(a)?, self.number(b)?);
                let single = a.lo == a.hi && b.lo == b.hi;
                Truth { yes: a.lo <= b.hi && b.lo <= a.hi, no: !(single && a.lo == b.lo) }
            }
            // The second part is looked at only where evaluation could reach it.
            Node::And(a, b) => match self.truth(a)? {
                Truth { yes: false, .. } => Truth { yes: false, no: true },
                a @ Truth { yes: true, .. } => {
                    let b = self.truth(b)?;
                    Truth { yes: b.yes, no: a.no || b.no }
                }
            },
            Node::Or(a, b) => match self.truth(a)? {
                Truth { no: false, .. } => Truth { yes: true, no: false },
                a @ Truth { no: true, .. } => {
                    let b = self.truth(b)?;
                    Truth { yes: a.yes || b.yes, no: b.no }
                }
            },
            Node::Not(a) => {
                let a = self.truth(a)?;
                Truth { yes: a.no, no: a.yes }
            }
            // The checker puts no number where a condition stands.
            Node::Number(_)
            | Node::Read(_)
            | Node::Add(..)
            | Node::Subtract(..)
            | Node::Multiply(..)
            | Node::Divide(..)
            | Node::Negative(_)
            | Node::Min(..)
            | Node::Max(..)
            | Node::Round { .. }
            | Node::If { .. }
            | Node::Table(_)
            | Node::Tiers { .. } => Truth { yes: true, no: true },
        })
    }
}

impl Span {
    fn exactly(value: Ratio) -> Span {
        let value = value.reduced();
        Span { lo: value, hi: value, digits: Span::digits_of(value), trend: Trend::Still }
    }

    fn digits_of(value: Ratio) -> Digits {
        Digits::Divides(value.reduced().denominator().unsigned_abs())
    }

    /// The largest size of the number, rounded up to a whole one.
    fn size(self) -> Option<u128> {
        let up = |end: Ratio| (end.numerator().unsigned_abs() / end.denominator().unsigned_abs()).checked_add(1);
        Some(up(self.lo)?.max(up(self.hi)?))
    }

    fn add(self, other: Span) -> Option<Span> {
        let digits = self.digits.common(other.digits)?;
        let size = self.size()?.checked_add(other.size()?)?.checked_mul(digits.most())?;
        (size < ROOM).then_some(())?;
        let (lo, hi) = (self.lo.add(other.lo)?.reduced(), self.hi.add(other.hi)?.reduced());
        Some(Span { lo, hi, digits, trend: self.trend.with(other.trend) })
    }

    fn negative(self) -> Option<Span> {
        Some(Span { lo: self.hi.neg()?, hi: self.lo.neg()?, digits: self.digits, trend: self.trend.reversed() })
    }

    fn multiply(self, other: Span) -> Option<Span> {
        let digits = self.digits.product(other.digits)?;
        let size = self.size()?.checked_mul(other.size()?)?.checked_mul(digits.most())?;
        (size < ROOM).then_some(())?;
        let ends = [
            self.lo.mul(other.lo)?.reduced(),
            self.lo.mul(other.hi)?.reduced(),
            self.hi.mul(other.lo)?.reduced(),
            self.hi.mul(other.hi)?.reduced(),
        ];
        let (lo, hi) = ends.iter().fold((ends[0], ends[0]), |(lo, hi), end| (lo.min(*end), hi.max(*end)));
        let trend = self.moved_by(other.trend).with(other.moved_by(self.trend));
        Some(Span { lo, hi, digits, trend })
    }

    /// How a product with this moves when the other factor moves.
    fn moved_by(self, other: Trend) -> Trend {
        if self.lo.signum() >= 0 {
            other
        } else if self.hi.signum() <= 0 {
            other.reversed()
        } else {
            other.or_unknown()
        }
    }

    /// One divided by this, which is never zero.
    fn reciprocal(self) -> Option<Span> {
        let (lo, hi) = (Ratio::ONE.div(self.hi)?.reduced(), Ratio::ONE.div(self.lo)?.reduced());
        let digits = if self.lo == self.hi {
            Span::digits_of(lo)
        } else {
            Digits::AtMost(self.size()?.checked_mul(self.digits.most())?)
        };
        Some(Span { lo, hi, digits, trend: self.trend.reversed() })
    }

    /// The smaller or larger of the two.
    fn joined(self, other: Span, choose: fn(Ratio, Ratio) -> Ratio) -> Span {
        let (lo, hi) = (choose(self.lo, other.lo), choose(self.hi, other.hi));
        let trend = if lo == hi { Trend::Still } else { self.trend.with(other.trend) };
        Span { lo, hi, digits: self.digits.either(other.digits), trend }
    }

    /// One of the two, not known which.
    fn either(self, other: Span) -> Span {
        let same = self.lo == self.hi && other.lo == other.hi && self.lo == other.lo;
        let trend = if same { Trend::Still } else { Trend::Unknown };
        let (lo, hi) = (self.lo.min(other.lo), self.hi.max(other.hi));
        Span { lo, hi, digits: self.digits.either(other.digits), trend }
    }
}

impl Digits {
    fn of_measure(measure: &Declared) -> Digits {
        let of = |value: &Decimal| Span::digits_of(Ratio::from(*value));
        match &measure.values {
            Values::Quantity(quantity) => of(&quantity.grid()),
            Values::Numbers(allowed) => allowed.iter().map(of).reduce(Digits::either).unwrap_or(Digits::Divides(1)),
            Values::Words(_) => Digits::Divides(1),
        }
    }

    /// The largest denominator.
    pub(crate) const fn most(self) -> u128 {
        match self {
            Digits::Divides(most) | Digits::AtMost(most) => most,
        }
    }

    /// The denominators of sums.
    fn common(self, other: Digits) -> Option<Digits> {
        match (self, other) {
            (Digits::Divides(a), Digits::Divides(b)) => (a / common_divisor(a, b)).checked_mul(b).map(Digits::Divides),
            (a, b) => a.most().checked_mul(b.most()).map(Digits::AtMost),
        }
    }

    /// The denominators of products.
    fn product(self, other: Digits) -> Option<Digits> {
        let most = self.most().checked_mul(other.most())?;
        Some(match (self, other) {
            (Digits::Divides(_), Digits::Divides(_)) => Digits::Divides(most),
            (_, _) => Digits::AtMost(most),
        })
    }

    /// The denominators of either; a common multiple that does not fit is not needed.
    fn either(self, other: Digits) -> Digits {
        match (self, other) {
            (Digits::Divides(_), Digits::Divides(_)) => {
                self.common(other).unwrap_or(Digits::AtMost(self.most().max(other.most())))
            }
            (a, b) => Digits::AtMost(a.most().max(b.most())),
        }
    }
}

impl Trend {
    fn reversed(self) -> Trend {
        match self {
            Trend::NeverFalls => Trend::NeverRises,
            Trend::NeverRises => Trend::NeverFalls,
            Trend::Still => Trend::Still,
            Trend::Unknown => Trend::Unknown,
        }
    }

    /// Of a sum, a minimum or a maximum.
    fn with(self, other: Trend) -> Trend {
        match (self, other) {
            (Trend::Still, trend) | (trend, Trend::Still) => trend,
            (Trend::NeverFalls, Trend::NeverFalls) => Trend::NeverFalls,
            (Trend::NeverRises, Trend::NeverRises) => Trend::NeverRises,
            (Trend::NeverFalls | Trend::NeverRises | Trend::Unknown, _) => Trend::Unknown,
        }
    }

    fn or_unknown(self) -> Trend {
        match self {
            Trend::Still => Trend::Still,
            Trend::NeverFalls | Trend::NeverRises | Trend::Unknown => Trend::Unknown,
        }
    }
}
