//! What stands beside the events as of one snapshot: marks, categories, names of sources, rooms and persons.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use chat::{PersonId, RoomId, Seq, SourceId, Timestamp};
use parking_lot::RwLock;
use query::{Known, Mark, Marks, Presence, Stay};

use crate::error::Result;
use crate::marks::MarksAt;
use crate::presence::presence;
use crate::shared::Sight;

/// What later events say of earlier ones, as of a snapshot. The matcher asks it, and so does whoever explains a hit.
pub struct StateAt {
    pub(crate) size: u64,
    pub(crate) marks: MarksAt,
    pub(crate) known: Arc<RwLock<Known>>,
    /// Where those were whom a query asks for as participants, by name.
    pub(crate) presence: HashMap<String, Presence>,
}

impl fmt::Debug for StateAt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StateAt({} events)", self.size)
    }
}

impl StateAt {
    /// Looks up where these were when.
    pub(crate) fn attend<'n>(
        &mut self,
        names: impl IntoIterator<Item = &'n str>,
        sight: &Sight,
    ) -> Result<()> {
        for name in names {
            let found = presence(&self.known.read(), name, sight, self.size)?;
            self.presence.insert(name.to_owned(), found);
        }
        Ok(())
    }

    /// Returns where someone whom the query asks for was when.
    pub(crate) fn presence_of(&self, name: &str) -> Option<&Presence> {
        self.presence.get(name)
    }

    /// Returns the rooms in a category.
    pub(crate) fn rooms_in(&self, category: &str) -> Vec<RoomId> {
        self.known.read().rooms_in(category, self.size)
    }

    /// Returns the rooms of direct messages in which someone of this name takes part.
    pub(crate) fn direct_rooms_with(&self, name: &str) -> Vec<RoomId> {
        self.known.read().direct_rooms_with(name, self.size)
    }

    /// Returns the persons of a name.
    pub(crate) fn persons_called(&self, name: &str) -> Vec<PersonId> {
        self.known.read().aliases().persons_called(name, self.size)
    }

    /// Returns the rooms of a name.
    pub(crate) fn rooms_called(&self, name: &str) -> Vec<RoomId> {
        self.known.read().aliases().rooms_called(name, self.size)
    }

    /// Returns by which names the events of each source mention someone of this name.
    pub(crate) fn mentions_of(&self, name: &str) -> BTreeMap<SourceId, Vec<String>> {
        self.known.read().mentions_of(name, self.size)
    }

    /// Returns the sources of a name.
    pub(crate) fn sources_named(&self, name: &str) -> Vec<SourceId> {
        self.known.read().sources_named(name, self.size)
    }
}

impl Marks for StateAt {
    fn is(&self, seq: Seq, mark: Mark) -> bool {
        self.marks.is(seq, mark)
    }

    fn room_is_in(&self, room: &RoomId, category: &str) -> bool {
        self.known.read().room_is_in(room, category, self.size)
    }

    fn source_is(&self, source: &SourceId, name: &str) -> bool {
        self.known.read().source_is(source, name, self.size)
    }

    fn person_is(&self, person: &PersonId, name: &str) -> bool {
        self.known.read().aliases().person_is(person, name, self.size)
    }

    fn room_is(&self, room: &RoomId, name: &str) -> bool {
        self.known.read().aliases().room_is(room, name, self.size)
    }

    fn mention_means(&self, source: &SourceId, mentioned: &str, name: &str) -> bool {
        self.known.read().mention_means(source, mentioned, name, self.size)
    }

    fn is_direct_with(&self, room: &RoomId, name: &str) -> bool {
        self.known.read().is_direct_with(room, name, self.size)
    }

    fn stay(&self, room: &RoomId, at: Timestamp, name: &str) -> Option<Stay> {
        self.presence_of(name)?.stay(room, at)
    }
}
