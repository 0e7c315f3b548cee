//! Conditions on the numbers of an event rather than on its words: its place in the log, its time, whether it is in a set.
//!
//! A time range is an interval of documents, since segments are sorted by time. A condition on sequence numbers costs
//! nothing in a segment that lies wholly inside or outside.

use std::ops::Range;
use std::sync::Arc;

use roaring::RoaringTreemap;
use tantivy::index::SegmentReader;
use tantivy::query::AllScorer;
use tantivy::query::doc_predicate_query::{
    ConstOrVariableSegmentPredicate as Judgement, DocPredicate, DocPredicateQuery,
    SegmentDocPredicate,
};
use tantivy::{DocId, DocSet, TERMINATED};

use crate::columns::{Columns, ColumnsBySegment};

/// A condition on the numbers of an event.
#[derive(Debug, Clone)]
pub(crate) enum Sieve {
    /// Event time from the first, included, to the second, excluded; microseconds.
    Time(Option<i64>, Option<i64>),
    /// Sequence number from the first to the last, both included.
    Seqs(u64, u64),
    /// Sequence number in the set.
    Among(Arc<RoaringTreemap>),
    /// Sequence number not in the set.
    NotAmong(Arc<RoaringTreemap>),
}

#[derive(Debug)]
struct Condition {
    sieve: Sieve,
    columns: Arc<ColumnsBySegment>,
}

/// What is left to ask of a single document.
pub(crate) enum Question {
    Nothing,
    Within(Arc<Columns>, u64, u64),
    Among(Arc<Columns>, Arc<RoaringTreemap>, bool),
}

impl Sieve {
    /// Returns the condition as a query over the segments whose columns these are.
    pub(crate) fn query(self, columns: &Arc<ColumnsBySegment>) -> DocPredicateQuery {
        Condition { sieve: self, columns: Arc::clone(columns) }.into()
    }
}

impl DocPredicate for Condition {
    type SegmentDocPredicate = Question;

    fn doc_predicate(&self, reader: &SegmentReader) -> tantivy::Result<Judgement<Question>> {
        let columns = match self.columns.get(&reader.segment_id()) {
            Some(columns) => Arc::clone(columns),
            None => Arc::new(Columns::open(reader)?),
        };
        Ok(judge(&self.sieve, columns))
    }
}

fn judge(sieve: &Sieve, columns: Arc<Columns>) -> Judgement<Question> {
    let docs = columns.docs();
    let (seq_first, seq_last) = columns.seq_range();
    let ask = |predicate, range| Judgement::Variable {
        predicate,
        necessary_condition: Box::new(Interval::new(range)),
    };
    match sieve {
        Sieve::Time(from, until) => {
            let first = until.map_or(0, |until| columns.first_below(until));
            let end = from.map_or(docs, |from| columns.first_below(from));
            if first >= end {
                return Judgement::Const(false);
            }
            if first == 0 && end == docs {
                return Judgement::Const(true);
            }
            ask(Question::Nothing, first..end)
        }
        Sieve::Seqs(first, last) if *first <= seq_first && seq_last <= *last => {
            Judgement::Const(true)
        }
        Sieve::Seqs(first, last) if seq_last < *first || *last < seq_first => {
            Judgement::Const(false)
        }
        Sieve::Seqs(first, last) => ask(Question::Within(columns, *first, *last), 0..docs),
        Sieve::Among(set) | Sieve::NotAmong(set) => {
            let wanted = matches!(sieve, Sieve::Among(_));
            if set.range_cardinality(seq_first..=seq_last) == 0 {
                return Judgement::Const(!wanted);
            }
            Judgement::Variable {
                predicate: Question::Among(columns, Arc::clone(set), wanted),
                necessary_condition: Box::new(AllScorer::new(docs)),
            }
        }
    }
}

impl SegmentDocPredicate for Question {
    fn eval(&mut self, doc: DocId) -> bool {
        match self {
            Self::Nothing => true,
            Self::Within(columns, first, last) => {
                let seq = columns.seq(doc);
                *first <= seq && seq <= *last
            }
            Self::Among(columns, set, wanted) => set.contains(columns.seq(doc)) == *wanted,
        }
    }

    fn cost(&self) -> u64 {
        match self {
            Self::Nothing => 1,
            Self::Within(..) => 4,
            Self::Among(..) => 16,
        }
    }
}

/// The documents of a range, in order.
#[derive(Debug)]
pub(crate) struct Interval {
    doc: DocId,
    end: DocId,
}

impl Interval {
    /// Returns the documents of a range.
    pub(crate) fn new(range: Range<DocId>) -> Self {
        let doc = if range.start < range.end { range.start } else { TERMINATED };
        Self { doc, end: range.end }
    }
}

impl DocSet for Interval {
    fn advance(&mut self) -> DocId {
        self.seek(self.doc.saturating_add(1))
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.doc = if target < self.end { self.doc.max(target) } else { TERMINATED };
        self.doc
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        self.end.saturating_sub(self.doc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_its_documents_and_ends() {
        let mut interval = Interval::new(3..6);
        assert_eq!((interval.doc(), interval.advance(), interval.seek(5)), (3, 4, 5));
        assert_eq!((interval.advance(), interval.advance()), (TERMINATED, TERMINATED));
        assert_eq!(Interval::new(4..4).doc(), TERMINATED);
        let mut late = Interval::new(0..2);
        assert_eq!(late.seek(7), TERMINATED);
        assert_eq!(late.seek(TERMINATED), TERMINATED);
    }
}
