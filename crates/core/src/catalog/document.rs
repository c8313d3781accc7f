//! A catalog's text as a tree of values, each with its place (R5).
//!
//! TOML and JSON come to the same tree, so everything after it exists once. Apart because it knows
//! notation only; what the values mean is `fields` and its users. Numbers stay texts: nothing is
//! read through a float.

use std::ops::Range;

use crate::catalog::{CatalogError, Format};

/// A value and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// In bytes of the source.
    pub(crate) at: Range<usize>,
    pub(crate) value: Value,
}

/// The kinds of values.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(Box<str>),
    /// As JSON would write it: digits, perhaps a sign, a point and an exponent.
    Number(Box<str>),
    Truth(bool),
    List(Vec<Item>),
    Table(Vec<Entry>),
    Nothing,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Box<str>,
    pub(crate) key_at: Range<usize>,
    pub(crate) item: Item,
}

/// A source text, to turn places into lines and columns.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a>(pub(crate) &'a str);

/// The longest document, in bytes.
const LENGTH_MAX: usize = 1 << 20;

/// The longest message, in characters: what is quoted of a document may be nearly all of it.
const MESSAGE_MAX: usize = 2_000;

/// Reads a text into a tree.
pub(crate) fn parse(source: Source<'_>, format: Format) -> Result<Item, CatalogError> {
    if source.0.len() > LENGTH_MAX {
        return Err(source.error(0, format!("a catalog has at most {LENGTH_MAX} bytes")));
    }
    match format {
        Format::Toml => super::toml::parse(source),
        Format::Json => super::json::parse(source),
    }
}

impl Source<'_> {
    /// An error at a place.
    pub(crate) fn error(self, at: usize, message: impl Into<String>) -> CatalogError {
        let (line, column) = self.line_and_column(at);
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_MAX) {
            message.truncate(end);
            message.push('…');
        }
        CatalogError { line, column, message }
    }

    /// Both from 1, the column in characters.
    fn line_and_column(self, at: usize) -> (u32, u32) {
        let mut at = at.min(self.0.len());
        while !self.0.is_char_boundary(at) {
            at -= 1;
        }
        let before = &self.0[..at];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        (count(before.matches('\n').count() + 1), count(before[line_start..].chars().count() + 1))
    }

    /// Where a byte of a text stands in the source; the text's own beginning where it was written with escapes.
    pub(crate) fn place_within(self, item: &Item, inside: usize) -> usize {
        let Value::Text(text) = &item.value else { return item.at.start };
        let written = self.0.get(item.at.clone()).unwrap_or("");
        match written.find(&**text) {
            Some(start) if !text.is_empty() => item.at.start + start + inside.min(text.len()),
            Some(_) | None => item.at.start,
        }
    }
}

impl Value {
    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Number(_) => "a number",
            Value::Truth(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Nothing => "null",
        }
    }
}
