//! What a verification says.

use std::collections::HashSet;

use chat::Seq;

use crate::error::Error;
use crate::proof::Digest;

/// Findings that are listed; of more, only the number is told.
const FINDINGS_MAX: usize = 1_000;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Events verified.
    pub events: u64,
    /// Events of them that are destroyed and whose header is kept: they are verified by what is left.
    pub stubs: u64,
    /// Events of them that are destroyed and of which nothing but the leaf is kept.
    pub blanks: u64,
    /// Sealed ranges, each of two files.
    pub segments: u64,
    /// Kept files that were read whole and have their hash.
    pub blobs: u64,
    /// Time stamps of checkpoints that hold, whoever made them.
    pub stamps: u64,
    /// Size of the log that was verified.
    pub size: u64,
    /// Its root.
    pub root: Digest,
    /// What is wrong; nothing if all is well.
    pub findings: Vec<Finding>,
}

impl VerifyReport {
    /// Returns whether nothing is wrong.
    pub const fn is_ok(&self) -> bool {
        self.findings.is_empty()
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// What kind of thing it is.
    pub kind: FindingKind,
    /// What is wrong, in words.
    pub what: String,
    /// First and last event that are concerned, where that is known.
    pub seqs: Option<(Seq, Seq)>,
}

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// A file of the log is damaged or gone.
    File,
    /// Events could not be read.
    Unread,
    /// Events are not those that the tree holds.
    Event,
    /// A tile of the tree is damaged or gone.
    Tree,
    /// A checkpoint is damaged, or its root is not the log's.
    Checkpoint,
    /// The events of a room are not one dense chain.
    Place,
    /// A kept file is damaged, or one that an event names is gone.
    Blob,
    /// The derived catalog says something else than the log.
    Catalog,
    /// The log does not continue a checkpoint that someone else kept.
    History,
}

impl FindingKind {
    /// Returns the word for it in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Unread => "unread",
            Self::Event => "event",
            Self::Tree => "tree",
            Self::Checkpoint => "checkpoint",
            Self::Place => "place",
            Self::Blob => "blob",
            Self::Catalog => "catalog",
            Self::History => "history",
        }
    }
}

/// The findings so far, each once.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    known: HashSet<Finding>,
    unlisted: u64,
}

impl Findings {
    pub(super) fn add(&mut self, kind: FindingKind, what: String, seqs: Option<(Seq, Seq)>) {
        let finding = Finding { kind, what, seqs };
        if self.list.len() >= FINDINGS_MAX {
            self.unlisted = self.unlisted.saturating_add(1);
        } else if self.known.insert(finding.clone()) {
            self.list.push(finding);
        }
    }

    /// Adds an error as it is, with the events that it names.
    pub(super) fn add_error(&mut self, kind: FindingKind, error: &Error) {
        let seqs = if let Error::FileCorrupt { seqs, .. } | Error::FileGone { seqs, .. } = error {
            *seqs
        } else {
            None
        };
        self.add(kind, crate::fuse::whole_message(error), seqs);
    }

    /// Adds that events could not be read, unless a finding about a file says so already.
    pub(super) fn add_unread(&mut self, first: Seq, last: Seq) {
        let is_said = self.list.iter().any(|finding| {
            finding.kind == FindingKind::File
                && finding.seqs.is_some_and(|(from, to)| from <= first && last <= to)
        });
        if !is_said {
            let what = format!("events {first} to {last} could not be read");
            self.add(FindingKind::Unread, what, Some((first, last)));
        }
    }

    pub(super) fn into_list(mut self) -> Vec<Finding> {
        if self.unlisted > 0 {
            let what = format!("{} more findings are not listed", self.unlisted);
            self.list.push(Finding { kind: FindingKind::Unread, what, seqs: None });
        }
        self.list
    }
}
