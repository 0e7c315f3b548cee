//! Claims about passes over headers: they find what a reading of the whole log finds, and read no more than they must.

use std::collections::HashSet;
use std::ops::ControlFlow;

use chat::testing::SeededRng;
use chat::{EventKind, RoomId, Seq};

use super::{Numbers, ports, read_all, still};
use crate::headers::Sought;
use crate::{Archive, Creation, record};

#[test]
fn a_pass_over_headers_finds_what_a_reading_of_the_whole_log_finds() {
    let folder = tempfile::tempdir().unwrap();
    let archive =
        Archive::create(&folder.path().join("a"), &Creation::default(), still(), ports(1)).unwrap();
    let mut numbers = Numbers::default();
    for round in 0..3 {
        archive.append(numbers.events(2_500)).unwrap().wait().unwrap();
        if round < 2 {
            archive.seal().unwrap();
        }
    }
    let all: Vec<_> = read_all(&archive).unwrap().iter().map(record::header).collect();
    let seed = 11;
    let rng = SeededRng::new(seed);
    let kinds = [EventKind::Message, EventKind::Officer, EventKind::Edit];
    for round in 0..60 {
        let rooms: HashSet<_> =
            (0..rng.below(3)).map(|n| RoomId::from_bytes([u8::try_from(n).unwrap(); 16])).collect();
        let first = usize::try_from(rng.below(3)).unwrap();
        let from = 1 + rng.below(7_600);
        let sought = Sought {
            rooms: (rng.below(3) > 0).then_some(&rooms),
            kinds: (rng.below(2) > 0).then_some(&kinds[first..]),
            from: Seq::new(from).unwrap(),
            until: Seq::new(from + rng.below(3_000)).unwrap(),
        };
        let most = usize::try_from(1 + rng.below(2_000)).unwrap();
        let expected = all.iter().filter(|header| {
            let room = header.id(2).map(|id| RoomId::from_bytes(*id));
            let of_kind = |kinds: &[EventKind]| kinds.iter().any(|k| k.code() == header.kind);
            (sought.from.get()..=sought.until.get()).contains(&header.seq)
                && sought.kinds.is_none_or(of_kind)
                && sought.rooms.is_none_or(|rooms| room.is_some_and(|room| rooms.contains(&room)))
        });
        let expected: Vec<_> = expected.take(most).cloned().collect();
        let mut found = Vec::new();
        let taken = archive.headers(&sought, &mut |header| {
            found.push(header.clone());
            if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        taken.unwrap();
        assert_eq!(found, expected, "seed {seed}, round {round}: {sought:?}");
    }
}
