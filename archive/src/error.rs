//! What can go wrong with an archive, in the three families that the whole workspace keeps apart.

use std::io;
use std::path::{Path, PathBuf};

use chat::{Family, Seq};

/// The result of what an archive does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an archive did not do what it was asked. Each variant names the object, the fault and, where there is one, the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // Refused: the caller asked for what may not be.
    /// The folder already holds an archive.
    #[error("make an archive in {}: there is one already; open it instead", folder.display())]
    ArchiveExists {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// The folder holds something that is no archive.
    #[error("make an archive in {}: it is not empty ({found} is there); name a new folder", folder.display())]
    FolderNotEmpty {
        /// The folder that was named.
        folder: PathBuf,
        /// The first name found in it.
        found: String,
    },
    /// The folder holds no archive.
    #[error("open the archive in {}: there is no archive.json; make one with `muniment init`", folder.display())]
    ArchiveMissing {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// The archive was written by a version of the format that this one does not know.
    #[error("open the archive in {}: its format is {found}, this version reads {expected}", folder.display())]
    FormatUnknown {
        /// The folder of the archive.
        folder: PathBuf,
        /// The version found.
        found: u64,
        /// The version that this program reads.
        expected: u64,
    },
    /// The events of a batch do not follow the log.
    #[error("append to the log: event {found} came where {expected} was due")]
    BatchOrder {
        /// The sequence number that was due.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// An event does not follow the one before it in its room.
    #[error("append event {seq}: its place in its room is {found}, due was {expected}")]
    BatchPlace {
        /// The event.
        seq: Seq,
        /// Place and predecessor that were due, in words.
        expected: String,
        /// Those that came, in words.
        found: String,
    },
    /// An event is larger than the log takes.
    #[error("append event {seq}: it has {found} bytes, at most {limit} are taken")]
    EventTooLarge {
        /// The event.
        seq: Seq,
        /// Its bytes as stored.
        found: usize,
        /// The limit, [`chat::limits::EVENT_BYTES_MAX`].
        limit: usize,
    },
    /// A file is larger than the archive takes.
    #[error("keep a file: it has more than {limit} bytes")]
    FileTooLarge {
        /// The limit, [`chat::limits::ATTACHMENT_BYTES_MAX`].
        limit: u64,
    },
    /// A sequence number or size lies beyond what the archive holds.
    #[error("{action}: {asked} is beyond the {held} events held")]
    BeyondEnd {
        /// What was asked for.
        action: &'static str,
        /// The number asked for.
        asked: u64,
        /// How many events there are.
        held: u64,
    },
    /// The event has been destroyed under a warrant.
    #[error("show event {seq}: it has been destroyed")]
    EventDestroyed {
        /// The event.
        seq: Seq,
    },
    /// An order that is not what this log has at its place.
    #[error(
        "execute the order at event {place}: the log has {found}, expected was that order; fold the docket from this archive's own log"
    )]
    OrderForeign {
        /// Where the order says that it stands.
        place: Seq,
        /// What the log has there, in words.
        found: String,
    },
    /// A proof or a note was refused.
    #[error("{object} is refused")]
    Refused {
        /// What was refused.
        object: String,
        /// Why, by the names of proof.md §10.
        #[source]
        reason: crate::proof::Refusal,
    },

    /// A time stamp was refused.
    #[error(
        "the time stamp is refused; have the authority answer a request of `timestamp request`"
    )]
    StampRefused {
        /// Why.
        #[source]
        reason: crate::proof::timestamp::StampRefusal,
    },

    // Unavailable: something outside failed, or a person has to act.
    /// Another process has the archive open.
    #[error("lock {}: another process has the archive open; stop it or wait", folder.display())]
    Locked {
        /// The folder of the archive.
        folder: PathBuf,
    },
    /// The volume is nearly full, and what is left is kept for audit and destruction.
    #[error(
        "append content: {free_bytes} bytes are free, {reserve_bytes} are kept for audit and destruction; free some space"
    )]
    DiskFull {
        /// Bytes free on the volume.
        free_bytes: u64,
        /// Bytes that content may not use.
        reserve_bytes: u64,
    },
    /// Sealing fails, and so much waits for it that more would not be bounded.
    #[error(
        "append content: {waiting_bytes} bytes wait to be sealed, and sealing fails ({reason}); mend that first"
    )]
    SealingFails {
        /// Bytes of the journal files that wait.
        waiting_bytes: u64,
        /// Why the last attempt failed.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, such as `sync`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The bytes of a file that was to be kept could not be read.
    #[error("read the content of a file to be kept")]
    Content {
        /// What its source said.
        #[source]
        source: io::Error,
    },
    /// No random bytes were to be had, so that no key and no salt could be made.
    #[error("draw random bytes for {purpose}")]
    Randomness {
        /// What they were for.
        purpose: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The writer has stopped after a failure and stays so until the archive is opened again.
    #[error("use the log: it stopped because it could not {reason}; restart to recover")]
    Stopped {
        /// The first failure.
        reason: String,
    },
    /// The archive has been closed.
    #[error("use the archive: it has been closed")]
    Closed,
    /// Damage hides how many events a room has, so that none can be appended to it.
    #[error(
        "append event {seq}: a damaged segment or a blanked event hides where its room stands, and the file `places` is damaged or gone; put it or the segment back from a backup"
    )]
    PlacesUnknown {
        /// The event.
        seq: Seq,
    },
    /// Damage hides where the rooms stand, and an event blanked now would hide it for ever.
    #[error(
        "execute the order at event {place}: a damaged segment hides where the rooms stand, and blanked events would hide it for ever; put back the segment or the file `places` from a backup"
    )]
    PlacesHidden {
        /// The order.
        place: Seq,
    },
    /// Damage hides which keys belong to no file any more.
    #[error(
        "execute the order at event {place}: a damaged or missing file hides which keys belong to none; mend what `muniment verify` finds, and execute it again"
    )]
    KeysUncertain {
        /// The order.
        place: Seq,
    },
    /// A part of an order could not be executed; the rest was.
    #[error(
        "execute the order at event {place}: {failed} parts of it failed, {} ranges were written without what it names; mend the first, and execute it again",
        report.ranges
    )]
    OrderUnfinished {
        /// The order.
        place: Seq,
        /// How many parts failed: ranges, or what is done behind them.
        failed: u64,
        /// What was done.
        report: crate::destroy::DestroyReport,
        /// The family of the first failure.
        family: Family,
        /// The first failure.
        #[source]
        source: Box<Self>,
    },
    /// A thread of the archive could not be started.
    #[error("start the thread {name}")]
    Thread {
        /// Its name.
        name: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The derived catalog could not be read or written. It can be rebuilt from the log.
    #[error(
        "{action} the catalog: {reason}; it is derived: close the archive and delete catalog.sqlite, and it is made again"
    )]
    Catalog {
        /// What was tried.
        action: &'static str,
        /// What the database said.
        reason: String,
    },

    // Configuration: exit 78 (house.md §6.4).
    /// The key-encryption key is not where it should be.
    #[error("open the keys: {} is missing; put the key back, or name its file in keys.kek_file", path.display())]
    KeyMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The key-encryption key can be read by others than its owner.
    #[error("open the keys: {} has mode {mode:04o}, others can read it; run `chmod 0400` on it", path.display())]
    KeyExposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key-encryption key has not 32 bytes, or opens nothing of this archive.
    #[error("open the keys: {} is not this archive's key ({reason})", path.display())]
    KeyForeign {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    // Corrupt: what is stored is not what was stored.
    /// A file holds something else than what was written.
    #[error("read {} at byte {offset}: {fault}{}", path.display(), in_words(seqs.as_ref()))]
    FileCorrupt {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        fault: String,
        /// First and last event that are concerned, where that is known.
        seqs: Option<(Seq, Seq)>,
    },
    /// A file that must be there is not.
    #[error("read {}: the file is gone{}", path.display(), in_words(seqs.as_ref()))]
    FileGone {
        /// The file.
        path: PathBuf,
        /// First and last event that are concerned, where that is known.
        seqs: Option<(Seq, Seq)>,
    },
    /// The log ends before a checkpoint that was signed.
    #[error(
        "recover the log: it ends at event {found}, and a checkpoint of {signed} events was signed"
    )]
    LogShort {
        /// Events found.
        found: u64,
        /// Size of the newest durable checkpoint.
        signed: u64,
    },
    /// The log's root at a signed size is another than the one signed.
    #[error("recover the log: the root of its first {size} events is not the one that was signed")]
    RootDiffers {
        /// Size of the checkpoint.
        size: u64,
    },
}

impl Error {
    /// Returns what the error means for the one who meets it.
    pub const fn family(&self) -> Family {
        match self {
            Self::OrderUnfinished { family, .. } => *family,
            Self::ArchiveExists { .. }
            | Self::FolderNotEmpty { .. }
            | Self::ArchiveMissing { .. }
            | Self::FormatUnknown { .. }
            | Self::BatchOrder { .. }
            | Self::BatchPlace { .. }
            | Self::EventTooLarge { .. }
            | Self::FileTooLarge { .. }
            | Self::BeyondEnd { .. }
            | Self::EventDestroyed { .. }
            | Self::OrderForeign { .. }
            | Self::Refused { .. }
            | Self::StampRefused { .. }
            | Self::KeyMissing { .. }
            | Self::KeyExposed { .. }
            | Self::KeyForeign { .. } => Family::Refused,
            Self::Locked { .. }
            | Self::DiskFull { .. }
            | Self::SealingFails { .. }
            | Self::Io { .. }
            | Self::Randomness { .. }
            | Self::Content { .. }
            | Self::Stopped { .. }
            | Self::Closed
            | Self::PlacesUnknown { .. }
            | Self::PlacesHidden { .. }
            | Self::KeysUncertain { .. }
            | Self::Thread { .. }
            | Self::Catalog { .. } => Family::Unavailable,
            Self::FileCorrupt { .. }
            | Self::FileGone { .. }
            | Self::LogShort { .. }
            | Self::RootDiffers { .. } => Family::Corrupt,
        }
    }

    /// Returns whether a person has to mend the configuration of the keys first (exit 78).
    pub const fn is_configuration(&self) -> bool {
        matches!(self, Self::KeyMissing { .. } | Self::KeyExposed { .. } | Self::KeyForeign { .. })
    }

    /// Returns whether nobody knows after this failure which names are durable: nothing may be built on them, and the sync is never
    /// tried again.
    pub(crate) const fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Io { action, .. } if matches!(action.as_bytes(), b"sync folder"))
    }

    /// Returns what turns a failure of the system into an error that names what was tried, and on which file.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Returns an error that names a file, a place in it and what is wrong there.
    pub(crate) fn corrupt(path: &Path, offset: u64, fault: impl Into<String>) -> Self {
        Self::FileCorrupt { path: path.to_owned(), offset, fault: fault.into(), seqs: None }
    }

    /// Returns the same error with the events that are concerned, if it is one that names events.
    pub(crate) fn with_seqs(mut self, first: Option<Seq>, last: Option<Seq>) -> Self {
        if let Self::FileCorrupt { seqs, .. } | Self::FileGone { seqs, .. } = &mut self {
            *seqs = first.zip(last);
        }
        self
    }
}

fn in_words(seqs: Option<&(Seq, Seq)>) -> String {
    seqs.map_or_else(String::new, |(first, last)| format!("; events {first} to {last}"))
}
