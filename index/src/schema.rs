//! The fields of the index. A change here is a new [`SCHEMA_VERSION`], and every index is then built again from the log.

use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{IndexSettings, IndexSortByField, Order};

use crate::spelling::SPELLED;

/// Version of the fields and of what is written into them. It is part of every commit.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// The name of the column that segments are sorted by.
pub(crate) const AT: &str = "at";
/// The name of the column of sequence numbers.
pub(crate) const SEQ: &str = "seq";
/// The name of the column of targets.
pub(crate) const TARGET: &str = "target";

/// Handles of all fields.
///
/// Words stand twice: `body` and `stem` hold those of events that content search covers, `aside` and `aside_stem` those
/// of other events (a join, a rename), which are found only where a query names their kind. So a plain word needs no
/// second condition, and its count is the length of its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fields {
    /// Exact words with positions, of events that content search covers.
    pub(crate) body: Field,
    /// `language:stem` where the stem differs from the word.
    pub(crate) stem: Field,
    /// Exact words with positions, of other events.
    pub(crate) aside: Field,
    /// Their stems.
    pub(crate) aside_stem: Field,
    /// One term on every event that content search covers.
    pub(crate) spoken: Field,
    /// The language of the words.
    pub(crate) lang: Field,
    /// The word of the kind.
    pub(crate) kind: Field,
    /// Id and folded name of the room.
    pub(crate) room: Field,
    /// Id of the room alone, for scopes: a name can be anyone's.
    pub(crate) room_id: Field,
    /// Id, folded names and addresses of the author.
    pub(crate) from: Field,
    /// Folded names that the text mentions.
    pub(crate) to: Field,
    /// Id of the source.
    pub(crate) source: Field,
    /// The source's id of the thread, folded.
    pub(crate) thread: Field,
    /// Folded file names.
    pub(crate) file: Field,
    /// Folded file name endings.
    pub(crate) ext: Field,
    /// What the event has: `file`, `link`, `edit`.
    pub(crate) has: Field,
    /// Event time, microseconds. Segments are sorted by it, latest first.
    pub(crate) at: Field,
    /// Sequence number.
    pub(crate) seq: Field,
    /// Sequence number of the event that this one edits or retracts.
    pub(crate) target: Field,
}

/// Makes the schema and the handles of its fields.
pub(crate) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let words = || words(SPELLED, IndexRecordOption::WithFreqsAndPositions, true);
    let stems = || words_raw(IndexRecordOption::WithFreqs);
    let keyword = || words_raw(IndexRecordOption::Basic);
    let fields = Fields {
        body: builder.add_text_field("body", words()),
        stem: builder.add_text_field("stem", stems()),
        aside: builder.add_text_field("aside", words()),
        aside_stem: builder.add_text_field("aside_stem", stems()),
        spoken: builder.add_text_field("spoken", keyword()),
        lang: builder.add_text_field("lang", keyword()),
        kind: builder.add_text_field("kind", keyword()),
        room: builder.add_text_field("room", keyword()),
        room_id: builder.add_text_field("room_id", keyword()),
        from: builder.add_text_field("from", keyword()),
        to: builder.add_text_field("to", keyword()),
        source: builder.add_text_field("source", keyword()),
        thread: builder.add_text_field("thread", keyword()),
        file: builder.add_text_field("file", keyword()),
        ext: builder.add_text_field("ext", keyword()),
        has: builder.add_text_field("has", keyword()),
        at: builder.add_i64_field(AT, FAST),
        seq: builder.add_u64_field(SEQ, FAST),
        target: builder.add_u64_field(TARGET, FAST),
    };
    (builder.build(), fields)
}

/// Returns the settings: every segment sorted by event time, latest first (performance.md §5.1).
pub(crate) fn settings() -> IndexSettings {
    IndexSettings {
        sort_by_field: Some(IndexSortByField { field: AT.to_owned(), order: Order::Desc }),
        ..IndexSettings::default()
    }
}

fn words(tokenizer: &str, option: IndexRecordOption, fieldnorms: bool) -> TextOptions {
    TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(tokenizer)
            .set_index_option(option)
            .set_fieldnorms(fieldnorms),
    )
}

fn words_raw(option: IndexRecordOption) -> TextOptions {
    words("raw", option, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_stored_and_segments_are_sorted_by_time() {
        let (schema, _) = schema();
        assert!(schema.fields().all(|(_, entry)| !entry.is_stored()));
        let sort = settings().sort_by_field.unwrap();
        assert_eq!((sort.field.as_str(), sort.order), (AT, Order::Desc));
    }
}
