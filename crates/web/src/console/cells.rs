//! Tables: what a page lists, cell by cell, for one template.

use askama::Template;
use scrip_api::number::Amount;
use scrip_api::time::Instant;

use super::frame::Frame;
use super::words;

/// A column's head, and whether it holds numbers.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) number: bool,
}

/// A column of words.
pub(crate) const fn text(name: &'static str) -> Column {
    Column { name, number: false }
}

/// A column of numbers.
pub(crate) const fn number(name: &'static str) -> Column {
    Column { name, number: true }
}

/// What stands in one place of a table.
pub(crate) enum Cell {
    /// Words, and quieter ones beneath them.
    Text { said: String, beneath: String },
    /// When something was or will be, and quieter words beneath; `at`: the instant itself.
    Time { at: String, said: String, beneath: String },
    /// A way somewhere, and quieter words beneath.
    Link { href: String, said: String, beneath: String },
    /// A state.
    Tag { said: String, tone: Tone, beneath: String },
    /// A number; `of`: which, for who compares it.
    Number { of: &'static str, said: String },
    /// What can be done.
    Acts(Vec<Way>),
}

/// How a state is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Of no interest.
    Quiet,
    /// To be looked at.
    Warn,
    /// Wrong.
    Bad,
}

impl Tone {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Tone::Good => "",
            Tone::Quiet => "plain",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
        }
    }
}

/// A link to something that can be done.
pub(crate) struct Way {
    pub(crate) href: String,
    pub(crate) said: &'static str,
    /// To what, for who does not see where the link stands.
    pub(crate) to: String,
}

impl Cell {
    pub(crate) fn text(said: impl Into<String>) -> Cell {
        Cell::Text { said: said.into(), beneath: String::new() }
    }

    pub(crate) fn both(said: impl Into<String>, beneath: impl Into<String>) -> Cell {
        Cell::Text { said: said.into(), beneath: beneath.into() }
    }

    pub(crate) fn tag(said: &str, tone: Tone) -> Cell {
        Cell::Tag { said: words::spoken(said), tone, beneath: String::new() }
    }

    pub(crate) fn amount(frame: &Frame, of: &'static str, amount: &Amount) -> Cell {
        Cell::Number { of, said: frame.wording.amount(amount) }
    }

    pub(crate) fn signed(frame: &Frame, of: &'static str, amount: &Amount) -> Cell {
        Cell::Number { of, said: frame.wording.signed(amount) }
    }

    pub(crate) fn count(frame: &Frame, of: &'static str, count: impl Into<u64>) -> Cell {
        Cell::Number { of, said: frame.wording.count(count) }
    }

    /// When something was, and how long ago.
    pub(crate) fn past(frame: &Frame, at: &Instant) -> Cell {
        Cell::instant(frame, at, frame.ago(at))
    }

    /// When something will be, and how far ahead that is.
    pub(crate) fn coming(frame: &Frame, at: &Instant) -> Cell {
        Cell::instant(frame, at, frame.ahead(at))
    }

    /// An instant, with words beneath.
    pub(crate) fn instant(frame: &Frame, at: &Instant, beneath: impl Into<String>) -> Cell {
        Cell::Time { at: at.0.to_string(), said: frame.wording.instant(at), beneath: beneath.into() }
    }

    /// A day.
    pub(crate) fn day(frame: &Frame, at: &Instant) -> Cell {
        Cell::Time { at: at.0.to_string(), said: frame.wording.day(at), beneath: String::new() }
    }
}

/// A table, or the words where there is nothing to list.
#[derive(Template)]
#[template(path = "console/table.html")]
pub(crate) struct Table {
    /// What it lists, for who does not see it.
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
    pub(crate) empty: String,
    /// Where the next page is.
    pub(crate) next: Option<String>,
}

impl Table {
    /// What the cells in a place are, for the style.
    pub(crate) fn kind(&self, place: usize) -> &'static str {
        match self.columns.get(place) {
            Some(column) if column.number => "num",
            Some(column) if column.name.is_empty() => "acts",
            Some(_) | None => "words",
        }
    }
}

/// The ways to look at what a page lists.
#[derive(Template)]
#[template(path = "console/views.html")]
pub(crate) struct Views {
    pub(crate) name: &'static str,
    pub(crate) views: Vec<View>,
}

/// One of them.
pub(crate) struct View {
    pub(crate) href: String,
    pub(crate) said: &'static str,
    pub(crate) is_this: bool,
}

impl Views {
    /// Those of a page, told apart by the parameter `show`: each word and its name, the first of them when none is asked
    /// for. Also the word that is shown.
    pub(crate) fn of(
        href: &str,
        all: &'static [(&'static str, &'static str)],
        asked: Option<&str>,
    ) -> (Views, &'static str) {
        let first = all.first().map_or("", |(word, _)| word);
        let shown = all.iter().map(|(word, _)| *word).find(|word| Some(*word) == asked).unwrap_or(first);
        let views = all.iter().map(|(word, said)| View {
            href: if *word == first { href.to_owned() } else { format!("{href}?show={word}") },
            said,
            is_this: *word == shown,
        });
        (Views { name: "What is shown", views: views.collect() }, shown)
    }
}
