//! The terms of a rate, put together from checked parts (R4).
//!
//! Apart so that the catalog reader knows documents and this knows the order of work: formula or
//! tiers → multipliers as written → minimum, maximum → the one rounding. It lets nothing through
//! unproved.

use crate::measure::Decimal;
use crate::rate::check::Checker;
use crate::rate::interval::Ranges;
use crate::rate::left::Counted;
use crate::rate::program::{Node, NodeId};
use crate::rate::prove::{Effort, Exactness, pieces, prove};
use crate::rate::ratio::Ratio;
use crate::rate::rounding::Rounding;
use crate::rate::{Example, Fault, Multiplier, Rate, RoundTo, Shape};

/// What a rate consists of, beside the formulas in its [`Checker`].
pub(crate) struct Terms {
    pub(crate) shape: Shape,
    pub(crate) body: NodeId,
    pub(crate) multipliers: Vec<Factor>,
    pub(crate) minimum: Option<Decimal>,
    pub(crate) maximum: Option<Decimal>,
    pub(crate) rounding: RoundingTerms,
    /// The measure that is counted in what is left, where the document names one.
    pub(crate) counted: Option<usize>,
}

/// A multiplier as written.
pub(crate) struct Factor {
    pub(crate) name: Box<str>,
    pub(crate) when: Option<NodeId>,
    pub(crate) times: NodeId,
}

/// What a document says of rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoundingTerms {
    /// Nothing: to whole credits, half away from zero, unless a formula rounds by itself (R2, R4).
    Unsaid,
    /// Not at all.
    Exact,
    /// By name.
    Named(RoundTo),
}

/// Puts a rate together and proves it.
pub(crate) fn assemble(mut checker: Checker, terms: Terms, effort: &mut Effort) -> Result<Rate, Fault> {
    let rounding = match terms.rounding {
        RoundingTerms::Exact => None,
        RoundingTerms::Named(_) if checker.rounds_inside() => {
            let origin = checker.origin(terms.body).clone();
            let message = "a formula may round inside only where the rate names no rounding: leave out round, or let \
                           the rate alone round";
            return Err(Fault { source: origin.source, ..Fault::new(origin.at, message.to_owned()) });
        }
        RoundingTerms::Named(named) => Some(named),
        RoundingTerms::Unsaid if checker.rounds_inside() => None,
        RoundingTerms::Unsaid => Some(RoundTo { rounding: Rounding::HalfAway, decimals: 0 }),
    };
    let price = stages(&mut checker, &terms, rounding)?;
    let exactness = if rounding.is_some() { Exactness::Rounded } else { Exactness::Exact };
    prove(&checker, price, exactness, effort)?;
    let counted = counted(&checker, &terms, price, effort)?;
    let multipliers = terms.multipliers.into_iter();
    let Checker { measures, program, lets, .. } = checker;
    Ok(Rate {
        measures,
        program,
        lets,
        shape: terms.shape,
        body: terms.body,
        multipliers: multipliers.map(|Factor { name, when, times }| Multiplier { name, when, times }).collect(),
        minimum: terms.minimum,
        maximum: terms.maximum,
        rounding,
        price,
        counted,
        examples: Vec::new(),
    })
}

/// The order of work after the body (R4).
fn stages(checker: &mut Checker, terms: &Terms, rounding: Option<RoundTo>) -> Result<NodeId, Fault> {
    let mut price = terms.body;
    for factor in &terms.multipliers {
        let times = match factor.when {
            Some(condition) => {
                let one = checker.push_beside(Node::Number(Ratio::ONE), factor.times)?;
                checker.push_beside(Node::If { condition, yes: factor.times, no: one }, factor.times)?
            }
            None => factor.times,
        };
        price = checker.push_beside(Node::Multiply(price, times), price)?;
    }
    if let Some(minimum) = terms.minimum {
        let minimum = checker.push_beside(Node::Number(Ratio::from(minimum)), price)?;
        price = checker.push_beside(Node::Max(price, minimum), price)?;
    }
    if let Some(maximum) = terms.maximum {
        let maximum = checker.push_beside(Node::Number(Ratio::from(maximum)), price)?;
        price = checker.push_beside(Node::Min(price, maximum), price)?;
    }
    match rounding {
        Some(RoundTo { rounding, decimals }) => {
            checker.push_beside(Node::Round { of: price, rounding, places: decimals }, price)
        }
        None => Ok(price),
    }
}

/// The measure to count in what is left: the one that is named; else the only one that must be given; else runs.
fn counted(checker: &Checker, terms: &Terms, price: NodeId, effort: &mut Effort) -> Result<Counted, Fault> {
    let must_be_given = |place: &usize| checker.measures[*place].default.is_none();
    let all = 0..checker.measures.len();
    let place = match terms.counted {
        Some(place) => place,
        None => match all.clone().filter(must_be_given).collect::<Vec<_>>()[..] {
            [] => return Ok(Counted::Runs),
            [place] if checker.measures[place].is_number() => place,
            [..] => return Ok(Counted::Nothing),
        },
    };
    if all.filter(must_be_given).any(|other| other != place) {
        return Ok(Counted::Nothing);
    }
    let ranges: Option<Ranges> = checker
        .measures
        .iter()
        .enumerate()
        .map(|(other, measure)| if other == place { Some(measure.range()) } else { measure.default_place() })
        .collect();
    let Some(ranges) = ranges else { return Ok(Counted::Nothing) };
    match pieces(checker, price, place, &ranges, effort) {
        Some(pieces) => Ok(Counted::Measure { place, pieces }),
        None => {
            let origin = checker.origin(terms.body).clone();
            let id = &checker.measures[place].id;
            let message = format!(
                "the price rises and falls too often as {id} grows, so what is left could not be shown; narrow the \
                 bounds of {id} or make the formula smoother"
            );
            Err(Fault { source: origin.source, ..Fault::new(origin.at, message) })
        }
    }
}

/// Keeps the examples that were run.
pub(crate) fn with_examples(rate: Rate, examples: Vec<Example>) -> Rate {
    Rate { examples, ..rate }
}
