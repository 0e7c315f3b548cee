//! What an import says of itself.

use chat::{Act, Seq};

use super::coverage::Coverage;

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input that were read.
    pub done: u64,
    /// Bytes that it has.
    pub total: u64,
    /// Records that were read.
    pub records: u64,
}

/// A record in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineNote {
    /// Where it is kept; nothing in a rehearsal.
    pub seq: Option<Seq>,
    /// Where it stood in the input.
    pub locator: String,
    /// Why.
    pub reason: String,
}

/// What became of an input. `read` is the sum of `accepted`, `revised`, `duplicates` and `quarantined`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImportReport {
    /// The run's own id, 32 hex digits; empty for a rehearsal.
    pub import_id: String,
    /// The source's name; several are joined by commas.
    pub source: String,
    /// The format that was read.
    pub format: &'static str,
    /// SHA-256 of the input.
    pub input_sha256: String,
    /// Bytes of the input.
    pub bytes: u64,
    /// Files that were read as events.
    pub files: u64,
    /// Records found in the input, readable or not.
    pub read: u64,
    /// Records that were new; in a rehearsal, those that would be.
    pub accepted: u64,
    /// Records whose key was known with other content: recorded as edits, or as uploads of files that were missing.
    pub revised: u64,
    /// Records that were in the archive already, or earlier in the input.
    pub duplicates: u64,
    /// Records that are kept raw.
    pub quarantined: u64,
    /// Events that were unfolded from records (reactions, deletion marks) and were new.
    pub unfolded: u64,
    /// Files that records name.
    pub attachments: u64,
    /// Those of them whose bytes were not to be had.
    pub attachments_missing: u64,
    /// Different events read back from the archive for the records of this input.
    pub held: u64,
    /// The first event that this run recorded.
    pub first_seq: Option<Seq>,
    /// The last event that this run recorded.
    pub last_seq: Option<Seq>,
    /// How long it took.
    pub seconds: f64,
    /// Counts by room and day.
    pub coverage: Vec<Coverage>,
    /// The first thousand records in quarantine.
    pub quarantine: Vec<QuarantineNote>,
    /// The first thousand files of the input that hold no events and were not read.
    pub passed_over: Vec<String>,
}

impl ImportReport {
    /// Returns the act that puts the end of the run into the log.
    pub(super) fn act(&self, fault: Option<&str>) -> Act {
        Act::new("import-ended")
            .with("import_id", self.import_id.as_str())
            .with("source", self.source.as_str())
            .with("format", self.format)
            .with("input_sha256", self.input_sha256.as_str())
            .with("read", self.read)
            .with("accepted", self.accepted)
            .with("revised", self.revised)
            .with("duplicates", self.duplicates)
            .with("quarantined", self.quarantined)
            .with("attachments", self.attachments)
            .with("attachments_missing", self.attachments_missing)
            .with("held", self.held)
            .with_some("first_seq", self.first_seq.map(Seq::get))
            .with_some("last_seq", self.last_seq.map(Seq::get))
            .with_some("fault", fault)
    }
}
