//! Range: these are all the events from one place of the log to another.

use chat::Seq;
use serde_json::{Value, json};

use crate::proof::hash::Digest;
use crate::proof::header::Header;
use crate::proof::members::{Members, hex_list};
use crate::proof::opening::Opening;
use crate::proof::refusal::Refusal;
use crate::proof::tree::{range_hashes_count, verify_range};

/// Proves that nothing is left out between its first event and its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeProof {
    /// The first event.
    pub first: u64,
    /// One opening for each event, in order.
    pub openings: Vec<Opening>,
    /// The hashes of all that lies outside, left to right.
    pub hashes: Vec<Digest>,
}

impl RangeProof {
    /// Returns the headers that the openings show, one place for each event, if the claim holds.
    pub fn verify(&self, size: u64, root: &Digest) -> Result<Vec<Option<Header>>, Refusal> {
        let index = self.first.checked_sub(1).ok_or(Refusal::Range)?;
        let count = u64::try_from(self.openings.len()).map_err(|_| Refusal::Range)?;
        if range_hashes_count(index, count, size)? != self.hashes.len() {
            return Err(Refusal::Hashes);
        }
        let placed = || {
            let seqs = (self.first..).map_while(Seq::new);
            seqs.zip(&self.openings)
        };
        let headers = placed().map(|(seq, opening)| opening.check_form(seq));
        let headers = headers.collect::<Result<Vec<_>, _>>()?;
        let leaves: Vec<_> = placed().map(|(seq, opening)| opening.leaf(seq)).collect();
        verify_range(index, &leaves, &self.hashes, (size, root))?;
        Ok(headers)
    }

    /// Returns the JSON form, of kind `range`.
    pub fn to_json(&self) -> Value {
        let openings: Value = self.openings.iter().map(Opening::to_json).collect();
        let hashes = hex_list(&self.hashes);
        json!({ "kind": "range", "first": self.first, "openings": openings, "hashes": hashes })
    }

    /// Reads the JSON form.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let members = Members::of_claim(value, "range", &["first", "openings", "hashes"])?;
        Ok(Self {
            first: members.number("first")?,
            hashes: members.arrays("hashes")?,
            openings: members.list("openings", Opening::from_json)?,
        })
    }
}
