//! Words as they are written. The index knows folded words alone, so the candidates' texts are read back from the log
//! and looked at by the matcher.

use std::fmt;
use std::sync::Arc;

use archive::Archive;
use chat::Seq;
use parking_lot::Mutex;
use query::{Analysed, Clause, Unmarked, holds};
use tantivy::index::SegmentReader;
use tantivy::query::{EnableScoring, Query};
use tantivy::{DocId, Searcher, TantivyError};

use crate::columns::ColumnsBySegment;
use crate::error::Error;
use crate::settled::Settle;
use crate::time_limit::TimeLimit;

/// Candidates that are read at once.
const BATCH_EVENTS: usize = 2_048;

/// Where a fault is kept until the search can report it, since the engine's errors cannot carry it.
pub(crate) type Faults = Arc<Mutex<Option<Error>>>;

/// The documents whose text holds the words as they are written.
pub(crate) struct Verbatim {
    /// The clause, which the matcher decides.
    pub(crate) clause: Clause,
    /// What holds the folded words in a row.
    pub(crate) candidates: Box<dyn Query>,
    /// The committed state.
    pub(crate) searcher: Searcher,
    /// Its numbers.
    pub(crate) columns: Arc<ColumnsBySegment>,
    /// The log.
    pub(crate) archive: Arc<Archive>,
    /// Where its faults go.
    pub(crate) faults: Faults,
    /// How long all of it may take.
    pub(crate) limit: TimeLimit,
}

impl fmt::Debug for Verbatim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Verbatim({:?})", self.clause)
    }
}

impl Settle for Verbatim {
    fn settle(&self, reader: &SegmentReader) -> tantivy::Result<Vec<DocId>> {
        let gone = || TantivyError::InternalError("a segment without its columns".to_owned());
        let columns = self.columns.get(&reader.segment_id()).ok_or_else(gone)?;
        let mut candidates: Vec<(Seq, DocId)> = Vec::new();
        let weight =
            self.candidates.weight(EnableScoring::disabled_from_searcher(&self.searcher))?;
        weight.for_each_no_score(reader, &mut |docs| {
            let seqs = docs.iter().filter_map(|&doc| Some((Seq::new(columns.seq(doc))?, doc)));
            candidates.extend(seqs);
        })?;
        // In the order of the log each block is decoded once.
        candidates.sort_unstable();
        let mut docs = Vec::new();
        for batch in candidates.chunks(BATCH_EVENTS) {
            self.look(batch, &mut docs)?;
        }
        docs.sort_unstable();
        Ok(docs)
    }
}

impl Verbatim {
    fn look(&self, batch: &[(Seq, DocId)], docs: &mut Vec<DocId>) -> tantivy::Result<()> {
        let seqs: Vec<_> = batch.iter().map(|(seq, _)| *seq).collect();
        let read = self.limit.check().and_then(|()| {
            self.archive.read_many(&seqs).map_err(|source| Error::LogUnreadable { source })
        });
        let events = read.map_err(|fault| {
            *self.faults.lock() = Some(fault);
            TantivyError::InternalError("the texts were not read".to_owned())
        })?;
        for (recorded, (_, doc)) in events.iter().zip(batch) {
            // The words as written do not depend on the language, nor on anything beside the words.
            let holds = |recorded| holds(&self.clause, &Analysed::words_alone(recorded), &Unmarked);
            if recorded.as_ref().is_some_and(holds) {
                docs.push(*doc);
            }
        }
        Ok(())
    }
}
