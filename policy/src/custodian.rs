//! People whose words a matter is about, by all that they were called and when. The same address may have been two people's: the
//! intervals decide whose words they were.

use chat::{PersonId, SourceId, Timestamp};
use query::analysis::fold;

use crate::error::{Error, Result};
use crate::item::Item;

/// A person of a matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custodian {
    /// What the matter calls the person.
    pub name: String,
    /// All that the person was called. None is ever taken away, since a hold may go by it.
    pub aliases: Vec<Alias>,
}

/// What a custodian was called for some time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alias {
    /// The id or name.
    pub called: Called,
    /// At which source; at every one where none is named.
    pub source: Option<SourceId>,
    /// The first moment of it; from the beginning where there is none.
    pub from: Option<Timestamp>,
    /// The first moment that is no more of it; until today and on where there is none.
    pub until: Option<Timestamp>,
}

/// How an alias names a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Called {
    /// By the archive's id.
    Person(PersonId),
    /// By a folded name, nickname, address or id of a source, compared as a whole.
    Name(String),
}

impl Alias {
    /// Returns the alias of a name at all times and sources.
    pub fn name(name: &str) -> Self {
        Self { called: Called::Name(fold(name)), source: None, from: None, until: None }
    }

    /// Returns the alias of a person of the archive at all times.
    pub const fn person(id: PersonId) -> Self {
        Self { called: Called::Person(id), source: None, from: None, until: None }
    }

    /// Returns whether the alias was in use at a moment.
    pub fn holds_at(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    /// Returns whether the alias names the author of an event, at its source and time.
    pub fn is_author_of(&self, item: &Item<'_>) -> bool {
        let is_called = match &self.called {
            Called::Person(id) => item.author == Some(*id),
            Called::Name(name) => item.names.contains(name),
        };
        is_called
            && self.holds_at(item.at)
            && self.source.is_none_or(|source| item.source == Some(source))
    }

    /// Returns whether two aliases name the same at one source and one moment.
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |end: Option<Timestamp>, start: Option<Timestamp>| matches!((end, start), (Some(end), Some(start)) if end <= start);
        self.called == other.called
            && (self.source.is_none() || other.source.is_none() || self.source == other.source)
            && !before(self.until, other.from)
            && !before(other.until, self.from)
    }

    /// Returns the alias with its name folded, or refuses one that can name nobody.
    fn checked(mut self, custodian: &str) -> Result<Self> {
        if let Called::Name(name) = &mut self.called {
            *name = fold(name);
        }
        let is_empty = matches!(&self.called, Called::Name(name) if name.is_empty());
        let is_never =
            matches!((self.from, self.until), (Some(from), Some(until)) if until <= from);
        if is_empty || is_never {
            return Err(Error::AliasEmpty { custodian: custodian.chars().take(80).collect() });
        }
        Ok(self)
    }
}

impl Custodian {
    /// Returns whether the custodian wrote or did something.
    pub fn is_author_of(&self, item: &Item<'_>) -> bool {
        self.aliases.iter().any(|alias| alias.is_author_of(item))
    }

    /// Returns the custodian as it may be recorded beside the others of its matter: refused without an alias, and where one of them
    /// names what another custodian is already called at the same time.
    pub fn checked(mut self, others: &[Self]) -> Result<Self> {
        let name = self.name.trim().to_owned();
        if name.is_empty() || self.aliases.is_empty() {
            return Err(Error::AliasEmpty { custodian: name.chars().take(80).collect() });
        }
        self.aliases =
            self.aliases.into_iter().map(|alias| alias.checked(&name)).collect::<Result<_>>()?;
        self.name = name;
        for (index, alias) in self.aliases.iter().enumerate() {
            let own = self.aliases.iter().skip(index + 1).map(|other| (&self.name, other));
            let foreign = others.iter().filter(|other| other.name != self.name);
            let foreign = foreign
                .flat_map(|other| other.aliases.iter().map(move |alias| (&other.name, alias)));
            if let Some((other, _)) = own.chain(foreign).find(|(_, other)| alias.overlaps(other)) {
                return Err(Error::AliasOverlaps {
                    custodian: self.name.clone(),
                    other: other.clone(),
                });
            }
        }
        Ok(self)
    }
}
