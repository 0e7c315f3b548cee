//! Reading named facts out of an act, and writing them. What is not as it should be is said by verb and fact.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use chat::{Act, EventKind, Fact, Timestamp};
use query::analysis::fold;

use crate::error::{Error, Result};

/// The facts of one act, or of a map within it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    verb: &'a str,
    facts: &'a BTreeMap<String, Fact>,
}

impl<'a> Facts<'a> {
    /// Returns the facts of an act.
    pub(crate) const fn of(act: &'a Act) -> Self {
        Self { verb: act.verb.as_str(), facts: &act.facts }
    }

    fn refuse(&self, fact: &str, expected: &'static str) -> Error {
        let verb = self.verb.chars().take(80).collect();
        Error::ActMalformed { verb, fact: fact.to_owned(), expected }
    }

    /// Returns the names of all facts, in byte order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.facts.keys().map(String::as_str)
    }

    /// Returns words that may be left out.
    pub(crate) fn text_if_any(&self, name: &str) -> Result<Option<&'a str>> {
        match self.facts.get(name) {
            None => Ok(None),
            Some(Fact::Text(text)) => Ok(Some(text)),
            Some(Fact::Number(_) | Fact::Flag(_) | Fact::List(_) | Fact::Map(_)) => {
                Err(self.refuse(name, "words"))
            }
        }
    }

    /// Returns words.
    pub(crate) fn text(&self, name: &str) -> Result<String> {
        self.text_if_any(name)?.map(str::to_owned).ok_or_else(|| self.refuse(name, "words"))
    }

    /// Returns a whole number from 0 that may be left out.
    pub(crate) fn number_if_any(&self, name: &str) -> Result<Option<u64>> {
        let refuse = || self.refuse(name, "a whole number from 0");
        match self.facts.get(name) {
            None => Ok(None),
            Some(Fact::Number(number)) => u64::try_from(*number).map(Some).map_err(|_| refuse()),
            Some(Fact::Text(_) | Fact::Flag(_) | Fact::List(_) | Fact::Map(_)) => Err(refuse()),
        }
    }

    /// Returns a whole number from 0.
    pub(crate) fn number(&self, name: &str) -> Result<u64> {
        self.number_if_any(name)?.ok_or_else(|| self.refuse(name, "a whole number from 0"))
    }

    /// Returns yes or no.
    pub(crate) fn flag(&self, name: &str) -> Result<bool> {
        match self.facts.get(name) {
            Some(Fact::Flag(flag)) => Ok(*flag),
            Some(Fact::Text(_) | Fact::Number(_) | Fact::List(_) | Fact::Map(_)) | None => {
                Err(self.refuse(name, "yes or no"))
            }
        }
    }

    /// Returns what words say, which may be left out.
    pub(crate) fn value_if_any<T: FromStr>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>> {
        let text = self.text_if_any(name)?;
        text.map(|text| text.parse().map_err(|_| self.refuse(name, expected))).transpose()
    }

    /// Returns what words say.
    pub(crate) fn value<T: FromStr>(&self, name: &str, expected: &'static str) -> Result<T> {
        self.value_if_any(name, expected)?.ok_or_else(|| self.refuse(name, expected))
    }

    /// Returns a moment that may be left out.
    pub(crate) fn moment_if_any(&self, name: &str) -> Result<Option<Timestamp>> {
        let refuse = || self.refuse(name, "a time in RFC 3339");
        let text = self.text_if_any(name)?;
        text.map(|text| Timestamp::parse_rfc3339(text).map_err(|_| refuse())).transpose()
    }

    /// Returns a moment.
    pub(crate) fn moment(&self, name: &str) -> Result<Timestamp> {
        self.moment_if_any(name)?.ok_or_else(|| self.refuse(name, "a time in RFC 3339"))
    }

    /// Returns a list of words; the empty one where there is none.
    pub(crate) fn words<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
        let refuse = || self.refuse(name, "a list of words that name something");
        let read = |fact: &Fact| match fact {
            Fact::Text(text) => read(text).ok_or_else(refuse),
            Fact::Number(_) | Fact::Flag(_) | Fact::List(_) | Fact::Map(_) => Err(refuse()),
        };
        self.list(name)?.iter().map(read).collect()
    }

    /// Returns a set of what words say; the empty one where there is none.
    pub(crate) fn set<T: FromStr + Ord>(&self, name: &str) -> Result<BTreeSet<T>> {
        Ok(self.words(name, |text| text.parse().ok())?.into_iter().collect())
    }

    /// Returns a set of names, folded.
    pub(crate) fn folded(&self, name: &str) -> Result<BTreeSet<String>> {
        Ok(self.words(name, |text| Some(fold(text)))?.into_iter().collect())
    }

    /// Returns a set of kinds.
    pub(crate) fn kinds(&self, name: &str) -> Result<BTreeSet<EventKind>> {
        Ok(self.words(name, EventKind::from_word)?.into_iter().collect())
    }

    fn list(&self, name: &str) -> Result<&'a [Fact]> {
        match self.facts.get(name) {
            None => Ok(&[]),
            Some(Fact::List(list)) => Ok(list),
            Some(Fact::Text(_) | Fact::Number(_) | Fact::Flag(_) | Fact::Map(_)) => {
                Err(self.refuse(name, "a list"))
            }
        }
    }

    /// Returns the facts of each map in a list.
    pub(crate) fn maps(&self, name: &str) -> Result<Vec<Self>> {
        let map = |fact: &'a Fact| match fact {
            Fact::Map(facts) => Ok(Self { verb: self.verb, facts }),
            Fact::Text(_) | Fact::Number(_) | Fact::Flag(_) | Fact::List(_) => {
                Err(self.refuse(name, "a list of maps"))
            }
        };
        self.list(name)?.iter().map(map).collect()
    }

    /// Returns the act that a map holds, its verb under the name `act`.
    pub(crate) fn act(&self, name: &str) -> Result<Act> {
        let Some(Fact::Map(facts)) = self.facts.get(name) else {
            return Err(self.refuse(name, "an act"));
        };
        let mut facts = facts.clone();
        match facts.remove(ACT) {
            Some(Fact::Text(verb)) => Ok(Act { verb, facts }),
            Some(Fact::Number(_) | Fact::Flag(_) | Fact::List(_) | Fact::Map(_)) | None => {
                Err(self.refuse(name, "an act"))
            }
        }
    }
}

/// Under which name an act within an act has its verb: `verb` is taken.
const ACT: &str = "act";

/// Returns an act as a fact of another one.
pub(crate) fn act_within(act: Act) -> Fact {
    let mut facts = act.facts;
    facts.insert(ACT.to_owned(), Fact::Text(act.verb));
    Fact::Map(facts)
}

/// Adds a list of words to an act, unless it is empty.
pub(crate) fn with_all<T: Display>(
    act: Act,
    name: &str,
    values: impl IntoIterator<Item = T>,
) -> Act {
    let list: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    if list.is_empty() { act } else { act.with(name, list) }
}
