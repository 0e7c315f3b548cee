//! What a search saw, so that the same query finds the same events again (house.md §6.5).

/// A state of the log as a search sees it: the first `size` events, under one analysis of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// Number of events: hits have sequence numbers up to this.
    pub size: u64,
    /// Root of the tree over those events (proof.md §5).
    pub root: [u8; 32],
    /// Version of the text analysis, [`query::analysis::ANALYSIS_VERSION`].
    pub analysis: u32,
}

/// Which state a search is to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotChoice {
    /// Everything acknowledged by now.
    Newest,
    /// A state that an earlier search saw.
    At(Snapshot),
}
