//! Dates and moments as people type them: `2024`, `2024-03`, `2024-03-04`, or RFC 3339. Each is an interval, from its
//! first microsecond to the first one after it.

use chat::Timestamp;
use chrono::{Datelike as _, NaiveDate};

use crate::zone::Zone;

/// A half-open interval of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    /// The first moment in it.
    pub(crate) from: Timestamp,
    /// The first moment after it; none where that lies past the calendar.
    pub(crate) until: Option<Timestamp>,
}

/// Reads a date, which is in the zone, or a moment, which names its own offset. A moment without decimals is one second long,
/// one with decimals a microsecond.
pub(crate) fn interval(text: &str, zone: Zone) -> Option<Interval> {
    if text.len() > 10 {
        let from = Timestamp::parse_rfc3339(text).ok()?;
        let length_micros = if text.contains('.') { 1 } else { 1_000_000 };
        return Some(bounded(from, from.plus_micros(length_micros)));
    }
    let mut fields = text.split('-');
    let year = number(fields.next()?, 4)?;
    let month = fields.next().map(|field| number(field, 2));
    let day = fields.next().map(|field| number(field, 2));
    if fields.next().is_some() || year == 0 {
        return None;
    }
    let year_i32 = i32::try_from(year).ok()?;
    let date = |month, day| NaiveDate::from_ymd_opt(year_i32, month, day);
    let (first, next) = match (month, day) {
        (None, _) => (date(1, 1)?, NaiveDate::from_ymd_opt(year_i32 + 1, 1, 1)?),
        (Some(month), None) => {
            let first = date(month?, 1)?;
            (first, first.checked_add_months(chrono::Months::new(1))?)
        }
        (Some(month), Some(day)) => {
            let first = date(month?, day?)?;
            (first, first.succ_opt()?)
        }
    };
    Some(bounded(zone.first_moment(first), zone.first_moment(next)))
}

/// Says what would be right where a text has the form of a date, or begins with one, that no calendar has.
pub(crate) fn not_in_calendar(text: &str) -> Option<String> {
    let date = text.get(..10).unwrap_or(text);
    let mut fields = date.split('-');
    let year = number(fields.next()?, 4)?;
    let month = number(fields.next().unwrap_or("01"), 2)?;
    let day = number(fields.next().unwrap_or("01"), 2)?;
    if fields.next().is_some() {
        return None;
    }
    if year == 0 {
        return Some("a year from 0001".to_owned());
    }
    let Some(first) = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, 1) else {
        return Some(format!("a month from 01 to 12; there is no month {month:02}"));
    };
    let days = first.checked_add_months(chrono::Months::new(1))?.pred_opt()?.day();
    (day == 0 || day > days)
        .then(|| format!("a day that exists; {} has the days 01 to {days}", first.format("%Y-%m")))
}

fn bounded(from: Timestamp, until: Timestamp) -> Interval {
    Interval { from: from.max(Timestamp::MIN), until: (until <= Timestamp::MAX).then_some(until) }
}

/// Reads exactly so many ASCII digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    let well_formed = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, zone: &str, from: &str, until: Option<&str>) {
        let moment = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let expected = Interval { from: moment(from), until: until.map(moment) };
        assert_eq!(interval(text, Zone::named(zone).unwrap()), Some(expected), "{text} {zone}");
    }

    #[test]
    fn a_date_is_its_whole_interval() {
        check("2024", "UTC", "2024-01-01T00:00:00Z", Some("2025-01-01T00:00:00Z"));
        check("2024-12", "UTC", "2024-12-01T00:00:00Z", Some("2025-01-01T00:00:00Z"));
        check("2024-02-29", "UTC", "2024-02-29T00:00:00Z", Some("2024-03-01T00:00:00Z"));
    }

    #[test]
    fn a_day_of_summer_time_has_23_or_25_hours() {
        check("2024-03-31", "Europe/Berlin", "2024-03-30T23:00:00Z", Some("2024-03-31T22:00:00Z"));
        check("2024-10-27", "Europe/Berlin", "2024-10-26T22:00:00Z", Some("2024-10-27T23:00:00Z"));
    }

    #[test]
    fn a_moment_is_as_long_as_it_is_written() {
        check(
            "2024-03-04T09:00:00+01:00",
            "UTC",
            "2024-03-04T08:00:00Z",
            Some("2024-03-04T08:00:01Z"),
        );
        check(
            "2024-03-04T09:00:00.5Z",
            "UTC",
            "2024-03-04T09:00:00.5Z",
            Some("2024-03-04T09:00:00.500001Z"),
        );
    }

    #[test]
    fn the_ends_of_the_calendar_hold() {
        check("9999", "UTC", "9999-01-01T00:00:00Z", None);
        check("0001", "+02:00", "0001-01-01T00:00:00Z", Some("0001-12-31T22:00:00Z"));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "24",
            "0000",
            "2024-",
            "2024-3",
            "2024-13",
            "2024-02-30",
            "2024-01-01-",
            "٢٠٢٤",
            "2024-01-01T00:00",
            "10000",
            "yesterday",
        ] {
            assert_eq!(interval(text, Zone::Utc), None, "{text}");
        }
    }
}
