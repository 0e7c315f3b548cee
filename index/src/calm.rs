//! A clause that is only ever read forwards. The engine asks what is to be excluded about documents that lie before its
//! first match, which its phrases do not allow; here such a question is answered without asking them.

use tantivy::index::SegmentReader;
use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{DocId, DocSet, Score};

/// A clause that is to be excluded.
#[derive(Debug)]
pub(crate) struct Calm(pub(crate) Box<dyn Query>);

struct CalmWeight(Box<dyn Weight>);

struct CalmScorer(Box<dyn Scorer>);

impl Clone for Calm {
    fn clone(&self) -> Self {
        Self(self.0.box_clone())
    }
}

impl Query for Calm {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(CalmWeight(self.0.weight(scoring)?)))
    }
}

impl Weight for CalmWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        Ok(Box::new(CalmScorer(self.0.scorer(reader, boost)?)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.0.explain(reader, doc)
    }
}

/// `seek_danger` is left as it is by default: it looks at the present document first and seeks only forwards.
impl DocSet for CalmScorer {
    fn advance(&mut self) -> DocId {
        self.0.advance()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.0.seek(target)
    }

    fn doc(&self) -> DocId {
        self.0.doc()
    }

    fn size_hint(&self) -> u32 {
        self.0.size_hint()
    }

    fn cost(&self) -> u64 {
        self.0.cost()
    }
}

impl Scorer for CalmScorer {
    fn score(&mut self) -> Score {
        self.0.score()
    }
}
