//! Reads a compressed file of lines one by one, bounded whatever it holds.

use std::io::{self, BufRead as _, BufReader, Read};

/// The lines of a zstd stream.
pub(crate) struct Lines<R: Read> {
    reader: BufReader<zstd::stream::read::Decoder<'static, BufReader<R>>>,
    line: Vec<u8>,
    bytes_max: usize,
}

impl<R: Read> Lines<R> {
    /// Opens a stream whose lines are at most so long.
    pub(crate) fn new(reader: R, bytes_max: usize) -> io::Result<Self> {
        let decoder = zstd::stream::read::Decoder::new(reader)?;
        Ok(Self { reader: BufReader::with_capacity(1 << 16, decoder), line: Vec::new(), bytes_max })
    }

    /// Returns the next line without its line feed, or nothing at the end. A line without a line feed, or one that is too
    /// long, is an error.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        let found = self.append(&mut line);
        self.line = line;
        Ok(found?.then_some(&self.line))
    }

    /// Adds the next line to a text, and returns whether there was one. After an error something of it may stand there.
    pub(crate) fn append(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        let limit = u64::try_from(self.bytes_max).unwrap_or(u64::MAX).saturating_add(1);
        let count = Read::take(&mut self.reader, limit).read_until(b'\n', text)?;
        if count == 0 {
            return Ok(false);
        }
        if text.pop() == Some(b'\n') {
            return Ok(true);
        }
        let words =
            if count > self.bytes_max { "a line is too long" } else { "the last line is cut off" };
        Err(io::Error::new(io::ErrorKind::InvalidData, words))
    }
}
