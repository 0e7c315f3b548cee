//! A reader that ends with an error before one piece of markup can fill the memory.

use std::io::{self, BufRead, Read};

use chat::limits;

/// Counts what is read since the last reset, and refuses more than one line's worth of it.
#[derive(Debug)]
pub(super) struct Meter<R> {
    input: R,
    left: usize,
}

impl<R> Meter<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, left: limits::LINE_BYTES_MAX }
    }

    /// Allows the next piece its own full measure.
    pub(super) const fn reset(&mut self) {
        self.left = limits::LINE_BYTES_MAX;
    }
}

impl<R: BufRead> Read for Meter<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let taken = available.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..taken), available.get(..taken)) {
            to.copy_from_slice(from);
        }
        self.consume(taken);
        Ok(taken)
    }
}

impl<R: BufRead> BufRead for Meter<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            let words =
                format!("one piece of markup is longer than {} bytes", limits::LINE_BYTES_MAX);
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        let available = self.input.fill_buf()?;
        let shown = available.len().min(self.left);
        Ok(available.get(..shown).unwrap_or(available))
    }

    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
        self.input.consume(bytes);
    }
}
