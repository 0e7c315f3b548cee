//! Who could read which room when, as far as the package's entries and leavings tell; "unknown" where they do not.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chat::{EventKind, PersonId, Recorded, RoomId, Seq, Timestamp};

/// One moment of one event: equal times are told apart by the order of recording.
type Moment = (Timestamp, Seq);

/// What the events of a package say about the membership of rooms.
#[derive(Debug, Default)]
pub(crate) struct Attendance {
    names: BTreeMap<RoomId, String>,
    steps: BTreeMap<(RoomId, Timestamp, Seq), Step>,
}

#[derive(Debug)]
struct Step {
    person: PersonId,
    name: String,
    turn: Turn,
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    Enters,
    Leaves,
    /// Somebody was removed. Sources differ in whom they name, so it ends no stay, but one reader fewer is sure.
    Removal,
}

impl Attendance {
    /// Takes in one event of the package.
    pub(crate) fn observe(&mut self, recorded: &Recorded) {
        let event = &recorded.event;
        let Some(place) = &event.place else { return };
        self.names.entry(place.room).or_insert_with(|| place.name.clone());
        let turns = [
            (EventKind::Join, Turn::Enters),
            (EventKind::Leave, Turn::Leaves),
            (EventKind::Kick, Turn::Removal),
        ];
        let turn = turns.into_iter().find(|(kind, _)| *kind == event.kind);
        if let (Some((_, turn)), Some(actor)) = (turn, &event.actor) {
            let step = Step { person: actor.id, name: actor.name.clone(), turn };
            self.steps.insert((place.room, event.at, recorded.seq), step);
        }
    }

    /// Joins entries and leavings to stays.
    pub(crate) fn settle(self) -> Readers {
        let mut readers = Readers { names: self.names, ..Readers::default() };
        let mut open: HashMap<(RoomId, PersonId), usize> = HashMap::new();
        for ((room, at, seq), step) in self.steps {
            readers.known.insert(room);
            let moment = (at, seq);
            match (step.turn, open.get(&(room, step.person)).copied()) {
                (Turn::Enters, None) => {
                    open.insert((room, step.person), readers.stays.len());
                    readers.stays.push(Stay::new(room, step, Some(moment), None));
                    readers.count(room, moment, true);
                }
                (Turn::Leaves, Some(at)) => {
                    open.remove(&(room, step.person));
                    if let Some(stay) = readers.stays.get_mut(at) {
                        stay.until = Some(moment);
                    }
                    readers.count(room, moment, false);
                }
                (Turn::Leaves, None) => {
                    readers.stays.push(Stay::new(room, step, None, Some(moment)));
                }
                (Turn::Removal, _) => readers.count(room, moment, false),
                // A second entry without a leaving between tells nothing new.
                (Turn::Enters, Some(_)) => {}
            }
        }
        readers.stays.sort_by_key(|stay| (stay.room, stay.person, stay.from, stay.until));
        readers
    }
}

/// A person's stay in a room.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(crate) room: RoomId,
    pub(crate) person: PersonId,
    pub(crate) name: String,
    pub(crate) from: Option<Moment>,
    pub(crate) until: Option<Moment>,
}

impl Stay {
    fn new(room: RoomId, step: Step, from: Option<Moment>, until: Option<Moment>) -> Self {
        Self { room, person: step.person, name: step.name, from, until }
    }
}

/// The stays of a package, and how many people were surely in a room at a moment.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    names: BTreeMap<RoomId, String>,
    known: BTreeSet<RoomId>,
    stays: Vec<Stay>,
    counts: HashMap<RoomId, Vec<(Moment, u64)>>,
}

impl Readers {
    fn count(&mut self, room: RoomId, moment: Moment, enters: bool) {
        let counts = self.counts.entry(room).or_default();
        let before = counts.last().map_or(0, |(_, count)| *count);
        let now = if enters { before.saturating_add(1) } else { before.saturating_sub(1) };
        counts.push((moment, now));
    }

    /// Returns the cell `readers_at_time`: `unknown`, or `at least` so many.
    pub(crate) fn at(&self, recorded: &Recorded) -> String {
        let Some(place) = &recorded.event.place else { return String::new() };
        if !self.known.contains(&place.room) {
            return "unknown".to_owned();
        }
        let moment = (recorded.event.at, recorded.seq);
        let counts = self.counts.get(&place.room).map_or(&[][..], Vec::as_slice);
        let after = counts.partition_point(|(at, _)| *at <= moment);
        let count =
            after.checked_sub(1).and_then(|at| counts.get(at)).map_or(0, |(_, count)| *count);
        format!("at least {count}")
    }

    /// Returns the stays, by room, person and time.
    pub(crate) fn stays(&self) -> &[Stay] {
        &self.stays
    }

    /// Returns the rooms that the package names and of whose membership it knows nothing.
    pub(crate) fn unknown_rooms(&self) -> impl Iterator<Item = (&RoomId, &str)> {
        let unknown = self.names.iter().filter(|(room, _)| !self.known.contains(*room));
        unknown.map(|(room, name)| (room, name.as_str()))
    }

    /// Returns the name of a room as its first event in the package gave it.
    pub(crate) fn room_name(&self, room: &RoomId) -> &str {
        self.names.get(room).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::testing::message;

    fn event(seq: u64, person: u8, kind: EventKind) -> Recorded {
        let mut event = message(seq, 1, person, "");
        event.kind = kind;
        Recorded {
            seq: Seq::new(seq).unwrap(),
            place_seq: None,
            place_prev: None,
            recorded_at: event.at,
            event,
        }
    }

    #[test]
    fn stays_are_joined_and_what_is_not_known_stays_open() {
        let events = [
            event(1, 1, EventKind::Join),
            event(2, 2, EventKind::Leave),
            event(3, 3, EventKind::Join),
            event(4, 1, EventKind::Leave),
            event(5, 1, EventKind::Message),
        ];
        let mut attendance = Attendance::default();
        for event in &events {
            attendance.observe(event);
        }
        let readers = attendance.settle();
        let ends: Vec<_> =
            readers.stays().iter().map(|s| (s.from.is_some(), s.until.is_some())).collect();
        assert_eq!(ends, [(true, true), (false, true), (true, false)]);
        assert_eq!(readers.at(&events[2]), "at least 2");
        assert_eq!(readers.at(&events[4]), "at least 1");
        assert_eq!(readers.unknown_rooms().count(), 0);
    }

    #[test]
    fn a_room_without_entries_has_unknown_readers() {
        let mut attendance = Attendance::default();
        let post = event(5, 1, EventKind::Message);
        attendance.observe(&post);
        let readers = attendance.settle();
        assert_eq!(readers.at(&post), "unknown");
        assert_eq!(readers.unknown_rooms().count(), 1);
    }
}
