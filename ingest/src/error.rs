//! What can go wrong while events are taken in, in the three families of the workspace.

use std::path::{Path, PathBuf};

use chat::Family;

use crate::import::ImportReport;

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an input could not be read, or why events could not be recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input, or a file in it, could not be read from its disk.
    #[error("read {path}")]
    InputUnreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The input is of no format that this version reads.
    #[error("recognise the input {path}: found {found}, expected {expected}")]
    InputUnknown {
        /// Which input.
        path: PathBuf,
        /// The first thing that was wrong.
        found: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// The input stops making sense; what came before was taken in, and the run can be repeated.
    #[error("read on at {place}: found {found}, expected {expected}")]
    InputMalformed {
        /// Where in the input: a file with a line or an offset.
        place: String,
        /// What was found there.
        found: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// The input, or a member of it, goes beyond a limit or bears a name that leads out of it.
    #[error("take the input's member {member:?}: {fault}, allowed is {allowed}")]
    MemberRefused {
        /// Which member.
        member: String,
        /// What is wrong with it.
        fault: String,
        /// What is allowed.
        allowed: String,
    },
    /// The input does not say which system it came from.
    #[error("name the source of {path}: it holds no workspace or pool id; give one with --source")]
    SourceUnnamed {
        /// Which input.
        path: PathBuf,
    },
    /// No format bears this name.
    #[error("read the format {found:?}: expected auto, jsonl, slack or lync-xml")]
    FormatUnknown {
        /// The name that was given.
        found: String,
    },
    /// No zone bears this name.
    #[error(
        "read the zone {found:?}: expected one of the IANA database, such as Europe/Berlin or UTC"
    )]
    ZoneUnknown {
        /// The name that was given.
        found: String,
    },
    /// An import came to a fault before the end of its input; what came before is recorded, and it can be run again.
    #[error("import all of the input: {} records were read before the fault, {} of them are new in the archive", report.read, report.accepted)]
    ImportCutShort {
        /// What the run did until then.
        report: Box<ImportReport>,
        /// The fault.
        #[source]
        source: Box<Self>,
    },
    /// The archive refused, failed or is damaged.
    #[error("reach the archive")]
    Archive {
        /// What the archive said.
        #[source]
        source: archive::Error,
    },
    /// The index of origins could not be read or written; it is rebuilt from the log at the next start.
    #[error("use the index of origins at {path}")]
    OriginsUnavailable {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// No random bytes for a new id were to be had.
    #[error("draw an id for {what}")]
    IdUndrawn {
        /// What the id was for.
        what: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A batch of the same input before this one was refused, and an input is recorded in its own order or not at all.
    #[error("record this batch: one before it in the same input was refused because {reason}")]
    BatchBeforeRefused {
        /// Why that one was refused.
        reason: String,
    },
    /// The sequencer has stopped after a failure; a restart recovers.
    #[error("record events: the sequencer stopped because {reason}; restart to recover")]
    SequencerStopped {
        /// The failure that stopped it.
        reason: String,
    },
}

impl Error {
    /// Returns the family that decides exit code, HTTP status and log level.
    pub fn family(&self) -> Family {
        match self {
            Self::InputUnknown { .. }
            | Self::InputMalformed { .. }
            | Self::MemberRefused { .. }
            | Self::FormatUnknown { .. }
            | Self::ZoneUnknown { .. }
            | Self::SourceUnnamed { .. } => Family::Refused,
            Self::ImportCutShort { source, .. } => source.family(),
            Self::InputUnreadable { .. }
            | Self::OriginsUnavailable { .. }
            | Self::IdUndrawn { .. }
            | Self::BatchBeforeRefused { .. }
            | Self::SequencerStopped { .. } => Family::Unavailable,
            Self::Archive { source } => source.family(),
        }
    }

    /// Returns whether the input itself is at fault (exit code 65, contract.md §1).
    pub fn is_bad_data(&self) -> bool {
        match self {
            Self::InputUnknown { .. }
            | Self::InputMalformed { .. }
            | Self::MemberRefused { .. }
            | Self::SourceUnnamed { .. } => true,
            Self::ImportCutShort { source, .. } => source.is_bad_data(),
            Self::InputUnreadable { .. }
            | Self::FormatUnknown { .. }
            | Self::ZoneUnknown { .. }
            | Self::Archive { .. }
            | Self::OriginsUnavailable { .. }
            | Self::IdUndrawn { .. }
            | Self::BatchBeforeRefused { .. }
            | Self::SequencerStopped { .. } => false,
        }
    }

    /// Wraps what the system said about a file of the input.
    pub(crate) fn unreadable(path: &Path, source: std::io::Error) -> Self {
        Self::InputUnreadable { path: path.to_owned(), source }
    }
}
