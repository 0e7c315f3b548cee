//! What the ledger says of rooms and sources, at every state it went through: a room's language and category, a source's
//! name. A word's language counts as it stood when the event was recorded, since it is written into the index; category
//! and source name count as of the snapshot.

use std::collections::HashMap;
use std::hash::Hash;

use chat::{EventKind, Recorded, RoomId, SourceId};
use query::analysis::{Language, RoomLanguages, fold};

/// The fold of the ledger, with every state it went through. Names are folded.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    followed: u64,
    languages: RoomLanguages,
    language_of: History<RoomId, Language>,
    category_of: History<RoomId, String>,
    source_of: History<SourceId, String>,
}

/// For each key, from which event on it had which value.
#[derive(Debug)]
struct History<K, V>(HashMap<K, Vec<(u64, Option<V>)>>);

impl Surroundings {
    /// Takes in an event. Events come in the order of the log; what was taken in before is passed over.
    pub(crate) fn apply(&mut self, recorded: &Recorded) {
        let seq = recorded.seq.get();
        if seq <= self.followed {
            return;
        }
        self.followed = seq;
        let event = &recorded.event;
        let Some(act) = event.content.act.as_ref().filter(|_| event.kind == EventKind::Room) else {
            return;
        };
        self.languages.apply(recorded);
        if let Some(place) = &event.place {
            self.language_of.change(place.room, seq, self.languages.of(&place.room));
            if let Some(category) = act.text("category") {
                let category = Some(fold(category)).filter(|name| !name.is_empty());
                self.category_of.change(place.room, seq, category);
            }
        }
        let source = act.text("source").and_then(|id| id.parse::<SourceId>().ok());
        if let (Some(source), Some(name), "source-declared") =
            (source, act.text("name"), act.verb.as_str())
        {
            self.source_of.change(source, seq, Some(fold(name)));
        }
    }

    /// Returns the language that the room of an event had when the event was recorded.
    pub(crate) fn language(&self, recorded: &Recorded) -> Option<Language> {
        let room = recorded.event.place.as_ref()?.room;
        self.language_of.at(&room, recorded.seq.get().saturating_sub(1)).copied()
    }

    /// Returns the rooms that are in a category as of the first `size` events.
    pub(crate) fn rooms_in(&self, category: &str, size: u64) -> Vec<RoomId> {
        self.category_of.with(size, category)
    }

    /// Returns the sources that bear a name as of the first `size` events.
    pub(crate) fn sources_named(&self, name: &str, size: u64) -> Vec<SourceId> {
        self.source_of.with(size, name)
    }

    /// Returns whether a room is in a category as of the first `size` events.
    pub(crate) fn room_is_in(&self, room: &RoomId, category: &str, size: u64) -> bool {
        self.category_of.at(room, size).is_some_and(|name| name == category)
    }

    /// Returns whether a source bears a name as of the first `size` events.
    pub(crate) fn source_is(&self, source: &SourceId, name: &str, size: u64) -> bool {
        self.source_of.at(source, size).is_some_and(|named| named == name)
    }
}

impl<K, V> Default for History<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq + Copy, V: PartialEq> History<K, V> {
    fn change(&mut self, key: K, seq: u64, value: Option<V>) {
        let states = self.0.entry(key).or_default();
        if states.last().and_then(|(_, last)| last.as_ref()) != value.as_ref() {
            states.push((seq, value));
        }
    }

    /// Returns the value after the first `size` events.
    fn at(&self, key: &K, size: u64) -> Option<&V> {
        let states = self.0.get(key)?;
        let known = states.partition_point(|(since, _)| *since <= size);
        states.get(known.checked_sub(1)?)?.1.as_ref()
    }

    fn with<Q>(&self, size: u64, value: &Q) -> Vec<K>
    where
        V: std::borrow::Borrow<Q>,
        Q: PartialEq + ?Sized,
    {
        let has = |key: &&K| self.at(key, size).is_some_and(|held| held.borrow() == value);
        self.0.keys().filter(has).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use chat::{Act, ChatEvent, Content, PlaceSeq, Seq, Timestamp};

    use super::*;

    fn room_act(seq: u64, act: Act) -> Recorded {
        let content = Content { act: Some(act), ..Content::default() };
        let message = chat::testing::message(seq, 7, 1, "");
        Recorded {
            seq: Seq::new(seq).unwrap(),
            place_seq: PlaceSeq::new(1),
            place_prev: None,
            recorded_at: Timestamp::EPOCH,
            event: ChatEvent { kind: EventKind::Room, content, ..message },
        }
    }

    #[test]
    fn a_category_holds_as_of_a_snapshot() {
        let room = RoomId::from_bytes([7; 16]);
        let mut surroundings = Surroundings::default();
        surroundings.apply(&room_act(4, Act::new("room-declared").with("category", "Trading")));
        surroundings.apply(&room_act(12, Act::new("room-changed").with("category", "Legal")));
        surroundings.apply(&room_act(12, Act::new("room-changed").with("category", "Twice")));
        assert_eq!(surroundings.rooms_in("trading", 3), []);
        assert_eq!(surroundings.rooms_in("trading", 11), [room]);
        assert_eq!(surroundings.rooms_in("trading", 12), []);
        assert!(surroundings.room_is_in(&room, "legal", 12));
        assert!(!surroundings.room_is_in(&room, "twice", 99));
    }

    #[test]
    fn an_event_has_the_language_that_stood_when_it_was_recorded() {
        let mut surroundings = Surroundings::default();
        surroundings.apply(&room_act(9, Act::new("room-language").with("language", "de")));
        assert_eq!(surroundings.language(&room_act(9, Act::new("x"))), None);
        assert_eq!(surroundings.language(&room_act(10, Act::new("x"))), Language::named("de"));
    }

    #[test]
    fn a_source_has_the_name_it_was_declared_with() {
        let source = SourceId::from_bytes([3; 16]);
        let act =
            Act::new("source-declared").with("source", source.to_string()).with("name", "IRC");
        let mut declared = room_act(2, act);
        declared.event.place = None;
        let mut surroundings = Surroundings::default();
        surroundings.apply(&declared);
        assert_eq!(surroundings.sources_named("irc", 2), [source]);
        assert!(!surroundings.source_is(&source, "irc", 1));
    }
}
