//! TOML into the document tree.
//!
//! Apart because nothing else knows the TOML library. Numbers are taken from the text, never from
//! the library's floats.

use std::ops::Range;

use toml_edit::{Document, Item as TomlItem, Key, TableLike, Value as TomlValue};

use crate::catalog::CatalogError;
use crate::catalog::document::{Entry, Item, Source, Value};

pub(super) fn parse(source: Source<'_>) -> Result<Item, CatalogError> {
    let document = Document::parse(source.0).map_err(|error| {
        let message = error.message().trim().replace('\n', ", ");
        source.error(error.span().map_or(0, |span| span.start), format!("not TOML: {message}"))
    })?;
    let all = 0..source.0.len();
    table(source, document.as_table(), all)
}

/// The library bounds how deep a document nests, so this recursion is bounded too.
fn table(source: Source<'_>, table: &dyn TableLike, at: Range<usize>) -> Result<Item, CatalogError> {
    let mut entries = Vec::with_capacity(table.len());
    for (name, item) in table.iter() {
        // The library keeps no place for the first parts of a dotted key, but gives the tables that they make that place.
        let key_at = table.get_key_value(name).and_then(|(key, item)| Key::span(key).or(item.span()));
        let key_at = key_at.unwrap_or(at.clone());
        let item = self::item(source, item, &key_at)?;
        entries.push(Entry { key: name.into(), key_at, item });
    }
    Ok(Item { at, value: Value::Table(entries) })
}

/// `near`: where it is said to be when the library does not know.
fn item(source: Source<'_>, item: &TomlItem, near: &Range<usize>) -> Result<Item, CatalogError> {
    let at = item.span().unwrap_or(near.clone());
    match item {
        TomlItem::None => Ok(Item { at, value: Value::Nothing }),
        TomlItem::Value(found) => value(source, found, at),
        TomlItem::Table(found) => table(source, found, at),
        TomlItem::ArrayOfTables(tables) => {
            let tables = tables.iter().map(|found| table(source, found, found.span().unwrap_or(at.clone())));
            Ok(Item { value: Value::List(tables.collect::<Result<_, _>>()?), at })
        }
    }
}

fn value(source: Source<'_>, value: &TomlValue, at: Range<usize>) -> Result<Item, CatalogError> {
    let value = match value {
        TomlValue::String(text) => Value::Text(text.value().as_str().into()),
        TomlValue::Integer(_) | TomlValue::Float(_) => number(source, &at)?,
        TomlValue::Boolean(truth) => Value::Truth(*truth.value()),
        TomlValue::Datetime(time) => Value::Text(time.value().to_string().into()),
        TomlValue::Array(list) => {
            let items = list.iter().map(|found| self::value(source, found, found.span().unwrap_or(at.clone())));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        TomlValue::InlineTable(found) => return table(source, found, at),
    };
    Ok(Item { at, value })
}

fn number(source: Source<'_>, at: &Range<usize>) -> Result<Value, CatalogError> {
    let written = source.0.get(at.clone()).unwrap_or("").replace('_', "");
    let plain = written.strip_prefix('+').unwrap_or(&written);
    let digits = plain.strip_prefix('-').unwrap_or(plain);
    let decimal = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !decimal {
        return Err(source.error(at.start, format!("expected a decimal number, found {written}")));
    }
    Ok(Value::Number(plain.into()))
}
