//! A log of a few rooms and people, in any order in which sources may bring it.

use chat::testing::SeededRng;
use chat::{Act, ChatEvent, Content, EventKind, Person, Place};

use super::*;
use crate::town::{day, person, room, seq, source};

/// Events of a log, one after another.
#[derive(Default)]
struct Log(Vec<ChatEvent>);

impl Log {
    fn add(&mut self, event: ChatEvent) {
        self.0.push(event);
    }

    fn ledger(&mut self, kind: EventKind, place: Option<u8>, act: Act) {
        let place = place.map(|number| Place { room: room(number), ..place_of() });
        let content = Content { act: Some(act), ..Content::default() };
        self.add(ChatEvent { origin: None, place, actor: None, kind, content, ..said(0, 0, 99) });
    }

    /// Declares a room of a source, and a person.
    fn declare(&mut self, in_room: u8, category: &str) {
        let act = Act::new("room-declared").with("source", source(0).to_string());
        self.ledger(
            EventKind::Room,
            Some(in_room),
            act.with("name", format!("room {in_room}")).with("category", category),
        );
    }

    fn name(&mut self, who: u8, name: &str) {
        let act = Act::new("person-declared").with("source", source(0).to_string());
        let act = act.with("person", person(who).to_string()).with("name", name);
        self.ledger(EventKind::Identity, None, act);
    }

    fn told(&self) -> Chronicle {
        let mut chronicle = Chronicle::default();
        for (number, event) in (1..).zip(&self.0) {
            chronicle.apply(&recorded(number, event.clone()));
        }
        chronicle
    }
}

fn recorded(number: u64, event: ChatEvent) -> Recorded {
    let recorded_at = day(100);
    Recorded { seq: seq(number), place_seq: None, place_prev: None, recorded_at, event }
}

fn place_of() -> Place {
    chat::testing::message(0, 0, 1, "").place.unwrap()
}

fn said(in_room: u8, by: u8, on: i64) -> ChatEvent {
    let message = chat::testing::message(1, in_room, by, "words");
    let actor = Person { id: person(by), ..message.actor.clone().unwrap() };
    let place = Place { room: room(in_room), ..message.place.clone().unwrap() };
    ChatEvent { at: day(on), actor: Some(actor), place: Some(place), ..message }
}

fn turn(kind: EventKind, in_room: u8, by: u8, on: i64) -> ChatEvent {
    ChatEvent { kind, ..said(in_room, by, on) }
}

fn custodian(alias: Alias) -> Custodian {
    Custodian { name: "somebody".to_owned(), aliases: vec![alias] }
}

fn reads(chronicle: &Chronicle, in_room: u8, who: u8, on: i64) -> Option<bool> {
    chronicle.could_read(&room(in_room), day(on), &custodian(Alias::person(person(who))))
}

#[test]
fn who_came_and_went_could_read_between_and_not_before_or_after() {
    let mut log = Log::default();
    log.add(turn(EventKind::Join, 1, 9, 1));
    log.add(turn(EventKind::Join, 1, 2, 3));
    log.add(said(1, 2, 4));
    log.add(turn(EventKind::Leave, 1, 2, 6));
    let told = log.told();
    let answers: Vec<_> = [2, 3, 5, 6, 7].map(|on| reads(&told, 1, 2, on)).into();
    assert_eq!(answers, [Some(false), Some(true), Some(true), Some(true), Some(false)]);
    assert_eq!(
        reads(&told, 1, 3, 5),
        Some(false),
        "nothing speaks of them, and others are told of"
    );
}

#[test]
fn nobody_is_said_not_to_have_read_where_comings_and_goings_are_not_told() {
    let mut log = Log::default();
    log.add(said(1, 2, 4));
    log.add(turn(EventKind::Join, 1, 9, 10));
    let told = log.told();
    assert_eq!(reads(&told, 1, 3, 4), None, "before the first coming that is told");
    assert_eq!(reads(&told, 1, 3, 10), Some(false));
    assert_eq!(reads(&told, 2, 3, 10), None, "a room of which nothing is told");
}

#[test]
fn who_did_something_where_nobody_tells_of_them_may_have_been_there_at_any_time() {
    let mut log = Log::default();
    log.add(turn(EventKind::Join, 1, 9, 1));
    log.add(turn(EventKind::Join, 1, 2, 3));
    log.add(turn(EventKind::Leave, 1, 2, 6));
    assert_eq!(reads(&log.told(), 1, 2, 8), Some(false));
    log.add(said(1, 2, 9));
    let told = log.told();
    assert_eq!(reads(&told, 1, 2, 8), None, "they wrote afterwards: a coming was not told");
    assert_eq!(reads(&told, 1, 2, 5), Some(true));
    assert_eq!(reads(&told, 1, 3, 8), Some(false), "that says nothing of others");
}

#[test]
fn whom_a_list_of_members_names_could_read_by_every_name_of_theirs() {
    let mut log = Log::default();
    log.declare(1, "trade");
    log.name(2, "Bo Beta");
    let members = vec!["bo BETA".to_owned(), "Stranger".to_owned()];
    log.ledger(EventKind::Member, Some(1), Act::new("members-named").with("members", members));
    log.add(turn(EventKind::Join, 1, 9, 1));
    let told = log.told();
    let by = |alias| told.could_read(&room(1), day(5), &custodian(alias));
    assert_eq!(by(Alias::person(person(2))), Some(true));
    assert_eq!(by(Alias::name("Bo Beta")), Some(true));
    assert_eq!(by(Alias::name("stranger")), Some(true), "a list names somebody else");
    assert_eq!(by(Alias::name("nobody")), Some(false));
    let elsewhere = Alias { source: Some(source(1)), ..Alias::name("Bo Beta") };
    assert_eq!(by(elsewhere), Some(false), "the name counts at another source alone");
    let later = Alias { from: Some(day(6)), ..Alias::name("Bo Beta") };
    assert_eq!(by(later), Some(false), "the name was not theirs yet");
}

#[test]
fn the_order_in_which_sources_bring_events_changes_no_answer() {
    for seed in 1..=60 {
        let rng = SeededRng::new(seed);
        let mut log = Log::default();
        for number in 0..30 {
            let (in_room, by) = (few(&rng, 3), few(&rng, 3));
            let on = i64::try_from(number * 3 + rng.below(3)).unwrap();
            log.add(match rng.below(4) {
                0 => turn(EventKind::Join, in_room, by, on),
                1 => turn(EventKind::Leave, in_room, by, on),
                _ => said(in_room, by, on),
            });
        }
        let mut shuffled = Log(log.0.clone());
        for last in (1..shuffled.0.len()).rev() {
            let other = rng.below(u64::try_from(last).unwrap() + 1);
            shuffled.0.swap(last, usize::try_from(other).unwrap());
        }
        let (told, again) = (log.told(), shuffled.told());
        for on in 0..95 {
            for (in_room, who) in (0..3).flat_map(|room| (0..3).map(move |who| (room, who))) {
                let answer = reads(&told, in_room, who, on);
                assert_eq!(answer, reads(&again, in_room, who, on), "seed {seed}, day {on}");
                let wrote = log.0.iter().any(|event| {
                    *event == said(in_room, who, on) && event.kind == EventKind::Message
                });
                assert!(!wrote || answer != Some(false), "seed {seed}: who wrote was there");
            }
        }
    }
}

fn few(rng: &SeededRng, many: u64) -> u8 {
    u8::try_from(rng.below(many)).unwrap()
}

#[test]
fn an_answer_that_was_given_before_is_not_given_again_after_more_was_told() {
    let mut chronicle = Chronicle::default();
    chronicle.apply(&recorded(1, turn(EventKind::Join, 1, 9, 1)));
    assert_eq!(reads(&chronicle, 1, 2, 5), Some(false));
    chronicle.apply(&recorded(2, turn(EventKind::Join, 1, 2, 4)));
    assert_eq!(reads(&chronicle, 1, 2, 5), Some(true));
    chronicle.apply(&recorded(2, turn(EventKind::Leave, 1, 2, 4)));
    assert_eq!((reads(&chronicle, 1, 2, 5), chronicle.folded()), (Some(true), Some(seq(2))));
}

#[test]
fn comings_and_goings_that_were_destroyed_are_told_by_their_headers_in_any_order() {
    let mut log = Log::default();
    log.add(turn(EventKind::Join, 1, 9, 1));
    log.add(turn(EventKind::Join, 1, 2, 3));
    log.add(turn(EventKind::Leave, 1, 2, 6));
    log.add(said(1, 3, 8));
    let whole = log.told();
    for gone in [1, 2, 3, 4] {
        let mut left = Chronicle::default();
        for (number, event) in (1..).zip(&log.0).filter(|(number, _)| *number != gone) {
            left.apply(&recorded(number, event.clone()));
        }
        // The question before must not be the answer after.
        let _asked = reads(&left, 1, 2, 5);
        let event = &log.0[usize::try_from(gone).unwrap() - 1];
        left.apply_residue(&Residue {
            seq: seq(gone),
            kind: event.kind,
            at: event.at,
            room: event.place.as_ref().map(|place| place.room),
            actor: event.actor.as_ref().map(|person| person.id),
        });
        for (who, on) in (1..4).flat_map(|who| (0..10).map(move |on| (who, on))) {
            let expected = reads(&whole, 1, who, on);
            assert_eq!(reads(&left, 1, who, on), expected, "without {gone}: {who} on {on}");
        }
        assert_eq!(left.last_activity(&room(1)), Some(day(8)));
    }
}

#[test]
fn categories_are_told_as_they_are_and_as_they_were() {
    let mut log = Log::default();
    log.declare(1, "Trade");
    log.ledger(EventKind::Room, Some(1), Act::new("room-changed").with("category", "Social"));
    let told = log.told();
    assert!(told.is_in_category(&room(1), "social") && !told.is_in_category(&room(1), "trade"));
    assert!(told.was_in_category(&room(1), "trade") && told.was_in_category(&room(1), "social"));
    assert_eq!(told.categories(), ["social".to_owned(), "trade".to_owned()].into());
}

#[test]
fn what_the_ledger_says_of_a_room_is_no_life_in_it() {
    let mut log = Log::default();
    log.declare(1, "trade");
    assert_eq!(log.told().last_activity(&room(1)), None);
    log.add(said(1, 2, 7));
    log.add(turn(EventKind::Leave, 1, 2, 4));
    log.ledger(EventKind::Rename, Some(1), Act::new("room-renamed").with("to", "x"));
    assert_eq!(log.told().last_activity(&room(1)), Some(day(7)));
}

#[test]
fn what_exists_is_known_and_a_strange_name_is_answered_with_the_nearest() {
    let mut log = Log::default();
    log.declare(1, "trade");
    for (who, name) in [(2, "Bo Beta"), (3, "Ann Alpha"), (4, "Bob Better"), (5, "Zed")] {
        log.name(who, name);
    }
    log.add(said(1, 2, 7));
    let told = log.told();
    assert!(told.has_room(&room(1)) && !told.has_room(&room(2)));
    assert!(told.has_person(&person(2)) && !told.has_person(&person(9)));
    assert!(told.has_source(&chat::testing::message(1, 1, 1, "").origin.unwrap().source));
    assert!(!told.has_source(&source(77)));
    assert_eq!(told.nearest_names("ann alpha"), ["ann alpha"]);
    assert_eq!(told.nearest_names("bo betta")[0], "bo beta");
    assert_eq!(told.nearest_names("bo betta").len(), 3);
}
