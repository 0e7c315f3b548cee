//! One row of the exact table and the same row of the reading copy, written together: nearly every cell is the same in both,
//! so it is written once, and the reading copy takes over whatever stands between two cells that differ.

use std::borrow::Cow;

use crate::format::cells;
use crate::format::reading::{self, Flags};

/// The two rows of one event. It serves event after event.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    exact: Vec<u8>,
    reading: Vec<u8>,
    /// How much of the exact row the reading copy has taken over or replaced.
    taken: usize,
    /// Where the first cell ends, which is the record's id.
    id_end: usize,
    flags: Flags,
}

impl Copies {
    /// Begins the rows of the next event.
    pub(crate) fn clear(&mut self) {
        self.exact.clear();
        self.reading.clear();
        (self.taken, self.id_end, self.flags) = (0, 0, Flags::default());
    }

    /// Adds a cell that has nothing to quote, to show or to guard: digits, letters and what may stand between them.
    pub(crate) fn plain_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.exact.extend_from_slice(if self.exact.is_empty() { b"\"" } else { b",\"" });
        write(&mut self.exact);
        if self.id_end == 0 {
            self.id_end = self.exact.len();
        }
        self.exact.push(b'"');
    }

    /// Adds a cell of that sort.
    pub(crate) fn plain(&mut self, cell: &str) {
        self.plain_with(|out| out.extend_from_slice(cell.as_bytes()));
    }

    /// Adds cells with nothing in them.
    pub(crate) fn empty<const COUNT: usize>(&mut self) {
        for _ in 0..COUNT {
            self.exact.extend_from_slice(b",\"\"");
        }
    }

    /// Adds a cell with whatever somebody wrote.
    pub(crate) fn text(&mut self, cell: &str) {
        let start = self.exact.len();
        self.exact.extend_from_slice(if start == 0 { b"\"" } else { b",\"" });
        cells::put_quoted(&mut self.exact, cell);
        self.exact.push(b'"');
        if reading::is_plain(cell) {
            return;
        }
        let record_id = self.exact.get(1..self.id_end).unwrap_or_default();
        if let Cow::Owned(safe) = reading::made_safe(cell, record_id, &mut self.flags) {
            self.take_over(start);
            self.reading.extend_from_slice(b",\"");
            cells::put_quoted(&mut self.reading, &safe);
            self.reading.push(b'"');
            self.taken = self.exact.len();
        }
    }

    /// Ends both rows.
    pub(crate) fn finish(&mut self) {
        self.take_over(self.exact.len());
        self.exact.extend_from_slice(b"\r\n");
        let Flags { guarded, cut, shown } = self.flags;
        for flag in [guarded, cut, shown] {
            self.reading.extend_from_slice(if flag { b",\"1\"" } else { b",\"0\"" });
        }
        self.reading.extend_from_slice(b"\r\n");
    }

    fn take_over(&mut self, until: usize) {
        self.reading.extend_from_slice(self.exact.get(self.taken..until).unwrap_or_default());
        self.taken = until;
    }

    /// Returns the row of the exact table, with its line end.
    pub(crate) fn exact(&self) -> &[u8] {
        &self.exact
    }

    /// Returns the row of the reading copy, with its line end.
    pub(crate) fn reading(&self) -> &[u8] {
        &self.reading
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::testing::any_text;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_copies_are_what_they_would_be_cell_by_cell(
            texts in proptest::collection::vec(any_text(), 0..12),
            odd in proptest::collection::vec("[=\"a\t\u{202e} -]{0,4}", 0..6),
        ) {
            let mut copies = Copies::default();
            for _ in 0..2 {
                copies.clear();
                copies.plain("id/1");
                texts.iter().chain(&odd).for_each(|cell| copies.text(cell));
                copies.empty::<2>();
                copies.finish();
            }
            let all = || texts.iter().chain(&odd).map(String::as_str);
            let exact: Vec<_> = ["id/1"].into_iter().chain(all()).chain(["", ""]).collect();
            prop_assert_eq!(copies.exact(), cells::row(&exact));
            let mut flags = Flags::default();
            let safe: Vec<_> =
                exact.iter().map(|cell| reading::made_safe(cell, b"id/1", &mut flags)).collect();
            let words = [flags.guarded, flags.cut, flags.shown].map(|flag| if flag { "1" } else { "0" });
            let cells = safe.iter().map(AsRef::as_ref).chain(words);
            prop_assert_eq!(copies.reading(), cells::row(cells));
        }
    }
}
