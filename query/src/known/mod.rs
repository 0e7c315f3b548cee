//! What the ledger says of rooms, persons and sources, at every state it went through: a room's language and category, a
//! source's name, all names of rooms and persons. A word's language counts as it stood when the event was recorded, since it
//! is written into the index; the others count as of the snapshot.

mod aliases;
mod history;
mod listed;
mod partners;

use std::collections::{BTreeMap, BTreeSet};

use chat::{EventKind, PersonId, Recorded, RoomId, SourceId};

use self::history::History;
use self::listed::Listed;
use self::partners::Partners;
use crate::analysis::{Language, RoomLanguages, fold};
use crate::presence::{Presence, Step};

pub use self::aliases::Aliases;
pub use self::partners::author;

/// The steps of one person, by room.
pub type Steps = BTreeMap<RoomId, Vec<Step>>;

/// Someone whom a list of members names in a room. It is no person where nobody of the room's source is known by that name.
type Listing = (Option<PersonId>, RoomId, Step);

/// The fold of the ledger, with every state it went through. Names are folded.
#[derive(Debug, Default)]
pub struct Known {
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
pub struct RoomThen {
    /// The language of its room when it was recorded.
    pub language: Option<Language>,
    /// Whether its room was one of direct messages.
    pub is_direct: bool,
}

impl Known {
    /// Takes in an event. Events come in the order of the log; what was taken in before is passed over.
    pub fn apply(&mut self, recorded: &Recorded) {
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
    pub fn room_then(&self, recorded: &Recorded) -> RoomThen {
        let Some(place) = &recorded.event.place else { return RoomThen::default() };
        let before = recorded.seq.get().saturating_sub(1);
        RoomThen {
            language: self.language_of.at(&place.room, before).copied(),
            is_direct: self.is_direct.at(&place.room, before).copied().unwrap_or(false),
        }
    }

    /// Takes in a record of an author that was kept ([`author`]), with the first event that has it.
    pub fn take_author(&mut self, record: &[u8], first: u64) {
        self.partners.read(record, first);
    }

    /// Returns whether a room is one of direct messages in which someone of this name takes part, as of the first `size`
    /// events.
    pub fn is_direct_with(&self, room: &RoomId, name: &str, size: u64) -> bool {
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
    pub fn direct_rooms_with(&self, name: &str, size: u64) -> Vec<RoomId> {
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
    fn listings(&self, name: &str, size: u64) -> Vec<Listing> {
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

    /// Returns where someone of this name, address or id was when, as of the first `size` events. `steps_of` gives the entries and
    /// leavings of one person, which whoever follows the log keeps.
    pub fn presence<E>(
        &self,
        name: &str,
        size: u64,
        steps_of: &mut dyn FnMut(&PersonId) -> Result<Steps, E>,
    ) -> Result<Presence, E> {
        let listings = self.listings(name, size);
        let mut presence = Presence::default();
        for person in self.aliases.persons_called(name, size) {
            let mut steps = steps_of(&person)?;
            for (_, room, step) in listings.iter().filter(|(of, ..)| *of == Some(person)) {
                steps.entry(*room).or_default().push(*step);
            }
            for (room, steps) in steps {
                presence.take_in(room, steps);
            }
        }
        for (_, room, step) in listings.iter().filter(|(of, ..)| of.is_none()) {
            presence.take_in(*room, vec![*step]);
        }
        Ok(presence)
    }

    /// Returns the names of persons and rooms.
    pub const fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// Returns whether a name that an event of a source mentions is one of someone of this name, as of the first `size`
    /// events.
    pub fn mention_means(&self, source: &SourceId, mentioned: &str, name: &str, size: u64) -> bool {
        self.aliases.persons_called(name, size).iter().any(|person| {
            self.aliases.source_of(person) == Some(source)
                && self.aliases.person_is(person, mentioned, size)
        })
    }

    /// Returns by which names the events of each source mention someone of this name, as of the first `size` events.
    pub fn mentions_of(&self, name: &str, size: u64) -> BTreeMap<SourceId, Vec<String>> {
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
    pub fn rooms_in(&self, category: &str, size: u64) -> Vec<RoomId> {
        self.category_of.with(size, category)
    }

    /// Returns the sources that bear a name as of the first `size` events.
    pub fn sources_named(&self, name: &str, size: u64) -> Vec<SourceId> {
        self.source_of.with(size, name)
    }

    /// Returns whether a room is in a category as of the first `size` events.
    pub fn room_is_in(&self, room: &RoomId, category: &str, size: u64) -> bool {
        self.category_of.at(room, size).is_some_and(|name| name == category)
    }

    /// Returns whether a room is or ever was in a category, as of the first `size` events.
    pub fn room_was_in(&self, room: &RoomId, category: &str, size: u64) -> bool {
        self.category_of.had(room, size, category)
    }

    /// Returns the folded names of all categories that a room ever was in.
    pub fn categories(&self) -> BTreeSet<String> {
        self.category_of.values().cloned().collect()
    }

    /// Returns whether the ledger declares the source.
    pub fn has_source(&self, source: &SourceId) -> bool {
        self.source_of.has(source)
    }

    /// Returns whether a source bears a name as of the first `size` events.
    pub fn source_is(&self, source: &SourceId, name: &str, size: u64) -> bool {
        self.source_of.at(source, size).is_some_and(|named| named == name)
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
        let mut known = Known::default();
        known.apply(&room_act(4, Act::new("room-declared").with("category", "Trading")));
        known.apply(&room_act(12, Act::new("room-changed").with("category", "Legal")));
        known.apply(&room_act(12, Act::new("room-changed").with("category", "Twice")));
        assert_eq!(known.rooms_in("trading", 3), []);
        assert_eq!(known.rooms_in("trading", 11), [room]);
        assert_eq!(known.rooms_in("trading", 12), []);
        assert!(known.room_is_in(&room, "legal", 12));
        assert!(!known.room_is_in(&room, "twice", 99));
    }

    #[test]
    fn an_event_has_the_language_that_stood_when_it_was_recorded() {
        let mut known = Known::default();
        known.apply(&room_act(9, Act::new("room-language").with("language", "de")));
        let language = |seq| known.room_then(&room_act(seq, Act::new("x"))).language;
        assert_eq!((language(9), language(10)), (None, Language::named("de")));
    }

    #[test]
    fn members_and_authors_of_a_direct_room_take_part_as_of_a_snapshot() {
        let room = RoomId::from_bytes([7; 16]);
        let members =
            |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut known = Known::default();
        let declared = Act::new("room-declared").with("kind", "direct");
        known.apply(&room_act(2, declared.with("members", members(&["Ada"]))));
        known.apply(&room_act(3, Act::new("room-language")));
        let mut named = room_act(5, Act::new("members-named").with("members", members(&["Bo"])));
        named.event.kind = EventKind::Member;
        known.apply(&named);
        known.apply(&room_act(9, Act::new("room-changed").with("kind", "group")));
        let with = |name: &str, size| known.direct_rooms_with(name, size);
        assert_eq!((with("ada", 1), with("ada", 2)), (vec![], vec![room]));
        assert_eq!((with("bo", 4), with("bo", 5)), (vec![], vec![room]));
        // The actor of the acts of these tests is person 1.
        assert_eq!((with("person 1", 2), with("person 1", 3)), (vec![], vec![room]));
        assert!(known.is_direct_with(&room, "ada", 8));
        assert!(!known.is_direct_with(&room, "ada", 9), "it is a group now");
    }

    #[test]
    fn a_source_has_the_name_it_was_declared_with() {
        let source = SourceId::from_bytes([3; 16]);
        let act =
            Act::new("source-declared").with("source", source.to_string()).with("name", "IRC");
        let mut declared = room_act(2, act);
        declared.event.place = None;
        let mut known = Known::default();
        known.apply(&declared);
        assert_eq!(known.sources_named("irc", 2), [source]);
        assert!(!known.source_is(&source, "irc", 1));
    }
}
