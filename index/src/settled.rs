//! Clauses that the engine's lists alone cannot decide: each candidate of a segment is looked at once, and what holds is
//! kept for the time of the search. A search counts its matches exactly, so every candidate has to be looked at anyway.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tantivy::index::{SegmentId, SegmentReader};
use tantivy::query::{ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{DocId, DocSet, Score, TERMINATED};

/// Decides which documents of a segment match.
pub(crate) trait Settle: fmt::Debug + Send + Sync + 'static {
    /// Returns the documents that match, ascending.
    fn settle(&self, reader: &SegmentReader) -> tantivy::Result<Vec<DocId>>;
}

type BySegment = HashMap<SegmentId, Arc<Vec<DocId>>>;

/// A clause that is decided segment by segment. Its score is always the boost alone.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    judge: Arc<dyn Settle>,
    known: Arc<Mutex<BySegment>>,
}

impl Settled {
    /// Returns the clause that this decides.
    pub(crate) fn by(judge: impl Settle) -> Self {
        Self { judge: Arc::new(judge), known: Arc::default() }
    }

    fn docs(&self, reader: &SegmentReader) -> tantivy::Result<Arc<Vec<DocId>>> {
        let mut known = self.known.lock();
        if let Some(docs) = known.get(&reader.segment_id()) {
            return Ok(Arc::clone(docs));
        }
        let docs = Arc::new(self.judge.settle(reader)?);
        known.insert(reader.segment_id(), Arc::clone(&docs));
        Ok(docs)
    }
}

impl Query for Settled {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for Settled {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let list = SharedList { docs: self.docs(reader)?, place: 0 };
        Ok(Box::new(ConstScorer::new(list, boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let holds = self.docs(reader)?.binary_search(&doc).is_ok();
        Ok(Explanation::new("settled clause", if holds { 1.0 } else { 0.0 }))
    }
}

/// A list of documents that several walks share.
#[derive(Debug)]
struct SharedList {
    docs: Arc<Vec<DocId>>,
    place: usize,
}

impl DocSet for SharedList {
    fn advance(&mut self) -> DocId {
        self.place = self.place.saturating_add(1).min(self.docs.len());
        self.doc()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        let rest = self.docs.get(self.place..).unwrap_or_default();
        self.place += rest.partition_point(|&doc| doc < target);
        self.doc()
    }

    fn doc(&self) -> DocId {
        self.docs.get(self.place).copied().unwrap_or(TERMINATED)
    }

    fn size_hint(&self) -> u32 {
        u32::try_from(self.docs.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_list_is_walked_and_ends() {
        let docs = Arc::new(vec![2, 5, 9, 40]);
        let mut list = SharedList { docs: Arc::clone(&docs), place: 0 };
        assert_eq!((list.doc(), list.advance(), list.seek(6), list.seek(9)), (2, 5, 9, 9));
        assert_eq!(
            (list.seek(41), list.advance(), list.doc()),
            (TERMINATED, TERMINATED, TERMINATED)
        );
        let mut list = SharedList { docs, place: 0 };
        assert_eq!((list.seek(TERMINATED), list.advance()), (TERMINATED, TERMINATED));
    }
}
