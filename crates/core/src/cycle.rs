//! Cycles: period *n* is counted from the original anchor, never from the period before (R15).
//!
//! It is apart because it is the only place that does calendar arithmetic. Periods are half-open:
//! cycle *n* runs from `boundary(n)` up to, not including, `boundary(n + 1)`.

use jiff::Span;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::time::{Time, Zone};

/// Start of cycle `n`: anchor + n months in the zone, clamped to the month's end, at the anchor's time of day.
///
/// ```
/// use scrip_core::{cycle::boundary, time::{Time, Zone}};
/// let anchor: Time = "2026-01-31T10:00:00Z".parse().unwrap();
/// assert_eq!(boundary(anchor, &Zone::utc(), 1).to_string(), "2026-02-28T10:00:00Z");
/// assert_eq!(boundary(anchor, &Zone::utc(), 2).to_string(), "2026-03-31T10:00:00Z");
/// ```
///
/// Beyond the calendar's end it is [`Time::MAX`].
pub fn boundary(anchor: Time, zone: &Zone, n: u32) -> Time {
    if n == 0 {
        return anchor;
    }
    Calendar::of(anchor, zone).boundary(n)
}

/// The cycle that contains `at`; `None` before the anchor.
pub fn cycle_at(anchor: Time, zone: &Zone, at: Time) -> Option<u32> {
    if at < anchor {
        return None;
    }
    // At the calendar's very end every later period would begin: the last one stands for them.
    let at = at.min(Time::from_micros(Time::MAX.micros() - 1));
    let calendar = Calendar::of(anchor, zone);
    let there = at.timestamp().to_zoned(calendar.zone.clone()).datetime();
    let months = (i32::from(there.year()) - i32::from(calendar.local.year())) * 12 + i32::from(there.month())
        - i32::from(calendar.local.month());
    // The count of calendar months is right or one too many, as the day and time of day say.
    let mut n = u32::try_from(months).unwrap_or(0);
    while n > 0 && calendar.boundary(n) > at {
        n -= 1;
    }
    while calendar.boundary(n + 1) <= at {
        n += 1;
    }
    Some(n)
}

/// Whether two instants fall on one calendar day of a zone.
pub fn same_day(one: Time, other: Time, zone: &Zone) -> bool {
    let zone = zone.rules();
    let day = |at: Time| at.timestamp().to_zoned(zone.clone()).date();
    day(one) == day(other)
}

/// Whether two instants fall into one calendar month of a zone.
pub fn same_month(one: Time, other: Time, zone: &Zone) -> bool {
    let zone = zone.rules();
    let month = |at: Time| at.timestamp().to_zoned(zone.clone()).date().first_of_month();
    month(one) == month(other)
}

/// The first instant of the calendar day after the one that contains `at`.
pub fn day_after(at: Time, zone: &Zone) -> Time {
    start_of(at, zone, jiff::civil::Date::tomorrow)
}

/// The first instant of the calendar month after the one that contains `at`.
pub fn month_after(at: Time, zone: &Zone) -> Time {
    start_of(at, zone, |day| day.last_of_month().tomorrow())
}

/// The first instant of the day that a day leads to; beyond the calendar's end it is [`Time::MAX`].
fn start_of(at: Time, zone: &Zone, next: impl Fn(jiff::civil::Date) -> Result<jiff::civil::Date, jiff::Error>) -> Time {
    let rules = zone.rules();
    let day = next(at.timestamp().to_zoned(rules.clone()).date());
    let start = day.and_then(|day| day.to_zoned(rules));
    start.map_or(Time::MAX, |start| Time::from(start.timestamp()).min(Time::MAX))
}

/// An anchor as the clocks of its zone showed it.
struct Calendar {
    anchor: Time,
    local: DateTime,
    zone: TimeZone,
}

impl Calendar {
    fn of(anchor: Time, zone: &Zone) -> Calendar {
        let zone = zone.rules();
        Calendar { anchor, local: anchor.timestamp().to_zoned(zone.clone()).datetime(), zone }
    }

    fn boundary(&self, n: u32) -> Time {
        if n == 0 {
            return self.anchor;
        }
        let months = i64::from(n);
        let Ok(span) = Span::new().try_months(months) else { return Time::MAX };
        // Adding months clamps the day to the month's end; the time of day stays.
        let Ok(local) = self.local.checked_add(span) else { return Time::MAX };
        self.instant(local).min(Time::MAX)
    }

    /// The instant at which the zone's clocks first show this time or a later one.
    fn instant(&self, local: DateTime) -> Time {
        let read_at = |offset: jiff::tz::Offset| offset.to_timestamp(local).map_or(Time::MAX, Time::from);
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => read_at(offset),
            // The clocks are set back: the time comes twice, and the earlier one counts.
            AmbiguousOffset::Fold { before, .. } => read_at(before),
            // The clocks are set forward over it: the instant at which they are.
            AmbiguousOffset::Gap { after, .. } => {
                let ahead = read_at(after);
                let transition = self.zone.following(ahead.timestamp()).next();
                transition.map_or(ahead, |transition| Time::from(transition.timestamp()))
            }
        }
    }
}
