//! Fuzzing of catalog files, TOML and JSON: whatever is read is refused, or is a catalog of which every price can be had.

use scrip_core::amount::Credits;
use scrip_core::catalog::{Catalog, Format, diff, read};
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::rate::domain::{Declared, Values};

use super::mutate::Material;
use super::{Target, Verdict, corpus};
use crate::prng::Prng;

const WORDS: &[&str] = &[
    "studio = ",
    "name = ",
    "[tools.t]",
    "[plans.p]",
    "[packages.q]",
    "measures",
    "min",
    "max",
    "step",
    "decimals",
    "allowed",
    "default",
    "unit",
    "min_quantity",
    "rate",
    "flat",
    "per",
    "credits",
    "formula",
    "let",
    "by",
    "rows",
    "otherwise",
    "graduated",
    "volume",
    "bands",
    "up_to",
    "plus",
    "multipliers",
    "times",
    "when",
    "minimum",
    "maximum",
    "round",
    "to",
    "examples",
    "given",
    "count",
    "allowance",
    "term",
    "roll_over_cap",
    "price",
    "renews",
    "grace_days",
    "bonus",
    "expires_in_days",
    "needs_plan",
    "limit",
    "limit_per",
    "effective_from",
    "honoured_for",
    "claw_back",
    "= [",
    "= {",
    "]",
    "}",
    "\"",
    "'''",
    "2027-01-01T00:00:00Z",
    "true",
    "\"exact\"",
    "\"80.00 USD\"",
    "\u{feff}",
    "\\u0000",
    "{\"",
    "\":",
    ",",
    "#",
];

/// Catalog files.
pub struct Catalogs {
    examples: Vec<Vec<u8>>,
}

impl Catalogs {
    /// The shipped ones, those of the fixtures, and the corpus.
    pub fn new() -> Catalogs {
        let mut examples = corpus::files("catalogs");
        for path in
            ["catalogs/flow-studio.toml", "catalogs/studiotwin.toml", "fixtures/sales.toml", "fixtures/archive.toml"]
        {
            let path = corpus::repository(path);
            examples.push(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
        Catalogs { examples }
    }
}

impl Default for Catalogs {
    fn default() -> Catalogs {
        Catalogs::new()
    }
}

/// A value that a measure allows.
fn allowed(prng: &mut Prng, declared: &Declared) -> MeasureValue {
    match &declared.values {
        Values::Words(words) => MeasureValue::Word(prng.pick(words).as_ref().into()),
        Values::Numbers(numbers) => MeasureValue::Number(*prng.pick(numbers)),
        Values::Quantity(range) => match prng.below(3) {
            0 => MeasureValue::Number(range.min),
            1 => MeasureValue::Number(range.max),
            _ => {
                let (low, high) = (whole(range.min), whole(range.max));
                let between = if low < high { prng.between(low, high - 1) + 1 } else { high };
                MeasureValue::Number(Decimal::whole(between.clamp(low, high.max(low))))
            }
        },
    }
}

/// What is left of a number without its decimals.
fn whole(value: Decimal) -> i64 {
    let scale = 10_i128.pow(u32::from(value.scale()));
    i64::try_from(value.mantissa() / scale).expect("bounds are small")
}

/// Every tool has a price for what its measures allow, and the quote adds up to it.
fn prices(catalog: &Catalog, prng: &mut Prng) -> Result<(), String> {
    for tool in &catalog.tools {
        for _ in 0..3 {
            let mut measures = Measures::none();
            for declared in tool.rate.measures() {
                assert!(measures.insert(declared.id.clone(), allowed(prng, declared)));
            }
            let Ok(price) = tool.rate.price(&measures) else {
                // A number that is in bounds may still be none that is allowed: between two steps, or of too many decimals.
                continue;
            };
            let quote = tool.rate.quote(&measures).map_err(|refused| format!("{measures:?}: {refused:?}"))?;
            let sum = quote.lines.iter().map(|line| line.credits).sum::<Credits>();
            if price.is_negative() || quote.credits != price || sum != price {
                return Err(format!(
                    "{} costs {price} for {measures:?}, and its quote says {quote:?}",
                    tool.id.as_str()
                ));
            }
        }
        let left = tool.rate.left(Credits::whole(prng.between(0, 10_000)));
        if left.is_some_and(|left| left.quantity.mantissa() < 0) {
            return Err(format!("less than nothing is left of {}", tool.id.as_str()));
        }
    }
    Ok(())
}

impl Target for Catalogs {
    fn name(&self) -> &'static str {
        "catalogs"
    }

    fn input(&self, prng: &mut Prng) -> Vec<u8> {
        Material { examples: &self.examples, words: WORDS }.mutated(prng)
    }

    fn run(&self, input: &[u8]) -> Result<Verdict, String> {
        let text = String::from_utf8_lossy(input);
        let mut verdict = Verdict::Refused;
        for format in [Format::Toml, Format::Json] {
            let catalog = match read(&text, format) {
                Ok(catalog) => catalog,
                Err(error) => {
                    let lines = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
                    if error.line == 0 || error.line > lines {
                        return Err(format!("it is refused at line {} of {lines}", error.line));
                    }
                    continue;
                }
            };
            let again = read(&text, format).map_err(|error| format!("read twice, it is refused: {error}"))?;
            if again.digest != catalog.digest || !diff(&catalog, &again).is_empty() {
                return Err("read twice, it is two catalogs".to_owned());
            }
            prices(&catalog, &mut Prng::new(u64::try_from(input.len()).expect("a length")))?;
            verdict = Verdict::Taken;
        }
        Ok(verdict)
    }
}
