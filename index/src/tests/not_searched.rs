//! What is said not to be searched is what a search for it finds: in every state, snapshot and scope, however often it is asked.

use chat::testing::{SeededRng, message};
use chat::{Attachment, ChatEvent, Custody, EventKind, RoomId};

use super::bench::{Bench, parse};
use crate::{NotSearched, Page, Scope, Snapshot, SnapshotChoice};

fn event(rng: &SeededRng) -> ChatEvent {
    let room = u8::try_from(1 + rng.below(3)).unwrap();
    let mut event = message(1, room, 1, "budget");
    match rng.below(6) {
        0 => event.kind = EventKind::Quarantined,
        1 => event.kind = EventKind::Officer,
        2 | 3 => event.content.attachments.push(Attachment {
            name: "plan.pdf".to_owned(),
            media_type: None,
            address: None,
            custody: Custody::Missing { reason: "gone".to_owned(), claimed_bytes: None },
        }),
        _ => {}
    }
    if event.kind == EventKind::Quarantined {
        (event.place, event.actor) = (None, None);
    }
    event
}

fn searched(bench: &Bench, scope: &Scope, snapshot: &Snapshot) -> NotSearched {
    let (choice, page) = (SnapshotChoice::At(*snapshot), Page::newest(0));
    let count = |text| bench.index.search(&parse(text), scope, &choice, &page).unwrap().count;
    NotSearched {
        attachments_without_text: count("has:file"),
        quarantined: count("kind:quarantined"),
    }
}

#[test]
fn what_was_not_searched_is_what_a_search_for_it_counts() {
    let rng = SeededRng::new(11);
    let mut bench = Bench::new();
    let mut snapshots = Vec::new();
    let scopes = [Scope::of_officer(), Scope::of_rooms(vec![RoomId::from_bytes([2; 16])])];
    let compare = |bench: &Bench, snapshots: &[Snapshot], state: &str| {
        for (snapshot, scope) in
            snapshots.iter().flat_map(|at| scopes.each_ref().map(|scope| (at, scope)))
        {
            let told = format!("{state}, {} events, {scope:?}", snapshot.size);
            let expected = searched(bench, scope, snapshot);
            assert_eq!(bench.index.not_searched(scope, snapshot).unwrap(), expected, "{told}");
            let choice = SnapshotChoice::At(*snapshot);
            let found =
                bench.index.find(&parse("budget"), scope, &choice, &Page::newest(3)).unwrap();
            assert_eq!(found.not_searched, expected, "{told}");
        }
    };
    for round in 0..6 {
        bench.append((0..40).map(|_| event(&rng)).collect());
        snapshots.push(bench.index.newest());
        compare(&bench, &snapshots, &format!("round {round}, some in the tail"));
        if round % 2 == 1 {
            bench.index.catch_up().unwrap();
            compare(&bench, &snapshots, &format!("round {round}, committed"));
        }
    }
    let all = searched(&bench, &scopes[0], &bench.index.newest());
    assert!(all.attachments_without_text > 20 && all.quarantined > 10, "{all:?}");
    bench.reopen();
    compare(&bench, &snapshots, "reopened");
}
