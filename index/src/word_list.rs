//! The list of one word, which is counted and walked at one looking up. The engine's own query looks the word up in the
//! dictionary twice, and reads frequencies that nobody has asked for.

use parking_lot::Mutex;
use tantivy::index::{SegmentId, SegmentReader};
use tantivy::postings::TermInfo;
use tantivy::query::{ConstScorer, EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet as _, Score, Term};

/// The documents that hold a word. Its score is always the boost alone.
#[derive(Debug, Clone)]
pub(crate) struct WordList(Term);

struct WordListWeight {
    term: Term,
    /// Where the list of the segment looked at last lies, if it has one.
    last: Mutex<Option<(SegmentId, Option<TermInfo>)>>,
}

impl WordList {
    /// Returns the list of a term.
    pub(crate) const fn of(term: Term) -> Self {
        Self(term)
    }
}

impl Query for WordList {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(WordListWeight { term: self.0.clone(), last: Mutex::default() }))
    }
}

impl WordListWeight {
    fn find(&self, reader: &SegmentReader) -> tantivy::Result<Option<TermInfo>> {
        let mut last = self.last.lock();
        if let Some((segment, found)) = &*last
            && *segment == reader.segment_id()
        {
            return Ok(found.clone());
        }
        let found = reader.inverted_index(self.term.field())?.get_term_info(&self.term)?;
        *last = Some((reader.segment_id(), found.clone()));
        Ok(found)
    }
}

impl Weight for WordListWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let Some(found) = self.find(reader)? else { return Ok(Box::new(EmptyScorer)) };
        let words = reader.inverted_index(self.term.field())?;
        let list = words.read_postings_from_terminfo(&found, IndexRecordOption::Basic)?;
        Ok(Box::new(ConstScorer::new(list, boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(reader, 1.0)?;
        let holds = scorer.doc() == doc || (scorer.doc() < doc && scorer.seek(doc) == doc);
        Ok(Explanation::new("the list of one word", if holds { 1.0 } else { 0.0 }))
    }

    /// No state with deletions is ever shown (see `crate::forget`), so the length of the list is the count.
    fn count(&self, reader: &SegmentReader) -> tantivy::Result<u32> {
        Ok(self.find(reader)?.map_or(0, |found| found.doc_freq))
    }
}
