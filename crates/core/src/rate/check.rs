//! From trees to programs: names resolved, kinds checked (R5).
//!
//! Apart from the parser because this is where measures and `let` names are known. It proves
//! nothing about values; that is `prove`.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::rate::Fault;
use crate::rate::domain::{Declared, Values};
use crate::rate::parser::{Expression, Kind, Operator, parse};
use crate::rate::program::{Node, NodeId, Program, Slot};
use crate::rate::ratio::Ratio;
use crate::rate::rounding::Rounding;
use crate::rate::table::Table;
use crate::rate::tiers::Tiers;
use crate::rate::unit::Unit;

/// A value that a name stands for, and how it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Let {
    pub(crate) unit: Option<Unit>,
    pub(crate) value: NodeId,
}

/// Where a node was written: in which text, and where in it.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) source: usize,
    pub(crate) at: Range<usize>,
}

/// Builds a program from formulas.
pub(crate) struct Checker {
    pub(crate) measures: Vec<Declared>,
    pub(crate) program: Program,
    pub(crate) lets: Vec<Let>,
    /// One for each node of the program.
    origins: Vec<Origin>,
    sources: Vec<Box<str>>,
    slots: BTreeMap<Box<str>, Slot>,
    rounds_inside: bool,
}

/// The functions, and the names that nothing else may have.
pub(crate) const FUNCTIONS: [&str; 5] = ["min", "max", "ceil", "floor", "round"];
const RESERVED: [&str; 11] = ["if", "then", "else", "and", "or", "not", "min", "max", "ceil", "floor", "round"];

impl Checker {
    /// For a rate over these measures; there are at most [`crate::rate::program::MEASURES_MAX`].
    pub(crate) fn new(measures: Vec<Declared>) -> Checker {
        let slots = measures
            .iter()
            .enumerate()
            .filter_map(|(place, measure)| Some((measure.id.as_str().into(), Slot::of_measure(place)?)))
            .collect();
        let (program, lets, origins, sources) = (Program::default(), Vec::new(), Vec::new(), Vec::new());
        Checker { measures, program, lets, origins, sources, slots, rounds_inside: false }
    }

    /// Adds a formula that gives a number. Faults name this source by its number, counted from 0.
    pub(crate) fn formula(&mut self, text: &str) -> Result<NodeId, Fault> {
        let source = self.add_source(text);
        let located = |fault: Fault| Fault { source, ..fault };
        let expression = parse(text).map_err(located)?;
        self.number(&expression, source).map_err(located)
    }

    /// Adds a formula that holds or does not.
    pub(crate) fn condition(&mut self, text: &str) -> Result<NodeId, Fault> {
        let source = self.add_source(text);
        let located = |fault: Fault| Fault { source, ..fault };
        let expression = parse(text).map_err(located)?;
        self.truth(&expression, source).map_err(located)
    }

    /// Starts a text that is not a formula: a number in the document, a table, tiers.
    pub(crate) fn add_source(&mut self, text: &str) -> usize {
        self.sources.push(text.into());
        self.sources.len() - 1
    }

    /// A plain number of the document.
    pub(crate) fn constant(&mut self, value: Ratio, text: &str) -> Result<NodeId, Fault> {
        let source = self.add_source(text);
        self.push(Node::Number(value), source, 0..text.len())
    }

    /// A look-up.
    pub(crate) fn table(&mut self, table: Table, text: &str) -> Result<NodeId, Fault> {
        let source = self.add_source(text);
        let place = u8::try_from(self.program.tables.len());
        let place = place.map_err(|_| Fault { source, ..Fault::new(0..0, "too many tables".to_owned()) })?;
        self.program.tables.push(table);
        self.push(Node::Table(place), source, 0..text.len())
    }

    /// A price by bands of a measure or an earlier `let` name.
    pub(crate) fn tiers(&mut self, of: &str, tiers: Tiers) -> Result<NodeId, Fault> {
        let quantity = self.formula(of)?;
        let source = self.sources.len() - 1;
        let place = u8::try_from(self.program.tiers.len());
        let place = place.map_err(|_| Fault { source, ..Fault::new(0..0, "too many tiers".to_owned()) })?;
        self.program.tiers.push(tiers);
        self.push(Node::Tiers { of: quantity, tiers: place }, source, 0..of.len())
    }

    /// Gives a value a name that later formulas know.
    pub(crate) fn bind(&mut self, name: &str, unit: Option<Unit>, value: NodeId) -> Result<(), Fault> {
        let source = self.sources.len().saturating_sub(1);
        let fault = |message: String| Fault { source, ..Fault::new(0..0, message) };
        if RESERVED.contains(&name) {
            return Err(fault(format!("{name:?} is a word of the language; choose another name")));
        }
        if self.slots.contains_key(name) {
            return Err(fault(format!("{name:?} is already a name in this rate; choose another")));
        }
        let slot = self.program.bind(value).ok_or_else(|| fault("a rate has at most 32 let names".to_owned()))?;
        self.slots.insert(name.into(), slot);
        self.lets.push(Let { unit, value });
        Ok(())
    }

    /// The slot of a measure, and its place.
    pub(crate) fn measure(&self, name: &str) -> Option<(usize, Slot)> {
        let place = self.measures.iter().position(|measure| measure.id.as_str() == name)?;
        Some((place, Slot::of_measure(place)?))
    }

    /// Whether any formula rounds inside (R4).
    pub(crate) fn rounds_inside(&self) -> bool {
        self.rounds_inside
    }

    /// Where a node was written.
    pub(crate) fn origin(&self, id: NodeId) -> &Origin {
        &self.origins[id.index()]
    }

    /// A node as it was written.
    pub(crate) fn written(&self, id: NodeId) -> &str {
        let origin = self.origin(id);
        self.sources[origin.source].get(origin.at.clone()).unwrap_or("")
    }

    /// Adds a node that belongs to a place of a source.
    pub(crate) fn push(&mut self, node: Node, source: usize, at: Range<usize>) -> Result<NodeId, Fault> {
        let Some(id) = self.program.push(node) else {
            return Err(Fault { source, ..Fault::new(at, "this rate is too long; make it simpler".to_owned()) });
        };
        self.origins.push(Origin { source, at });
        Ok(id)
    }

    /// A node beside another one, as if written there.
    pub(crate) fn push_beside(&mut self, node: Node, other: NodeId) -> Result<NodeId, Fault> {
        let Origin { source, at } = self.origin(other).clone();
        self.push(node, source, at)
    }

    fn number(&mut self, expression: &Expression, source: usize) -> Result<NodeId, Fault> {
        let at = expression.at.clone();
        match &expression.kind {
            Kind::Number(value) => self.push(Node::Number(Ratio::from(*value)), source, at),
            Kind::Name(name) => {
                let slot = self.number_named(name, &at)?;
                self.push(Node::Read(slot), source, at)
            }
            Kind::Negative(inner) => {
                let inner = self.number(inner, source)?;
                self.push(Node::Negative(inner), source, at)
            }
            Kind::Binary(operator, left, right) => self.arithmetic(*operator, left, right, source, at),
            Kind::If(condition, yes, no) => {
                let condition = self.truth(condition, source)?;
                let (yes, no) = (self.number(yes, source)?, self.number(no, source)?);
                self.push(Node::If { condition, yes, no }, source, at)
            }
            Kind::Call(name, arguments) => self.call(name, arguments, source, at),
            Kind::Word(word) => Err(Fault::new(at, format!("expected a number, found the word {word:?}"))),
            Kind::Not(_) => Err(Fault::new(at, "expected a number, found a condition".to_owned())),
        }
    }

    fn arithmetic(
        &mut self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
        source: usize,
        at: Range<usize>,
    ) -> Result<NodeId, Fault> {
        let node = match operator {
            Operator::Add => Node::Add,
            Operator::Subtract => Node::Subtract,
            Operator::Multiply => Node::Multiply,
            Operator::Divide => Node::Divide,
            Operator::Less
            | Operator::AtMost
            | Operator::Greater
            | Operator::AtLeast
            | Operator::Equal
            | Operator::Different
            | Operator::And
            | Operator::Or => return Err(Fault::new(at, "expected a number, found a condition".to_owned())),
        };
        let (left, right) = (self.number(left, source)?, self.number(right, source)?);
        self.push(node(left, right), source, at)
    }

    fn truth(&mut self, expression: &Expression, source: usize) -> Result<NodeId, Fault> {
        let at = expression.at.clone();
        match &expression.kind {
            Kind::Not(inner) => {
                let inner = self.truth(inner, source)?;
                self.push(Node::Not(inner), source, at)
            }
            Kind::Binary(operator, left, right) => self.comparison(*operator, left, right, source, at),
            Kind::If(..) | Kind::Number(_) | Kind::Word(_) | Kind::Name(_) | Kind::Negative(_) | Kind::Call(..) => {
                Err(Fault::new(at, "expected a condition such as upscale > 1, found a value".to_owned()))
            }
        }
    }

    fn comparison(
        &mut self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
        source: usize,
        at: Range<usize>,
    ) -> Result<NodeId, Fault> {
        type Join = fn(NodeId, NodeId) -> Node;
        let (node, swapped, negated): (Join, bool, bool) = match operator {
            Operator::And | Operator::Or => {
                let (left, right) = (self.truth(left, source)?, self.truth(right, source)?);
                let node = if operator == Operator::And { Node::And(left, right) } else { Node::Or(left, right) };
                return self.push(node, source, at);
            }
            Operator::Less => (Node::Less, false, false),
            Operator::AtMost => (Node::AtMost, false, false),
            Operator::Greater => (Node::Less, true, false),
            Operator::AtLeast => (Node::AtMost, true, false),
            Operator::Equal => (Node::Equal, false, false),
            Operator::Different => (Node::Equal, false, true),
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide => {
                let message = "expected a condition such as upscale > 1, found a number".to_owned();
                return Err(Fault::new(at, message));
            }
        };
        let (left, right) = match self.words(operator, left, right, source)? {
            Some(pair) => pair,
            None => (self.number(left, source)?, self.number(right, source)?),
        };
        let (first, second) = if swapped { (right, left) } else { (left, right) };
        let compared = self.push(node(first, second), source, at.clone())?;
        if negated { self.push(Node::Not(compared), source, at) } else { Ok(compared) }
    }

    /// Both sides of a comparison of a measure with one of its words; `None` when no word is involved.
    fn words(
        &mut self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
        source: usize,
    ) -> Result<Option<(NodeId, NodeId)>, Fault> {
        let (name, word) = match (&left.kind, &right.kind) {
            (Kind::Name(_), Kind::Word(_)) => (left, right),
            (Kind::Word(_), Kind::Name(_)) => (right, left),
            (Kind::Word(_), _) | (_, Kind::Word(_)) => {
                let at = left.at.start..right.at.end;
                return Err(Fault::new(at, "a word is compared with a measure, as in quality == 'high'".to_owned()));
            }
            (_, _) => return Ok(None),
        };
        let (Kind::Name(measure), Kind::Word(wanted)) = (&name.kind, &word.kind) else { return Ok(None) };
        let found = self.measure(measure);
        let Some((place, slot)) = found else {
            return Err(match self.slots.contains_key(measure) {
                true => Fault::new(name.at.clone(), format!("{measure:?} is a number, not a word")),
                false => self.unknown(measure, &name.at),
            });
        };
        let Values::Words(allowed) = &self.measures[place].values else {
            return Err(Fault::new(word.at.clone(), format!("{measure:?} is a number; compare it with a number")));
        };
        if !matches!(operator, Operator::Equal | Operator::Different) {
            return Err(Fault::new(name.at.clone(), "words have no order; compare them with == or !=".to_owned()));
        }
        let index = allowed.iter().position(|other| other == wanted).and_then(|index| i64::try_from(index).ok());
        let Some(index) = index else {
            let message = format!("{wanted:?} is never a value of {measure:?}: {}", self.measures[place].expected());
            return Err(Fault::new(word.at.clone(), message));
        };
        let left = self.push(Node::Read(slot), source, name.at.clone())?;
        let right = self.push(Node::Number(Ratio::whole(index)), source, word.at.clone())?;
        Ok(Some((left, right)))
    }

    fn number_named(&self, name: &str, at: &Range<usize>) -> Result<Slot, Fault> {
        let Some(slot) = self.slots.get(name) else { return Err(self.unknown(name, at)) };
        if let Ok(place) = slot.kind()
            && let Values::Words(allowed) = &self.measures[place].values
        {
            let example = allowed.first().map_or("", |word| word);
            let message = format!("{name:?} is a word; it can only be compared, as in {name} == '{example}'");
            return Err(Fault::new(at.clone(), message));
        }
        Ok(*slot)
    }

    fn unknown(&self, name: &str, at: &Range<usize>) -> Fault {
        if FUNCTIONS.contains(&name) {
            return Fault::new(at.clone(), format!("{name} is a function: write {name}(…)"));
        }
        let known = match self.slots.is_empty() {
            true => "this rate declares no measures".to_owned(),
            false => format!("known here: {}", self.slots.keys().map(|name| &**name).collect::<Vec<_>>().join(", ")),
        };
        Fault::new(at.clone(), format!("{name:?} is not a measure or an earlier let name; {known}"))
    }

    fn call(&mut self, name: &str, arguments: &[Expression], source: usize, at: Range<usize>) -> Result<NodeId, Fault> {
        let rounding = match name {
            "min" | "max" => {
                let node = if name == "min" { Node::Min } else { Node::Max };
                if arguments.len() < 2 {
                    return Err(Fault::new(at, format!("{name} takes two or more numbers")));
                }
                let mut result = self.number(&arguments[0], source)?;
                for argument in &arguments[1..] {
                    let next = self.number(argument, source)?;
                    result = self.push(node(result, next), source, at.clone())?;
                }
                return Ok(result);
            }
            "ceil" => Rounding::Ceil,
            "floor" => Rounding::Floor,
            "round" => Rounding::HalfAway,
            _ => {
                let message = format!("there is no function {name:?}; there are {}", FUNCTIONS.join(", "));
                return Err(Fault::new(at, message));
            }
        };
        let places = match arguments {
            [_] => 0,
            [_, places] => decimals(places)?,
            _ => return Err(Fault::new(at, format!("{name} takes a number and, if wanted, how many decimals"))),
        };
        self.rounds_inside = true;
        let of = self.number(&arguments[0], source)?;
        self.push(Node::Round { of, rounding, places }, source, at)
    }
}

fn decimals(expression: &Expression) -> Result<u8, Fault> {
    let places = match &expression.kind {
        Kind::Number(value) if value.scale() == 0 => u8::try_from(value.mantissa()).ok().filter(|places| *places <= 6),
        _ => None,
    };
    places
        .ok_or_else(|| Fault::new(expression.at.clone(), "expected a whole number of decimals from 0 to 6".to_owned()))
}
