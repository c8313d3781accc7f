//! The calendar (R15): period *n* from the original anchor, in the zone, without drift.

use scrip_core::cycle::{boundary, cycle_at};
use scrip_core::time::{Time, Zone};

/// The first boundaries from an anchor, as instants in UTC.
#[track_caller]
fn check(zone: &str, anchor: &str, boundaries: &[(u32, &str)]) {
    let (anchor, zone) = (time(anchor), Zone::parse(zone).unwrap());
    for (n, expected) in boundaries {
        let start = boundary(anchor, &zone, *n);
        assert_eq!(start, time(expected), "cycle {n} from {anchor} in {zone}");
        assert_eq!(cycle_at(anchor, &zone, start), Some(*n), "a period contains its start");
        if *n > 0 {
            let before = Time::from_micros(start.micros() - 1);
            assert_eq!(cycle_at(anchor, &zone, before), Some(n - 1), "and not its end");
        }
    }
}

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

#[test]
fn months_end_where_they_end() {
    check(
        "UTC",
        "2026-01-31T10:00:00Z",
        &[
            (0, "2026-01-31T10:00:00Z"),
            (1, "2026-02-28T10:00:00Z"),
            (2, "2026-03-31T10:00:00Z"),
            (3, "2026-04-30T10:00:00Z"),
            (12, "2027-01-31T10:00:00Z"),
            (25, "2028-02-29T10:00:00Z"),
            (26, "2028-03-31T10:00:00Z"),
        ],
    );
}

#[test]
fn a_leap_day_comes_back() {
    check(
        "UTC",
        "2024-02-29T00:00:00Z",
        &[
            (1, "2024-03-29T00:00:00Z"),
            (12, "2025-02-28T00:00:00Z"),
            (13, "2025-03-29T00:00:00Z"),
            (48, "2028-02-29T00:00:00Z"),
        ],
    );
}

#[test]
fn the_time_of_day_stays_across_daylight_saving() {
    check(
        "America/Los_Angeles",
        "2026-02-15T10:00:00-08:00",
        &[(1, "2026-03-15T10:00:00-07:00"), (8, "2026-10-15T10:00:00-07:00"), (9, "2026-11-15T10:00:00-08:00")],
    );
}

/// 2026-03-08, 02:00 → 03:00: half past two does not come, and the first instant after it is three.
#[test]
fn a_time_that_is_skipped_is_the_first_instant_after_it() {
    check(
        "America/Los_Angeles",
        "2026-01-08T02:30:00-08:00",
        &[
            (1, "2026-02-08T02:30:00-08:00"),
            (2, "2026-03-08T03:00:00-07:00"),
            (3, "2026-04-08T02:30:00-07:00"),
            (14, "2027-03-08T02:30:00-08:00"),
        ],
    );
}

/// 2026-11-01, 02:00 → 01:00: half past one comes twice, and the earlier counts.
#[test]
fn a_time_that_is_repeated_is_the_earlier_of_two() {
    check(
        "America/Los_Angeles",
        "2026-09-01T01:30:00-07:00",
        &[(1, "2026-10-01T01:30:00-07:00"), (2, "2026-11-01T01:30:00-07:00"), (3, "2026-12-01T01:30:00-08:00")],
    );
}

/// An anchor in the second of the two keeps its own instant; only later periods are counted by the clocks.
#[test]
fn an_anchor_in_a_repeated_hour_is_itself() {
    check(
        "America/Los_Angeles",
        "2026-11-01T01:30:00-08:00",
        &[(0, "2026-11-01T01:30:00-08:00"), (1, "2026-12-01T01:30:00-08:00"), (12, "2027-11-01T01:30:00-07:00")],
    );
}

/// A zone three quarters off the hour, and one whose change is not an hour.
#[test]
fn zones_off_the_hour() {
    check(
        "Asia/Kathmandu",
        "2026-01-31T00:00:00+05:45",
        &[(1, "2026-02-28T00:00:00+05:45"), (2, "2026-03-31T00:00:00+05:45"), (3, "2026-04-30T00:00:00+05:45")],
    );
    // 2026-10-04, 02:00 → 02:30.
    check(
        "Australia/Lord_Howe",
        "2026-09-04T02:15:00+10:30",
        &[(1, "2026-10-04T02:30:00+11:00"), (2, "2026-11-04T02:15:00+11:00")],
    );
}

/// Samoa had no 30 December 2011: the period starts when the day after begins.
#[test]
fn a_day_that_never_was() {
    check(
        "Pacific/Apia",
        "2011-11-30T12:00:00-10:00",
        &[(1, "2011-12-31T00:00:00+14:00"), (2, "2012-01-30T12:00:00+14:00")],
    );
}

/// The day, the month and the time of day of every boundary, over ten years, for every day of a month, in four zones.
#[test]
fn ten_years_do_not_drift() {
    for name in ["UTC", "America/Los_Angeles", "Europe/Zagreb", "Asia/Kathmandu"] {
        let zone = Zone::parse(name).unwrap();
        for day in 1..=31_i8 {
            let local = jiff::civil::date(2026, 1, day).at(9, 15, 0, 0);
            let anchor = Time::from(local.to_zoned(zone.rules()).unwrap().timestamp());
            for n in 0..=120_u32 {
                let start = boundary(anchor, &zone, n);
                let shown = start.timestamp().to_zoned(zone.rules());
                let months = i32::try_from(n).unwrap();
                assert_eq!(i32::from(shown.year()) * 12 + i32::from(shown.month()) - 1, 2026 * 12 + months);
                assert_eq!(shown.day(), day.min(shown.days_in_month()), "{name} {day} {n}");
                assert_eq!((shown.hour(), shown.minute(), shown.second()), (9, 15, 0));
                assert_eq!(cycle_at(anchor, &zone, start), Some(n));
            }
        }
    }
}

#[test]
fn before_the_anchor_there_is_no_cycle() {
    let anchor = time("2026-01-31T10:00:00Z");
    assert_eq!(cycle_at(anchor, &Zone::utc(), time("2026-01-31T09:59:59.999999Z")), None);
    assert_eq!(cycle_at(anchor, &Zone::utc(), anchor), Some(0));
}

#[test]
fn the_calendar_ends() {
    let anchor = time("9999-11-15T00:00:00Z");
    assert_eq!(boundary(anchor, &Zone::utc(), 1), time("9999-12-15T00:00:00Z"));
    assert_eq!(boundary(anchor, &Zone::utc(), 2), Time::MAX);
    assert_eq!(boundary(anchor, &Zone::utc(), u32::MAX), Time::MAX);
}
