//! Files that belong to an event, and whether the archive holds their bytes.

use crate::id::FileId;

/// A file as an event names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The name as given. It is metadata: no path is ever built from it.
    pub name: String,
    /// The media type as given.
    pub media_type: Option<String>,
    /// Where the source said the file was, if it said so.
    pub address: Option<String>,
    /// Whether the bytes are held.
    pub custody: Custody,
}

/// Whether the archive holds a file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Custody {
    /// The bytes are in the blob store under this hash.
    Held {
        /// SHA-256 of the bytes.
        file: FileId,
        /// Their number.
        bytes: u64,
    },
    /// The source named the file, but its bytes were not to be had.
    Missing {
        /// Why, in words an officer can act on.
        reason: String,
        /// The size that the source claimed.
        claimed_bytes: Option<u64>,
    },
}
