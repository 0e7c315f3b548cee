//! What can go wrong with a set or a package, in the three families that the whole workspace keeps apart.

use std::io;
use std::path::{Path, PathBuf};

use chat::{Family, Seq};

/// The result of what this crate does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a set was not frozen, or a package not written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // Refused: the caller asked for what may not be.
    /// A list of sequence numbers does not strictly ascend.
    #[error("freeze the set: {list} holds {found} after {before}; sort the list and drop doubles")]
    SetOrder {
        /// Which list: `events`, `hits` or `related`.
        list: &'static str,
        /// The number before.
        before: Seq,
        /// The number found after it.
        found: Seq,
    },
    /// The set names an event that its checkpoint does not cover.
    #[error("freeze the set: event {seq} lies beyond the checkpoint, which covers {size} events")]
    SetBeyondCheckpoint {
        /// The event.
        seq: Seq,
        /// The size that is signed.
        size: u64,
    },
    /// A hit is not among the events of the set.
    #[error("freeze the set: hit {seq} is not among its events")]
    SetHitMissing {
        /// The hit.
        seq: Seq,
    },
    /// The set claims a range that its events are not.
    #[error("freeze the set: {fault}; name every event of the range, or no range")]
    SetIncomplete {
        /// What was found.
        fault: String,
    },
    /// A field is withheld and one that repeats it is not.
    #[error(
        "freeze the set: a withheld field is repeated by one that is shown; withhold what repeats it too"
    )]
    SetWithheld,
    /// The checkpoint or the key of the set does not stand.
    #[error("freeze the set: its {object} is refused")]
    SetUnsigned {
        /// `checkpoint` or `public key`.
        object: &'static str,
        /// Why, by the names of proof.md §10.
        #[source]
        reason: archive::proof::Refusal,
    },
    /// A set file is not of the form this version writes.
    #[error("read the set: {fault}")]
    SetMalformed {
        /// What was found and what was expected.
        fault: String,
    },
    /// A set file does not hold what its id says.
    #[error("read the set: it says it is {found}, its content is {expected}")]
    SetAltered {
        /// The id of what it holds.
        expected: String,
        /// The id that it bears.
        found: String,
    },
    /// An officer's act was named; those are found by `audit` alone (house.md §5).
    #[error("export event {seq}: it is an officer's act; use `muniment audit` for those")]
    OfficersAct {
        /// The event.
        seq: Seq,
    },
    /// What is to be checked is no package, not even a damaged one.
    #[error("check a package: {} is none: {fault}; name the folder or the zip file that `export` wrote", path.display())]
    NotAPackage {
        /// The path that was given.
        path: PathBuf,
        /// What was found and what was expected.
        fault: &'static str,
    },
    /// Something has the package's name already.
    #[error("write the package: {} is there already; name another", path.display())]
    OutputExists {
        /// The name that was given.
        path: PathBuf,
    },

    // Unavailable: something outside failed.
    /// Reading or writing failed.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The archive did not give what the set names.
    #[error("read from the archive")]
    Archive(#[source] archive::Error),

    // Corrupt: what is there is not what should be.
    /// The archive gave an event that is not the one that its proof shows, or not the one asked for.
    #[error("export event {seq}: {fault}")]
    EvidenceDiffers {
        /// The event asked for.
        seq: Seq,
        /// What differs.
        fault: String,
    },
    /// Two formats of one package hold different numbers of events.
    #[error("finish the package: {format} holds {found} rows, {expected} events were selected")]
    CountsDisagree {
        /// The file that is off.
        format: String,
        /// How many rows it should hold.
        expected: u64,
        /// How many it holds.
        found: u64,
    },
    /// The finished package does not pass its own check.
    #[error("finish the package: its own check found: {finding}")]
    CheckFailed {
        /// The first finding.
        finding: String,
    },
}

impl Error {
    /// Returns what this error means for the one who meets it.
    pub fn family(&self) -> Family {
        match self {
            Self::SetOrder { .. }
            | Self::SetBeyondCheckpoint { .. }
            | Self::SetHitMissing { .. }
            | Self::SetIncomplete { .. }
            | Self::SetWithheld
            | Self::SetUnsigned { .. }
            | Self::SetMalformed { .. }
            | Self::SetAltered { .. }
            | Self::OfficersAct { .. }
            | Self::NotAPackage { .. }
            | Self::OutputExists { .. } => Family::Refused,
            Self::Io { .. } => Family::Unavailable,
            Self::Archive(source) => source.family(),
            Self::EvidenceDiffers { .. }
            | Self::CountsDisagree { .. }
            | Self::CheckFailed { .. } => Family::Corrupt,
        }
    }

    /// Returns a function that names the action and the path beside what the system said.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
