//! Lines of an input, each held to a limit, numbered from 1.

use std::io::{self, BufRead, Read as _};

use chat::limits;

/// Reads lines one by one into one buffer.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
}

/// A line without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// Its bytes; the first [`limits::LINE_BYTES_MAX`] of them if it is longer.
    pub bytes: &'a [u8],
    /// Whether it was longer.
    pub cut: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads from here on.
    pub const fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0 }
    }

    /// Returns the number of the line that was read last.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Returns the next line, or nothing at the end.
    pub fn read(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let allowed = u64::try_from(limits::LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let taken = self.input.by_ref().take(allowed + 2).read_until(b'\n', &mut self.buffer)?;
        if taken == 0 {
            return Ok(None);
        }
        self.number += 1;
        let mut cut = false;
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
            if self.buffer.last() == Some(&b'\r') {
                self.buffer.pop();
            }
        } else if self.buffer.len() > limits::LINE_BYTES_MAX {
            self.input.skip_until(b'\n')?;
        }
        if self.buffer.len() > limits::LINE_BYTES_MAX {
            self.buffer.truncate(limits::LINE_BYTES_MAX);
            cut = true;
        }
        let bytes = match self.buffer.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) if self.number == 1 => rest,
            Some(_) | None => &self.buffer,
        };
        Ok(Some(Line { number: self.number, bytes, cut }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Vec<(u64, usize, bool)> {
        let mut lines = Lines::new(input);
        let mut all = Vec::new();
        while let Some(line) = lines.read().unwrap() {
            all.push((line.number, line.bytes.len(), line.cut));
        }
        all
    }

    #[test]
    fn lines_end_with_a_line_feed_or_with_the_input() {
        assert_eq!(read(b""), []);
        assert_eq!(read(b"a\r\n\nbc"), [(1, 1, false), (2, 0, false), (3, 2, false)]);
        assert_eq!(read(b"\xef\xbb\xbfa\n\xef\xbb\xbf"), [(1, 1, false), (2, 3, false)]);
        assert_eq!(read(b"\xef\xbb\xbf"), [(1, 0, false)]);
    }

    #[test]
    fn a_line_beyond_the_limit_is_cut_and_the_next_one_is_whole() {
        let most = limits::LINE_BYTES_MAX;
        let mut input = vec![b'x'; most];
        input.extend_from_slice(b"\n");
        input.extend(vec![b'y'; most + 1]);
        input.extend_from_slice(b"\n");
        input.extend(vec![b'z'; most + 70_000]);
        input.extend_from_slice(b"\nend");
        assert_eq!(
            read(&input),
            [(1, most, false), (2, most, true), (3, most, true), (4, 3, false)]
        );
    }
}
