//! The proof at publication: no allowed input gives a price that is negative, too large or not computable (R5).
//!
//! Interval arithmetic over all inputs at once; where that says too much, over smaller and smaller
//! boxes of them, down to single inputs, which are exact. Apart from `interval` because it decides
//! where to look. It never lets through what it could not prove, and always ends: the number of
//! boxes is bounded.

use crate::amount::Credits;
use crate::rate::Fault;
use crate::rate::check::Checker;
use crate::rate::domain::{Declared, Values};
use crate::rate::interval::{Bounds, Digits, ProblemKind, Ranges, Span, Trend};
use crate::rate::program::{Node, NodeId};
use crate::rate::ratio::Ratio;

/// The most boxes that one proof looks at.
const BOXES_MAX: usize = 4_000;
/// The most pieces in which a price rises only or falls only.
const PIECES_MAX: usize = 2_000;

/// What is looked for in a box that cannot be let through.
struct Doubt {
    node: NodeId,
    kind: DoubtKind,
    /// The measures that splitting by may help, a bit each.
    split_by: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DoubtKind {
    Negative,
    TooLarge,
    Problem(ProblemKind),
    /// A price that is not rounded has more than 6 decimals.
    TooFine,
}

/// Proves that the price lies in 0 to 8,000,000,000 credits for all allowed inputs. `whole_millionths`: and that it is
/// a whole number of millionths without rounding.
pub(crate) fn prove(checker: &Checker, price: NodeId, exactness: Exactness) -> Result<(), Fault> {
    let all: Ranges = checker.measures.iter().map(Declared::range).collect();
    let mut first_doubt = None;
    let mut waiting = vec![all];
    let mut looked_at = 0;
    while let Some(ranges) = waiting.pop() {
        let Err(doubt) = look(checker, price, exactness, &ranges) else { continue };
        looked_at += 1;
        let Some(measure) = split(checker, &ranges, doubt.split_by) else {
            return Err(refusal(checker, &doubt, Some(&ranges)));
        };
        first_doubt.get_or_insert(doubt);
        if looked_at >= BOXES_MAX {
            break;
        }
        let (low, high) = halves(&ranges, measure);
        waiting.push(high);
        waiting.push(low);
    }
    match first_doubt {
        Some(doubt) if looked_at >= BOXES_MAX => Err(refusal(checker, &doubt, None)),
        Some(_) | None => Ok(()),
    }
}

/// Whether a price must come out in whole millionths by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exactness {
    /// The rate's rounding sees to it.
    Rounded,
    /// It is not rounded.
    Exact,
}

fn look(checker: &Checker, price: NodeId, exactness: Exactness, ranges: &Ranges) -> Result<(), Doubt> {
    let mut bounds = Bounds::new(&checker.program, &checker.measures, ranges, None);
    let found = bounds.lets().and_then(|()| bounds.number(price));
    let undecided = bounds.undecided;
    let doubt = |node, kind| Doubt { node, kind, split_by: undecided | checker.program.depends(node) };
    let span = found.map_err(|problem| doubt(problem.node, DoubtKind::Problem(problem.kind)))?;
    let limit = Ratio::new(i128::from(Credits::MAX.millionths()), 1_000_000).unwrap_or(Ratio::ZERO);
    if span.lo.signum() < 0 {
        return Err(doubt(culprit(&mut bounds, checker, price), DoubtKind::Negative));
    }
    if span.hi > limit {
        return Err(doubt(price, DoubtKind::TooLarge));
    }
    if exactness == Exactness::Exact && !in_millionths(span) {
        return Err(doubt(price, DoubtKind::TooFine));
    }
    Ok(())
}

fn in_millionths(span: Span) -> bool {
    match span.digits {
        Digits::Divides(most) => 1_000_000 % most == 0,
        Digits::AtMost(_) if span.lo == span.hi => 1_000_000 % span.lo.reduced().denominator() == 0,
        Digits::AtMost(_) => false,
    }
}

/// The deepest part that makes the whole negative.
fn culprit(bounds: &mut Bounds<'_>, checker: &Checker, from: NodeId) -> NodeId {
    let mut node = from;
    loop {
        let parts = match checker.program.node(node) {
            Node::Add(a, b) | Node::Min(a, b) | Node::Max(a, b) | Node::Multiply(a, b) | Node::Divide(a, b) => {
                vec![a, b]
            }
            Node::Round { of, .. } => vec![of],
            Node::If { yes, no, .. } => vec![yes, no],
            Node::Read(slot) => match slot.kind() {
                Ok(_) => return node,
                Err(place) => vec![checker.program.lets()[place]],
            },
            Node::Subtract(a, _) => vec![a],
            Node::Number(_)
            | Node::Negative(_)
            | Node::Table(_)
            | Node::Tiers { .. }
            | Node::Less(..)
            | Node::AtMost(..)
            | Node::Equal(..)
            | Node::And(..)
            | Node::Or(..)
            | Node::Not(_) => return node,
        };
        let negative = |part: &NodeId| bounds.number(*part).is_ok_and(|span| span.lo.signum() < 0);
        match parts.into_iter().find(negative) {
            Some(part) => node = part,
            None => return node,
        }
    }
}

/// The measure to split a box by: one with few values first, then the widest; `None` when none can be split.
fn split(checker: &Checker, ranges: &Ranges, split_by: u32) -> Option<usize> {
    let splittable = |place: &usize| {
        let (first, last) = ranges[*place];
        split_by & (1 << place) != 0 && first < last
    };
    (0..ranges.len()).filter(splittable).max_by_key(|place| {
        let (first, last) = ranges[*place];
        let few = match checker.measures[*place].values {
            Values::Numbers(_) | Values::Words(_) => true,
            Values::Quantity(_) => false,
        };
        (few, last - first)
    })
}

fn halves(ranges: &Ranges, measure: usize) -> (Ranges, Ranges) {
    let (mut low, mut high) = (ranges.clone(), ranges.clone());
    let (first, last) = ranges[measure];
    let middle = first + (last - first) / 2;
    low[measure] = (first, middle);
    high[measure] = (middle + 1, last);
    (low, high)
}

fn refusal(checker: &Checker, doubt: &Doubt, at: Option<&Ranges>) -> Fault {
    let written = checker.written(doubt.node);
    let inputs = at.map(|ranges| single_input(checker, doubt, ranges)).unwrap_or_default();
    let could = if at.is_some() { "is" } else { "could be" };
    let price = if at.is_some() { "the price is" } else { "the price could be" };
    let message = match doubt.kind {
        DoubtKind::Negative => {
            format!("{price} negative{inputs} because of `{written}`; write max(0, {written}) if that is meant")
        }
        DoubtKind::TooLarge => format!("{price} more than 8000000000 credits{inputs}: `{written}`; set a maximum"),
        DoubtKind::TooFine => {
            format!("{price} finer than a millionth of a credit{inputs}: `{written}`; let the rate name a rounding")
        }
        DoubtKind::Problem(ProblemKind::DivisionByZero) => {
            let divisor = match checker.program.node(doubt.node) {
                Node::Divide(_, divisor) => checker.written(divisor),
                _ => written,
            };
            format!("the divisor `{divisor}` {could} zero{inputs}; write max(1, {divisor}) or a conditional")
        }
        DoubtKind::Problem(ProblemKind::TooManyDigits) => {
            format!("`{written}` {could} beyond what is computed exactly{inputs}; narrow the bounds of its measures")
        }
        DoubtKind::Problem(ProblemKind::NegativeQuantity) => {
            format!("tiers are of a quantity that {could} negative{inputs}: `{written}`; use max(0, {written})")
        }
    };
    let origin = checker.origin(doubt.node);
    Fault { source: origin.source, ..Fault::new(origin.at.clone(), message) }
}

/// " for seconds = 3", of the measures that matter.
fn single_input(checker: &Checker, doubt: &Doubt, ranges: &Ranges) -> String {
    let given: Vec<String> = checker
        .measures
        .iter()
        .zip(ranges)
        .enumerate()
        .filter(|(place, _)| doubt.split_by & (1 << place) != 0)
        .filter_map(|(_, (measure, (first, _)))| {
            Some(format!("{} = {}", measure.id, measure.shown(measure.at(*first)?)))
        })
        .collect();
    if given.is_empty() { String::new() } else { format!(" for {}", given.join(", ")) }
}

/// A part of a measure's range in which the price moves in one direction only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) first: i128,
    pub(crate) last: i128,
    /// Whether the price never falls within it; else it never rises.
    pub(crate) rises: Rises,
}

/// The direction within a [`Piece`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rises {
    NeverFalls,
    NeverRises,
}

/// The pieces of a measure's range, in order, while the others stand still (R10). `None`: there are too many.
pub(crate) fn pieces(checker: &Checker, price: NodeId, along: usize, at: &Ranges) -> Option<Vec<Piece>> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut waiting = vec![at[along]];
    let mut looked_at = 0;
    while let Some((first, last)) = waiting.pop() {
        looked_at += 1;
        if looked_at > 40 * PIECES_MAX || pieces.len() > PIECES_MAX {
            return None;
        }
        let mut ranges = at.clone();
        ranges[along] = (first, last);
        let mut bounds = Bounds::new(&checker.program, &checker.measures, &ranges, Some(along));
        let trend = bounds.lets().and_then(|()| bounds.number(price)).map_or(Trend::Unknown, |span| span.trend);
        let rises = match trend {
            Trend::Still | Trend::NeverFalls => Rises::NeverFalls,
            Trend::NeverRises => Rises::NeverRises,
            Trend::Unknown if first == last => Rises::NeverFalls,
            Trend::Unknown => {
                let middle = first + (last - first) / 2;
                waiting.push((middle + 1, last));
                waiting.push((first, middle));
                continue;
            }
        };
        pieces.push(Piece { first, last, rises });
    }
    Some(pieces)
}
