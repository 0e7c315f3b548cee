//! Who could read a message: the same in the tail, in the lists, after a rebuild and after the index was reopened.

use chat::testing::message;
use chat::{Act, ChatEvent, Content, EventKind, PersonId, Place, RoomId, SourceId};

use super::bench::{Bench, parse, seqs};
use super::corpus::seq;
use crate::{Index, Scope};

/// What a room or person is declared as.
fn declared(kind: EventKind, room: u8, act: Act) -> ChatEvent {
    let event = message(1, room, 1, "");
    let content = Content { act: Some(act), ..Content::default() };
    let place = event.place.clone().filter(|_| kind != EventKind::Identity);
    ChatEvent { kind, origin: None, actor: None, place, content, ..event }
}

fn person(number: u8, source: u8, name: &str) -> ChatEvent {
    let act = Act::new("person-declared")
        .with("person", PersonId::from_bytes([number; 16]).to_string())
        .with("source", SourceId::from_bytes([source; 16]).to_string())
        .with("name", name);
    declared(EventKind::Identity, 1, act)
}

fn room(number: u8, source: u8) -> Act {
    let source = SourceId::from_bytes([source; 16]).to_string();
    Act::new("room-declared").with("source", source).with("name", format!("room {number}"))
}

fn members(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Something that a person does in a room at a minute.
fn does(kind: EventKind, minute: u64, room: u8, person: u8) -> ChatEvent {
    ChatEvent { kind, ..message(minute, room, person, "word") }
}

/// Runs a check in every state of the index.
fn in_every_state(bench: &mut Bench, check: impl Fn(&Bench, &str)) {
    check(bench, "tail");
    bench.index.catch_up().unwrap();
    check(bench, "lists");
    bench.index.reindex(&|_, _| {}).unwrap();
    check(bench, "rebuilt");
    bench.reopen();
    check(bench, "reopened");
}

#[test]
fn a_participant_is_who_wrote_or_was_in_the_room_then_whatever_came_in_first() {
    let mut bench = Bench::new();
    let said = |minute| does(EventKind::Message, minute, 1, 5);
    bench.append(vec![
        declared(EventKind::Room, 1, room(1, 1)),
        person(4, 1, "Ann"),
        person(5, 1, "Bo"),
        said(10),
        said(20),
        said(30),
        said(40),
        said(50),
        said(60),
    ]);
    let before = bench.index.newest();
    bench.append(vec![
        // Ann's leaving without an entry, a stay with a second entry, and a kick after another entry; the last first.
        does(EventKind::Kick, 50, 1, 4),
        does(EventKind::Join, 45, 1, 4),
        does(EventKind::Leave, 30, 1, 4),
        does(EventKind::Join, 29, 1, 4),
        does(EventKind::Join, 25, 1, 4),
        does(EventKind::Leave, 10, 1, 4),
    ]);
    in_every_state(&mut bench, |bench, state| {
        assert_eq!(seqs(&bench.search("participant:ann")), [8, 6, 4], "{state}");
        assert_eq!(bench.search("participant:ann").count, 3, "{state}");
        assert_eq!(seqs(&bench.search("NOT participant:ann")), [9, 7, 5], "{state}");
        assert_eq!(seqs(&bench.search("participant:bo")), [9, 8, 7, 6, 5, 4], "{state}");
        assert_eq!(bench.search("participant:carl").count, 0, "{state}");
        let scope = Scope::of_officer();
        let then = bench.index.seqs(&parse("participant:ann"), &scope, &before).unwrap();
        assert_eq!(then, [], "nobody knew of her then, {state}");
        let other = Scope::of_rooms(vec![RoomId::from_bytes([2; 16])]);
        let newest = bench.index.newest();
        assert_eq!(bench.index.seqs(&parse("participant:ann"), &other, &newest).unwrap(), []);
        judged_alike(
            &bench.index,
            &["participant:ann", "participant:bo"],
            &bench.search("").hits,
            bench,
        );
    });
}

/// Claims that the matcher, asked of each event, says what the search says.
fn judged_alike(index: &Index, texts: &[&str], hits: &[crate::Hit], bench: &Bench) {
    for text in texts {
        let query = parse(text);
        let state = index.state_for(&query, &index.newest()).unwrap();
        let found = seqs(&bench.search(text));
        for hit in hits {
            let recorded = bench.archive.read(hit.seq).unwrap().unwrap();
            let explained = query::explain(&query, &index.analysed(&recorded), &state);
            let expected = found.contains(&hit.seq.get());
            assert_eq!(explained.matched, expected, "{text} {}: {explained:?}", hit.seq);
        }
    }
}

#[test]
fn a_nickname_of_two_sources_is_two_persons_with_stays_of_their_own() {
    let mut bench = Bench::new();
    bench.append(vec![
        declared(EventKind::Room, 1, room(1, 1)),
        declared(EventKind::Room, 2, room(2, 2)),
        person(4, 1, "nick"),
        person(6, 2, "nick"),
        does(EventKind::Join, 10, 1, 4),
        does(EventKind::Join, 20, 2, 6),
        does(EventKind::Leave, 30, 2, 6),
        does(EventKind::Message, 15, 1, 9),
        does(EventKind::Message, 15, 2, 9),
        does(EventKind::Message, 35, 1, 9),
        does(EventKind::Message, 35, 2, 9),
        does(EventKind::Message, 30, 2, 9),
    ]);
    let id = PersonId::from_bytes([6; 16]).to_string();
    in_every_state(&mut bench, |bench, state| {
        assert_eq!(seqs(&bench.search("participant:nick")), [10, 12, 8], "{state}");
        assert_eq!(seqs(&bench.search(&format!("participant:{id}"))), [12], "{state}");
    });
}

#[test]
fn a_list_of_members_counts_from_the_beginning_until_they_leave() {
    let mut bench = Bench::new();
    let named = Act::new("members-named").with("members", members(&["Ann", "Guest"]));
    let direct = room(3, 1).with("kind", "direct").with("members", members(&["Ann", "Bo"]));
    bench.append(vec![
        declared(EventKind::Room, 1, room(1, 1)),
        declared(EventKind::Room, 2, room(2, 2).with("members", members(&["Ann"]))),
        declared(EventKind::Room, 3, direct),
        person(4, 1, "Ann"),
        declared(EventKind::Member, 1, named),
        does(EventKind::Message, 10, 1, 9),
        does(EventKind::Leave, 20, 1, 4),
        does(EventKind::Message, 30, 1, 9),
        does(EventKind::Message, 40, 2, 9),
        does(EventKind::Message, 50, 3, 9),
    ]);
    in_every_state(&mut bench, |bench, state| {
        // Another source's Ann is somebody else, who was never seen to leave.
        assert_eq!(seqs(&bench.search("participant:ann")), [10, 9, 6], "{state}");
        assert_eq!(seqs(&bench.search("participant:guest")), [8, 6], "{state}");
        assert_eq!(seqs(&bench.search("participant:bo")), [10], "{state}");
        let texts = ["participant:ann", "participant:guest", "participant:bo"];
        judged_alike(&bench.index, &texts, &bench.search("").hits, bench);
    });
}

#[test]
fn stays_in_many_rooms_are_found_in_one_go() {
    let mut bench = Bench::new();
    let mut events = vec![person(4, 1, "Ann")];
    for number in 0..3_000_u64 {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let place = Some(Place { room: RoomId::from_bytes(id), name: format!("r{number}") });
        for (kind, minute, person) in [
            (EventKind::Join, number + 2, 4),
            (EventKind::Message, number + 1, 9),
            (EventKind::Message, number + 3, 9),
            (EventKind::Leave, number + 4, 4),
            (EventKind::Message, number + 5, 9),
        ] {
            events.push(ChatEvent { place: place.clone(), ..does(kind, minute, 1, person) });
        }
    }
    bench.append(events);
    bench.index.catch_up().unwrap();
    let found = bench.search("participant:ann");
    assert_eq!(found.count, 3_000);
    assert_eq!(found.hits[0].seq, seq(1 + 2_999 * 5 + 3));
    assert_eq!(
        bench.search("participant:ann kind:join OR participant:ann kind:leave").count,
        6_000
    );
    assert_eq!(bench.search("word -participant:ann").count, 6_000);
}
