//! What a retention rule is about.

use std::collections::BTreeSet;

use chat::{EventKind, Lane, PersonId, RoomId, SourceId};
use query::analysis::fold;

use crate::error::{Error, Result};
use crate::item::Item;
use crate::surroundings::{Census, Surroundings};

/// What a rule is about: all axes that are not empty must hold, and within one any of its values will do. All empty means
/// everything. Groups are written out as persons, so that a lock binds who was meant and not whoever a list names later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RuleScope {
    /// Folded names of categories.
    pub categories: BTreeSet<String>,
    /// Rooms.
    pub rooms: BTreeSet<RoomId>,
    /// Authors.
    pub persons: BTreeSet<PersonId>,
    /// Kinds of event; a version of a message goes by the kind of its first version.
    pub kinds: BTreeSet<EventKind>,
    /// Sources.
    pub sources: BTreeSet<SourceId>,
}

/// How narrow a scope is: first what its narrowest axis is (a person or room before a category, that before a source or kind,
/// that before everything), then how many axes narrow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Specificity {
    narrowest: u8,
    axes: u8,
}

/// In which categories a room is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// In the one it is in now: for what deletes.
    Now,
    /// In any that it ever was in: for what keeps, so that moving a room takes it out of nobody's protection.
    Ever,
}

impl RuleScope {
    /// Returns whether the scope is everything.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether an event is in the scope.
    pub fn holds(
        &self,
        item: &Item<'_>,
        membership: Membership,
        around: &dyn Surroundings,
    ) -> bool {
        any_or(&self.kinds, Some(&item.kind))
            && any_or(&self.sources, item.source.as_ref())
            && any_or(&self.persons, item.author.as_ref())
            && any_or(&self.rooms, item.room.as_ref())
            && in_any(&self.categories, item.room.as_ref(), membership, around)
    }

    /// Returns whether everything that the other scope is about is in this one too, whatever the archive holds.
    pub fn covers(&self, other: &Self) -> bool {
        wider(&self.categories, &other.categories)
            && wider(&self.rooms, &other.rooms)
            && wider(&self.persons, &other.persons)
            && wider(&self.kinds, &other.kinds)
            && wider(&self.sources, &other.sources)
    }

    /// Returns how narrow the scope is.
    pub fn specificity(&self) -> Specificity {
        let axes = [
            (3, self.rooms.is_empty()),
            (3, self.persons.is_empty()),
            (2, self.categories.is_empty()),
            (1, self.kinds.is_empty()),
            (1, self.sources.is_empty()),
        ];
        axes.into_iter().filter(|(_, is_empty)| !is_empty).fold(
            Specificity { narrowest: 0, axes: 0 },
            |so_far, (narrow, _)| Specificity {
                narrowest: so_far.narrowest.max(narrow),
                axes: so_far.axes + 1,
            },
        )
    }

    /// Returns the scope with names folded, or refuses it where it can match nothing: a value that the archive does not know,
    /// or a kind that no rule reaches.
    pub fn checked(mut self, census: &dyn Census) -> Result<Self> {
        self.categories = self.categories.iter().map(|name| fold(name)).collect();
        let known = census.categories();
        for name in &self.categories {
            if !known.contains(name) {
                return Err(Error::unknown_name("category", name, &known));
            }
        }
        let strange = |what, id: String| Error::ScopeMatchesNothing { what, found: id };
        if let Some(id) = self.rooms.iter().find(|id| !census.has_room(id)) {
            return Err(strange("room", id.to_string()));
        }
        if let Some(id) = self.persons.iter().find(|id| !census.has_person(id)) {
            return Err(strange("person", id.to_string()));
        }
        if let Some(id) = self.sources.iter().find(|id| !census.has_source(id)) {
            return Err(strange("source", id.to_string()));
        }
        match self.kinds.iter().find(|kind| !is_ruled(**kind)) {
            Some(kind) => Err(Error::KindNotRuled { kind: *kind }),
            None => Ok(self),
        }
    }
}

/// Returns whether a rule can be about a kind of its own. Versions go by their first one, and what officers did is never
/// destroyed: it is what says that anything else was.
fn is_ruled(kind: EventKind) -> bool {
    !matches!(
        kind,
        EventKind::Edit
            | EventKind::Retract
            | EventKind::Reaction
            | EventKind::Replace
            | EventKind::Officer
            | EventKind::Destroyed
    ) && (kind.lane() == Lane::Talk || !matches!(kind, EventKind::Unknown(_)))
}

/// Returns whether no category is asked for, or the room is in one of them.
pub(crate) fn in_any(
    categories: &BTreeSet<String>,
    room: Option<&RoomId>,
    membership: Membership,
    around: &dyn Surroundings,
) -> bool {
    let is_in = |room, category: &String| match membership {
        Membership::Now => around.is_in_category(room, category),
        Membership::Ever => around.was_in_category(room, category),
    };
    categories.is_empty()
        || room.is_some_and(|room| categories.iter().any(|category| is_in(room, category)))
}

/// Returns whether an axis is empty or holds the value.
pub(crate) fn any_or<T: Ord>(axis: &BTreeSet<T>, value: Option<&T>) -> bool {
    axis.is_empty() || value.is_some_and(|value| axis.contains(value))
}

/// Returns whether an axis lets through all that the other one lets through.
fn wider<T: Ord>(axis: &BTreeSet<T>, other: &BTreeSet<T>) -> bool {
    axis.is_empty() || (!other.is_empty() && axis.is_superset(other))
}
