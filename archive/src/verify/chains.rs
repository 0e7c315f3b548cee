//! Rooms: every room's events are one chain, numbered from 1 without a gap, each naming the one before (proof.md §3, §8).

use std::collections::HashMap;

use chat::{RoomId, Seq};

use super::by_room::ByRoom;
use super::report::{FindingKind, Findings};
use super::rows::{Place, Row};

/// Where each room's chain stands.
#[derive(Debug, Default)]
pub(super) struct Chains {
    heads: ByRoom<Head>,
    /// Events so far whose room is not known: blanked, or not readable.
    unknown: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Head {
    place_seq: u64,
    seq: u64,
    unknown: u64,
}

impl Chains {
    /// Returns the newest event so far of each room; nothing if one was met whose room is not known.
    pub(super) fn heads(&self) -> Option<HashMap<RoomId, u64>> {
        let heads = self.heads.iter().map(|(room, head)| (RoomId::from_bytes(*room), head.seq));
        (self.unknown == 0).then(|| heads.collect())
    }

    /// Passes over an event that could not be read: it may belong to any room.
    pub(super) fn skip(&mut self) {
        self.unknown = self.unknown.saturating_add(1);
    }

    /// Takes the next event; its numbers must go on where its room stands.
    pub(super) fn take(&mut self, row: &Row, findings: &mut Findings) {
        match row.place {
            None => self.skip(),
            Some(Place::None) => {}
            Some(Place::In { room, place_seq, place_prev }) => {
                let head = self.heads.of(room);
                if !head.is_continued(place_seq, place_prev, self.unknown) {
                    let (room, seq) = (RoomId::from_bytes(room), row.seq);
                    let what = format!(
                        "event {seq} is number {place_seq} of room {room} after event {place_prev}; due was number {} after event {}",
                        head.place_seq.saturating_add(1),
                        head.seq,
                    );
                    let from = Seq::new(head.seq).unwrap_or(seq);
                    findings.add(FindingKind::Place, what, Some((from, seq)));
                }
                *head = Head { place_seq, seq: row.seq.get(), unknown: self.unknown };
            }
        }
    }
}

impl Head {
    /// Returns whether an event goes on here. Where events in between are unknown, as many as are missing may be theirs.
    fn is_continued(self, place_seq: u64, place_prev: u64, unknown: u64) -> bool {
        let gap = place_seq.checked_sub(self.place_seq).and_then(|step| step.checked_sub(1));
        match gap {
            Some(0) => place_prev == self.seq,
            Some(gap) => gap <= unknown.saturating_sub(self.unknown) && place_prev > self.seq,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: u64, place: Option<Place>) -> Row {
        Row { seq: Seq::new(seq).unwrap(), leaf: [0; 32], place, is_whole: true, files: Vec::new() }
    }

    fn in_room(seq: u64, place_seq: u64, place_prev: u64) -> Row {
        row(seq, Some(Place::In { room: [1; 16], place_seq, place_prev }))
    }

    fn findings(rows: &[Row]) -> usize {
        let (mut chains, mut findings) = (Chains::default(), Findings::default());
        for row in rows {
            chains.take(row, &mut findings);
        }
        findings.into_list().len()
    }

    #[test]
    fn a_dense_chain_is_well_and_every_break_of_it_is_found() {
        assert_eq!(findings(&[in_room(1, 1, 0), row(2, Some(Place::None)), in_room(3, 2, 1)]), 0);
        assert_eq!(findings(&[in_room(1, 1, 0), in_room(3, 3, 2)]), 1);
        assert_eq!(findings(&[in_room(1, 1, 0), in_room(3, 2, 2)]), 1);
        assert_eq!(findings(&[in_room(1, 1, 0), in_room(3, 1, 0)]), 1);
        assert_eq!(findings(&[in_room(2, 2, 1)]), 1);
    }

    #[test]
    fn a_blanked_event_may_fill_a_gap_once() {
        assert_eq!(findings(&[in_room(1, 1, 0), row(2, None), in_room(3, 3, 2)]), 0);
        assert_eq!(findings(&[in_room(1, 1, 0), row(2, None), in_room(3, 4, 2)]), 1);
        let twice = [in_room(1, 1, 0), row(2, None), in_room(3, 3, 2), in_room(5, 5, 4)];
        assert_eq!(findings(&twice), 1);
    }
}
