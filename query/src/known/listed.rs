//! Whom lists of members name, and when: what `participant:` knows beside entries and leavings.

use std::collections::HashMap;

use chat::{Act, Fact, Recorded, RoomId, Seq, Timestamp};

use crate::analysis::fold;
use crate::presence::{Step, Turn};

/// For each folded name, address or id, and each room, the lists that name it, in the order of the log.
///
/// Of several lists only the latest by event time counts, since none tells since when somebody belongs to a room: so one
/// that happened before another that is known is not kept.
#[derive(Debug, Default)]
pub(super) struct Listed(HashMap<String, HashMap<RoomId, Vec<(u64, Timestamp)>>>);

impl Listed {
    /// Takes in the members that an act of the ledger names in a room. Acts come in the order of the log.
    pub(super) fn name(&mut self, room: RoomId, act: &Act, recorded: &Recorded) {
        let Some(Fact::List(members)) = act.facts.get("members") else { return };
        let (seq, at) = (recorded.seq.get(), recorded.event.at);
        for member in members {
            let Fact::Text(name) = member else { continue };
            let lists = self.0.entry(fold(name)).or_default().entry(room).or_default();
            if lists.last().is_none_or(|(last, latest)| *last < seq && *latest <= at) {
                lists.push((seq, at));
            }
        }
    }

    /// Returns the rooms of which a list names someone so, each with the list that counts, as of the first `size` events.
    pub(super) fn rooms_of(&self, name: &str, size: u64) -> impl Iterator<Item = (RoomId, Step)> {
        self.0.get(name).into_iter().flatten().filter_map(move |(room, lists)| {
            let known = lists.partition_point(|(seq, _)| *seq <= size);
            let (seq, at) = *lists.get(known.checked_sub(1)?)?;
            Some((*room, Step { at, seq: Seq::new(seq)?, turn: Turn::Listed }))
        })
    }
}

#[cfg(test)]
mod tests {
    use chat::EventKind;

    use super::*;

    #[test]
    fn the_latest_list_counts_as_of_a_snapshot() {
        let room = RoomId::from_bytes([7; 16]);
        let mut listed = Listed::default();
        for (seq, minute, names) in
            [(2, 30, ["Ada", "Bo"]), (4, 10, ["Ada", "X"]), (6, 40, ["Ada", "Y"])]
        {
            let mut event = chat::testing::message(minute, 7, 1, "");
            event.kind = EventKind::Member;
            let members: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
            let act = Act::new("members-named").with("members", members);
            let recorded = Recorded {
                seq: Seq::new(seq).unwrap(),
                place_seq: None,
                place_prev: None,
                recorded_at: event.at,
                event,
            };
            listed.name(room, &act, &recorded);
        }
        let lists = |name: &str, size| {
            let rooms = listed.rooms_of(name, size);
            rooms.map(|(_, step)| step.seq.get()).collect::<Vec<_>>()
        };
        assert_eq!((lists("ada", 1), lists("ada", 2), lists("ada", 5)), (vec![], vec![2], vec![2]));
        assert_eq!((lists("ada", 6), lists("bo", 9), lists("x", 3)), (vec![6], vec![2], vec![]));
    }
}
