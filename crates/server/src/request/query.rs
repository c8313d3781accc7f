//! Query parameters: each known, each given once.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use scrip_api::problem::shown;
use scrip_api::text;
use scrip_api::unfit::InvalidField;
use scrip_core::id::AccountNumber;
use scrip_core::time::Time;
use scrip_engine::history::JournalPlace;
use scrip_engine::store::joint::EntryPlace;

use crate::app::App;
use crate::problem::Refused;
use crate::trial::Trial;

/// Rows of a page when nothing is said.
const PAGE_DEFAULT: usize = 50;
/// Rows of a page at the most.
pub(crate) const PAGE_MAX: usize = 1_000;

/// The query parameters that no handler has taken yet.
pub(crate) struct Query(Vec<(String, String)>);

impl FromRequestParts<App> for Query {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Query, Refused> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        let axum::extract::Query(pairs) =
            pairs.map_err(|_| InvalidField::new("query", "name=value pairs joined by &"))?;
        for (place, (name, _)) in pairs.iter().enumerate() {
            if pairs[..place].iter().any(|(other, _)| other == name) {
                return Err(InvalidField::new(field(name), "this parameter once").into());
            }
        }
        Ok(Query(pairs))
    }
}

impl Query {
    /// A parameter's text, if it is given.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(place).1)
    }

    /// A parameter read by `parse`.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, InvalidField> {
        match self.text(name) {
            None => Ok(None),
            Some(text) => parse(&text).map(Some).ok_or_else(|| InvalidField::new(name, expected)),
        }
    }

    /// `dry_run`: whether the call is only tried.
    pub(crate) fn trial(&mut self) -> Result<Trial, InvalidField> {
        let read = self.read("dry_run", "true or false", |text| match text {
            "true" => Some(Trial::Yes),
            "false" => Some(Trial::No),
            _ => None,
        });
        Ok(read?.unwrap_or(Trial::No))
    }

    /// `limit`, or the default.
    pub(crate) fn limit(&mut self) -> Result<usize, InvalidField> {
        self.limit_to(PAGE_MAX)
    }

    /// The same where fewer are shown at once.
    pub(crate) fn limit_to(&mut self, most: usize) -> Result<usize, InvalidField> {
        let parse = |text: &str| text.parse().ok().filter(|limit| (1..=most).contains(limit));
        Ok(self.read("limit", &format!("a number from 1 to {most}"), parse)?.unwrap_or(PAGE_DEFAULT))
    }

    /// `reason`: why something is done that has no body to say it in.
    pub(crate) fn reason(&mut self) -> Result<Option<Box<str>>, InvalidField> {
        self.text("reason").map(text::reason).transpose()
    }

    /// An instant.
    pub(crate) fn time(&mut self, name: &str) -> Result<Option<Time>, InvalidField> {
        // A plus in a query stands for a space; in an offset that was not escaped, it was meant.
        let parse = |text: &str| Time::parse(&text.replace(' ', "+")).ok();
        self.read(name, "an RFC 3339 time with an offset, such as 2026-01-31T10:00:00Z", parse)
    }

    /// The cursor of a page: the `next` of the page before.
    pub(crate) fn cursor(&mut self) -> Result<Option<u64>, InvalidField> {
        self.read("after", "the next of the page before", cursor_of)
    }

    /// The cursor of a page of a studio's history.
    pub(crate) fn journal_cursor(&mut self) -> Result<Option<JournalPlace>, InvalidField> {
        self.read("after", "the next of the page before", journal_place_of)
    }

    /// The cursor of a page of what is ordered by when it came about, whatever the store.
    pub(crate) fn place_cursor(&mut self) -> Result<Option<EntryPlace>, InvalidField> {
        self.read("after", "the next of the page before", |text| match journal_place_of(text)? {
            JournalPlace::Entry(place) => Some(place),
            JournalPlace::Position(_) => None,
        })
    }

    /// Refuses what was not taken.
    pub(crate) fn finish(self) -> Result<(), InvalidField> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(InvalidField::because(field(name), "no such query parameter here")),
        }
    }
}

/// A parameter's name as `field` says it: a caller's own text is quoted where it could be no name.
fn field(name: &str) -> String {
    let plain = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_graphic());
    if plain { name.to_owned() } else { shown(name) }
}

/// A cursor's text: not for callers to read.
pub(crate) fn cursor(place: u64) -> String {
    format!("c{place:x}")
}

/// The place that a cursor stands for.
fn cursor_of(text: &str) -> Option<u64> {
    let place = u64::from_str_radix(text.strip_prefix('c')?, 16).ok()?;
    (cursor(place) == text).then_some(place)
}

/// The same of a studio's history.
pub(crate) fn journal_cursor(place: JournalPlace) -> String {
    match place {
        JournalPlace::Position(position) => cursor(position),
        JournalPlace::Entry(EntryPlace { at, account, seq }) => format!("e{:x}-{:x}-{seq:x}", at.micros(), account.0),
    }
}

fn journal_place_of(text: &str) -> Option<JournalPlace> {
    let place = match text.strip_prefix('e') {
        None => JournalPlace::Position(cursor_of(text)?),
        Some(entry) => {
            let mut numbers = entry.splitn(3, '-').map(|number| u64::from_str_radix(number, 16).ok());
            let at = Time::from_micros(i64::try_from(numbers.next()??).ok()?);
            let account = AccountNumber(numbers.next()??);
            JournalPlace::Entry(EntryPlace { at, account, seq: numbers.next()?? })
        }
    };
    (journal_cursor(place) == text).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_have_one_spelling() {
        assert_eq!(cursor_of(&cursor(0xbeef)), Some(0xbeef));
        for wrong in ["", "c", "beef", "cBEEF", "c0beef", "c+1"] {
            assert_eq!(cursor_of(wrong), None, "{wrong}");
            assert_eq!(journal_place_of(wrong), None, "{wrong}");
        }
        let entry = EntryPlace { at: Time::from_micros(0xabc), account: AccountNumber(0xfed), seq: 7 };
        for place in [JournalPlace::Position(0xbeef), JournalPlace::Entry(entry)] {
            assert_eq!(journal_place_of(&journal_cursor(place)), Some(place));
        }
        for wrong in ["e", "eabc", "eabc-fed", "eabc-fed-", "eabc-fed-7-7", "eabc-fed-07", "effffffffffffffff-1-1"] {
            assert_eq!(journal_place_of(wrong), None, "{wrong}");
        }
    }
}
