//! Files that belong to events: each content kept once, encrypted under a key of its own, named so that nobody can tell from
//! the name what it is (house.md §6.4, `docs/format.md` §6).

mod content;
pub(crate) mod layout;
mod local;

pub(crate) use local::LocalBlobs;

use chat::FileId;

/// What became of a file that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptFile {
    /// The SHA-256 of its bytes: what an event names it by.
    pub file: FileId,
    /// Their number.
    pub bytes: u64,
    /// Whether these bytes had been kept before.
    pub was_known: bool,
}
