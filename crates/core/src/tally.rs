//! How often something happened: ever, and in the present month and day.
//!
//! Apart because packages and automatic top-ups are limited alike, and neither may look through
//! the past to count. Days and months are those of UTC: an account's zone is its customer's to change, and every change
//! could begin a new day.

use crate::cycle::{day_after, month_after, same_day, same_month};
use crate::time::{Time, Zone};

/// A count that knows which month and day its parts belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Altogether.
    pub ever: u32,
    /// In the month of [`Tally::last`].
    pub month: u32,
    /// On the day of [`Tally::last`].
    pub day: u32,
    /// When it was last counted up.
    pub last: Time,
}

/// The period in which something is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// All time.
    Ever,
    /// A calendar month in UTC.
    Month,
    /// A calendar day in UTC.
    Day,
}

impl Per {
    /// Every period.
    pub const ALL: [Per; 3] = [Per::Ever, Per::Month, Per::Day];

    /// The word in catalogs and on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Per::Ever => "ever",
            Per::Month => "month",
            Per::Day => "day",
        }
    }

    /// The period that a word names.
    pub fn from_word(word: &str) -> Option<Per> {
        Per::ALL.into_iter().find(|per| per.word() == word)
    }
}

impl Per {
    /// When the period after the one that contains `at` begins; `None`: there is none.
    pub(crate) fn next(self, at: Time) -> Option<Time> {
        match self {
            Per::Ever => None,
            Per::Month => Some(month_after(at, &Zone::utc())),
            Per::Day => Some(day_after(at, &Zone::utc())),
        }
    }
}

impl Tally {
    /// The count in the period that contains `at`.
    pub fn count(&self, per: Per, at: Time) -> u32 {
        let zone = &Zone::utc();
        match per {
            Per::Ever => self.ever,
            Per::Month if same_month(self.last, at, zone) => self.month,
            Per::Day if same_day(self.last, at, zone) => self.day,
            Per::Month | Per::Day => 0,
        }
    }

    /// So many more, at `at`.
    #[must_use]
    pub fn plus(&self, times: u32, at: Time) -> Tally {
        let more = |per| self.count(per, at).saturating_add(times);
        Tally { ever: more(Per::Ever), month: more(Per::Month), day: more(Per::Day), last: at }
    }
}
