//! Inclusion: this event stands at this place of the log.

use serde_json::{Value, json};

use crate::proof::hash::Digest;
use crate::proof::header::Header;
use crate::proof::members::{Members, hex_list};
use crate::proof::opening::{Elsewhere, Opening};
use crate::proof::refusal::Refusal;
use crate::proof::tree::{KnownPath, inclusion_length, verify_inclusion, verify_inclusion_beside};

/// Proves that an event is in the log, and as much of it as its opening shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// Which event it is said to be.
    pub seq: u64,
    /// What is shown of it.
    pub opening: Opening,
    /// The hashes from the leaf up to the root.
    pub path: Vec<Digest>,
}

impl Inclusion {
    /// Returns the header, where the opening shows one, if the claim holds for a log of this size and root.
    pub fn verify(&self, size: u64, root: &Digest) -> Result<Option<Header>, Refusal> {
        let index = self.check_place(size)?;
        let (leaf, header) = self.opening.check(self.seq)?;
        verify_inclusion(&leaf, index, &self.path, (size, root))?;
        Ok(header)
    }

    /// Checks the same, and remembers how its neighbours lead to the root, so that this is hashed once for all of them.
    pub fn verify_beside(
        &self,
        size: u64,
        root: &Digest,
        known: &mut KnownPath,
    ) -> Result<Option<Header>, Refusal> {
        let index = self.check_place(size)?;
        let (leaf, header) = self.opening.check(self.seq)?;
        verify_inclusion_beside(&leaf, index, &self.path, (size, root), known)?;
        Ok(header)
    }

    /// Refuses a place outside of the log and a path of the wrong length; returns the index of the leaf.
    pub(super) fn check_place(&self, size: u64) -> Result<u64, Refusal> {
        let index = self.seq.checked_sub(1).filter(|index| *index < size).ok_or(Refusal::Index)?;
        if inclusion_length(index, size) == self.path.len() {
            Ok(index)
        } else {
            Err(Refusal::PathLength)
        }
    }

    /// Returns the JSON form, of kind `inclusion`.
    pub fn to_json(&self) -> Value {
        let (opening, path) = (self.opening.to_json(), hex_list(&self.path));
        json!({ "kind": "inclusion", "seq": self.seq, "opening": opening, "path": path })
    }

    /// Reads the JSON form.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        Self::from_json_with(value, &|_| None)
    }

    /// Reads the JSON form, taking the values that its opening leaves out from elsewhere.
    pub fn from_json_with(value: &Value, elsewhere: Elsewhere<'_>) -> Result<Self, Refusal> {
        let members = Members::of_claim(value, "inclusion", &["seq", "opening", "path"])?;
        Ok(Self {
            seq: members.number("seq")?,
            path: members.arrays("path")?,
            opening: Opening::from_json_with(members.value("opening")?, elsewhere)?,
        })
    }
}
