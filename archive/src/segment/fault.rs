//! What is wrong with bytes that should be a part of a segment. The reader adds the file and the events concerned.

/// Why bytes are not what this format says. All but `Encode` and `Limit` while encoding mean that the file is corrupt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end before what they announce.
    #[error("{what} is cut short")]
    Short {
        /// The part of the format.
        what: &'static str,
    },
    /// Bytes follow where nothing may.
    #[error("{what} has {left} bytes left over")]
    Surplus {
        /// The part of the format.
        what: &'static str,
        /// How many bytes are left.
        left: usize,
    },
    /// The first bytes are another format's.
    #[error("{what} does not begin as one")]
    Magic {
        /// The part of the format.
        what: &'static str,
    },
    /// The version is not one that this reader knows.
    #[error("{what} has version {found}, this reader knows {expected}")]
    Version {
        /// The part of the format.
        what: &'static str,
        /// The version found.
        found: u16,
        /// The version known.
        expected: u16,
    },
    /// The CRC32C over what is on disk differs.
    #[error("the checksum of {what} differs")]
    Checksum {
        /// The part of the format.
        what: &'static str,
    },
    /// The seal of a part does not open under this file's key.
    #[error("part {part} does not open under the file's key")]
    Unsealed {
        /// The number of the part.
        part: u64,
    },
    /// A length is beyond what this format allows.
    #[error("{what} is {found}, at most {limit} is allowed")]
    Limit {
        /// What was measured.
        what: &'static str,
        /// What was found.
        found: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// The parts contradict one another, or a value is out of its range.
    #[error("{what} contradicts the rest")]
    Form {
        /// The part of the format.
        what: &'static str,
    },
    /// A compressed column does not decompress to what it announces.
    #[error("column {column} does not decompress")]
    Compression {
        /// The number of the column.
        column: u8,
    },
    /// The library that compresses or seals failed while encoding.
    #[error("{what} cannot be encoded")]
    Encode {
        /// The part of the format.
        what: &'static str,
    },
}
