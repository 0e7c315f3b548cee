//! The register out of the ledger: what a restart knows is what the log says.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use archive::Archive;
use chat::{Act, Fact, PersonId, Recorded, RoomId, Seq, SourceId};

use super::{Language, Person, Register, Room, key_of};
use crate::draft::RoomKind;
use crate::error::{Error, Result};

/// Events that are read at once.
const BATCH_EVENTS: usize = 8_192;

fn texts(act: &Act, name: &str) -> Option<Vec<String>> {
    let Some(Fact::List(list)) = act.facts.get(name) else { return None };
    let text = |fact: &Fact| match fact {
        Fact::Text(text) => Some(text.clone()),
        Fact::Number(_) | Fact::Flag(_) | Fact::List(_) | Fact::Map(_) => None,
    };
    Some(list.iter().filter_map(text).collect())
}

fn seqs(act: &Act, name: &str) -> Vec<Seq> {
    let Some(Fact::List(list)) = act.facts.get(name) else { return Vec::new() };
    let seq = |fact: &Fact| match fact {
        Fact::Number(number) => u64::try_from(*number).ok().and_then(Seq::new),
        Fact::Text(_) | Fact::Flag(_) | Fact::List(_) | Fact::Map(_) => None,
    };
    list.iter().filter_map(seq).collect()
}

fn id<T: std::str::FromStr>(act: &Act, name: &str) -> Option<T> {
    act.text(name)?.parse().ok()
}

impl Register {
    /// Folds the ledger of an archive, abridged where it can be.
    pub(crate) fn open(archive: &Arc<Archive>) -> Result<Self> {
        let mut register = Self::default();
        let mut ledger = archive.ledger_abridged();
        loop {
            let events =
                ledger.next_batch(BATCH_EVENTS).map_err(|source| Error::Archive { source })?;
            if events.is_empty() {
                return Ok(register);
            }
            for recorded in &events {
                register.apply(recorded);
            }
        }
    }

    /// Takes one ledger event; those that are not about sources, rooms and persons change nothing.
    pub(crate) fn apply(&mut self, recorded: &Recorded) {
        let event = &recorded.event;
        let Some(act) = event.content.act.as_ref().filter(|_| event.origin.is_none()) else {
            return;
        };
        let room = event.place.as_ref().map(|place| place.room);
        // An act that misses a fact is not one that this register wrote.
        let _known = match (act.verb.as_str(), room) {
            ("source-declared", None) => self.source_declared(act),
            ("room-declared", Some(room)) => self.room_declared(act, room),
            ("person-declared", None) => self.person_declared(act),
            ("person-renamed" | "person-changed", None) => self.person_changed(act),
            ("quarantine-replayed" | "import-begun" | "import-ended", None) => {
                self.note(act, recorded.seq);
                None
            }
            (verb, Some(room)) => self.room_changed(verb, act, room),
            (_, None) => None,
        };
    }

    /// Takes an act of an officer or a job, which stands here in the log. What matters is that quarantined records were understood,
    /// and which inputs were read.
    pub(crate) fn note(&mut self, act: &Act, seq: Seq) {
        let input = act.text("input_sha256");
        match act.verb.as_str() {
            "quarantine-replayed" => {
                let pairs = seqs(act, "records").into_iter().zip(seqs(act, "events"));
                self.replayed.extend(pairs);
            }
            "import-begun" => {
                let Some(input) = input else { return };
                self.inputs.entry(input.to_owned()).or_insert(seq);
            }
            // Of an input that was read to its end every version was there by then, whoever brought it.
            "import-ended" if act.text("fault").is_none() => {
                let Some(input) = input else { return };
                self.inputs.insert(input.to_owned(), Seq::FIRST);
            }
            _ => {}
        }
    }

    fn source_declared(&mut self, act: &Act) -> Option<()> {
        let source: SourceId = id(act, "source")?;
        let name = act.text("name")?;
        match self.by_name.get(name) {
            Some(known) => drop(self.by_id.insert(source, *known)),
            None => drop(self.add_source(source, name.to_owned())),
        }
        Some(())
    }

    fn room_declared(&mut self, act: &Act, room: RoomId) -> Option<()> {
        let source = *self.by_id.get(&id(act, "source")?)?;
        let name = act.text("name")?.to_owned();
        let key = key_of(act.text("foreign_id"), &name);
        let known = Room {
            id: room,
            names: HashSet::from([name.clone()]),
            name,
            kind: RoomKind::from_word(act.text("kind")?)?,
            category: act.text("category").map(str::to_owned),
            members: texts(act, "members"),
            language: Language::Counted { messages: 0, votes: HashMap::new() },
        };
        self.rooms.insert(room, (source, key.clone()));
        self.sources.get_mut(source)?.rooms.insert(key, known);
        Some(())
    }

    fn person_declared(&mut self, act: &Act) -> Option<()> {
        let source = *self.by_id.get(&id(act, "source")?)?;
        let person: PersonId = id(act, "person")?;
        let name = act.text("name")?.to_owned();
        let key = key_of(act.text("foreign_id"), &name);
        let known = Person {
            id: person,
            names: HashSet::from([name.clone()]),
            name,
            emails: act.text("email").map(str::to_owned).into_iter().collect(),
        };
        self.persons.insert(person, (source, key.clone()));
        self.sources.get_mut(source)?.persons.insert(key, known);
        Some(())
    }

    fn person_changed(&mut self, act: &Act) -> Option<()> {
        let (source, key) = self.persons.get(&id(act, "person")?)?;
        let person = self.sources.get_mut(*source)?.persons.of_key(key)?;
        if let Some(name) = act.text("to") {
            name.clone_into(&mut person.name);
            person.names.insert(name.to_owned());
        }
        person.names.extend(texts(act, "also").unwrap_or_default());
        person.emails.extend(act.text("email").map(str::to_owned));
        Some(())
    }

    fn room_changed(&mut self, verb: &str, act: &Act, room: RoomId) -> Option<()> {
        let (source, key) = self.rooms.get(&room)?;
        let room = self.sources.get_mut(*source)?.rooms.of_key(key)?;
        match verb {
            "room-renamed" => {
                act.text("to")?.clone_into(&mut room.name);
                room.names.insert(act.text("to")?.to_owned());
            }
            "room-changed" => {
                if let Some(kind) = act.text("kind").and_then(RoomKind::from_word) {
                    room.kind = kind;
                }
                if let Some(category) = act.text("category") {
                    room.category = Some(category.to_owned());
                }
            }
            "members-named" => room.members = texts(act, "members"),
            "room-language" => room.language = Language::Declared,
            _ => {}
        }
        Some(())
    }
}
