//! The fields of the index. A change here is a new [`SCHEMA_VERSION`], and every index is then built again from the log.

use std::sync::LazyLock;

use tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::store::{Compressor, ZstdCompressor};
use tantivy::{IndexSettings, IndexSortByField, Order};

use crate::spelling::SPELLED;

/// Version of the fields and of what is written into them. It is part of every commit.
pub(crate) const SCHEMA_VERSION: u32 = 5;

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
///
/// Everything but the words is kept as bytes: whole values without frequencies, lengths or positions.
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
    /// The language of the words.
    pub(crate) lang: Field,
    /// The word of the kind, of all kinds but messages: nearly every event is one, so the others are told instead.
    pub(crate) kind: Field,
    /// Folded name of the room.
    pub(crate) room: Field,
    /// Id of the room, apart from the names, for scopes: a name can be anyone's.
    pub(crate) room_id: Field,
    /// Folded names and addresses of the author.
    pub(crate) from: Field,
    /// Id of the author.
    pub(crate) from_id: Field,
    /// Folded names that the text mentions.
    pub(crate) to: Field,
    /// Who wrote in a room of direct messages (see `crate::direct`).
    pub(crate) direct: Field,
    /// Whose entry into which room, or leaving, the event is (see `crate::presence`).
    pub(crate) presence: Field,
    /// Id of the source.
    pub(crate) source_id: Field,
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

/// The handles of all fields, which are the same in every index.
pub(crate) static FIELDS: LazyLock<Fields> = LazyLock::new(|| schema().1);

/// Makes the schema and the handles of its fields.
pub(crate) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let exact = |fieldnorms| {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(SPELLED)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions)
            .set_fieldnorms(fieldnorms);
        TextOptions::default().set_indexing_options(indexing)
    };
    let value = || BytesOptions::default().set_indexed();
    let fields = Fields {
        body: builder.add_text_field("body", exact(true)),
        stem: builder.add_bytes_field("stem", value()),
        aside: builder.add_text_field("aside", exact(false)),
        aside_stem: builder.add_bytes_field("aside_stem", value()),
        lang: builder.add_bytes_field("lang", value()),
        kind: builder.add_bytes_field("kind", value()),
        room: builder.add_bytes_field("room", value()),
        room_id: builder.add_bytes_field("room_id", value()),
        from: builder.add_bytes_field("from", value()),
        from_id: builder.add_bytes_field("from_id", value()),
        to: builder.add_bytes_field("to", value()),
        direct: builder.add_bytes_field("direct", value()),
        presence: builder.add_bytes_field("presence", value()),
        source_id: builder.add_bytes_field("source_id", value()),
        thread: builder.add_bytes_field("thread", value()),
        file: builder.add_bytes_field("file", value()),
        ext: builder.add_bytes_field("ext", value()),
        has: builder.add_bytes_field("has", value()),
        at: builder.add_i64_field(AT, FAST),
        seq: builder.add_u64_field(SEQ, FAST),
        target: builder.add_u64_field(TARGET, FAST),
    };
    (builder.build(), fields)
}

/// Returns the settings: every segment sorted by event time, latest first (performance.md §5.1).
///
/// Nothing is stored with a document, but the engine keeps its place in an empty store all the same: the places are mere
/// counts, which zstd all but removes, and no thread of its own is worth it.
pub(crate) fn settings() -> IndexSettings {
    IndexSettings {
        sort_by_field: Some(IndexSortByField { field: AT.to_owned(), order: Order::Desc }),
        docstore_compression: Compressor::Zstd(ZstdCompressor::default()),
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    }
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
