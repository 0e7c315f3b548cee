//! What the log tells around the events that are judged: categories, activity, who could read what, and all names. It is folded
//! from the log, event by event, and answers as of the last one that it took in.
//!
//! What it cannot tell it says so, and whoever judges keeps more by that. That somebody could *not* read a room is said only
//! where comings and goings of that room are told by then, and where all that they did there lies within the stays that are told.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

use chat::{EventKind, Lane, PersonId, Recorded, RoomId, Seq, SourceId, Timestamp};
use query::known::Steps;
use query::{Known, Mark, Marks, Presence, Stay, Step, Turn};

use crate::custodian::{Alias, Called, Custodian};
use crate::error::nearest;
use crate::surroundings::{Census, Surroundings};

const DAY_MICROS: i64 = 86_400_000_000;

/// All that decisions ask beside the events themselves.
#[derive(Debug, Default)]
pub struct Chronicle {
    folded: Option<Seq>,
    known: Known,
    rooms: HashMap<RoomId, OfRoom>,
    steps: HashMap<PersonId, Steps>,
    sources: HashSet<SourceId>,
    /// Where those were of whom it was asked, by folded name or id, until the next event comes.
    presences: RwLock<BTreeMap<String, Arc<Presence>>>,
}

/// What is left of a destroyed event where its header stays: what archivists call residual metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Residue {
    /// Its place in the log.
    pub seq: Seq,
    /// Its kind.
    pub kind: EventKind,
    /// When it happened, on the source's clock.
    pub at: Timestamp,
    /// Its room.
    pub room: Option<RoomId>,
    /// Who did it.
    pub actor: Option<PersonId>,
}

/// What is told of one room.
#[derive(Debug, Default)]
struct OfRoom {
    /// When something last happened in it.
    last_activity: Option<Timestamp>,
    /// Since when entries and leavings are told.
    told_since: Option<Timestamp>,
    /// On which days, counted from 1970, who did anything in it but come and go.
    acts: HashMap<PersonId, BTreeSet<i64>>,
}

impl Chronicle {
    /// Takes in the next event of the log. One that was taken in before changes nothing.
    pub fn apply(&mut self, recorded: &Recorded) {
        if self.folded.is_some_and(|folded| recorded.seq <= folded) {
            return;
        }
        self.folded = Some(recorded.seq);
        self.known.apply(recorded);
        self.presences.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        let event = &recorded.event;
        self.sources.extend(event.origin.as_ref().map(|origin| origin.source));
        self.note(&Residue {
            seq: recorded.seq,
            kind: event.kind,
            at: event.at,
            room: event.place.as_ref().map(|place| place.room),
            actor: event.actor.as_ref().map(|person| person.id),
        });
    }

    /// Takes in what is left of an event that was destroyed, in any order: who came and went is told by headers too, and the life of a
    /// room does not become shorter by what was destroyed of it.
    pub fn apply_residue(&mut self, residue: &Residue) {
        self.presences.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        self.note(residue);
    }

    fn note(&mut self, header: &Residue) {
        let Residue { seq, kind, at, room: Some(room), actor } = *header else { return };
        let of_room = self.rooms.entry(room).or_default();
        // What the ledger says of a room is dated by when that was recorded, which is no life in the room.
        if kind.lane() != Lane::Talk {
            return;
        }
        of_room.last_activity = of_room.last_activity.max(Some(at));
        match (Turn::of(kind), actor) {
            (Some(turn), Some(person)) => {
                let since = of_room.told_since.map_or(at, |since| since.min(at));
                of_room.told_since = Some(since);
                let steps = self.steps.entry(person).or_default();
                steps.entry(room).or_default().push(Step { at, seq, turn });
            }
            (None, Some(person)) => {
                of_room.acts.entry(person).or_default().insert(day_of(at));
            }
            (_, None) => {}
        }
    }

    /// Returns the last event that it took in.
    pub const fn folded(&self) -> Option<Seq> {
        self.folded
    }

    /// Returns what the ledger knows of rooms, persons and sources.
    pub const fn known(&self) -> &Known {
        &self.known
    }

    /// Returns how many events it took in, which is the snapshot that it answers for.
    fn size(&self) -> u64 {
        self.folded.map_or(0, Seq::get)
    }

    /// Returns where someone of this folded name, address or id was when.
    fn presence(&self, name: &str) -> Arc<Presence> {
        let asked = self.presences.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(presence) = asked.get(name) {
            return Arc::clone(presence);
        }
        drop(asked);
        let mut steps_of = |person: &PersonId| {
            Ok::<_, Infallible>(self.steps.get(person).cloned().unwrap_or_default())
        };
        let Ok(presence) = self.known.presence(name, self.size(), &mut steps_of);
        let presence = Arc::new(presence);
        let mut asked = self.presences.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(asked.entry(name.to_owned()).or_insert(presence))
    }

    /// Returns whether whoever an alias names could read a room at a moment, at which the alias was in use.
    fn could_alias_read(&self, alias: &Alias, room: &RoomId, at: Timestamp) -> Option<bool> {
        let aliases = self.known.aliases();
        let of_room = aliases.source_of_room(room);
        if let (Some(named), Some(found)) = (alias.source.as_ref(), of_room)
            && named != found
        {
            return Some(false);
        }
        let name = match &alias.called {
            Called::Person(id) => id.to_string(),
            Called::Name(name) => name.clone(),
        };
        let presence = self.presence(&name);
        if presence.stay(room, at).is_some() {
            return Some(true);
        }
        let told = self.rooms.get(room);
        let is_told = told.and_then(|told| told.told_since).is_some_and(|since| since <= at);
        // Whoever did something there while nobody tells that they were there: not all of their comings are told.
        let is_unexplained = || {
            let stays = presence.rooms().find(|(known, _)| *known == room).map(|(_, stays)| stays);
            let persons = aliases.persons_called(&name, self.size());
            let days = persons.iter().filter_map(|person| told?.acts.get(person)).flatten();
            days.into_iter().any(|day| !stays.into_iter().flatten().any(|stay| meets(stay, *day)))
        };
        (is_told && !is_unexplained()).then_some(false)
    }
}

/// Returns the day of a moment, counted from 1970.
const fn day_of(at: Timestamp) -> i64 {
    at.micros().div_euclid(DAY_MICROS)
}

/// Returns whether any moment of a day lies within a stay.
fn meets(stay: &Stay, day: i64) -> bool {
    stay.from.is_none_or(|from| day_of(from) <= day)
        && stay.until.is_none_or(|until| day <= day_of(until))
}

impl Surroundings for Chronicle {
    fn is_in_category(&self, room: &RoomId, category: &str) -> bool {
        self.known.room_is_in(room, category, self.size())
    }

    fn was_in_category(&self, room: &RoomId, category: &str) -> bool {
        self.known.room_was_in(room, category, self.size())
    }

    fn last_activity(&self, room: &RoomId) -> Option<Timestamp> {
        self.rooms.get(room)?.last_activity
    }

    fn could_read(&self, room: &RoomId, at: Timestamp, custodian: &Custodian) -> Option<bool> {
        let mut answer = Some(false);
        for alias in custodian.aliases.iter().filter(|alias| alias.holds_at(at)) {
            match self.could_alias_read(alias, room, at) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => answer = None,
            }
        }
        answer
    }

    fn marks(&self) -> &dyn Marks {
        self
    }
}

impl Marks for Chronicle {
    /// Answers yes: no hold goes by a mark (it would change under the officers' hands), and whatever asked for one would keep more.
    fn is(&self, _seq: Seq, _mark: Mark) -> bool {
        true
    }

    fn room_is_in(&self, room: &RoomId, category: &str) -> bool {
        self.known.room_is_in(room, category, self.size())
    }

    fn source_is(&self, source: &SourceId, name: &str) -> bool {
        self.known.source_is(source, name, self.size())
    }

    fn person_is(&self, person: &PersonId, name: &str) -> bool {
        self.known.aliases().person_is(person, name, self.size())
    }

    fn room_is(&self, room: &RoomId, name: &str) -> bool {
        self.known.aliases().room_is(room, name, self.size())
    }

    fn mention_means(&self, source: &SourceId, mentioned: &str, name: &str) -> bool {
        self.known.mention_means(source, mentioned, name, self.size())
    }

    fn is_direct_with(&self, room: &RoomId, name: &str) -> bool {
        self.known.is_direct_with(room, name, self.size())
    }

    fn stay(&self, room: &RoomId, at: Timestamp, name: &str) -> Option<Stay> {
        self.presence(name).stay(room, at)
    }
}

impl Census for Chronicle {
    fn has_room(&self, room: &RoomId) -> bool {
        self.rooms.contains_key(room) || self.known.aliases().has_room(room)
    }

    fn has_person(&self, person: &PersonId) -> bool {
        self.known.aliases().has_person(person)
    }

    fn has_source(&self, source: &SourceId) -> bool {
        self.sources.contains(source) || self.known.has_source(source)
    }

    fn categories(&self) -> BTreeSet<String> {
        self.known.categories()
    }

    fn nearest_names(&self, name: &str) -> Vec<String> {
        let aliases = self.known.aliases();
        if aliases.person_names().any(|known| known == name) {
            return vec![name.to_owned()];
        }
        nearest(name, aliases.person_names())
    }
}

#[cfg(test)]
mod tests;
