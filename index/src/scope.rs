//! Who may find what. A search without a scope cannot be written down, and a scope is part of the query, never a sieve
//! over its hits: counts and timing would tell what the sieve held back (house.md §5).

use chat::{PersonId, Recorded, RoomId, SourceId, Timestamp};

/// The events that a search may see: those in any of some windows, in a form that two equal scopes share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope(Vec<Window>);

/// One opening onto the log: an event is seen through it if it lies within every axis that is given.
///
/// An axis that is not given admits everything, even an event that has nothing there; one that is given admits no such
/// event. A window without any axis sees everything that is ever found by a search.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Window {
    /// The rooms in which something was said or done.
    pub rooms: Option<Vec<RoomId>>,
    /// The persons who said or did it.
    pub persons: Option<Vec<PersonId>>,
    /// The sources that told of it.
    pub sources: Option<Vec<SourceId>>,
    /// The first event time, included.
    pub from: Option<Timestamp>,
    /// The end of the event times, excluded.
    pub until: Option<Timestamp>,
}

/// Where an event lies along the axes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bearings {
    room: Option<RoomId>,
    person: Option<PersonId>,
    source: Option<SourceId>,
    at: Timestamp,
}

impl Bearings {
    /// Returns where an event lies.
    pub(crate) fn of(recorded: &Recorded) -> Self {
        let event = &recorded.event;
        Self {
            room: event.place.as_ref().map(|place| place.room),
            person: event.actor.as_ref().map(|person| person.id),
            source: event.origin.as_ref().map(|origin| origin.source),
            at: event.at,
        }
    }
}

impl Window {
    /// Puts every list in order and without repeats. Nothing for a window that no event can be seen through.
    fn in_order(mut self) -> Option<Self> {
        let is_open = is_in_order(&mut self.rooms)
            && is_in_order(&mut self.persons)
            && is_in_order(&mut self.sources);
        let is_shut = self.from.zip(self.until).is_some_and(|(from, until)| from >= until);
        (is_open && !is_shut).then_some(self)
    }

    fn is_without_axes(&self) -> bool {
        *self == Self::default()
    }

    /// Asks a window whose lists are in order.
    fn covers(&self, bearings: &Bearings) -> bool {
        is_among(self.rooms.as_deref(), bearings.room)
            && is_among(self.persons.as_deref(), bearings.person)
            && is_among(self.sources.as_deref(), bearings.source)
            && self.from.is_none_or(|from| from <= bearings.at)
            && self.until.is_none_or(|until| bearings.at < until)
    }
}

/// Puts a list in order. Returns false for one that admits nothing.
fn is_in_order<Id: Ord>(axis: &mut Option<Vec<Id>>) -> bool {
    axis.as_mut().is_none_or(|ids| {
        ids.sort_unstable();
        ids.dedup();
        !ids.is_empty()
    })
}

fn is_among<Id: Ord>(axis: Option<&[Id]>, id: Option<Id>) -> bool {
    axis.is_none_or(|ids| id.is_some_and(|id| ids.binary_search(&id).is_ok()))
}

impl Scope {
    /// Returns the scope of an officer: everything that content search covers. Called in `server::auth` alone.
    pub fn of_officer() -> Self {
        Self::of_windows(vec![Window::default()])
    }

    /// Returns the scope of a room user: these rooms and nothing else. Called in `server::auth` alone.
    pub fn of_rooms(rooms: Vec<RoomId>) -> Self {
        Self::of_windows(vec![Window { rooms: Some(rooms), ..Window::default() }])
    }

    /// Returns the scope of whoever may look through these windows: what is seen through any of them, and nothing where
    /// there are none. Called in `server::auth` alone.
    pub fn of_windows(windows: Vec<Window>) -> Self {
        let mut windows: Vec<_> = windows.into_iter().filter_map(Window::in_order).collect();
        if windows.iter().any(Window::is_without_axes) {
            return Self(vec![Window::default()]);
        }
        windows.sort_unstable();
        windows.dedup();
        Self(windows)
    }

    /// Returns whether an event is within the scope: whoever shows a single event asks this first, and answers as if there
    /// were no such event where it is not.
    pub fn covers_event(&self, recorded: &Recorded) -> bool {
        self.covers(&Bearings::of(recorded))
    }

    /// Returns whether the scope is everything, so that nothing need be held back: names of rooms and persons, values of
    /// fields.
    pub fn is_everything(&self) -> bool {
        self.0.iter().any(Window::is_without_axes)
    }

    /// Returns whether what lies there is within the scope.
    pub(crate) fn covers(&self, bearings: &Bearings) -> bool {
        self.0.iter().any(|window| window.covers(bearings))
    }

    /// Returns the windows in order, none of them empty. The whole scope is one window without axes.
    pub(crate) fn windows(&self) -> &[Window] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(byte: u8) -> RoomId {
        RoomId::from_bytes([byte; 16])
    }

    fn bearings(room_byte: Option<u8>, person: u8, micros: i64) -> Bearings {
        Bearings {
            room: room_byte.map(room),
            person: Some(PersonId::from_bytes([person; 16])),
            source: None,
            at: Timestamp::from_micros(micros),
        }
    }

    #[test]
    fn a_room_users_scope_covers_their_rooms_and_nothing_without_a_room() {
        let scope = Scope::of_rooms(vec![room(3), room(1), room(3)]);
        assert!(scope.covers(&bearings(Some(1), 9, 0)) && scope.covers(&bearings(Some(3), 9, 0)));
        assert!(!scope.covers(&bearings(Some(2), 9, 0)) && !scope.covers(&bearings(None, 9, 0)));
        assert!(Scope::of_officer().covers(&bearings(None, 9, 0)));
        assert!(!scope.is_everything() && Scope::of_officer().is_everything());
    }

    #[test]
    fn a_window_admits_what_lies_within_every_axis_and_times_end_before_their_end() {
        let scope = Scope::of_windows(vec![Window {
            rooms: Some(vec![room(1)]),
            persons: Some(vec![PersonId::from_bytes([9; 16])]),
            from: Some(Timestamp::from_micros(10)),
            until: Some(Timestamp::from_micros(20)),
            ..Window::default()
        }]);
        assert!(scope.covers(&bearings(Some(1), 9, 10)) && scope.covers(&bearings(Some(1), 9, 19)));
        for outside in [
            bearings(Some(1), 9, 9),
            bearings(Some(1), 9, 20),
            bearings(Some(1), 8, 15),
            bearings(Some(2), 9, 15),
            bearings(None, 9, 15),
        ] {
            assert!(!scope.covers(&outside), "{outside:?}");
        }
        let sourced =
            Window { sources: Some(vec![SourceId::from_bytes([4; 16])]), ..Window::default() };
        assert!(!Scope::of_windows(vec![sourced]).covers(&bearings(Some(1), 9, 15)));
    }

    #[test]
    fn equal_scopes_are_equal_however_they_are_written_and_an_empty_one_sees_nothing() {
        let rooms = |bytes: &[u8]| Window {
            rooms: Some(bytes.iter().copied().map(room).collect()),
            ..Window::default()
        };
        let one = Scope::of_windows(vec![rooms(&[2, 1, 2]), rooms(&[5]), rooms(&[])]);
        let other = Scope::of_windows(vec![rooms(&[5]), rooms(&[1, 2]), rooms(&[5])]);
        assert_eq!(one, other);
        let shut = Window {
            from: Some(Timestamp::from_micros(7)),
            until: Some(Timestamp::from_micros(7)),
            ..Window::default()
        };
        for empty in [vec![], vec![rooms(&[])], vec![shut]] {
            let scope = Scope::of_windows(empty);
            assert_eq!(scope, Scope::of_rooms(Vec::new()));
            assert!(!scope.covers(&bearings(Some(1), 9, 7)) && !scope.is_everything());
        }
        let whole = Scope::of_windows(vec![rooms(&[1]), Window::default()]);
        assert_eq!(whole, Scope::of_officer());
    }
}
