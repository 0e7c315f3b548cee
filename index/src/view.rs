//! One committed state of the index, as searches use it: segments, their columns, and how much of the log they cover.

use std::sync::Arc;

use chat::EventKind;
use query::analysis::Language;
use tantivy::{IndexReader, Searcher, Term};

use crate::columns::{Columns, ColumnsBySegment, open_all};
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
    /// Where each segment stands, the latest first, with its numbers.
    order: Arc<[(usize, Arc<Columns>)]>,
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
        let order = order(&searcher, &columns);
        let columns = Arc::new(columns);
        Ok(Self { searcher, columns, order, watermark, languages, kinds, fields })
    }

    /// Returns the number that names this state among those of its reader.
    pub(crate) fn generation(&self) -> u64 {
        self.searcher.generation().generation_id()
    }

    /// Returns the segments, those with the latest events first.
    pub(crate) fn segments(&self, size: u64) -> impl DoubleEndedIterator<Item = Segment<'_>> {
        let readers = self.searcher.segment_readers();
        self.order.iter().filter_map(move |(place, columns)| {
            let reader = readers.get(*place)?;
            Some(Segment { reader, columns, size })
        })
    }
}

/// Returns the places of the segments that hold anything among all segments, those with the latest events first.
fn order(searcher: &Searcher, columns: &ColumnsBySegment) -> Arc<[(usize, Arc<Columns>)]> {
    let readers = searcher.segment_readers().iter().enumerate();
    let mut order: Vec<_> = readers
        .filter_map(|(place, reader)| {
            let columns = columns.get(&reader.segment_id())?;
            (columns.docs() > 0).then(|| (place, Arc::clone(columns)))
        })
        .collect();
    order.sort_by_cached_key(|(_, columns)| std::cmp::Reverse(columns.at(0)));
    order.into()
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
