//! What the ledger says of rooms, persons and sources, at every state it went through: a room's language and category, a
//! source's name, all names of rooms and persons. A word's language counts as it stood when the event was recorded, since it
//! is written into the index; the others count as of the snapshot.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use chat::{EventKind, PersonId, Recorded, RoomId, SourceId};
use query::analysis::{Language, RoomLanguages, fold};

use crate::aliases::Aliases;
use crate::direct::Partners;
use crate::error::Result;
use crate::listed::Listed;
use crate::presence::Listing;
use crate::view::View;

/// The fold of the ledger, with every state it went through. Names are folded.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    followed: u64,
    languages: RoomLanguages,
    language_of: History<RoomId, Language>,
    category_of: History<RoomId, String>,
    source_of: History<SourceId, String>,
    is_direct: History<RoomId, bool>,
    partners: Partners,
    listed: Listed,
    aliases: Aliases,
}

/// What an event's document depends on beside the event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RoomThen {
    /// The language of its room when it was recorded.
    pub(crate) language: Option<Language>,
    /// Whether its room was one of direct messages.
    pub(crate) is_direct: bool,
}

/// For each key, from which event on it had which value.
#[derive(Debug)]
struct History<K, V>(HashMap<K, Vec<(u64, Option<V>)>>);

impl Surroundings {
    /// Takes in an event. Events come in the order of the log; what was taken in before is passed over.
    pub(crate) fn apply(&mut self, recorded: &Recorded) {
        let seq = recorded.seq.get();
        // The ledger is ahead of the rest at a start, so authors are taken in whenever they come.
        if self.room_then(recorded).is_direct {
            self.partners.wrote(recorded);
        }
        if seq <= self.followed {
            return;
        }
        self.followed = seq;
        self.aliases.apply(recorded);
        let event = &recorded.event;
        let is_of_rooms = matches!(event.kind, EventKind::Room | EventKind::Member);
        let Some(act) = event.content.act.as_ref().filter(|_| is_of_rooms) else {
            return;
        };
        if let Some(place) = &event.place {
            self.partners.name(place.room, act, seq);
            self.listed.name(place.room, act, recorded);
        }
        if event.kind == EventKind::Member {
            return;
        }
        self.languages.apply(recorded);
        if let Some(place) = &event.place {
            self.language_of.change(place.room, seq, self.languages.of(&place.room));
            if let Some(kind) = act.text("kind") {
                self.is_direct.change(place.room, seq, Some(kind == "direct"));
            }
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

    /// Returns what is known of the room of an event as of when the event was recorded.
    pub(crate) fn room_then(&self, recorded: &Recorded) -> RoomThen {
        let Some(place) = &recorded.event.place else { return RoomThen::default() };
        let before = recorded.seq.get().saturating_sub(1);
        RoomThen {
            language: self.language_of.at(&place.room, before).copied(),
            is_direct: self.is_direct.at(&place.room, before).copied().unwrap_or(false),
        }
    }

    /// Reads back who wrote in rooms of direct messages from what is committed.
    pub(crate) fn read_back(&mut self, view: &View) -> Result<()> {
        self.partners.read_back(view)
    }

    /// Returns whether a room is one of direct messages in which someone of this name takes part, as of the first `size`
    /// events.
    pub(crate) fn is_direct_with(&self, room: &RoomId, name: &str, size: u64) -> bool {
        let takes_part = |person: &PersonId| {
            let id = person.to_string();
            let is_member = |name: &str| self.partners.take_part(room, name, size);
            is_member(&id)
                || (self.aliases.are_of_one_source(room, person)
                    && self.aliases.names_of(person, size).any(is_member))
        };
        self.is_direct.at(room, size) == Some(&true)
            && (self.partners.take_part(room, name, size)
                || self.aliases.persons_called(name, size).iter().any(takes_part))
    }

    /// Returns the rooms of direct messages in which someone of this name takes part, as of the first `size` events.
    pub(crate) fn direct_rooms_with(&self, name: &str, size: u64) -> Vec<RoomId> {
        let mut rooms: Vec<_> = self.partners.rooms_of(name, size).collect();
        for person in self.aliases.persons_called(name, size) {
            rooms.extend(self.partners.rooms_of(&person.to_string(), size));
            for name in self.aliases.names_of(&person, size) {
                let named = self.partners.rooms_of(name, size);
                rooms.extend(named.filter(|room| self.aliases.are_of_one_source(room, &person)));
            }
        }
        rooms.sort_unstable();
        rooms.dedup();
        rooms.retain(|room| self.is_direct.at(room, size) == Some(&true));
        rooms
    }

    /// Returns what lists of members say of someone of this name, as of the first `size` events. A list names people by text;
    /// it means a person by their id, and by each of their names where room and person are of one source.
    pub(crate) fn listings(&self, name: &str, size: u64) -> Vec<Listing> {
        let persons = self.aliases.persons_called(name, size);
        let mut listings = Vec::new();
        let mut is_id = false;
        for person in &persons {
            let (who, id) = (Some(*person), person.to_string());
            is_id |= id == name;
            listings.extend(self.listed.rooms_of(&id, size).map(|(room, step)| (who, room, step)));
            for name in self.aliases.names_of(person, size) {
                let named = self.listed.rooms_of(name, size);
                let named = named.filter(|(room, _)| self.aliases.are_of_one_source(room, person));
                listings.extend(named.map(|(room, step)| (who, room, step)));
            }
        }
        let is_someones = |room: &RoomId| {
            is_id || persons.iter().any(|person| self.aliases.are_of_one_source(room, person))
        };
        let others = self.listed.rooms_of(name, size).filter(|(room, _)| !is_someones(room));
        listings.extend(others.map(|(room, step)| (None, room, step)));
        listings
    }

    /// Returns the names of persons and rooms.
    pub(crate) const fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// Returns whether a name that an event of a source mentions is one of someone of this name, as of the first `size`
    /// events.
    pub(crate) fn mention_means(
        &self,
        source: &SourceId,
        mentioned: &str,
        name: &str,
        size: u64,
    ) -> bool {
        self.aliases.persons_called(name, size).iter().any(|person| {
            self.aliases.source_of(person) == Some(source)
                && self.aliases.person_is(person, mentioned, size)
        })
    }

    /// Returns by which names the events of each source mention someone of this name, as of the first `size` events.
    pub(crate) fn mentions_of(&self, name: &str, size: u64) -> BTreeMap<SourceId, Vec<String>> {
        let mut mentions: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for person in self.aliases.persons_called(name, size) {
            if let Some(source) = self.aliases.source_of(&person) {
                let names = self.aliases.names_of(&person, size).map(str::to_owned);
                mentions.entry(*source).or_default().extend(names);
            }
        }
        mentions
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
        let language = |seq| surroundings.room_then(&room_act(seq, Act::new("x"))).language;
        assert_eq!((language(9), language(10)), (None, Language::named("de")));
    }

    #[test]
    fn members_and_authors_of_a_direct_room_take_part_as_of_a_snapshot() {
        let room = RoomId::from_bytes([7; 16]);
        let members =
            |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut surroundings = Surroundings::default();
        let declared = Act::new("room-declared").with("kind", "direct");
        surroundings.apply(&room_act(2, declared.with("members", members(&["Ada"]))));
        surroundings.apply(&room_act(3, Act::new("room-language")));
        let mut named = room_act(5, Act::new("members-named").with("members", members(&["Bo"])));
        named.event.kind = EventKind::Member;
        surroundings.apply(&named);
        surroundings.apply(&room_act(9, Act::new("room-changed").with("kind", "group")));
        let with = |name: &str, size| surroundings.direct_rooms_with(name, size);
        assert_eq!((with("ada", 1), with("ada", 2)), (vec![], vec![room]));
        assert_eq!((with("bo", 4), with("bo", 5)), (vec![], vec![room]));
        // The actor of the acts of these tests is person 1.
        assert_eq!((with("person 1", 2), with("person 1", 3)), (vec![], vec![room]));
        assert!(surroundings.is_direct_with(&room, "ada", 8));
        assert!(!surroundings.is_direct_with(&room, "ada", 9), "it is a group now");
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
