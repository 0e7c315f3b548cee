//! Every name that the ledger knows of persons and rooms. An event bears the names that its source gave when it happened;
//! people ask by a handle, a real name, an address or an id, so `from:`, `to:` and `room:` go by all of them.
//!
//! Names are folded, and count from the event that declared them: as of a snapshot, only what lies within it is known.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use chat::{Act, EventKind, Fact, PersonId, Recorded, RoomId, SourceId};

use crate::analysis::fold;

/// The names of persons and rooms.
#[derive(Debug, Default)]
pub struct Aliases {
    persons: Bearers<PersonId>,
    rooms: Bearers<RoomId>,
}

/// What bears which names, each since which event, and at which source.
#[derive(Debug)]
struct Bearers<K> {
    by_name: HashMap<String, BTreeMap<K, u64>>,
    names: HashMap<K, Vec<(u64, String)>>,
    source: HashMap<K, SourceId>,
}

impl Aliases {
    /// Takes in an act of the ledger; those that are not about persons and rooms change nothing.
    pub(super) fn apply(&mut self, recorded: &Recorded) {
        let (event, seq) = (&recorded.event, recorded.seq.get());
        let Some(act) = &event.content.act else { return };
        if event.kind == EventKind::Identity {
            if let Some(person) = act.text("person").and_then(|id| id.parse().ok()) {
                self.persons.apply(person, act, seq);
            }
        } else if let (EventKind::Room | EventKind::Rename, Some(place)) =
            (event.kind, &event.place)
        {
            self.rooms.apply(place.room, act, seq);
        }
    }

    /// Returns whether a person bears a name as of the first `size` events.
    pub fn person_is(&self, person: &PersonId, name: &str, size: u64) -> bool {
        self.persons.is(person, name, size)
    }

    /// Returns whether a room bears a name as of the first `size` events.
    pub fn room_is(&self, room: &RoomId, name: &str, size: u64) -> bool {
        self.rooms.is(room, name, size)
    }

    /// Returns the persons that bear a name, or whose id it is, as of the first `size` events.
    pub fn persons_called(&self, name: &str, size: u64) -> Vec<PersonId> {
        let mut persons: Vec<_> = self.persons.called(name, size).collect();
        persons.extend(name.parse::<PersonId>().ok().filter(|id| !persons.contains(id)));
        persons
    }

    /// Returns the rooms that bear a name as of the first `size` events.
    pub fn rooms_called(&self, name: &str, size: u64) -> Vec<RoomId> {
        self.rooms.called(name, size).collect()
    }

    /// Returns the names of a person as of the first `size` events.
    pub fn names_of(&self, person: &PersonId, size: u64) -> impl Iterator<Item = &str> {
        let names = self.persons.names.get(person).into_iter().flatten();
        names.filter(move |(since, _)| *since <= size).map(|(_, name)| name.as_str())
    }

    /// Returns the source at which a person is known.
    pub fn source_of(&self, person: &PersonId) -> Option<&SourceId> {
        self.persons.source.get(person)
    }

    /// Returns the source at which a room is known.
    pub fn source_of_room(&self, room: &RoomId) -> Option<&SourceId> {
        self.rooms.source.get(room)
    }

    /// Returns whether a room and a person are of one source: only there does a name mean the same.
    pub fn are_of_one_source(&self, room: &RoomId, person: &PersonId) -> bool {
        let room = self.rooms.source.get(room);
        room.is_some() && room == self.source_of(person)
    }

    /// Returns whether the ledger declares the person.
    pub fn has_person(&self, person: &PersonId) -> bool {
        self.persons.names.contains_key(person)
    }

    /// Returns whether the ledger declares the room.
    pub fn has_room(&self, room: &RoomId) -> bool {
        self.rooms.names.contains_key(room)
    }

    /// Returns all names, addresses and ids of sources that persons bear, ascending.
    pub fn person_names(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<_> = self.persons.by_name.keys().map(String::as_str).collect();
        names.sort_unstable();
        names.into_iter()
    }
}

impl<K: Hash + Ord + Copy> Bearers<K> {
    fn apply(&mut self, key: K, act: &Act, seq: u64) {
        if let Some(source) = act.text("source").and_then(|id| id.parse().ok()) {
            self.source.entry(key).or_insert(source);
        }
        for fact in ["name", "to", "foreign_id", "email"] {
            if let Some(name) = act.text(fact) {
                self.note(key, name, seq);
            }
        }
        if let Some(Fact::List(also)) = act.facts.get("also") {
            for name in also {
                if let Fact::Text(name) = name {
                    self.note(key, name, seq);
                }
            }
        }
    }

    fn note(&mut self, key: K, name: &str, seq: u64) {
        let name = fold(name);
        let bearers = self.by_name.entry(name.clone()).or_default();
        if let Entry::Vacant(place) = bearers.entry(key) {
            place.insert(seq);
            self.names.entry(key).or_default().push((seq, name));
        }
    }

    fn called(&self, name: &str, size: u64) -> impl Iterator<Item = K> {
        let bearers = self.by_name.get(name).into_iter().flatten();
        bearers.filter(move |(_, since)| **since <= size).map(|(key, _)| *key)
    }

    fn is(&self, key: &K, name: &str, size: u64) -> bool {
        self.by_name.get(name).and_then(|keys| keys.get(key)).is_some_and(|since| *since <= size)
    }
}

impl<K> Default for Bearers<K> {
    fn default() -> Self {
        Self { by_name: HashMap::new(), names: HashMap::new(), source: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use chat::{ChatEvent, Content, Seq, Timestamp};

    use super::*;

    fn act(seq: u64, kind: EventKind, act: Act) -> Recorded {
        let content = Content { act: Some(act), ..Content::default() };
        let event = ChatEvent { kind, content, ..chat::testing::message(seq, 7, 1, "") };
        let recorded_at = Timestamp::EPOCH;
        Recorded {
            seq: Seq::new(seq).unwrap(),
            place_seq: None,
            place_prev: None,
            recorded_at,
            event,
        }
    }

    #[test]
    fn a_name_counts_from_the_event_that_declared_it() {
        let (person, source) = (PersonId::from_bytes([3; 16]), SourceId::from_bytes([1; 16]));
        let declared = Act::new("person-declared")
            .with("source", source.to_string())
            .with("person", person.to_string())
            .with("name", "Bo Beta")
            .with("foreign_id", "U2")
            .with("email", "Bo@X.org");
        let also = Act::new("person-changed")
            .with("person", person.to_string())
            .with("also", vec!["bo".to_owned(), "Böbchen".to_owned()]);
        let room = Act::new("room-declared")
            .with("source", source.to_string())
            .with("name", "general")
            .with("foreign_id", "C1");
        let renamed = Act::new("room-renamed").with("from", "general").with("to", "All");
        let mut aliases = Aliases::default();
        for (seq, kind, what) in [
            (4, EventKind::Identity, declared),
            (6, EventKind::Identity, also),
            (8, EventKind::Room, room),
            (9, EventKind::Rename, renamed),
        ] {
            aliases.apply(&act(seq, kind, what));
        }
        let id = person.to_string();
        for (name, since) in [("bo beta", 4), ("u2", 4), ("bo@x.org", 4), ("bo", 6), ("bobchen", 6)]
        {
            assert!(!aliases.person_is(&person, name, since - 1), "{name}");
            assert_eq!(aliases.persons_called(name, since), [person], "{name}");
        }
        assert_eq!(aliases.persons_called(&id, 4), [person]);
        assert_eq!(aliases.names_of(&person, 5).collect::<Vec<_>>(), ["bo beta", "u2", "bo@x.org"]);
        let room = RoomId::from_bytes([7; 16]);
        assert_eq!(aliases.rooms_called("c1", 8), [room]);
        assert!(aliases.room_is(&room, "all", 9) && !aliases.room_is(&room, "all", 8));
        assert!(aliases.are_of_one_source(&room, &person));
        assert!(!aliases.are_of_one_source(&RoomId::from_bytes([8; 16]), &person));
    }
}
