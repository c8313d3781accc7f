//! The named values of a rate: formulas, tables and tiers under `let` (R4).
//!
//! Apart from the rate that uses them because each has its own notation in the document.

use std::collections::BTreeMap;

use crate::catalog::CatalogError;
use crate::catalog::document::{Entry, Item, Value};
use crate::catalog::fields::{self, Fields};
use crate::catalog::measures::read_unit;
use crate::catalog::rates::Reader;
use crate::id::MeasureId;
use crate::measure::MeasureValue;
use crate::rate::domain::{Declared, Values};
use crate::rate::ratio::Ratio;
use crate::rate::table::{CELLS_MAX, Dimension, Table};
use crate::rate::tiers::{Band, TierKind, Tiers};

/// Reads one named value.
pub(super) fn read_let<'a>(reader: &mut Reader<'a>, entry: &'a Entry) -> Result<(), CatalogError> {
    let source = reader.source;
    MeasureId::parse(&entry.key)
        .map_err(|error| source.error(entry.key_at.start, format!("{:?} is not a name: {error}", entry.key)))?;
    if let Value::Text(text) = &entry.item.value {
        let value = reader.check(&entry.item, |checker| checker.formula(text))?;
        return reader.bind(entry, None, value);
    }
    let fields = Fields::of(
        source,
        &entry.item,
        format!("the let name {}", entry.key),
        &["formula", "by", "rows", "otherwise", "graduated", "volume", "bands", "unit"],
    )?;
    let unit = fields.optional("unit").map(|unit| read_unit(source, &unit.item)).transpose()?;
    let forms = ["formula", "by", "graduated", "volume"].map(|key| fields.optional(key));
    let value = match forms {
        [Some(formula), None, None, None] => {
            fields.refuse(&["rows", "otherwise", "bands"], "it is a formula")?;
            let text = fields::text(source, &formula.item, "formula")?;
            reader.check(&formula.item, |checker| checker.formula(text))?
        }
        [None, Some(by), None, None] => {
            fields.refuse(&["bands"], "it is a table")?;
            let table = table(reader, &fields, &by.item)?;
            reader.check(&entry.item, |checker| checker.table(table, &entry.key))?
        }
        [None, None, Some(of), None] => {
            let of_name = fields::text(source, &of.item, "graduated")?;
            let tiers = tiers(reader, &fields, TierKind::Graduated)?;
            reader.check(&of.item, |checker| checker.tiers(of_name, tiers))?
        }
        [None, None, None, Some(of)] => {
            let of_name = fields::text(source, &of.item, "volume")?;
            let tiers = tiers(reader, &fields, TierKind::Volume)?;
            reader.check(&of.item, |checker| checker.tiers(of_name, tiers))?
        }
        _ => {
            return Err(fields.error_here(
                "expected one of formula = \"…\", by = [\"…\"] with rows, graduated = \"…\" with bands, or volume = \
                 \"…\" with bands",
            ));
        }
    };
    reader.bind(entry, unit, value)
}

fn table(reader: &Reader<'_>, fields: &Fields<'_>, by: &Item) -> Result<Table, CatalogError> {
    let source = reader.source;
    let mut measures: Vec<&Declared> = Vec::new();
    let mut dimensions: Vec<Dimension> = Vec::new();
    for item in fields::list(source, by, "by")? {
        let name = fields::text(source, item, "by")?;
        let Some((place, slot)) = reader.checker.measure(name) else {
            return Err(source.error(item.at.start, format!("{name:?} is not a measure of this tool")));
        };
        let measure = &reader.checker.measures[place];
        let values = match &measure.values {
            Values::Numbers(allowed) => allowed.iter().map(|number| Ratio::from(*number)).collect(),
            Values::Words(allowed) => (0_i64..).map(Ratio::whole).take(allowed.len()).collect(),
            Values::Quantity(_) => {
                let message = format!("a table is looked up by listed values; give {name} allowed = […], or use tiers");
                return Err(source.error(item.at.start, message));
            }
        };
        measures.push(measure);
        dimensions.push(Dimension { slot, values });
    }
    let count = dimensions.iter().try_fold(1_usize, |count, dimension| count.checked_mul(dimension.values.len()));
    if dimensions.is_empty() || count.is_none_or(|count| count > CELLS_MAX) {
        let message = format!("a table is looked up by one or more measures and has at most {CELLS_MAX} cells");
        return Err(source.error(by.at.start, message));
    }
    let rows = fields.required("rows")?;
    let otherwise = fields.optional_decimal("otherwise")?.map(Ratio::from);
    let rows = read_rows(reader, &rows.item, &measures)?;
    let cells = cells(&dimensions, &measures, &rows, otherwise);
    let cells = cells.map_err(|missing| fields.error_here(format!("the table has no row for {missing}")))?;
    Table::new(dimensions, cells).ok_or_else(|| fields.error_here("the table is not complete"))
}

/// The rows of a table by the values that they are for, as a formula sees them.
fn read_rows(
    reader: &Reader<'_>,
    item: &Item,
    measures: &[&Declared],
) -> Result<BTreeMap<Vec<Ratio>, Ratio>, CatalogError> {
    let source = reader.source;
    let mut rows = BTreeMap::new();
    for row in fields::list(source, item, "rows")? {
        let cells = fields::list(source, row, "a row")?;
        let Some((credits, keys)) = cells.split_last().filter(|(_, keys)| keys.len() == measures.len()) else {
            let names = measures.iter().map(|measure| measure.id.as_str()).collect::<Vec<_>>().join(", ");
            return Err(source.error(row.at.start, format!("expected a row of {names} and a number")));
        };
        let mut key = Vec::with_capacity(keys.len());
        for (item, measure) in keys.iter().zip(measures) {
            let value: MeasureValue = crate::catalog::measures::value(source, item, measure.id.as_str())?;
            let seen = measure.seen(Some(&value)).map_err(|_| {
                let message = format!("{} is never this: expected {}", measure.id, measure.expected());
                source.error(item.at.start, message)
            })?;
            key.push(seen);
        }
        let number = fields::decimal(source, credits, "the last cell of a row")?;
        if number.scale() > 12 {
            return Err(source.error(credits.at.start, "expected a number with at most 12 decimals"));
        }
        if rows.insert(key, Ratio::from(number)).is_some() {
            return Err(source.error(row.at.start, "this combination has a row already"));
        }
    }
    Ok(rows)
}

/// All cells in order, the last dimension fastest; else the first combination without a row.
fn cells(
    dimensions: &[Dimension],
    measures: &[&Declared],
    rows: &BTreeMap<Vec<Ratio>, Ratio>,
    otherwise: Option<Ratio>,
) -> Result<Vec<Ratio>, String> {
    let mut keys: Vec<Vec<Ratio>> = vec![Vec::new()];
    for dimension in dimensions {
        let longer = |key: &Vec<Ratio>| {
            let key = key.clone();
            dimension.values.iter().map(move |value| [&key[..], &[*value]].concat()).collect::<Vec<_>>()
        };
        keys = keys.iter().flat_map(longer).collect();
    }
    keys.into_iter()
        .map(|key| {
            let missing = || {
                let shown =
                    |(measure, value): (&&Declared, &Ratio)| format!("{} {}", measure.id, measure.shown(*value));
                measures.iter().zip(&key).map(shown).collect::<Vec<_>>().join(", ")
            };
            rows.get(&key).copied().or(otherwise).ok_or_else(missing)
        })
        .collect()
}

fn tiers(reader: &Reader<'_>, fields: &Fields<'_>, kind: TierKind) -> Result<Tiers, CatalogError> {
    let source = reader.source;
    fields.refuse(&["rows", "otherwise"], "it has bands")?;
    let entry = fields.required("bands")?;
    let items = fields::list(source, &entry.item, "bands")?;
    if items.is_empty() || items.len() > 100 {
        return Err(source.error(entry.item.at.start, "expected 1 to 100 bands"));
    }
    let mut bands: Vec<Band> = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let fields = Fields::of(source, item, "a band", &["up_to", "credits", "plus"])?;
        let up_to = fields.optional_decimal("up_to")?.map(Ratio::from);
        let last = place + 1 == items.len();
        if last != up_to.is_none() {
            let message = "every band but the last ends with up_to; the last has none and takes all the rest";
            return Err(fields.error_here(message));
        }
        let before = bands.last().and_then(|band| band.up_to).unwrap_or(Ratio::ZERO);
        if up_to.is_some_and(|end| end <= before) {
            return Err(fields.error_here(format!("this band ends at or before {before}, where it begins")));
        }
        let credits = reader.not_negative(&fields.required("credits")?.item, "credits")?;
        let plus = fields.optional("plus").map(|entry| reader.not_negative(&entry.item, "plus")).transpose()?;
        bands.push(Band { up_to, credits: Ratio::from(credits), plus: plus.map_or(Ratio::ZERO, Ratio::from) });
    }
    Ok(Tiers::new(kind, bands))
}
