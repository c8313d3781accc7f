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
use crate::rate::program::{Node, NodeId, Slots};
use crate::rate::ratio::Ratio;

/// The most boxes that one proof splits.
const BOXES_MAX: usize = 4_000;
/// The most pieces in which a price rises only or falls only.
const PIECES_MAX: usize = 1_000;

/// What may still be spent on the proofs of one catalog: a step is a look at a node, a cell or a band. It bounds how
/// long a publication takes, whatever the document says.
pub(crate) struct Effort {
    steps: usize,
}

impl Effort {
    /// For one catalog: some seconds at most.
    pub(crate) const fn for_one_catalog() -> Effort {
        Effort { steps: 20_000_000 }
    }

    /// Spends what one look at a program takes; `false` when there is not so much left.
    fn spend_on(&mut self, checker: &Checker) -> bool {
        let left = self.steps.checked_sub(checker.program.size());
        self.steps = left.unwrap_or(0);
        left.is_some()
    }
}

/// What is looked for in a box that cannot be let through.
struct Doubt {
    node: NodeId,
    kind: DoubtKind,
    /// The measures that it is about, a bit each.
    about: u32,
    /// All measures that the price or the doubt depends on, a bit each.
    all: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DoubtKind {
    Negative,
    TooLarge,
    Problem(ProblemKind),
    /// A price that is not rounded has more than 6 decimals.
    TooFine,
}

/// Proves that the price lies in 0 to 8,000,000,000 credits for all allowed inputs, and that an exact one comes out in
/// whole millionths.
pub(crate) fn prove(checker: &Checker, price: NodeId, exactness: Exactness, effort: &mut Effort) -> Result<(), Fault> {
    let mut proof = Proof { checker, price, exactness, effort };
    let all: Ranges = checker.measures.iter().map(Declared::range).collect();
    let mut first_doubt = None;
    let mut waiting = vec![all];
    let mut split_so_far = 0;
    while let Some(ranges) = waiting.pop() {
        let doubt = match proof.look(&ranges) {
            Ok(()) => continue,
            Err(Unproved::Doubt(doubt)) => doubt,
            Err(Unproved::NoEffortLeft) => {
                let doubted = first_doubt.map(|doubt| refusal(checker, &doubt, None));
                return Err(doubted.unwrap_or_else(|| too_much(checker, price)));
            }
        };
        let Some(measure) = split(&mut proof, &ranges, &doubt) else {
            return Err(refusal(checker, &doubt, Some(&ranges)));
        };
        split_so_far += 1;
        if split_so_far >= BOXES_MAX {
            return Err(refusal(checker, first_doubt.as_ref().unwrap_or(&doubt), None));
        }
        first_doubt.get_or_insert(doubt);
        let (low, high) = halves(&ranges, measure);
        waiting.push(high);
        waiting.push(low);
    }
    Ok(())
}

/// A proof under way.
struct Proof<'a> {
    checker: &'a Checker,
    price: NodeId,
    exactness: Exactness,
    effort: &'a mut Effort,
}

/// Why a box is not let through.
enum Unproved {
    Doubt(Doubt),
    NoEffortLeft,
}

fn too_much(checker: &Checker, price: NodeId) -> Fault {
    let origin = checker.origin(price);
    let message = "this catalog is too large to be proved; make its rates simpler or their tables smaller";
    Fault { source: origin.source, ..Fault::new(origin.at.clone(), message.to_owned()) }
}

/// Whether a price must come out in whole millionths by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exactness {
    /// The rate's rounding sees to it.
    Rounded,
    /// It is not rounded.
    Exact,
}

impl Proof<'_> {
    /// Looks at one box.
    fn look(&mut self, ranges: &Ranges) -> Result<(), Unproved> {
        if !self.effort.spend_on(self.checker) {
            return Err(Unproved::NoEffortLeft);
        }
        let (checker, price) = (self.checker, self.price);
        let mut bounds = Bounds::new(&checker.program, &checker.measures, ranges, None);
        let found = bounds.lets().and_then(|()| bounds.number(price));
        let doubt = |node, kind| {
            let about = match (kind, checker.program.node(node)) {
                (DoubtKind::Problem(ProblemKind::DivisionByZero), Node::Divide(_, divisor)) => divisor,
                (_, _) => node,
            };
            let about = checker.program.depends(about);
            Err(Unproved::Doubt(Doubt { node, kind, about, all: about | checker.program.depends(price) }))
        };
        let span = match found {
            Ok(span) => span,
            Err(problem) => return doubt(problem.node, DoubtKind::Problem(problem.kind)),
        };
        let limit = Ratio::new(i128::from(Credits::MAX.millionths()), 1_000_000).unwrap_or(Ratio::ZERO);
        if span.lo.signum() < 0 {
            return doubt(culprit(&mut bounds, checker, price), DoubtKind::Negative);
        }
        if span.hi > limit {
            return doubt(price, DoubtKind::TooLarge);
        }
        match self.exactness {
            Exactness::Exact if !in_millionths(span) => doubt(price, DoubtKind::TooFine),
            Exactness::Exact | Exactness::Rounded => Ok(()),
        }
    }
}

fn in_millionths(span: Span) -> bool {
    if span.lo == span.hi {
        return 1_000_000 % span.lo.reduced().denominator() == 0;
    }
    match span.digits {
        Digits::Divides(most) => 1_000_000 % most == 0,
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

/// The measure to split a box by; `None` when none can be split. First whichever settles a half at once; then one with
/// few values; then the widest that the doubt is about.
fn split(proof: &mut Proof<'_>, ranges: &Ranges, doubt: &Doubt) -> Option<usize> {
    let checker = proof.checker;
    let splittable = |place: &usize| {
        let (first, last) = ranges[*place];
        doubt.all & (1 << place) != 0 && first < last
    };
    (0..ranges.len()).filter(splittable).max_by_key(|place| {
        let (low, high) = halves(ranges, *place);
        let settled = [low, high].iter().filter(|half| proof.look(half).is_ok()).count();
        let (first, last) = ranges[*place];
        (settled, !is_quantity(&checker.measures[*place]), doubt.about & (1 << place) != 0, last - first)
    })
}

fn is_quantity(measure: &Declared) -> bool {
    match measure.values {
        Values::Quantity(_) => true,
        Values::Numbers(_) | Values::Words(_) => false,
    }
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
            let remedy = match checker.rounds_inside() {
                true => "round the whole formula",
                false => "let the rate name a rounding",
            };
            format!("{price} finer than a millionth of a credit{inputs}: `{written}`; {remedy}")
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
        .filter(|(place, _)| doubt.all & (1 << place) != 0)
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
pub(crate) fn pieces(
    checker: &Checker,
    price: NodeId,
    along: usize,
    at: &Ranges,
    effort: &mut Effort,
) -> Option<Vec<Piece>> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut waiting = vec![at[along]];
    while let Some((first, last)) = waiting.pop() {
        if !effort.spend_on(checker) || pieces.len() > PIECES_MAX {
            return None;
        }
        let mut ranges = at.clone();
        ranges[along] = (first, last);
        let mut bounds = Bounds::new(&checker.program, &checker.measures, &ranges, Some(along));
        let span = bounds.lets().and_then(|()| bounds.number(price)).ok();
        let rises = match span.map_or(Trend::Unknown, |span| span.trend) {
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
        let piece = Piece { first, last, rises };
        match pieces.last_mut() {
            Some(before) if continues(checker, price, along, at, (*before, piece)) => before.last = last,
            Some(_) | None => pieces.push(piece),
        }
    }
    Some(pieces)
}

/// Whether two neighbouring pieces are one: both never fall, and neither does the price between them.
fn continues(checker: &Checker, price: NodeId, along: usize, at: &Ranges, pair: (Piece, Piece)) -> bool {
    let (before, after) = pair;
    let price_at = |place: i128| {
        let mut slots = Slots::new();
        for (other, (measure, (first, _))) in checker.measures.iter().zip(at).enumerate() {
            slots.put_measure(other, measure.at(if other == along { place } else { *first })?);
        }
        checker.program.fill_lets(&mut slots)?;
        checker.program.number(price, &slots)
    };
    before.rises == Rises::NeverFalls
        && after.rises == Rises::NeverFalls
        && price_at(before.last).zip(price_at(after.first)).is_some_and(|(before, after)| before <= after)
}
