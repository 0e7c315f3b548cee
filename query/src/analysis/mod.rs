//! Text analysis: how words are cut out of a text and made comparable. The index, the matcher and the query language
//! all use this and nothing else, so that they mean the same by a word.
//!
//! Any change of what comes out of here changes [`ANALYSIS_VERSION`]: an index built under another version is rebuilt.

mod character;
mod detect;
mod emoji;
mod files;
mod fold;
mod function_words;
mod language;
mod letters;
mod parts;
mod reader;
mod stems;
mod token;

pub(crate) use character::is_ignorable;
pub use detect::{detect, event_language};
pub use files::file_names;
pub use fold::{fold, lower};
pub use language::{Language, RoomLanguages};
pub use parts::{
    PART_GAP, Part, extension, for_each_part_token, has_link, is_searchable_kind, mentions,
    mentions_of, searchable,
};
pub use reader::{Reader, Word};
pub use stems::{accented_stem, stem};
pub use token::{TERM_BYTES_MAX, Token, TokenView, for_each_token, tokens};

/// The version of everything in this module. A snapshot names it, because hits depend on it.
pub const ANALYSIS_VERSION: u32 = 5;
