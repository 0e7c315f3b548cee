//! The numbers of one segment, opened once and kept: opening a column for every search was the largest hidden cost
//! (performance.md §5.2).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use tantivy::columnar::{Cardinality, Column, ColumnValues};
use tantivy::index::{SegmentId, SegmentReader};
use tantivy::{DocId, Searcher};

use crate::not_searched::Unread;
use crate::schema::{AT, SEQ};

/// Event times and sequence numbers of one segment, whose documents lie in order of time, latest first.
#[derive(Clone)]
pub(crate) struct Columns {
    at: Arc<dyn ColumnValues<i64>>,
    seq: Arc<dyn ColumnValues<u64>>,
    docs: DocId,
    seq_first: u64,
    seq_last: u64,
    /// How much of each sort no search looks into, once that was counted.
    unread: [OnceLock<u64>; Unread::SORTS],
}

impl fmt::Debug for Columns {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Columns({} documents, seq {}..={})", self.docs, self.seq_first, self.seq_last)
    }
}

impl Columns {
    /// Opens the columns of a segment.
    pub(crate) fn open(reader: &SegmentReader) -> tantivy::Result<Self> {
        let at = reader.fast_fields().i64(AT)?;
        let seq = reader.fast_fields().u64(SEQ)?;
        Ok(Self {
            docs: reader.max_doc(),
            seq_first: seq.min_value(),
            seq_last: seq.max_value(),
            at: each(at, 0),
            seq: each(seq, 0),
            unread: Default::default(),
        })
    }

    /// Returns the number of documents.
    pub(crate) const fn docs(&self) -> DocId {
        self.docs
    }

    /// Returns the lowest and the highest sequence number.
    pub(crate) const fn seq_range(&self) -> (u64, u64) {
        (self.seq_first, self.seq_last)
    }

    /// Returns where the number of documents is kept that no search looks into, for one sort.
    pub(crate) fn unread(&self, unread: Unread) -> &OnceLock<u64> {
        &self.unread[unread.place()]
    }

    /// Returns the event time of a document.
    pub(crate) fn at(&self, doc: DocId) -> i64 {
        self.at.get_val(doc)
    }

    /// Returns the sequence number of a document.
    pub(crate) fn seq(&self, doc: DocId) -> u64 {
        self.seq.get_val(doc)
    }

    /// Returns the first document whose event time is at most this, or the number of documents.
    pub(crate) fn first_at_most(&self, at: i64) -> DocId {
        self.partition(|doc_at| doc_at > at)
    }

    /// Returns the first document whose event time is below this, or the number of documents.
    pub(crate) fn first_below(&self, at: i64) -> DocId {
        self.partition(|doc_at| doc_at >= at)
    }

    fn partition(&self, is_before: impl Fn(i64) -> bool) -> DocId {
        let (mut low, mut high) = (0, self.docs);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(self.at(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// Returns the values by document. Where every document has one, as ours do, nothing need be asked on the way to it.
fn each<T>(column: Column<T>, absent: T) -> Arc<dyn ColumnValues<T>>
where
    T: PartialOrd + Copy + Default + fmt::Debug + Send + Sync + 'static,
{
    if column.get_cardinality() == Cardinality::Full {
        column.values
    } else {
        column.first_or_default_col(absent)
    }
}

/// The columns of every segment of one state of the index.
pub(crate) type ColumnsBySegment = HashMap<SegmentId, Arc<Columns>>;

/// Returns the columns of all segments, taking over those already open.
pub(crate) fn open_all(
    searcher: &Searcher,
    open: &ColumnsBySegment,
) -> tantivy::Result<ColumnsBySegment> {
    let columns = |reader: &SegmentReader| match open.get(&reader.segment_id()) {
        Some(columns) => Ok(Arc::clone(columns)),
        None => Columns::open(reader).map(Arc::new),
    };
    searcher
        .segment_readers()
        .iter()
        .map(|reader| columns(reader).map(|columns| (reader.segment_id(), columns)))
        .collect()
}
