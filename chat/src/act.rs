//! What a ledger event says: a verb and named facts, open to verbs that a later version adds.

use std::collections::BTreeMap;

/// The payload of a ledger event (content tag 0x0010, proof.md §4).
///
/// It is stored as a JSON object with its keys in order, so that a reader of another decade needs no table of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Act {
    /// What was done, such as `room-declared`, `search` or `export`.
    pub verb: String,
    /// The facts of it by name. The name `verb` is taken by the verb itself.
    pub facts: BTreeMap<String, Fact>,
}

/// One fact of an [`Act`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Words.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Several facts in order.
    List(Vec<Self>),
    /// Facts by name.
    Map(BTreeMap<String, Self>),
}

impl Act {
    /// Returns an act without facts yet.
    pub fn new(verb: impl Into<String>) -> Self {
        Self { verb: verb.into(), facts: BTreeMap::new() }
    }

    /// Adds a fact and returns the act.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, fact: impl Into<Fact>) -> Self {
        self.facts.insert(name.into(), fact.into());
        self
    }

    /// Adds a fact where there is one, and returns the act.
    #[must_use]
    pub fn with_some(self, name: impl Into<String>, fact: Option<impl Into<Fact>>) -> Self {
        match fact {
            Some(fact) => self.with(name, fact),
            None => self,
        }
    }

    /// Returns the words of a fact, if it is there and is words.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.facts.get(name) {
            Some(Fact::Text(text)) => Some(text),
            Some(Fact::Number(_) | Fact::Flag(_) | Fact::List(_) | Fact::Map(_)) | None => None,
        }
    }

    /// Returns the number of a fact, if it is there and is one.
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.facts.get(name) {
            Some(Fact::Number(number)) => Some(*number),
            Some(Fact::Text(_) | Fact::Flag(_) | Fact::List(_) | Fact::Map(_)) | None => None,
        }
    }
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Fact {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Fact {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u64> for Fact {
    /// Counts and sequence numbers stay below 2⁶³ (see [`crate::Seq::new`]); a larger number is held at that bound.
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Fact {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<F: Into<Self>> From<Vec<F>> for Fact {
    fn from(list: Vec<F>) -> Self {
        Self::List(list.into_iter().map(Into::into).collect())
    }
}
