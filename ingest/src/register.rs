//! Who and where: the ids that the archive has given to sources, rooms and persons, as a fold of its ledger.
//!
//! An id is random and is declared by a ledger event before the first event that bears it. Rooms and persons are keyed
//! by source and foreign id, else by their exact name. The acts (all without an origin, `at` the moment of recording; ids as hex):
//!
//! | kind | verb | facts | room in the header |
//! |---|---|---|---|
//! | `room` | `source-declared` | `source`, `name` | – |
//! | `room` | `room-declared` | `source`, `name`, `kind`, `foreign_id`?, `category`?, `members`? | the room |
//! | `room` | `room-changed` | `kind`?, `category`? | the room |
//! | `room` | `room-language` | `language` | the room |
//! | `rename` | `room-renamed` | `from`, `to` | the room |
//! | `member` | `members-named` | `members` | the room |
//! | `identity` | `person-declared` | `source`, `person`, `name`, `foreign_id`?, `email`? | – |
//! | `identity` | `person-renamed` | `person`, `from`, `to` | – |
//! | `identity` | `person-changed` | `person`, `email`?, `also`? (a list of further names) | – |
//! | `officer` | `quarantine-replayed` | `records`, `events` (lists of sequence numbers, pair by pair) | – |
//!
//! Read as well: `import-begun` and `import-ended` ([`crate::import`]), which say what inputs came before.
//!
//! A name is recorded when it is first seen: a bot that posts under changing names is not renamed at every post.

mod fold;
mod identities;
mod resolve;

use std::collections::{HashMap, HashSet};

use chat::{PersonId, RoomId, Seq, SourceId};

use crate::draft::{DraftPerson, DraftPlace, RoomKind};
use crate::replay::Names;

pub(crate) use self::resolve::{Declarations, Resolved};

/// Everything known of sources, rooms and persons.
#[derive(Debug, Default)]
pub(crate) struct Register {
    sources: Vec<Source>,
    /// Places of sources by name, and by id for folding.
    by_name: HashMap<String, usize>,
    by_id: HashMap<SourceId, usize>,
    /// Where a room or person is to be found, by id, for folding.
    rooms: HashMap<RoomId, (usize, Key)>,
    persons: HashMap<PersonId, (usize, Key)>,
    /// Quarantined records that were understood later, and the events that they became.
    replayed: HashMap<Seq, Seq>,
    /// Inputs of imports by their SHA-256, and from where on a version may have come with one: its beginning, or the first event
    /// of all where it was read to its end.
    inputs: HashMap<String, Seq>,
}

/// How a room or person is known at its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Id(String),
    Name(String),
}

#[derive(Debug)]
struct Source {
    id: SourceId,
    rooms: Known<Room>,
    persons: Known<Person>,
}

impl Register {
    /// Returns which quarantined records were understood later, and as which events.
    pub(crate) const fn replayed(&self) -> &HashMap<Seq, Seq> {
        &self.replayed
    }

    /// Returns from where on what is recorded may have come with an input, or nothing where it was never imported.
    pub(crate) fn input_since(&self, sha256: &str) -> Option<Seq> {
        self.inputs.get(sha256).copied()
    }

    /// Returns what is known of the rooms and people of a source.
    pub(crate) fn names(&self, source: SourceId) -> Names {
        let Some(place) = self.by_id.get(&source) else { return Names::default() };
        let Some(of) = self.sources.get(*place) else { return Names::default() };
        let name = self.by_name.iter().find(|(_, other)| *other == place);
        let room = |(id, room): (Option<&String>, &Room)| DraftPlace {
            name: room.name.clone(),
            foreign_id: id.cloned(),
            kind: room.kind,
            category: room.category.clone(),
            members: None,
        };
        let person = |(id, person): (Option<&String>, &Person)| DraftPerson {
            name: person.name.clone(),
            foreign_id: id.cloned(),
            email: None,
        };
        Names {
            source: name.map(|(name, _)| name.clone()).unwrap_or_default(),
            rooms: of.rooms.all().map(room).collect(),
            persons: of.persons.all().map(person).collect(),
        }
    }

    /// Takes a new source and returns its place.
    fn add_source(&mut self, id: SourceId, name: String) -> usize {
        let place = self.sources.len();
        self.sources.push(Source { id, rooms: Known::default(), persons: Known::default() });
        self.by_name.insert(name, place);
        self.by_id.insert(id, place);
        place
    }
}

/// Things of one source by foreign id and by name.
#[derive(Debug)]
struct Known<T> {
    by_id: HashMap<String, T>,
    by_name: HashMap<String, T>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { by_id: HashMap::new(), by_name: HashMap::new() }
    }
}

impl<T> Known<T> {
    fn get_mut(&mut self, foreign_id: Option<&str>, name: &str) -> Option<&mut T> {
        match foreign_id {
            Some(id) => self.by_id.get_mut(id),
            None => self.by_name.get_mut(name),
        }
    }

    fn of_key(&mut self, key: &Key) -> Option<&mut T> {
        match key {
            Key::Id(id) => self.by_id.get_mut(id),
            Key::Name(name) => self.by_name.get_mut(name),
        }
    }

    /// Returns all things, with the foreign ids of those that have one.
    fn all(&self) -> impl Iterator<Item = (Option<&String>, &T)> {
        let by_id = self.by_id.iter().map(|(id, thing)| (Some(id), thing));
        by_id.chain(self.by_name.values().map(|thing| (None, thing)))
    }

    fn insert(&mut self, key: Key, thing: T) {
        match key {
            Key::Id(id) => self.by_id.insert(id, thing),
            Key::Name(name) => self.by_name.insert(name, thing),
        };
    }
}

fn key_of(foreign_id: Option<&str>, name: &str) -> Key {
    match foreign_id {
        Some(id) => Key::Id(id.to_owned()),
        None => Key::Name(name.to_owned()),
    }
}

#[derive(Debug)]
struct Room {
    id: RoomId,
    name: String,
    names: HashSet<String>,
    kind: RoomKind,
    category: Option<String>,
    members: Option<Vec<String>>,
    language: Language,
}

/// What is known of the language of a room.
#[derive(Debug)]
enum Language {
    /// How often each language was found so far.
    Counted { messages: u32, votes: HashMap<&'static str, u32> },
    /// It stands in the ledger.
    Declared,
}

#[derive(Debug)]
struct Person {
    id: PersonId,
    name: String,
    names: HashSet<String>,
    emails: HashSet<String>,
}

#[cfg(test)]
mod tests;
