//! The three families of error that the whole workspace keeps apart.

/// What an error means for the one who meets it. Mapped to HTTP status, exit code and log level in one place, `server`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// The caller asked for what may not be; asking again changes nothing.
    Refused,
    /// Something outside failed; a later try may succeed.
    Unavailable,
    /// What is stored is not what was stored. Never retry, always report.
    Corrupt,
}
