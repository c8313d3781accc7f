//! Instants and time zones as values (R33).
//!
//! It is apart because the core must never read a clock: every instant comes in as an argument.

use std::fmt;
use std::sync::Arc;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
///
/// Written as RFC 3339 in UTC, without a fraction when it is zero. Read with any offset, at most
/// 6 decimals of a second, from 1970 to 9999.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// Why a text is not an instant that scrip accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339 with an offset.
    #[error("not an RFC 3339 time with an offset, such as 2026-01-31T10:00:00Z")]
    Malformed,
    /// Finer than a microsecond.
    #[error("finer than a microsecond")]
    TooFine,
    /// Before 1970 or after [`Time::MAX`].
    #[error("not from 1970-01-01T00:00:00Z to 9999-12-30T22:00:00Z")]
    OutOfRange,
}

impl Time {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Time = Time(0);
    /// 9999-12-30T22:00:00Z: the last instant that the calendar library can hold in every zone.
    pub const MAX: Time = Time(253_402_207_200_000_000);

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Time {
        Time(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This instant moved by `seconds`, kept within the range that can be written.
    pub const fn plus_seconds(self, seconds: i64) -> Time {
        let moved = self.0.saturating_add(seconds.saturating_mul(1_000_000));
        Time(if moved > Time::MAX.0 {
            Time::MAX.0
        } else if moved < 0 {
            0
        } else {
            moved
        })
    }

    /// Reads RFC 3339 with an offset.
    pub fn parse(text: &str) -> Result<Time, TimeError> {
        // RFC 3339 proper: `YYYY-MM-DDTHH:MM:SS[.f]Z` or `±HH:MM`; jiff accepts more.
        let bytes = text.as_bytes();
        let shaped = bytes.len() >= 20
            && bytes[4] == b'-'
            && bytes[7] == b'-'
            && matches!(bytes[10], b'T' | b't' | b' ')
            && bytes[13] == b':'
            && bytes[16] == b':'
            && !text.contains('[')
            && (text.ends_with(['Z', 'z']) || matches!(bytes[bytes.len() - 6], b'+' | b'-'));
        if !shaped {
            return Err(TimeError::Malformed);
        }
        let stamp: jiff::Timestamp = text.parse().map_err(|_| match text.get(..9) {
            // The last day and a half of the calendar, a favourite for "never", is beyond the library's instants.
            Some("9999-12-3") => TimeError::OutOfRange,
            _ => TimeError::Malformed,
        })?;
        if stamp.as_nanosecond() % 1_000 != 0 {
            return Err(TimeError::TooFine);
        }
        let time = Time(stamp.as_microsecond());
        if time < Time::EPOCH || time > Time::MAX {
            return Err(TimeError::OutOfRange);
        }
        Ok(time)
    }

    /// The same instant in the calendar library's type.
    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0.clamp(0, Time::MAX.0)).expect("within the calendar's range")
    }
}

impl From<jiff::Timestamp> for Time {
    fn from(stamp: jiff::Timestamp) -> Time {
        Time(stamp.as_microsecond())
    }
}

impl std::str::FromStr for Time {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Time, TimeError> {
        Time::parse(text)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.timestamp())
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A time zone of the IANA database, by its exact name; the tables are compiled in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(Arc<str>);

/// The name is not in the time zone database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time zone of the IANA database, such as Europe/Zagreb")]
pub struct UnknownZone;

impl Zone {
    /// UTC, the default.
    pub fn utc() -> Zone {
        Zone(Arc::from("UTC"))
    }

    /// Finds the zone; the case of the name does not matter, the database's own spelling is kept.
    pub fn parse(name: &str) -> Result<Zone, UnknownZone> {
        if name == "UTC" {
            return Ok(Zone::utc());
        }
        let zone = jiff::tz::TimeZone::get(name).map_err(|_| UnknownZone)?;
        zone.iana_name().map(|name| Zone(Arc::from(name))).ok_or(UnknownZone)
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The zone's rules.
    pub fn rules(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.0).expect("a zone is looked up before it is made")
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_without_an_empty_fraction() {
        for (text, shown) in [
            ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"),
            ("2026-01-31T10:00:00.5+05:45", "2026-01-31T04:15:00.5Z"),
            ("2026-01-31T10:00:00.123456Z", "2026-01-31T10:00:00.123456Z"),
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, error) in [
            ("", TimeError::Malformed),
            ("2026-01-31", TimeError::Malformed),
            ("2026-01-31T10:00:00", TimeError::Malformed),
            ("2026-02-30T10:00:00Z", TimeError::Malformed),
            ("2026-01-31T10:00:00Z[UTC]", TimeError::Malformed),
            ("2026-01-31T10:00:00.1234567Z", TimeError::TooFine),
            ("1969-12-31T23:59:59Z", TimeError::OutOfRange),
            ("9999-12-30T22:00:01Z", TimeError::OutOfRange),
            ("9999-12-31T23:59:59Z", TimeError::OutOfRange),
        ] {
            assert_eq!(Time::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn zones_are_known_by_name() {
        assert_eq!(Zone::parse("america/los_angeles").unwrap().name(), "America/Los_Angeles");
        assert_eq!(Zone::parse("Asia/Kathmandu").unwrap().name(), "Asia/Kathmandu");
        assert_eq!(Zone::parse("Mars/Olympus"), Err(UnknownZone));
    }
}
