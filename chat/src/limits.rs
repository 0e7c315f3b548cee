//! How large things may be. Each limit is named once, here, with its unit last.

/// Bytes of one message text.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Bytes of one formatted text.
pub const RICH_TEXT_BYTES_MAX: usize = 4 << 20;
/// Bytes of a title, topic or remark.
pub const TITLE_BYTES_MAX: usize = 4 << 10;
/// Bytes of a name: of a person, room, source, category, thread or file.
pub const NAME_BYTES_MAX: usize = 1 << 10;
/// Bytes of a foreign key.
pub const KEY_BYTES_MAX: usize = 1 << 10;
/// Bytes of a raw foreign record.
pub const RAW_BYTES_MAX: usize = 8 << 20;
/// Bytes of one ledger act as stored.
pub const ACT_BYTES_MAX: usize = 1 << 20;
/// Bytes of the ranges of one order of destruction, all together; with [`ORDER_TAKES_MAX`] takes it is still an act.
pub const ORDER_RANGE_BYTES_MAX: usize = 896 << 10;
/// Takes of one order of destruction: a rule has one for each thing that may remain and each way of naming.
pub const ORDER_TAKES_MAX: usize = 256;
/// Files of one event; their tags are 0x1000 + n (proof.md §4).
pub const ATTACHMENTS_MAX: usize = 1_000;
/// Bytes of one file.
pub const ATTACHMENT_BYTES_MAX: u64 = 2 << 30;
/// Bytes of one event as stored, all fields together.
pub const EVENT_BYTES_MAX: usize = 16 << 20;
/// Bytes of one line of an import.
pub const LINE_BYTES_MAX: usize = 16 << 20;
/// Events of one batch frame of the journal.
pub const BATCH_EVENTS_MAX: usize = 8_192;
/// Bytes of one batch frame of the journal, before encryption.
pub const BATCH_BYTES_MAX: usize = 32 << 20;
/// Bytes of one query (contract.md §3).
pub const QUERY_BYTES_MAX: usize = 4 << 10;
/// Depth of parentheses and negations of one query.
pub const QUERY_DEPTH_MAX: usize = 32;
/// Clauses of one query.
pub const QUERY_CLAUSES_MAX: usize = 256;
/// Words that may stand between those of a phrase, all together (`"a b"~5`); below the gap that parts two parts of an event.
pub const QUERY_SLOP_MAX: u32 = 99;
/// Words of a phrase that has a slop.
pub const QUERY_SLOP_WORDS_MAX: usize = 64;
/// Letters that a prefix needs before its star.
pub const QUERY_PREFIX_LETTERS_MIN: usize = 2;
/// Hits of one page of a search.
pub const PAGE_HITS_MAX: usize = 1_000;
/// Bytes of one request body that posts events.
pub const REQUEST_BYTES_MAX: usize = 32 << 20;
/// Members of one zip file.
pub const ZIP_MEMBERS_MAX: usize = 200_000;
/// Bytes that a zip member may grow to for each byte it has packed.
pub const ZIP_RATIO_MAX: u64 = 200;
/// Folders deep that a zip member may lie.
pub const ZIP_DEPTH_MAX: usize = 16;
/// Bytes of one JSON or XML document that has to be held whole.
pub const DOCUMENT_BYTES_MAX: u64 = 256 << 20;
