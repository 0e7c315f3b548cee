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
        if let Some(moment) = plain_utc(text.as_bytes()) {
            return Ok(moment);
        }
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

/// Reads the form that most sources write, `2024-03-04T09:15:00Z` with or without a fraction, many times faster than the
/// calendar does. Whatever is odd about it (a leap second, an offset, a day that the month has not) is left to the calendar.
fn plain_utc(text: &[u8]) -> Option<Timestamp> {
    let (moment, rest) = text.split_first_chunk::<19>()?;
    let [y0, y1, y2, y3, b'-', o0, o1, b'-', d0, d1, b'T', h0, h1, b':', m0, m1, b':', s0, s1] =
        *moment
    else {
        return None;
    };
    let year = number(&[y0, y1, y2, y3])?;
    let (month, day) = (number(&[o0, o1])?, number(&[d0, d1])?);
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[m0, m1])?, number(&[s0, s1])?);
    // Days up to 28 exist in every month; the others are few enough to be looked up in the calendar.
    let is_plain = (1..=9_999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !is_plain {
        return None;
    }
    let micros = match rest {
        [b'Z'] => 0,
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => {
            let mut six = [b'0'; 6];
            for (place, digit) in six.iter_mut().zip(digits) {
                *place = *digit;
            }
            number(digits)?;
            number(&six)?
        }
        _ => return None,
    };
    let seconds = days_since_1970(year, month, day)?
        .checked_mul(86_400)?
        .checked_add(hour.checked_mul(3_600)?.checked_add(minute.checked_mul(60)?)?)?
        .checked_add(second)?;
    Some(Timestamp(seconds.checked_mul(1_000_000)?.checked_add(micros)?))
}

/// Returns the number that these digits write, or nothing if one is no digit.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |number, digit| {
        let value = digit.is_ascii_digit().then(|| i64::from(digit & 0x0f))?;
        number.checked_mul(10)?.checked_add(value)
    })
}

/// Returns the days from 1970-01-01 to a day of the Gregorian calendar, counted in eras of 400 years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    /// Days of 400 years.
    const ERA_DAYS: i64 = 146_097;
    /// Days from the first of March of the year 0 to the start of 1970.
    const TO_1970_DAYS: i64 = 719_468;
    let march_year = if month <= 2 { year.checked_sub(1)? } else { year };
    let march_month = month.checked_add(9)?.rem_euclid(12);
    let (era, of_era) = (march_year.div_euclid(400), march_year.rem_euclid(400));
    // 153 days pass in five months that begin in March.
    let of_year = march_month.checked_mul(153)?.checked_add(2)?.div_euclid(5).checked_add(day)?;
    let leap_days = of_era.div_euclid(4).checked_sub(of_era.div_euclid(100))?;
    era.checked_mul(ERA_DAYS)?
        .checked_add(of_era.checked_mul(365)?)?
        .checked_add(leap_days)?
        .checked_add(of_year)?
        .checked_sub(1)?
        .checked_sub(TO_1970_DAYS)
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
    fn the_plain_form_says_what_the_calendar_says() {
        let mut count = 0;
        for year in [1, 4, 100, 400, 1_600, 1_900, 1_969, 1_970, 2_000, 2_023, 2_024, 9_999] {
            for month in 1..=12 {
                for (day, rest) in
                    [(1, "00:00:00Z"), (28, "23:59:59.123456789Z"), (17, "09:08:07.5Z")]
                {
                    let text = format!("{year:04}-{month:02}-{day:02}T{rest}");
                    let calendar = DateTime::parse_from_rfc3339(&text).unwrap().timestamp_micros();
                    assert_eq!(plain_utc(text.as_bytes()), Some(Timestamp(calendar)), "{text}");
                    count += 1;
                }
            }
        }
        assert_eq!(count, 12 * 12 * 3);
        for odd in [
            "2024-02-29T00:00:00Z",
            "2016-12-31T23:59:60Z",
            "2024-03-04T09:15:00.Z",
            "2024-03-04T09:15:00.1x2Z",
        ] {
            assert_eq!(plain_utc(odd.as_bytes()), None, "{odd}");
        }
        assert!(Timestamp::parse_rfc3339("2023-02-29T00:00:00Z").is_err());
        assert!(Timestamp::parse_rfc3339("2024-02-29T00:00:00Z").is_ok());
    }

    #[test]
    fn what_is_no_time_is_refused_with_an_example() {
        for text in ["", "yesterday", "2024-13-01T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00"] {
            assert!(Timestamp::parse_rfc3339(text).unwrap_err().to_string().contains("2024-03-04"));
        }
    }
}
