//! What the rules ask about the archive beside the events themselves, always as of one snapshot.

use std::collections::BTreeSet;

use chat::{PersonId, RoomId, SourceId, Timestamp};
use query::Marks;

use crate::custodian::Custodian;

/// What is known around the events that are judged. Whatever the archive cannot tell it answers with `None`, and the rules take
/// that for the answer that keeps more.
pub trait Surroundings {
    /// Returns whether the room is in the category of this folded name now.
    fn is_in_category(&self, room: &RoomId, category: &str) -> bool;
    /// Returns whether the room is or ever was in the category of this folded name.
    fn was_in_category(&self, room: &RoomId, category: &str) -> bool;
    /// Returns when something last happened in the room, on the source's clock.
    fn last_activity(&self, room: &RoomId) -> Option<Timestamp>;
    /// Returns whether a custodian could read the room at a moment; nothing where membership then is not known.
    fn could_read(&self, room: &RoomId, at: Timestamp, custodian: &Custodian) -> Option<bool>;
    /// Returns what the one matcher needs to know.
    fn marks(&self) -> &dyn Marks;
}

/// What exists, asked before something is recorded that names it.
pub trait Census {
    /// Returns whether the archive knows the room.
    fn has_room(&self, room: &RoomId) -> bool;
    /// Returns whether the archive knows the person.
    fn has_person(&self, person: &PersonId) -> bool;
    /// Returns whether the archive knows the source.
    fn has_source(&self, source: &SourceId) -> bool;
    /// Returns the folded names of all categories.
    fn categories(&self) -> BTreeSet<String>;
    /// Returns the folded names, addresses and ids that persons are known by and that are nearest to this one; the name itself
    /// alone where it is known.
    fn nearest_names(&self, name: &str) -> Vec<String>;
}
