//! One committed state of the index, as searches use it: segments, their columns, and how much of the log they cover.

use std::sync::Arc;

use chat::EventKind;
use query::analysis::Language;
use tantivy::{IndexReader, Searcher, Term};

use crate::columns::{ColumnsBySegment, open_all};
use crate::error::{Error, Result};
use crate::schema::Fields;
use crate::walk::Segment;

/// A committed state.
#[derive(Clone)]
pub(crate) struct View {
    /// The segments.
    pub(crate) searcher: Searcher,
    /// Their numbers.
    pub(crate) columns: Arc<ColumnsBySegment>,
    /// Events of the log that the segments cover.
    pub(crate) watermark: u64,
    /// Languages with a stemmer that some event is in, in the order of their codes.
    pub(crate) languages: Arc<[Language]>,
    /// Kinds that some event is of, but for messages, which are not told.
    pub(crate) kinds: Arc<[EventKind]>,
    /// Handles of the fields.
    pub(crate) fields: Fields,
}

impl std::fmt::Debug for View {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "View({} segments, {} events)", self.columns.len(), self.watermark)
    }
}

impl View {
    /// Opens the state that was committed last. Columns that `before` has open are taken over.
    pub(crate) fn open(
        reader: &IndexReader,
        fields: Fields,
        watermark: u64,
        before: Option<&Self>,
    ) -> Result<Self> {
        reader.reload().map_err(Error::engine("open the last commit"))?;
        let searcher = reader.searcher();
        let none = ColumnsBySegment::new();
        let open = before.map_or(&none, |before| &*before.columns);
        let columns = open_all(&searcher, open).map_err(Error::engine("open the columns"))?;
        let languages = languages(&searcher, fields)?;
        let kinds = kinds(&searcher, fields)?;
        Ok(Self { searcher, columns: Arc::new(columns), watermark, languages, kinds, fields })
    }

    /// Returns the number that names this state among those of its reader.
    pub(crate) fn generation(&self) -> u64 {
        self.searcher.generation().generation_id()
    }

    /// Returns the segments, those with the latest events first.
    pub(crate) fn segments(&self, size: u64) -> Vec<Segment<'_>> {
        let readers = self.searcher.segment_readers().iter();
        let mut segments: Vec<_> = readers
            .filter_map(|reader| {
                let columns = Arc::clone(self.columns.get(&reader.segment_id())?);
                (columns.docs() > 0).then_some(Segment { reader, columns, size })
            })
            .collect();
        segments.sort_by_cached_key(|segment| std::cmp::Reverse(segment.columns.at(0)));
        segments
    }
}

/// Returns the languages that need their stems looked up: few archives hold more than a handful.
fn languages(searcher: &Searcher, fields: Fields) -> Result<Arc<[Language]>> {
    let action = "read the languages";
    let mut present = Vec::new();
    for language in Language::with_stemmer() {
        let term = Term::from_field_bytes(fields.lang, language.code().as_bytes());
        if searcher.doc_freq(&term).map_err(Error::engine(action))? > 0 {
            present.push(language);
        }
    }
    Ok(present.into())
}

fn kinds(searcher: &Searcher, fields: Fields) -> Result<Arc<[EventKind]>> {
    let mut present = Vec::new();
    for &kind in EventKind::KNOWN {
        let term = Term::from_field_bytes(fields.kind, kind.word().as_bytes());
        if searcher.doc_freq(&term).map_err(Error::engine("read the kinds"))? > 0 {
            present.push(kind);
        }
    }
    Ok(present.into())
}
