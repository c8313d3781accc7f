//! The fields of a table in a catalog, read one by one.
//!
//! Apart because every part of a catalog is read the same way: first whatever is not known is
//! refused by name, with what would have been known; then fields are asked for one by one.

use crate::amount::Credits;
use crate::catalog::CatalogError;
use crate::catalog::document::{Entry, Item, Source, Value};
use crate::measure::Decimal;

/// A table that is being read.
pub(crate) struct Fields<'a> {
    pub(crate) source: Source<'a>,
    item: &'a Item,
    entries: &'a [Entry],
    /// What it is, for messages: "the tool live-action".
    what: String,
    known: &'static [&'static str],
}

impl<'a> Fields<'a> {
    /// The fields of a table; anything else than a table, and any field that is not known, is refused.
    pub(crate) fn of(
        source: Source<'a>,
        item: &'a Item,
        what: impl Into<String>,
        known: &'static [&'static str],
    ) -> Result<Fields<'a>, CatalogError> {
        let what = what.into();
        let Value::Table(entries) = &item.value else {
            let message = format!("expected a table for {what}, found {}", item.value.kind());
            return Err(source.error(item.at.start, message));
        };
        match entries.iter().find(|entry| !known.contains(&&*entry.key)) {
            None => Ok(Fields { source, item, entries, what, known }),
            Some(unknown) => {
                let message = format!("{:?} is not known in {what}; known are {}", unknown.key, known.join(", "));
                Err(source.error(unknown.key_at.start, message))
            }
        }
    }

    /// The field of that name, if it is there.
    pub(crate) fn optional(&self, key: &'static str) -> Option<&'a Entry> {
        debug_assert!(self.known.contains(&key), "{key} is among the known fields of {}", self.what);
        self.entries.iter().find(|entry| *entry.key == *key)
    }

    /// The field of that name.
    pub(crate) fn required(&self, key: &'static str) -> Result<&'a Entry, CatalogError> {
        self.optional(key).ok_or_else(|| self.error_here(format!("{} has no {key}", self.what)))
    }

    /// Refuses fields that mean nothing beside the others.
    pub(crate) fn refuse(&self, keys: &[&'static str], because: &str) -> Result<(), CatalogError> {
        match self.entries.iter().find(|entry| keys.contains(&&*entry.key)) {
            None => Ok(()),
            Some(entry) => {
                let message = format!("{} means nothing in {}: {because}", entry.key, self.what);
                Err(self.source.error(entry.key_at.start, message))
            }
        }
    }

    /// An error about the table as a whole.
    pub(crate) fn error_here(&self, message: impl Into<String>) -> CatalogError {
        self.source.error(self.item.at.start, message)
    }

    /// A required text.
    pub(crate) fn text(&self, key: &'static str) -> Result<&'a str, CatalogError> {
        let entry = self.required(key)?;
        text(self.source, &entry.item, key)
    }

    /// A text, if it is there.
    pub(crate) fn optional_text(&self, key: &'static str) -> Result<Option<&'a str>, CatalogError> {
        let source = self.source;
        self.optional(key).map(|entry| text(source, &entry.item, key)).transpose()
    }

    /// A name for people: not empty, without control characters, at most 200 characters.
    pub(crate) fn name(&self) -> Result<Box<str>, CatalogError> {
        let entry = self.required("name")?;
        let name = text(self.source, &entry.item, "name")?;
        if name.trim().is_empty() || name.chars().any(char::is_control) || name.chars().count() > 200 {
            let message = "expected a name of 1 to 200 characters, without control characters";
            return Err(self.source.error(entry.item.at.start, message));
        }
        Ok(name.into())
    }

    /// A whole number within bounds, if it is there.
    pub(crate) fn optional_whole(
        &self,
        key: &'static str,
        bounds: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<u32>, CatalogError> {
        let Some(entry) = self.optional(key) else { return Ok(None) };
        let found = decimal(self.source, &entry.item, key)?;
        let whole = u32::try_from(found.mantissa()).ok().filter(|whole| found.scale() == 0 && bounds.contains(whole));
        whole.map(Some).ok_or_else(|| {
            let message = format!("expected a whole number from {} to {} for {key}", bounds.start(), bounds.end());
            self.source.error(entry.item.at.start, message)
        })
    }

    /// A number, if it is there.
    pub(crate) fn optional_decimal(&self, key: &'static str) -> Result<Option<Decimal>, CatalogError> {
        let source = self.source;
        self.optional(key).map(|entry| decimal(source, &entry.item, key)).transpose()
    }

    /// An amount of credits that is not negative, if it is there.
    pub(crate) fn optional_credits(&self, key: &'static str) -> Result<Option<Credits>, CatalogError> {
        let source = self.source;
        self.optional(key).map(|entry| credits(source, &entry.item, key)).transpose()
    }
}

/// A text.
pub(crate) fn text<'a>(source: Source<'_>, item: &'a Item, what: &str) -> Result<&'a str, CatalogError> {
    match &item.value {
        Value::Text(text) => Ok(text),
        other => Err(source.error(item.at.start, format!("expected a text for {what}, found {}", other.kind()))),
    }
}

/// Yes or no.
pub(crate) fn truth(source: Source<'_>, item: &Item, what: &str) -> Result<bool, CatalogError> {
    match &item.value {
        Value::Truth(truth) => Ok(*truth),
        other => Err(source.error(item.at.start, format!("expected true or false for {what}, found {}", other.kind()))),
    }
}

/// A number, exactly as written.
pub(crate) fn decimal(source: Source<'_>, item: &Item, what: &str) -> Result<Decimal, CatalogError> {
    match &item.value {
        Value::Number(written) => Decimal::parse(written).map_err(|error| {
            source.error(item.at.start, format!("expected a number for {what}, found {written}: {error}"))
        }),
        other => Err(source.error(item.at.start, format!("expected a number for {what}, found {}", other.kind()))),
    }
}

/// An amount of credits that is not negative.
pub(crate) fn credits(source: Source<'_>, item: &Item, what: &str) -> Result<Credits, CatalogError> {
    let refused = |found: &str| {
        let message = format!("expected credits for {what}: from 0 to 8000000000, at most 6 decimals; found {found}");
        source.error(item.at.start, message)
    };
    match &item.value {
        Value::Number(written) => match Credits::parse(written) {
            Ok(credits) if !credits.is_negative() => Ok(credits),
            Ok(_) | Err(_) => Err(refused(written)),
        },
        other => Err(refused(other.kind())),
    }
}

/// A list.
pub(crate) fn list<'a>(source: Source<'_>, item: &'a Item, what: &str) -> Result<&'a [Item], CatalogError> {
    match &item.value {
        Value::List(items) => Ok(items),
        other => Err(source.error(item.at.start, format!("expected a list for {what}, found {}", other.kind()))),
    }
}

/// The entries of a table whose keys are names that the document chooses.
pub(crate) fn named<'a>(source: Source<'_>, item: &'a Item, what: &str) -> Result<&'a [Entry], CatalogError> {
    match &item.value {
        Value::Table(entries) => Ok(entries),
        other => Err(source.error(item.at.start, format!("expected a table for {what}, found {}", other.kind()))),
    }
}
