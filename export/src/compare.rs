//! A table that should be there, beside the one that is: names the rows that differ.

use std::io::{self, Read};

use chat::Seq;

use crate::format::cells::RowSink;
use crate::report::{Finding, FindingKind};

/// How many rows of one table are named.
const ROWS_MAX: usize = 20;

/// Reads a table of a package and compares it with the rows that it should have.
pub(crate) struct Compare {
    file: &'static str,
    reader: Box<dyn Read>,
    row: u64,
    found: Vec<Finding>,
    lost: bool,
    /// The row that is there; it serves row after row.
    there: Vec<u8>,
}

impl Compare {
    /// Starts at the first row.
    pub(crate) const fn new(file: &'static str, reader: Box<dyn Read>) -> Self {
        Self { file, reader, row: 0, found: Vec::new(), lost: false, there: Vec::new() }
    }

    /// Returns what was found, once every row was given.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        if !self.lost && !matches!(self.reader.read(&mut [0]), Ok(0)) {
            self.row += 1;
            self.find(None, "there are rows after the last one expected".to_owned());
        }
        self.found
    }

    fn find(&mut self, seq: Option<Seq>, what: String) {
        let (file, row) = (self.file.to_owned(), Some(self.row));
        self.found.push(Finding { kind: FindingKind::Row, file, row, seq, what });
    }
}

impl RowSink for Compare {
    /// Compares a row. Where one differs but ends where it should, the next ones are compared too; else their places are
    /// lost, and the first one is all that can be named.
    fn row(&mut self, seq: Option<Seq>, expected: &[u8]) -> io::Result<()> {
        if self.lost {
            return Ok(());
        }
        self.row += 1;
        self.there.clear();
        let limit = u64::try_from(expected.len()).unwrap_or(u64::MAX);
        let read = Read::take(&mut self.reader, limit).read_to_end(&mut self.there);
        let found = self.there.as_slice();
        if read.is_ok() && found == expected {
            return Ok(());
        }
        let is_whole = found.len() == expected.len() && found.ends_with(b"\r\n");
        let same =
            found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
        let what = if found.is_empty() {
            "the row is missing".to_owned()
        } else {
            format!("it does not say what its events say, from byte {} of the row", same + 1)
        };
        self.find(seq, what);
        self.lost = !is_whole || self.found.len() >= ROWS_MAX;
        Ok(())
    }
}
