//! Canonical JSON as it is read: byte by byte in the one form that the writer has. Whatever is written otherwise is nothing.

use chat::Timestamp;

use crate::format::hex;

/// A line that is read from its front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner<'a>(&'a [u8]);

impl<'a> Scanner<'a> {
    /// Begins to read.
    pub(crate) const fn of(line: &'a [u8]) -> Self {
        Self(line)
    }

    /// Returns whether nothing is left.
    pub(crate) const fn is_at_end(self) -> bool {
        self.0.is_empty()
    }

    /// Takes exactly these characters.
    pub(crate) fn token(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(token.as_bytes())?;
        Some(())
    }

    /// Takes a list of items.
    pub(crate) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.token("[")?;
        let mut items = Vec::new();
        if self.token("]").is_some() {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if self.token("]").is_some() {
                return Some(items);
            }
            self.token(",")?;
        }
    }

    /// Takes decimal digits without a leading zero.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let end = self.0.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at_checked(end)?;
        if digits.len() > 1 && digits.starts_with(b"0") {
            return None;
        }
        self.0 = rest;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Takes what stands between two quotes, as it stands there.
    fn quoted(&mut self) -> Option<&'a [u8]> {
        self.token("\"")?;
        let end = self.0.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        let (within, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        self.token("\"")?;
        Some(within)
    }

    /// Takes a quoted text of hex.
    pub(crate) fn hex(&mut self) -> Option<Vec<u8>> {
        hex::read(self.quoted()?)
    }

    /// Takes so many bytes, quoted in hex.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (open, rest) = self.0.split_first()?;
        let (digits, rest) = rest.split_at_checked(N.saturating_mul(2))?;
        let (close, rest) = rest.split_first()?;
        self.0 = rest;
        if (*open, *close) == (b'"', b'"') { hex::read_array(digits) } else { None }
    }

    /// Takes a quoted text and undoes its escapes.
    pub(crate) fn text(&mut self) -> Option<String> {
        self.token("\"")?;
        let mut text = Vec::new();
        loop {
            let end = self.0.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            let (plain, rest) = self.0.split_at_checked(end)?;
            text.extend_from_slice(plain);
            self.0 = rest;
            if self.token("\"").is_some() {
                return String::from_utf8(text).ok();
            }
            text.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Option<u8> {
        let (escape, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(match escape[1] {
            byte @ (b'"' | b'\\') => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (digits, rest) = self.0.split_first_chunk::<4>()?;
                self.0 = rest;
                let [high, low] = hex::read_array(digits)?;
                // Only controls are written so; as a byte, anything above would be no character.
                Some(low).filter(|low| high == 0 && *low < 0x20)?
            }
            _ => return None,
        })
    }

    /// Takes a quoted moment with six decimals. A day that no calendar has is taken for another one: who reads a moment
    /// writes it again and compares.
    pub(crate) fn moment(&mut self) -> Option<Timestamp> {
        let text: &[u8; 27] = self.quoted()?.try_into().ok()?;
        let number = |range: std::ops::Range<usize>| {
            let digits = text.get(range)?;
            digits.iter().try_fold(0_i64, |sum, digit| {
                digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
            })
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        // Years begin in March here, so that the day that is now and then left out is the last one.
        let (year, from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * from_march + 2) / 5 + day - 1;
        let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
        Some(Timestamp::from_micros(seconds * 1_000_000 + number(20..26)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::json;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_the_writer_writes_is_read_back(
            text in chat::testing::any_text(),
            micros in Timestamp::MIN.micros()..=Timestamp::MAX.micros(),
            number in any::<u64>(),
        ) {
            let mut out = Vec::new();
            json::put_text(&mut out, &text);
            out.push(b'"');
            json::put_moment(&mut out, Timestamp::from_micros(micros));
            out.push(b'"');
            json::put_number(&mut out, number);
            let mut line = Scanner::of(&out);
            prop_assert_eq!(line.text(), Some(text));
            prop_assert_eq!(line.moment(), Some(Timestamp::from_micros(micros)));
            prop_assert_eq!(line.number(), Some(number));
            prop_assert!(line.is_at_end());
        }
    }
}
