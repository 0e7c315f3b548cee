//! What a package is made from: the archive, or in tests a stand-in that fails on purpose.

use std::io::Read;

use archive::Archive;
use archive::proof::claim::Inclusion;
use chat::{FileId, Recorded, Seq};

use crate::error::{Error, Result};

/// Gives events with their proofs, files, and the archive's signature. One call at a time.
pub trait Evidence {
    /// Returns the named events in their order, each with its proof to the log of this size.
    ///
    /// `seqs` strictly ascends. An event that the archive no longer holds is left out, never replaced; an event that is
    /// damaged is an error of the family *corrupt*.
    fn events<'a>(
        &'a self,
        seqs: &'a [Seq],
        size: u64,
    ) -> Box<dyn Iterator<Item = Result<(Recorded, Inclusion)>> + 'a>;

    /// Returns what is left of an event that is not to be shown, with its proof to the log of this size: its header, or its
    /// leaf alone. Fields of it may be in the opening; they do not leave this crate.
    fn remains(&self, seq: Seq, size: u64) -> Result<Inclusion>;

    /// Returns the bytes of a file, or nothing if the archive does not hold it. A read that finds other bytes than those
    /// of the hash ends in an error.
    fn file(&self, file: &FileId) -> Result<Option<Box<dyn Read + Send>>>;

    /// Returns a signed note over this text (proof.md §6), whose first line is not an origin.
    fn sign(&self, text: &str) -> Result<String>;
}

impl Evidence for Archive {
    fn events<'a>(
        &'a self,
        seqs: &'a [Seq],
        size: u64,
    ) -> Box<dyn Iterator<Item = Result<(Recorded, Inclusion)>> + 'a> {
        let proven = self.prove_many(seqs, size);
        Box::new(proven.filter_map(|proven| match proven {
            Err(archive::Error::EventDestroyed { .. }) => None,
            proven => Some(proven.map_err(Error::Archive)),
        }))
    }

    fn remains(&self, seq: Seq, size: u64) -> Result<Inclusion> {
        self.prove(seq, size, &|_| true).map_err(Error::Archive)
    }

    fn file(&self, file: &FileId) -> Result<Option<Box<dyn Read + Send>>> {
        Self::file(self, file).map_err(Error::Archive)
    }

    fn sign(&self, text: &str) -> Result<String> {
        self.sign_note(text).map_err(Error::Archive)
    }
}
