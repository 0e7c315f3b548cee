//! Words that begin alike: every word of the dictionary in the range is visited, so the answer is exact however many
//! there are.

use tantivy::index::SegmentReader;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet as _, TERMINATED};

use crate::settled::Settle;

/// The documents with a word that begins so.
#[derive(Debug)]
pub(crate) struct PrefixWords {
    /// Where the words are.
    pub(crate) field: Field,
    /// How they begin.
    pub(crate) prefix: String,
}

impl Settle for PrefixWords {
    fn settle(&self, reader: &SegmentReader) -> tantivy::Result<Vec<DocId>> {
        let words = reader.inverted_index(self.field)?;
        let prefix = self.prefix.as_bytes();
        let mut stream = words.terms().range().ge(prefix).into_stream()?;
        let mut docs = BitSet::with_max_value(reader.max_doc());
        while stream.advance() && stream.key().starts_with(prefix) {
            let option = IndexRecordOption::Basic;
            let mut list = words.read_postings_from_terminfo(stream.value(), option)?;
            while list.doc() != TERMINATED {
                docs.insert(list.doc());
                list.advance();
            }
        }
        Ok(listed(&docs, reader.max_doc()))
    }
}

fn listed(docs: &BitSet, max_doc: DocId) -> Vec<DocId> {
    let mut list = Vec::with_capacity(docs.len());
    list.extend((0..max_doc).filter(|&doc| docs.contains(doc)));
    list
}
