//! One decoded block, from which single events are read (`docs/format.md` §5.4–5.8).

use std::sync::Arc;

use chat::Lane;
use zstd::dict::DecoderDictionary;

use super::block_decoder::decode_rows;
use super::column::Columns;
use super::entity::Entities;
use super::fault::Fault;
use super::numbers::{CONTENT, CONTENT_FIRST, METADATA};
use super::rows::{Row, Rows, Source, State};
use super::slot::Slot;
use crate::proof::Header;
use crate::proof::header::ROLE_PLACE;
use crate::record::Field;

/// The most rows of one block.
pub(crate) const BLOCK_ROWS_MAX: usize = 4_096;

/// What the footer says of a block, as far as decoding needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockFrame {
    /// Sequence number of its first row.
    pub(crate) first: u64,
    /// Sequence number of its last row.
    pub(crate) last: u64,
    /// How many rows it has.
    pub(crate) rows: usize,
    /// The lane of its file.
    pub(crate) lane: Lane,
}

/// What is held of one row, borrowed from its block.
#[derive(Debug)]
pub(crate) enum Held<'a> {
    /// The whole event: the bytes of its header, and its fields.
    Live { header: &'a [u8], fields: HeldFields<'a> },
    /// The bytes of its header, and its content commitment.
    Stub { header: &'a [u8], content: &'a [u8; 32] },
    /// Its leaf.
    Blank { leaf: &'a [u8; 32] },
}

/// The fields of a row, borrowed from its block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeldFields<'a> {
    block: &'a Block,
    row: &'a Row,
}

impl<'a> HeldFields<'a> {
    /// Returns tags and values, tags ascending.
    pub(crate) fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        self.block.values(self.row)
    }
}

/// A decoded block. Its content columns may have been left undecoded, for readers of headers alone.
#[derive(Debug)]
pub struct Block {
    entities: Arc<Entities>,
    metadata: Columns,
    content: Option<Columns>,
    rows: Rows,
}

impl Block {
    /// Decodes the plaintext of a block's parts; without the content part, only headers and short fields can be read.
    pub(crate) fn decode(
        frame: &BlockFrame,
        metadata: &[u8],
        content: Option<&[u8]>,
        entities: &Arc<Entities>,
        dictionary: Option<&DecoderDictionary<'static>>,
    ) -> Result<Self, Fault> {
        if frame.rows > BLOCK_ROWS_MAX {
            return Err(Fault::Limit {
                what: "the number of rows of a block",
                found: u64::try_from(frame.rows).unwrap_or(u64::MAX),
                limit: BLOCK_ROWS_MAX.try_into().unwrap_or(u64::MAX),
            });
        }
        let metadata = Columns::unpack(metadata, None)?;
        let content = content.map(|part| Columns::unpack(part, dictionary)).transpose()?;
        let foreign = content.as_ref().and_then(|columns| columns.foreign(CONTENT));
        if metadata.foreign(METADATA).or(foreign).is_some() {
            return Err(Fault::Form { what: "the number of a column" });
        }
        let rows = decode_rows(frame, &metadata, content.as_ref(), entities)?;
        Ok(Self { entities: Arc::clone(entities), metadata, content, rows })
    }

    /// Returns the number of rows.
    pub const fn rows(&self) -> usize {
        self.rows.list.len()
    }

    /// Returns whether the content columns were decoded.
    pub const fn has_content(&self) -> bool {
        self.content.is_some()
    }

    /// Returns the bytes that it takes in memory; the table of ids, which all blocks of a file share, is not counted.
    pub(crate) fn memory_bytes(&self) -> usize {
        let columns = [Some(&self.metadata), self.content.as_ref()].into_iter().flatten();
        let columns = columns.map(Columns::memory_bytes).fold(0, usize::saturating_add);
        columns.saturating_add(self.rows.memory_bytes())
    }

    /// Returns the row of a sequence number, if this lane has it.
    pub fn row_of(&self, seq: u64) -> Option<usize> {
        self.rows.list.binary_search_by_key(&seq, |row| row.seq).ok()
    }

    /// Returns the first row at or after a sequence number; the number of rows if there is none.
    pub fn row_from(&self, seq: u64) -> usize {
        self.rows.list.partition_point(|row| row.seq < seq)
    }

    /// Returns the sequence number of a row.
    pub fn seq(&self, row: usize) -> Option<u64> {
        self.rows.list.get(row).map(|row| row.seq)
    }

    /// Builds the header of a row; nothing for a blank one.
    pub fn header(&self, row: usize) -> Option<Header> {
        let row = self.rows.list.get(row)?;
        match row.state {
            State::Live | State::Stub(_) => Some(self.rows.header(row)),
            State::Blank(_) => None,
        }
    }

    /// Builds the header of a row whose event lives.
    pub(crate) fn live_header(&self, row: usize) -> Option<Header> {
        let row = self.rows.list.get(row).filter(|row| row.state == State::Live)?;
        Some(self.rows.header(row))
    }

    /// Returns the value that a row has under a tag; nothing where it has none, or where it lies in a part that was not decoded.
    pub(crate) fn field(&self, row: usize, sought: u16) -> Option<&[u8]> {
        let fields = self.rows.fields(self.rows.list.get(row)?);
        let (_, source) = fields.iter().find(|(tag, _)| *tag == sought)?;
        self.value(*source)
    }

    /// Builds a row whole. Where the content part was not decoded, a live one has its short fields alone.
    pub fn slot(&self, row: usize) -> Option<Slot> {
        let row = self.rows.list.get(row)?;
        Some(match row.state {
            State::Live => {
                let fields = self.values(row);
                let fields = fields.map(|(tag, value)| Field { tag, value: value.to_vec() });
                Slot::Live { header: self.rows.header(row), fields: fields.collect() }
            }
            State::Stub(at) => {
                Slot::Stub { header: self.rows.header(row), content: *self.rows.hash(at)? }
            }
            State::Blank(at) => Slot::Blank { seq: row.seq, leaf: *self.rows.hash(at)? },
        })
    }

    /// Returns what is held of a row, borrowed from the block: what a leaf is computed from without building the event. Where
    /// the content part was not decoded, there is nothing of a live one. `header` takes the bytes of the header.
    pub(crate) fn held<'a>(&'a self, row: usize, header: &'a mut Vec<u8>) -> Option<Held<'a>> {
        let row = self.rows.list.get(row)?;
        header.clear();
        if !matches!(row.state, State::Blank(_)) {
            self.rows.put_header(row, header);
        }
        Some(match row.state {
            State::Live if !self.has_content() => return None,
            State::Live => Held::Live { header, fields: HeldFields { block: self, row } },
            State::Stub(at) => Held::Stub { header, content: self.rows.hash(at)? },
            State::Blank(at) => Held::Blank { leaf: self.rows.hash(at)? },
        })
    }

    /// Returns the room of a row with the event's number there and the event before it; nothing where it has none or is blank.
    pub(crate) fn room(&self, row: usize) -> Option<([u8; 16], u64, u64)> {
        let row = self.rows.list.get(row)?;
        let (_, room) = self.rows.ids(row).iter().find(|(role, _)| *role == ROLE_PLACE)?;
        Some((*room, row.place_seq, row.place_prev))
    }

    /// Returns whether a row is exactly this. Where the content part was not decoded, a live one never is.
    pub(crate) fn is_row<V: AsRef<[u8]>>(&self, row: usize, slot: &Slot<V>) -> bool {
        let Some(row) = self.rows.list.get(row) else { return false };
        let hash = |at: u32| self.rows.hash(at);
        match (row.state, slot) {
            (State::Live, Slot::Live { header, fields }) => {
                let found = self.rows.fields(row);
                self.rows.is_header(row, header)
                    && found.len() == fields.len()
                    && found.iter().zip(fields).all(|((tag, source), other)| {
                        *tag == other.tag && self.value(*source) == Some(other.value.as_ref())
                    })
            }
            (State::Stub(at), Slot::Stub { header, content }) => {
                self.rows.is_header(row, header) && hash(at) == Some(content)
            }
            (State::Blank(at), Slot::Blank { seq, leaf }) => {
                row.seq == *seq && hash(at) == Some(leaf)
            }
            _ => false,
        }
    }

    /// Returns the fields of a row that were decoded: tag and value.
    fn values<'a>(&'a self, row: &Row) -> impl Iterator<Item = (u16, &'a [u8])> {
        let fields = self.rows.fields(row).iter();
        fields.filter_map(|(tag, source)| Some((*tag, self.value(*source)?)))
    }

    fn value(&self, source: Source) -> Option<&[u8]> {
        match source {
            Source::Entity(place, tag) => {
                self.entities.get(usize::try_from(place).ok()?)?.name(tag)
            }
            Source::Column(number, start, length) => {
                let columns =
                    if number < CONTENT_FIRST { &self.metadata } else { self.content.as_ref()? };
                let (start, length) = (usize::try_from(start).ok()?, usize::try_from(length).ok()?);
                columns.get(number)?.get(start..)?.get(..length)
            }
        }
    }
}
