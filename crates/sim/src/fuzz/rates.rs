//! Fuzzing of the rate language: what the core accepts has the price that a slow, exact reader computes.
//!
//! An input is a few lines: the formula, a `let`, a multiplier with its condition, a rounding. Half of them are made by a
//! grammar, half are changed examples.

use scrip_core::amount::Credits;
use scrip_core::catalog::{Format, read};
use scrip_core::id::MeasureId;
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::rate::Rate;

use super::exact::{Names, Number, Value, rounds, value};
use super::mutate::Material;
use super::{Target, Verdict, corpus};
use crate::prng::Prng;

const WORDS: &[&str] = &[
    "x",
    "y",
    "s",
    "q",
    "part",
    "if ",
    " then ",
    " else ",
    " and ",
    " or ",
    "not ",
    "min(",
    "max(",
    "ceil(",
    "floor(",
    "round(",
    ")",
    "(",
    ",",
    "+",
    "-",
    "*",
    "/",
    "<",
    "<=",
    ">",
    ">=",
    "==",
    "!=",
    "'final'",
    "\"draft\"",
    "0.5",
    "1_000",
    ".",
    "0",
    "2",
    "half_even 2",
    "exact 0",
    "floor 6",
    "max(0, ",
];

/// The rate language.
pub struct Rates {
    examples: Vec<Vec<u8>>,
}

impl Rates {
    /// With the examples of the repository.
    pub fn new() -> Rates {
        Rates { examples: corpus::files("rates") }
    }
}

impl Default for Rates {
    fn default() -> Rates {
        Rates::new()
    }
}

/// The lines of an input.
struct Lines<'a> {
    formula: &'a str,
    part: &'a str,
    times: &'a str,
    when: &'a str,
    round: &'a str,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Lines<'a> {
        let mut lines = text.split('\n').map(str::trim);
        let mut next = || lines.next().unwrap_or("");
        Lines { formula: next(), part: next(), times: next(), when: next(), round: next() }
    }

    /// How it is rounded, if that is said.
    fn rounding(&self) -> Option<(&'a str, u32)> {
        let (name, places) = self.round.split_once(' ')?;
        Some((name, places.trim().parse().ok()?))
    }

    fn catalog(&self) -> String {
        let mut rate = format!("formula = {}\n", quoted(self.formula));
        if !self.times.is_empty() {
            let when = if self.when.is_empty() { String::new() } else { format!(", when = {}", quoted(self.when)) };
            rate += &format!("multipliers = [{{ name = \"M\", times = {}{when} }}]\n", quoted(self.times));
        }
        if let Some((name, places)) = self.rounding() {
            rate += &format!("round = {}\nto = {places}\n", quoted(name));
        }
        if !self.part.is_empty() {
            rate += &format!("let.part = {}\n", quoted(self.part));
        }
        format!(
            "studio = \"s\"\nname = \"S\"\n[tools.t]\nname = \"T\"\n[tools.t.measures]\n\
             x = {{ allowed = [1, 2, 4], default = 2 }}\ny = {{ min = 0, max = 20, default = 1.5 }}\n\
             s = {{ min = 0, max = 600, step = 1 }}\nq = {{ allowed = [\"draft\", \"final\"], default = \"draft\" }}\n\
             [tools.t.rate]\n{rate}"
        )
    }
}

/// A TOML text.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out += &format!("\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out + "\""
}

/// Values of the measures: `x`; `y` and `s` in thousandths; whether `q` is final.
#[derive(Clone, Copy, Debug)]
struct Given {
    x: i64,
    y: i64,
    s: i64,
    is_final: bool,
}

impl Given {
    /// By chance, mostly at an end of what is allowed.
    fn any(prng: &mut Prng) -> Given {
        let ends = |prng: &mut Prng, most: i64| match prng.below(4) {
            0 => 0,
            1 => most,
            2 => prng.between(0, most / 1_000) * 1_000,
            _ => prng.between(0, most),
        };
        let (y, s) = (ends(prng, 20_000), ends(prng, 600_000));
        Given { x: *prng.pick(&[1, 2, 4]), y, s, is_final: prng.one_in(2) }
    }

    fn word(self) -> &'static str {
        if self.is_final { "final" } else { "draft" }
    }

    fn measures(self) -> Measures {
        let thousandths = |value: i64| MeasureValue::Number(Decimal::new(i128::from(value), 3));
        let mut measures = Measures::none();
        for (name, value) in [
            ("x", MeasureValue::Number(Decimal::whole(self.x))),
            ("y", thousandths(self.y)),
            ("s", thousandths(self.s)),
            ("q", MeasureValue::Word(self.word().into())),
        ] {
            assert!(measures.insert(MeasureId::parse(name).expect("a name"), value));
        }
        measures
    }

    /// As a formula sees it: a second that was begun counts.
    fn names(self) -> Names {
        let number = |digits: i64, places| Value::Number(Number::decimal(i128::from(digits), places));
        Names::from([
            ("x".to_owned(), number(self.x, 0)),
            ("y".to_owned(), number(self.y, 3)),
            ("s".to_owned(), number((self.s + 999) / 1_000, 0)),
            ("q".to_owned(), Value::Word(self.word().to_owned())),
        ])
    }
}

/// The price in millionths, slowly.
fn exactly(lines: &Lines<'_>, given: Given) -> Result<i128, String> {
    let mut names = given.names();
    let number = |text: &str, names: &Names| match value(text, names)? {
        Value::Number(number) => Ok(number),
        other => Err(format!("{text:?} is {other:?}")),
    };
    if !lines.part.is_empty() {
        let part = number(lines.part, &names)?;
        names.insert("part".to_owned(), Value::Number(part));
    }
    let mut price = number(lines.formula, &names)?;
    if !lines.times.is_empty() {
        let applies = match lines.when {
            "" => true,
            when => matches!(value(when, &names)?, Value::Truth(true)),
        };
        if applies {
            price = price.times(&number(lines.times, &names)?);
        }
    }
    let texts = [lines.formula, lines.part, lines.times, lines.when];
    let rounding = match lines.rounding() {
        None if texts.into_iter().any(rounds) => ("exact", 0),
        None => ("half_away", 0),
        Some(rounding) => rounding,
    };
    let price = price.rounded(rounding.0, rounding.1).unwrap_or(price);
    price.millionths().ok_or_else(|| "it is finer than a millionth".to_owned())
}

/// What is left of some credits is affordable, and one second more is not.
fn left(rate: &Rate, prng: &mut Prng) -> Result<(), String> {
    let available = Credits::whole(prng.between(0, 5_000));
    let Some(left) = rate.left(available) else { return Ok(()) };
    let price = |seconds: i128| {
        let mut measures = Measures::none();
        assert!(
            measures.insert(MeasureId::parse("s").expect("a name"), MeasureValue::Number(Decimal::new(seconds, 0)))
        );
        rate.price(&measures).map_err(|refused| format!("no price for {seconds} s: {refused:?}"))
    };
    let longest = left.quantity.mantissa();
    if left.quantity.scale() != 0 {
        return Err(format!("{available} are worth {} {}, of which there are no parts", left.quantity, left.unit));
    }
    let some = i128::from(prng.between(0, 600));
    if longest > 0 && (price(longest)? > available || some <= longest && price(some)? > available) {
        return Err(format!("{available} do not buy the {longest} s, or {some} of them"));
    }
    if left.at_limit != (longest == 600) && longest != 0
        || longest < 600 && price(longest + 1)? <= available && longest > 0
    {
        return Err(format!("{available} buy more than {longest} s"));
    }
    Ok(())
}

impl Target for Rates {
    fn name(&self) -> &'static str {
        "rates"
    }

    fn input(&self, prng: &mut Prng) -> Vec<u8> {
        let material = Material { examples: &self.examples, words: WORDS };
        if prng.one_in(2) {
            return material.mutated(prng);
        }
        let part = if prng.one_in(2) { number_of(prng, 2, false) } else { String::new() };
        let mut lines = vec![number_of(prng, 4, !part.is_empty()), part, String::new(), String::new()];
        if prng.one_in(3) {
            lines[2] = number_of(prng, 1, false);
            lines[3] = if prng.one_in(2) { condition(prng, 1, false) } else { String::new() };
        }
        let names = ["half_away", "half_even", "ceil", "floor", "exact"];
        lines.push(if prng.one_in(3) { format!("{} {}", prng.pick(&names), prng.below(7)) } else { String::new() });
        let mut input = lines.join("\n").into_bytes();
        if prng.one_in(8) {
            material.mutate(prng, &mut input);
        }
        input
    }

    fn run(&self, input: &[u8]) -> Result<Verdict, String> {
        let text = String::from_utf8_lossy(input);
        let lines = Lines::of(&text);
        let Ok(catalog) = read(&lines.catalog(), Format::Toml) else { return Ok(Verdict::Refused) };
        let rate = &catalog.tools[0].rate;
        let mut prng = Prng::new(u64::try_from(input.len()).expect("a length"));
        for _ in 0..6 {
            let given = Given::any(&mut prng);
            let measures = given.measures();
            let price = rate.price(&measures).map_err(|refused| format!("{given:?} has no price: {refused:?}"))?;
            let quote = rate.quote(&measures).map_err(|refused| format!("{given:?} has no quote: {refused:?}"))?;
            let exact = exactly(&lines, given).map_err(|why| format!("{given:?} costs {price}, but {why}"))?;
            if i128::from(price.millionths()) != exact {
                return Err(format!("{given:?} costs {price} credits and exactly {exact} millionths"));
            }
            if quote.credits != price || quote.lines.iter().map(|line| line.credits).sum::<Credits>() != price {
                return Err(format!("{given:?} costs {price}, and its quote says {quote:?}"));
            }
        }
        left(rate, &mut prng)?;
        Ok(Verdict::Taken)
    }
}

/// A formula that gives a number.
fn number_of(prng: &mut Prng, depth: u32, part: bool) -> String {
    if depth == 0 || prng.one_in(5) {
        return match prng.below(8) {
            0 => "x".to_owned(),
            1 => "y".to_owned(),
            2 | 3 => "s".to_owned(),
            4 if part => "part".to_owned(),
            5 => format!("{}.{}", prng.below(20), prng.below(1_000)),
            _ => prng.below(30).to_string(),
        };
    }
    let depth = depth - 1;
    let inner = |prng: &mut Prng| number_of(prng, depth, part);
    let (one, other) = (inner(prng), inner(prng));
    match prng.below(14) {
        0..=2 => format!("{one} + {other}"),
        3 => format!("{one} - {other}"),
        4 | 5 => format!("({one}) * {other}"),
        6 => format!("{one} * ({other})"),
        7 => format!("({one}) / ({other} + 1)"),
        8 => format!("max({one}, {other}, 0)"),
        9 => format!("min({one}, {other})"),
        10 => format!("(if {} then {one} else {other})", condition(prng, depth, part)),
        11 => format!("{}({one}{})", prng.pick(&["ceil", "floor", "round"]), prng.pick(&["", "", ", 2"])),
        12 => format!("max(0, {one} - {other})"),
        _ => format!("-({one}) + {other}"),
    }
}

/// A formula that holds or does not.
fn condition(prng: &mut Prng, depth: u32, part: bool) -> String {
    if depth > 0 && prng.one_in(3) {
        let (one, other) = (condition(prng, depth - 1, part), condition(prng, depth - 1, part));
        return match prng.below(3) {
            0 => format!("{one} and {other}"),
            1 => format!("{one} or {other}"),
            _ => format!("not ({one})"),
        };
    }
    if prng.one_in(3) {
        return format!("q {} '{}'", prng.pick(&["==", "!="]), prng.pick(&["draft", "final"]));
    }
    let (one, other) = (number_of(prng, depth.min(1), part), number_of(prng, depth.min(1), part));
    format!("{one} {} {other}", prng.pick(&["<", "<=", ">", ">=", "==", "!="]))
}
