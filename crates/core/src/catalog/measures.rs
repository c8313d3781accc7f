//! The measures of a tool, read from its catalog (R4, R5).
//!
//! Apart from the rate because bounds and grids are settled before any formula is looked at. A
//! number without bounds is refused.

use crate::catalog::CatalogError;
use crate::catalog::document::{Entry, Item, Source, Value};
use crate::catalog::fields::{self, Fields};
use crate::id::MeasureId;
use crate::measure::{Decimal, MeasureValue};
use crate::rate::domain::{BOUND_MAX, Declared, Quantity, Values};
use crate::rate::program::MEASURES_MAX;
use crate::rate::unit::Unit;

/// The most values that a measure may list.
const ALLOWED_MAX: usize = 200;

/// Reads all measures of a tool.
pub(super) fn read(source: Source<'_>, item: &Item) -> Result<Vec<Declared>, CatalogError> {
    let entries = fields::named(source, item, "measures")?;
    if entries.len() > MEASURES_MAX {
        return Err(source.error(item.at.start, format!("a tool has at most {MEASURES_MAX} measures")));
    }
    entries.iter().map(|entry| measure(source, entry)).collect()
}

fn measure(source: Source<'_>, entry: &Entry) -> Result<Declared, CatalogError> {
    let id = MeasureId::parse(&entry.key).map_err(|error| {
        source.error(entry.key_at.start, format!("{:?} is not a name for a measure: {error}", entry.key))
    })?;
    let fields = Fields::of(
        source,
        &entry.item,
        format!("the measure {id}"),
        &["unit", "min", "max", "decimals", "step", "min_quantity", "default", "allowed"],
    )?;
    let unit = match fields.optional("unit") {
        Some(unit) => Some(read_unit(source, &unit.item)?),
        None => Unit::named(id.as_str()),
    };
    let values = match fields.optional("allowed") {
        Some(allowed) => {
            fields.refuse(&["min", "max", "decimals", "step", "min_quantity"], "its values are listed")?;
            self::allowed(source, &allowed.item)?
        }
        None => Values::Quantity(quantity(&fields, &id)?),
    };
    let default = fields.optional("default");
    let mut declared = Declared { id, unit, default: None, values };
    if let Some(entry) = default {
        let default = value(source, &entry.item, "default")?;
        if declared.seen(Some(&default)).is_err() {
            let message = format!("the default of {} is not accepted: expected {}", declared.id, declared.expected());
            return Err(source.error(entry.item.at.start, message));
        }
        declared.default = Some(default);
    }
    Ok(declared)
}

/// A value as a caller would give it: a number or a word.
pub(super) fn value(source: Source<'_>, item: &Item, what: &str) -> Result<MeasureValue, CatalogError> {
    match &item.value {
        Value::Text(word) => Ok(MeasureValue::Word((&**word).into())),
        Value::Number(_) => fields::decimal(source, item, what).map(MeasureValue::Number),
        Value::Truth(_) | Value::List(_) | Value::Table(_) | Value::Nothing => {
            let message = format!("expected a number or a word for {what}, found {}", item.value.kind());
            Err(source.error(item.at.start, message))
        }
    }
}

/// A unit by one of its words, or by its own words.
pub(super) fn read_unit(source: Source<'_>, item: &Item) -> Result<Unit, CatalogError> {
    if let Value::Text(word) = &item.value {
        return Unit::named(word).ok_or_else(|| {
            let known = Unit::known().collect::<Vec<_>>().join(", ");
            let message = format!(
                "{word:?} is not a unit that is known: {known}; another one is written {{ one = \"scene\", many = \
                 \"scenes\" }}"
            );
            source.error(item.at.start, message)
        });
    }
    let fields = Fields::of(source, item, "the unit", &["one", "many", "symbol"])?;
    let (one, many) = (fields.text("one")?.into(), fields.text("many")?.into());
    let symbol = fields.optional_text("symbol")?.map(Box::from);
    Ok(Unit { one, many, symbol })
}

fn allowed(source: Source<'_>, item: &Item) -> Result<Values, CatalogError> {
    let items = fields::list(source, item, "allowed")?;
    if items.is_empty() || items.len() > ALLOWED_MAX {
        return Err(source.error(item.at.start, format!("expected 1 to {ALLOWED_MAX} allowed values")));
    }
    let (mut numbers, mut words): (Vec<Decimal>, Vec<Box<str>>) = (Vec::new(), Vec::new());
    for item in items {
        let again = match value(source, item, "allowed")? {
            MeasureValue::Number(number) => {
                check_bound(source, item, number)?;
                let again = numbers.contains(&number);
                numbers.push(number);
                again
            }
            MeasureValue::Word(word) => {
                if word.is_empty() || word.len() > 64 || word.chars().any(char::is_control) {
                    return Err(source.error(item.at.start, "expected a word of 1 to 64 bytes"));
                }
                let again = words.iter().any(|other| **other == *word);
                words.push((&*word).into());
                again
            }
        };
        if again {
            return Err(source.error(item.at.start, "this value is allowed already"));
        }
    }
    match (numbers.is_empty(), words.is_empty()) {
        (false, true) => {
            numbers.sort_by_key(|number| crate::rate::ratio::Ratio::from(*number));
            Ok(Values::Numbers(numbers))
        }
        (true, false) => Ok(Values::Words(words)),
        (true, true) | (false, false) => {
            Err(source.error(item.at.start, "the allowed values are all numbers or all words"))
        }
    }
}

fn quantity(fields: &Fields<'_>, id: &MeasureId) -> Result<Quantity, CatalogError> {
    let source = fields.source;
    let (min, max) = (bound(fields, "min", id)?, bound(fields, "max", id)?);
    let step = match fields.optional("step") {
        Some(entry) if matches!(&entry.item.value, Value::Text(word) if **word == *"exact") => None,
        Some(entry) => Some((positive(source, &entry.item, "step")?, entry.item.at.start)),
        None => None,
    };
    let decimals = fields.optional_whole("decimals", 0..=6)?;
    let decimals = decimals.map(|decimals| u8::try_from(decimals).unwrap_or(6));
    let decimals = decimals.unwrap_or(match step {
        Some((step, _)) => step.scale(),
        None => 3,
    });
    let min_quantity = match fields.optional("min_quantity") {
        Some(entry) => Some((positive(source, &entry.item, "min_quantity")?, entry.item.at.start)),
        None => None,
    };
    let quantity = Quantity {
        min,
        max,
        decimals,
        step: step.map(|(step, _)| step),
        min_quantity: min_quantity.map(|(least, _)| least),
    };
    let refused = |at: usize, message: &str| Err(source.error(at, format!("{message} of {id}")));
    if let Some((step, at)) = step
        && (step.scale() > decimals || !quantity.on_grid(max))
    {
        return refused(at, "the step has at most the decimals, and divides the max,");
    }
    if let Some((least, at)) = min_quantity
        && (!quantity.on_grid(least) || quantity.beyond_max(least))
    {
        return refused(at, "min_quantity is a multiple of the step, and at most the max,");
    }
    let (first, last) = quantity.grid_bounds();
    if first > last {
        return Err(fields.error_here(format!("no value lies between the min {min} and the max {max} of {id}")));
    }
    Ok(quantity)
}

fn bound(fields: &Fields<'_>, key: &'static str, id: &MeasureId) -> Result<Decimal, CatalogError> {
    let Some(entry) = fields.optional(key) else {
        let message =
            format!("the measure {id} has no {key}: every number is bounded by min and max, or lists allowed values");
        return Err(fields.error_here(message));
    };
    let bound = fields::decimal(fields.source, &entry.item, key)?;
    check_bound(fields.source, &entry.item, bound)?;
    Ok(bound)
}

fn check_bound(source: Source<'_>, item: &Item, bound: Decimal) -> Result<(), CatalogError> {
    let limit = i128::from(BOUND_MAX);
    let whole = bound.mantissa() / crate::rate::ratio::power_of_ten(bound.scale());
    match bound.scale() <= 6 && whole.abs() < limit {
        true => Ok(()),
        false => Err(source.error(item.at.start, "expected a number below 1000000000000 with at most 6 decimals")),
    }
}

fn positive(source: Source<'_>, item: &Item, what: &str) -> Result<Decimal, CatalogError> {
    let value = fields::decimal(source, item, what)?;
    check_bound(source, item, value)?;
    if value.mantissa() > 0 { Ok(value) } else { Err(source.error(item.at.start, format!("{what} is above 0"))) }
}
