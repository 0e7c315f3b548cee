//! Who may find what. A search without a scope cannot be written down, and a scope is part of the query, never a sieve
//! over its hits: counts and timing would tell what the sieve held back (house.md §5).

use chat::RoomId;

/// The events that a search may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope(pub(crate) Reach);

/// How far a scope reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everything that is ever found by a search.
    Everything,
    /// What was said and done in these rooms, ascending and without repeats.
    Rooms(Vec<RoomId>),
}

impl Scope {
    /// Returns the scope of an officer: everything that content search covers. Called in `server::auth` alone.
    pub const fn of_officer() -> Self {
        Self(Reach::Everything)
    }

    /// Returns the scope of a room user: these rooms and nothing else. Called in `server::auth` alone.
    pub fn of_rooms(mut rooms: Vec<RoomId>) -> Self {
        rooms.sort_unstable();
        rooms.dedup();
        Self(Reach::Rooms(rooms))
    }

    /// Returns whether an event of this room, or of none, is within the scope.
    pub(crate) fn covers(&self, room: Option<RoomId>) -> bool {
        match &self.0 {
            Reach::Everything => true,
            Reach::Rooms(rooms) => room.is_some_and(|room| rooms.binary_search(&room).is_ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_users_scope_covers_their_rooms_and_nothing_without_a_room() {
        let room = |byte| RoomId::from_bytes([byte; 16]);
        let scope = Scope::of_rooms(vec![room(3), room(1), room(3)]);
        assert!(scope.covers(Some(room(1))) && scope.covers(Some(room(3))));
        assert!(!scope.covers(Some(room(2))) && !scope.covers(None));
        assert!(Scope::of_officer().covers(None));
    }
}
