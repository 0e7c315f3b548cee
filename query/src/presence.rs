//! Who could read which room when, as far as entries, leavings and lists of members tell. Pure: steps in, stays out.
//!
//! Nothing that a person may have been able to read is left out for want of knowledge: a stay whose beginning is not told
//! reaches back to the beginning of time, one whose end is not told goes on for ever, and both ends belong to it, since two
//! events of one moment may have happened in either order.

use std::collections::BTreeMap;

use chat::{EventKind, PersonId, Recorded, RoomId, Seq, Timestamp};

/// What an event says of a person's presence in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// They entered.
    Entered,
    /// They left, or were removed.
    Left,
    /// A list of members names them: they belong to the room, and nobody says since when.
    Listed,
}

impl Turn {
    /// Returns what an event of this kind says of its actor; nothing for a kind that changes nobody's presence. Whom a list
    /// of members names is no matter of the kind alone.
    pub const fn of(kind: EventKind) -> Option<Self> {
        if matches!(kind, EventKind::Join) {
            Some(Self::Entered)
        } else if matches!(kind, EventKind::Leave | EventKind::Kick) {
            Some(Self::Left)
        } else {
            None
        }
    }
}

/// One step of one person in one room. Steps are in the order of event time, equal times in that of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// When it happened, on the source's clock.
    pub at: Timestamp,
    /// Its place in the log.
    pub seq: Seq,
    /// What it says.
    pub turn: Turn,
}

impl Step {
    /// Returns whose presence an event changes, where, and how; nothing for one that changes nobody's.
    pub fn of(recorded: &Recorded) -> Option<(PersonId, RoomId, Self)> {
        let event = &recorded.event;
        let turn = Turn::of(event.kind)?;
        let (person, place) = (event.actor.as_ref()?, event.place.as_ref()?);
        Some((person.id, place.room, Self { at: event.at, seq: recorded.seq, turn }))
    }
}

/// A span of event time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stay {
    /// When it began; nothing where nobody tells.
    pub from: Option<Timestamp>,
    /// When it ended; nothing where nobody tells.
    pub until: Option<Timestamp>,
}

impl Stay {
    /// Returns whether a moment is within.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at <= until)
    }

    /// Returns whether every moment is within.
    pub const fn is_always(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }
}

/// Where someone was when: for each room, stays that do not touch each other, the earliest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presence(BTreeMap<RoomId, Vec<Stay>>);

impl Presence {
    /// Takes in all steps of one person in one room, in any order. Several persons may be taken in: then a stay of any of them
    /// counts.
    ///
    /// ```
    /// use chat::{RoomId, Seq, Timestamp};
    /// use query::{Presence, Step, Turn};
    ///
    /// let room = RoomId::from_bytes([1; 16]);
    /// let step = |at, seq, turn| {
    ///     let at = Timestamp::from_micros(at);
    ///     Step { at, seq: Seq::new(seq).unwrap(), turn }
    /// };
    /// let mut presence = Presence::default();
    /// presence.take_in(room, vec![step(90, 1, Turn::Left), step(20, 2, Turn::Entered)]);
    /// let stay = presence.stay(&room, Timestamp::from_micros(90)).unwrap();
    /// assert_eq!(stay.from, Some(Timestamp::from_micros(20)));
    /// assert_eq!(presence.stay(&room, Timestamp::from_micros(91)), None);
    /// ```
    pub fn take_in(&mut self, room: RoomId, mut steps: Vec<Step>) {
        steps.sort_unstable();
        let known = self.0.entry(room).or_default();
        known.extend(stays(&steps));
        *known = united(std::mem::take(known));
        if known.is_empty() {
            self.0.remove(&room);
        }
    }

    /// Returns the stay in a room that holds a moment.
    pub fn stay(&self, room: &RoomId, at: Timestamp) -> Option<Stay> {
        let stays = self.0.get(room)?;
        let begun = stays.partition_point(|stay| stay.from.is_none_or(|from| from <= at));
        stays.get(begun.checked_sub(1)?).copied().filter(|stay| stay.holds(at))
    }

    /// Returns whether nothing is known of any room.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the rooms, ascending, each with its stays: at least one, ascending, none touching another.
    pub fn rooms(&self) -> impl Iterator<Item = (&RoomId, &[Stay])> {
        self.0.iter().map(|(room, stays)| (room, stays.as_slice()))
    }
}

/// Joins steps in their order to stays.
fn stays(steps: &[Step]) -> Vec<Stay> {
    let mut stays = Vec::new();
    // The beginning of the stay that has not ended yet.
    let mut open: Option<Option<Timestamp>> = None;
    for step in steps {
        match step.turn {
            // An entry during a stay tells nothing new.
            Turn::Entered => open = open.or(Some(Some(step.at))),
            Turn::Listed => open = open.or(Some(None)),
            Turn::Left => {
                let from = open.take().unwrap_or(None);
                stays.push(Stay { from, until: Some(step.at) });
            }
        }
    }
    stays.extend(open.map(|from| Stay { from, until: None }));
    stays
}

/// Makes one of stays that touch each other.
fn united(mut stays: Vec<Stay>) -> Vec<Stay> {
    stays.sort_unstable();
    let mut united: Vec<Stay> = Vec::with_capacity(stays.len());
    for stay in stays {
        match united.last_mut() {
            Some(last) if touches(last, &stay) => {
                last.until = last.until.zip(stay.until).map(|(one, other)| one.max(other));
            }
            _ => united.push(stay),
        }
    }
    united
}

/// Returns whether a stay begins within an earlier one, or as that ends.
fn touches(earlier: &Stay, later: &Stay) -> bool {
    earlier.until.is_none_or(|until| later.from.is_none_or(|from| from <= until))
}

#[cfg(test)]
mod tests {
    use chat::testing::SeededRng;

    use super::*;

    const ROOM: RoomId = RoomId::from_bytes([7; 16]);

    fn step(at: i64, seq: u64, turn: Turn) -> Step {
        Step { at: Timestamp::from_micros(at), seq: Seq::new(seq).unwrap(), turn }
    }

    /// Steps at moments 10, 20, 30 … in the order of the log.
    fn stays_of(turns: &[Turn]) -> Vec<(Option<i64>, Option<i64>)> {
        let steps = turns
            .iter()
            .zip(1..)
            .map(|(turn, seq)| step(i64::try_from(seq).unwrap() * 10, seq, *turn));
        let mut presence = Presence::default();
        presence.take_in(ROOM, steps.collect());
        let micros = |time: Option<Timestamp>| time.map(Timestamp::micros);
        let rooms = presence.rooms().flat_map(|(_, stays)| stays.to_vec());
        rooms.map(|stay| (micros(stay.from), micros(stay.until))).collect()
    }

    #[test]
    fn entries_and_leavings_make_stays() {
        use Turn::{Entered, Left, Listed};
        for (turns, expected) in [
            (&[][..], &[][..]),
            (&[Entered], &[(Some(10), None)]),
            (&[Entered, Entered, Left], &[(Some(10), Some(30))]),
            (&[Entered, Left, Entered, Left], &[(Some(10), Some(20)), (Some(30), Some(40))]),
            (&[Left, Entered], &[(None, Some(10)), (Some(20), None)]),
            (&[Entered, Left, Left], &[(None, Some(30))]),
            (&[Listed], &[(None, None)]),
            (&[Listed, Entered, Left], &[(None, Some(30))]),
            (&[Entered, Left, Listed], &[(None, None)]),
        ] {
            assert_eq!(stays_of(turns), expected, "{turns:?}");
        }
    }

    #[test]
    fn only_kinds_that_change_presence_are_turns() {
        for kind in EventKind::KNOWN {
            let expected = match kind.word() {
                "join" => Some(Turn::Entered),
                "leave" | "kick" => Some(Turn::Left),
                _ => None,
            };
            assert_eq!(Turn::of(*kind), expected, "{}", kind.word());
        }
    }

    #[test]
    fn the_ends_of_a_stay_belong_to_it_and_equal_times_go_by_the_log() {
        let mut presence = Presence::default();
        let steps = vec![
            step(20, 3, Turn::Left),
            step(20, 2, Turn::Entered),
            step(50, 5, Turn::Left),
            step(40, 9, Turn::Entered),
        ];
        presence.take_in(ROOM, steps);
        for (at, expected) in
            [(19, false), (20, true), (21, false), (39, false), (40, true), (50, true), (51, false)]
        {
            let stay = presence.stay(&ROOM, Timestamp::from_micros(at));
            assert_eq!(stay.is_some(), expected, "{at}");
        }
        assert_eq!(presence.stay(&RoomId::from_bytes([8; 16]), Timestamp::from_micros(20)), None);
    }

    #[test]
    fn the_stays_of_several_persons_are_those_of_any_of_them() {
        let rng = SeededRng::new(11);
        for round in 0..300 {
            let mut presence = Presence::default();
            let mut apart = Vec::new();
            for _ in 0..3 {
                let steps: Vec<_> = (1..=rng.below(6))
                    .map(|seq| {
                        let turn = [Turn::Entered, Turn::Left, Turn::Entered, Turn::Listed];
                        let turn = turn[usize::try_from(rng.below(4)).unwrap()];
                        step(i64::try_from(rng.below(20)).unwrap(), seq, turn)
                    })
                    .collect();
                presence.take_in(ROOM, steps.clone());
                let mut alone = Presence::default();
                alone.take_in(ROOM, steps);
                apart.push(alone);
            }
            for at in (-1..22).map(Timestamp::from_micros) {
                let any = apart.iter().any(|alone| alone.stay(&ROOM, at).is_some());
                assert_eq!(presence.stay(&ROOM, at).is_some(), any, "round {round} at {at}");
            }
            let stays: Vec<_> = presence.rooms().flat_map(|(_, stays)| stays).collect();
            assert!(stays.windows(2).all(|pair| pair[0].until < pair[1].from), "round {round}");
        }
    }
}
