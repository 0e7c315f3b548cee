//! What a caller gets back for each event that it handed in.

use chat::{Seq, Timestamp};

/// Proof of acceptance: the event is on disk, synced, at this place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Its place in the log.
    pub seq: Seq,
    /// Its leaf in the tree (proof.md §5).
    ///
    /// Absent where the first event of a duplicate was destroyed, and for the duplicates of an import, which asks for none.
    pub leaf: Option<[u8; 32]>,
    /// When it was recorded, on the archive's clock.
    pub recorded_at: Timestamp,
}

/// What became of one draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is new.
    Accepted,
    /// The newest version under its key had other content: recorded as an edit of it, even where an earlier version said the same.
    Revised,
    /// The newest version under its key has the same content, or an earlier one has and this tells of it again (`docs/format.md` §10):
    /// nothing was added.
    Duplicate,
    /// It could not be taken as what it claims to be; it is kept raw.
    Quarantined {
        /// Why, in words an officer can act on.
        reason: String,
    },
}

/// What became of one draft, and where it is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What became of it.
    pub verdict: Verdict,
    /// The receipt of the event; where the draft was a duplicate, of the version that it repeats.
    pub receipt: Receipt,
}
