//! The baseline of indexing and search: tantivy alone, with the product's sorting, commit cadence and threads.

use std::path::Path;

use tantivy::collector::{Count, TopDocs};
use tantivy::query::{Query as _, QueryParser};
use tantivy::schema::{FAST, Field, INDEXED, STRING, Schema, TEXT};
use tantivy::{Index, IndexReader, IndexSettings, IndexSortByField, Order, TantivyDocument};

use crate::corpus::Line;

const COMMIT_EVERY: usize = 20_000;
const ARENA_BYTES: usize = 256 << 20;

/// The fields of a message.
struct Fields {
    body: Field,
    room: Field,
    sender: Field,
    at: Field,
    seq: Field,
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let fields = Fields {
        body: schema.add_text_field("body", TEXT),
        room: schema.add_text_field("room", STRING | FAST),
        sender: schema.add_text_field("sender", STRING | FAST),
        at: schema.add_i64_field("at", FAST | INDEXED),
        seq: schema.add_u64_field("seq", FAST),
    };
    (schema.build(), fields)
}

/// Indexes the lines into a folder with so many threads.
pub(crate) fn build(folder: &Path, lines: &[Line], threads: usize) -> tantivy::Result<Index> {
    let (schema, fields) = schema();
    let sort = IndexSortByField { field: "at".to_owned(), order: Order::Desc };
    let settings = IndexSettings { sort_by_field: Some(sort), ..IndexSettings::default() };
    let directory = tantivy::directory::MmapDirectory::open(folder)?;
    let index = Index::create(directory, schema, settings)?;
    let mut writer = index.writer_with_num_threads(threads, ARENA_BYTES)?;
    for (place, line) in (0_u64..).zip(lines) {
        let mut document = TantivyDocument::default();
        document.add_text(fields.body, &line.text);
        document.add_text(fields.room, &line.room);
        document.add_text(fields.sender, &line.sender);
        document.add_i64(fields.at, line.micros());
        document.add_u64(fields.seq, place);
        writer.add_document(document)?;
        if place % u64::try_from(COMMIT_EVERY).unwrap_or(1) == 0 {
            writer.commit()?;
        }
    }
    writer.commit()?;
    writer.wait_merging_threads()?;
    Ok(index)
}

/// A reader with its parser, warm.
pub(crate) struct Searcher {
    reader: IndexReader,
    parser: QueryParser,
}

impl Searcher {
    pub(crate) fn open(index: &Index) -> tantivy::Result<Self> {
        let body = index.schema().get_field("body")?;
        Ok(Self { reader: index.reader()?, parser: QueryParser::for_index(index, vec![body]) })
    }

    /// Returns how many of the newest twenty there are: the stock way, a top-by-field over every match.
    pub(crate) fn newest(&self, word: &str) -> tantivy::Result<usize> {
        let query = self.parser.parse_query(&format!("\"{word}\""))?;
        let top = TopDocs::with_limit(20).order_by_fast_field::<i64>("at", Order::Desc);
        Ok(self.reader.searcher().search(&query, &top)?.len())
    }

    /// Finds the best twenty, and returns the number that was asked for: of all matches, or of the hits.
    pub(crate) fn top(&self, text: &str, by: By) -> tantivy::Result<usize> {
        let query = self.parser.parse_query(text)?;
        let (searcher, top) = (self.reader.searcher(), TopDocs::with_limit(20).order_by_score());
        match by {
            By::Score => Ok(searcher.search(&query, &top)?.len()),
            By::ScoreAndCount => Ok(searcher.search(&query, &(top, Count))?.1),
            By::ScoreThenCount => {
                std::hint::black_box(searcher.search(&query, &top)?);
                query.count(&searcher)
            }
        }
    }
}

/// What tantivy alone is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    /// The best twenty alone.
    Score,
    /// The best twenty and the number of all, in one pass over every match.
    ScoreAndCount,
    /// The best twenty, passing over what cannot be among them; then the number of all.
    ScoreThenCount,
}
