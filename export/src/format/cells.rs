//! Rows of comma-separated values as RFC 4180 has them, every cell quoted: whatever stands in a cell comes back out.

use std::io;

use chat::Seq;

/// Where the rows of a table go: into a file, or beside one that is to be checked.
pub(crate) trait RowSink {
    /// Takes the next row with its line end. `seq` is the event that the row is about, if it is about one.
    fn row(&mut self, seq: Option<Seq>, row: &[u8]) -> io::Result<()>;
}

/// Returns the bytes of one row.
pub(crate) fn row<C: AsRef<str>>(cells: impl IntoIterator<Item = C>) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    for (at, cell) in cells.into_iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
        put_quoted(&mut out, cell.as_ref());
        out.push(b'"');
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Writes what a cell has between its quotes: every quote of its own twice.
pub(crate) fn put_quoted(out: &mut Vec<u8>, cell: &str) {
    let mut rest = cell.as_bytes();
    // Looked for many bytes at a time; nearly no cell has one.
    let has_quote = rest.contains(&b'"');
    while has_quote && let Some(quote) = rest.iter().position(|byte| *byte == b'"') {
        let (before, from) = rest.split_at(quote);
        out.extend_from_slice(before);
        out.extend_from_slice(b"\"\"");
        rest = from.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
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
