//! The rows of a decoded block, packed: a hundred bytes each and no allocation of their own.

use std::ops::Range;

use super::fault::Fault;
use crate::proof::header::{self, Header};

/// Where the value of a field lies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// In a column of values: its number, start and length.
    Column(u8, u32, u32),
    /// In the segment's table of ids: place, tag.
    Entity(u32, u16),
}

impl Source {
    /// Returns a place in a column.
    pub(super) fn column(number: u8, start: usize, length: usize) -> Result<Self, Fault> {
        Ok(Self::Column(number, place(start)?, place(length)?))
    }

    /// Returns a name in the table of ids.
    pub(super) fn entity(at: usize, tag: u16) -> Result<Self, Fault> {
        Ok(Self::Entity(place(at)?, tag))
    }
}

/// Returns a place within a block as it is kept. A part has at most 64 MiB, so it always fits.
pub(super) fn place(at: usize) -> Result<u32, Fault> {
    u32::try_from(at).map_err(|_| Fault::Form { what: "a place in a block" })
}

/// What is left of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Live,
    /// A stub, and where its content commitment is among the hashes.
    Stub(u32),
    /// A blank row, and where its leaf is among the hashes.
    Blank(u32),
}

/// One row: its numbers, and where its ids and fields are among those of all rows.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) state: State,
    pub(super) kind: u16,
    pub(super) seq: u64,
    pub(super) place_seq: u64,
    pub(super) place_prev: u64,
    pub(super) recorded_at: i64,
    pub(super) at: i64,
    pub(super) ids: Range<u32>,
    pub(super) fields: Range<u32>,
}

impl Row {
    /// Returns a row of which nothing is known but its sequence number.
    pub(super) const fn blank(seq: u64) -> Self {
        Self {
            state: State::Blank(0),
            kind: 0,
            seq,
            place_seq: 0,
            place_prev: 0,
            recorded_at: 0,
            at: 0,
            ids: 0..0,
            fields: 0..0,
        }
    }
}

/// All rows of a block, ascending by sequence number.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) list: Vec<Row>,
    pub(super) ids: Vec<(u8, [u8; 16])>,
    pub(super) fields: Vec<(u16, Source)>,
    pub(super) hashes: Vec<[u8; 32]>,
}

/// Ids and fields that a row of chat commonly has.
const COMMON_IDS: usize = 3;
const COMMON_FIELDS: usize = 5;

impl Rows {
    /// Returns an empty list with room for so many rows.
    pub(super) fn for_so_many(rows: usize) -> Self {
        Self {
            list: Vec::with_capacity(rows),
            ids: Vec::with_capacity(rows.saturating_mul(COMMON_IDS)),
            fields: Vec::with_capacity(rows.saturating_mul(COMMON_FIELDS)),
            hashes: Vec::new(),
        }
    }

    /// Returns the ids of a row with their roles.
    pub(super) fn ids(&self, row: &Row) -> &[(u8, [u8; 16])] {
        part(&self.ids, &row.ids)
    }

    /// Returns the tags of a row's fields, and where their values are.
    pub(super) fn fields(&self, row: &Row) -> &[(u16, Source)] {
        part(&self.fields, &row.fields)
    }

    /// Returns one of the hashes that destroyed rows have left.
    pub(super) fn hash(&self, at: u32) -> Option<&[u8; 32]> {
        self.hashes.get(usize::try_from(at).ok()?)
    }

    /// Builds the header of a row that has one.
    pub(super) fn header(&self, row: &Row) -> Header {
        Header {
            kind: row.kind,
            seq: row.seq,
            place_seq: row.place_seq,
            place_prev: row.place_prev,
            recorded_at: row.recorded_at,
            at: row.at,
            ids: self.ids(row).iter().copied().collect(),
        }
    }

    /// Appends the bytes of a row's header as they are hashed.
    pub(super) fn put_header(&self, row: &Row, out: &mut Vec<u8>) {
        let places = (row.seq, row.place_seq, row.place_prev);
        header::put(out, row.kind, places, (row.recorded_at, row.at), self.ids(row));
    }

    /// Returns whether a row has exactly this header.
    pub(super) fn is_header(&self, row: &Row, header: &Header) -> bool {
        let Header { kind, seq, place_seq, place_prev, recorded_at, at, ids } = header;
        let numbers = (row.kind, row.seq, row.place_seq, row.place_prev);
        numbers == (*kind, *seq, *place_seq, *place_prev)
            && (row.recorded_at, row.at) == (*recorded_at, *at)
            && *self.ids(row) == **ids
    }

    /// Returns the bytes that they take in memory.
    pub(super) const fn memory_bytes(&self) -> usize {
        let list = self.list.capacity().saturating_mul(size_of::<Row>());
        let ids = self.ids.capacity().saturating_mul(size_of::<(u8, [u8; 16])>());
        let fields = self.fields.capacity().saturating_mul(size_of::<(u16, Source)>());
        let hashes = self.hashes.capacity().saturating_mul(32);
        list.saturating_add(ids).saturating_add(fields).saturating_add(hashes)
    }
}

fn part<'a, T>(all: &'a [T], range: &Range<u32>) -> &'a [T] {
    let places = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    places.and_then(|(start, end)| all.get(start..end)).unwrap_or_default()
}
