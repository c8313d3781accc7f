//! The model's own calendar: months counted by hand (R15).
//!
//! Apart from the core's so that the two can disagree. The civil calendar is plain arithmetic on days; of the calendar
//! library only one question is asked, "how far is this zone from UTC at this instant", and never for anything but that.
//! Times are microseconds since 1970.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a day of UTC.
pub const DAY: i64 = 86_400 * SECOND;

/// A day of the civil calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year.
    pub year: i64,
    /// From 1 to 12.
    pub month: i64,
    /// From 1.
    pub day: i64,
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

fn days_in_year(year: i64) -> i64 {
    if leap(year) { 366 } else { 365 }
}

/// Days from 1970-01-01 to a date, counted one year and one month at a time.
pub fn day_number(date: Date) -> i64 {
    let years: i64 = (1970..date.year).map(days_in_year).sum();
    let months: i64 = (1..date.month).map(|month| days_in_month(date.year, month)).sum();
    years + months + date.day - 1
}

/// The date of a day number, counted the same way back.
pub fn date_of(day_number: i64) -> Date {
    let (mut left, mut year, mut month) = (day_number, 1970, 1);
    while left >= days_in_year(year) {
        left -= days_in_year(year);
        year += 1;
    }
    while left >= days_in_month(year, month) {
        left -= days_in_month(year, month);
        month += 1;
    }
    Date { year, month, day: left + 1 }
}

/// The same day `months` later, or the last of that month where it has no such day.
pub fn add_months(date: Date, months: i64) -> Date {
    let count = date.year * 12 + (date.month - 1) + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    Date { year, month, day: date.day.min(days_in_month(year, month)) }
}

/// A zone, asked for nothing but its distance from UTC.
#[derive(Clone, Debug)]
pub struct Offsets(Option<TimeZone>);

impl Offsets {
    /// The zone of that name; UTC needs no table at all.
    pub fn of(zone: &str) -> Offsets {
        Offsets((zone != "UTC").then(|| TimeZone::get(zone).expect("the world names real zones")))
    }

    /// Local time minus UTC at an instant, in microseconds.
    fn at(&self, instant: i64) -> i64 {
        let Some(zone) = &self.0 else { return 0 };
        let stamp = Timestamp::from_microsecond(instant).expect("the world stays within the calendar");
        i64::from(zone.to_offset(stamp).seconds()) * SECOND
    }

    /// The instant at which local clocks show `local`: the earlier where they show it twice; where they skip it, the first
    /// instant after the skip.
    fn instant(&self, local: i64) -> i64 {
        // No zone is further than 26 hours from UTC, and none changes twice within the window.
        let (before, after) = (self.at(local - 26 * 3_600 * SECOND), self.at(local + 26 * 3_600 * SECOND));
        let shown = [local - before, local - after].into_iter().filter(|t| t + self.at(*t) == local).min();
        if let Some(instant) = shown {
            return instant;
        }
        // Skipped: somewhere between these two the offset changes.
        let (mut not_yet, mut changed) = (local - after, local - before);
        while changed - not_yet > 1 {
            let middle = not_yet + (changed - not_yet) / 2;
            if self.at(middle) == after { changed = middle } else { not_yet = middle }
        }
        changed
    }

    /// Where period `n` begins that is counted from `anchor` (R15).
    pub fn boundary(&self, anchor: i64, n: i64) -> i64 {
        let local = anchor + self.at(anchor);
        let (day, time_of_day) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        if n == 0 {
            return anchor;
        }
        self.instant(day_number(add_months(date_of(day), n)) * DAY + time_of_day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scrip_core::time::Time;

    /// Boundaries written down by hand, from wall calendars.
    #[test]
    fn months_are_counted_from_the_anchor() {
        for (zone, anchor, n, expected) in [
            ("UTC", "2026-01-31T10:00:00Z", 1, "2026-02-28T10:00:00Z"),
            ("UTC", "2026-01-31T10:00:00Z", 2, "2026-03-31T10:00:00Z"),
            ("UTC", "2026-01-31T10:00:00Z", 3, "2026-04-30T10:00:00Z"),
            ("UTC", "2024-01-31T10:00:00Z", 1, "2024-02-29T10:00:00Z"),
            ("UTC", "2024-02-29T00:00:00Z", 12, "2025-02-28T00:00:00Z"),
            ("UTC", "2024-02-29T00:00:00Z", 48, "2028-02-29T00:00:00Z"),
            // 10:00 in Los Angeles stays 10:00 across both changes.
            ("America/Los_Angeles", "2026-02-10T18:00:00Z", 1, "2026-03-10T17:00:00Z"),
            ("America/Los_Angeles", "2026-10-10T17:00:00Z", 1, "2026-11-10T18:00:00Z"),
            // 02:30 on 8 March 2026 is skipped: 03:00 is the first that is shown.
            ("America/Los_Angeles", "2026-02-08T10:30:00Z", 1, "2026-03-08T10:00:00Z"),
            // 01:30 on 1 November 2026 is shown twice: the earlier.
            ("America/Los_Angeles", "2026-10-01T08:30:00Z", 1, "2026-11-01T08:30:00Z"),
            ("Asia/Kathmandu", "2026-01-30T18:15:00Z", 1, "2026-02-27T18:15:00Z"),
            // Apia had no 30 December 2011.
            ("Pacific/Apia", "2011-11-30T22:00:00Z", 1, "2011-12-30T10:00:00Z"),
        ] {
            let anchor = Time::parse(anchor).unwrap().micros();
            let boundary = Offsets::of(zone).boundary(anchor, n);
            assert_eq!(Time::from_micros(boundary).to_string(), expected, "{zone} {n}");
        }
    }
}
