//! Where a page ended, bound to its search: a cursor under another query, order, scope or snapshot is refused.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat::{PersonId, RoomId, SourceId, Timestamp};
use query::Query;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::page::Order;
use crate::scope::Scope;
use crate::snapshot::Snapshot;

/// The opaque place where a page ended. Kept and given back as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// Takes the text that an earlier answer gave. Whether it is of this search is known when it is used.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What a cursor is bound to: a digest of query, scope and order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding([u8; 16]);

impl Binding {
    /// Returns the binding of a search.
    pub(crate) fn of(asked: &Query, scope: &Scope, order: Order) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"muniment cursor v3\0");
        hash.update([match order {
            Order::Newest => 0,
            Order::Oldest => 1,
            Order::Score => 2,
        }]);
        write_count(scope.windows().len(), &mut hash);
        for window in scope.windows() {
            write_axis(window.rooms.as_deref(), RoomId::as_bytes, &mut hash);
            write_axis(window.persons.as_deref(), PersonId::as_bytes, &mut hash);
            write_axis(window.sources.as_deref(), SourceId::as_bytes, &mut hash);
            write_time(window.from, &mut hash);
            write_time(window.until, &mut hash);
        }
        // As interpreted: no two conditions are written alike.
        hash.update(asked.interpreted());
        Self(first_16(&hash.finalize()))
    }
}

fn write_count(count: usize, hash: &mut Sha256) {
    hash.update(u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes());
}

/// Writes whether there is an axis, and what it admits: no two scopes are written alike.
fn write_axis<Id>(axis: Option<&[Id]>, bytes: impl Fn(&Id) -> &[u8; 16], hash: &mut Sha256) {
    hash.update([u8::from(axis.is_some())]);
    if let Some(ids) = axis {
        write_count(ids.len(), hash);
        for id in ids {
            hash.update(bytes(id));
        }
    }
}

fn write_time(time: Option<Timestamp>, hash: &mut Sha256) {
    hash.update([u8::from(time.is_some())]);
    if let Some(time) = time {
        hash.update(time.micros().to_be_bytes());
    }
}

/// What a cursor says, once it is known to be of this search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bookmark {
    /// The state that all pages of the search see.
    pub(crate) snapshot: Snapshot,
    /// The exact number of matches in that state.
    pub(crate) count: u64,
    /// Rank of the last hit: its event time, or its score's bits.
    pub(crate) rank: i64,
    /// Sequence number of the last hit.
    pub(crate) seq: u64,
    /// The reader that scores were taken from; 0 in orders by time.
    pub(crate) reader: u64,
}

const BODY_BYTES: usize = 8 + 32 + 4 + 8 + 8 + 8 + 8;

impl Bookmark {
    /// Writes the cursor of a search.
    pub(crate) fn seal(&self, binding: Binding) -> Cursor {
        let mut bytes = Vec::with_capacity(BODY_BYTES + 16);
        bytes.extend_from_slice(&self.snapshot.size.to_be_bytes());
        bytes.extend_from_slice(&self.snapshot.root);
        bytes.extend_from_slice(&self.snapshot.analysis.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&self.rank.to_be_bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.reader.to_be_bytes());
        let check = check(&bytes, binding);
        bytes.extend_from_slice(&check);
        Cursor(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a cursor back. Refuses one that was altered or is not of this search.
    pub(crate) fn open(cursor: &Cursor, binding: Binding) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(&cursor.0).map_err(|_| Error::CursorForeign)?;
        let Some((mut body, mark)) = bytes.split_at_checked(BODY_BYTES) else {
            return Err(Error::CursorForeign);
        };
        if mark != check(body, binding) {
            return Err(Error::CursorForeign);
        }
        let snapshot = Snapshot {
            size: u64::from_be_bytes(take(&mut body)?),
            root: take(&mut body)?,
            analysis: u32::from_be_bytes(take(&mut body)?),
        };
        Ok(Self {
            snapshot,
            count: u64::from_be_bytes(take(&mut body)?),
            rank: i64::from_be_bytes(take(&mut body)?),
            seq: u64::from_be_bytes(take(&mut body)?),
            reader: u64::from_be_bytes(take(&mut body)?),
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk().ok_or(Error::CursorForeign)?;
    *bytes = rest;
    Ok(*first)
}

/// The check value: it catches a cursor of another search and a mistyped one. It is no secret, and need not be: a forged
/// cursor moves a page within a search that its bearer may run anyway.
fn check(body: &[u8], binding: Binding) -> [u8; 16] {
    first_16(&Sha256::new().chain_update(binding.0).chain_update(body).finalize())
}

fn first_16(digest: &[u8]) -> [u8; 16] {
    digest.first_chunk().copied().expect("a SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(text: &str, scope: &Scope, order: Order) -> Binding {
        Binding::of(&Query::parse(text, &query::Zone::Utc).unwrap(), scope, order)
    }

    fn bookmark() -> Bookmark {
        let snapshot = Snapshot { size: 70_000, root: [9; 32], analysis: 1 };
        Bookmark { snapshot, count: 12, rank: -5, seq: 69_999, reader: 0 }
    }

    #[test]
    fn a_cursor_reads_back_in_its_own_search() {
        let binding = binding("a b", &Scope::of_officer(), Order::Newest);
        let cursor = Cursor::from_text(bookmark().seal(binding).to_string());
        assert_eq!(Bookmark::open(&cursor, binding).unwrap(), bookmark());
    }

    #[test]
    fn a_cursor_of_another_search_is_refused() {
        let own = binding("a b", &Scope::of_officer(), Order::Newest);
        let cursor = bookmark().seal(own);
        for foreign in [
            binding("a c", &Scope::of_officer(), Order::Newest),
            binding("a b", &Scope::of_officer(), Order::Oldest),
            binding("a b", &Scope::of_rooms(Vec::new()), Order::Newest),
            binding("a b", &Scope::of_rooms(vec![RoomId::from_bytes([7; 16])]), Order::Newest),
        ] {
            let refusal = Bookmark::open(&cursor, foreign).unwrap_err();
            assert!(matches!(refusal, Error::CursorForeign));
        }
    }

    #[test]
    fn an_altered_or_meaningless_cursor_is_refused() {
        let binding = binding("", &Scope::of_officer(), Order::Newest);
        let text = bookmark().seal(binding).to_string();
        for place in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let cursor = Cursor::from_text(String::from_utf8(altered).unwrap());
            assert!(Bookmark::open(&cursor, binding).is_err(), "byte {place}");
        }
        for text in ["", "%%%", "AAAA", &"A".repeat(5_000)] {
            assert!(Bookmark::open(&Cursor::from_text(text), binding).is_err());
        }
    }
}
