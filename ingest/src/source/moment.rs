//! Times as people write them: with an offset, or local times of a zone that is given beside the input.

use std::fmt;
use std::str::FromStr;

use chat::Timestamp;
use chrono::offset::LocalResult;
use chrono::{
    DateTime, Datelike as _, NaiveDateTime, TimeDelta, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;

use crate::error::Error;

/// Minutes that a zone's clock may be put forward at once: islands have left out a whole day.
const GAP_MINUTES_MAX: i64 = 25 * 60;

/// A zone of the IANA database, in which times without an offset are read (`--zone`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl FromStr for Zone {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let unknown = |_| Error::ZoneUnknown { found: name.chars().take(80).collect() };
        name.parse().map(Self).map_err(unknown)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.name())
    }
}

/// A moment, and what was odd about it.
pub(crate) type Moment = (Timestamp, Option<&'static str>);

const LEAP: &str = "its time is a leap second, held as the last microsecond before it";
const TWICE: &str = "its local time came twice on that day; the earlier one is taken";
const NEVER: &str = "its local time was left out on that day; the first one after it is taken";

/// Reads a time in the form of RFC 3339, or one without an offset in the given zone.
///
/// A local time that came twice is the earlier one, one that never came is the first minute after the gap; both bear a
/// remark. A second 60 is taken where one may have been: at the end of 30 June and of 31 December, UTC.
pub(crate) fn read(text: &str, zone: Option<Zone>) -> Result<Moment, String> {
    match Timestamp::parse_rfc3339(text) {
        Ok(at) if text.as_bytes().get(17..19) == Some(b"60") => leap(text, at),
        Ok(at) => Ok((at, None)),
        Err(fault) => {
            let Some(local) = local(text) else { return Err(fault.to_string()) };
            let zone = zone.ok_or_else(|| {
                format!(
                    "found the time {text:?} without an offset, expected one such as \
                     {text}Z or {text}+02:00; or give the zone of such times with --zone"
                )
            })?;
            at_place(local, zone.0).ok_or_else(|| fault.to_string())
        }
    }
}

/// Reads a time without an offset; nothing where it is none.
fn local(text: &str) -> Option<NaiveDateTime> {
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let local = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    // A local second 60 would need a table of leap seconds for every zone.
    (local.nanosecond() < 1_000_000_000).then_some(local)
}

fn at_place(local: NaiveDateTime, zone: Tz) -> Option<Moment> {
    let (moment, remark) = match zone.from_local_datetime(&local) {
        LocalResult::Single(moment) => (moment, None),
        LocalResult::Ambiguous(earlier, _) => (earlier, Some(TWICE)),
        LocalResult::None => {
            let minute = local.with_second(0)?.with_nanosecond(0)?;
            let later = (1..=GAP_MINUTES_MAX).find_map(|minutes| {
                let later = minute.checked_add_signed(TimeDelta::minutes(minutes))?;
                zone.from_local_datetime(&later).earliest()
            })?;
            (later, Some(NEVER))
        }
    };
    let moment = Timestamp::from_micros(moment.timestamp_micros());
    (Timestamp::MIN..=Timestamp::MAX).contains(&moment).then_some((moment, remark))
}

/// Takes a second 60, which the calendar has counted as the first one of the next minute.
fn leap(text: &str, next: Timestamp) -> Result<Moment, String> {
    let second = next.micros().div_euclid(1_000_000);
    let start: Option<DateTime<Utc>> = DateTime::from_timestamp(second, 0);
    let may_be = start.is_some_and(|start| {
        let (month, day) = (start.month(), start.day());
        (month == 7 || month == 1) && day == 1 && start.num_seconds_from_midnight() == 0
    });
    if !may_be {
        return Err(format!(
            "found the time {text:?}, but no leap second was there; expected seconds up to 59"
        ));
    }
    Ok((Timestamp::from_micros(second * 1_000_000 - 1), Some(LEAP)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, zone: &str) -> (String, Option<&'static str>) {
        let (at, remark) = read(text, Some(zone.parse().unwrap())).unwrap();
        (at.to_string(), remark)
    }

    #[test]
    fn an_offset_wins_and_a_local_time_is_read_in_the_zone() {
        let nine = ("2024-03-04T09:15:00.000000Z".to_owned(), None);
        assert_eq!(at("2024-03-04T09:15:00Z", "Asia/Tokyo"), nine);
        assert_eq!(at("2024-03-04T10:15:00", "Europe/Berlin"), nine);
        assert_eq!(at("2024-03-04 18:15:00.000", "Asia/Tokyo"), nine);
        assert_eq!(at("2024-07-01T10:15:00.5", "Europe/Berlin").0, "2024-07-01T08:15:00.500000Z");
    }

    #[test]
    fn a_local_time_without_a_zone_asks_for_one() {
        let reason = read("2024-03-04T10:15:00", None).unwrap_err();
        assert!(reason.contains("--zone") && reason.contains("2024-03-04T10:15:00Z"), "{reason}");
        assert!(!read("yesterday", None).unwrap_err().contains("--zone"));
        assert!("Europe/Atlantis".parse::<Zone>().unwrap_err().to_string().contains("Atlantis"));
    }

    #[test]
    fn an_hour_that_came_twice_is_the_earlier_one_and_one_that_never_came_the_next() {
        let twice = at("2024-10-27T02:30:00", "Europe/Berlin");
        assert_eq!(twice, ("2024-10-27T00:30:00.000000Z".to_owned(), Some(TWICE)));
        let never = at("2024-03-31T02:30:30", "Europe/Berlin");
        assert_eq!(never, ("2024-03-31T01:00:00.000000Z".to_owned(), Some(NEVER)));
        let day = at("2011-12-30T12:00:00", "Pacific/Apia");
        assert_eq!(day, ("2011-12-30T10:00:00.000000Z".to_owned(), Some(NEVER)));
    }

    #[test]
    fn a_leap_second_is_taken_only_where_one_may_have_been() {
        let real = read("2016-12-31T23:59:60.25Z", None).unwrap();
        assert_eq!(
            (real.0.to_string().as_str(), real.1),
            ("2016-12-31T23:59:59.999999Z", Some(LEAP))
        );
        let there = read("2017-01-01T08:59:60+09:00", None).unwrap();
        assert_eq!(there.0, real.0);
        for text in ["2024-05-01T23:59:60Z", "2016-12-31T12:00:60Z", "2016-12-31T23:59:60+09:00"] {
            assert!(read(text, None).unwrap_err().contains("leap second"), "{text}");
        }
    }
}
