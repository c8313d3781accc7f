//! The rate language a second time: read and computed in one go, in fractions of any size.
//!
//! Written from `docs/catalog.md`, and apart from the core, whose reader makes trees, then programs, and proves them. This one
//! proves nothing and is slow: what the core accepted and this one cannot compute, or computes otherwise, is a fault of one of
//! them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::wide::{Cut, Fraction};

/// A value in a formula.
#[derive(Clone, Debug)]
pub enum Value {
    /// A number.
    Number(Number),
    /// A word of a measure.
    Word(String),
    /// Whether a condition holds.
    Truth(bool),
    /// In the branch that does not hold nothing is computed.
    Nothing,
}

/// An exact number.
#[derive(Clone, Debug)]
pub struct Number(Fraction);

impl Number {
    /// `digits` with so many of them after the point.
    pub fn decimal(digits: i128, places: u32) -> Number {
        Number(Fraction::decimal(digits, places))
    }

    /// The product.
    pub fn times(&self, other: &Number) -> Number {
        Number(self.0.times(&other.0))
    }

    /// Whether it is less.
    pub fn is_less(&self, other: &Number) -> bool {
        self.0.compare(&other.0) == Ordering::Less
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.0.is_negative()
    }

    /// In millionths; `None` where it is finer than they are.
    pub fn millionths(&self) -> Option<i128> {
        self.0.millionths()
    }

    /// Rounded to so many decimals.
    pub fn rounded(&self, rounding: &str, places: u32) -> Option<Number> {
        let up = match rounding {
            "half_away" => |cut: Cut| cut.half != Ordering::Less,
            "half_even" => |cut: Cut| cut.half == Ordering::Greater || cut.half == Ordering::Equal && cut.odd,
            "ceil" => |cut: Cut| !cut.nothing && !cut.negative,
            "floor" => |cut: Cut| !cut.nothing && cut.negative,
            _ => return None,
        };
        Some(Number(self.0.rounded(places, up)))
    }
}

/// What names stand for.
pub type Names = BTreeMap<String, Value>;

/// The value of a formula, or why it has none.
pub fn value(text: &str, names: &Names) -> Result<Value, String> {
    let mut reader = Reader { rest: text, names };
    let value = reader.expression(true)?;
    reader.space();
    if reader.rest.is_empty() { Ok(value) } else { Err(format!("{:?} is left over", reader.rest)) }
}

/// Whether a formula rounds anywhere, also where it is not computed.
pub fn rounds(text: &str) -> bool {
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '\'' | '"')) {
        rest = &rest[start..];
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        if let Some(quote) = quote {
            rest = rest[1..].split_once(quote).map_or("", |(_, after)| after);
            continue;
        }
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if ["ceil", "floor", "round"].contains(&name) && after.trim_start().starts_with('(') {
            return true;
        }
        rest = after;
    }
    false
}

struct Reader<'a> {
    rest: &'a str,
    names: &'a Names,
}

type Found = Result<Value, String>;

fn number(value: Value) -> Result<Option<Fraction>, String> {
    match value {
        Value::Number(Number(number)) => Ok(Some(number)),
        Value::Nothing => Ok(None),
        Value::Word(_) | Value::Truth(_) => Err(format!("{value:?} is no number")),
    }
}

fn truth(value: Value) -> Result<Option<bool>, String> {
    match value {
        Value::Truth(holds) => Ok(Some(holds)),
        Value::Nothing => Ok(None),
        Value::Word(_) | Value::Number(_) => Err(format!("{value:?} is no condition")),
    }
}

/// Of two numbers; nothing where one of them is nothing.
fn joined(left: Value, right: Value, join: impl FnOnce(&Fraction, &Fraction) -> Option<Fraction>) -> Found {
    match (number(left)?, number(right)?) {
        (Some(left), Some(right)) => {
            join(&left, &right).map(|joined| Value::Number(Number(joined))).ok_or_else(|| "divided by zero".to_owned())
        }
        _ => Ok(Value::Nothing),
    }
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes a sign.
    fn sign(&mut self, sign: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name_ahead(&mut self) -> &str {
        self.space();
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !self.rest.starts_with(letter) {
            return "";
        }
        let end = self.rest.find(|c: char| !(letter(c) || c.is_ascii_digit())).unwrap_or(self.rest.len());
        &self.rest[..end]
    }

    /// Takes a word of the language.
    fn keyword(&mut self, word: &str) -> bool {
        let found = self.name_ahead() == word;
        if found {
            self.rest = &self.rest[word.len()..];
        }
        found
    }

    fn needs(&mut self, what: &str) -> Result<(), String> {
        let found =
            if what.starts_with(|c: char| c.is_ascii_alphabetic()) { self.keyword(what) } else { self.sign(what) };
        if found { Ok(()) } else { Err(format!("{what:?} is missing before {:?}", self.rest)) }
    }

    /// `live`: whether it is computed.
    fn expression(&mut self, live: bool) -> Found {
        if !self.keyword("if") {
            return self.either(live);
        }
        let holds = truth(self.expression(live)?)?.unwrap_or(false);
        self.needs("then")?;
        let yes = self.expression(live && holds)?;
        self.needs("else")?;
        let no = self.expression(live && !holds)?;
        Ok(if holds { yes } else { no })
    }

    fn either(&mut self, live: bool) -> Found {
        let mut left = self.both(live)?;
        while self.keyword("or") {
            let known = truth(left)?;
            let right = truth(self.both(live && known == Some(false))?)?;
            left = known.map_or(Value::Nothing, |known| Value::Truth(known || right == Some(true)));
        }
        Ok(left)
    }

    fn both(&mut self, live: bool) -> Found {
        let mut left = self.negation(live)?;
        while self.keyword("and") {
            let known = truth(left)?;
            let right = truth(self.negation(live && known == Some(true))?)?;
            left = known.map_or(Value::Nothing, |known| Value::Truth(known && right == Some(true)));
        }
        Ok(left)
    }

    fn negation(&mut self, live: bool) -> Found {
        if !self.keyword("not") {
            return self.comparison(live);
        }
        Ok(truth(self.negation(live)?)?.map_or(Value::Nothing, |holds| Value::Truth(!holds)))
    }

    fn comparison(&mut self, live: bool) -> Found {
        let left = self.sum(live)?;
        let Some(sign) = ["<=", ">=", "==", "!=", "<", ">"].into_iter().find(|sign| self.sign(sign)) else {
            return Ok(left);
        };
        let order = match (left, self.sum(live)?) {
            (Value::Word(left), Value::Word(right)) => Some(left.cmp(&right)),
            (Value::Nothing, _) | (_, Value::Nothing) => None,
            (left, right) => match (number(left)?, number(right)?) {
                (Some(left), Some(right)) => Some(left.compare(&right)),
                _ => None,
            },
        };
        let holds = |order: Ordering| match sign {
            "<=" => order != Ordering::Greater,
            ">=" => order != Ordering::Less,
            "==" => order == Ordering::Equal,
            "!=" => order != Ordering::Equal,
            "<" => order == Ordering::Less,
            _ => order == Ordering::Greater,
        };
        Ok(order.map_or(Value::Nothing, |order| Value::Truth(holds(order))))
    }

    fn sum(&mut self, live: bool) -> Found {
        let mut left = self.product(live)?;
        loop {
            let negative = if self.sign("+") {
                false
            } else if self.sign("-") {
                true
            } else {
                return Ok(left);
            };
            let right = self.product(live)?;
            left = joined(left, right, |left, right| {
                Some(if negative { left.plus(&right.negated()) } else { left.plus(right) })
            })?;
        }
    }

    fn product(&mut self, live: bool) -> Found {
        let mut left = self.signed(live)?;
        loop {
            left = if self.sign("*") {
                let right = self.signed(live)?;
                joined(left, right, |left, right| Some(left.times(right)))?
            } else if self.sign("/") {
                let right = self.signed(live)?;
                joined(left, right, Fraction::divided)?
            } else {
                return Ok(left);
            };
        }
    }

    fn signed(&mut self, live: bool) -> Found {
        if !self.sign("-") {
            return self.primary(live);
        }
        let value = number(self.signed(live)?)?;
        Ok(value.map_or(Value::Nothing, |value| Value::Number(Number(value.negated()))))
    }

    fn primary(&mut self, live: bool) -> Found {
        if self.sign("(") {
            let value = self.expression(live)?;
            self.needs(")")?;
            return Ok(value);
        }
        for quote in ["'", "\""] {
            if self.sign(quote) {
                let (word, rest) = self.rest.split_once(quote).ok_or("a word without an end")?;
                self.rest = rest;
                return Ok(if live { Value::Word(word.to_owned()) } else { Value::Nothing });
            }
        }
        let name = self.name_ahead().to_owned();
        if name.is_empty() {
            return self.literal(live);
        }
        self.rest = &self.rest[name.len()..];
        if self.sign("(") {
            return self.call(&name, live);
        }
        let value = self.names.get(&name).cloned().ok_or_else(|| format!("{name:?} stands for nothing"))?;
        Ok(if live { value } else { Value::Nothing })
    }

    fn literal(&mut self, live: bool) -> Found {
        let end = self.rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_'))).unwrap_or(self.rest.len());
        let written = self.rest[..end].replace('_', "");
        self.rest = &self.rest[end..];
        let (whole, part) = written.split_once('.').unwrap_or((&written, ""));
        let digits = format!("{whole}{part}").parse().map_err(|_| format!("{written:?} is no number"))?;
        let places = u32::try_from(part.len()).map_err(|_| "too many decimals")?;
        Ok(if live { Value::Number(Number(Fraction::decimal(digits, places))) } else { Value::Nothing })
    }

    fn call(&mut self, name: &str, live: bool) -> Found {
        let mut given = vec![self.expression(live)?];
        while self.sign(",") {
            given.push(self.expression(live)?);
        }
        self.needs(")")?;
        let mut numbers = Vec::new();
        for value in given {
            match number(value)? {
                Some(number) => numbers.push(number),
                None if live => return Err("nothing where something is computed".to_owned()),
                None => {}
            }
        }
        if !live {
            return Ok(Value::Nothing);
        }
        let mut numbers = numbers.into_iter();
        let mut first = numbers.next().ok_or("a call of nothing")?;
        let rounding = match name {
            "min" | "max" => {
                let wanted = if name == "min" { Ordering::Less } else { Ordering::Greater };
                for other in numbers {
                    if other.compare(&first) == wanted {
                        first = other;
                    }
                }
                return Ok(Value::Number(Number(first)));
            }
            "ceil" | "floor" => name,
            "round" => "half_away",
            _ => return Err(format!("there is no function {name:?}")),
        };
        let places = numbers.next().map_or(Some(0), |places| places.millionths());
        let places = places.and_then(|places| u32::try_from(places / 1_000_000).ok()).ok_or("no number of decimals")?;
        Ok(Number(first).rounded(rounding, places).map_or(Value::Nothing, Value::Number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, millionths: i128) {
        let names = Names::from([
            ("x".to_owned(), Value::Number(Number::decimal(25, 1))),
            ("quality".to_owned(), Value::Word("final".to_owned())),
        ]);
        let found = match value(text, &names) {
            Ok(Value::Number(number)) => number.millionths(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(found, Some(millionths), "{text}");
    }

    /// The examples of `docs/catalog.md`, and what binds how.
    #[test]
    fn formulas_are_computed_as_on_paper() {
        check("2 + 10 * 4 + 3 * 4 * 2", 66_000_000);
        check("1 - 2 - 3", -4_000_000);
        check("-x * 2 / 5", -1_000_000);
        check("1 / 3 * 3", 1_000_000);
        check("if quality == 'final' then 1 else 1 / 0", 1_000_000);
        check("if x > 2 and not x > 3 or x == 9 then 1_000.5 else 0", 1_000_500_000);
        check("min(3, max(x, 2), 9) + ceil(x) + floor(x) + round(x)", 10_500_000);
        check("round(1 / 3, 2) + round(-x)", -2_670_000);
        check("if x > 2 then 1 else if quality == 'final' then 1 / 0 else 3", 1_000_000);
        check("if quality != \"final\" then 1 else if x <= 2.5 then 2 else 3", 2_000_000);
    }

    #[test]
    fn what_rounds_is_seen() {
        for (text, expected) in
            [("round (x)", true), ("x + 1", false), ("if q == 'ceil(' then 1 else 2", false), ("ceilx(1)", false)]
        {
            assert_eq!(rounds(text), expected, "{text}");
        }
    }
}
