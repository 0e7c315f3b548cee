//! From names as given to ids; what is new or changed is declared first.

use std::collections::{HashMap, HashSet};

use chat::{Act, ChatEvent, Content, EventKind, PersonId, Place, Rng, RoomId, SourceId, Timestamp};

use super::{Key, Language, Person, Register, Room, Source, key_of};
use crate::draft::{DraftPerson, DraftPlace};
use crate::error::{Error, Result};

/// Messages of a room after which its language is declared.
const LANGUAGE_MESSAGES: u32 = 200;
/// Messages with a known language that a declaration needs at least, where the room has fewer than that.
const LANGUAGE_VOTES_MIN: u32 = 10;

/// The ids of one draft.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolved {
    pub(crate) source: SourceId,
    pub(crate) room: Option<RoomId>,
    pub(crate) actor: Option<PersonId>,
    /// Whether the language of the room is still to be found out.
    pub(crate) counts_language: bool,
}

/// Ledger events that must come before the events being resolved.
#[derive(Debug)]
pub(crate) struct Declarations<'a> {
    /// When they are recorded.
    pub(crate) at: Timestamp,
    /// Where ids come from.
    pub(crate) rng: &'a dyn Rng,
    /// What was declared, in order.
    pub(crate) events: Vec<ChatEvent>,
}

impl Declarations<'_> {
    fn draw(&self, what: &'static str) -> Result<[u8; 16]> {
        let mut id = [0; 16];
        self.rng.fill(&mut id).map_err(|source| Error::IdUndrawn { what, source })?;
        Ok(id)
    }

    pub(super) fn declare(&mut self, kind: EventKind, place: Option<Place>, act: Act) {
        self.events.push(ChatEvent {
            origin: None,
            at: self.at,
            kind,
            actor: None,
            place,
            target: None,
            other_ids: Vec::new(),
            content: Content { act: Some(act), ..Content::default() },
        });
    }
}

impl Register {
    /// Returns the ids of a draft's names, declaring what was not known.
    pub(crate) fn resolve(
        &mut self,
        source: &str,
        place: Option<&DraftPlace>,
        actor: Option<&DraftPerson>,
        new: &mut Declarations<'_>,
    ) -> Result<Resolved> {
        let at = self.source(source, new)?;
        let of = self.sources.get_mut(at).expect("a source stays where it was put");
        let (mut room_id, mut counts_language) = (None, false);
        if let Some(draft) = place {
            if let Some(room) = of.rooms.get_mut(draft.foreign_id.as_deref(), &draft.name) {
                room.follow(draft, new);
                room_id = Some(room.id);
                counts_language = matches!(room.language, Language::Counted { .. });
            } else {
                let (id, key) = of.add_room(draft, new)?;
                self.rooms.insert(id, (at, key));
                room_id = Some(id);
                counts_language = true;
            }
        }
        let mut actor_id = None;
        if let Some(draft) = actor {
            if let Some(person) = of.persons.get_mut(draft.foreign_id.as_deref(), &draft.name) {
                person.follow(draft, new);
                actor_id = Some(person.id);
            } else {
                let (id, key) = of.add_person(draft, new)?;
                self.persons.insert(id, (at, key));
                actor_id = Some(id);
            }
        }
        Ok(Resolved { source: of.id, room: room_id, actor: actor_id, counts_language })
    }

    /// Returns the place of a source.
    fn source(&mut self, name: &str, new: &mut Declarations<'_>) -> Result<usize> {
        if let Some(place) = self.by_name.get(name) {
            return Ok(*place);
        }
        let id = SourceId::from_bytes(new.draw("a source")?);
        let act = Act::new("source-declared").with("source", id.to_string()).with("name", name);
        new.declare(EventKind::Room, None, act);
        Ok(self.add_source(id, name.to_owned()))
    }

    /// Counts the language of one message of a room, and declares the room's language once enough are counted.
    pub(crate) fn count_language(
        &mut self,
        place: &Place,
        text: &str,
        detect: fn(&str) -> Option<&'static str>,
        new: &mut Declarations<'_>,
    ) {
        let Some(room) = self.room_of(place.room) else { return };
        let Language::Counted { messages, votes } = &mut room.language else { return };
        *messages += 1;
        if let Some(language) = detect(text) {
            *votes.entry(language).or_default() += 1;
        }
        if *messages >= LANGUAGE_MESSAGES {
            room.declare_language(new);
        }
    }

    fn room_of(&mut self, id: RoomId) -> Option<&mut Room> {
        let (source, key) = self.rooms.get(&id)?;
        self.sources.get_mut(*source)?.rooms.of_key(key)
    }

    /// Declares the languages of rooms that had too few messages until now, but enough to tell.
    pub(crate) fn settle_languages<'s>(&'s mut self, new: &mut Declarations<'_>) {
        let of_source = |source: &'s mut Source| {
            source.rooms.by_id.values_mut().chain(source.rooms.by_name.values_mut())
        };
        let mut rooms: Vec<_> = self.sources.iter_mut().flat_map(of_source).collect();
        // One order for every run: maps have none.
        rooms.sort_by_key(|room| room.id);
        for room in rooms {
            room.declare_language(new);
        }
    }
}

impl Source {
    fn add_room(
        &mut self,
        draft: &DraftPlace,
        new: &mut Declarations<'_>,
    ) -> Result<(RoomId, Key)> {
        let id = RoomId::from_bytes(new.draw("a room")?);
        let act = Act::new("room-declared")
            .with("source", self.id.to_string())
            .with("name", draft.name.as_str())
            .with("kind", draft.kind.word())
            .with_some("foreign_id", draft.foreign_id.as_deref())
            .with_some("category", draft.category.as_deref())
            .with_some("members", draft.members.as_deref().map(<[String]>::to_vec));
        new.declare(EventKind::Room, Some(Place { room: id, name: draft.name.clone() }), act);
        let key = key_of(draft.foreign_id.as_deref(), &draft.name);
        let room = Room {
            id,
            name: draft.name.clone(),
            names: HashSet::from([draft.name.clone()]),
            kind: draft.kind,
            category: draft.category.clone(),
            members: draft.members.as_deref().map(<[String]>::to_vec),
            language: Language::Counted { messages: 0, votes: HashMap::new() },
        };
        self.rooms.insert(key.clone(), room);
        Ok((id, key))
    }

    fn add_person(
        &mut self,
        draft: &DraftPerson,
        new: &mut Declarations<'_>,
    ) -> Result<(PersonId, Key)> {
        let id = PersonId::from_bytes(new.draw("a person")?);
        let act = Act::new("person-declared")
            .with("source", self.id.to_string())
            .with("person", id.to_string())
            .with("name", draft.name.as_str())
            .with_some("foreign_id", draft.foreign_id.as_deref())
            .with_some("email", draft.email.as_deref());
        new.declare(EventKind::Identity, None, act);
        let key = key_of(draft.foreign_id.as_deref(), &draft.name);
        let person = Person {
            id,
            name: draft.name.clone(),
            names: HashSet::from([draft.name.clone()]),
            emails: draft.email.iter().cloned().collect(),
        };
        self.persons.insert(key.clone(), person);
        Ok((id, key))
    }
}

impl Room {
    fn place(&self) -> Place {
        Place { room: self.id, name: self.name.clone() }
    }

    /// Declares what a draft says differently of a room that is known.
    fn follow(&mut self, draft: &DraftPlace, new: &mut Declarations<'_>) {
        if draft.name != self.name && !self.names.contains(&draft.name) {
            let act = Act::new("room-renamed")
                .with("from", self.name.as_str())
                .with("to", draft.name.as_str());
            self.name.clone_from(&draft.name);
            self.names.insert(draft.name.clone());
            new.declare(EventKind::Rename, Some(self.place()), act);
        }
        let category =
            draft.category.as_ref().filter(|given| self.category.as_ref() != Some(given));
        let kind = (draft.kind != self.kind).then_some(draft.kind);
        if category.is_some() || kind.is_some() {
            let act = Act::new("room-changed")
                .with_some("category", category.map(String::as_str))
                .with_some("kind", kind.map(crate::draft::RoomKind::word));
            self.kind = draft.kind;
            self.category = category.cloned().or_else(|| self.category.take());
            new.declare(EventKind::Room, Some(self.place()), act);
        }
        if let Some(members) = draft.members.as_deref()
            && self.members.as_deref() != Some(members)
        {
            self.members = Some(members.to_vec());
            let act = Act::new("members-named").with("members", members.to_vec());
            new.declare(EventKind::Member, Some(self.place()), act);
        }
    }

    fn declare_language(&mut self, new: &mut Declarations<'_>) {
        let Language::Counted { votes, .. } = &self.language else { return };
        let all: u32 = votes.values().sum();
        let newest = votes.iter().max_by_key(|(word, count)| (**count, **word));
        let Some((word, count)) = newest.map(|(word, count)| (*word, *count)) else { return };
        if all < LANGUAGE_VOTES_MIN || count * 2 <= all {
            return;
        }
        self.language = Language::Declared;
        let act = Act::new("room-language").with("language", word);
        new.declare(EventKind::Room, Some(self.place()), act);
    }
}

impl Person {
    /// Declares what a draft says differently of a person who is known.
    fn follow(&mut self, draft: &DraftPerson, new: &mut Declarations<'_>) {
        if draft.name != self.name && !self.names.contains(&draft.name) {
            let act = Act::new("person-renamed")
                .with("person", self.id.to_string())
                .with("from", self.name.as_str())
                .with("to", draft.name.as_str());
            self.name.clone_from(&draft.name);
            self.names.insert(draft.name.clone());
            new.declare(EventKind::Identity, None, act);
        }
        if let Some(email) = draft.email.as_ref().filter(|email| !self.emails.contains(*email)) {
            self.emails.insert(email.clone());
            let act = Act::new("person-changed")
                .with("person", self.id.to_string())
                .with("email", email.as_str());
            new.declare(EventKind::Identity, None, act);
        }
    }
}
