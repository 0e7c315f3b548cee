//! Rows of comma-separated values as RFC 4180 has them, every cell quoted: whatever stands in a cell comes back out.

use std::io;

use chat::Seq;

/// Where the rows of a table go: into a file, or beside one that is to be checked.
pub(crate) trait RowSink {
    /// Takes the next row with its line end. `seq` is the event that the row is about, if it is about one.
    fn row(&mut self, seq: Option<Seq>, row: &[u8]) -> io::Result<()>;
}

/// The cells of one row, one behind the other in a text that serves row after row.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    text: String,
    ends: Vec<usize>,
}

impl Cells {
    /// Forgets the row before.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Adds a cell.
    pub(crate) fn add(&mut self, cell: &str) {
        self.add_with(|text| text.push_str(cell));
    }

    /// Adds the cell that is written behind the text.
    pub(crate) fn add_with(&mut self, write: impl FnOnce(&mut String)) {
        write(&mut self.text);
        self.ends.push(self.text.len());
    }

    /// Returns the cells in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, end)| self.text.get(start..*end))
    }
}

/// Returns the bytes of one row.
pub(crate) fn row<C: AsRef<str>>(cells: impl IntoIterator<Item = C>) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    put_row(&mut out, cells);
    out
}

/// Writes one row behind what is there.
pub(crate) fn put_row<C: AsRef<str>>(out: &mut Vec<u8>, cells: impl IntoIterator<Item = C>) {
    for (at, cell) in cells.into_iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
        let mut rest = cell.as_ref().as_bytes();
        // Looked for many bytes at a time; nearly no cell has one.
        let has_quote = rest.contains(&b'"');
        while has_quote && let Some(quote) = rest.iter().position(|byte| *byte == b'"') {
            let (before, from) = rest.split_at(quote);
            out.extend_from_slice(before);
            out.extend_from_slice(b"\"\"");
            rest = from.get(1..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
        out.push(b'"');
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::testing::any_text;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn another_reader_finds_the_same_cells(
            rows in proptest::collection::vec(proptest::collection::vec(any_text(), 3), 1..8),
        ) {
            let bytes: Vec<u8> = rows.iter().flat_map(row).collect();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
            let back: Vec<Vec<String>> = reader
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .collect();
            prop_assert_eq!(back, rows);
        }
    }

    #[test]
    fn quotes_are_doubled_and_line_ends_kept() {
        assert_eq!(row(["a\"b", "", "x\r\ny\0"]), b"\"a\"\"b\",\"\",\"x\r\ny\0\"\r\n");
    }
}
