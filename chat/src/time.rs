//! Time as the archive keeps it: microseconds since 1970, UTC, without a clock in sight.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

/// A moment: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "time {found:?} is not RFC 3339, such as 2024-03-04T09:15:00Z, between the years 1 and 9999"
)]
pub struct TimeError {
    /// What was found instead.
    pub found: String,
}

impl Timestamp {
    /// The start of 1970.
    pub const EPOCH: Self = Self(0);
    /// The earliest moment that RFC 3339 can write: 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// The latest moment that RFC 3339 can write: 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// Takes microseconds since 1970 as they are.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with any offset. Digits past the microsecond are cut off, never rounded up.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimeError> {
        let refuse = || TimeError { found: text.chars().take(80).collect() };
        let moment = DateTime::parse_from_rfc3339(text).map_err(|_| refuse())?;
        let moment = Self(moment.timestamp_micros());
        if (Self::MIN..=Self::MAX).contains(&moment) { Ok(moment) } else { Err(refuse()) }
    }

    /// Returns the moment in chrono's calendar, or nothing outside of its range.
    pub const fn calendar(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }

    /// Returns the moment `micros` later, held within what 64 bits can say.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC with six decimals; outside of the calendar, the plain number of microseconds.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.calendar() {
            Some(moment) => out.write_str(&moment.to_rfc3339_opts(SecondsFormat::Micros, true)),
            None => write!(out, "{}us", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_from_its_text() {
        for micros in [0, -1, 1_483_231_680_000_000, 1_546_215_120_504_800, Timestamp::MAX.micros()]
        {
            let time = Timestamp::from_micros(micros);
            assert_eq!(Timestamp::parse_rfc3339(&time.to_string()), Ok(time));
        }
    }

    #[test]
    fn digits_past_the_microsecond_are_cut_off() {
        let time = Timestamp::parse_rfc3339("2008-06-04T20:15:40.9535489Z").unwrap();
        assert_eq!(time.to_string(), "2008-06-04T20:15:40.953548Z");
    }

    #[test]
    fn an_offset_is_turned_into_utc() {
        let time = Timestamp::parse_rfc3339("2024-03-04T01:00:00+02:00").unwrap();
        assert_eq!(time.to_string(), "2024-03-03T23:00:00.000000Z");
    }

    #[test]
    fn what_is_no_time_is_refused_with_an_example() {
        for text in ["", "yesterday", "2024-13-01T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00"] {
            assert!(Timestamp::parse_rfc3339(text).unwrap_err().to_string().contains("2024-03-04"));
        }
    }
}
