//! What is exported: sequence numbers under a checkpoint, frozen. A set is never a query to be run again.

use std::collections::BTreeMap;
use std::fmt;

use archive::proof::checkpoint::{Checkpoint, VerifierKey};
use chat::{ArchiveId, RoomId, Seq, SourceId, Timestamp};

use crate::complete::Complete;
use crate::error::{Error, Result};
use crate::format::frozen;
use crate::withhold::Withheld;

/// Everything a package is made of besides the events themselves. [`ExportSet::freeze`] checks it and gives it an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The archive that the numbers belong to.
    pub archive: ArchiveId,
    /// Its verifier key (proof.md §6).
    pub public_key: String,
    /// Whether the archive is a demonstration; every manifest says so.
    pub demo: bool,
    /// 16 random bytes, drawn for this set: without them the set's id would let a stranger test guesses of the query.
    pub nonce: [u8; 16],
    /// The events, ascending: one row each.
    pub seqs: Vec<Seq>,
    /// Those of them that the query found, where the others are context; absent where all of them are.
    pub hits: Option<Vec<Seq>>,
    /// What context was asked for, such as `none`, `thread`, `day` or a number of neighbours.
    pub context: String,
    /// Events that say something about the others, ascending, and have no row of their own: edits and retractions of
    /// them, entries and leavings of their rooms. Those that are rows as well need not be named.
    pub related: Vec<Seq>,
    /// How much of the log was searched.
    pub snapshot: Size,
    /// The signed checkpoint that every proof leads to, a C2SP note. It covers every event named here.
    pub checkpoint: String,
    /// The query, where there was one.
    pub query: Option<QueryWords>,
    /// Who asked for the export.
    pub who: String,
    /// Why, in the officer's words.
    pub why: Option<String>,
    /// The matter it belongs to.
    pub matter: Option<String>,
    /// For whom the package is.
    pub purpose: Purpose,
    /// When it was frozen. No later time occurs in a package.
    pub frozen_at: Timestamp,
    /// The version of the program that froze it.
    pub tool_version: String,
    /// What the search could not look into.
    pub not_searched: NotSearched,
    /// Names of the sources, as the officer knows them; on the archive's word, not part of the proof.
    pub source_names: BTreeMap<SourceId, String>,
    /// Categories of the rooms at the snapshot; on the archive's word, not part of the proof.
    pub room_categories: BTreeMap<RoomId, String>,
    /// Fields that are kept out of every event, by word and each once: see [`Withheld::with_repetitions`].
    pub withheld: Vec<Withheld>,
    /// The range that the rows are all of, if they are.
    pub complete: Option<Complete>,
}

impl Selection {
    /// Returns the key and the checkpoint that it has signed, or why they do not stand.
    pub fn opened(&self) -> Result<(VerifierKey, Checkpoint)> {
        let refused = |object| move |reason| Error::SetUnsigned { object, reason };
        let key: VerifierKey = self.public_key.parse().map_err(refused("public key"))?;
        let checkpoint = key.open(&self.checkpoint).map_err(refused("checkpoint"))?;
        Ok((key, checkpoint))
    }
}

/// How many events, and the root of the tree over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Number of events.
    pub size: u64,
    /// Root of the tree over them (proof.md §5).
    pub root: [u8; 32],
}

/// A query as typed and as understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryWords {
    /// As the officer typed it.
    pub text: String,
    /// As the program read it, dates as ranges.
    pub interpreted: String,
}

/// What a search did not look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotSearched {
    /// Attachments without extracted text.
    pub attachments_without_text: u64,
    /// Records that could not be understood and lie in quarantine.
    pub quarantined: u64,
}

/// For whom a package is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// For the house itself: with query and reason.
    Internal,
    /// For the other side: holds, rules, tags, query and reason are left out (contract.md §1).
    Production,
}

impl Purpose {
    /// Returns the word used on the command line and in the manifest.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Production => "production",
        }
    }

    /// Returns the purpose that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Internal, Self::Production].into_iter().find(|purpose| purpose.word() == word)
    }
}

/// The name of a set: the first 12 bytes of the SHA-256 over its canonical form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetId([u8; 12]);

impl SetId {
    /// Takes the bytes as they are.
    pub(crate) const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for SetId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for SetId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SetId({self})")
    }
}

/// A selection that can no longer change. The same set gives the same package, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSet {
    id: SetId,
    selection: Selection,
}

impl ExportSet {
    /// Checks a selection and freezes it.
    ///
    /// Refuses lists out of order, hits that are not events of the set, a checkpoint that the key has not signed, and
    /// events beyond it. Related events that are rows as well are dropped from the related ones.
    pub fn freeze(mut selection: Selection) -> Result<Self> {
        check_order("events", &selection.seqs)?;
        check_order("related", &selection.related)?;
        let seqs = &selection.seqs;
        selection.related.retain(|seq| seqs.binary_search(seq).is_err());
        if let Some(hits) = &selection.hits {
            check_order("hits", hits)?;
            if let Some(&seq) = hits.iter().find(|&seq| seqs.binary_search(seq).is_err()) {
                return Err(Error::SetHitMissing { seq });
            }
        }
        if selection.withheld != Withheld::with_repetitions(&selection.withheld) {
            return Err(Error::SetWithheld);
        }
        let mut absent = None;
        if let Some(complete) = &selection.complete {
            check_order("absent", &complete.absent)?;
            if let Some(fault) = complete.fault(seqs) {
                return Err(Error::SetIncomplete { fault });
            }
            absent = complete.absent.last();
        }
        let size = selection.opened()?.1.size;
        for &seq in seqs.last().into_iter().chain(selection.related.last()).chain(absent) {
            if seq.get() > size {
                return Err(Error::SetBeyondCheckpoint { seq, size });
            }
        }
        let id = frozen::id_of(&selection);
        Ok(Self { id, selection })
    }

    /// Returns the set's name, the same for the same content.
    pub const fn id(&self) -> SetId {
        self.id
    }

    /// Returns what was frozen.
    pub const fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Returns the bytes of the set's file: JSON of version 1, one line.
    pub fn to_bytes(&self) -> Vec<u8> {
        frozen::encode(self.id, &self.selection)
    }

    /// Reads a set's file, and refuses one whose content is not what its id says.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (found, selection) = frozen::decode(bytes)?;
        let set = Self::freeze(selection)?;
        if set.id.to_string() == found {
            return Ok(set);
        }
        Err(Error::SetAltered { expected: set.id.to_string(), found })
    }
}

fn check_order(list: &'static str, seqs: &[Seq]) -> Result<()> {
    let fault = seqs.windows(2).find_map(|pair| match pair {
        [before, found] if before >= found => Some((*before, *found)),
        _ => None,
    });
    match fault {
        Some((before, found)) => Err(Error::SetOrder { list, before, found }),
        None => Ok(()),
    }
}
