//! Rooms of direct messages: who takes part in which, so that `to:` finds what was said to someone.
//!
//! Those who take part are the members that the ledger names and whoever wrote there. The ledger is folded at every start;
//! who wrote is told by the records of authors, which whoever follows the log keeps, so that the log need not be read again.

use std::collections::HashMap;

use chat::{Act, Fact, PersonId, Recorded, RoomId};

use crate::analysis::fold;

/// Bytes of an author's record at most, which is a term of the index.
const AUTHOR_BYTES_MAX: usize = 60_000;

/// For each folded name, address or id: in which rooms of direct messages it takes part, and since which event.
#[derive(Debug, Default)]
pub(super) struct Partners(HashMap<String, HashMap<RoomId, u64>>);

impl Partners {
    /// Takes in the members that an act of the ledger names.
    pub(super) fn name(&mut self, room: RoomId, act: &Act, seq: u64) {
        let Some(Fact::List(members)) = act.facts.get("members") else { return };
        for member in members {
            if let Fact::Text(name) = member {
                self.note(room, fold(name), seq);
            }
        }
    }

    /// Takes in the author of an event of a room of direct messages, in any order and as often as it comes.
    pub(super) fn wrote(&mut self, recorded: &Recorded) {
        if let Some(author) = author(recorded) {
            self.read(&author, recorded.seq.get());
        }
    }

    /// Takes in an author's record.
    pub(super) fn read(&mut self, author: &[u8], seq: u64) {
        let Some((room, rest)) = author.split_first_chunk() else { return };
        let Some((person, mut rest)) = rest.split_first_chunk() else { return };
        let room = RoomId::from_bytes(*room);
        self.note(room, PersonId::from_bytes(*person).to_string(), seq);
        while let Some((length, after)) = rest.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes(*length));
            let Some((name, after)) = after.split_at_checked(length) else { return };
            if let Ok(name) = std::str::from_utf8(name) {
                self.note(room, name.to_owned(), seq);
            }
            rest = after;
        }
    }

    fn note(&mut self, room: RoomId, name: String, seq: u64) {
        let since = self.0.entry(name).or_default().entry(room).or_insert(seq);
        *since = seq.min(*since);
    }

    /// Returns whether someone of this name takes part in the room as of the first `size` events.
    pub(super) fn take_part(&self, room: &RoomId, name: &str, size: u64) -> bool {
        self.0.get(name).and_then(|rooms| rooms.get(room)).is_some_and(|since| *since <= size)
    }

    /// Returns the rooms in which someone of this name takes part as of the first `size` events.
    pub(super) fn rooms_of(&self, name: &str, size: u64) -> impl Iterator<Item = RoomId> {
        let rooms = self.0.get(name).into_iter().flatten();
        rooms.filter(move |(_, since)| **since <= size).map(|(room, _)| *room)
    }
}

/// Returns the record of an event's author: the ids of room and person, then each folded name after its length. Nothing where the
/// event has no room or nobody did it, or where the names are too long to be one of an index's terms.
pub fn author(recorded: &Recorded) -> Option<Vec<u8>> {
    let (place, person) = (recorded.event.place.as_ref()?, recorded.event.actor.as_ref()?);
    let mut author = place.room.as_bytes().to_vec();
    author.extend_from_slice(person.id.as_bytes());
    for name in [Some(&person.name), person.foreign_id.as_ref(), person.email.as_ref()] {
        let Some(folded) = name.map(|name| fold(name)) else { continue };
        author.extend_from_slice(&u16::try_from(folded.len()).ok()?.to_be_bytes());
        author.extend_from_slice(folded.as_bytes());
    }
    (author.len() <= AUTHOR_BYTES_MAX).then_some(author)
}

#[cfg(test)]
mod tests {
    use chat::Seq;

    use super::*;

    #[test]
    fn an_authors_record_reads_back_and_the_first_event_counts() {
        let mut event = chat::testing::message(1, 7, 9, "hello");
        event.actor.as_mut().unwrap().email = Some("Nine@Example.com".to_owned());
        let recorded = |seq| Recorded {
            seq: Seq::new(seq).unwrap(),
            place_seq: None,
            place_prev: None,
            recorded_at: event.at,
            event: event.clone(),
        };
        let mut partners = Partners::default();
        partners.wrote(&recorded(12));
        partners.wrote(&recorded(8));
        let room = RoomId::from_bytes([7; 16]);
        for name in ["person 9", "nine@example.com", &"09".repeat(16)] {
            assert!(partners.take_part(&room, name, 8), "{name}");
            assert!(!partners.take_part(&room, name, 7), "{name}");
            assert_eq!(partners.rooms_of(name, 9).collect::<Vec<_>>(), [room]);
        }
        partners.read(&[7; 20], 1);
        partners.read(&[7; 40], 1);
        assert_eq!(partners.rooms_of("person 8", 99).count(), 0);
    }
}
