//! Units: the words and symbols that quantities are shown with (R5, R9).
//!
//! Apart because units only label: no price depends on one.

use crate::measure::Decimal;
use crate::rate::ratio::Ratio;

/// What a measure or a `let` name counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// "second".
    pub one: Box<str>,
    /// "seconds".
    pub many: Box<str>,
    /// "s"; `None`: the word is written.
    pub symbol: Option<Box<str>>,
}

/// The units that every catalog knows: one, many, symbol.
const KNOWN: [(&str, &str, Option<&str>); 22] = [
    ("second", "seconds", Some("s")),
    ("minute", "minutes", Some("min")),
    ("hour", "hours", Some("h")),
    ("frame", "frames", None),
    ("action", "actions", None),
    ("image", "images", None),
    ("video", "videos", None),
    ("mesh", "meshes", None),
    ("page", "pages", None),
    ("word", "words", None),
    ("character", "characters", None),
    ("token", "tokens", None),
    ("step", "steps", None),
    ("request", "requests", None),
    ("run", "runs", None),
    ("variant", "variants", None),
    ("pixel", "pixels", Some("px")),
    ("megapixel", "megapixels", Some("MP")),
    ("kilobyte", "kilobytes", Some("kB")),
    ("megabyte", "megabytes", Some("MB")),
    ("gigabyte", "gigabytes", Some("GB")),
    ("credit", "credits", None),
];

impl Unit {
    /// The unit that a word names: singular, plural or symbol.
    pub fn named(word: &str) -> Option<Unit> {
        KNOWN
            .into_iter()
            .find(|(one, many, symbol)| *one == word || *many == word || *symbol == Some(word))
            .map(|(one, many, symbol)| Unit { one: one.into(), many: many.into(), symbol: symbol.map(Box::from) })
    }

    /// The words that [`Unit::named`] knows, plural.
    pub fn known() -> impl Iterator<Item = &'static str> {
        KNOWN.into_iter().map(|(_, many, _)| many)
    }

    /// A quantity with its unit: "10.4 s", "1 action", "3 actions".
    pub(crate) fn shown(&self, quantity: Ratio) -> String {
        self.labelled(quantity.to_string())
    }

    /// A quantity with its unit, with all its decimals.
    pub(crate) fn shown_exactly(&self, quantity: Decimal) -> String {
        self.labelled(quantity.to_string())
    }

    fn labelled(&self, quantity: String) -> String {
        match &self.symbol {
            Some(symbol) => format!("{quantity} {symbol}"),
            None if quantity == "1" => format!("{quantity} {}", self.one),
            None => format!("{quantity} {}", self.many),
        }
    }
}
