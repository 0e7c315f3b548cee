//! Time zones: which moment a date begins at.

use std::fmt;

use chat::Timestamp;
use chrono::offset::LocalResult;
use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _};
use chrono_tz::Tz;

use crate::error::ZoneError;

const SECONDS_A_DAY: i64 = 86_400;
const MICROS_A_SECOND: i64 = 1_000_000;

/// The zone that bare dates of a query are in. A day of a named zone has 23, 24 or 25 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// Universal time.
    #[default]
    Utc,
    /// A fixed distance from universal time.
    Fixed(FixedOffset),
    /// A zone of the IANA database, with its summer times.
    Named(Tz),
}

impl Zone {
    /// Returns the zone of a name: `UTC` or `Z`, an offset such as `+02:00`, or an IANA name such as `Europe/Berlin`.
    pub fn named(text: &str) -> Result<Self, ZoneError> {
        if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("z") {
            return Ok(Self::Utc);
        }
        if text.starts_with(['+', '-'])
            && let Ok(offset) = text.parse()
        {
            return Ok(Self::Fixed(offset));
        }
        let found = || ZoneError { found: text.chars().take(80).collect() };
        text.parse().map(Self::Named).map_err(|_| found())
    }

    /// Returns the first moment of a day in this zone. Where its midnight is skipped, that is the moment of the skip; where
    /// there are two, the earlier.
    pub(crate) fn first_moment(self, day: NaiveDate) -> Timestamp {
        let midnight = day.and_time(NaiveTime::MIN);
        let seconds = match self {
            Self::Utc => midnight.and_utc().timestamp(),
            Self::Fixed(offset) => {
                midnight.and_utc().timestamp() - i64::from(offset.local_minus_utc())
            }
            Self::Named(zone) => match zone.from_local_datetime(&midnight) {
                LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => {
                    moment.timestamp()
                }
                LocalResult::None => end_of_gap(zone, midnight),
            },
        };
        Timestamp::from_micros(seconds.saturating_mul(MICROS_A_SECOND))
    }
}

/// Returns the first second at which clocks of the zone show at least `local`, a time that they skip.
fn end_of_gap(zone: Tz, local: NaiveDateTime) -> i64 {
    let target = local.and_utc().timestamp();
    let shows = |seconds: i64| {
        let moment = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default().naive_utc();
        seconds + i64::from(zone.offset_from_utc_datetime(&moment).fix().local_minus_utc())
    };
    let (mut before, mut after) = (target - 2 * SECONDS_A_DAY, target + 2 * SECONDS_A_DAY);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if shows(middle) >= target {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utc => out.write_str("UTC"),
            Self::Fixed(offset) => offset.fmt(out),
            Self::Named(zone) => out.write_str(zone.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, day: &str, expected: &str) {
        let zone = Zone::named(zone).unwrap();
        let moment = zone.first_moment(day.parse().unwrap());
        assert_eq!(moment, Timestamp::parse_rfc3339(expected).unwrap(), "{zone} {day}: {moment}");
    }

    #[test]
    fn a_day_begins_at_midnight_of_its_zone() {
        check("UTC", "2024-03-04", "2024-03-04T00:00:00Z");
        check("+05:30", "2024-03-04", "2024-03-03T18:30:00Z");
        check("Europe/Berlin", "2024-03-31", "2024-03-30T23:00:00Z");
        check("Europe/Berlin", "2024-04-01", "2024-03-31T22:00:00Z");
    }

    #[test]
    fn a_skipped_midnight_begins_at_the_skip() {
        check("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z");
        check("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z");
        check("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z");
    }

    #[test]
    fn the_earlier_of_two_midnights_counts() {
        check("America/Havana", "2024-11-03", "2024-11-03T04:00:00Z");
        check("Asia/Beirut", "2024-10-27", "2024-10-26T22:00:00Z");
    }

    #[test]
    fn an_unknown_zone_is_refused_with_examples() {
        for text in ["", "Mars/Olympus", "+25:00", "CEST2"] {
            let refusal = Zone::named(text).unwrap_err().to_string();
            assert!(refusal.contains("Europe/Berlin"), "{refusal}");
        }
    }
}
