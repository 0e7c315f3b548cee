//! What is in one of two lists. The engine's own union gathers whole windows of both before it says what is in them; here each is
//! sought as far as the lists beside it have come, so that a rare word in a large room costs what the word costs.

use tantivy::index::SegmentReader;
use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{DocId, DocSet, Score};

/// Two clauses of which one has to hold. Its score is always 1.
#[derive(Debug)]
pub(crate) struct Either(pub(crate) Box<dyn Query>, pub(crate) Box<dyn Query>);

struct EitherWeight(Box<dyn Weight>, Box<dyn Weight>);

struct EitherScorer<S> {
    one: S,
    other: S,
}

impl Clone for Either {
    fn clone(&self) -> Self {
        Self(self.0.box_clone(), self.1.box_clone())
    }
}

impl Query for Either {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(EitherWeight(self.0.weight(scoring)?, self.1.weight(scoring)?)))
    }
}

impl Weight for EitherWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let (one, other) = (self.0.scorer(reader, boost)?, self.1.scorer(reader, boost)?);
        Ok(Box::new(EitherScorer { one, other }))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(reader, 1.0)?;
        let holds = scorer.doc() == doc || (scorer.doc() < doc && scorer.seek(doc) == doc);
        Ok(Explanation::new("in one of two lists", if holds { 1.0 } else { 0.0 }))
    }
}

impl<S: DocSet> DocSet for EitherScorer<S> {
    fn advance(&mut self) -> DocId {
        let doc = self.doc();
        for list in [&mut self.one, &mut self.other] {
            if list.doc() == doc {
                list.advance();
            }
        }
        self.doc()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        for list in [&mut self.one, &mut self.other] {
            if list.doc() < target {
                list.seek(target);
            }
        }
        self.doc()
    }

    fn doc(&self) -> DocId {
        self.one.doc().min(self.other.doc())
    }

    fn size_hint(&self) -> u32 {
        self.one.size_hint().max(self.other.size_hint())
    }

    fn cost(&self) -> u64 {
        self.one.cost().saturating_add(self.other.cost())
    }
}

impl Scorer for EitherScorer<Box<dyn Scorer>> {
    fn score(&mut self) -> Score {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use tantivy::TERMINATED;

    use super::*;
    use crate::sieve::Interval;

    fn either() -> EitherScorer<Interval> {
        EitherScorer { one: Interval::new(3..6), other: Interval::new(5..8) }
    }

    #[test]
    fn what_is_in_both_lists_is_there_once_and_the_longer_one_ends_it() {
        let mut either = either();
        let mut docs = vec![either.doc()];
        while *docs.last().unwrap() != TERMINATED {
            docs.push(either.advance());
        }
        assert_eq!(docs, [3, 4, 5, 6, 7, TERMINATED]);
        assert_eq!((either.advance(), either.doc()), (TERMINATED, TERMINATED));
    }

    #[test]
    fn a_seek_leads_to_the_next_document_of_either_list() {
        let mut either = either();
        assert_eq!((either.seek(3), either.seek(5), either.advance()), (3, 5, 6));
        assert_eq!((either.seek(8), either.seek(TERMINATED)), (TERMINATED, TERMINATED));
        let mut apart = EitherScorer { one: Interval::new(1..2), other: Interval::new(9..10) };
        assert_eq!((apart.seek(2), apart.advance()), (9, TERMINATED));
    }
}
