//! What the check of a package found.

use std::fmt;

use chat::Seq;

/// How many findings are listed; more of them say nothing new.
pub const FINDINGS_MAX: usize = 200;

/// The answer of [`verify`](crate::verify()).
#[derive(Debug, Clone, Default)]
pub struct ExportReport {
    /// Whether everything holds.
    pub ok: bool,
    /// Events that were read and proven.
    pub events: u64,
    /// Related events that were read and proven.
    pub related: u64,
    /// Files whose hashes hold.
    pub files: u64,
    /// Size of the signed checkpoint, where it stands.
    pub size: u64,
    /// Its root in hex; empty where it does not stand.
    pub root: String,
    /// The id of the frozen set, as the manifest states it.
    pub set: String,
    /// What does not hold, at most [`FINDINGS_MAX`], in the order of the checks.
    pub findings: Vec<Finding>,
    /// How many more findings there were.
    pub findings_omitted: u64,
    /// What is proven, in sentences; nothing unless everything holds.
    pub proven: Vec<String>,
    /// What is not, in sentences.
    pub not_proven: Vec<String>,
}

/// One thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What sort of thing.
    pub kind: FindingKind,
    /// The file within the package; empty if it is about the package as a whole.
    pub file: String,
    /// The row or line of that file, from 1, the header being row 1.
    pub row: Option<u64>,
    /// The event.
    pub seq: Option<Seq>,
    /// What was found, and what was expected.
    pub what: String,
}

/// The sorts of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// The manifest or the checkpoint is not signed with the key given.
    Signature,
    /// The manifest is malformed, or contradicts what is there.
    Manifest,
    /// A file that should be there is not.
    FileMissing,
    /// A file is there that the manifest does not name, or something that is no plain file.
    FileForeign,
    /// A file has other bytes than the manifest says.
    FileChanged,
    /// A line of events is malformed, missing, doubled or out of order.
    Event,
    /// A proof is malformed, or does not lead from its event to the checkpoint.
    Proof,
    /// A range that is said to be complete has a gap.
    Gap,
    /// A row of a table does not say what its event says.
    Row,
    /// The zip file has bytes that belong to no file.
    Container,
}

impl FindingKind {
    /// Returns the word for reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Manifest => "manifest",
            Self::FileMissing => "file-missing",
            Self::FileForeign => "file-foreign",
            Self::FileChanged => "file-changed",
            Self::Event => "event",
            Self::Proof => "proof",
            Self::Gap => "gap",
            Self::Row => "row",
            Self::Container => "container",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.kind.word())?;
        if !self.file.is_empty() {
            write!(out, ", {}", self.file.escape_debug())?;
        }
        if let Some(row) = self.row {
            write!(out, " row {row}")?;
        }
        if let Some(seq) = self.seq {
            write!(out, " (event {seq})")?;
        }
        write!(out, ": {}", self.what)
    }
}

impl ExportReport {
    pub(crate) fn find(&mut self, kind: FindingKind, file: &str, what: impl Into<String>) {
        self.add(Finding { kind, file: file.to_owned(), row: None, seq: None, what: what.into() });
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_omitted += 1;
        }
    }
}
