//! Canonical JSON as it is written: members in byte order of their names, no space, strings escaped only where JSON
//! demands it. Straight into one text, since a package has millions of these lines.

use chat::Timestamp;

use crate::format::hex;

/// An object that is being written. Whoever writes gives the members in byte order of their names.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl<'a> Object<'a> {
    /// Opens an object.
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_first: true }
    }

    /// Writes the name of the next member; its value follows.
    pub(crate) fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.out.extend_from_slice(if self.is_first { b"\"" } else { b",\"" });
        self.is_first = false;
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Writes a member with a text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        put_text(self.name(name), text);
    }

    /// Writes a member with a text, if there is one.
    pub(crate) fn text_if(&mut self, name: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// Writes a member with a number.
    pub(crate) fn number(&mut self, name: &str, number: u64) {
        put_number(self.name(name), number);
    }

    /// Writes a member with a number, if there is one.
    pub(crate) fn number_if(&mut self, name: &str, number: Option<u64>) {
        if let Some(number) = number {
            self.number(name, number);
        }
    }

    /// Writes a member with bytes in hex.
    pub(crate) fn hex(&mut self, name: &str, bytes: &[u8]) {
        put_hex(self.name(name), bytes);
    }

    /// Writes a member with a moment: RFC 3339, or outside of the years 1 to 9999 the plain number of microseconds.
    pub(crate) fn moment(&mut self, name: &str, moment: Timestamp) {
        let out = self.name(name);
        if (Timestamp::MIN..=Timestamp::MAX).contains(&moment) {
            out.push(b'"');
            put_moment(out, moment);
            out.push(b'"');
        } else {
            out.extend_from_slice(moment.micros().to_string().as_bytes());
        }
    }

    /// Closes the object.
    pub(crate) fn close(self) {
        self.out.push(b'}');
    }
}

/// Writes a list, each item by the function given.
pub(crate) fn put_list<T>(
    out: &mut Vec<u8>,
    items: impl Iterator<Item = T>,
    mut put: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put(out, item);
    }
    out.push(b']');
}

/// Writes bytes in hex, quoted.
pub(crate) fn put_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    hex::put(out, bytes);
    out.push(b'"');
}

/// Writes a text, quoted and escaped.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    // Looked for many bytes at a time; few texts have one.
    let is_odd = rest.iter().fold(false, |odd, byte| odd | is_escaped(*byte));
    while is_odd && let Some(at) = rest.iter().position(|byte| is_escaped(*byte)) {
        let (plain, from) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = from.split_first() else { break };
        put_escaped(out, *byte);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

const fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn put_escaped(out: &mut Vec<u8>, byte: u8) {
    let short: &[u8] = match byte {
        b'"' => b"\\\"",
        b'\\' => b"\\\\",
        8 => b"\\b",
        12 => b"\\f",
        b'\n' => b"\\n",
        b'\r' => b"\\r",
        b'\t' => b"\\t",
        _ => {
            out.extend_from_slice(b"\\u00");
            return hex::put(out, &[byte]);
        }
    };
    out.extend_from_slice(short);
}

/// Writes a number in decimal.
pub(crate) fn put_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [b'0'; 20];
    let mut left = number;
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Writes a moment of the years 1 to 9999 as RFC 3339 in UTC with six decimals.
///
/// Days are turned into a date by counting 400-year eras from 1 March of year 0, in which leap days come last. So counted
/// no such moment is negative, and all of it goes in small numbers.
pub(crate) fn put_moment(out: &mut Vec<u8>, moment: Timestamp) {
    const DAY: u64 = 86_400_000_000;
    const DAYS_BEFORE_1970: i64 = 719_468;
    let shifted = moment.micros().saturating_add(DAYS_BEFORE_1970 * 86_400_000_000);
    let shifted = u64::try_from(shifted).unwrap_or(0);
    let small = |number: u64| u32::try_from(number).unwrap_or(0);
    let (days, within) = (small(shifted / DAY), shifted % DAY);
    let (seconds, micros) = (small(within / 1_000_000), small(within % 1_000_000));
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u32::from(month <= 2);
    let ([y0, y1], [y2, y3], [m0, m1], [d0, d1]) =
        (pair(year / 100), pair(year % 100), pair(month), pair(day));
    let ([h0, h1], [n0, n1], [s0, s1]) =
        (pair(seconds / 3_600), pair(seconds / 60 % 60), pair(seconds % 60));
    let ([u0, u1], [u2, u3], [u4, u5]) =
        (pair(micros / 10_000), pair(micros / 100 % 100), pair(micros % 100));
    out.extend_from_slice(&[
        y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, b'.',
        u0, u1, u2, u3, u4, u5, b'Z',
    ]);
}

/// Returns the two digits of a number below 100.
fn pair(number: u32) -> [u8; 2] {
    let digit = |number: u32| number.to_le_bytes()[0].wrapping_add(b'0');
    [digit(number / 10), digit(number % 10)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_and_numbers_are_written_as_another_writer_would(
            text in chat::testing::any_text(),
            codes in proptest::collection::vec(0_u32..0x90, 0..20),
            number in any::<u64>(),
        ) {
            let codes: String = codes.into_iter().filter_map(char::from_u32).collect();
            for text in [text, codes] {
                let mut out = Vec::new();
                put_text(&mut out, &text);
                prop_assert_eq!(out, serde_json::Value::from(text).to_string().into_bytes());
            }
            let mut out = Vec::new();
            put_number(&mut out, number);
            prop_assert_eq!(out, number.to_string().into_bytes());
        }

        #[test]
        fn a_moment_is_written_as_the_calendar_has_it(
            micros in Timestamp::MIN.micros()..=Timestamp::MAX.micros(),
        ) {
            let moment = Timestamp::from_micros(micros);
            let mut out = Vec::new();
            put_moment(&mut out, moment);
            prop_assert_eq!(out, moment.to_string().into_bytes());
        }
    }

    #[test]
    fn the_ends_of_the_calendar_and_leap_days_are_written_too() {
        for text in [
            "2000-02-29T23:59:59.999999Z",
            "1900-02-28T00:00:00.000000Z",
            "1900-03-01T00:00:00.000000Z",
            "2024-12-31T12:00:00.000001Z",
        ] {
            let mut out = Vec::new();
            put_moment(&mut out, Timestamp::parse_rfc3339(text).unwrap());
            assert_eq!(out, text.as_bytes());
        }
        for end in [Timestamp::MIN, Timestamp::MAX] {
            let mut out = Vec::new();
            put_moment(&mut out, end);
            assert_eq!(out, end.to_string().as_bytes());
        }
    }
}
