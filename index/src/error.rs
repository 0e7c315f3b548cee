//! What can go wrong in the index. None of it touches the log: the worst remedy is to build the index again.

use std::io;
use std::path::PathBuf;

use chat::Family;

/// Why a search, or the index itself, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log could not be read.
    #[error("read the log for the index")]
    LogUnreadable {
        /// What the archive said.
        #[source]
        source: archive::Error,
    },
    /// The folder of the index could not be made, listed or emptied.
    #[error("use the index folder {}", path.display())]
    FolderUnusable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file with what is to be forgotten could not be removed.
    #[error(
        "remove {}, which holds what is to be forgotten; see that it can be removed and try again",
        path.display()
    )]
    FileRemains {
        /// The file.
        path: PathBuf,
    },
    /// The engine under the index failed or met bytes that it did not write.
    #[error("{action} in the index; if it happens again, run `muniment reindex`")]
    EngineFailed {
        /// What was being done.
        action: &'static str,
        /// What the engine said.
        #[source]
        source: tantivy::TantivyError,
    },
    /// No random number could be drawn.
    #[error("draw a random number for the index")]
    RandomnessUnavailable {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The thread that follows the log could not be started.
    #[error("start the thread that follows the log")]
    FollowerNotStarted {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The follower stopped at a fault; what it had not followed cannot be searched.
    #[error("the index stopped following the log: {reason}; restart, or run `muniment reindex`")]
    FollowerStopped {
        /// The fault that stopped it.
        reason: String,
    },
    /// The index is further behind the log than the tail search reaches.
    #[error("the index has followed {followed} of {wanted} events and is catching up; try again")]
    Behind {
        /// Events followed.
        followed: u64,
        /// Events that the search needs.
        wanted: u64,
    },
    /// The index was closed.
    #[error("the index is closed")]
    Closed,
    /// A snapshot speaks of more events than the log has.
    #[error("snapshot of {found} events is not of this log, which has {expected}")]
    SnapshotAhead {
        /// Events in the snapshot.
        found: u64,
        /// Events in the log.
        expected: u64,
    },
    /// A snapshot was taken under another analysis of words, which would find other events.
    #[error(
        "snapshot was taken under text analysis {found}, and this index holds analysis {expected}"
    )]
    SnapshotOfOtherAnalysis {
        /// The analysis of the snapshot.
        found: u32,
        /// The analysis of the index.
        expected: u32,
    },
    /// A snapshot's root is not the root of the log at its size.
    #[error("snapshot of {size} events bears another root than this log had at that size")]
    SnapshotOfOtherLog {
        /// Events in the snapshot.
        size: u64,
    },
    /// A cursor was altered, or belongs to another query, order, scope or snapshot.
    #[error("cursor is not of this search; begin again from its first page")]
    CursorForeign,
    /// The state of the index that a cursor by relevance points into is gone.
    #[error("cursor by relevance has expired; begin again from the first page, or order by time")]
    CursorExpired,
    /// A search was not done within its time. There is no answer then: counts are exact, or absent.
    #[error(
        "the search was stopped after {limit_seconds} s, and nothing of it is shown; narrow it by room:, from: or a date"
    )]
    TimeSpent {
        /// The time that it had.
        limit_seconds: u64,
    },
    /// More hits were asked for than a page may have.
    #[error("page of {found} hits is over the limit of {expected}")]
    PageTooLarge {
        /// Hits asked for.
        found: usize,
        /// The limit.
        expected: usize,
    },
}

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns which of the three families the error belongs to.
    pub fn family(&self) -> Family {
        match self {
            Self::LogUnreadable { source } => source.family(),
            Self::FolderUnusable { .. }
            | Self::FileRemains { .. }
            | Self::EngineFailed { .. }
            | Self::RandomnessUnavailable { .. }
            | Self::FollowerNotStarted { .. }
            | Self::FollowerStopped { .. }
            | Self::Behind { .. }
            | Self::Closed => Family::Unavailable,
            Self::SnapshotAhead { .. }
            | Self::SnapshotOfOtherAnalysis { .. }
            | Self::SnapshotOfOtherLog { .. }
            | Self::CursorForeign
            | Self::CursorExpired
            | Self::TimeSpent { .. }
            | Self::PageTooLarge { .. } => Family::Refused,
        }
    }

    /// Returns a closure that wraps what the engine says.
    pub(crate) fn engine(action: &'static str) -> impl FnOnce(tantivy::TantivyError) -> Self {
        move |source| Self::EngineFailed { action, source }
    }
}
