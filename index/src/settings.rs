//! How the index is kept.

use std::time::Duration;

/// How the index is kept. The defaults are those of performance.md §2.1 and house.md §6.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Events after which a commit is made.
    pub commit_events_max: u64,
    /// Time after which a commit is made, if there is anything to commit.
    pub commit_wait: Duration,
    /// Bytes of memory in which new lists grow before they are written out; at least 15 MB.
    pub arena_bytes: usize,
    /// Time without anything new after which neighbouring segments are joined that would otherwise wait for more.
    pub join_wait: Duration,
    /// How long a search waits for an index that is further behind than the tail search reaches.
    pub patience: Duration,
    /// How long a search may take once it has begun; what it had found by then is not shown.
    pub search_limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            commit_events_max: 20_000,
            commit_wait: Duration::from_secs(1),
            arena_bytes: 128 << 20,
            join_wait: Duration::from_secs(10),
            patience: Duration::from_secs(10),
            search_limit: Duration::from_secs(30),
        }
    }
}
