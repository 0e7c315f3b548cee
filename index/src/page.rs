//! What is asked of a search beside its query, and what comes back.

use chat::Seq;

use crate::cursor::Cursor;
use crate::not_searched::NotSearched;
use crate::snapshot::Snapshot;
use crate::state::StateAt;

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Latest event time first; equal times by sequence, latest first.
    Newest,
    /// Earliest event time first; equal times by sequence, earliest first.
    Oldest,
    /// Best score (BM25) first; equal scores by sequence, latest first.
    Score,
}

/// One page of hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Hits at most, up to [`chat::limits::PAGE_HITS_MAX`]; 0 only counts.
    pub limit: usize,
    /// The order of hits.
    pub order: Order,
    /// Where the page begins; nothing for the first.
    pub cursor: Option<Cursor>,
}

impl Page {
    /// Returns the first page of this many hits, newest first.
    pub const fn newest(limit: usize) -> Self {
        Self { limit, order: Order::Newest, cursor: None }
    }
}

/// An event that matched. Its text is read back from the archive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its place in the log.
    pub seq: Seq,
    /// Its score where the order is [`Order::Score`].
    pub score: Option<f32>,
}

/// What a search found, and what stands beside it in the state that was searched.
#[derive(Debug)]
pub struct Found {
    /// The hits and their number.
    pub answer: Answer,
    /// What was not searched.
    pub not_searched: NotSearched,
    /// What [`query::matches`] needs to agree with this search on this query; marks are in it only where the query asks for any.
    pub state: StateAt,
}

/// The hits of a page, and the exact number of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The state that was searched; give it back to find the same again.
    pub snapshot: Snapshot,
    /// Number of all matches in that state, exact.
    pub count: u64,
    /// The matches of this page, in order.
    pub hits: Vec<Hit>,
    /// Where the next page begins; nothing after the last.
    pub next: Option<Cursor>,
}
