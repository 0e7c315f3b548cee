//! The engine's files: made, opened, checked, emptied. What a commit says of itself decides whether the files are of this
//! log and of this version; if not, they are thrown away and built again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use query::ANALYSIS_VERSION;
use tantivy::directory::MmapDirectory;
use tantivy::indexer::UserOperation;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy};

use crate::document::Document;
use crate::error::{Error, Result};
use crate::merge::MergeNeighbours;
use crate::schema::{FIELDS, Fields, SCHEMA_VERSION, schema, settings};
use crate::spelling::{SPELLED, SpelledTokenizer};

/// What a commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watermark {
    /// The log it was built from.
    pub(crate) archive: String,
    /// Events of the log it covers.
    pub(crate) events: u64,
}

impl Watermark {
    fn to_payload(&self) -> String {
        let Self { archive, events } = self;
        format!(
            "schema={SCHEMA_VERSION} analysis={ANALYSIS_VERSION} archive={archive} events={events}"
        )
    }

    /// Reads a commit's payload; nothing for another version's.
    fn from_payload(payload: &str) -> Option<Self> {
        let expected = format!("schema={SCHEMA_VERSION} analysis={ANALYSIS_VERSION} archive=");
        let (archive, events) = payload.strip_prefix(&expected)?.split_once(" events=")?;
        Some(Self { archive: archive.to_owned(), events: events.parse().ok()? })
    }
}

/// The open files and the one writer.
pub(crate) struct Store {
    pub(crate) writer: IndexWriter<Document>,
    neighbours: MergeNeighbours,
    /// Opens committed states.
    pub(crate) reader: IndexReader,
    /// Handles of the fields.
    pub(crate) fields: Fields,
}

impl Store {
    /// Makes an empty index in the folder, throwing away what is there.
    pub(crate) fn create(folder: &Path, arena_bytes: usize) -> Result<Self> {
        empty(folder)?;
        let action = "make a new index";
        let directory = MmapDirectory::open(folder)
            .map_err(|fault| Error::EngineFailed { action, source: fault.into() })?;
        let (schema, _) = schema();
        let builder = Index::builder().schema(schema).settings(settings());
        let index = builder.open_or_create(directory).map_err(Error::engine(action))?;
        Self::over(&index, arena_bytes)
    }

    /// Opens the index in the folder if it is whole, of this version and of this log, which has `size` events. Nothing, with
    /// the reason in the log of the program, if it has to be built again.
    pub(crate) fn open(
        folder: &Path,
        arena_bytes: usize,
        archive: &str,
        size: u64,
    ) -> Result<Option<(Self, Watermark)>> {
        let rebuild = |reason: &str| {
            tracing::warn!(reason, "the index is built again from the log");
            Ok(None)
        };
        let Ok(index) = Index::open_in_dir(folder) else {
            return Ok(None);
        };
        let (expected, _) = schema();
        if index.schema() != expected || *index.settings() != settings() {
            return rebuild("its fields are of another version");
        }
        let payload = index.load_metas().ok().and_then(|meta| meta.payload);
        let Some(watermark) = payload.as_deref().and_then(Watermark::from_payload) else {
            return rebuild("its text analysis is of another version, or it was never committed");
        };
        if watermark.archive != archive || watermark.events > size {
            return rebuild("it was built from another log");
        }
        match index.validate_checksum() {
            Ok(damaged) if damaged.is_empty() => {}
            Ok(damaged) => return rebuild(&format!("damaged files: {damaged:?}")),
            Err(fault) => return rebuild(&fault.to_string()),
        }
        Ok(Some((Self::over(&index, arena_bytes)?, watermark)))
    }

    fn over(index: &Index, arena_bytes: usize) -> Result<Self> {
        let action = "open the index";
        let spelled = TextAnalyzer::builder(SpelledTokenizer::default()).build();
        index.tokenizers().register(SPELLED, spelled);
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(Error::engine(action))?;
        Self::read_by(reader, index, arena_bytes)
    }

    fn read_by(reader: IndexReader, index: &Index, arena_bytes: usize) -> Result<Self> {
        // One thread, so that every segment covers its own stretch of the log.
        let writer: IndexWriter<Document> = index
            .writer_with_num_threads(1, arena_bytes)
            .map_err(Error::engine("open the index"))?;
        let store =
            Self { writer, neighbours: MergeNeighbours::of(index), reader, fields: *FIELDS };
        store.join_neighbours();
        Ok(store)
    }

    /// Waits for joins under way and opens the files for writing again. The reader stays: cursors by relevance name the states
    /// that it has opened by their numbers.
    pub(crate) fn again(self, arena_bytes: usize) -> Result<Self> {
        let (index, reader) = (self.writer.index().clone(), self.reader.clone());
        self.close()?;
        Self::read_by(reader, &index, arena_bytes)
    }

    /// Has neighbours joined where that is worth it.
    pub(crate) fn join_neighbours(&self) {
        self.writer.set_merge_policy(Box::new(self.neighbours.clone()));
    }

    /// Adds documents to the next commit, all at once: a hand-over to the engine's thread costs as much as a document.
    pub(crate) fn add(&self, documents: Vec<Document>) -> Result<()> {
        self.neighbours.rest(false);
        let operations = documents.into_iter().map(UserOperation::Add).collect::<Vec<_>>();
        let added = self.writer.run(operations);
        added.map(drop).map_err(Error::engine("add events"))
    }

    /// Makes everything added durable, under this watermark.
    pub(crate) fn commit(&mut self, watermark: &Watermark) -> Result<()> {
        let action = "commit";
        let mut commit = self.writer.prepare_commit().map_err(Error::engine(action))?;
        commit.set_payload(&watermark.to_payload());
        commit.commit().map(drop).map_err(Error::engine(action))
    }

    /// Returns whether anything is worth joining while nothing else is to be done, or is being joined.
    pub(crate) fn is_worth_a_rest(&self) -> bool {
        self.neighbours.is_worth_a_rest()
    }

    /// Says that nothing else is to be done until documents are added. Returns whether that is news: then the next commit begins
    /// to join, and every join that ends begins others.
    ///
    /// The engine leaves out what is being joined only where it asks for candidates itself, at a commit and after a join. A
    /// join that is asked for directly is begun however often, with the same segments.
    pub(crate) fn rest(&self) -> bool {
        !self.neighbours.rest(true)
    }

    /// Returns whether segments were joined since the reader was last reloaded.
    pub(crate) fn is_ahead_of(&self, segments: usize) -> bool {
        let ids = self.writer.index().searchable_segment_ids();
        ids.is_ok_and(|ids| ids.len() != segments)
    }

    /// Waits for joins under way and closes the files.
    pub(crate) fn close(self) -> Result<()> {
        self.writer.wait_merging_threads().map_err(Error::engine("finish joining segments"))
    }
}

/// Empties the folder, or makes it.
fn empty(folder: &Path) -> Result<()> {
    let unusable = |source| Error::FolderUnusable { path: PathBuf::from(folder), source };
    // The list of segments goes first: what a removal that is cut short leaves behind is then no index that lacks files.
    match fs::remove_file(folder.join("meta.json")) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(unusable(fault)),
        Ok(()) | Err(_) => {}
    }
    match fs::remove_dir_all(folder) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(unusable(fault)),
        Ok(()) | Err(_) => {}
    }
    fs::create_dir_all(folder).map_err(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_reads_back_and_another_versions_does_not() {
        let watermark = Watermark { archive: "ab".repeat(16), events: 70_000 };
        let payload = watermark.to_payload();
        assert_eq!(Watermark::from_payload(&payload), Some(watermark));
        for other in ["", "schema=0 analysis=1 archive=x events=1", &payload[..payload.len() - 6]] {
            assert_eq!(Watermark::from_payload(other), None, "{other}");
        }
    }
}
