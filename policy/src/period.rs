//! How long something stays: whole days, and years that no calendar year cuts short.

use std::fmt;
use std::str::FromStr;

use chat::Timestamp;

use crate::error::{Error, Result};

const DAY_MICROS: i64 = 86_400_000_000;

/// The longest period, in days: a hundred years.
pub const PERIOD_DAYS_MAX: u32 = 36_525;

/// A length of time of at least one day and at most a hundred years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    days: u32,
}

impl Period {
    /// Returns a period of so many days. Refused for 0 and for more than a hundred years.
    pub fn of_days(days: u32) -> Result<Self> {
        match days {
            1..=PERIOD_DAYS_MAX => Ok(Self { days }),
            0 => Err(Error::PeriodUnfit { found: "0d".into(), nearest: "1d" }),
            _ => Err(Error::PeriodUnfit { found: format!("{days}d"), nearest: "36525d" }),
        }
    }

    /// Returns a period no shorter than so many years of the calendar, wherever they begin: a leap day more for every four years
    /// begun. What a law calls six years is never cut by a day.
    pub fn of_years(years: u32) -> Result<Self> {
        match years {
            1..=100 => Self::of_days(years * 365 + years.div_ceil(4)),
            0 => Err(Error::PeriodUnfit { found: "0y".into(), nearest: "1d" }),
            _ => Err(Error::PeriodUnfit { found: format!("{years}y"), nearest: "100y" }),
        }
    }

    /// Returns the days, at least 1.
    pub const fn days(self) -> u32 {
        self.days
    }

    /// Returns the moment at which the period that began then is over.
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.plus_micros(i64::from(self.days) * DAY_MICROS)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}d", self.days)
    }
}

impl FromStr for Period {
    type Err = Error;

    /// Reads `30d` or `6y`.
    fn from_str(text: &str) -> Result<Self> {
        let refuse =
            || Error::PeriodUnfit { found: text.chars().take(80).collect(), nearest: "30d or 6y" };
        if let Some(days) = text.strip_suffix('d') {
            return Self::of_days(days.parse().map_err(|_| refuse())?);
        }
        let years = text.strip_suffix('y').ok_or_else(refuse)?;
        Self::of_years(years.parse().map_err(|_| refuse())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "13,000 pairs of years take the interpreter many minutes")]
    fn no_calendar_year_is_cut_short() {
        for from in 1970..2100 {
            for years in 1..=100 {
                let day = |year: u32| Timestamp::parse_rfc3339(&format!("{year}-02-28T12:00:00Z"));
                let (start, end) = (day(from).unwrap(), day(from + years).unwrap());
                let over = Period::of_years(years).unwrap().after(start);
                assert!(over >= end, "{years} years from {from}");
                assert!(over <= end.plus_micros(DAY_MICROS * 3), "{years} years from {from}");
            }
        }
    }

    #[test]
    fn a_period_of_nothing_is_refused_with_the_nearest_that_would_do() {
        for text in ["0d", "0y"] {
            let refusal = text.parse::<Period>().unwrap_err().to_string();
            assert!(refusal.contains(text) && refusal.contains("1d"), "{refusal}");
        }
        for text in ["", "d", "-1d", "101y", "99999999999d", "6 years", "6Y", "١d"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_period_reads_back_from_its_text() {
        for days in [1, 30, 2_192, PERIOD_DAYS_MAX] {
            let period = Period::of_days(days).unwrap();
            assert_eq!(period.to_string().parse(), Ok(period));
        }
        assert_eq!("6y".parse::<Period>().unwrap().days(), 2_192);
    }
}
