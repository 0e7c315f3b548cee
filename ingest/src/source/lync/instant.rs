//! The three ways in which the format writes one moment, and whether they agree.

use chat::Timestamp;

/// .NET ticks (100 ns since 0001-01-01) at the start of 1970.
const TICKS_AT_1970: i64 = 621_355_968_000_000_000;

/// One moment as given; `long` is the exact one (lync.md §4.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Instant {
    pub(super) since1970: Option<String>,
    pub(super) string: Option<String>,
    pub(super) long: Option<String>,
}

impl Instant {
    /// Returns the moment, and a remark if the forms that are given do not agree.
    pub(super) fn read(&self) -> Result<(Timestamp, Option<String>), String> {
        let ticks = self.long.as_deref().map(ticks).transpose()?;
        let string = self.string.as_deref().map(|text| {
            // Without an offset the format means UTC.
            let zoned = if text.ends_with('Z') { text.to_owned() } else { format!("{text}Z") };
            Timestamp::parse_rfc3339(text).or_else(|_| Timestamp::parse_rfc3339(&zoned))
        });
        let millis = self.since1970.as_deref().map(str::parse::<i64>);
        let from_string = string.as_ref().and_then(|read| read.as_ref().ok()).copied();
        let from_millis = millis
            .as_ref()
            .and_then(|read| read.as_ref().ok())
            .and_then(|millis| millis.checked_mul(1_000))
            .map(Timestamp::from_micros);
        let Some(moment) =
            ticks.or(from_string).or(from_millis).filter(|moment| in_calendar(*moment))
        else {
            return Err("found no time that can be read, expected ticks in \"long\"".to_owned());
        };
        let mut odd = Vec::new();
        if self.string.is_some() && from_string != Some(moment) {
            odd.push("string");
        }
        let same_millis = |other: Timestamp| {
            other.micros().div_euclid(1_000) == moment.micros().div_euclid(1_000)
        };
        if self.since1970.is_some() && !from_millis.is_some_and(same_millis) {
            odd.push("since1970");
        }
        let used = if ticks.is_some() { "long" } else { "first readable one" };
        let remark = (!odd.is_empty()).then(|| {
            format!(
                "the forms of its time disagree: {} differs; the {used} is taken",
                odd.join(", ")
            )
        });
        Ok((moment, remark))
    }
}

fn in_calendar(moment: Timestamp) -> bool {
    (Timestamp::MIN..=Timestamp::MAX).contains(&moment)
}

/// Reads ticks; the last digit is below a microsecond and stays in the raw record alone.
fn ticks(text: &str) -> Result<Timestamp, String> {
    let refuse = || {
        let found: String = text.chars().take(40).collect();
        format!("found the ticks {found:?}, expected a whole number of 100 ns since the year 1")
    };
    let ticks: i64 = text.trim().parse().map_err(|_| refuse())?;
    let since_1970 = ticks.checked_sub(TICKS_AT_1970).ok_or_else(refuse)?;
    Ok(Timestamp::from_micros(since_1970.div_euclid(10)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(since1970: &str, string: &str, long: &str) -> Result<(String, bool), String> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let instant =
            Instant { since1970: given(since1970), string: given(string), long: given(long) };
        instant.read().map(|(moment, remark)| (moment.to_string(), remark.is_some()))
    }

    #[test]
    fn three_forms_that_agree_need_no_remark() {
        let moment = ("2008-06-04T20:15:40.953548Z".to_owned(), false);
        let string = "2008-06-04T20:15:40.9535482Z";
        assert_eq!(read("1212610540953", string, "633482073409535482"), Ok(moment.clone()));
        assert_eq!(read("", "", "633482073409535482"), Ok(moment.clone()));
        assert_eq!(read("", string, ""), Ok(moment));
    }

    #[test]
    fn the_ticks_win_and_a_form_that_differs_is_named() {
        let (moment, odd) = read("7", "2009-01-01T00:00:00Z", "633482073409535482").unwrap();
        assert_eq!((moment.as_str(), odd), ("2008-06-04T20:15:40.953548Z", true));
        assert!(read("nonsense", "", "633482073409535482").unwrap().1);
    }

    #[test]
    fn no_time_at_all_is_refused() {
        assert!(read("", "", "").is_err());
        assert!(read("", "", "x").is_err());
        assert!(read("9223372036854775807", "", "").is_err());
        assert!(read("", "", "-9223372036854775808").is_err());
    }
}
