//! Reads the JSON of claims and openings strictly: a missing, foreign or mistyped member is a refusal.

use serde_json::{Map, Value};

use super::hex;
use super::refusal::Refusal;

/// The members of one JSON object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    /// Takes an object that has exactly the members named.
    pub(crate) fn exactly(value: &'a Value, names: &[&str]) -> Result<Self, Refusal> {
        let members = Self::at_most(value, names)?;
        if members.0.len() == names.len() { Ok(members) } else { Err(Refusal::Form) }
    }

    /// Takes an object that has no other members than those named.
    pub(crate) fn at_most(value: &'a Value, names: &[&str]) -> Result<Self, Refusal> {
        let object = value.as_object().ok_or(Refusal::Form)?;
        let is_known = object.keys().all(|name| names.contains(&name.as_str()));
        if is_known { Ok(Self(object)) } else { Err(Refusal::Form) }
    }

    /// Takes a claim: an object of this `kind` that has exactly the other members named.
    pub(crate) fn of_claim(value: &'a Value, kind: &str, names: &[&str]) -> Result<Self, Refusal> {
        let members = Self::exactly(value, &[&["kind"], names].concat())?;
        if members.text("kind")? == kind { Ok(members) } else { Err(Refusal::Form) }
    }

    /// Returns whether a member is there.
    pub(crate) fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns a member.
    pub(crate) fn value(self, name: &str) -> Result<&'a Value, Refusal> {
        self.0.get(name).ok_or(Refusal::Form)
    }

    /// Returns a member that is a string.
    pub(crate) fn text(self, name: &str) -> Result<&'a str, Refusal> {
        self.value(name)?.as_str().ok_or(Refusal::Form)
    }

    /// Returns a member that is a whole number.
    pub(crate) fn number(self, name: &str) -> Result<u64, Refusal> {
        self.value(name)?.as_u64().ok_or(Refusal::Form)
    }

    /// Returns a member that is hex.
    pub(crate) fn bytes(self, name: &str) -> Result<Vec<u8>, Refusal> {
        hex::decode(self.text(name)?)
    }

    /// Returns a member that is the hex of exactly `N` bytes.
    pub(crate) fn array<const N: usize>(self, name: &str) -> Result<[u8; N], Refusal> {
        hex::decode_array(self.text(name)?)
    }

    /// Returns a member that is a list, each element read by `read`.
    pub(crate) fn list<T>(
        self,
        name: &str,
        read: impl FnMut(&'a Value) -> Result<T, Refusal>,
    ) -> Result<Vec<T>, Refusal> {
        self.value(name)?.as_array().ok_or(Refusal::Form)?.iter().map(read).collect()
    }

    /// Returns a member that is a list of hex strings of `N` bytes each.
    pub(crate) fn arrays<const N: usize>(self, name: &str) -> Result<Vec<[u8; N]>, Refusal> {
        self.list(name, |item| hex::decode_array(item.as_str().ok_or(Refusal::Form)?))
    }
}

/// Returns a list of byte strings as JSON.
pub(crate) fn hex_list<const N: usize>(items: &[[u8; N]]) -> Value {
    items.iter().map(|item| Value::String(hex::encode(item))).collect()
}
