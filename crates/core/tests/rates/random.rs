//! Random formulas and random texts: prices against a slow, naive evaluator written apart from the
//! language; and no text makes the reader fail otherwise than by an error.

use proptest::prelude::*;
use scrip_core::amount::Credits;
use scrip_core::catalog::{Format, read};

use crate::{catalog, given};

/// A formula as the naive evaluator knows it.
#[derive(Clone, Debug)]
enum Naive {
    Number(i64, u32),
    X,
    Y,
    /// By two dimensions: the allowed values of `x` and `quality`.
    Cell,
    Add(Box<Naive>, Box<Naive>),
    Subtract(Box<Naive>, Box<Naive>),
    Multiply(Box<Naive>, Box<Naive>),
    Divide(Box<Naive>, Box<Naive>),
    Min(Box<Naive>, Box<Naive>),
    Max(Box<Naive>, Box<Naive>),
    If(Box<Naive>, &'static str, Box<Naive>, Box<Naive>, Box<Naive>),
    IfFinal(Box<Naive>, Box<Naive>),
}

/// A fraction in lowest terms, over numbers that are wide enough for these small formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fraction(i128, i128);

impl Fraction {
    fn new(over: i128, under: i128) -> Option<Fraction> {
        let mut divisor = (over.abs(), under.abs());
        while divisor.1 != 0 {
            divisor = (divisor.1, divisor.0 % divisor.1);
        }
        let sign = under.signum();
        (under != 0).then(|| Fraction(sign * over / divisor.0, sign * under / divisor.0))
    }

    fn less(self, other: Fraction) -> Option<bool> {
        Some(self.0.checked_mul(other.1)? < other.0.checked_mul(self.1)?)
    }

    fn add(self, other: Fraction) -> Option<Fraction> {
        let over = self.0.checked_mul(other.1)?.checked_add(other.0.checked_mul(self.1)?)?;
        Fraction::new(over, self.1.checked_mul(other.1)?)
    }

    fn multiply(self, other: Fraction) -> Option<Fraction> {
        Fraction::new(self.0.checked_mul(other.0)?, self.1.checked_mul(other.1)?)
    }

    /// To a whole number, a half away from zero: by counting, not by dividing.
    fn rounded(self) -> i128 {
        let twice = Fraction(2 * self.0.abs() + self.1, 2 * self.1);
        self.0.signum() * (twice.0 / twice.1)
    }
}

#[derive(Clone, Copy, Debug)]
struct Inputs {
    x: i64,
    /// In thousandths.
    y: i64,
    is_final: bool,
}

impl Naive {
    fn text(&self) -> String {
        match self {
            Naive::Number(digits, places) => Fraction::decimal(*digits, *places),
            Naive::X => "x".to_owned(),
            Naive::Y => "y".to_owned(),
            Naive::Cell => "cell".to_owned(),
            Naive::Add(a, b) => format!("({} + {})", a.text(), b.text()),
            Naive::Subtract(a, b) => format!("({} - {})", a.text(), b.text()),
            Naive::Multiply(a, b) => format!("({} * {})", a.text(), b.text()),
            Naive::Divide(a, b) => format!("({} / {})", a.text(), b.text()),
            Naive::Min(a, b) => format!("min({}, {})", a.text(), b.text()),
            Naive::Max(a, b) => format!("max({}, {})", a.text(), b.text()),
            Naive::If(a, sign, b, yes, no) => {
                format!("(if {} {sign} {} then {} else {})", a.text(), b.text(), yes.text(), no.text())
            }
            Naive::IfFinal(yes, no) => format!("(if quality == 'final' then {} else {})", yes.text(), no.text()),
        }
    }

    fn value(&self, inputs: Inputs) -> Option<Fraction> {
        match self {
            Naive::Number(digits, places) => Fraction::new(i128::from(*digits), 10_i128.pow(*places)),
            Naive::X => Fraction::new(i128::from(inputs.x), 1),
            Naive::Y => Fraction::new(i128::from(inputs.y), 1_000),
            Naive::Cell => Fraction::new(i128::from(inputs.x * 3 + i64::from(inputs.is_final)), 2),
            Naive::Add(a, b) => a.value(inputs)?.add(b.value(inputs)?),
            Naive::Subtract(a, b) => {
                let Fraction(over, under) = b.value(inputs)?;
                a.value(inputs)?.add(Fraction(-over, under))
            }
            Naive::Multiply(a, b) => a.value(inputs)?.multiply(b.value(inputs)?),
            Naive::Divide(a, b) => {
                let Fraction(over, under) = b.value(inputs)?;
                a.value(inputs)?.multiply(Fraction::new(under, over)?)
            }
            Naive::Min(a, b) | Naive::Max(a, b) => {
                let (a, b) = (a.value(inputs)?, b.value(inputs)?);
                let smaller_first = a.less(b)? == matches!(self, Naive::Min(..));
                Some(if smaller_first { a } else { b })
            }
            Naive::If(a, sign, b, yes, no) => {
                let (a, b) = (a.value(inputs)?, b.value(inputs)?);
                let holds = match *sign {
                    "<" => a.less(b)?,
                    ">=" => !a.less(b)?,
                    "==" => a == b,
                    other => panic!("no sign {other}"),
                };
                if holds { yes.value(inputs) } else { no.value(inputs) }
            }
            Naive::IfFinal(yes, no) => {
                if inputs.is_final {
                    yes.value(inputs)
                } else {
                    no.value(inputs)
                }
            }
        }
    }
}

impl Fraction {
    fn decimal(digits: i64, places: u32) -> String {
        let scale = 10_i64.pow(places);
        format!("{}.{:0>width$}", digits / scale, digits % scale, width = usize::try_from(places).unwrap().max(1))
    }
}

fn formulas() -> impl Strategy<Value = Naive> {
    let leaf = prop_oneof![
        (0_i64..200, 0_u32..4).prop_map(|(digits, places)| Naive::Number(digits, places)),
        Just(Naive::X),
        Just(Naive::Y),
        Just(Naive::Cell),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let pair = || (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            3 => pair().prop_map(|(a, b)| Naive::Add(a, b)),
            1 => pair().prop_map(|(a, b)| Naive::Subtract(a, b)),
            3 => pair().prop_map(|(a, b)| Naive::Multiply(a, b)),
            1 => pair().prop_map(|(a, b)| Naive::Divide(a, b)),
            1 => pair().prop_map(|(a, b)| Naive::Min(a, b)),
            2 => pair().prop_map(|(a, b)| Naive::Max(a, b)),
            1 => (pair(), prop_oneof![Just("<"), Just(">="), Just("==")], pair())
                .prop_map(|((a, b), sign, (yes, no))| Naive::If(a, sign, b, yes, no)),
            1 => pair().prop_map(|(yes, no)| Naive::IfFinal(yes, no)),
        ]
    })
}

fn tool(formula: &str) -> String {
    format!(
        "measures.x = {{ allowed = [1, 2, 4] }}
         measures.y = {{ min = 0, max = 20 }}
         measures.quality = {{ allowed = [\"draft\", \"final\"] }}
         [tools.t.rate]
         let.cell = {{ by = [\"x\", \"quality\"], rows = [[1, \"draft\", 1.5], [1, \"final\", 2], [2, \"draft\", 3], \
         [2, \"final\", 3.5], [4, \"draft\", 6], [4, \"final\", 6.5]] }}
         formula = \"{formula}\""
    )
}

fn inputs() -> impl Strategy<Value = Inputs> {
    let x = prop_oneof![Just(1_i64), Just(2), Just(4)];
    let y = prop_oneof![0_i64..=20_000, (0_i64..=20).prop_map(|y| y * 1_000)];
    (x, y, any::<bool>()).prop_map(|(x, y, is_final)| Inputs { x, y, is_final })
}

fn price(rate: &scrip_core::rate::Rate, inputs: Inputs) -> Credits {
    let quality = if inputs.is_final { "final" } else { "draft" };
    let text = format!("x={} y={} quality={quality}", inputs.x, Fraction::decimal(inputs.y, 3));
    let measures = given(&text);
    let (price, quote) = (rate.price(&measures).unwrap(), rate.quote(&measures).unwrap());
    assert_eq!(quote.credits, price);
    assert_eq!(quote.lines.iter().map(|line| line.credits).sum::<Credits>(), price, "{quote:?}");
    price
}

/// Formulas that were accepted and refused: both must happen, or the test would say nothing.
#[test]
fn prices_agree_with_the_naive_evaluator() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(600));
    let (accepted, refused) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let strategy = (formulas(), proptest::collection::vec(inputs(), 12));
    runner
        .run(&strategy, |(formula, inputs)| {
            match catalog(&tool(&formula.text())) {
                Ok(catalog) => {
                    accepted.set(accepted.get() + 1);
                    for inputs in inputs {
                        // What was accepted has a price everywhere, and it is this one.
                        let value = formula.value(inputs).expect("proved").rounded();
                        prop_assert_eq!(
                            i128::from(price(&catalog.tools[0].rate, inputs).millionths()),
                            value * 1_000_000
                        );
                        prop_assert!(value >= 0);
                    }
                }
                Err(error) => {
                    refused.set(refused.get() + 1);
                    let message = error.message;
                    let known = ["negative", "divisor", "more than 8000000000", "beyond what", "too often"];
                    prop_assert!(known.iter().any(|known| message.contains(known)), "{}", message);
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(accepted.get() > 200 && refused.get() > 30, "{} accepted, {} refused", accepted.get(), refused.get());
}

/// What is refused as surely negative or divided by zero is so: the naive evaluator finds it at the input that is named.
#[test]
fn refusals_name_an_input_that_is_really_wrong() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(600));
    let named = std::cell::Cell::new(0);
    runner
        .run(&formulas(), |formula| {
            let Err(error) = catalog(&tool(&formula.text())) else { return Ok(()) };
            let Some((_, rest)) = error.message.split_once("is negative for ") else { return Ok(()) };
            let (given, _) = rest.split_once(" because").unwrap();
            let value = |name: &str, otherwise: &str| {
                let found = given.split(", ").find_map(|part| part.strip_prefix(&format!("{name} = ")));
                found.unwrap_or(otherwise).to_owned()
            };
            named.set(named.get() + 1);
            let thousandths = value("y", "0").parse::<scrip_core::amount::Credits>().unwrap().millionths() / 1_000;
            let inputs = Inputs {
                x: value("x", "1").parse().unwrap(),
                y: thousandths,
                is_final: value("quality", "draft") == "final",
            };
            prop_assert!(formula.value(inputs).unwrap().rounded() < 0, "{} at {given}", formula.text());
            Ok(())
        })
        .unwrap();
    assert!(named.get() > 10, "{} named", named.get());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,80}") {
        let _ = read(&text, Format::Toml);
        let _ = read(&text, Format::Json);
        let _ = catalog(&format!("measures.x = {{ min = 0, max = 9 }}\nrate.formula = '''{text}'''"));
    }

    #[test]
    fn no_heap_of_words_breaks_the_language(words in proptest::collection::vec(
        prop_oneof![
            Just("("), Just(")"), Just("if"), Just("then"), Just("else"), Just("x"), Just("1"), Just("0.5"), Just("+"),
            Just("-"), Just("*"), Just("/"), Just("<"), Just("=="), Just("and"), Just("not"), Just("min("), Just(","),
            Just("floor("), Just("'a'"), Just("q"),
        ], 0..40))
    {
        let formula = words.join(" ");
        let tool = format!("measures.x = {{ min = 0, max = 9 }}\nmeasures.q = {{ allowed = ['a', 'b'] }}\nrate.formula = \"{formula}\"");
        let _ = catalog(&tool);
    }

    #[test]
    fn no_cut_or_changed_catalog_breaks_the_reader(at in 0_usize..6_000, byte in any::<char>()) {
        let text = include_str!("../../../../catalogs/studiotwin.toml");
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let _ = read(&text[..at], Format::Toml);
        let _ = read(&format!("{}{byte}{}", &text[..at], &text[at..]), Format::Toml);
    }
}
