//! The columns of a block by number, and the two kinds of column there are: numbers, and values (`docs/format.md` §5.5).

use std::io::BufRead as _;

use super::bytes::{Bytes, put_count};
use super::column::Columns;
use super::fault::Fault;
use crate::record::tag;

/// One byte a row: live, stub or blank.
pub(crate) const STATE: u8 = 1;
/// How many sequence numbers of the other lane lie before each row.
pub(crate) const SEQ: u8 = 2;
/// The shapes that rows of this block have.
pub(crate) const SHAPES: u8 = 3;
/// Which shape each row has.
pub(crate) const SHAPE: u8 = 4;
/// The kind, without the bit of the lane.
pub(crate) const KIND: u8 = 5;
/// When it was recorded.
pub(crate) const RECORDED: u8 = 6;
/// When it happened.
pub(crate) const AT: u8 = 7;
/// Which entities of the segment this block names.
pub(crate) const TABLES: u8 = 8;
/// Rank of the room, of the actor, of the source, and of ids of other roles: four columns.
pub(crate) const RANKS: [u8; 4] = [9, 10, 11, 12];
/// Place and predecessor of the first event of each room in this block.
pub(crate) const HEADS: u8 = 13;
/// How far `place_seq` is from the one predicted.
pub(crate) const STEP: u8 = 14;
/// How far back `place_prev` is, where it is not the one predicted.
pub(crate) const BACK: u8 = 15;
/// How far back the target is.
pub(crate) const TARGET: u8 = 16;
/// Targets that are not an earlier event.
pub(crate) const TARGET_ID: u8 = 17;
/// Whether a name is another than the one predicted.
pub(crate) const NAME: u8 = 18;
/// Names that are.
pub(crate) const NAMES: u8 = 19;
/// The text dictionary, alone in its part.
pub(crate) const DICTIONARY: u8 = 1;
/// Content commitments of stubs.
pub(crate) const COMMITMENT: u8 = 28;
/// Leaves of blank events.
pub(crate) const LEAF: u8 = 29;

/// Values by their class: the number of the column of lengths; the values themselves are one above.
const ORIGIN: u8 = 20;
const THREAD: u8 = 22;
const EDITED_AT: u8 = 24;
const LOCATOR: u8 = 26;
/// The words.
pub(crate) const TEXT: u8 = 32;
const RICH_TEXT: u8 = 34;
const TITLE: u8 = 36;
const RAW: u8 = 38;
const REMARK: u8 = 40;
const ACT: u8 = 42;
const ATTACHMENT: u8 = 44;
const OTHER: u8 = 46;

/// One more than the highest number of a column.
pub(crate) const COLUMNS: u8 = 48;
/// The first number of the content part; lower ones are in the metadata part.
pub(crate) const CONTENT_FIRST: u8 = 32;

/// All columns of the metadata part.
pub(crate) const METADATA: &[u8] = &[
    STATE, SEQ, SHAPES, SHAPE, KIND, RECORDED, AT, TABLES, 9, 10, 11, 12, HEADS, STEP, BACK,
    TARGET, TARGET_ID, NAME, NAMES, 20, 21, 22, 23, 24, 25, 26, 27, COMMITMENT, LEAF,
];
/// All columns of the content part.
pub(crate) const CONTENT: &[u8] = &[32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47];
/// The classes of values, by the number of their column of lengths.
pub(crate) const CLASSES: &[u8] = &[
    ORIGIN, THREAD, EDITED_AT, LOCATOR, TEXT, RICH_TEXT, TITLE, RAW, REMARK, ACT, ATTACHMENT, OTHER,
];

/// Ends a value where no value of its class holds this byte; UTF-8 never does.
const END: u8 = 0xff;

/// Returns the class of a tag, or nothing for names, which are predicted from ids.
pub(crate) const fn class_of(tag: u16) -> Option<u8> {
    Some(match tag {
        tag::AUTHOR | tag::AUTHOR_FOREIGN_ID | tag::AUTHOR_EMAIL | tag::PLACE => return None,
        tag::ORIGIN => ORIGIN,
        tag::THREAD => THREAD,
        tag::EDITED_AT => EDITED_AT,
        tag::LOCATOR => LOCATOR,
        tag::TEXT => TEXT,
        tag::RICH_TEXT => RICH_TEXT,
        tag::TITLE => TITLE,
        tag::RAW => RAW,
        tag::REMARK => REMARK,
        tag::ACT => ACT,
        tag::ATTACHMENT_FIRST..=tag::ATTACHMENT_LAST => ATTACHMENT,
        _ => OTHER,
    })
}

/// Returns whether a column is compressed with the segment's text dictionary.
pub(crate) const fn is_text(column: u8) -> bool {
    column == TEXT + 1
}

/// The values of one class, as they are collected.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    lengths: Vec<usize>,
    joined: Vec<u8>,
}

impl Values {
    /// Adds the value of the next row that has one.
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.lengths.push(value.len());
        self.joined.extend_from_slice(value);
    }

    /// Returns the column of lengths, empty where the values end themselves, and the column of values.
    pub(crate) fn finish(self) -> (Vec<u8>, Vec<u8>) {
        if self.joined.contains(&END) {
            let mut lengths = Vec::with_capacity(self.lengths.len());
            for length in self.lengths {
                put_count(&mut lengths, length);
            }
            return (lengths, self.joined);
        }
        let mut ended = Vec::with_capacity(self.joined.len().saturating_add(self.lengths.len()));
        let mut rest = self.joined.as_slice();
        for length in self.lengths {
            let (value, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            ended.extend_from_slice(value);
            ended.push(END);
            rest = after;
        }
        (Vec::new(), ended)
    }
}

/// A column of numbers as it is read; one that was left out is all zeros.
#[derive(Debug)]
pub(crate) struct Numbers<'a>(Option<Bytes<'a>>);

impl<'a> Numbers<'a> {
    /// Begins to read a column.
    pub(crate) fn of(columns: &'a Columns, number: u8, what: &'static str) -> Self {
        Self(columns.get(number).map(|raw| Bytes::of(raw, what)))
    }

    /// Takes the next number.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<u64, Fault> {
        self.0.as_mut().map_or(Ok(0), Bytes::varint)
    }

    /// Takes the next number as an index of something in memory.
    pub(crate) fn next_index(&mut self) -> Result<usize, Fault> {
        usize::try_from(self.next()?).map_err(|_| Fault::Form { what: "an index" })
    }

    /// Ends the reading; nothing may be left.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        self.0.map_or(Ok(()), Bytes::finish)
    }
}

/// Returns how many bytes stand before the next end of a value. Reading on through the standard library's reader finds it
/// many bytes at a time.
fn length_before_end(values: &[u8]) -> Option<usize> {
    let taken = { values }.skip_until(END).ok()?;
    let length = taken.checked_sub(1)?;
    (values.get(length) == Some(&END)).then_some(length)
}

/// Finds the values of one class in their column, one after another.
#[derive(Debug)]
pub(crate) struct ValuePlaces<'a> {
    lengths: Option<Bytes<'a>>,
    values: &'a [u8],
    at: usize,
}

impl<'a> ValuePlaces<'a> {
    /// Begins to read the class whose lengths have this number.
    pub(crate) fn of(columns: &'a Columns, class: u8) -> Self {
        Self {
            lengths: columns.get(class).map(|raw| Bytes::of(raw, "lengths of values")),
            values: columns.get(class.saturating_add(1)).unwrap_or(&[]),
            at: 0,
        }
    }

    /// Returns where the next value begins, and its length.
    pub(crate) fn next(&mut self) -> Result<(usize, usize), Fault> {
        const SHORT: Fault = Fault::Short { what: "a column of values" };
        let rest = self.values.get(self.at..).ok_or(SHORT)?;
        let (length, skip) = match &mut self.lengths {
            Some(lengths) => (lengths.length()?, 0),
            None => (length_before_end(rest).ok_or(SHORT)?, 1),
        };
        if length > rest.len() {
            return Err(SHORT);
        }
        let start = self.at;
        self.at = start.saturating_add(length).saturating_add(skip);
        Ok((start, length))
    }

    /// Ends the reading; nothing may be left.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        if let Some(lengths) = self.lengths {
            lengths.finish()?;
        }
        let left = self.values.len().saturating_sub(self.at);
        if left == 0 { Ok(()) } else { Err(Fault::Surplus { what: "a column of values", left }) }
    }
}
