//! Consistency: the log of today is the log of that day, continued.

use serde_json::{Value, json};

use crate::proof::hash::Digest;
use crate::proof::members::{Members, hex_list};
use crate::proof::refusal::Refusal;
use crate::proof::tree::verify_consistency;

/// Proves that a log of `to` events begins with the log of `from` events. Both roots come from verified checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// Size of the older log, at least 1.
    pub from: u64,
    /// Size of the newer log.
    pub to: u64,
    /// The hashes of RFC 6962 §2.1.2.
    pub path: Vec<Digest>,
}

impl Consistency {
    /// Refuses unless the claim is of these two sizes and the newer root extends the older.
    pub fn verify(&self, from: (u64, &Digest), to: (u64, &Digest)) -> Result<(), Refusal> {
        if (self.from, self.to) != (from.0, to.0) {
            return Err(Refusal::Sizes);
        }
        verify_consistency(from, to, &self.path)
    }

    /// Returns the JSON form, of kind `consistency`.
    pub fn to_json(&self) -> Value {
        let path = hex_list(&self.path);
        json!({ "kind": "consistency", "from": self.from, "to": self.to, "path": path })
    }

    /// Reads the JSON form.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let members = Members::of_claim(value, "consistency", &["from", "to", "path"])?;
        let (from, to) = (members.number("from")?, members.number("to")?);
        Ok(Self { from, to, path: members.arrays("path")? })
    }
}
