//! The rate of a tool, read from its catalog (R4–R6).
//!
//! Apart from the rate language, which knows no documents: here every text of a rate has its
//! place, so that what is wrong with a formula is said with its line and column.

use crate::catalog::CatalogError;
use crate::catalog::document::{Entry, Item, Source, Value};
use crate::catalog::fields::{self, Fields};
use crate::catalog::measures;
use crate::id::MeasureId;
use crate::measure::{Decimal, Measures};
use crate::rate::check::Checker;
use crate::rate::domain::Declared;
use crate::rate::program::NodeId;
use crate::rate::prove::Effort;
use crate::rate::ratio::Ratio;
use crate::rate::rounding::Rounding;
use crate::rate::terms::{self, Factor, RoundingTerms, Terms};
use crate::rate::{Example, Fault, Rate, RoundTo, Shape};
use crate::rejection::Rejection;

use super::lookups;

/// The most multipliers of a rate: each makes the price a step deeper, and every depth is bounded.
const MULTIPLIERS_MAX: usize = 50;

/// Reads, checks and proves a rate, and runs its examples.
pub(super) fn read(
    source: Source<'_>,
    item: &Item,
    measures: Vec<Declared>,
    effort: &mut Effort,
) -> Result<Rate, CatalogError> {
    let fields = Fields::of(
        source,
        item,
        "a rate",
        &[
            "flat",
            "per",
            "credits",
            "formula",
            "let",
            "multipliers",
            "minimum",
            "maximum",
            "round",
            "to",
            "count",
            "examples",
        ],
    )?;
    let mut reader = Reader { source, checker: Checker::new(measures), places: Vec::new() };
    if let Some(lets) = fields.optional("let") {
        for entry in fields::named(source, &lets.item, "let")? {
            lookups::read_let(&mut reader, entry)?;
        }
    }
    let (shape, body, counted) = reader.body(&fields)?;
    let multipliers = match fields.optional("multipliers") {
        Some(entry) => reader.multipliers(&entry.item)?,
        None => Vec::new(),
    };
    let minimum = reader.limit(&fields, "minimum")?;
    let maximum = reader.limit(&fields, "maximum")?;
    let rounding = rounding(&fields)?;
    let counted = match fields.optional("count") {
        Some(entry) => Some(reader.counted(&entry.item)?),
        None => counted,
    };
    let examples = fields.optional("examples");
    let terms = Terms { shape, body, multipliers, minimum, maximum, rounding, counted };
    let Reader { checker, places, .. } = reader;
    let rate = terms::assemble(checker, terms, effort).map_err(|fault| place(source, &places, fault))?;
    match examples {
        Some(entry) => with_examples(source, &entry.item, rate),
        None => Ok(rate),
    }
}

/// A rate while it is read.
pub(super) struct Reader<'a> {
    pub(super) source: Source<'a>,
    pub(super) checker: Checker,
    /// Where each text that the checker was given stands.
    places: Vec<&'a Item>,
}

fn place(source: Source<'_>, places: &[&Item], fault: Fault) -> CatalogError {
    let at = places.get(fault.source).map_or(0, |item| source.place_within(item, fault.at.start));
    source.error(at, fault.message)
}

impl<'a> Reader<'a> {
    /// Gives the checker one text of the document.
    pub(super) fn check<T>(
        &mut self,
        item: &'a Item,
        check: impl FnOnce(&mut Checker) -> Result<T, Fault>,
    ) -> Result<T, CatalogError> {
        self.places.push(item);
        check(&mut self.checker).map_err(|fault| place(self.source, &self.places, fault))
    }

    /// Gives a value a name.
    pub(super) fn bind(
        &mut self,
        entry: &Entry,
        unit: Option<crate::rate::unit::Unit>,
        value: NodeId,
    ) -> Result<(), CatalogError> {
        let bound = self.checker.bind(&entry.key, unit, value);
        bound.map_err(|fault| self.source.error(entry.key_at.start, fault.message))
    }

    fn body(&mut self, fields: &Fields<'a>) -> Result<(Shape, NodeId, Option<usize>), CatalogError> {
        let (flat, per, formula) = (fields.optional("flat"), fields.optional("per"), fields.optional("formula"));
        if per.is_none() && (flat.is_some() || formula.is_some()) {
            fields.refuse(&["credits"], "it goes with per")?;
        }
        match (flat, per, formula) {
            (Some(flat), None, None) => {
                let credits = self.not_negative(&flat.item, "flat")?;
                let body = self.constant(&flat.item, credits)?;
                Ok((Shape::Flat { credits }, body, None))
            }
            (None, Some(per), None) => self.per_unit(fields, &per.item),
            (None, None, Some(formula)) => {
                let text = fields::text(self.source, &formula.item, "formula")?;
                let body = self.check(&formula.item, |checker| checker.formula(text))?;
                Ok((Shape::Formula { text: text.into() }, body, None))
            }
            (_, _, _) => Err(fields.error_here(
                "expected one of flat = 20, per = \"seconds\" with credits = 20, or formula = \"2 + 10 * megapixels\"",
            )),
        }
    }

    fn per_unit(&mut self, fields: &Fields<'a>, per: &'a Item) -> Result<(Shape, NodeId, Option<usize>), CatalogError> {
        let name = fields::text(self.source, per, "per")?;
        let credits = &fields.required("credits")?.item;
        let price = self.not_negative(credits, "credits")?;
        let quantity = self.check(per, |checker| checker.formula(name))?;
        let Some((place, _)) = self.checker.measure(name) else {
            let known = self.checker.measures.iter().map(|measure| measure.id.as_str()).collect::<Vec<_>>().join(", ");
            let message = format!("{name:?} is not a measure of this tool; its measures: {known}");
            return Err(self.source.error(per.at.start, message));
        };
        let price_node = self.constant(credits, price)?;
        let product = crate::rate::program::Node::Multiply(quantity, price_node);
        let body = self.checker.push_beside(product, quantity);
        let body = body.map_err(|fault| self::place(self.source, &self.places, fault))?;
        let measure = self.checker.measures[place].id.clone();
        Ok((Shape::PerUnit { measure, credits: price }, body, Some(place)))
    }

    /// A plain number as a node.
    pub(super) fn constant(&mut self, item: &'a Item, value: Decimal) -> Result<NodeId, CatalogError> {
        self.check(item, |checker| checker.constant(Ratio::from(value), &value.to_string()))
    }

    /// A number that is not negative.
    pub(super) fn not_negative(&self, item: &Item, what: &str) -> Result<Decimal, CatalogError> {
        let value = fields::decimal(self.source, item, what)?;
        if value.mantissa() < 0 || value.scale() > 12 {
            let message = format!("expected {what} of 0 or more, with at most 12 decimals; found {value}");
            return Err(self.source.error(item.at.start, message));
        }
        Ok(value)
    }

    fn multipliers(&mut self, item: &'a Item) -> Result<Vec<Factor>, CatalogError> {
        let items = fields::list(self.source, item, "multipliers")?;
        if items.len() > MULTIPLIERS_MAX {
            return Err(self.source.error(item.at.start, format!("a rate has at most {MULTIPLIERS_MAX} multipliers")));
        }
        let mut factors = Vec::new();
        for item in items {
            let fields = Fields::of(self.source, item, "a multiplier", &["name", "times", "when"])?;
            let name = fields.name()?;
            let times = &fields.required("times")?.item;
            let times = match &times.value {
                Value::Text(text) => self.check(times, |checker| checker.formula(text))?,
                _ => {
                    let value = self.not_negative(times, "times")?;
                    self.constant(times, value)?
                }
            };
            let when = match fields.optional("when") {
                Some(entry) => {
                    let text = fields::text(self.source, &entry.item, "when")?;
                    Some(self.check(&entry.item, |checker| checker.condition(text))?)
                }
                None => None,
            };
            factors.push(Factor { name, when, times });
        }
        Ok(factors)
    }

    fn limit(&mut self, fields: &Fields<'a>, key: &'static str) -> Result<Option<Decimal>, CatalogError> {
        match fields.optional(key) {
            Some(entry) => {
                let credits = fields::credits(self.source, &entry.item, key)?;
                Ok(Some(Decimal::new(i128::from(credits.millionths()), 6)))
            }
            None => Ok(None),
        }
    }

    fn counted(&self, item: &Item) -> Result<usize, CatalogError> {
        let name = fields::text(self.source, item, "count")?;
        let found = self.checker.measure(name).filter(|(place, _)| self.checker.measures[*place].is_number());
        found.map(|(place, _)| place).ok_or_else(|| {
            self.source
                .error(item.at.start, format!("expected a measure of this tool that is a number, found {name:?}"))
        })
    }
}

fn rounding(fields: &Fields<'_>) -> Result<RoundingTerms, CatalogError> {
    let source = fields.source;
    let round = fields.optional("round");
    let to = fields.optional_whole("to", 0..=6)?;
    let decimals = to.map_or(0, |to| u8::try_from(to).unwrap_or(6));
    let named = |rounding| RoundingTerms::Named(RoundTo { rounding, decimals });
    let Some(entry) = round else {
        return Ok(if to.is_some() { named(Rounding::HalfAway) } else { RoundingTerms::Unsaid });
    };
    let word = fields::text(source, &entry.item, "round")?;
    match (word, Rounding::from_word(word), to) {
        ("exact", _, None) => Ok(RoundingTerms::Exact),
        ("exact", _, Some(_)) => Err(source.error(entry.item.at.start, "an exact price is not rounded to anything")),
        (_, Some(rounding), _) => Ok(named(rounding)),
        (_, None, _) => {
            let message = format!("expected half_away, half_even, ceil, floor or exact for round, found {word:?}");
            Err(source.error(entry.item.at.start, message))
        }
    }
}

/// Runs the examples (R6).
fn with_examples(source: Source<'_>, item: &Item, rate: Rate) -> Result<Rate, CatalogError> {
    let mut examples = Vec::new();
    for item in fields::list(source, item, "examples")? {
        let fields = Fields::of(source, item, "an example", &["given", "credits"])?;
        let given = match fields.optional("given") {
            Some(entry) => self::given(source, &entry.item)?,
            None => Measures::none(),
        };
        let expected = fields.required("credits")?;
        let expected_at = expected.item.at.start;
        let expected = fields::credits(source, &expected.item, "credits")?;
        match rate.price(&given) {
            Ok(credits) if credits == expected => examples.push(Example { given, credits }),
            Ok(credits) => {
                let message = format!("this example fails: expected {expected} credits, got {credits}");
                return Err(source.error(expected_at, message));
            }
            Err(Rejection::InvalidMeasure { measure, expected }) => {
                let message = format!("this example is refused: {measure} is {expected}");
                return Err(source.error(item.at.start, message));
            }
            Err(other) => return Err(source.error(item.at.start, format!("this example is refused: {other:?}"))),
        }
    }
    Ok(terms::with_examples(rate, examples))
}

fn given(source: Source<'_>, item: &Item) -> Result<Measures, CatalogError> {
    let mut measures = Measures::none();
    for entry in fields::named(source, item, "given")? {
        let name = MeasureId::parse(&entry.key)
            .map_err(|error| source.error(entry.key_at.start, format!("{:?}: {error}", entry.key)))?;
        let value = measures::value(source, &entry.item, &entry.key)?;
        if !measures.insert(name, value) {
            return Err(source.error(entry.key_at.start, format!("{:?} is given twice", entry.key)));
        }
    }
    Ok(measures)
}
