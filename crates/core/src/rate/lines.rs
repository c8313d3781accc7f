//! The lines that explain a price (R9).
//!
//! Apart from pricing because the hot path makes no text. The price of a quote is the price
//! function's; a line shows how it comes about, and what the steps leave over is a line too, so
//! that the lines always sum to the price.

use crate::amount::Credits;
use crate::measure::{Decimal, MeasureValue, Measures};
use crate::quote::{Line, Quote};
use crate::rate::domain::{Declared, Values};
use crate::rate::program::{Node, NodeId, Slots};
use crate::rate::ratio::Ratio;
use crate::rate::rounding::Rounding;
use crate::rate::{PROVED, Rate, RoundTo, Shape};
use crate::rejection::Rejection;

pub(super) fn quote(rate: &Rate, measures: &Measures) -> Result<Quote, Rejection> {
    let mut slots = rate.seen(measures)?;
    let credits = rate.price_of(&mut slots);
    let mut steps = Steps { lines: Vec::new(), so_far: Credits::ZERO };
    let whole = explain(rate, measures, &slots, &mut steps);
    if whole.is_none() {
        // A step is larger than any amount; the price alone is within bounds.
        steps = Steps { lines: Vec::new(), so_far: Credits::ZERO };
    }
    if steps.lines.is_empty() || steps.so_far != credits {
        let text = match rate.rounding {
            Some(rounding) if whole.is_some() => format!("{} → {credits}, {}", steps.so_far, rounding_words(rounding)),
            Some(_) | None => format!("{credits}"),
        };
        steps.add_line(text, credits);
    }
    Ok(Quote { credits, lines: steps.lines })
}

/// Lines so far, and what they sum to.
struct Steps {
    lines: Vec<Line>,
    so_far: Credits,
}

impl Steps {
    /// Adds the line that leads to `total`.
    fn add(&mut self, text: String, total: Ratio) -> Option<()> {
        let millionths = total.rounded(Rounding::HalfAway, 6)?.mul(Ratio::whole(1_000_000))?;
        let millionths = i64::try_from(millionths.rounded_to_whole(Rounding::HalfAway)?).ok()?;
        let total = Some(Credits::from_millionths(millionths)).filter(|total| total.within_limit())?;
        self.add_line(text, total);
        Some(())
    }

    fn add_line(&mut self, text: String, total: Credits) {
        self.lines.push(Line { text, credits: total - self.so_far });
        self.so_far = total;
    }
}

/// All lines before the rounding; `None` when a step is larger than any amount.
fn explain(rate: &Rate, given: &Measures, slots: &Slots, steps: &mut Steps) -> Option<()> {
    let mut total = rate.program.number(rate.body, slots).expect(PROVED);
    let text = match &rate.shape {
        Shape::Flat { credits } => format!("{credits} per run"),
        Shape::PerUnit { measure, credits } => {
            let quantity = rate.measures.iter().position(|other| other.id == *measure);
            let quantity = quantity.map_or_else(String::new, |place| stepped(rate, place, given, slots));
            format!("{quantity} × {credits} {}", equals(total))
        }
        Shape::Formula { .. } => {
            let text = Text { rate, slots }.of(rate.body).text;
            format!("{}{text} {}", changed(rate, given, slots), equals(total))
        }
    };
    steps.add(text, total)?;
    for multiplier in &rate.multipliers {
        if multiplier.when.is_some_and(|when| !rate.program.holds(when, slots).expect(PROVED)) {
            continue;
        }
        let times = rate.program.number(multiplier.times, slots).expect(PROVED);
        total = total.mul(times)?;
        steps.add(format!("{}: × {} {}", multiplier.name, stated(times), equals(total)), total)?;
    }
    if let Some(minimum) = rate.minimum.filter(|minimum| Ratio::from(*minimum) > total) {
        total = Ratio::from(minimum);
        steps.add(format!("at least {minimum}"), total)?;
    }
    if let Some(maximum) = rate.maximum.filter(|maximum| Ratio::from(*maximum) < total) {
        total = Ratio::from(maximum);
        steps.add(format!("at most {maximum}"), total)?;
    }
    Some(())
}

fn equals(total: Ratio) -> String {
    match total.as_decimal(6) {
        Some(exact) => format!("= {exact}"),
        None => format!("≈ {total}"),
    }
}

/// A number as the document states it, with all its decimals: it has at most 12.
fn stated(number: Ratio) -> String {
    number.as_decimal(12).map_or_else(|| number.to_string(), |exact| exact.to_string())
}

fn rounding_words(RoundTo { rounding, decimals }: RoundTo) -> String {
    let to = match decimals {
        0 => "whole credits".to_owned(),
        1 => "1 decimal".to_owned(),
        decimals => format!("{decimals} decimals"),
    };
    match rounding {
        Rounding::HalfAway => format!("rounded to {to}"),
        Rounding::HalfEven => format!("rounded to {to}, a half to even"),
        Rounding::Ceil => format!("rounded up to {to}"),
        Rounding::Floor => format!("rounded down to {to}"),
    }
}

/// A quantity as it was given and, if that differs, as it is priced: "10.4 s → 11 s".
fn stepped(rate: &Rate, place: usize, given: &Measures, slots: &Slots) -> String {
    let measure = &rate.measures[place];
    let seen = slots.measure(place);
    match given_number(measure, given) {
        Some(value) if Ratio::from(value) != seen => {
            let value = match &measure.unit {
                Some(unit) => unit.shown_exactly(value),
                None => value.to_string(),
            };
            format!("{value} → {}", measure.shown(seen))
        }
        Some(_) | None => measure.shown(seen),
    }
}

fn given_number(measure: &Declared, given: &Measures) -> Option<Decimal> {
    match given.get(measure.id.as_str()).or(measure.default.as_ref())? {
        MeasureValue::Number(value) => Some(*value),
        MeasureValue::Word(_) => None,
    }
}

/// The quantities of a formula that a step changed: "10.4 s → 11 s; ".
fn changed(rate: &Rate, given: &Measures, slots: &Slots) -> String {
    let differs = |place: &usize| {
        let measure = &rate.measures[*place];
        given_number(measure, given).is_some_and(|value| Ratio::from(value) != slots.measure(*place))
    };
    (0..rate.measures.len()).filter(differs).map(|place| stepped(rate, place, given, slots) + "; ").collect()
}

/// Writes a formula with its values in place of its names.
struct Text<'a> {
    rate: &'a Rate,
    slots: &'a Slots,
}

/// How strongly a written part holds together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Sum,
    Product,
    Whole,
}

struct Written {
    text: String,
    strength: Strength,
}

impl Written {
    fn whole(text: String) -> Written {
        Written { text, strength: Strength::Whole }
    }

    /// In parentheses unless it holds together at least so strongly.
    fn within(self, strength: Strength) -> String {
        if self.strength >= strength { self.text } else { format!("({})", self.text) }
    }
}

impl Text<'_> {
    fn of(&self, id: NodeId) -> Written {
        match self.rate.program.node(id) {
            Node::Number(value) => Written::whole(stated(value)),
            Node::Read(slot) => match slot.kind() {
                Ok(place) => Written::whole(self.rate.measures[place].shown(self.slots.get(slot))),
                Err(place) => self.named(place, self.slots.get(slot)),
            },
            Node::Add(a, b) => self.sum(a, b),
            Node::Subtract(a, b) => {
                let text = format!("{} − {}", self.of(a).text, self.of(b).within(Strength::Product));
                Written { text, strength: Strength::Sum }
            }
            Node::Multiply(a, b) => {
                let (a, b) = (self.of(a).within(Strength::Product), self.of(b).within(Strength::Whole));
                Written { text: format!("{a} × {b}"), strength: Strength::Product }
            }
            Node::Divide(a, b) => {
                let (a, b) = (self.of(a).within(Strength::Product), self.of(b).within(Strength::Whole));
                Written { text: format!("{a} ÷ {b}"), strength: Strength::Product }
            }
            Node::Negative(a) => {
                Written { text: format!("−{}", self.of(a).within(Strength::Whole)), strength: Strength::Sum }
            }
            Node::Min(a, b) => Written::whole(format!("min({}, {})", self.of(a).text, self.of(b).text)),
            Node::Max(a, b) => Written::whole(format!("max({}, {})", self.of(a).text, self.of(b).text)),
            Node::Round { of, rounding, places } => {
                let name = match rounding {
                    Rounding::HalfAway | Rounding::HalfEven => "round",
                    Rounding::Ceil => "ceil",
                    Rounding::Floor => "floor",
                };
                let places = if places == 0 { String::new() } else { format!(", {places}") };
                Written::whole(format!("{name}({}{places})", self.of(of).text))
            }
            Node::If { .. } => self.of(self.taken(id)),
            Node::Tiers { of, tiers } => self.bands(of, usize::from(tiers)),
            Node::Table(_)
            | Node::Less(..)
            | Node::AtMost(..)
            | Node::Equal(..)
            | Node::And(..)
            | Node::Or(..)
            | Node::Not(_) => Written::whole(stated(self.value(id))),
        }
    }

    fn value(&self, id: NodeId) -> Ratio {
        self.rate.program.number(id, self.slots).expect(PROVED)
    }

    /// The branch that holds, through conditionals within conditionals.
    fn taken(&self, id: NodeId) -> NodeId {
        match self.rate.program.node(id) {
            Node::If { condition, yes, no } => {
                let holds = self.rate.program.holds(condition, self.slots).expect(PROVED);
                self.taken(if holds { yes } else { no })
            }
            _ => id,
        }
    }

    /// A sum; a conditional part that comes to a plain 0 is left out.
    fn sum(&self, a: NodeId, b: NodeId) -> Written {
        let absent = |part: NodeId| {
            let taken = self.taken(part);
            taken != part && matches!(self.rate.program.node(taken), Node::Number(value) if value.is_zero())
        };
        match (absent(a), absent(b)) {
            (true, _) => self.of(b),
            (false, true) => self.of(a),
            (false, false) => {
                let text = format!("{} + {}", self.of(a).text, self.of(b).within(Strength::Sum));
                Written { text, strength: Strength::Sum }
            }
        }
    }

    /// A `let` name: its value with its unit, or its bands.
    fn named(&self, place: usize, value: Ratio) -> Written {
        let named = &self.rate.lets[place];
        match (self.rate.program.node(named.value), &named.unit) {
            (Node::Tiers { of, tiers }, _) => self.bands(of, usize::from(tiers)),
            (_, Some(unit)) => Written::whole(unit.shown(value)),
            (Node::Number(_) | Node::Table(_), None) => Written::whole(stated(value)),
            (_, None) => Written::whole(value.to_string()),
        }
    }

    /// The bands that a quantity reaches into: "10 × 5 + 15 × 4".
    fn bands(&self, of: NodeId, tiers: usize) -> Written {
        let unit = |quantity: Ratio| match self.rate.program.node(of) {
            Node::Read(slot) => match slot.kind() {
                Ok(place) => self.rate.measures[place].shown(quantity),
                Err(place) => match &self.rate.lets[place].unit {
                    Some(unit) => unit.shown(quantity),
                    None => quantity.to_string(),
                },
            },
            _ => quantity.to_string(),
        };
        let mut parts = Vec::new();
        for part in self.rate.program.tiers[tiers].parts(self.value(of)) {
            let part = part.expect(PROVED);
            parts.push(format!("{} × {}", unit(part.quantity), stated(part.band.credits)));
            if !part.band.plus.is_zero() {
                parts.push(stated(part.band.plus));
            }
        }
        let strength = if parts.len() == 1 { Strength::Product } else { Strength::Sum };
        Written { text: parts.join(" + "), strength }
    }
}

pub(super) fn summary(rate: &Rate) -> String {
    match &rate.shape {
        Shape::Flat { credits } => plural(*credits),
        Shape::PerUnit { measure, credits } => {
            let unit = rate.measures.iter().find(|other| other.id == *measure).and_then(unit_word);
            format!("{} per {}", plural(*credits), unit.unwrap_or(measure.as_str()))
        }
        Shape::Formula { text } => match rate.rounding {
            Some(rounding) => format!("{text}, {}", rounding_words(rounding)),
            None => text.to_string(),
        },
    }
}

fn unit_word(measure: &Declared) -> Option<&str> {
    match measure.values {
        Values::Quantity(_) | Values::Numbers(_) => measure.unit.as_ref().map(|unit| &*unit.one),
        Values::Words(_) => None,
    }
}

fn plural(credits: Decimal) -> String {
    if credits == Decimal::whole(1) { format!("{credits} credit") } else { format!("{credits} credits") }
}
