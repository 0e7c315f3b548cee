//! One decoded block, from which single events are read (`docs/format.md` §5.4–5.8).

use std::sync::Arc;

use chat::Lane;
use zstd::dict::DecoderDictionary;

use super::block_decoder::decode_rows;
use super::column::Columns;
use super::entity::Entities;
use super::fault::Fault;
use super::numbers::{CONTENT, CONTENT_FIRST, METADATA};
use super::slot::Slot;
use crate::proof::Header;
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

/// Where the value of a field lies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// In a column of values.
    Column(u8, usize, usize),
    /// In the segment's table of ids: place, tag.
    Entity(usize, u16),
}

#[derive(Debug)]
pub(super) enum Row {
    Live { header: Header, fields: std::ops::Range<usize> },
    Stub { header: Header, content: [u8; 32] },
    Blank { seq: u64, leaf: [u8; 32] },
}

/// A decoded block. Its content columns may have been left undecoded, for readers of headers alone.
#[derive(Debug)]
pub struct Block {
    entities: Arc<Entities>,
    metadata: Columns,
    content: Option<Columns>,
    rows: Vec<Row>,
    fields: Vec<(u16, Source)>,
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
        let (rows, fields) = decode_rows(frame, &metadata, content.as_ref(), entities)?;
        Ok(Self { entities: Arc::clone(entities), metadata, content, rows, fields })
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether the content columns were decoded.
    pub const fn has_content(&self) -> bool {
        self.content.is_some()
    }

    /// Returns the row of a sequence number, if this lane has it.
    pub fn row_of(&self, seq: u64) -> Option<usize> {
        self.rows.binary_search_by_key(&seq, Row::seq).ok()
    }

    /// Returns the first row at or after a sequence number; the number of rows if there is none.
    pub fn row_from(&self, seq: u64) -> usize {
        self.rows.partition_point(|row| row.seq() < seq)
    }

    /// Returns the sequence number of a row.
    pub fn seq(&self, row: usize) -> Option<u64> {
        self.rows.get(row).map(Row::seq)
    }

    /// Returns the header of a row; nothing for a blank one.
    pub fn header(&self, row: usize) -> Option<&Header> {
        match self.rows.get(row)? {
            Row::Live { header, .. } | Row::Stub { header, .. } => Some(header),
            Row::Blank { .. } => None,
        }
    }

    /// Returns the header of a row whose event lives.
    pub(crate) fn live_header(&self, row: usize) -> Option<&Header> {
        match self.rows.get(row)? {
            Row::Live { header, .. } => Some(header),
            Row::Stub { .. } | Row::Blank { .. } => None,
        }
    }

    /// Returns the value that a row has under a tag; nothing where it has none, or where it lies in a part that was not decoded.
    pub(crate) fn field(&self, row: usize, sought: u16) -> Option<&[u8]> {
        let Row::Live { fields, .. } = self.rows.get(row)? else { return None };
        let mut fields = self.fields.get(fields.clone())?.iter();
        let (_, source) = fields.find(|(tag, _)| *tag == sought)?;
        self.value(*source)
    }

    /// Returns a row whole. Where the content part was not decoded, a live one has its short fields alone.
    pub fn slot(&self, row: usize) -> Option<Slot> {
        Some(match self.rows.get(row)? {
            Row::Live { header, fields } => {
                let fields = self.fields.get(fields.clone())?.iter();
                let fields = fields
                    .filter_map(|(tag, source)| {
                        Some(Field { tag: *tag, value: self.value(*source)?.to_vec() })
                    })
                    .collect();
                Slot::Live { header: header.clone(), fields }
            }
            Row::Stub { header, content } => {
                Slot::Stub { header: header.clone(), content: *content }
            }
            Row::Blank { seq, leaf } => Slot::Blank { seq: *seq, leaf: *leaf },
        })
    }

    /// Returns whether a row is exactly this. Where the content part was not decoded, a live one never is.
    pub(crate) fn is_row<V: AsRef<[u8]>>(&self, row: usize, slot: &Slot<V>) -> bool {
        match (self.rows.get(row), slot) {
            (Some(Row::Live { header, fields }), Slot::Live { header: other, fields: others }) => {
                let found = self.fields.get(fields.clone()).unwrap_or_default();
                header == other
                    && found.len() == others.len()
                    && found.iter().zip(others).all(|((tag, source), other)| {
                        *tag == other.tag && self.value(*source) == Some(other.value.as_ref())
                    })
            }
            (Some(Row::Stub { header, content }), Slot::Stub { header: other, content: same }) => {
                header == other && content == same
            }
            (Some(Row::Blank { seq, leaf }), Slot::Blank { seq: other, leaf: same }) => {
                seq == other && leaf == same
            }
            _ => false,
        }
    }

    fn value(&self, source: Source) -> Option<&[u8]> {
        match source {
            Source::Entity(place, tag) => self.entities.get(place)?.name(tag),
            Source::Column(number, start, length) => {
                let columns =
                    if number < CONTENT_FIRST { &self.metadata } else { self.content.as_ref()? };
                columns.get(number)?.get(start..)?.get(..length)
            }
        }
    }
}

impl Row {
    const fn seq(&self) -> u64 {
        match self {
            Self::Live { header, .. } | Self::Stub { header, .. } => header.seq,
            Self::Blank { seq, .. } => *seq,
        }
    }
}
