//! What the query language refuses, always with what to do instead.

use chat::Family;

/// Why a text is no query. Nothing else can go wrong in this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: found {found}, expected {expected}; for example: {example}")]
#[non_exhaustive]
pub struct QueryError {
    /// Where, in Unicode characters from 1.
    pub column: usize,
    /// What stands there.
    pub found: String,
    /// What could stand there.
    pub expected: String,
    /// A query that would be accepted.
    pub example: String,
}

/// Characters of a query that an error repeats.
const SHOWN_CHARACTERS_MAX: usize = 40;

impl QueryError {
    /// Returns a refusal of what stands at a column.
    pub(crate) fn new(
        column: usize,
        found: impl Into<String>,
        expected: impl Into<String>,
        example: impl Into<String>,
    ) -> Self {
        let (found, expected, example) = (found.into(), expected.into(), example.into());
        Self { column, found, expected, example }
    }

    /// Returns the family of this error: a query is always refused, never unavailable or corrupt.
    pub const fn family(&self) -> Family {
        Family::Refused
    }
}

/// Returns a piece of a query as an error shows it: between backquotes, and cut where it is long.
pub(crate) fn shown(piece: &str) -> String {
    let mut characters = piece.chars();
    let start: String = characters.by_ref().take(SHOWN_CHARACTERS_MAX).collect();
    let more = if characters.as_str().is_empty() { "" } else { "…" };
    format!("`{start}{more}`")
}

/// Why a text names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "time zone {found:?} is not known; expected UTC, an offset such as +02:00, or a name such as Europe/Berlin"
)]
pub struct ZoneError {
    /// What was found instead.
    pub found: String,
}

impl ZoneError {
    /// Returns the family of this error.
    pub const fn family(&self) -> Family {
        Family::Refused
    }
}
